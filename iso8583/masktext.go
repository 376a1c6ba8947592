package iso8583

import "strings"

// maskText masks what may be an account number inside free text, as private
// fields of some hosts carry it: of 13 digits or more in a row only the last
// four are left, also where blanks or hyphens group them and the check digit is
// correct; digits of EBCDIC in hex leave nothing. What follows such a number as
// tracks have it goes, too.
func maskText(text string) string {
	var out strings.Builder
	for text != "" {
		n, masked := accountAt(text)
		if n == 0 {
			n = max(1, digitRun(text)) // a run that is too short as a whole is so from its second digit on
			out.WriteString(text[:n])
			text = text[n:]
			continue
		}
		out.WriteString(masked)
		text = text[n:]
		if rest := trackRest(text); rest > 0 {
			out.WriteString(text[:1] + "****")
			text = text[rest:]
		}
	}
	return out.String()
}

// accountAt is the length of what may be an account number at the start of
// text, 0 if nothing is, and how it is shown.
func accountAt(text string) (n int, masked string) {
	if n = digitRun(text); n >= 13 {
		return n, strings.Repeat("*", n-4) + text[n-4:n]
	}
	if n = ebcdicRun(text); n >= 2*13 {
		return n, strings.Repeat("*", n)
	}
	if n = groupedRun(text); !holdsAccount(ungrouped(text[:n])) {
		return 0, ""
	}
	shown := []byte(text[:n])
	for i, left := n-1, 4; i >= 0; i-- {
		switch {
		case !isDigit(shown[i]):
		case left > 0:
			left--
		default:
			shown[i] = '*'
		}
	}
	return n, string(shown)
}

func digitRun(text string) int {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n
}

// ebcdicRun is the length of digits of EBCDIC, F0 to F9, as hex.
func ebcdicRun(text string) int {
	n := 0
	for n+1 < len(text) && (text[n] == 'F' || text[n] == 'f') && isDigit(text[n+1]) {
		n += 2
	}
	return n
}

// groupedRun is the length of digits with at most one blank or hyphen between
// two of them, as far as an account number may reach.
func groupedRun(text string) int {
	text = text[:min(len(text), 2*19)]
	n := digitRun(text)
	for n > 0 && n+1 < len(text) && (text[n] == ' ' || text[n] == '-') && isDigit(text[n+1]) {
		n += 1 + digitRun(text[n+1:])
	}
	return n
}

func ungrouped(text string) string { return strings.NewReplacer(" ", "", "-", "").Replace(text) }

// trackRest is the length of what follows an account number in track 2 (a
// separator and digits) or in track 1 (the name and more, between carets).
func trackRest(text string) int {
	if text == "" {
		return 0
	}
	switch digits := digitRun(text[1:]); {
	case text[0] == '=' && digits > 0, (text[0] == 'D' || text[0] == 'd') && digits >= 4:
		return 1 + digits
	case text[0] == '^':
		end := strings.IndexFunc(text, func(r rune) bool { return r == '?' || r < ' ' })
		if end < 0 {
			end = len(text)
		}
		return end
	}
	return 0
}

// holdsAccount is true when 13 to 19 digits in a row, the first not 0, have a
// correct check digit (ISO/IEC 7812-1, annex B). Those that end in eight zeros
// are fill.
func holdsAccount(text string) bool {
	for start := range len(text) {
		if text[start] == '0' {
			continue
		}
		run := digitRun(text[start:])
		for n := 13; n <= min(19, run); n++ {
			if digits := text[start : start+n]; luhn(digits) && !strings.HasSuffix(digits, "00000000") {
				return true
			}
		}
	}
	return false
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
