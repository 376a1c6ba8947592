package emv

import "bytes"

// Scheme is a payment system. It selects cryptogram recipes, the layout of
// scheme-specific data and the meaning of colliding tags.
type Scheme byte

// Schemes. The zero value is no scheme.
const (
	SchemeUnknown Scheme = iota
	SchemeVisa
	SchemeMastercard
	SchemeUnionPay
	SchemeAmex
	SchemeJCB
	SchemeDiscover
	SchemeInterac
	SchemeCCD // EMVCo common core definitions, common payment application
)

var schemeNames = [...]string{"unknown", "visa", "mastercard", "unionpay", "amex", "jcb", "discover", "interac", "ccd"}

// String is the lower-case name used in data files and on the command line.
func (s Scheme) String() string {
	if int(s) < len(schemeNames) {
		return schemeNames[s]
	}
	return schemeNames[0]
}

// ParseScheme is the inverse of String; "unknown" and other words are false.
func ParseScheme(name string) (Scheme, bool) {
	for i, n := range schemeNames[1:] {
		if n == name {
			return Scheme(i + 1), true
		}
	}
	return SchemeUnknown, false
}

// schemeRIDs maps registered application provider identifiers, the first five
// bytes of an AID, to schemes and their default kernels (EMV Book B, Table
// 3-6).
var schemeRIDs = [...]struct {
	rid    [5]byte
	scheme Scheme
	kernel byte
}{
	{[5]byte{0xA0, 0, 0, 0, 0x03}, SchemeVisa, 3},
	{[5]byte{0xA0, 0, 0, 0, 0x04}, SchemeMastercard, 2},
	{[5]byte{0xA0, 0, 0, 0x03, 0x33}, SchemeUnionPay, 7},
	{[5]byte{0xA0, 0, 0, 0, 0x25}, SchemeAmex, 4},
	{[5]byte{0xA0, 0, 0, 0, 0x65}, SchemeJCB, 5},
	{[5]byte{0xA0, 0, 0, 0x01, 0x52}, SchemeDiscover, 6},
	{[5]byte{0xA0, 0, 0, 0x02, 0x77}, SchemeInterac, 0},
	{[5]byte{0xA0, 0, 0, 0, 0x98}, SchemeVisa, 0},        // US common debit
	{[5]byte{0xA0, 0, 0, 0x03, 0x24}, SchemeDiscover, 0}, // ZIP
}

// SchemeOf is the scheme that an AID belongs to.
func SchemeOf(aid []byte) Scheme {
	s, _ := schemeAndKernel(aid)
	return s
}

// DefaultKernel is the kernel for an AID when the card names none (EMV Book B,
// 3.3.2.5); 0 when there is no default.
func DefaultKernel(aid []byte) byte {
	_, k := schemeAndKernel(aid)
	return k
}

func schemeAndKernel(aid []byte) (Scheme, byte) {
	for i := range schemeRIDs {
		if bytes.HasPrefix(aid, schemeRIDs[i].rid[:]) {
			return schemeRIDs[i].scheme, schemeRIDs[i].kernel
		}
	}
	return SchemeUnknown, 0
}
