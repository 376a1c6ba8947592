package provisioning

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Readable is true for text that people can be shown on one line: UTF-8 of at
// most that many bytes, without control characters, line ends, and marks that
// turn the direction of writing. What somebody else typed - the name of a phone,
// a reason - must not draw on the screen of who reads it.
func Readable(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
}
