package c2_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// terminal is a terminal's end of data exchange: its answers in order.
type terminal struct {
	answers []emv.List
	err     error
	asked   []c2.DEK
}

func (x *terminal) Exchange(_ context.Context, dek c2.DEK) (emv.List, error) {
	x.asked = append(x.asked, dek)
	if len(x.answers) == 0 {
		return nil, x.err
	}
	answer := x.answers[0]
	x.answers = x.answers[1:]
	return answer, nil
}

// The PDOL asks for what the terminal announced by an empty object: the kernel
// asks for it before anything is sent (S1.22, S2).
func TestDataNeededForPDOL(t *testing.T) {
	x := &terminal{answers: []emv.List{{{Tag: emv.TagMerchantName, Value: []byte("SHOP")}}}}
	c := plastic()
	s := situation{kernel: &c2.Kernel{Exchange: x}, card: c, pdol: "9F4E06 9F1A02", config: []object{{"9F4E", ""}, {"DF8127", "0064"}}}
	s.play(t)
	require.Equal(t, []c2.DEK{{Needed: []emv.Tag{emv.TagMerchantName}, Timeout: 100 * time.Millisecond}}, x.asked)
	require.Equal(t, unhex(t, "80A800000A8308 53484F500000 0276 00"), c.sent[0])
}

// The terminal asks for data of the card: what its records do not have comes by
// GET DATA, what it does not have at all is empty (S5, S456.21).
func TestTagsToRead(t *testing.T) {
	x := &terminal{answers: []emv.List{{}}}
	c := plastic()
	c.answers = map[byte][]string{0xCA: {"9F4D020B0A 9000", "6A88"}}
	s := situation{kernel: &c2.Kernel{Exchange: x}, card: c, config: []object{{"DF8112", "5F24 9F4D 9F17"}}}
	o := s.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Equal(t, emv.List{{Tag: emv.TagExpirationDate, Value: unhex(t, "491231")}, {Tag: 0x9F4D, Value: unhex(t, "0B0A")}, {Tag: 0x9F17}}, x.asked[0].ToSend)
	require.Empty(t, x.asked[0].Needed)
	require.Equal(t, unhex(t, "80CA9F4D00"), c.sent[2])
	require.Equal(t, unhex(t, "80CA9F1700"), c.sent[3])
}

// DF8110 makes the kernel wait until the terminal lets it go on (S456.5, S6).
func TestProceedToFirstWrite(t *testing.T) {
	goOn := emv.List{{Tag: 0xDF8110, Value: []byte{1}}}
	x := &terminal{answers: []emv.List{{{Tag: 0xDF8112, Value: unhex(t, "9F36")}}, {}, goOn}}
	c := plastic()
	c.answers = map[byte][]string{0xCA: {"9F36020041 9000"}}
	o := situation{kernel: &c2.Kernel{Exchange: x}, card: c, config: []object{{"DF8110", "00"}}}.play(t)
	require.Equal(t, kernel.OnlineRequest, o.Kind, o.Reason.Text)
	require.Len(t, x.asked, 3)
	require.Equal(t, emv.List{{Tag: emv.TagATC, Value: unhex(t, "0041")}}, x.asked[1].ToSend)

	x = &terminal{answers: []emv.List{goOn}}
	situation{kernel: &c2.Kernel{Exchange: x}, card: plastic(), config: []object{{"DF8110", ""}}}.play(t)
	require.Equal(t, []emv.Tag{0xDF8110}, x.asked[0].Needed)

	for name, c := range map[string]struct {
		err error
		l3  byte
	}{"no answer": {c2.ErrTimeout, 1}, "stop": {c2.ErrStop, 2}, "never": {nil, 1}} {
		o := situation{kernel: &c2.Kernel{Exchange: &terminal{err: c.err}}, card: plastic(), config: []object{{"DF8110", "00"}}}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
		require.Equal(t, c.l3, errorsOf(t, o).L3, name)
		require.Nil(t, o.UI, name)
	}
	failed := errors.New("broken")
	s := situation{card: plastic(), config: []object{{"DF8110", "00"}}}
	_, err := (&c2.Kernel{Exchange: &terminal{err: failed}}).Run(context.Background(), s.activation(t))
	require.ErrorIs(t, err, failed)
}

// Data envelopes are written before and after GENERATE AC (S12, S15).
func TestPutData(t *testing.T) {
	write := emv.List{{Tag: 0xFF8102, Value: unhex(t, "9F7501AA 9F7601BB")}, {Tag: 0xFF8103, Value: unhex(t, "9F7701CC")}}
	run := func(before, after []string) (kernel.Outcome, *card) {
		c := plastic()
		c.answers = map[byte][]string{0xDA: append(before, after...)}
		x := &terminal{answers: []emv.List{write}}
		shown := 0
		o := situation{kernel: &c2.Kernel{Exchange: x}, card: c, pdol: "9F4E01", config: []object{{"9F4E", ""}}, change: func(a *kernel.Activation) {
			a.Display = func(kernel.UIRequest) { shown++ }
		}}.play(t)
		require.Equal(t, o.Kind == kernel.OnlineRequest, shown == 1, "the card may leave when all is written")
		return o, c
	}
	status := func(o kernel.Outcome) string {
		before, _ := o.Discretionary.Lookup(0xDF810F)
		after, _ := o.Discretionary.Lookup(0xDF810E)
		return hexOf(before) + hexOf(after)
	}
	o, c := run([]string{"9000", "9000"}, []string{"9000"})
	require.Equal(t, kernel.OnlineRequest, o.Kind)
	require.Equal(t, "8080", status(o))
	require.Equal(t, [][]byte{unhex(t, "80DA9F7501AA"), unhex(t, "80DA9F7601BB")}, c.sent[2:4])
	require.Equal(t, unhex(t, "80DA9F7701CC"), c.sent[5])
	o, _ = run([]string{"6A80"}, []string{"6A80"})
	require.Equal(t, kernel.OnlineRequest, o.Kind, "a card that refuses still pays")
	require.Equal(t, "0000", status(o))
	o, _ = run([]string{"9000", "9000"}, []string{"lost"})
	require.Equal(t, kernel.OnlineRequest, o.Kind, "the cryptogram is there")
	require.Equal(t, "8000", status(o))
	o, _ = run([]string{"lost"}, nil)
	require.Equal(t, kernel.StartB, o.Start)
}

// What a terminal may not answer is an error of its own, not an outcome.
func TestBadAnswersOfTheTerminal(t *testing.T) {
	many := func(one string, n int) string {
		s := ""
		for range n {
			s += one
		}
		return s
	}
	for name, answer := range map[string]emv.TLV{
		"a tag cut off":        {Tag: 0xDF8112, Value: unhex(t, "9F")},
		"a long tag cut off":   {Tag: 0xDF8112, Value: unhex(t, "DF81")},
		"a tag too long":       {Tag: 0xDF8112, Value: unhex(t, "DF8181818101")},
		"too many tags":        {Tag: 0xDF8112, Value: unhex(t, many("9F36", 65))},
		"not TLV":              {Tag: 0xFF8102, Value: unhex(t, "9F7502AA")},
		"not an envelope":      {Tag: 0xFF8102, Value: unhex(t, "9F3601AA")},
		"too many objects":     {Tag: 0xFF8103, Value: unhex(t, many("9F7501AA", 33))},
		"beyond one command's": {Tag: 0xFF8103, Value: unhex(t, "9F75820100"+many("00", 256))},
	} {
		s := situation{card: plastic(), pdol: "9F4E01", config: []object{{"9F4E", ""}}}
		_, err := (&c2.Kernel{Exchange: &terminal{answers: []emv.List{{answer}}}}).Run(context.Background(), s.activation(t))
		require.ErrorContains(t, err, "data exchange", name)
	}
}
