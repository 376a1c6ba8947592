package emv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// MaxAmount is the largest amount of format n 12, in minor units.
const MaxAmount = 999_999_999_999

// Currency is an ISO 4217 currency: how its amounts are written and coded.
type Currency struct {
	Alpha    string // "EUR"
	Numeric  uint16 // 978
	Exponent int    // digits after the decimal point
	Name     string
}

// CurrencyByNumeric finds a currency by its numeric code.
func CurrencyByNumeric(code uint16) (Currency, bool) {
	c, found := currenciesByNumeric()[code]
	return c, found
}

var currenciesByNumeric = sync.OnceValue(func() map[uint16]Currency {
	m := make(map[uint16]Currency, len(currencies))
	for _, c := range currencies {
		m[c.Numeric] = c
	}
	return m
})

// CurrencyByAlpha finds a currency by its three letters.
func CurrencyByAlpha(alpha string) (Currency, bool) {
	i, found := slices.BinarySearchFunc(currencies[:], alpha, func(c Currency, alpha string) int {
		return strings.Compare(c.Alpha, alpha)
	})
	if !found {
		return Currency{}, false
	}
	return currencies[i], true
}

// Parse reads an amount such as "12.50" into minor units. More decimals than
// the currency has, signs, blanks and amounts beyond n 12 are errors.
func (c Currency) Parse(s string) (int64, error) {
	whole, fraction, dot := strings.Cut(s, ".")
	if whole == "" || !digitsOnly(whole) || !digitsOnly(fraction) || (dot && fraction == "") {
		return 0, fmt.Errorf("amount %q: want digits, such as %s", s, c.Format(1250))
	}
	if len(fraction) > c.Exponent {
		return 0, fmt.Errorf("amount %q: %s has %d decimals", s, c.Alpha, c.Exponent)
	}
	fraction += strings.Repeat("0", c.Exponent-len(fraction))
	v, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || v > MaxAmount {
		return 0, fmt.Errorf("amount %q: more than the 12 digits that an amount field holds", s)
	}
	return v, nil
}

// Format writes minor units with the currency's decimals and no symbol:
// "12.50".
func (c Currency) Format(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	s := strconv.FormatInt(minor, 10)
	if c.Exponent == 0 {
		return sign + s
	}
	if pad := c.Exponent + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	cut := len(s) - c.Exponent
	return sign + s[:cut] + "." + s[cut:]
}
