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

// maskNumbers masks what looks like an account number of a card in a text: groups
// of digits with single blanks or dashes between them, together of a length and
// with a beginning that cards have, whose check digit is right (ISO/IEC 7812).
func maskNumbers(text string) string {
	count := 0
	for n := range len(text) {
		if isDigit(text[n]) {
			count++
		}
	}
	if count < leastCard {
		return text
	}
	var out strings.Builder
	for at := 0; at < len(text); {
		end, number := at+1, emv.PAN("")
		if isDigit(text[at]) {
			end, number = cardIn(text, at)
		}
		if number != "" {
			out.WriteString(number.Masked())
		} else {
			out.WriteString(text[at:end])
		}
		at = end
	}
	return out.String()
}

// cardIn finds a card's number that begins with the group of digits at a place,
// and where it ends; without one it is "", and the end is the group's.
func cardIn(text string, at int) (end int, number emv.PAN) {
	var digits strings.Builder
	for n := at; n < len(text) && digits.Len() <= mostCard; n++ {
		if !isDigit(text[n]) {
			if n+1 == len(text) || text[n] != ' ' && text[n] != '-' || !isDigit(text[n+1]) {
				break
			}
			continue
		}
		digits.WriteByte(text[n])
		if n+1 < len(text) && isDigit(text[n+1]) {
			continue
		}
		if pan := emv.PAN(digits.String()); cardNumber(pan) {
			end, number = n+1, pan
		}
	}
	if number == "" {
		for end = at; end < len(text) && isDigit(text[end]); {
			end++
		}
	}
	return end, number
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Bounds of the lengths of account numbers.
const (
	leastCard = 13
	mostCard  = 19
)

// cardNumber is true for a number with a beginning and a length that cards of the
// schemes have, and a check digit that is right.
func cardNumber(pan emv.PAN) bool {
	if len(pan) < leastCard || len(pan) > mostCard || !pan.Valid() {
		return false
	}
	switch two, four := string(pan[:2]), string(pan[:4]); {
	case pan[0] == '4':
		return len(pan) == 13 || len(pan) == 16 || len(pan) == 19
	case two == "34" || two == "37":
		return len(pan) == 15
	case two == "30" || two == "36" || two == "38" || two == "39":
		return len(pan) == 14 || len(pan) == 16
	case two == "35", between(two, "51", "55"), between(four, "2221", "2720"):
		return len(pan) == 16
	case pan[0] == '5' || pan[0] == '6':
		return len(pan) >= 16
	}
	return false
}
