package iso8583

import "strings"

// hidden are the fields that are shown masked: account numbers, tracks, PIN
// data (PCI DSS 3.3 and 3.4).
var hidden = map[int]func(string) string{
	2: maskPAN, 34: maskPAN, 35: maskTrack, 36: maskAll, 45: maskTrack, 52: maskAll,
}

// mask is a value as it may be shown. own is the account number of the message,
// if it is known: that is found wherever it stands.
func mask(number int, value, own string) string {
	hide := hidden[number]
	switch bytes, whole := unhex(value); {
	case hide != nil:
		return hide(value)
	case number == 55:
		return ""
	case fields[number].class == binary && (holdsAccount(value) || whole && holdsAccount(bytes)):
		return maskAll(value)
	case fields[number].class.holds(value) != "", !usual(number, value):
		value = maskText(value)
	}
	if own != "" {
		value = strings.ReplaceAll(value, own, maskPAN(own))
	}
	return value
}

// usual is true for digits that are what their field says, and so no place for
// an account number. Without this, most of the long ones would be
// taken for one: every tenth number has a correct check digit.
func usual(number int, value string) bool {
	switch number {
	case 54: // groups of account, type, currency, sign, amount (ISO 8583:1987, 4.3.6)
		for ; len(value) >= 20; value = value[20:] {
			if numeric.holds(value[:7]) != "" || signed.holds(value[7:20]) != "" {
				return false
			}
		}
		return value == ""
	case 90:
		return len(value) == 42 && MTI(value[:4]).Text() != "" && explainTime("0102150405", value[10:20], "x") != "" &&
			(value[20] == '0' || value[31] == '0') // institutions are shorter than their places
	case 95: // two amounts, far below what would fill their places, and two fees
		return len(value) == 42 && value[:2] == "00" && value[12:14] == "00"
	}
	text := fields[number].class == special || fields[number].class == alphanumeric
	return !text && !holdsAccount(value)
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
