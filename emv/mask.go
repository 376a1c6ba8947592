package emv

import (
	"encoding/hex"
	"strings"
)

// Sensitive is true for tags whose values are masked wherever they are shown:
// account numbers, tracks, names and other data of the person, PIN data, keys
// (PCI DSS 3.3 and 3.4). Values that only look like an account number are
// found by their digits, see MaskedHex.
func Sensitive(tag Tag) bool {
	switch tag {
	case TagPAN, TagTrack1, TagTrack2, 0x58, 0x9F6B, 0x5F21, 0x5F22, 0x5F23, // account number, tracks
		TagTrack1Discretionary, 0x9F20, 0xDF812A, 0xDF812B, // discretionary data of tracks
		TagCardholderName, 0x9F0B, 0x5B, 0x5F2B, 0x5F2C, 0x5F35, 0x5F42, 0x9F61, // the person
		0x5F2E, 0x5F40, 0x5F43, 0x5F53, // biometrics, pictures, bank account
		0x99, 0xDF50, 0xDF51, 0xDF52, // PIN and biometric data
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
	return m.String()
}

// mask marks the hex digits of data that may not be shown.
type mask struct {
	data   []byte
	hidden []bool // per nibble
}

func newMask(data []byte) *mask { return &mask{data, make([]bool, 2*len(data))} }

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
	return s.Err()
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

// unnamed hides what looks like an account number in a value that is not
// sensitive by its tag.
func (m *mask) unnamed(o Object, from, to int, alone bool) {
	switch {
	case !plausible(o.Tag, o.Value):
		// Perhaps no object at all, but part of a number: then its header and
		// the digits around it count.
		m.digitRuns(2*from, 2*to)
		m.digitRuns(m.digitsAround(2*o.Offset, 2*to))
	case !accountFree(o.Tag, o.Value, alone):
		for to < len(m.data) && m.data[to] == 0 {
			to++ // a number cut short goes on in what looks like padding
		}
		m.digitRuns(2*from, 2*to)
	}
	if !numberedText(o.Tag) {
		m.textRuns(from, from+len(o.Value))
	}
}

// digitsAround widens a range of nibbles by the decimal ones beside it.
func (m *mask) digitsAround(from, to int) (int, int) {
	for from > 0 && nibble(m.data, from-1) <= 9 {
		from--
	}
	for to < 2*len(m.data) && nibble(m.data, to) <= 9 {
		to++
	}
	return from, to
}

// plausible is true when the dictionary knows the tag and the value has a
// length and characters that the tag may have. Damaged data that still parse
// show themselves by what is not.
func plausible(tag Tag, v []byte) bool {
	switch FormatOf(tag) {
	case FormatA, FormatAN:
		if !printable(v) {
			return false
		}
	case FormatANS:
		for _, c := range v {
			if c < 0x20 || c >= 0x7F && c < 0xA0 {
				return false
			}
		}
	}
	for _, e := range dictionary()[tag] {
		if fits, exact := fitsLength(e.Length, len(v)); fits || !exact {
			return true
		}
	}
	return false
}

// numberedText is true for elements that are long numbers in characters, yet
// no account numbers: the payment account reference, merchant and terminal
// numbers.
func numberedText(tag Tag) bool {
	return tag == TagPAR || tag == 0x9F16 || tag == 0x9F1C || tag == TagIFDSerial
}

// accountFree is true when a value has the structure of its tag, and that
// structure has no room for an account number in BCD. Without this, half of
// all amounts, locators and issuer data would be taken for one: every tenth
// number has a correct check digit.
func accountFree(tag Tag, v []byte, alone bool) bool {
	switch FormatOf(tag) {
	case FormatA, FormatAN, FormatANS:
		return printable(v)
	}
	if wholeNumber(v) {
		return false
	}
	switch tag {
	case TagCommandTemplate:
		return alone && !wellFormed(v, 1) // values by a list that stands elsewhere
	case TagResponseFormat1:
		return alone && format1Free(v)
	case TagIssuerCertificate, TagSSAD, TagICCCertificate, TagSDAD, 0x9F2D:
		return len(v) >= 64 && !holdsObjects(v)
	case TagCryptogram:
		return len(v) == 8
	case 0x9F7F:
		return len(v) == 42 // production data: dates and serial numbers of the chip
	case TagAFL:
		_, err := ParseAFL(v)
		return err == nil
	case TagIAD:
		return wholeIAD(v)
	case TagCVMList:
		return usualCVMList(v)
	case TagADFName, TagDFName, 0x9F06, 0x9D:
		return len(v) >= 5 && len(v) <= 16 && v[0] >= 0xA0 && !wellFormed(v, 1)
	case 0x8B, 0x9F0A:
		return registeredFree(v)
	case TagKernelIdentifier, 0x9F3B:
		return len(v) <= 8
	case 0x9F3E:
		return len(v) <= 32
	case TagFormFactor:
		return len(v) > 0 && len(v) <= 32 && v[0] < 0x10 // a country code in kernel 2
	}
	return false
}

// holdsObjects is true when a value that ought to be a number of the RSA kind
// ends with data objects: a length that lies has swallowed them.
func holdsObjects(v []byte) bool {
	for i := range v {
		s, n := Scan(v[i:]), 0
		for s.Next() && plausible(s.Tag(), s.Value()) {
			n++
		}
		if n >= 2 && s.Err() == nil && s.pos == len(s.buf) {
			return true
		}
	}
	return false
}

// wholeNumber is true when a value is a correct account number from end to
// end, as tag 5A writes it.
func wholeNumber(v []byte) bool {
	digits, err := Digits(v)
	return err == nil && len(digits) >= 13 && len(digits) <= 19 && luhnSum(digits) == 0 && digits[0] != '0'
}

// format1Free is true for the three shapes of a response in template 80: AIP
// and AFL; CID, ATC, cryptogram and issuer application data; a signature.
func format1Free(v []byte) bool {
	if len(v) < 2 {
		return true
	}
	if _, err := ParseAFL(v[2:]); err == nil {
		return true
	}
	switch n := len(v); {
	case n >= 11 && n <= 43:
		return !wellFormed(v, 1) && (n == 11 || wholeIAD(v[11:]))
	default:
		return n >= 64 && !holdsObjects(v)
	}
}

// registeredFree is true for whole pieces of registered data, none of which
// holds an account number.
func registeredFree(v []byte) bool {
	pieces, whole := registeredData(v)
	for _, p := range pieces {
		m := newMask(p.value)
		m.runs(0, len(p.value))
		if m.any() {
			return false
		}
	}
	return whole
}

// usualCVMList is true for a list whose rules the book defines.
func usualCVMList(v []byte) bool {
	l, err := ParseCVMList(v)
	if err != nil || len(l.Rules) == 0 {
		return false
	}
	for _, r := range l.Rules {
		_, known := cvmMethodNames[r.Method()]
		if !known || int(r.Condition) >= len(cvmConditionNames) {
			return false
		}
	}
	return true
}

// wholeIAD is true for issuer application data of a known layout whose own
// length bytes, where it has them, agree with the length of the value, and for
// all of the 32 bytes that the common core definitions frame.
func wholeIAD(v []byte) bool {
	if len(v) == 32 && (v[0] == 0x0F || v[0] == 0x1F) {
		return true
	}
	iad, err := ParseIAD(SchemeUnknown, v)
	if err != nil {
		return false
	}
	switch iad.Format {
	case IADVisa013, IADPBOC, IADJCB:
		return len(iad.IDD) == 0 || int(iad.IDD[0]) == len(iad.IDD)-1
	case IADMChip:
		return len(v) == 18
	}
	return true
}

// runs hides what looks like an account number between two bytes, in BCD and
// in ASCII.
func (m *mask) runs(from, to int) {
	m.digitRuns(2*from, 2*to)
	m.textRuns(from, to)
}

// digitRuns hides runs of decimal nibbles that hold an account number, between
// two nibbles. What is hidden already ends a run.
func (m *mask) digitRuns(from, to int) {
	for i := from; i < to; {
		start := i
		for i < to && nibble(m.data, i) <= 9 && !m.hidden[i] {
			i++
		}
		if holdsAccount(i-start, func(n int) byte { return nibble(m.data, start+n) }) {
			m.hide(start, i)
		}
		i++
	}
}

// textRuns hides runs of decimal characters that hold an account number.
func (m *mask) textRuns(from, to int) {
	for i := from; i < to; {
		start := i
		for i < to && m.data[i] >= '0' && m.data[i] <= '9' {
			i++
		}
		if holdsAccount(i-start, func(n int) byte { return m.data[start+n] - '0' }) {
			m.hide(2*start, 2*i)
		}
		i++
	}
}

// holdsAccount is true when 13 to 19 of n digits in a row, the first not 0,
// have a correct check digit. No issuer's numbers begin with 0.
func holdsAccount(n int, digit func(int) byte) bool {
	for start := 0; start+13 <= n; start++ {
		if digit(start) == 0 {
			continue
		}
		// even and odd are the sums with the digits at even and at odd
		// distance from the start doubled; which one counts depends on where
		// the number ends.
		var sums [2]int
		for i := 0; i < 19 && start+i < n; i++ {
			d := int(digit(start + i))
			sums[i&1] += d
			if d *= 2; d > 9 {
				d -= 9
			}
			sums[i&1^1] += d
			if i >= 12 && sums[i&1]%10 == 0 {
				return true
			}
		}
	}
	return false
}

// frames hides account numbers that stand as tags 5A and 57 write them, or as
// track 1 does, wherever that is: also inside of values that are not what
// their tag says.
func (m *mask) frames(from, to int) {
	for i := from; i+9 <= to; i++ {
		if n := int(m.data[i+1]); m.data[i] == byte(TagPAN) && n >= 7 && n <= 10 && i+2+n <= to {
			m.framedPAN(i+2, i+2+n)
		}
	}
	m.framedTrack2(2*from, 2*to)
	m.framedTrack1(from, to)
}

func (m *mask) framedPAN(from, to int) {
	v := m.data[from:to]
	n := 0
	for n < 2*len(v) && nibble(v, n) <= 9 {
		n++
	}
	if n >= 13 && onlyFill(v, n) && !m.hidden[2*from+6] {
		m.value(TagPAN, from, to)
	}
}

// framedTrack2 looks for digits with a correct check digit, the separator D
// and at least four more digits.
func (m *mask) framedTrack2(from, to int) {
	digits := 0
	for i := from; i < to; i++ {
		switch d := nibble(m.data, i); {
		case d <= 9:
			digits++
			continue
		case d == 0xD && digits >= 13 && !m.hidden[i-7]:
			m.track2At(i-min(digits, 19), i, to)
		}
		digits = 0
	}
}

// track2At hides the digits before and after the separator at sep, when a
// number that ends there has a correct check digit.
func (m *mask) track2At(start, sep, to int) {
	end := sep + 1
	for end < to && nibble(m.data, end) <= 9 {
		end++
	}
	if end-sep <= 4 {
		return
	}
	for from := start; sep-from >= 13; from++ {
		var digits [19]byte
		for i := from; i < sep; i++ {
			digits[i-from] = '0' + nibble(m.data, i)
		}
		if luhnSum(string(digits[:sep-from])) == 0 {
			m.hide(start, sep)
			m.hide(sep+1, end)
			return
		}
	}
}

// framedTrack1 looks for the letter B, digits and a caret in ASCII.
func (m *mask) framedTrack1(from, to int) {
	for i := from; i < to; i++ {
		if m.data[i] != 'B' {
			continue
		}
		end := i + 1
		for end < to && m.data[end] >= '0' && m.data[end] <= '9' {
			end++
		}
		if end < to && m.data[end] == '^' && end-i > 13 {
			m.hide(2*(i+1), 2*end)
		}
	}
}
