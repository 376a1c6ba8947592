package c2_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// un680 makes the unpredictable number of the worked example: 680.
func un680(a *kernel.Activation) { a.Transaction.UnpredictableNumber = [4]byte{0, 0, 0x02, 0xA8} }

// both gives a card track 1 as well; its bitmaps point at the same digits.
func both() []object {
	track1 := hexOf([]byte("B" + pan + "^TEST/CARD^4912201" + "90009900000000000"))
	return kerneltest.With(mag, object{"56", track1}, object{"9F62", "0000000000E0"}, object{"9F63", "00000000E700"}, object{"9F64", "03"})
}

func (c *card) withMag(objects []object) *card {
	c.records[[2]byte{1, 1}] = objects
	return c
}

func (c *card) withCCC(changes ...object) *card { c.ccc = kerneltest.With(c.ccc, changes...); return c }

// A worked example: verification code A2C4 (41668, three digits), unpredictable
// number 680 (three digits), counter 03F9 (1017, three digits) into
// 9000990000000 give 9017996806683.
func TestMagStripe(t *testing.T) {
	c := magOnly()
	var rules []string
	o := situation{card: c, change: func(a *kernel.Activation) {
		un680(a)
		a.Trace = func(s kernel.Step) { rules = append(rules, s.Rule) }
	}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Equal(t, []string{"EMV Book C-2, S3.17", "EMV Book C-2, S13.26"}, rules)
	require.Equal(t, [][]byte{unhex(t, "80A8000002830000"), unhex(t, "00B2010C00"), unhex(t, "802A8E8004 00000680 00")}, c.sent)
	require.Equal(t, emv.Coded(emv.List{
		{Tag: emv.TagApplicationLabel, Value: []byte("Mastercard")}, {Tag: emv.TagDFName, Value: unhex(t, "A0000000041010")},
		{Tag: 0x9F6D, Value: unhex(t, "0001")}, {Tag: emv.TagTrack2, Value: unhex(t, pan+"D4912201 9017996806683 F")},
		{Tag: emv.TagPOSEntryMode, Value: []byte{0x91}},
	}.Append(nil)), o.DataRecord)
	require.Equal(t, kernel.CVMNone, o.CVM)
	require.False(t, o.Receipt)
	require.Equal(t, kernel.MessageAuthorising, o.UI.Message)
	v, ok := o.Discretionary.Lookup(0xDF812B)
	require.True(t, ok)
	require.Equal(t, unhex(t, "9000990000000F"), v, "the card's own discretionary data")
	v, ok = o.Card.Lookup(emv.TagTrack2)
	require.True(t, ok)
	require.Equal(t, unhex(t, pan+"D4912201 9017996806683 F"), v, "for reports")
	_, ok = o.Card.Lookup(emv.TagCTQ)
	require.False(t, ok, "9F6C is a version in this kernel")
}

// Track 1 gets its own verification code.
func TestMagStripeTrack1(t *testing.T) {
	c := magOnly().withMag(both()).withCCC(object{"9F60", "0309"}) // 777
	o := situation{card: c, change: un680}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	v, ok := o.DataRecord.Lookup(emv.TagTrack1)
	require.True(t, ok)
	// positions 6-8 the code, 9-11 the number, 14-16 the counter, 1 the count
	require.Equal(t, "B"+pan+"^TEST/CARD^4912201"+"90179968077700003", string(v))
}

// A verification on the device adds five to the last digit; above the limit it
// is the outcome's verification too.
func TestMagStripeVerification(t *testing.T) {
	phone := func() *card { return magOnly().withGPO(object{"82", "0200"}) }
	verified := object{"DF4B", "001000"}
	capability := func(above, below string) []object { return []object{{"DF811E", above}, {"DF812C", below}} }
	for name, c := range map[string]struct {
		s       situation
		cvm     kernel.CVM
		receipt bool
		last    byte
		mobile  string // 9F7E as the card got it
	}{
		"none here":                {situation{card: magOnly(), config: capability("10", "00")}, kernel.CVMNotRequired, false, 3, "01"},
		"signature above":          {situation{card: magOnly(), amount: 5001, config: capability("10", "00")}, kernel.CVMSignature, true, 3, "01"},
		"PIN above":                {situation{card: magOnly(), amount: 5001, config: capability("20", "00")}, kernel.CVMOnlinePIN, true, 3, "01"},
		"not applicable":           {situation{card: magOnly(), amount: 5001}, kernel.CVMNone, true, 3, "01"},
		"signature below":          {situation{card: magOnly(), config: capability("10", "10")}, kernel.CVMSignature, true, 3, "01"},
		"device, above":            {situation{card: phone().withCCC(verified), amount: 5001, config: capability("10", "00")}, kernel.CVMConfirmationCode, true, 8, "03"},
		"device, not verified":     {situation{card: phone(), amount: 5001, config: capability("10", "00")}, kernel.CVMSignature, true, 3, "03"},
		"device, at the limit":     {situation{card: phone().withCCC(verified), amount: 5000, config: capability("10", "00")}, kernel.CVMNotRequired, false, 8, "01"},
		"device, terminal without": {situation{card: phone(), amount: 5001, config: append(capability("10", "00"), object{"DF811B", "00"})}, kernel.CVMSignature, true, 3, "01"},
	} {
		c.s.card.withMag(kerneltest.With(mag, object{"9F69", "9F6A04 9F7E01"}))
		c.s.change = un680
		o := c.s.play(t)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, c.cvm, o.CVM, name)
		require.Equal(t, c.receipt, o.Receipt, name)
		require.Equal(t, unhex(t, "802A8E8005 00000680"+c.mobile+"00"), c.s.card.one(t, 0x2A), name)
		v, _ := o.DataRecord.Lookup(emv.TagTrack2)
		require.Equal(t, c.last, v[len(v)-1]>>4, name)
	}
}

// Mag-stripe mode, rule by rule.
func TestMagStripeRules(t *testing.T) {
	without := func(tag string) *card { return magOnly().withMag(kerneltest.With(mag, object{tag, "-"})) }
	changed := func(o ...object) *card { return magOnly().withMag(kerneltest.With(mag, o...)) }
	track1 := func(o ...object) *card {
		return magOnly().withMag(kerneltest.With(both(), o...)).withCCC(object{"9F60", "0309"})
	}
	const missing, bad, parsing = c2.L2CardDataMissing, c2.L2CardDataError, c2.L2ParsingError
	end := func(rule, name string, c *card, l2 c2.L2Error) row {
		return row{rule: "EMV Book C-2, " + rule, name: name, s: situation{card: c}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: l2}
	}
	for _, r := range []row{
		end("S7.21", "no track 2", without("9F6B"), missing),
		end("S7.21", "no code bitmap", without("9F65"), missing),
		end("S7.21", "no number bitmap", without("9F66"), missing),
		end("S7.21", "no counter digits", without("9F67"), missing),
		end("S7.24", "more counter digits than the bitmap", changed(object{"9F67", "07"}), bad),
		end("S7.24", "nine digits of the number", changed(object{"9F66", "0FFF"}), bad),
		end("S7.24", "a bitmap outside the track", changed(object{"9F65", "2000"}), bad),
		end("S7.24", "no separator", changed(object{"9F6B", pan}), bad),
		end("S7.24", "track 1 without its bitmaps", track1(object{"9F63", "-"}), bad),
		end("S7.24", "track 1 with another count", track1(object{"9F64", "02"}), bad),
		end("S7.24", "track 1 without separators", track1(object{"56", "4242"}), bad),
		end("S7.24", "track 1 cut off", track1(object{"56", hexOf([]byte("B1^X^4912"))}), bad),
		end("S13.10", "checksum refused", magOnly().withRaw(0x2A, "6985"), c2.L2StatusBytes),
		end("S13.13", "no template", magOnly().withRaw(0x2A, "9F6102A2C4 9000"), parsing),
		end("S13.13", "a code of one byte", magOnly().withCCC(object{"9F61", "A2"}), parsing),
		end("S13.14", "no counter", magOnly().withCCC(object{"9F36", "-"}), missing),
		end("S13.14", "no code", magOnly().withCCC(object{"9F61", "-"}), missing),
		end("S13.14", "no code for track 1", track1().withCCC(object{"9F60", "-"}), missing),
		end("S78.17", "UDOL cut off", changed(object{"9F69", "9F6A"}), bad),
		{rule: "EMV Book C-2, S78.10", name: "over the limit", s: situation{card: magOnly(), config: []object{{"DF8124", "000000001249"}}}, kind: kernel.SelectNext, start: kernel.StartC, l2: c2.L2MaxLimitExceeded},
		{rule: "EMV Book C-2, S13.44", name: "no code, the phone asks", s: situation{card: magOnly().withCCC(object{"9F61", "-"}, object{"DF4B", "000100"})}, kind: kernel.EndApplication, start: kernel.StartB, message: kernel.MessageSeePhone},
		{rule: "EMV Book C-2, S13.43", name: "no code, the phone says no", s: situation{card: magOnly().withCCC(object{"9F61", "-"}, object{"DF4B", "000800"})}, kind: kernel.Declined, message: kernel.MessageNotAuthorised},
		{rule: "EMV Book C-2, S13.4", name: "the card left", s: situation{card: magOnly().withRaw(0x2A, "lost")}, kind: kernel.EndApplication, start: kernel.StartB},
	} {
		r.run(t)
	}
}

// The number of digits decides what of the unpredictable number counts.
func TestNumericUnpredictableNumber(t *testing.T) {
	for name, c := range map[string]struct{ un, counter, want string }{
		"none": {"0E70", "06", "00000000"}, "three": {"0E70", "03", "00000295"}, "six": {"0E70", "00", "00967295"},
		"eight": {"0FF0", "00", "94967295"},
	} {
		card := magOnly().withMag(kerneltest.With(mag, object{"9F66", c.un}, object{"9F67", c.counter}))
		o := situation{card: card, change: func(a *kernel.Activation) { a.Transaction.UnpredictableNumber = [4]byte{255, 255, 255, 255} }}.play(t)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, unhex(t, "802A8E8004"+c.want+"00"), card.one(t, 0x2A), name)
	}
}

// S13.30: refusals are answered late, each in a row twice as late, up to 2^5
// times 300 ms; a success starts again.
func TestRefusalsWait(t *testing.T) {
	var waited []time.Duration
	k := &c2.Kernel{Wait: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil }}
	for range 7 {
		situation{kernel: k, card: magOnly().withRaw(0x2A, "6985")}.play(t)
	}
	situation{kernel: k, card: magOnly()}.play(t)
	situation{kernel: k, card: magOnly().withRaw(0x2A, "lost")}.play(t)
	situation{kernel: k, card: magOnly().withCCC(object{"9F61", "-"}, object{"DF4B", "000100"})}.play(t)
	const ms = time.Millisecond
	require.Equal(t, []time.Duration{300 * ms, 600 * ms, 1200 * ms, 2400 * ms, 4800 * ms, 9600 * ms, 9600 * ms, 300 * ms, 600 * ms}, waited)

	ended := &c2.Kernel{Wait: func(context.Context, time.Duration) error { return context.Canceled }}
	s := situation{card: magOnly().withRaw(0x2A, "6985")}
	_, err := ended.Run(context.Background(), s.activation(t))
	require.ErrorIs(t, err, context.Canceled)
}
