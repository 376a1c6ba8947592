package issuer

import (
	"strings"

	"tapsim/emv"
	"tapsim/provisioning"
)

// maxText bounds texts that people give a reason in, in bytes.
const maxText = 200

// checkText refuses text that is too long, is not one line of letters, or holds
// what looks like a card's number: texts are kept and shown as they are.
func checkText(what, text string) error {
	switch {
	case len(text) > maxText:
		return refuse("bad-request", "", "%s has more than %d characters", what, maxText)
	case !provisioning.Readable(text, maxText):
		return refuse("bad-request", "", "%s holds characters that do not print", what)
	case maskNumbers(text) != text:
		return refuse("card-number-in-text", "leave it out: texts are kept and shown as they are", "%s holds what looks like a card's number", what)
	}
	return nil
}

// maskNumbers masks what looks like an account number of a card in a text: 13 to
// 19 digits, with single blanks or dashes between them, whose check digit is
// right and which start as the schemes' do (ISO/IEC 7812).
func maskNumbers(text string) string {
	count := 0
	for n := range len(text) {
		if isDigit(text[n]) {
			count++
		}
	}
	if count < 13 {
		return text
	}
	var out strings.Builder
	for at := 0; at < len(text); {
		if !isDigit(text[at]) {
			out.WriteByte(text[at])
			at++
			continue
		}
		end, digits := digitRun(text[at:])
		if pan := emv.PAN(digits); cardNumber(pan) {
			out.WriteString(pan.Masked())
		} else {
			out.WriteString(text[at : at+end])
		}
		at += end
	}
	return out.String()
}

// digitRun is how far a run of digits goes that text starts with, and the digits.
func digitRun(text string) (end int, digits string) {
	var b strings.Builder
	for n := 0; n < len(text); n++ {
		switch {
		case isDigit(text[n]):
			b.WriteByte(text[n])
			end = n + 1
		case text[n] != ' ' && text[n] != '-' || n+1 == len(text) || !isDigit(text[n+1]):
			return end, b.String()
		}
	}
	return end, b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func cardNumber(pan emv.PAN) bool {
	if len(pan) < 13 || len(pan) > 19 || !pan.Valid() {
		return false
	}
	return between(string(pan[:1]), "3", "6") || between(string(pan[:4]), "2221", "2720")
}
