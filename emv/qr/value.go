package qr

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"tapsim/emv"
)

// Value is text of a code that may hold an account number. It prints masked;
// convert it to a string to get all of it.
type Value string

// Masked is the value with every run of 13 digits or more reduced to its first
// six and last four.
func (v Value) Masked() string {
	s, _ := showText(string(v), true, false)
	return s
}

// String is Masked.
func (v Value) String() string { return v.Masked() }

// GoString is Masked, so that %#v and test failures do not leak.
func (v Value) GoString() string { return v.Masked() }

// Format prints the masked value, whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.Masked()) }

// MarshalText is Masked.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.Masked()), nil }

// minPAN and maxPAN bound the digits of an account number that masking looks
// for.
const minPAN, maxPAN = 13, 19

// showText masks the account numbers in a text, and says whether it did. all
// masks every long run of digits; otherwise only those that have a correct
// check digit. Revealed are numbers of the test ranges. Control characters
// become a mark, for they would reach the terminal.
func showText(s string, all, reveal bool) (shown string, masked bool) {
	var b strings.Builder
	for s != "" {
		n := len(s) - len(strings.TrimLeft(s, "0123456789"))
		run := s[:n]
		if hide := n >= minPAN && (all || n <= maxPAN && emv.PAN(run).Valid()); hide && !(reveal && emv.TestRange(emv.PAN(run))) {
			b.WriteString(showNumber(run, false))
			masked = true
		} else {
			b.WriteString(run)
		}
		s = s[n:]
		if n = strings.IndexAny(s, "0123456789"); n < 0 {
			n = len(s)
		}
		b.WriteString(strings.Map(visible, s[:n]))
		s = s[n:]
	}
	return b.String(), masked
}

// showNumber is a number with its first six and last four digits, or all of a
// test card's that is revealed.
func showNumber(run string, reveal bool) string {
	if reveal && emv.TestRange(emv.PAN(run)) {
		return run
	}
	if len(run) <= 10 {
		return strings.Repeat("*", len(run))
	}
	return run[:6] + strings.Repeat("*", len(run)-10) + run[len(run)-4:]
}

func visible(r rune) rune {
	if unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
