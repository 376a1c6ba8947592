package c7_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c7"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// byCommand is a card that gives the first answer to GET PROCESSING OPTIONS and
// the others as records by their number, in any order.
func byCommand(answers [][]byte) apdu.Transceiver {
	return apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
		switch {
		case command[1] == 0xA8:
			return answers[0], nil
		case int(command[2]) < len(answers):
			return answers[command[2]], nil
		}
		return []byte{0x6A, 0x83}, nil
	})
}

// torn is the genuine card that leaves before answer n arrives.
func torn(t testing.TB, cardAuth string, n int) situation {
	s := situation{answers: genuine(t, cardAuth)}
	s.answers = append(s.answers[:n:n], nil)
	return s
}

// next is a later tap of the same sale: another unpredictable number.
func next(answers ...[]byte) situation {
	return situation{answers: answers, change: func(a *kernel.Activation) {
		a.Restart, a.Transaction.UnpredictableNumber = true, [4]byte{9, 9, 9, 9}
	}}
}

// A card that leaves in the last record is asked for that alone: it may have
// taken the money when it gave it. The approval is then that of the first tap,
// over the values of the first tap.
func TestTornInTheLastRecord(t *testing.T) {
	k, all := loaded(), genuine(t, related)
	o, _ := torn(t, related, 4).tap(t, k)
	require.Equal(t, again, kerneltest.Summary(o))
	require.Contains(t, o.Reason.Text, "last record")

	o, sent := next(all[4]).tap(t, k)
	require.Equal(t, [][]byte{unhex(t, "00B2040C00")}, sent, "no new cryptogram")
	require.Equal(t, approvedBy, kerneltest.Summary(o), o.ODANote)
	un, ok := o.DataRecord.Lookup(0x9F37)
	require.True(t, ok)
	require.Equal(t, unhex(t, "1A2B3C4D"), un, "what the card signed")

	o, sent = next(answers(t, arqc)...).tap(t, k)
	require.Equal(t, online, kerneltest.Summary(o))
	require.Equal(t, byte(0xA8), sent[0][1], "it is recovered once")
}

// A card that leaves anywhere else starts anew with the next tap.
func TestTornElsewhere(t *testing.T) {
	for n := range 4 {
		k := loaded()
		o, _ := torn(t, related, n).tap(t, k)
		require.Equal(t, again, kerneltest.Summary(o), "answer %d", n)
		_, sent := next(answers(t, arqc)...).tap(t, k)
		require.Equal(t, byte(0xA8), sent[0][1], "answer %d", n)
	}
}

// The last record is asked for as often as the card leaves in it.
func TestTornTwice(t *testing.T) {
	k, all := loaded(), genuine(t, related)
	torn(t, related, 4).tap(t, k)
	for range 3 {
		o, sent := next(nil).tap(t, k)
		require.Equal(t, again, kerneltest.Summary(o))
		require.Len(t, sent, 1)
	}
	o, _ := next(all[4]).tap(t, k)
	require.Equal(t, approvedBy, kerneltest.Summary(o))
}

// What else may come back than the card that left with its last record.
func TestRecoveryThatFails(t *testing.T) {
	all := genuine(t, related)
	other := certified(t, testca.DefectNone, "01 00000000 0000 00")
	for name, c := range map[string]struct {
		s    situation
		want string
	}{
		"the record is gone: a new payment":          {next(append([][]byte{unhex(t, "6A83")}, answers(t, arqc)...)...), online},
		"the card must be selected first":            {next(append([][]byte{unhex(t, "6985")}, answers(t, arqc)...)...), online},
		"another card's record":                      {next(other[4]), odaFailed},
		"a record without 9F69 proves nothing":       {next(unhex(t, "7009 9F7406454343303031 9000")), declined},
		"no template 70":                             {next(unhex(t, "7700 9000")), ended},
		"an object that came before":                 {next(all[0]), ended},
		"another amount: a new payment":              {fresh(t, func(a *kernel.Activation) { a.Transaction.Amount++ }), online},
		"another sale: a new payment":                {fresh(t, func(a *kernel.Activation) { a.Transaction.SequenceCounter++ }), online},
		"another application: a new payment":         {fresh(t, func(a *kernel.Activation) { a.AID = a.AID[:7] }), online},
		"a new transaction: a new payment":           {fresh(t, func(a *kernel.Activation) { a.Restart = false }), online},
		"the same sale an hour later: a new payment": {fresh(t, func(a *kernel.Activation) { a.Transaction.Time = a.Transaction.Time.Add(time.Hour) }), online},
	} {
		k := loaded()
		torn(t, related, 4).tap(t, k)
		o, _ := c.s.tap(t, k)
		require.Equal(t, c.want, kerneltest.Summary(o), "%s: %s / %s", name, o.Reason.Text, o.ODANote)
	}
}

// fresh is a tap that brings a new cryptogram.
func fresh(t testing.TB, change func(*kernel.Activation)) situation {
	s := next(answers(t, arqc)...)
	base := s.change
	s.change = func(a *kernel.Activation) { base(a); change(a) }
	return s
}

// What is not recovered: fDDA version 00, which does not bind the record to the
// card; a reader that does not want to; and what no approval was.
func TestNotRecovered(t *testing.T) {
	all := genuine(t, "")
	k := loaded()
	torn(t, "", 4).tap(t, k)
	o, _ := next(all[4]).tap(t, k)
	require.Equal(t, declined, kerneltest.Summary(o))
	require.Contains(t, o.Reason.Text, "version 01 only")

	k = loaded()
	s := torn(t, related, 4)
	s.change = func(a *kernel.Activation) { a.Config.Settings.Kernel7.NoRecovery = true }
	s.tap(t, k)
	_, sent := next(answers(t, arqc)...).tap(t, k)
	require.Equal(t, byte(0xA8), sent[0][1])

	k = loaded()
	s = situation{answers: append(answers(t, kerneltest.With(arqc, object{"94", "08010100"})), nil)}
	s.tap(t, k)
	_, sent = next(answers(t, arqc)...).tap(t, k)
	require.Equal(t, byte(0xA8), sent[0][1], "an ARQC has no record that pays")
}

// Two readers share no torn payment: each has a kernel of its own.
func TestTornPaymentsAreTheKernelsOwn(t *testing.T) {
	first, second := loaded(), &c7.Kernel{Keys: testca.CAKeys()}
	torn(t, related, 4).tap(t, first)
	_, sent := next(answers(t, arqc)...).tap(t, second)
	require.Equal(t, byte(0xA8), sent[0][1])
}
