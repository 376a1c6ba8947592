package emv

import "fmt"

// AnyKernel is a requested kernel identifier that every kernel fits.
const AnyKernel = 0

// RequestedKernel is the kernel that a directory entry asks for with its
// kernel identifier, tag 9F2A, and its AID: the AID's default when the
// identifier is absent or empty; the whole first byte when bits 8-7 are 00 or
// 01; with 10 or 11 that byte when its low six bits are zero, or else the
// first three bytes. An identifier of the latter kind with fewer than three
// bytes is false: the entry is skipped (EMV Book B, 3.3.2.5).
func RequestedKernel(identifier, aid []byte) (uint32, bool) {
	if len(identifier) == 0 {
		return uint32(DefaultKernel(aid)), true
	}
	first := uint32(identifier[0])
	switch {
	case first&0x80 == 0:
		return first, true
	case len(identifier) < 3:
		return 0, false
	case first&0x3F == 0:
		return first, true
	default:
		return first<<16 | uint32(identifier[1])<<8 | uint32(identifier[2]), true
	}
}

// kernelIdentifier is tag 9F2A.
func kernelIdentifier(v value, item *Item) bool {
	kernel, ok := RequestedKernel(v.bytes, nil)
	switch {
	case !ok:
		item.Text = "a domestic kernel takes 3 bytes: the entry is skipped"
	case kernel == AnyKernel:
		item.Text = "any kernel"
	case kernel <= 8:
		item.Text = fmt.Sprintf("kernel %d", kernel)
	case kernel < 0x40:
		item.Text = fmt.Sprintf("kernel identifier %02X", kernel)
	case kernel < 0x80:
		item.Text = fmt.Sprintf("kernel identifier %02X, of the reserved kind", kernel)
	default:
		kind := "in EMVCo's format"
		if v.bytes[0]&0x40 != 0 {
			kind = "in a format of its own"
		}
		item.Text = fmt.Sprintf("domestic kernel %02X, %s", kernel, kind)
	}
	return true
}
