package transcript

import (
	"bytes"
	"fmt"
	"strings"

	"tapsim/emv"
)

// Substitutes are taken from corners of this project's test ranges in which
// nothing else lies, so that they are known when they come again.
const (
	visaSubstitutes       = "47617399"
	mastercardSubstitutes = "5413339009"
	unionPaySubstitutes   = "621094809"
	shortSubstitutes      = "476173" // of fewer than 13 digits
)

// substitute makes the next substitute for an account number: of its length,
// and of its scheme where the test ranges have it.
func (r *Redactor) substitute(number string) (string, error) {
	prefix := visaSubstitutes
	switch {
	case len(number) < 13:
		prefix = shortSubstitutes
	case number[0] == '5' || number[0] == '2':
		prefix = mastercardSubstitutes
	case strings.HasPrefix(number, "62"):
		prefix = unionPaySubstitutes
	}
	room := len(number) - len(prefix) - 1
	key := fmt.Sprint(prefix, room)
	n := r.taken[key] + 1
	r.taken[key] = n
	if digits := fmt.Sprintf("%0*d", room, n); len(digits) == room {
		return string(emv.WithCheckDigit(prefix + digits)), nil
	}
	return "", fmt.Errorf("redact: more account numbers of %d digits than there are substitutes", len(number))
}

// isSubstitute is true for numbers that substitute makes.
func isSubstitute(number string) bool {
	if !emv.PAN(number).Valid() {
		return false
	}
	if len(number) < 13 {
		return strings.HasPrefix(number, shortSubstitutes)
	}
	for _, prefix := range []string{visaSubstitutes, mastercardSubstitutes, unionPaySubstitutes} {
		if strings.HasPrefix(number, prefix) {
			return true
		}
	}
	return false
}

// replacement is what takes the place of an account number: itself, when it is
// a substitute already.
func (r *Redactor) replacement(number string) string {
	if s, ok := r.numbers[number]; ok {
		return s
	}
	return number
}

// digits is a stretch of decimal digits that can be read and written: nibbles
// of a value, or characters.
type digits struct {
	n   int
	get func(i int) byte
	set func(i int, d byte)
}

func nibblesOf(b []byte, from, to int) digits {
	return digits{to - from,
		func(i int) byte { return nibbleAt(b, from+i) },
		func(i int, d byte) { setNibble(b, from+i, d) }}
}

func charactersOf(b []byte, from, to int) digits {
	return digits{to - from,
		func(i int) byte { return b[from+i] - '0' },
		func(i int, d byte) { b[from+i] = d + '0' }}
}

func (d digits) text() string {
	out := make([]byte, d.n)
	for i := range out {
		out[i] = '0' + d.get(i)
	}
	return string(out)
}

func (d digits) write(at int, text string) {
	for i := range len(text) {
		d.set(at+i, text[i]-'0')
	}
}

func nibbleAt(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}

func setNibble(b []byte, i int, v byte) {
	if i%2 == 0 {
		b[i/2] = b[i/2]&0xF | v<<4
	} else {
		b[i/2] = b[i/2]&0xF0 | v
	}
}

// eachRun calls f for the runs of at least 13 decimal digits in b, as nibbles
// and as characters. touched, when not nil, says whether a run between two
// nibbles counts.
func eachRun(b []byte, touched func(from, to int) bool, f func(digits)) {
	runs(2*len(b), func(i int) bool { return nibbleAt(b, i) <= 9 }, func(from, to int) {
		if !mostlyText(b[from/2:(to+1)/2]) && (touched == nil || touched(from, to)) {
			f(nibblesOf(b, from, to))
		}
	})
	runs(len(b), func(i int) bool { return b[i] >= '0' && b[i] <= '9' }, func(from, to int) {
		if touched == nil || touched(2*from, 2*to) {
			f(charactersOf(b, from, to))
		}
	})
}

// mostlyText is true for digits and blanks in characters, whose codes are
// decimal nibbles too.
func mostlyText(b []byte) bool {
	n := 0
	for _, c := range b {
		if c >= '0' && c <= '9' || c == ' ' {
			n++
		}
	}
	return 5*n >= 4*len(b)
}

func runs(n int, in func(int) bool, f func(from, to int)) {
	for i := 0; i < n; i++ {
		from := i
		for i < n && in(i) {
			i++
		}
		if i-from >= 13 {
			f(from, i)
		}
	}
}

// eachAccount finds the account numbers in a run of digits: substitutes first,
// so that what a redaction wrote is found again as it was, then numbers that are
// known, then correct numbers in what is left.
func (r *Redactor) eachAccount(text string, f func(at, length int)) {
	for at := range text {
		for _, n := range usualLengths {
			if at+n > len(text) {
				continue
			}
			_, known := r.numbers[text[at:at+n]]
			if isSubstitute(text[at:at+n]) || known && telling(text[at:at+n]) {
				eachNumber(text[:at], f)
				f(at, n)
				r.eachAccount(text[at+n:], func(from, length int) { f(at+n+from, length) })
				return
			}
		}
	}
	eachNumber(text, f)
}

// usualLengths are the lengths of account numbers, the most usual first.
var usualLengths = [...]int{16, 15, 19, 18, 17, 14, 13}

func eachNumber(text string, f func(at, length int)) {
	for at := 0; at+13 <= len(text); at++ {
		if text[at] == '0' {
			continue // no issuer's numbers begin with 0
		}
		for _, n := range usualLengths {
			if at+n <= len(text) && emv.PAN(text[at:at+n]).Valid() {
				f(at, n)
				at += n - 1
				break
			}
		}
	}
}

// replaceKnown replaces account numbers and names that were seen elsewhere,
// wherever they stand in b.
func (r *Redactor) replaceKnown(b []byte) {
	for _, name := range r.names {
		for at := 0; len(name) >= minName; {
			i := bytes.Index(b[at:], []byte(name))
			if i < 0 {
				break
			}
			at += i + copy(b[at+i:], nameOfLength(len(name)))
		}
	}
	eachRun(b, nil, func(d digits) {
		text := d.text()
		for at := 0; at+13 <= len(text); at++ {
			for n := min(19, len(text)-at); n >= 13; n-- {
				if s, ok := r.numbers[text[at:at+n]]; ok && telling(text[at:at+n]) {
					d.write(at, s)
					at += n - 1
					break
				}
			}
		}
	})
}

// telling is false for numbers that a publisher has made of one digit, which
// stand everywhere.
func telling(number string) bool {
	return number[0] != '0' && strings.Trim(number[1:], number[1:2]) != ""
}
