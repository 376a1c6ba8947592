package iso8583

import "strings"

// class is what a field may hold (ISO 8583:1987, 4.3).
type class byte

const (
	numeric      class = iota + 1 // n: digits
	alphanumeric                  // an: letters, digits, space
	special                       // ans: any character of seven bits
	binary                        // b: bytes
	track                         // z: digits and the separator = or D
	signed                        // x+n: C or D, then digits
)

// kind says how a field's length is fixed.
type kind bool

const (
	exact kind = false
	upTo  kind = true
)

// field is a row of the standard's table of data elements.
type field struct {
	name   string
	class  class
	kind   kind
	length int // digits, characters or bytes
}

// fields is the table of ISO 8583:1987, 4.2: every field that can stand in a
// message with two bitmaps. Field 65 would announce a third one. Lengths of
// the private fields are those that hosts use most.
var fields = [129]field{
	0:   {"message type", numeric, exact, 4},
	1:   {"bitmap", binary, exact, 8},
	2:   {"primary account number", numeric, upTo, 19},
	3:   {"processing code", numeric, exact, 6},
	4:   {"amount, transaction", numeric, exact, 12},
	5:   {"amount, settlement", numeric, exact, 12},
	6:   {"amount, cardholder billing", numeric, exact, 12},
	7:   {"transmission date and time", numeric, exact, 10},
	8:   {"amount, cardholder billing fee", numeric, exact, 8},
	9:   {"conversion rate, settlement", numeric, exact, 8},
	10:  {"conversion rate, cardholder billing", numeric, exact, 8},
	11:  {"system trace audit number", numeric, exact, 6},
	12:  {"local transaction time", numeric, exact, 6},
	13:  {"local transaction date", numeric, exact, 4},
	14:  {"expiry date", numeric, exact, 4},
	15:  {"settlement date", numeric, exact, 4},
	16:  {"conversion date", numeric, exact, 4},
	17:  {"capture date", numeric, exact, 4},
	18:  {"merchant category", numeric, exact, 4},
	19:  {"acquirer country", numeric, exact, 3},
	20:  {"account number country", numeric, exact, 3},
	21:  {"forwarding institution country", numeric, exact, 3},
	22:  {"entry mode", numeric, exact, 3},
	23:  {"card sequence number", numeric, exact, 3},
	24:  {"network international identifier", numeric, exact, 3},
	25:  {"condition code", numeric, exact, 2},
	26:  {"PIN capture code", numeric, exact, 2},
	27:  {"authorisation code length", numeric, exact, 1},
	28:  {"amount, transaction fee", signed, exact, 9},
	29:  {"amount, settlement fee", signed, exact, 9},
	30:  {"amount, transaction processing fee", signed, exact, 9},
	31:  {"amount, settlement processing fee", signed, exact, 9},
	32:  {"acquirer", numeric, upTo, 11},
	33:  {"forwarding institution", numeric, upTo, 11},
	34:  {"extended account number", special, upTo, 28},
	35:  {"track 2", track, upTo, 37},
	36:  {"track 3", track, upTo, 104},
	37:  {"retrieval reference number", alphanumeric, exact, 12},
	38:  {"authorisation code", alphanumeric, exact, 6},
	39:  {"response code", alphanumeric, exact, 2},
	40:  {"service restriction code", alphanumeric, exact, 3},
	41:  {"terminal", special, exact, 8},
	42:  {"merchant", special, exact, 15},
	43:  {"merchant name and location", special, exact, 40},
	44:  {"additional response data", special, upTo, 25},
	45:  {"track 1", special, upTo, 76},
	46:  {"additional data, ISO", special, upTo, 999},
	47:  {"additional data, national", special, upTo, 999},
	48:  {"additional data, private", special, upTo, 999},
	49:  {"currency, transaction", numeric, exact, 3},
	50:  {"currency, settlement", numeric, exact, 3},
	51:  {"currency, cardholder billing", numeric, exact, 3},
	52:  {"PIN block", binary, exact, 8},
	53:  {"security control information", numeric, exact, 16},
	54:  {"additional amounts", alphanumeric, upTo, 120},
	55:  {"chip data", binary, upTo, 255},
	56:  {"reserved 56", special, upTo, 999},
	57:  {"reserved 57", special, upTo, 999},
	58:  {"reserved 58", special, upTo, 999},
	59:  {"reserved 59", special, upTo, 999},
	60:  {"reserved 60", special, upTo, 999},
	61:  {"reserved 61", special, upTo, 999},
	62:  {"reserved 62", special, upTo, 999},
	63:  {"reserved 63", special, upTo, 999},
	64:  {"message authentication code", binary, exact, 8},
	66:  {"settlement code", numeric, exact, 1},
	67:  {"extended payment code", numeric, exact, 2},
	68:  {"receiving institution country", numeric, exact, 3},
	69:  {"settlement institution country", numeric, exact, 3},
	70:  {"network management code", numeric, exact, 3},
	71:  {"message number", numeric, exact, 4},
	72:  {"message number, last", numeric, exact, 4},
	73:  {"action date", numeric, exact, 6},
	74:  {"credits, number", numeric, exact, 10},
	75:  {"credits, reversal number", numeric, exact, 10},
	76:  {"debits, number", numeric, exact, 10},
	77:  {"debits, reversal number", numeric, exact, 10},
	78:  {"transfers, number", numeric, exact, 10},
	79:  {"transfers, reversal number", numeric, exact, 10},
	80:  {"inquiries, number", numeric, exact, 10},
	81:  {"authorisations, number", numeric, exact, 10},
	82:  {"credits, processing fee amount", numeric, exact, 12},
	83:  {"credits, transaction fee amount", numeric, exact, 12},
	84:  {"debits, processing fee amount", numeric, exact, 12},
	85:  {"debits, transaction fee amount", numeric, exact, 12},
	86:  {"credits, amount", numeric, exact, 16},
	87:  {"credits, reversal amount", numeric, exact, 16},
	88:  {"debits, amount", numeric, exact, 16},
	89:  {"debits, reversal amount", numeric, exact, 16},
	90:  {"original data elements", numeric, exact, 42},
	91:  {"file update code", alphanumeric, exact, 1},
	92:  {"file security code", alphanumeric, exact, 2},
	93:  {"response indicator", alphanumeric, exact, 5},
	94:  {"service indicator", alphanumeric, exact, 7},
	95:  {"replacement amounts", alphanumeric, exact, 42},
	96:  {"message security code", binary, exact, 8},
	97:  {"amount, net settlement", signed, exact, 17},
	98:  {"payee", special, exact, 25},
	99:  {"settlement institution", numeric, upTo, 11},
	100: {"receiving institution", numeric, upTo, 11},
	101: {"file name", special, upTo, 17},
	102: {"account 1", special, upTo, 28},
	103: {"account 2", special, upTo, 28},
	104: {"transaction description", special, upTo, 100},
	105: {"reserved 105", special, upTo, 999},
	106: {"reserved 106", special, upTo, 999},
	107: {"reserved 107", special, upTo, 999},
	108: {"reserved 108", special, upTo, 999},
	109: {"reserved 109", special, upTo, 999},
	110: {"reserved 110", special, upTo, 999},
	111: {"reserved 111", special, upTo, 999},
	112: {"reserved 112", special, upTo, 999},
	113: {"reserved 113", special, upTo, 999},
	114: {"reserved 114", special, upTo, 999},
	115: {"reserved 115", special, upTo, 999},
	116: {"reserved 116", special, upTo, 999},
	117: {"reserved 117", special, upTo, 999},
	118: {"reserved 118", special, upTo, 999},
	119: {"reserved 119", special, upTo, 999},
	120: {"reserved 120", special, upTo, 999},
	121: {"reserved 121", special, upTo, 999},
	122: {"reserved 122", special, upTo, 999},
	123: {"reserved 123", special, upTo, 999},
	124: {"reserved 124", special, upTo, 999},
	125: {"reserved 125", special, upTo, 999},
	126: {"reserved 126", special, upTo, 999},
	127: {"reserved 127", special, upTo, 999},
	128: {"message authentication code", binary, exact, 8},
}

// holds says why text is not of the class, "" if it is. It never quotes the
// text, which may be an account number.
func (c class) holds(text string) string {
	var allowed func(byte) bool
	var reason string
	switch c {
	case numeric:
		allowed, reason = isDigit, "is not all digits"
	case alphanumeric:
		allowed, reason = isAlphanumeric, "is not all letters and digits"
	case track:
		allowed, reason = isTrack, "is not all digits and separators"
	case binary:
		allowed, reason = isHex, "is not all hex digits"
	case signed:
		if text == "" || text[0] != 'C' && text[0] != 'D' {
			return "does not start with C or D"
		}
		text, allowed, reason = text[1:], isDigit, "is not all digits after its sign"
	default:
		allowed, reason = isASCII, "holds a character above 7 bits"
	}
	for i := range len(text) {
		if !allowed(text[i]) {
			return reason
		}
	}
	return ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isASCII(c byte) bool { return c < 0x80 }
func isTrack(c byte) bool { return isDigit(c) || c == '=' || c == 'D' }
func isHex(c byte) bool   { return isDigit(c) || strings.IndexByte("ABCDEFabcdef", c) >= 0 }
func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == ' '
}
