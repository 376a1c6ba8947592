package iso8583

import "strings"

// hidden are the fields that are shown masked: account numbers, tracks, PIN
// data (PCI DSS 3.3 and 3.4).
var hidden = map[int]func(string) string{
	2: maskPAN, 34: maskPAN, 35: maskTrack, 36: maskAll, 45: maskTrack, 52: maskAll,
}

// maskPAN leaves at most the first six and last four digits.
func maskPAN(digits string) string {
	if len(digits) < 13 {
		return maskAll(digits)
	}
	return digits[:6] + strings.Repeat("*", len(digits)-10) + digits[len(digits)-4:]
}

// maskTrack leaves the masked account number. Track 1 has a letter in front of
// it and the cardholder's name behind.
func maskTrack(track string) string {
	start := strings.IndexFunc(track, func(r rune) bool { return '0' <= r && r <= '9' })
	if start < 0 || start > 2 {
		return maskAll(track)
	}
	end := strings.IndexAny(track, "=D^")
	if end < start {
		return maskAll(track)
	}
	return maskPAN(strings.TrimSpace(track[start:end])) + track[end:end+1] + "****"
}

func maskAll(value string) string { return strings.Repeat("*", min(len(value), 16)) }

// maskText masks what may be an account number inside free text, as private
// fields of some hosts carry it: of 13 digits or more in a row only the last
// four are left.
func maskText(text string) string {
	var out strings.Builder
	for text != "" {
		digits := 0
		for digits < len(text) && isDigit(text[digits]) {
			digits++
		}
		if digits >= 13 {
			out.WriteString(strings.Repeat("*", digits-4) + text[digits-4:digits])
		} else {
			out.WriteString(text[:digits])
		}
		text = text[digits:]
		other := 0
		for other < len(text) && !isDigit(text[other]) {
			other++
		}
		out.WriteString(text[:other])
		text = text[other:]
	}
	return out.String()
}
