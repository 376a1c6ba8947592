package c2_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
)

// near is a card with relay resistance: it names 2 to 5 ms and 2.4 ms on the
// air, and each answer takes as long as times say.
type near struct {
	*card
	clock *clock
	times []time.Duration
	data  string // min, max, estimate
	tries int
	un    [][]byte
	hold  bool // the signature tells other data than the exchange
}

func (n *near) exchange(t testing.TB, command []byte) ([]byte, error) {
	if command[1] != 0xEA {
		return n.card.Transceive(t, command)
	}
	require.Equal(t, []byte{0x80, 0xEA, 0x00, 0x00, 0x04}, command[:5])
	require.Equal(t, byte(0), command[9])
	n.un = append(n.un, append([]byte(nil), command[5:9]...))
	n.clock.now = n.clock.now.Add(n.times[n.tries])
	n.tries++
	return unhex(t, "800A 01020304"+n.data+"9000"), nil
}

// relayed plays a card with relay resistance at the terminal's default times:
// the command takes 1.8 ms, the answer 2.4 ms.
func relayed(t testing.TB, data string, times ...time.Duration) (kernel.Outcome, *near) {
	t.Helper()
	n := &near{card: plastic().withGPO(object{"82", "1981"}), clock: &clock{noon}, times: times, data: data}
	return n.play(t), n
}

func (n *near) play(t testing.TB) kernel.Outcome {
	t.Helper()
	return situation{card: n.card, clock: n.clock, config: []object{{"DF8122", "0000000000"}}, change: func(a *kernel.Activation) {
		a.Card = apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) { return n.exchange(t, command) })
	}}.play(t)
}

// ticks is a time in 100 µs.
func ticks(n int) time.Duration { return time.Duration(n) * 100 * time.Microsecond }

// SR1: the times and what becomes of them. Min 20, max 50, estimate 24 ticks;
// 18 + 24 ticks are on the air; grace 20 below and 50 above.
func TestRelayResistance(t *testing.T) {
	const usual = "0014 0032 0018"
	for name, c := range map[string]struct {
		data  string
		times []int
		tries int
		tvr   byte // byte 5
	}{
		"as expected":                      {usual, []int{42 + 30}, 1, 0x02},
		"no time at all":                   {usual, []int{0}, 1, 0x02},
		"at the maximum with grace":        {usual, []int{42 + 100}, 1, 0x02},
		"too slow once":                    {usual, []int{42 + 101, 42 + 30}, 2, 0x02},
		"too slow twice":                   {usual, []int{42 + 101, 42 + 101, 42 + 30}, 3, 0x02},
		"too slow":                         {usual, []int{42 + 101, 42 + 101, 42 + 101}, 3, 0x06},
		"far above the minimum":            {"0014 0200 0018", []int{42 + 20 + 301}, 1, 0x0A},
		"at the threshold":                 {"0014 0200 0018", []int{42 + 20 + 300}, 1, 0x02},
		"card's estimate far below ours":   {"0014 0032 000B", []int{29 + 30}, 1, 0x0A}, // 11 of 24: 45 %
		"card's estimate half of ours":     {"0014 0032 000C", []int{30 + 30}, 1, 0x02},
		"card's estimate far above ours":   {"0014 0032 0031", []int{42 + 30}, 1, 0x0A}, // 24 of 49: 48 %
		"card's estimate twice ours":       {"0014 0032 0030", []int{42 + 30}, 1, 0x02},
		"card makes no estimate":           {"0014 0200 0000", []int{18 + 20 + 301}, 1, 0x02},
		"both":                             {"0014 0032 0018", []int{500, 500, 500}, 3, 0x0E},
		"a minimum beyond the grace, kept": {"0064 0096 0018", []int{42 + 80}, 1, 0x02},
	} {
		times := make([]time.Duration, len(c.times))
		for i, n := range c.times {
			times[i] = ticks(n)
		}
		o, n := relayed(t, c.data, times...)
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, c.tries, n.tries, name)
		require.Equal(t, c.tvr, n.card.got(t, emv.TagTVR)[4], name)
	}
	o, _ := relayed(t, "0064 0096 0018", ticks(42+79))
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Equal(t, "EMV Book C-2, SR1.18", o.Reason.Rule)
	require.Equal(t, c2.L2CardDataError, errorsOf(t, o).L2)
}

// Each attempt has another unpredictable number, and the last is the one of the
// cryptogram.
func TestRelayAttemptsHaveNewNumbers(t *testing.T) {
	_, n := relayed(t, "0014 0032 0018", ticks(500), ticks(500), ticks(42))
	require.Equal(t, [][]byte{{0x1A, 0x2B, 0x3C, 0x4D}, {1, 2, 3, 4}, {5, 6, 7, 8}}, n.un)
	require.Equal(t, []byte{5, 6, 7, 8}, n.card.got(t, emv.TagUnpredictableNumber))
}

// Not on both sides: not performed. A kernel of the time before says nothing.
func TestRelayNotPerformed(t *testing.T) {
	for name, s := range map[string]situation{
		"not on the card": {card: plastic()}, "not here": {card: plastic().withGPO(object{"82", "1981"}), config: []object{{"DF811B", "20"}}},
	} {
		s.play(t)
		require.Equal(t, byte(0x01), s.card.got(t, emv.TagTVR)[4], name)
	}
	s := situation{card: plastic().withGPO(object{"82", "1981"}), kernel: &c2.Kernel{WithoutRelayResistance: true}}
	s.play(t)
	require.Equal(t, byte(0x00), s.card.got(t, emv.TagTVR)[4])
}

// A card that fails the exchange.
func TestRelayErrors(t *testing.T) {
	for answer, c := range map[string]struct {
		rule string
		l2   c2.L2Error
	}{
		"6985":                                {"EMV Book C-2, SR1.10", c2.L2StatusBytes},
		"8009 0102030400140032 00 9000":       {"EMV Book C-2, SR1.14", c2.L2ParsingError},
		"770A 01020304001400320018 9000":      {"EMV Book C-2, SR1.14", c2.L2ParsingError},
		"9000":                                {"EMV Book C-2, SR1.14", c2.L2ParsingError},
		"lost":                                {"EMV Book C-2, S4.6", 0},
		"800A 01020304001400320018 5000 9000": {"EMV Book C-2, SR1.14", c2.L2ParsingError},
	} {
		row{rule: c.rule, name: answer, s: situation{card: plastic().withGPO(object{"82", "1981"}).withRaw(0xEA, answer)}, kind: kernel.EndApplication, l2: c.l2,
			start: map[bool]kernel.Start{true: kernel.StartB}[answer == "lost"]}.run(t)
	}
}

// S910.39: without a signature the host learns of relay resistance from track
// 2. The key's index 05, no retry, entropy 02 0304 and 3.0 ms, in decimal.
func TestRelayInTrack2(t *testing.T) {
	n := &near{card: plastic(object{"8F", "05"}).withGPO(object{"82", "1981"}), clock: &clock{noon}, times: []time.Duration{ticks(42 + 30)}, data: "0014 0032 0018"}
	o := n.play(t)
	v, ok := o.DataRecord.Lookup(emv.TagTrack2)
	require.True(t, ok)
	require.Equal(t, unhex(t, pan+"D4912201"+"5"+"0"+"00772"+"002"+"003"+"F"), v)

	// A number of 19 digits leaves ten; an index of two digits is left out; the
	// time stops at 999 ms.
	n = &near{card: plastic(object{"8F", "E1"}, object{"5A", "5413339001000019123F"}, object{"57", "5413339001000019123D49122010000000000F"}).withGPO(object{"82", "1981"}),
		clock: &clock{noon}, times: []time.Duration{ticks(60000), ticks(60000), ticks(60000)}, data: "0014 0032 0018"}
	o = n.play(t)
	v, _ = o.DataRecord.Lookup(emv.TagTrack2)
	require.Equal(t, unhex(t, "5413339001000019123D4912201"+"0"+"2"+"00772"+"999"+"F"), v)
}

// With a signature the relay resistance data are in it.
func TestRelayIsSigned(t *testing.T) {
	for name, wrong := range map[string]bool{"the same": false, "others": true} {
		c := authentic(t, plastic().withGPO(object{"82", "1981"}))
		credentials, err := testca.Issue(testca.Request{Scheme: emv.SchemeMastercard, PAN: pan, Expiry: "4912"})
		require.NoError(t, err)
		more := unhex(t, "1A2B3C4D 01020304 0014 0032 0018")
		if wrong {
			binary.BigEndian.PutUint16(more[8:], 0x13)
		}
		c.sign = func(t testing.TB, c *card, command []byte) []byte {
			return signed(t, c, command, credentials.Key, more)
		}
		n := &near{card: c, clock: &clock{noon}, times: []time.Duration{ticks(72)}, data: "0014 0032 0018"}
		o := n.play(t)
		if wrong {
			require.Equal(t, kernel.EndApplication, o.Kind, name)
			require.Contains(t, o.ODANote, "relay resistance data")
			continue
		}
		require.Equal(t, kernel.OnlineRequest, o.Kind, name)
		require.Equal(t, kernel.ODAVerified, o.ODA, o.ODANote)
	}
}

// The card may ask for the data of the exchange.
func TestRelayDataInCDOL(t *testing.T) {
	n := &near{card: plastic(object{"8C", "DF830104 DF830204 DF830302 DF830402 DF830502 DF830602 DF830701"}).withGPO(object{"82", "1981"}),
		clock: &clock{noon}, times: []time.Duration{ticks(500), ticks(42 + 30)}, data: "0014 0032 0018"}
	n.play(t)
	require.Equal(t, unhex(t, "80AE8000 11 01020304 01020304 0014 0032 0018 001E 01 00"), n.card.one(t, 0xAE))
	c := plastic(object{"8C", "DF830104 DF830701"})
	situation{card: c}.play(t)
	require.Equal(t, unhex(t, "80AE8000 05 00000000 00 00"), c.one(t, 0xAE), "there was none")
}
