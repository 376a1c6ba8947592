package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hexError is a character that is no hex digit.
type hexError struct {
	before string // the text in front of it
	char   rune
}

func (e *hexError) Error() string {
	return fmt.Sprintf("character %d, %q, is not a hex digit", utf8.RuneCountInString(e.before)+1, e.char)
}

// place is the line and the column of the character, from 1.
func (e *hexError) place() (line, column int) {
	start := strings.LastIndexByte(e.before, '\n') + 1
	return strings.Count(e.before, "\n") + 1, utf8.RuneCountInString(e.before[start:]) + 1
}

// cleanHex reads hex digits with white space and colons between bytes.
func cleanHex(s string) ([]byte, error) {
	digits := make([]byte, 0, len(s))
	for i, c := range s {
		switch {
		case unicode.IsSpace(c) || c == ':':
		case strings.ContainsRune("0123456789abcdefABCDEF", c):
			digits = append(digits, byte(c))
		default:
			return nil, &hexError{s[:i], c}
		}
	}
	switch {
	case len(digits) == 0:
		return nil, errors.New("no hex digits")
	case len(digits) == 1:
		return nil, errors.New("1 hex digit: a byte has two")
	case len(digits)%2 == 1:
		return nil, fmt.Errorf("%d hex digits: a byte has two, one is missing or too many", len(digits))
	}
	out := make([]byte, len(digits)/2)
	_, err := hex.Decode(out, digits)
	return out, err
}

// withoutComments puts blanks in the place of lines that begin with #, so that
// all others keep their place.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			line = strings.Repeat(" ", len(strings.TrimRight(line, "\n"))) + line[len(strings.TrimRight(line, "\n")):]
		}
		b.WriteString(line)
	}
	return b.String()
}
