package c2_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// keeps is a terminal that recovers up to n torn transactions for five minutes.
func keeps(n string) []object { return []object{{"DF811D", n}} }

// drdol asks for amount and unpredictable number.
var drdol = object{"9F51", "9F0206 9F3704"}

// recovers makes a torn GENERATE AC, then a second tap; the card answers
// RECOVER AC with answer. Between the taps passes a time.
type recovers struct {
	answer  string // to RECOVER AC
	after   time.Duration
	first   func(*kernel.Activation) // changes the first tap
	second  func(*kernel.Activation)
	changes []object // of the second card
	log     string   // DF811D
}

func (r recovers) play(t testing.TB) (kernel.Outcome, *card) {
	t.Helper()
	if r.log == "" {
		r.log = "01"
	}
	k := &c2.Kernel{Keys: testca.CAKeys()}
	time := &clock{noon}
	o := situation{kernel: k, clock: time, config: keeps(r.log), card: plastic(drdol).withRaw(0xAE, "lost"), change: r.first}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Equal(t, kernel.StartB, o.Start)
	require.Equal(t, kernel.MessagePresentAgain, o.UIRestart.Message)
	require.Equal(t, "EMV Book C-2, S9.14", o.Reason.Rule)
	require.Equal(t, c2.ErrorIndication{L1: 1, Message: kernel.MessagePresentAgain}, errorsOf(t, o))

	time.now = noon.Add(r.after)
	c := plastic(append([]object{drdol}, r.changes...)...)
	c.raw = map[byte]string{0xD0: r.answer}
	o = situation{kernel: k, clock: time, config: keeps(r.log), card: c, change: func(a *kernel.Activation) {
		a.Transaction.UnpredictableNumber = [4]byte{9, 9, 9, 9}
		if r.second != nil {
			r.second(a)
		}
	}}.play(t)
	return o, c
}

func (c *card) sentOf(ins byte) (n int) {
	for _, s := range c.sent {
		if s[1] == ins {
			n++
		}
	}
	return n
}

const recoveredARQC = "7718 9F270180 9F36020041 9F2608 0011223344556677 9F100101 9000"

// S10.10: the card has the answer: it counts, with the values of the torn
// transaction, and no new cryptogram is made.
func TestRecovered(t *testing.T) {
	o, c := recovers{answer: recoveredARQC, after: 299 * time.Second}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Equal(t, unhex(t, "80D00000 0A 000000001250 1A2B3C4D 00"), c.one(t, 0xD0), "the DRDOL's values are those of the torn transaction")
	require.Zero(t, c.sentOf(0xAE))
	for tag, want := range map[emv.Tag]string{emv.TagUnpredictableNumber: "1A2B3C4D", emv.TagCryptogram: "0011223344556677", emv.TagATC: "0041", emv.TagTVR: "2400008001"} {
		v, _ := o.DataRecord.Lookup(tag)
		require.Equal(t, unhex(t, want), v, tag.String())
	}
	_, reported := o.Discretionary.Lookup(0xFF8101)
	require.False(t, reported)
}

// Where nothing can be recovered a new cryptogram is made, and the old record
// reported where there was one.
func TestNotRecovered(t *testing.T) {
	amount := func(a *kernel.Activation) { a.Transaction.Amount = 1300 }
	for name, c := range map[string]struct {
		r        recovers
		asked    int // RECOVER AC commands
		reported bool
	}{
		"the card has it no more":        {recovers{answer: "6A88"}, 1, true},
		"after its lifetime":             {recovers{answer: recoveredARQC, after: 301 * time.Second}, 0, false},
		"another sale":                   {recovers{answer: recoveredARQC, second: amount}, 0, true},
		"another card":                   {recovers{answer: recoveredARQC, changes: []object{{"5A", "5413339001000027"}, {"57", "5413339001000027D49122010000000000000F"}}}, 0, false},
		"another sequence number":        {recovers{answer: recoveredARQC, changes: []object{{"5F34", "01"}}}, 0, false},
		"a card without sequence number": {recovers{answer: recoveredARQC, changes: []object{{"5F34", "-"}}}, 0, false},
	} {
		o, card := c.r.play(t)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, c.asked, card.sentOf(0xD0), name)
		require.Equal(t, []byte{9, 9, 9, 9}, card.got(t, emv.TagUnpredictableNumber), name)
		v, reported := o.Discretionary.Lookup(0xFF8101)
		require.Equal(t, c.reported, reported, name)
		if reported {
			un, _ := emv.Find(v, emv.TagUnpredictableNumber)
			require.Equal(t, unhex(t, "1A2B3C4D"), un, name)
		}
	}
}

// A recovered answer is judged like the lost one: it may not be more than was
// asked for, and needs the signature that was asked for.
func TestRecoveredAnswersAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		rule   string
	}{
		"TC for ARQC": {"7714 9F270140 9F36020041 9F2608 0011223344556677 9000", "EMV Book C-2, S9.24"},
		"nonsense":    {"5000 9000", "EMV Book C-2, S9.20"},
		"no counter":  {"7704 9F270180 9000", "EMV Book C-2, S9.22"},
	} {
		o, _ := recovers{answer: c.answer}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
		require.Equal(t, c.rule, o.Reason.Rule, name)
	}
}

// A recovered signature covers the commands of the torn transaction.
func TestRecoveredSignature(t *testing.T) {
	k := &c2.Kernel{Keys: testca.CAKeys()}
	first := authentic(t, plastic(drdol))
	var answer []byte
	sign := first.sign
	first.sign = func(t testing.TB, c *card, command []byte) []byte { answer = sign(t, c, command); return nil }
	lostAfter := first
	lostAfter.raw = map[byte]string{0xAE: "lost"}
	o := situation{kernel: k, card: lostAfter, config: keeps("01")}.play(t)
	require.Equal(t, "EMV Book C-2, S9.14", o.Reason.Rule)
	lostAfter.sign(t, lostAfter, lostAfter.one(t, 0xAE)) // the card had made its answer

	second := authentic(t, plastic(drdol))
	second.answers = map[byte][]string{0xD0: {hexOf(append(answer, 0x90, 0x00))}}
	o = situation{kernel: k, card: second, config: keeps("01"), change: func(a *kernel.Activation) { a.Transaction.UnpredictableNumber = [4]byte{9, 9, 9, 9} }}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Equal(t, kernel.ODAVerified, o.ODA, o.ODANote)
	require.Zero(t, second.sentOf(0xAE))
}

// A card that leaves during RECOVER AC comes back to it.
func TestTornTwice(t *testing.T) {
	k := &c2.Kernel{Keys: testca.CAKeys()}
	play := func(c *card) kernel.Outcome { return situation{kernel: k, card: c, config: keeps("01")}.play(t) }
	play(plastic(drdol).withRaw(0xAE, "lost"))
	o := play(plastic(drdol).withRaw(0xD0, "lost"))
	require.Equal(t, kernel.StartB, o.Start)
	last := plastic(drdol).withRaw(0xD0, recoveredARQC)
	require.Equal(t, kernel.OnlineRequest, play(last).Kind)
	require.Zero(t, last.sentOf(0xAE))

	// The log is empty again, and a full one lets the oldest go.
	clean := plastic(drdol)
	play(clean)
	require.Zero(t, clean.sentOf(0xD0))
	other := []object{drdol, {"5F34", "01"}}
	play(plastic(drdol).withRaw(0xAE, "lost"))
	play(plastic(other...).withRaw(0xAE, "lost"))
	clean = plastic(drdol)
	play(clean)
	require.Zero(t, clean.sentOf(0xD0), "the first record had to leave")
}

// Without a DRDOL, or without a log, there is nothing to recover.
func TestNoRecovery(t *testing.T) {
	k := &c2.Kernel{Keys: testca.CAKeys()}
	for name, s := range map[string]situation{
		"no DRDOL": {config: keeps("01"), card: plastic().withRaw(0xAE, "lost")}, "no log": {card: plastic(drdol).withRaw(0xAE, "lost")},
	} {
		s.kernel = k
		o := s.play(t)
		require.Equal(t, "EMV Book C-2, S9.9", o.Reason.Rule, name)
		s.card = plastic(drdol)
		s.play(t)
		require.Zero(t, s.card.sentOf(0xD0), name)
	}
}

// Torn at every exchange: the card comes back, and one cryptogram reaches the
// terminal.
func TestTornAtEveryExchange(t *testing.T) {
	whole := authentic(t, plastic(drdol).withFCI(object{"9F5D", "010200"}))
	asks := append(keeps("01"), object{"DF8104", ""}, object{"DF8105", ""})
	situation{card: whole, config: asks}.play(t)
	require.Len(t, whole.sent, 6)
	for n := range whole.sent {
		k := &c2.Kernel{Keys: testca.CAKeys()}
		c := authentic(t, plastic(drdol).withFCI(object{"9F5D", "010200"}))
		torn := &tearing{card: c, at: n}
		o := situation{kernel: k, card: c, config: asks, change: torn.field(t)}.play(t)
		if n == len(whole.sent)-1 {
			require.Equal(t, kernel.OnlineRequest, o.Kind, "the cryptogram was there")
			continue
		}
		require.Equal(t, kernel.StartB, o.Start, "exchange %d", n)
		require.Empty(t, o.DataRecord)
		again := authentic(t, plastic(drdol).withFCI(object{"9F5D", "010200"}))
		o = situation{kernel: k, card: again, config: asks}.play(t)
		require.Equal(t, kernel.OnlineRequest, o.Kind, "exchange %d: %s", n, o.Reason.Text)
		require.Equal(t, map[bool]int{true: 1}[n == 4], again.sentOf(0xD0), "exchange %d", n)
	}
}
