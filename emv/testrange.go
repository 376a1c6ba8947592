package emv

import "strings"

// testRanges are the account numbers that may be shown in full when somebody
// asks: beginnings of test ranges, and whole test numbers. Numbers of real
// cards that a publisher made unreadable are not among them, nor are numbers
// whose check digit is wrong.
var testRanges = [...]struct{ reason, numbers string }{
	{"funding cards and tokens of this project, and Visa's published test cards beside them", "476173"},
	{"Mastercard's published test cards, EMVCo's worked examples, cards and tokens of this project", "5413330 541333900 5204730000000013"},
	{"UnionPay test cards of this project and of published traces", "62509400 62109480"},
	{"test cards of published traces: Visa contact, American Express, JCB", "4761340000000050 374245001741007 3540829999421012"},
	{"invented numbers of worked examples: a simulated card, key derivation, PIN blocks",
		"1234560012345608 4012345678909 4333322221111"},
	{"numbers that payment gateways publish for tests: Visa",
		"4111111111111111 4012888888881881 4222222222222 4242424242424242 4000056655665556 4000000000000002 4005519200000004"},
	{"the same: Mastercard and Maestro",
		"5555555555554444 5105105105105100 5454545454545454 5200828282828210 2223003122003222 6759649826438453"},
	{"the same: American Express, Discover, Diners Club, JCB, UnionPay",
		"378282246310005 371449635398431 378734493671000 6011111111111117 6011000990139424 30569309025904 38520000023237 " +
			"3530111333300000 3566002020360505 6200000000000005"},
}

// TestRange is true for correct account numbers of this project's test cards
// and of test cards that others have published.
func TestRange(pan PAN) bool {
	if !pan.Valid() {
		return false
	}
	for i := range testRanges {
		for number := range strings.FieldsSeq(testRanges[i].numbers) {
			if string(pan) == number || len(number) <= 10 && strings.HasPrefix(string(pan), number) {
				return true
			}
		}
	}
	return false
}

// TestIssuer is true for an issuer identification number (42, 9F0C), six or
// eight digits, under which TestRange is true of every correct account number.
func TestIssuer(iin string) bool {
	if len(iin) != 6 && len(iin) != 8 || !digitsOnly(iin) {
		return false
	}
	for i := range testRanges {
		for number := range strings.FieldsSeq(testRanges[i].numbers) {
			if len(number) <= 10 && strings.HasPrefix(iin, number) {
				return true
			}
		}
	}
	return false
}

// AccountNumbers are the account numbers in TLV data, through all levels: in 5A,
// 57 and 9F6B. What is damaged is left out.
func AccountNumbers(data []byte) []PAN { return accountNumbers(data, 1) }

func accountNumbers(data []byte, depth int) []PAN {
	var out []PAN
	s := Scan(data)
	for s.Next() {
		switch tag := s.Tag(); {
		case tag.Constructed() && depth < MaxDepth:
			out = append(out, accountNumbers(s.Value(), depth+1)...)
		case tag == TagPAN:
			if digits, err := Digits(s.Value()); err == nil && digits != "" {
				out = append(out, PAN(digits))
			}
		case tag == TagTrack2 || tag == 0x9F6B: // track 2 data of mag-stripe mode, kernel 2
			if track, err := ParseTrack2(s.Value()); err == nil {
				out = append(out, track.PAN)
			}
		}
	}
	return out
}
