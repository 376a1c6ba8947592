package emv

import (
	"fmt"
	"strconv"
	"strings"
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
	for _, c := range currencies {
		if c.Numeric == code {
			return c, true
		}
	}
	return Currency{}, false
}

// CurrencyByAlpha finds a currency by its three letters.
func CurrencyByAlpha(alpha string) (Currency, bool) {
	for _, c := range currencies {
		if c.Alpha == alpha {
			return c, true
		}
	}
	return Currency{}, false
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

// currencies is the ISO 4217 table.
var currencies = []Currency{
	{"EUR", 978, 2, "Euro"},
	{"USD", 840, 2, "US Dollar"},
	{"GBP", 826, 2, "Pound Sterling"},
	{"CNY", 156, 2, "Yuan Renminbi"},
	{"JPY", 392, 0, "Yen"},
	{"BHD", 48, 3, "Bahraini Dinar"},
}
