package emv

import (
	"encoding/hex"
	"strings"
)

// tagPINCertificate is the certificate of a key for PIN encipherment.
const tagPINCertificate Tag = 0x9F2D

// Sensitive is true for tags whose values are masked wherever they are shown:
// account numbers, tracks, names and other data of the person, PIN data, keys
// (PCI DSS 3.3 and 3.4). Values that only look like an account number are
// found by their digits, see MaskedHex.
//
// Certificates of the card's keys are account numbers for whoever has the
// scheme's public key, which everybody has: it opens the issuer's certificate
// (tag 90), that opens 9F46 and 9F2D, and the account number stands inside (EMV
// Book 2, 6.4 and 7.1). The signature of static data (tag 93) holds a hash over
// the account number, which with the ten digits that masks show is found in
// 100,000 trials. Tag 90 stays, as it names the issuer's leading digits only,
// and so do the remainders 92, 9F32, 9F48 and 9F2E, which are parts of moduli,
// and signatures of dynamic data (9F4B), which cover none.
func Sensitive(tag Tag) bool {
	switch tag {
	case TagPAN, TagTrack1, TagTrack2, 0x58, 0x9F6B, 0x5F21, 0x5F22, 0x5F23, // account number, tracks
		TagTrack1Discretionary, 0x9F20, 0xDF812A, 0xDF812B, // discretionary data of tracks
		TagCardholderName, 0x9F0B, 0x5B, 0x5F2B, 0x5F2C, 0x5F35, 0x5F42, 0x9F61, // the person
		0x5F2E, 0x5F40, 0x5F43, 0x5F53, // biometrics, pictures, bank account
		0x99, 0xDF50, 0xDF51, 0xDF52, // PIN and biometric data
		TagSSAD, TagICCCertificate, tagPINCertificate, // hold it, signed
		0x9F5E,                         // data storage identifier: the account number
		0xDF08, 0xDF09, 0xDF42, 0xDF47: // keys of personalisation
		return true
	}
	return false
}

// sensitiveValue is Sensitive for one value: tags that other kernels use for
// short harmless values are told apart by length.
func sensitiveValue(tag Tag, value []byte) bool {
	switch tag {
	case 0x9F6B:
		return len(value) != 6 // a card CVM limit in kernels 3 and 7
	case 0x9F61:
		return len(value) > 2 // CVC3 in kernel 2
	case 0x9F5E:
		return len(value) > 2 // a counter limit in kernel 3, options in Interac
	case 0xDF50, 0xDF51, 0xDF52:
		return len(value) > 1 // try counters
	}
	return Sensitive(tag)
}

// MaskedHex is TLV data in upper-case hex with a * for each hex digit of a
// sensitive value, through all levels. Account numbers keep their first six
// and last four digits, track 2 also its separator. sensitive chooses the
// tags; nil is Sensitive.
//
// A second net looks for account numbers where no tag tells of them: runs of
// 13 to 19 digits with a correct check digit, in BCD and in ASCII, are masked
// in values whose structure does not rule them out, and everywhere when the
// data are damaged. Account numbers framed as in tags 5A and 57 are masked
// wherever they stand. What the net cannot know are numbers that damage has
// cut into well-formed objects, and bytes that are words in an element of
// text.
func MaskedHex(data []byte, sensitive func(Tag) bool) string {
	m := newMask(data)
	err := m.level(0, len(data), 1, sensitive)
	m.frames(0, len(data))
	if err != nil {
		m.runs(0, len(data))
	}
	for len(m.cuts) > 0 { // last, since what is hidden ends a run of digits
		cut := m.cuts[0]
		m.cuts = m.cuts[1:]
		cut()
	}
	return m.String()
}

// mask marks the hex digits of data that may not be shown.
type mask struct {
	data   []byte
	hidden []bool // per nibble
	cuts   []func()
}

func newMask(data []byte) *mask { return &mask{data: data, hidden: make([]bool, 2*len(data))} }

// String is the hex with the hidden digits as stars.
func (m *mask) String() string {
	text := []byte(strings.ToUpper(hex.EncodeToString(m.data)))
	for i, hide := range m.hidden {
		if hide {
			text[i] = '*'
		}
	}
	return string(text)
}

// any is true when something is hidden.
func (m *mask) any() bool {
	for _, hide := range m.hidden {
		if hide {
			return true
		}
	}
	return false
}

func (m *mask) hide(from, to int) {
	for i := from; i < to; i++ {
		m.hidden[i] = true
	}
}

// level walks the objects between two bytes.
func (m *mask) level(from, to, depth int, sensitive func(Tag) bool) error {
	if depth > MaxDepth {
		return &TLVError{from, "too deep"}
	}
	s := scanAt(m.data[from:to], from)
	for s.Next() {
		o := s.Object()
		start := o.Offset + len(o.Header)
		end := start + len(o.Value)
		alone := depth == 1 && o.Offset == 0 && end == len(m.data)
		switch {
		case sensitive == nil && sensitiveValue(o.Tag, o.Value), sensitive != nil && sensitive(o.Tag):
			m.value(o.Tag, start, end)
		case o.Tag.Constructed():
			if err := m.level(start, end, depth+1, sensitive); err != nil {
				return err
			}
		default:
			m.unnamed(o, start, end, alone)
		}
	}
	if s.Err() != nil {
		m.cuts = append(m.cuts, func() { m.cut(from+s.pos, to, depth, sensitive) })
	}
	return s.Err()
}

// cut hides what is there of a sensitive value that the data end in: an answer
// that comes in several parts, or a capture that was cut.
func (m *mask) cut(at, to, depth int, sensitive func(Tag) bool) {
	tag, n, reason := readTag(m.data[at:to])
	if reason != "" || at+n >= to {
		return
	}
	start := at + n + 1
	if first := m.data[at+n]; first > 0x80 {
		start += int(first & 0x7F)
	}
	switch {
	case start >= to:
	case sensitive == nil && Sensitive(tag), sensitive != nil && sensitive(tag):
		m.hide(2*start, 2*to)
	case tag.Constructed():
		_ = m.level(start, to, depth+1, sensitive)
	}
}

// value hides a sensitive value, but for the digits of the account number that
// may be shown.
func (m *mask) value(tag Tag, from, to int) {
	m.hide(2*from, 2*to)
	if tag != TagPAN && tag != TagTrack2 && tag != 0x9F6B {
		return
	}
	n := 0
	for n < 2*(to-from) && nibble(m.data[from:to], n) <= 9 {
		n++
	}
	end := 2*from + n
	switch {
	case n < 13 || n > 19:
		return
	case tag == TagPAN && !onlyFill(m.data[from:to], n):
		return
	case tag != TagPAN && (end == 2*to || nibble(m.data, end) != 0xD):
		return
	case tag != TagPAN:
		m.hidden[end] = false // the separator
	}
	for i := 0; i < 6; i++ {
		m.hidden[2*from+i] = false
	}
	for i := end - 4; i < end; i++ {
		m.hidden[i] = false
	}
}

// onlyFill is true when all nibbles from n on are F.
func onlyFill(b []byte, n int) bool {
	for ; n < 2*len(b); n++ {
		if nibble(b, n) != 0xF {
			return false
		}
	}
	return true
}
