package emv

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// meaning fills in text, details and children of a value that may be shown. A
// tag with a routine of its own uses that, the others go by the dictionary's
// bits and format.
func (v value) meaning(item *Item) {
	if f, found := v.routine(); found && f(v, item) {
		return
	}
	if v.entry.IsDOL() {
		v.dol(item)
		return
	}
	l := parseLayout(v.entry.Bits)
	if name, found := l.valueName(v.bytes); found {
		item.Text = name
		return
	}
	if len(l.bits)+len(l.bytes) > 0 {
		item.Details = l.describe(v.bytes)
		if len(item.Details) == 0 && len(l.bits) > 0 {
			item.Text = "no bit set"
		}
		return
	}
	item.Text = v.byFormat()
}

// routine is how one tag is explained. It returns false when the value has not
// the shape that the tag asks for; then the format decides.
type routine func(v value, item *Item) bool

// byFormat is the meaning that the dictionary's format gives.
func (v value) byFormat() string {
	name := strings.ToLower(v.entry.Name)
	switch v.entry.Format {
	case FormatA, FormatAN, FormatANS:
		return quoted(decodeText(v.bytes, 0))
	case FormatCN:
		if digits, err := Digits(v.bytes); err == nil {
			return digits
		}
		return "not digits with F fill"
	case FormatN:
	default:
		return ""
	}
	n, err := BCD(v.bytes)
	switch {
	case err != nil:
		return "not decimal digits"
	case strings.Contains(name, "counter"):
		return fmt.Sprintf("%d", n)
	case v.entry.Digits == 12:
		return v.amount(int64(n))
	case v.entry.Digits == 3 && strings.Contains(name, "currency code"):
		return currencyText(uint16(n))
	case v.entry.Digits == 3 && strings.Contains(name, "country"):
		return countryText(uint16(n))
	case v.entry.Digits == 6 && strings.HasSuffix(name, " date"):
		return dateText(v.bytes)
	}
	return v.digits()
}

// digits are the decimal digits of a number that names something: leading
// zeros count, but for those that fill up the last byte.
func (v value) digits() string {
	digits := upperHex(v.bytes)
	if n := len(digits) - v.entry.Digits; v.entry.Digits > 0 && n > 0 && strings.Trim(digits[:n], "0") == "" {
		return digits[n:]
	}
	return digits
}

// amount writes minor units with the currency that stands in the same data.
func (v value) amount(minor int64) string {
	for _, tag := range []Tag{TagTransactionCurrency, TagApplicationCurrency, 0x9F51} {
		code, found := v.scope.find(tag)
		if !found || len(code) != 2 {
			continue
		}
		n, err := BCD(code)
		if c, known := CurrencyByNumeric(uint16(n)); err == nil && known {
			return c.Format(minor) + " " + c.Alpha
		}
	}
	return fmt.Sprintf("%d in minor units", minor)
}

func currencyText(code uint16) string {
	if c, known := CurrencyByNumeric(code); known {
		return c.Alpha + ", " + c.Name
	}
	return fmt.Sprintf("%03d, no currency of ISO 4217", code)
}

func countryText(code uint16) string {
	if c, known := CountryByNumeric(code); known {
		return c.Alpha + ", " + c.Name
	}
	return fmt.Sprintf("%03d, no country of ISO 3166", code)
}

func dateText(b []byte) string {
	d, err := ParseDate(b)
	if err != nil {
		return err.Error()
	}
	return d.String()
}

// dol lists what a data object list asks for.
func (v value) dol(item *Item) {
	d, err := ParseDOL(v.bytes)
	if err != nil {
		item.Text = "damaged: " + err.Error()
		return
	}
	item.Text = "asks for " + count(len(d), "object") + ", " + count(d.Length(), "byte")
	ctx := v.scope.ctx
	ctx.Template = 0
	for _, entry := range d {
		name := "unknown tag"
		if e, known := lookup(entry.Tag, ctx, entry.Length, false); known {
			name = e.Title()
		}
		item.Details = append(item.Details, fmt.Sprintf("%s %s, %s", entry.Tag, name, count(entry.Length, "byte")))
	}
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
