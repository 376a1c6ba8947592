package qr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ID names a data object of a merchant-presented code: two decimal digits.
type ID byte

// String is the two digits.
func (i ID) String() string { return fmt.Sprintf("%02d", byte(i)) }

// Object is a data object of a merchant-presented code: an ID and its text.
type Object struct {
	ID    ID
	Value Value
}

// node is an object with its place.
type node struct {
	id     ID
	value  string
	offset int    // of the ID, in the whole text
	path   string // "62-03"
}

// start is where the value stands in the whole text.
func (n node) start() int { return n.offset + 4 }

// fail is an error about the object. It never quotes the value.
func (n node) fail(hint, reason string, args ...any) error {
	return &Error{KindMerchant, n.offset, "ID " + n.path, fmt.Sprintf(reason, args...), hint}
}

// split takes one level of objects apart: two digits of ID, two of length, as
// many characters of value (EMV QR, merchant-presented mode). Lengths
// count characters, not bytes. With an error it returns the objects before it.
func split(text string, base int, parent string) (nodes []node, err error) {
	seen := map[ID]bool{}
	for pos := 0; pos < len(text); {
		rest := text[pos:]
		n := node{offset: base + pos, path: parent + rest[:min(2, len(rest))]}
		if len(rest) < 4 || !digits(rest[:4]) {
			n.path = strings.TrimSuffix(parent, "-")
			return nodes, n.notAnObject(text[:pos])
		}
		n.id = ID(10*(rest[0]-'0') + rest[1] - '0')
		length := 10*int(rest[2]-'0') + int(rest[3]-'0')
		if length == 0 {
			return nodes, n.fail("leave an object out that has no value", "length 00")
		}
		size, characters := prefix(rest[4:], length)
		if characters < length {
			return nodes, n.fail(tooShortHint(n.id, parent, text), "says %d characters, %d left", length, characters)
		}
		if seen[n.id] {
			return nodes, n.fail("an ID stands once on its level", "stands a second time")
		}
		seen[n.id] = true
		n.value = rest[4 : 4+size]
		nodes = append(nodes, n)
		pos += 4 + size
	}
	return nodes, nil
}

// notAnObject is the error for text in the place of an ID and a length.
func (n node) notAnObject(before string) error {
	e := &Error{Kind: KindMerchant, Offset: n.offset, Reason: "no ID and length, which are four digits",
		Hint: "an object before it may be longer or shorter than it says"}
	if utf8.RuneCountInString(before) < len(before) {
		e.Hint += charactersHint
	}
	if n.path != "" {
		e.Object = "in ID " + n.path
	}
	return e
}

// charactersHint is for codes in other alphabets, where many writers are wrong.
const charactersHint = ": lengths count characters, not bytes"

func tooShortHint(id ID, parent, text string) string {
	switch {
	case id == idCRC && parent == "":
		return "a CRC has four digits, leading zeros with it"
	case utf8.RuneCountInString(text) < len(text):
		return strings.TrimPrefix(charactersHint, ": ")
	}
	return ""
}

// prefix is how many bytes the first n characters of s take, and how many
// characters there are.
func prefix(s string, n int) (size, characters int) {
	for size < len(s) && characters < n {
		_, w := utf8.DecodeRuneInString(s[size:])
		size += w
		characters++
	}
	return size, characters
}

// writer builds the text of one level. An empty value is no object.
type writer struct {
	b   strings.Builder
	err error
}

func (w *writer) add(id ID, value string) {
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0 || w.err != nil:
	case id > 99 || n > 99:
		w.err = &Error{KindMerchant, w.b.Len(), "ID " + id.String(), fmt.Sprintf("%d characters under ID %d", n, byte(id)),
			"a value has at most 99 characters, an ID is 0 to 99"}
	default:
		fmt.Fprintf(&w.b, "%02d%02d%s", byte(id), n, value)
	}
}

// nest adds a template whose objects f writes.
func (w *writer) nest(id ID, f func(*writer)) {
	var inner writer
	f(&inner)
	if w.err == nil {
		w.err = inner.err
	}
	w.add(id, inner.b.String())
}

func (w *writer) objects(list []Object) {
	for _, o := range list {
		w.add(o.ID, string(o.Value))
	}
}
