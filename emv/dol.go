package emv

import "fmt"

// MaxDOLData bounds the data that one list may ask for: what a short command
// can carry.
const MaxDOLData = 252

// DOLEntry asks for one data object: its tag and the length wanted.
type DOLEntry struct {
	Tag    Tag
	Length int
}

// DOL is a data object list (EMV Book 3, 5.4): PDOL, CDOL, DDOL, UDOL, TDOL.
// The same tag may stand in it more than once.
type DOL []DOLEntry

// ParseDOL reads a list of tags and one-byte lengths. Some German cards end
// theirs with lengths cut off; that is a *TLVError.
func ParseDOL(b []byte) (DOL, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := make(DOL, 0, len(b)/2) // an entry has two bytes at least
	for pos := 0; pos < len(b); {
		e, n, reason := readDOLEntry(b[pos:])
		if reason != "" {
			return nil, &TLVError{pos, "data object list: " + reason}
		}
		d = append(d, e)
		pos += n
	}
	return d, nil
}

// NextDOLEntry reads the first entry of a list and returns the rest, without
// allocating. False is a malformed list.
func NextDOLEntry(b []byte) (e DOLEntry, rest []byte, ok bool) {
	e, n, reason := readDOLEntry(b)
	return e, b[n:], reason == ""
}

func readDOLEntry(b []byte) (e DOLEntry, n int, reason string) {
	tag, n, reason := readTag(b)
	if reason != "" {
		return e, 0, reason
	}
	if n == len(b) {
		return e, 0, fmt.Sprintf("tag %s has no length", tag)
	}
	return DOLEntry{tag, int(b[n])}, n + 1, ""
}

// Length is the number of bytes that the list asks for.
func (d DOL) Length() int {
	total := 0
	for i := range d {
		total += d[i].Length
	}
	return total
}

// Append appends the coded list to dst.
func (d DOL) Append(dst []byte) []byte {
	for i := range d {
		dst = append(d[i].Tag.Append(dst), byte(d[i].Length))
	}
	return dst
}

// Has is true when the list asks for the tag.
func (d DOL) Has(tag Tag) bool {
	for i := range d {
		if d[i].Tag == tag {
			return true
		}
	}
	return false
}

// AppendData appends the concatenated values to dst: each entry from the first
// source that has it, cut or padded to the length asked by its format (EMV
// Book 3, 5.4), zeros when no source has it or the object is constructed.
func (d DOL) AppendData(dst []byte, sources ...Source) []byte {
	for i := range d {
		dst = d[i].AppendValue(dst, sources...)
	}
	return dst
}

// AppendValue appends the value of one entry; see DOL.AppendData.
func (e DOLEntry) AppendValue(dst []byte, sources ...Source) []byte {
	for _, src := range sources {
		if v, ok := src.Lookup(e.Tag); ok {
			return e.Fit(dst, v)
		}
	}
	return e.Fit(dst, nil)
}

// Fit appends v cut or padded to the entry's length: numeric keeps the
// rightmost bytes and is padded on the left with 00; compressed numeric is
// padded on the right with FF; all others on the right with 00. Nil is an
// object that nobody has: it becomes zeros, as a constructed object does.
func (e DOLEntry) Fit(dst, v []byte) []byte {
	if v == nil || e.Tag.Constructed() {
		return appendZeros(dst, e.Length)
	}
	if len(v) == e.Length {
		return append(dst, v...)
	}
	format := FormatOf(e.Tag)
	switch missing := e.Length - len(v); {
	case missing < 0 && format == FormatN:
		return append(dst, v[-missing:]...)
	case missing < 0:
		return append(dst, v[:e.Length]...)
	case format == FormatN:
		return append(appendZeros(dst, missing), v...)
	case format == FormatCN:
		dst = append(dst, v...)
		for ; missing > 0; missing-- {
			dst = append(dst, 0xFF)
		}
		return dst
	default:
		return appendZeros(append(dst, v...), missing)
	}
}

// Split cuts the data that a terminal sent for the list back into objects.
// Values alias data. Data of another length than the list asks for is an
// error.
func (d DOL) Split(data []byte) (List, error) {
	if len(data) != d.Length() {
		return nil, fmt.Errorf("data object list asks for %s, %d came", count(d.Length(), "byte"), len(data))
	}
	l := make(List, 0, len(d))
	for i := range d {
		n := d[i].Length
		l = append(l, TLV{d[i].Tag, data[:n:n]})
		data = data[n:]
	}
	return l, nil
}

// Value returns the first value of the tag in data that was sent for the list,
// without allocating.
func (d DOL) Value(data []byte, tag Tag) ([]byte, bool) {
	pos := 0
	for i := range d {
		end := pos + d[i].Length
		if end > len(data) {
			return nil, false
		}
		if d[i].Tag == tag {
			return data[pos:end:end], true
		}
		pos = end
	}
	return nil, false
}
