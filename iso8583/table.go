package iso8583

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// NewCodec makes a codec for another host's table of fields. The table is JSON
// in the form that moov-io/iso8583 uses for its specifications (specs.ImportJSON):
//
//	{
//	  "name": "My host",
//	  "header": "Binary2Bytes",
//	  "fields": {
//	    "0": {"type": "String", "length": 4, "enc": "BCD", "prefix": "BCD.Fixed"},
//	    "1": {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Hex.Fixed"},
//	    "2": {"type": "String", "length": 19, "enc": "BCD", "prefix": "BCD.LL"},
//	    "55": {"type": "Binary", "length": 255, "enc": "Binary", "prefix": "ASCII.LLL"}
//	  }
//	}
//
// header is this project's addition: Binary2Bytes (the default), ASCII4Bytes or
// BCD2Bytes. A field has
//
//   - type: String, Numeric, Track1, Track2, Track3 for text, Binary and Hex
//     for bytes, Bitmap for field 1 only. A Composite is carried whole: as text
//     when all its parts are ASCII, as bytes otherwise.
//   - length, exact or the maximum: in bytes for Binary and HexToASCII, else in
//     characters or digits. Of the bitmap 8 (a second one follows when bit 1
//     is set) or 16.
//   - enc: ASCII, BCD (right justified), LBCD (left justified), EBCDIC,
//     EBCDIC1047, Binary, HexToASCII (bytes as hex digits). A track in BCD has D
//     for its separator.
//   - prefix: ASCII, BCD, Binary, EBCDIC or Hex, a dot, and Fixed or L to LLLL.
//   - padding, for fields of fixed length: type Left, Right or None, pad one
//     character. Without it short text is filled with spaces at the end where
//     the standard says ans. Only spaces at the end are taken off again.
//   - description, which is not used.
//
// What a field may hold, digits or any text, stays as the standard has it. A
// field that holds bytes (52, 55, 64, 96, 128) may be a String: hex digits,
// and the length counts digits.
//
// file stands for the file in errors; each names the line. A table without
// message type or bitmap, unknown keys, types and names are errors.
func NewCodec(file string, table []byte) (*Codec, error) {
	root, err := parseTree(file, table)
	if err != nil {
		return nil, err
	}
	t := &tableReader{file: file, codec: &Codec{name: file}}
	t.read(root)
	if len(t.errs) > 0 {
		return nil, errors.Join(t.errs...)
	}
	return t.codec, nil
}

// tableReader turns a JSON tree into a codec and gathers what is wrong.
type tableReader struct {
	file  string
	codec *Codec
	errs  []error
}

func (t *tableReader) fail(n *node, format string, args ...any) {
	t.errs = append(t.errs, fmt.Errorf("%s:%d: %s", t.file, n.line, fmt.Sprintf(format, args...)))
}

func (t *tableReader) read(root *node) {
	keys := t.object(root, "name", "header", "fields")
	if keys == nil {
		return
	}
	if name := keys["name"]; name != nil {
		t.codec.name = t.text(name)
	}
	if header := keys["header"]; header != nil {
		kind, known := headers[t.text(header)]
		if !known {
			t.fail(header, "unknown header, want Binary2Bytes, ASCII4Bytes or BCD2Bytes")
		}
		t.codec.header = kind
	}
	list := keys["fields"]
	if list == nil {
		t.fail(root, "key \"fields\" is missing")
		return
	}
	entries, ok := list.value.([]entry)
	if !ok {
		t.fail(list, "want an object with a key for each field number")
		return
	}
	for _, e := range entries {
		t.field(e.key, e.value)
	}
	if t.codec.elements[0] == nil {
		t.fail(list, "field 0, the message type, is missing")
	}
	if t.codec.bitmap.enc == nil {
		t.fail(list, "field 1, the bitmap, is missing")
	}
}

func (t *tableReader) field(key string, n *node) {
	number, err := strconv.Atoi(key)
	switch {
	case err != nil || number < 0 || number >= len(fields) || strconv.Itoa(number) != key:
		t.fail(n, "%q is not a field number from 0 to 128", key)
		return
	case number == 65:
		t.fail(n, "field 65 would announce a third bitmap, which is not supported")
		return
	}
	keys := t.object(n, "type", "length", "description", "enc", "prefix", "padding", "tag", "subfields", "bitmap", "disableAutoExpand")
	if keys == nil {
		return
	}
	if number == 1 {
		t.bitmap(n, keys)
		return
	}
	e := &element{number: number, length: t.length(n, keys)}
	t.coding(n, keys, e)
	t.prefix(n, keys, e)
	t.padding(n, keys, e)
	if number == 0 && (e.prefix != nil || e.length != 4 || e.bytes) {
		t.fail(n, "field 0, the message type, is not four digits")
	}
	t.codec.elements[number] = e
}

func (t *tableReader) bitmap(n *node, keys map[string]*node) {
	if kind := t.required(n, keys, "type"); kind != "Bitmap" {
		t.fail(n, "field 1 is not of type Bitmap")
	}
	enc := encodings[t.required(n, keys, "enc")]
	if enc != encoding.Binary && enc != encoding.BytesToASCIIHex {
		t.fail(n, "a bitmap has enc Binary or HexToASCII")
	}
	length := 8
	if keys["length"] != nil {
		length = t.length(n, keys)
	}
	if length != 8 && length != 16 {
		t.fail(n, "a bitmap has length 8 or 16")
	}
	if off := keys["disableAutoExpand"]; off != nil && off.value == true && length == 8 {
		t.fail(off, "without a second bitmap there is no place for field 70 or 90")
	}
	t.codec.bitmap = bitmap{enc: enc, both: length == 16}
}

// coding reads type and enc.
func (t *tableReader) coding(n *node, keys map[string]*node, e *element) {
	kind := t.required(n, keys, "type")
	class := fields[e.number].class
	if kind == "Composite" {
		e.enc, e.bytes = encoding.ASCII, false
		if !isText(keys) {
			e.enc, e.bytes = encoding.Binary, true
		}
		return
	}
	name := t.required(n, keys, "enc")
	e.enc = encodings[name]
	hexOrBinary := e.enc == encoding.Binary || e.enc == encoding.BytesToASCIIHex
	switch {
	case name != "" && e.enc == nil:
		t.fail(keys["enc"], "unknown enc %q, want one of %s", name, names(encodings))
	case kind == "Binary" || kind == "Hex":
		e.bytes = true
		if name != "" && !hexOrBinary {
			t.fail(keys["enc"], "type %s needs enc Binary or HexToASCII", kind)
		}
	case slices.Contains([]string{"String", "Numeric", "Track1", "Track2", "Track3"}, kind):
		e.bytes = e.enc == encoding.BytesToASCIIHex || hexOrBinary && class == binary
	case kind != "":
		t.fail(keys["type"], "unknown type %q, want String, Numeric, Binary, Hex, Composite, Track1, Track2 or Track3", kind)
	}
	if class == track && e.enc == encoding.BCD {
		e.enc = trackRight
	}
	if class == track && e.enc == encoding.LBCD {
		e.enc = trackLeft
	}
}

// isText is true for a composite of ASCII parts only.
func isText(keys map[string]*node) bool {
	if keys["bitmap"] != nil {
		return false
	}
	if tag := keys["tag"]; tag != nil && lookup(tag, "enc") != "" && lookup(tag, "enc") != "ASCII" {
		return false
	}
	parts, _ := keys["subfields"].entries()
	for _, part := range parts {
		below, _ := part.value.entries()
		inner := map[string]*node{}
		for _, e := range below {
			inner[e.key] = e.value
		}
		if inner["subfields"] != nil && !isText(inner) || inner["subfields"] == nil && lookup(part.value, "enc") != "ASCII" {
			return false
		}
	}
	return len(parts) > 0
}

func (n *node) entries() ([]entry, bool) {
	if n == nil {
		return nil, false
	}
	list, ok := n.value.([]entry)
	return list, ok
}

// lookup is the text at a key of an object, "" if there is none.
func lookup(n *node, key string) string {
	list, _ := n.entries()
	for _, e := range list {
		if e.key == key {
			s, _ := e.value.value.(string)
			return s
		}
	}
	return ""
}

// prefixes are the kinds of length in front of a field, L to LLLL.
var prefixes = map[string][]prefix.Prefixer{
	"ASCII":  {prefix.ASCII.L, prefix.ASCII.LL, prefix.ASCII.LLL, prefix.ASCII.LLLL},
	"BCD":    {prefix.BCD.L, prefix.BCD.LL, prefix.BCD.LLL, prefix.BCD.LLLL},
	"Binary": {prefix.Binary.L, prefix.Binary.LL, prefix.Binary.LLL, prefix.Binary.LLLL},
	"EBCDIC": {prefix.EBCDIC.L, prefix.EBCDIC.LL, prefix.EBCDIC.LLL, prefix.EBCDIC.LLLL},
	"Hex":    {prefix.Hex.L, prefix.Hex.LL, prefix.Hex.LLL, prefix.Hex.LLLL},
}

func (t *tableReader) prefix(n *node, keys map[string]*node, e *element) {
	name := t.required(n, keys, "prefix")
	if name == "" {
		return
	}
	family, size, _ := strings.Cut(name, ".")
	list := prefixes[family]
	switch {
	case list != nil && size == "Fixed":
	case list != nil && len(size) >= 1 && len(size) <= len(list) && strings.Trim(size, "L") == "":
		e.prefix, e.digits = list[len(size)-1], family == "ASCII"
	default:
		t.fail(keys["prefix"], "unknown prefix %q, want %s with .Fixed or .L to .LLLL", name, names(prefixes))
	}
}

func (t *tableReader) padding(n *node, keys map[string]*node, e *element) {
	fill := keys["padding"]
	if fill == nil {
		if fields[e.number].class == special && e.prefix == nil && !e.bytes {
			e.pad, e.trim = padding.Right(' '), true
		}
		return
	}
	parts := t.object(fill, "type", "pad")
	if parts == nil {
		return
	}
	kind := t.required(fill, parts, "type")
	if kind == "None" {
		return
	}
	pad := t.required(fill, parts, "pad")
	switch {
	case e.prefix != nil || e.bytes:
		t.fail(fill, "only text of fixed length can be filled")
	case len(pad) != 1 || !isASCII(pad[0]):
		t.fail(fill, "pad is one character")
	case kind == "Left":
		e.pad = padding.Left(rune(pad[0]))
	case kind == "Right":
		e.pad, e.trim = padding.Right(rune(pad[0])), pad == " "
	default:
		t.fail(fill, "unknown padding type %q, want Left, Right or None", kind)
	}
}

// object is the entries of n by key; keys that are not in the list are errors.
func (t *tableReader) object(n *node, known ...string) map[string]*node {
	list, ok := n.entries()
	if !ok {
		t.fail(n, "want an object with the keys %s", strings.Join(known, ", "))
		return nil
	}
	keys := map[string]*node{}
	for _, e := range list {
		if !slices.Contains(known, e.key) {
			t.fail(e.value, "unknown key %q, want one of %s", e.key, strings.Join(known, ", "))
		}
		keys[e.key] = e.value
	}
	return keys
}

// required is the text at a key, which must be there.
func (t *tableReader) required(n *node, keys map[string]*node, key string) string {
	if keys[key] == nil {
		t.fail(n, "key %q is missing", key)
		return ""
	}
	return t.text(keys[key])
}

func (t *tableReader) text(n *node) string {
	s, ok := n.value.(string)
	if !ok || s == "" {
		t.fail(n, "want a text in quotes")
	}
	return s
}

// maxFieldLength bounds the length of a field in a table.
const maxFieldLength = 9999

func (t *tableReader) length(n *node, keys map[string]*node) int {
	if keys["length"] == nil {
		t.fail(n, "key \"length\" is missing")
		return 0
	}
	number, _ := keys["length"].value.(json.Number)
	length, err := strconv.Atoi(string(number))
	if err != nil || length < 1 || length > maxFieldLength {
		t.fail(keys["length"], "a length is a whole number from 1 to %d", maxFieldLength)
	}
	return length
}

// names are the keys of a table, for a hint.
func names[V any](table map[string]V) string {
	var list []string
	for name := range table {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
