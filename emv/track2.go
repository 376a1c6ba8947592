package emv

import (
	"fmt"
	"strconv"
	"strings"
)

// Track2 is track 2 equivalent data, tag 57 (EMV Book 3, Annex A; ISO/IEC
// 7813).
type Track2 struct {
	PAN           PAN
	Expiry        string // YYMM
	ServiceCode   string // three digits
	Discretionary string // digits
}

// ParseTrack2 reads the value of tag 57: digits, separator D, digits, F fill.
func ParseTrack2(b []byte) (Track2, error) {
	digits := make([]byte, 0, 2*len(b))
	separator := -1
	for i := range 2 * len(b) {
		switch d := nibble(b, i); {
		case d <= 9:
			digits = append(digits, '0'+d)
		case d == 0xD && separator < 0:
			separator = i
		case d == 0xF && onlyFill(b, i):
			return newTrack2(string(digits), separator)
		default:
			return Track2{}, fmt.Errorf("track 2: nibble %d is %X, want digits, one separator D and F fill", i, d)
		}
	}
	return newTrack2(string(digits), separator)
}

func newTrack2(digits string, separator int) (Track2, error) {
	switch {
	case separator < 0:
		return Track2{}, fmt.Errorf("track 2: no separator D")
	case separator == 0 || separator > 19:
		return Track2{}, fmt.Errorf("track 2: the account number is not 1 to 19 digits")
	case len(digits)-separator < 7:
		return Track2{}, fmt.Errorf("track 2: want expiry YYMM and a three-digit service code after the separator")
	}
	pan, rest := digits[:separator], digits[separator:]
	return Track2{PAN: PAN(pan), Expiry: rest[:4], ServiceCode: rest[4:7], Discretionary: rest[7:]}, nil
}

// Append appends the coded value, filled with F to whole bytes.
func (t Track2) Append(dst []byte) ([]byte, error) {
	if !digitsOnly(string(t.PAN) + t.Expiry + t.ServiceCode + t.Discretionary) {
		return dst, fmt.Errorf("track 2: digits only")
	}
	s := string(t.PAN) + "D" + t.Expiry + t.ServiceCode + t.Discretionary
	if len(s)%2 == 1 {
		s += "F"
	}
	for i := 0; i < len(s); i += 2 {
		dst = append(dst, hexDigit(s[i])<<4|hexDigit(s[i+1]))
	}
	return dst, nil
}

// Places in the discretionary digits of a Visa card in mag-stripe mode (MSD): a
// dynamic card verification value and the last digits of the transaction counter.
// The five before them are the PIN verification's, the one after them is the
// issuer's. Public descriptions of the layout are rare.
const (
	dynamicAt      = 5
	dynamicLength  = 3
	counterAt      = dynamicAt + dynamicLength
	counterLength  = 4
	dynamicAtLeast = counterAt + counterLength
)

// WithDynamic is the track with a dynamic card verification value of three digits
// and the transaction counter in their places; false when they do not fit.
func (t Track2) WithDynamic(value string, atc uint16) (Track2, bool) {
	d := t.Discretionary
	if len(value) != dynamicLength || len(d) < dynamicAtLeast {
		return t, false
	}
	t.Discretionary = d[:dynamicAt] + value + fmt.Sprintf("%0*d", counterLength, atc%10000) + d[dynamicAtLeast:]
	return t, true
}

// Dynamic is the inverse of WithDynamic: the value, and the counter's last four
// decimal digits.
func (t Track2) Dynamic() (value string, counter uint16, ok bool) {
	d := t.Discretionary
	if len(d) < dynamicAtLeast || !digitsOnly(d) {
		return "", 0, false
	}
	n, err := strconv.ParseUint(d[counterAt:dynamicAtLeast], 10, 16)
	return d[dynamicAt:counterAt], uint16(n), err == nil
}

// String shows the masked account number and nothing else of the track.
func (t Track2) String() string { return t.PAN.Masked() + "=" + strings.Repeat("*", 4) }

func hexDigit(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}
