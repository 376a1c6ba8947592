package emv

import "fmt"

// AFLEntry names a run of records of one short file (EMV Book 3, 10.2).
type AFLEntry struct {
	SFI         byte // 1 to 30
	First, Last byte // record numbers, from 1
	Signed      byte // how many of them, from the first, are signed for ODA
}

// AFL is the application file locator, tag 94.
type AFL []AFLEntry

// ParseAFL reads an AFL. A length that is no multiple of four, an SFI outside
// 1 to 30, a first record 0, a last before the first, or more signed records
// than there are is an error with its offset (EMV Book 3, 10.2).
func ParseAFL(b []byte) (AFL, error) {
	if len(b)%4 != 0 {
		return nil, &TLVError{len(b) &^ 3, fmt.Sprintf("AFL of %s is no multiple of 4", count(len(b), "byte"))}
	}
	a := make(AFL, 0, len(b)/4)
	for i := 0; i < len(b); i += 4 {
		e := AFLEntry{SFI: b[i] >> 3, First: b[i+1], Last: b[i+2], Signed: b[i+3]}
		if reason := e.check(b[i]); reason != "" {
			return nil, &TLVError{i, "AFL: " + reason}
		}
		a = append(a, e)
	}
	return a, nil
}

func (e AFLEntry) check(first byte) string {
	switch {
	case first&7 != 0:
		return fmt.Sprintf("low bits of the SFI byte %02X are set", first)
	case e.SFI < 1 || e.SFI > 30:
		return fmt.Sprintf("SFI %d is outside 1 to 30", e.SFI)
	case e.First == 0:
		return "first record is 0"
	case e.Last < e.First:
		return fmt.Sprintf("last record %d is before the first, %d", e.Last, e.First)
	case int(e.Signed) > int(e.Last)-int(e.First)+1:
		return fmt.Sprintf("%d signed records of %d", e.Signed, int(e.Last)-int(e.First)+1)
	}
	return ""
}

// Append appends the coded AFL to dst.
func (a AFL) Append(dst []byte) []byte {
	for _, e := range a {
		dst = append(dst, e.SFI<<3, e.First, e.Last, e.Signed)
	}
	return dst
}

// Records is the number of records that the AFL names.
func (a AFL) Records() int {
	n := 0
	for _, e := range a {
		n += int(e.Last) - int(e.First) + 1
	}
	return n
}
