package c2_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

const decided = "EMV Book C-2, S910.74"

// on is the kernel's clock and date on another day.
func on(year int, month time.Month, day int) func(*kernel.Activation) {
	return func(a *kernel.Activation) { a.Transaction.Time = time.Date(year, month, day, 23, 0, 0, 0, time.UTC) }
}

func kind(t byte) func(*kernel.Activation) {
	return func(a *kernel.Activation) { a.Transaction.Type = t }
}

// 7.7 and S456.37: each restriction and its bit of the TVR. The card has no
// certificates, which is B1b6 and B1b3; relay resistance is B5b1.
func TestRestrictions(t *testing.T) {
	high := []object{{"DF8123", "000000009999"}}
	atm := []object{{"DF8123", "000000009999"}, {"9F35", "14"}, {"9F40", "8000F0A001"}}
	for _, r := range []row{
		{name: "nothing", s: situation{card: plastic(), config: high}, tvr: "2400000001"},
		{name: "above the floor limit", s: situation{card: plastic(), config: []object{{"DF8123", "000000001249"}}}, tvr: "2400008001"},
		{name: "at the floor limit", s: situation{card: plastic(), config: []object{{"DF8123", "000000001250"}}}, tvr: "2400000001"},
		{name: "another version", s: situation{card: plastic(object{"9F08", "0003"}), config: high}, tvr: "2480000001"},
		{name: "no version", s: situation{card: plastic(object{"9F08", "-"}), config: high}, tvr: "2400000001"},
		{name: "last day", s: situation{card: plastic(object{"5F24", "300131"}), config: high, change: on(2030, 1, 31)}, tvr: "2400000001"},
		{name: "the day after", s: situation{card: plastic(object{"5F24", "300131"}), config: high, change: on(2030, 2, 1)}, tvr: "2440000001"},
		{name: "no day of the calendar", s: situation{card: plastic(object{"5F24", "300231"}), config: high}, tvr: "2440000001"},
		{name: "first day", s: situation{card: plastic(object{"5F25", "300101"}), config: high}, tvr: "2400000001"},
		{name: "the day before", s: situation{card: plastic(object{"5F25", "300102"}), config: high}, tvr: "2420000001"},
		{name: "no first day", s: situation{card: plastic(object{"5F25", "-"}), config: high}, tvr: "2400000001"},
		{name: "no usage control", s: situation{card: plastic(object{"9F07", "-"}), config: high}, tvr: "2400000001"},
		{name: "ATMs only", s: situation{card: plastic(object{"9F07", "FE00"}), config: high}, tvr: "2410000001"},
		{name: "no ATMs, at one", s: situation{card: plastic(object{"9F07", "FD00"}), config: atm, change: kind(0x01)}, tvr: "2410000001"},
		{name: "cash at an ATM", s: situation{card: plastic(object{"9F07", "8200"}), config: atm, change: kind(0x01)}, tvr: "2400000001"},
		{name: "cash at an ATM abroad", s: situation{card: plastic(object{"9F07", "8200"}, object{"5F28", "0250"}), config: atm, change: kind(0x17)}, tvr: "2410000001"},
		{name: "an ATM that gives no cash", s: situation{card: plastic(object{"9F07", "FD00"}), config: []object{{"DF8123", "000000009999"}, {"9F35", "14"}}}, tvr: "2400000001"},
		{name: "abroad only", s: situation{card: plastic(object{"9F07", "5500"}), config: high}, tvr: "2410000001"},
		{name: "abroad only, abroad", s: situation{card: plastic(object{"9F07", "5500"}, object{"5F28", "0250"}), config: high}, tvr: "2400000001"},
		{name: "services will do", s: situation{card: plastic(object{"9F07", "0900"}), config: high}, tvr: "2400000001"},
		{name: "issuer's country unknown", s: situation{card: plastic(object{"9F07", "0100"}, object{"5F28", "-"}), config: high}, tvr: "2400000001"},
		{name: "a refund is no purchase", s: situation{card: plastic(object{"9F07", "0100"}), config: high, change: kind(0x20)}, tvr: "2400000001"},
		{name: "cashback", s: situation{card: plastic(object{"9F07", "FF00"}), config: high, change: func(a *kernel.Activation) { a.Transaction.Type, a.Transaction.AmountOther = 9, 100 }}, tvr: "2410000001"},
		{name: "cashback allowed", s: situation{card: plastic(object{"9F07", "FF80"}), config: high, change: func(a *kernel.Activation) { a.Transaction.Type, a.Transaction.AmountOther = 9, 100 }}, tvr: "2400000001"},
	} {
		r.rule, r.kind = decided, kernel.OnlineRequest
		r.run(t)
	}
}

// 7.5: cardholder verification, row by row. The limit is 50.00: above it the
// terminal has PIN and signature, up to it no CVM.
func TestCardholderVerification(t *testing.T) {
	const low, limit, high = 1250, 5000, 5001
	list := func(rules string) *card { return plastic(object{"8E", "00001388 000007D0" + rules}) }
	foreign := func(rules string) *card {
		return plastic(object{"8E", "00001388 000007D0" + rules}, object{"9F42", "0840"})
	}
	none := func(amount int64) situation { return situation{card: phone(t), amount: amount} }
	for _, r := range []row{
		{name: "CVM.4 device, above the limit", s: none(high), cvm: kernel.CVMConfirmationCode, results: "010002", tvr: "0000008001", receipt: true},
		{name: "CVM.3 device, at the limit", s: none(limit), cvm: kernel.CVMNotRequired, results: "3F0002", tvr: "0000008001"},
		{name: "CVM.1 device, the terminal has none", s: situation{card: phone(t), amount: high, config: []object{{"DF811B", "10"}}}, cvm: kernel.CVMNotRequired, results: "3F0001", tvr: "0000808001", receipt: true},
		{name: "CVM.6 the card has none", s: situation{card: plastic().withGPO(object{"82", "0980"}), amount: high}, cvm: kernel.CVMNotRequired, results: "3F0000", tvr: "2400008001", receipt: true},
		{name: "CVM.8 no list", s: situation{card: plastic(object{"8E", "-"}), amount: high}, cvm: kernel.CVMNotRequired, results: "3F0000", tvr: "2400008001", receipt: true},
		{name: "CVM.8 a list without rules", s: situation{card: list(""), amount: high}, cvm: kernel.CVMNotRequired, results: "3F0000", tvr: "2400008001", receipt: true},
		{name: "CVM.18 online PIN", s: situation{card: list("42031E031F03"), amount: high}, cvm: kernel.CVMOnlinePIN, results: "420300", tvr: "2400048001", receipt: true},
		{name: "CVM.18 signature, no PIN here", s: situation{card: list("42031E031F03"), amount: high, config: []object{{"DF8118", "20"}}}, cvm: kernel.CVMSignature, results: "1E0300", tvr: "2400008001", receipt: true},
		{name: "CVM.18 no CVM at the limit", s: situation{card: list("42031E031F03"), amount: limit}, cvm: kernel.CVMNotRequired, results: "1F0302", tvr: "2400008001"},
		{name: "CVM.18 a signature below the limit", s: situation{card: list("1E03"), amount: low, config: []object{{"DF8119", "28"}}}, cvm: kernel.CVMSignature, results: "1E0300", tvr: "2400008001", receipt: true},
		{name: "CVM.14 no rule applies", s: situation{card: list("42031E03"), amount: low}, cvm: kernel.CVMNotRequired, results: "3F0001", tvr: "2400808001"},
		{name: "CVM.22 a rule fails and stops", s: situation{card: list("02001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "3F0001", tvr: "2400808001"},
		{name: "CVM.21 a rule fails and goes on", s: situation{card: list("42001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400008001"},
		{name: "CVM.22 the last rule fails and would go on", s: situation{card: list("4200"), amount: low}, cvm: kernel.CVMNotRequired, results: "3F0001", tvr: "2400808001"},
		{name: "CVM.24 fail", s: situation{card: list("0000"), amount: low}, cvm: kernel.CVMNotRequired, results: "000001", tvr: "2400808001"},
		{name: "CVM.21 fail and go on", s: situation{card: list("40001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400008001"},
		{name: "CVM.16 unrecognised, then another", s: situation{card: list("60001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400408001"},
		{name: "CVM.16 unrecognised, stop", s: situation{card: list("20001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "3F0001", tvr: "2400C08001"},
		{name: "CVM.17 a PIN for the card is recognised, not done", s: situation{card: list("41001F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400008001"},
		{name: "CVM.10 a condition that nobody knows", s: situation{card: list("1F0A1F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400008001"},
		{name: "condition 01, a shop", s: situation{card: list("1F011F00"), amount: low, change: kind(0x01)}, cvm: kernel.CVMNotRequired, results: "1F0002", tvr: "2400008001"},
		{name: "condition 01, an ATM", s: situation{card: list("1F011F00"), amount: low, change: kind(0x01), config: []object{{"9F35", "14"}, {"9F40", "8000F0A001"}}}, cvm: kernel.CVMNotRequired, results: "1F0102"},
		{name: "condition 02, a purchase", s: situation{card: list("1F021F00"), amount: low}, cvm: kernel.CVMNotRequired, results: "1F0202"},
		{name: "condition 02, cash", s: situation{card: list("1F021F00"), amount: low, change: kind(0x17)}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 02, cashback", s: situation{card: list("1F021F00"), amount: low, change: kind(0x09)}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 04, cash in a shop", s: situation{card: list("1F041F00"), amount: low, change: kind(0x01)}, cvm: kernel.CVMNotRequired, results: "1F0402"},
		{name: "condition 05, cashback", s: situation{card: list("1F051F00"), amount: low, change: kind(0x09)}, cvm: kernel.CVMNotRequired, results: "1F0502"},
		{name: "condition 06, under X", s: situation{card: list("1F061F00"), amount: 4999}, cvm: kernel.CVMNotRequired, results: "1F0602"},
		{name: "condition 06, at X", s: situation{card: list("1F061F00"), amount: 5000}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 07, over X", s: situation{card: list("1E071E00"), amount: 5001}, cvm: kernel.CVMSignature, results: "1E0700", receipt: true},
		{name: "condition 07, at X", s: situation{card: list("1F071F00"), amount: 5000}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 08, under Y", s: situation{card: list("1F081F00"), amount: 1999}, cvm: kernel.CVMNotRequired, results: "1F0802"},
		{name: "condition 08, at Y", s: situation{card: list("1F081F00"), amount: 2000}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 09, over Y", s: situation{card: list("1F091F00"), amount: 2001}, cvm: kernel.CVMNotRequired, results: "1F0902"},
		{name: "condition 09, at Y", s: situation{card: list("1F091F00"), amount: 2000}, cvm: kernel.CVMNotRequired, results: "1F0002"},
		{name: "condition 09, another currency", s: situation{card: foreign("1F091F00"), amount: 2001}, cvm: kernel.CVMNotRequired, results: "1F0002"},
	} {
		r.rule, r.kind = decided, kernel.OnlineRequest
		r.run(t)
	}
	row{rule: "EMV Book C-2, 7.5", name: "half a rule", s: situation{card: list("1F001F")}, kind: kernel.EndApplication, l2: 6}.run(t)
}

// 7.8: what is asked of a card, by the TVR, the action codes and the terminal.
// The card answers AAC, which it always may; the TVR is 8000000001: no CDA.
func TestTerminalActionAnalysis(t *testing.T) {
	const none, all, odaBit, relayBits = "0000000000", "FFFFFFFFFF", "8000000000", "0000000003"
	declines := func(denial, online, standard string) *card {
		c := plastic(object{"9F0E", denial}, object{"9F0F", online}, object{"9F0D", standard})
		return c.withGPO(object{"82", "1880"}).withAC(object{"9F27", "00"})
	}
	noIAC := func() *card { return declines("-", "-", "-") }
	clean := func(c *card) *card { return authentic(t, c.withGPO(object{"82", "1980"})) }
	tac := func(terminal, denial, online, standard string) []object {
		return []object{{"9F35", terminal}, {"DF8121", denial}, {"DF8122", online}, {"DF8120", standard}, {"DF8123", "000000009999"}}
	}
	const aac, tc, arqc = 0x00, byte(emv.TC), byte(emv.ARQC)
	for _, c := range []struct {
		rule string
		card *card
		tac  []object
		want byte
	}{
		{"TAA.3 terminal's denial", declines(none, none, none), tac("22", odaBit, none, none), aac},
		{"TAA.3 issuer's denial", declines(odaBit, none, none), tac("22", none, none, none), aac},
		{"TAA.3 denial before online only", declines(odaBit, none, none), tac("21", none, none, none), aac},
		{"TAA.1 a denial that does not match", declines("7FFFFFFFFC", none, none), tac("22", none, none, none), tc},
		{"TAA.1 no issuer denial code is zero", noIAC(), tac("21", none, none, none), arqc},
		{"TAA.5 online only, 11", declines(none, none, none), tac("11", none, none, none), arqc},
		{"TAA.5 online only, 14", declines(none, none, none), tac("14", none, none, none), arqc},
		{"TAA.5 online only, 21", declines(none, none, none), tac("21", none, none, none), arqc},
		{"TAA.5 online only, 24", declines(none, none, none), tac("24", none, none, none), arqc},
		{"TAA.5 online only, 34", declines(none, none, none), tac("34", none, none, none), arqc},
		{"TAA.11 terminal's online", declines(none, none, none), tac("22", none, odaBit, none), arqc},
		{"TAA.11 issuer's online", declines(none, odaBit, none), tac("25", none, none, none), arqc},
		{"TAA.8 no issuer online code is all ones", noIAC(), tac("22", none, none, none), arqc},
		{"TAA.8 but for the relay bits", clean(noIAC()), tac("22", none, none, none), tc},
		{"TAA.8 the terminal's own may name them", clean(noIAC()), tac("22", none, relayBits, none), arqc},
		{"TAA.12 nothing matches", declines(none, none, all), tac("22", none, none, all), tc},
		{"TAA.17 offline only, terminal's default", declines(none, none, none), tac("23", none, none, odaBit), aac},
		{"TAA.17 offline only, issuer's default", declines(none, none, odaBit), tac("26", none, none, none), aac},
		{"TAA.14 no issuer default code is all ones", noIAC(), tac("36", none, none, none), aac},
		{"TAA.14 but for the relay bits", clean(noIAC()), tac("13", none, none, none), tc},
		{"TAA.18 offline only, nothing matches", declines(none, all, none), tac("16", none, all, none), tc},
	} {
		r := row{rule: decided, name: c.rule, s: situation{card: c.card, config: c.tac}, kind: kernel.TryAnotherInterface}
		r.run(t)
		if got := c.card.one(t, 0xAE)[2] &^ 0x10; got != c.want {
			t.Errorf("%s: asked for %02X, want %02X", c.rule, got, c.want)
		}
	}
}

// An amount of zero is an account check, and an enquiry asks the issuer: there
// is nothing for the card to approve, nor for a terminal without a line.
func TestIssuersAlone(t *testing.T) {
	const none = "0000000000"
	for name, c := range map[string]struct {
		change   func(*kernel.Activation)
		terminal string
		want     byte
	}{
		"a purchase":               {func(*kernel.Activation) {}, "22", byte(emv.TC)},
		"zero":                     {func(a *kernel.Activation) { a.Transaction.Amount = 0 }, "22", byte(emv.ARQC)},
		"zero, offline only":       {func(a *kernel.Activation) { a.Transaction.Amount = 0 }, "23", 0},
		"enquiry":                  {func(a *kernel.Activation) { a.Transaction.Type = 0x30 }, "22", byte(emv.ARQC)},
		"enquiry, offline only":    {func(a *kernel.Activation) { a.Transaction.Type = 0x30 }, "26", 0},
		"status check":             {func(a *kernel.Activation) { a.Indicators.StatusCheckRequested = true }, "25", byte(emv.ARQC)},
		"a refund may be approved": {func(a *kernel.Activation) { a.Transaction.Type = 0x20 }, "22", byte(emv.TC)},
	} {
		card := plastic(object{"9F0E", none}, object{"9F0F", none}, object{"9F0D", none}).withGPO(object{"82", "1880"}).withAC(object{"9F27", "00"})
		config := []object{{"9F35", c.terminal}, {"DF8121", none}, {"DF8122", none}, {"DF8120", none}, {"DF8123", "000000009999"}}
		situation{card: card, config: config, change: c.change}.play(t)
		require.Equal(t, c.want, card.one(t, 0xAE)[2]&^0x10, name)
	}
}
