package iso8583

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/moov-io/iso8583/encoding"
)

// trackBCD codes track data two to a byte with the separator as D, which the
// library's BCD, digits only, cannot. An odd number gets a fill: 0 in front
// when right justified, F behind when left justified.
type trackBCD struct{ left bool }

var (
	trackRight encoding.Encoder = &trackBCD{}
	trackLeft  encoding.Encoder = &trackBCD{left: true}
)

// Encode packs digits and separators.
func (t *trackBCD) Encode(text []byte) ([]byte, error) {
	digits := strings.ReplaceAll(string(text), "=", "D")
	switch {
	case len(digits)%2 == 0:
	case t.left:
		digits += "F"
	default:
		digits = "0" + digits
	}
	return hex.DecodeString(digits)
}

// Decode unpacks length digits and separators, which come back as =.
func (t *trackBCD) Decode(packed []byte, length int) ([]byte, int, error) {
	size := (length + 1) / 2
	if length < 0 || len(packed) < size {
		return nil, 0, errors.New("not enough data")
	}
	digits := strings.ToUpper(hex.EncodeToString(packed[:size]))
	if t.left {
		digits = digits[:length]
	} else {
		digits = digits[len(digits)-length:]
	}
	return []byte(strings.ReplaceAll(digits, "D", "=")), size, nil
}
