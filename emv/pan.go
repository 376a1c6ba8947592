package emv

import "strings"

// PAN is a primary account number, of a card or a token, as decimal digits.
// It prints masked; convert it to a string to get the digits.
type PAN string

// Valid is true for 8 to 19 decimal digits (ISO/IEC 7812) with a correct Luhn
// check digit.
func (p PAN) Valid() bool {
	return len(p) >= 8 && len(p) <= 19 && digitsOnly(string(p)) && luhnSum(string(p)) == 0
}

// Masked shows at most the first six and last four digits (PCI DSS 3.4.1).
func (p PAN) Masked() string {
	if len(p) < 13 {
		return strings.Repeat("*", len(p))
	}
	return string(p[:6]) + strings.Repeat("*", len(p)-10) + string(p[len(p)-4:])
}

// LastFour is what a receipt may show.
func (p PAN) LastFour() string {
	if len(p) < 4 {
		return ""
	}
	return string(p[len(p)-4:])
}

// String is Masked.
func (p PAN) String() string { return p.Masked() }

// GoString is Masked, so that %#v and test failures do not leak.
func (p PAN) GoString() string { return p.Masked() }

// MarshalText is Masked: JSON and other encodings never carry the digits
// unless the caller converts to a string.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.Masked()), nil }

// WithCheckDigit appends the Luhn check digit to digits.
func WithCheckDigit(digits string) PAN {
	sum := luhnSum(digits + "0")
	return PAN(digits + string(rune('0'+(10-sum)%10)))
}

// luhnSum is the Luhn sum modulo 10: 0 for a correct number.
func luhnSum(digits string) int {
	sum := 0
	for i := 0; i < len(digits); i++ {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum % 10
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
