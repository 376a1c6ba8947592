package emv

import "fmt"

// MaxDepth bounds how deep data objects may nest.
const MaxDepth = 8

// TLV is one data object by tag and value, as profiles, databases and
// messages hold it.
type TLV struct {
	Tag   Tag
	Value []byte
}

// Append appends the coded object to dst.
func (o TLV) Append(dst []byte) []byte { return AppendTLV(dst, o.Tag, o.Value) }

// AppendTLV appends tag, length in its shortest form, and value to dst
// (EMV Book 3, Annex B). A zero-length value keeps its length byte.
func AppendTLV(dst []byte, tag Tag, value []byte) []byte {
	dst = tag.Append(dst)
	dst = AppendLength(dst, len(value))
	return append(dst, value...)
}

// AppendLength appends a BER length of one to three bytes. A length above
// 65535 cannot occur in an APDU and panics.
func AppendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return appendLongLength(dst, n)
}

func appendLongLength(dst []byte, n int) []byte {
	switch {
	case n <= 0xFF:
		return append(dst, 0x81, byte(n))
	case n <= 0xFFFF:
		return append(dst, 0x82, byte(n>>8), byte(n))
	default:
		panic(fmt.Sprintf("emv: a value of %d bytes exceeds every APDU", n))
	}
}

// TLVError says what is wrong with TLV data and at which byte of the buffer
// that was parsed.
type TLVError struct {
	Offset int
	Reason string
}

func (e *TLVError) Error() string {
	return fmt.Sprintf("TLV data, byte %d: %s", e.Offset, e.Reason)
}

// Object is one data object as it stood on the wire.
type Object struct {
	Tag    Tag
	Offset int    // of the first tag byte, in the buffer parsed
	Header []byte // tag and length bytes as read, which need not be the shortest form
	Value  []byte
}

// Scanner reads the data objects of one level, without allocating. 00 bytes
// between objects are padding and skipped (EMV Book 3, Annex B1). At the end FF
// bytes count as padding too, as some old cards fill their files with them (ISO
// 7816-4 allows both); elsewhere FF begins a tag.
//
//	s := emv.Scan(data)
//	for s.Next() {
//		use(s.Tag(), s.Value())
//	}
//	if err := s.Err(); err != nil { ... }
type Scanner struct {
	buf  []byte
	base int // of buf in a larger buffer
	// Places in buf: padding starts at start, the current object at object,
	// its value at value, the next object's padding at pos.
	start, object, value, pos int

	tag Tag
	err error
}

// Scan makes a Scanner over b. Values alias b.
func Scan(b []byte) Scanner { return Scanner{buf: b} }

// scanAt is Scan for a value that starts at base in a larger buffer, so that
// offsets stay those of the whole.
func scanAt(b []byte, base int) Scanner { return Scanner{buf: b, base: base} }

// Next moves to the next object. It returns false at the end of the data and
// at the first error.
func (s *Scanner) Next() bool {
	if s.err != nil {
		return false
	}
	s.start = s.pos
	for s.pos < len(s.buf) && s.buf[s.pos] == 0 {
		s.pos++
	}
	if s.pos < len(s.buf) && s.buf[s.pos] == 0xFF && fillOnly(s.buf[s.pos:]) {
		s.pos = len(s.buf)
	}
	s.object, s.value = s.pos, s.pos
	return s.pos < len(s.buf) && s.read()
}

// fillOnly is true when b holds nothing but 00 and FF.
func fillOnly(b []byte) bool {
	for _, c := range b {
		if c != 0 && c != 0xFF {
			return false
		}
	}
	return true
}

// read takes the object at pos apart.
func (s *Scanner) read() bool {
	b := s.buf[s.pos:]
	tag, n, reason := readTag(b)
	if reason != "" {
		return s.fail(s.pos, reason)
	}
	length, m, reason := readLength(b[n:])
	if reason != "" {
		return s.fail(s.pos+n, fmt.Sprintf("%s (tag %s)", reason, tag))
	}
	header := n + m
	if length > len(b)-header {
		return s.fail(s.pos+n, fmt.Sprintf("tag %s says %s, %d left", tag, count(length, "byte"), len(b)-header))
	}
	s.tag = tag
	s.value += header
	s.pos = s.value + length
	return true
}

func (s *Scanner) fail(at int, reason string) bool {
	s.err = &TLVError{Offset: s.base + at, Reason: reason}
	return false
}

// Object is the current object.
func (s *Scanner) Object() Object {
	return Object{Tag: s.tag, Offset: s.base + s.object, Header: s.buf[s.object:s.value:s.value], Value: s.Value()}
}

// Tag is the tag of the current object.
func (s *Scanner) Tag() Tag { return s.tag }

// Value is the value of the current object; it aliases the buffer.
func (s *Scanner) Value() []byte { return s.buf[s.value:s.pos:s.pos] }

// Padding is the bytes skipped just before the current object or, after Next
// returned false, before the end; it aliases the buffer.
func (s *Scanner) Padding() []byte { return s.buf[s.start:s.object] }

// Err is the error that ended the scan, if one did: a *TLVError.
func (s *Scanner) Err() error { return s.err }

// readLength reads a BER length of one to three bytes.
func readLength(b []byte) (length, n int, reason string) {
	switch {
	case len(b) == 0:
		return 0, 0, "data end before a length"
	case b[0] < 0x80:
		return int(b[0]), 1, ""
	case b[0] == 0x80:
		return 0, 0, "indefinite length, which EMV forbids"
	case b[0] > 0x82:
		return 0, 0, fmt.Sprintf("length byte %02X: EMV lengths have at most 3 bytes", b[0])
	}
	n = 1 + int(b[0]&0x7F)
	if len(b) < n {
		return 0, 0, "data end inside a length"
	}
	for _, v := range b[1:n] {
		length = length<<8 | int(v)
	}
	return length, n, ""
}

// Find returns the value of the first object on the path of tags: the first
// inside b, each next inside the value before it. Malformed data before the
// object sought, or its absence, is false.
func Find(b []byte, path ...Tag) ([]byte, bool) {
	for _, want := range path {
		s := Scan(b)
		for found := false; !found; {
			if !s.Next() {
				return nil, false
			}
			if s.tag == want {
				b, found = s.Value(), true
			}
		}
	}
	return b, true
}

// Source is something that can supply the value of a tag: card data, terminal
// data, transaction data.
type Source interface {
	Lookup(tag Tag) (value []byte, ok bool)
}

// List is an ordered list of data objects. Order and duplicates are kept.
type List []TLV

// ParseList reads the objects of one level of b into a list. Values alias b.
func ParseList(b []byte) (List, error) {
	var l List
	s := Scan(b)
	for s.Next() {
		l = append(l, TLV{s.tag, s.Value()})
	}
	return l, s.Err()
}

// Lookup returns the first value with that tag; List is a Source.
func (l List) Lookup(tag Tag) ([]byte, bool) {
	for i := range l {
		if l[i].Tag == tag {
			return l[i].Value, true
		}
	}
	return nil, false
}

// Coded is the data objects of one level as they are coded, one behind the
// other. It is a Source.
type Coded []byte

// Lookup returns the first value with that tag.
func (c Coded) Lookup(tag Tag) ([]byte, bool) { return Find(c, tag) }

// Set replaces the first value with that tag, or appends the object.
func (l *List) Set(tag Tag, value []byte) {
	for i := range *l {
		if (*l)[i].Tag == tag {
			(*l)[i].Value = value
			return
		}
	}
	*l = append(*l, TLV{tag, value})
}

// Append appends all objects, coded, to dst.
func (l List) Append(dst []byte) []byte {
	for i := range l {
		dst = l[i].Append(dst)
	}
	return dst
}
