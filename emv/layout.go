package emv

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// layout says what the bits and bytes of a value mean. The dictionary writes
// it as items between semicolons:
//
//	2.7 CVM required                    one bit: byte 2, bit 7
//	1.8-7 type 00 AAC,01 TC,10 ARQC     a run of bits with the names of its values
//	byte3 00 unknown,01 failed          one byte; bytes4-5 SW12: several
//	values 00 purchase;01 cash          the whole value, by its hex digits or characters
//	same bit layout as TVR              another tag's layout
//
// An item of any other shape is a note for readers of the table.
type layout struct {
	bits   []bitField
	bytes  []byteField
	values []namedValue
	notes  []string
}

// bitField is one bit, or a run of bits, of one byte. Bytes count from 1, bits
// from 8 down to 1, as in the books.
type bitField struct {
	byte, high, low int
	name            string
	values          []namedValue
}

// byteField is one or more whole bytes.
type byteField struct {
	first, last int
	name        string
	values      []namedValue
}

// namedValue is a value, in hex (or in bits, for runs of bits), with its
// meaning.
type namedValue struct{ code, name string }

// parseLayout reads the dictionary's notation.
func parseLayout(s string) layout {
	var l layout
	list := false // inside a list of values
	for _, item := range strings.Split(s, ";") {
		item = strings.TrimSpace(item)
		if rest, found := strings.CutPrefix(item, "values "); found {
			item, list = rest, true
		}
		switch {
		case item == "":
		case l.addBits(item), l.addBytes(item):
			list = false
		case l.addValue(item, list), l.addReference(item):
		default:
			l.notes = append(l.notes, item)
		}
	}
	return l
}

// addBits takes an item such as "2.7 name" or "1.8-7 name 00 x,01 y".
func (l *layout) addBits(item string) bool {
	place, name, _ := strings.Cut(item, " ")
	byteText, bits, found := strings.Cut(place, ".")
	if !found || !isNumber(byteText) || name == "" {
		return false
	}
	high, low, isRun := strings.Cut(bits, "-")
	if !isRun {
		low = high
	}
	if !isNumber(high) || !isNumber(low) {
		return false
	}
	f := bitField{byte: atoi(byteText), high: atoi(high), low: atoi(low), name: name}
	if f.byte < 1 || f.low < 1 || f.high > 8 || f.high < f.low {
		return false
	}
	if isRun {
		f.name, f.values = splitValues(name)
	}
	l.bits = append(l.bits, f)
	return true
}

// addBytes takes an item such as "byte3 00 unknown,01 failed" or "bytes4-5 SW12".
func (l *layout) addBytes(item string) bool {
	rest, found := strings.CutPrefix(item, "byte")
	if !found {
		return false
	}
	place, name, _ := strings.Cut(strings.TrimPrefix(rest, "s"), " ")
	first, last, isRun := strings.Cut(place, "-")
	if !isRun {
		last = first
	}
	if !isNumber(first) || !isNumber(last) || name == "" {
		return false
	}
	f := byteField{first: atoi(first), last: atoi(last)}
	f.name, f.values = splitValues(name)
	l.bytes = append(l.bytes, f)
	return true
}

// addValue takes an item such as "00 purchase". Outside of a list announced
// with "values" the code must be whole hex bytes that begin with a digit.
func (l *layout) addValue(item string, list bool) bool {
	code, name, _ := strings.Cut(item, " ")
	switch {
	case name == "" || strings.HasPrefix(name, "="):
		return false
	case !list && (len(code)%2 != 0 || !isHex(code) || code[0] > '9'):
		return false
	}
	l.values = append(l.values, namedValue{code, name})
	return true
}

// addReference takes an item that points at another tag's layout: "same bit
// layout as TVR", "layout of 9F33 byte2".
func (l *layout) addReference(item string) bool {
	if !strings.Contains(item, "layout") {
		return false
	}
	words := strings.Fields(item)
	for i, w := range words {
		tag, err := ParseTag(w)
		if w == "TVR" {
			tag, err = TagTVR, nil
		}
		if err != nil || !isHex(w) && w != "TVR" {
			continue
		}
		rows := dictionary()[tag]
		if len(rows) == 0 {
			return false
		}
		other := parseLayout(rows[0].Bits)
		if i+1 < len(words) && strings.HasPrefix(words[i+1], "byte") {
			other = other.oneByte(atoi(strings.TrimPrefix(words[i+1], "byte")))
		}
		l.bits, l.bytes = append(l.bits, other.bits...), append(l.bytes, other.bytes...)
		return true
	}
	return false
}

// oneByte is the layout of byte n alone, as byte 1.
func (l layout) oneByte(n int) layout {
	var one layout
	for _, f := range l.bits {
		if f.byte == n {
			f.byte = 1
			one.bits = append(one.bits, f)
		}
	}
	return one
}

// splitValues takes "type 00 AAC,01 TC" apart: the name, and the values. Codes
// begin with a digit or are the single letter F; without codes all of it is
// the name.
func splitValues(s string) (name string, values []namedValue) {
	pieces := strings.Split(s, ",")
	words := strings.Fields(pieces[0])
	at := -1
	for i, w := range words[:max(len(words)-1, 0)] {
		if isHex(w) && (w[0] <= '9' || w == "F") {
			at = i
			break
		}
	}
	if at < 0 {
		return s, nil
	}
	pieces[0] = strings.Join(words[at:], " ")
	for _, p := range pieces {
		code, meaning, _ := strings.Cut(strings.TrimSpace(p), " ")
		if !isHex(code) || meaning == "" {
			return s, nil
		}
		values = append(values, namedValue{code, meaning})
	}
	return strings.Join(words[:at], " "), values
}

// describe says in words what value holds: the bits that are set, the runs and
// bytes with a meaning.
func (l layout) describe(value []byte) []string {
	var out []string
	for _, f := range l.bits {
		if f.byte <= len(value) {
			out = f.describe(out, value[f.byte-1])
		}
	}
	for _, f := range l.bytes {
		if f.last <= len(value) {
			out = f.describe(out, value[f.first-1:f.last])
		}
	}
	return l.describeReserved(out, value)
}

func (f bitField) describe(out []string, b byte) []string {
	width := f.high - f.low + 1
	v := int(b) >> (f.low - 1) & (1<<width - 1)
	if f.high == f.low {
		if v == 1 {
			out = append(out, fmt.Sprintf("byte %d bit %d: %s", f.byte, f.high, f.name))
		}
		return out
	}
	bits := fmt.Sprintf("%0*b", width, v)
	place := fmt.Sprintf("byte %d bits %d-%d = %s: ", f.byte, f.high, f.low, bits)
	for _, named := range f.values {
		if named.code == bits || len(named.code) < width && hexNumber(named.code) == v {
			return append(out, place+strings.TrimSpace(f.name+" "+named.name))
		}
	}
	if v != 0 {
		out = append(out, place+f.name)
	}
	return out
}

func (f byteField) describe(out []string, value []byte) []string {
	code := strings.ToUpper(hex.EncodeToString(value))
	place := fmt.Sprintf("byte %d = %s: ", f.first, code)
	if f.last > f.first {
		place = fmt.Sprintf("bytes %d-%d = %s: ", f.first, f.last, code)
	}
	for _, named := range f.values {
		if named.code == code {
			return append(out, place+strings.TrimSpace(f.name+" "+named.name))
		}
	}
	if f.name == "" || f.name == "RFU" {
		return out
	}
	return append(out, place+f.name)
}

// describeReserved adds bits that are set but have no meaning, in bytes where
// other bits have one.
func (l layout) describeReserved(out []string, value []byte) []string {
	known := map[int]byte{}
	for _, f := range l.bits {
		known[f.byte] |= byte(1<<f.high-1) &^ byte(1<<(f.low-1)-1)
	}
	for i, b := range value {
		mask, described := known[i+1]
		if !described {
			continue
		}
		for bit := 8; bit >= 1; bit-- {
			if (b&^mask)>>(bit-1)&1 == 1 {
				out = append(out, fmt.Sprintf("byte %d bit %d: reserved, but set", i+1, bit))
			}
		}
	}
	return out
}

// valueName is the meaning of the whole value, by its hex digits or its
// characters.
func (l layout) valueName(value []byte) (string, bool) {
	code := strings.ToUpper(hex.EncodeToString(value))
	for _, named := range l.values {
		if named.code == code || named.code == string(value) {
			return named.name, true
		}
	}
	return "", false
}

// isNumber is true for one or more decimal digits.
func isNumber(s string) bool { return s != "" && len(s) <= 3 && digitsOnly(s) }

// isHex is true for one or more upper-case hex digits.
func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'A' || s[i] > 'F') {
			return false
		}
	}
	return s != ""
}

// hexNumber reads hex digits that isHex accepted.
func hexNumber(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n<<4 | int(hexDigit(s[i]))
	}
	return n
}
