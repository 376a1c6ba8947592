package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/padding"
	"github.com/moov-io/iso8583/prefix"
)

// element is how one field stands on the wire: the row of a table.
type element struct {
	number int
	length int  // exactly or at most, in digits, characters or bytes
	bytes  bool // the wire carries bytes; text otherwise
	enc    encoding.Encoder
	prefix prefix.Prefixer // nil: the length is fixed
	digits bool            // the prefix is ASCII digits
	pad    padding.Padder  // nil: a short value is an error
	trim   bool            // the fill is spaces at the end and is taken off again
}

// append packs value, as Message has it (raw: as bytes), behind dst. The
// answer is the reason when it cannot.
func (e *element) append(dst []byte, value string, raw bool) ([]byte, string) {
	content, reason := e.content(value, raw)
	if reason != "" {
		return dst, reason
	}
	if e.prefix == nil && len(content) != e.length {
		return dst, fmt.Sprintf("has %s, want exactly %d", e.units(len(content)), e.length)
	}
	if len(content) > e.length {
		return dst, fmt.Sprintf("has %s, at most %d fit", e.units(len(content)), e.length)
	}
	if e.prefix != nil {
		length, err := e.prefix.EncodeLength(e.length, len(content))
		if err != nil {
			return dst, "its length does not fit the length prefix"
		}
		dst = append(dst, length...)
	}
	if e.enc == encoding.ASCII { // content is checked to be of seven bits
		return append(dst, content...), ""
	}
	encoded, err := e.enc.Encode([]byte(content))
	if err != nil {
		return dst, "cannot be said in " + e.encodingName()
	}
	return append(dst, encoded...), ""
}

// content turns a value of Message into what the wire carries: checked,
// filled, bytes as hex digits or the other way round.
func (e *element) content(value string, raw bool) (string, string) {
	c := fields[e.number].class
	if !raw {
		if members[e.number].amount != nil && len(value) < e.length {
			value = strings.Repeat("0", e.length-len(value)) + value
		}
		if e.pad != nil && len(value) < e.length {
			value = string(e.pad.Pad([]byte(value), e.length))
		}
		if reason := c.holds(value); reason != "" && !(e.bytes && c != numeric) {
			return "", reason
		}
	}
	switch {
	case e.bytes == raw:
		return value, ""
	case raw:
		return strings.ToUpper(hex.EncodeToString([]byte(value))), ""
	}
	bytes, ok := unhex(value)
	if !ok {
		return "", "is not whole bytes of hex digits"
	}
	return bytes, ""
}

// read unpacks the field at the start of src: text is src once more, so that
// values need no copy of their own. The answer is the value as Message has it,
// how many bytes it took, and two reasons: cut, when the field's end is not to
// be found, or bad, when only its value is wrong.
func (e *element) read(src []byte, text string) (value string, size int, cut, bad string) {
	length, at, cut := e.readLength(src)
	if cut != "" {
		return "", 0, cut, ""
	}
	size = e.size(length)
	if len(src)-at < size {
		return "", 0, fmt.Sprintf("is cut short: needs %d bytes, %d are left", size, len(src)-at), ""
	}
	size += at
	if e.enc == encoding.ASCII {
		value = text[at:size]
	} else {
		decoded, _, err := e.enc.Decode(src[at:size], length)
		if err != nil {
			return "", size, "", "is not " + e.encodingName()
		}
		value = string(decoded)
	}
	value, bad = e.value(value)
	return value, size, "", bad
}

// value turns what the wire carried into a value of Message; it is the inverse
// of content.
func (e *element) value(content string) (value, bad string) {
	c := fields[e.number].class
	switch {
	case c == binary && e.bytes:
		return content, ""
	case c == binary:
		raw, ok := unhex(content)
		if !ok {
			return "", "is not whole bytes of hex digits"
		}
		return raw, ""
	case e.bytes:
		content = strings.ToUpper(hex.EncodeToString([]byte(content)))
		if c == numeric {
			bad = c.holds(content)
		}
		return content, bad
	}
	if e.trim {
		if trimmed := strings.TrimRight(content, " "); trimmed != "" {
			content = trimmed
		}
	}
	return content, c.holds(content)
}

// readLength is the field's length in units and the size of its prefix.
func (e *element) readLength(src []byte) (length, at int, cut string) {
	if e.prefix == nil {
		return e.length, 0, ""
	}
	length, at, err := e.prefix.DecodeLength(e.length, src)
	if err != nil {
		// The library's own words may quote the bytes that it read.
		return 0, 0, fmt.Sprintf("has no length of up to %d in front", e.length)
	}
	if e.digits && numeric.holds(string(src[:at])) != "" { // the library takes "+7"
		return 0, 0, "has a length in front that is not all digits"
	}
	return length, at, ""
}

// size is how many bytes a value of length units takes.
func (e *element) size(length int) int {
	switch e.enc {
	case encoding.BytesToASCIIHex:
		return 2 * length
	case encoding.BCD, encoding.LBCD, trackLeft, trackRight:
		return (length + 1) / 2
	default:
		return length
	}
}

// units says a length for people.
func (e *element) units(length int) string {
	unit := "character"
	switch {
	case e.bytes:
		unit = "byte"
	case fields[e.number].class == numeric:
		unit = "digit"
	}
	if length != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", length, unit)
}

func (e *element) encodingName() string {
	switch e.enc {
	case encoding.BytesToASCIIHex:
		return "hex digits"
	case encoding.BCD, encoding.LBCD:
		return "packed decimal digits"
	case trackLeft, trackRight:
		return "a packed track"
	default:
		return "EBCDIC"
	}
}

// encodings are the codings of a table, by the names that the library's own
// specification files use.
var encodings = map[string]encoding.Encoder{
	"ASCII":      encoding.ASCII,
	"BCD":        encoding.BCD,
	"LBCD":       encoding.LBCD,
	"EBCDIC":     encoding.EBCDIC,
	"EBCDIC1047": encoding.EBCDIC1047,
	"Binary":     encoding.Binary,
	"HexToASCII": encoding.BytesToASCIIHex,
}
