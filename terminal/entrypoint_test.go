package terminal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// messages are the identifiers of what was shown.
func messages(ui []kernel.UIRequest) []kernel.MessageID {
	out := make([]kernel.MessageID, len(ui))
	for i := range ui {
		out[i] = ui[i].Message
	}
	return out
}

const held = 1300 * time.Millisecond

// A locked phone answers 6986: the customer looks at it, unlocks it and taps
// again. Amount and TTQ stay, the unpredictable number is a new one, and the
// field was off for 1.3 s.
func TestSecondTapAfterALookAtThePhone(t *testing.T) {
	locked, unlocked := visa(t, map[string]string{"80A8": "6986"}), visa(t, nil)
	f := field(locked, unlocked)
	numbers := [][4]byte{{1, 2, 3, 4}, {5, 6, 7, 8}}
	term := shop(t, &approving{}, func(_ *terminal.Config, e *terminal.Env) { e.Rand = &scripted{numbers: numbers} })
	tap, err := term.Tap(context.Background(), f, terminal.Request{Amount: 5000})
	require.NoError(t, err)
	require.Equal(t, kernel.OnlineRequest, tap.Outcome.Kind)
	require.Equal(t, kernel.CVMConfirmationCode, tap.Outcome.CVM)
	require.Equal(t, 2, tap.Taps)
	require.Equal(t, []time.Duration{held, 0}, f.off)
	require.Equal(t, []kernel.UIRequest{
		{Message: kernel.MessagePresentCard, Status: kernel.StatusReadyToRead},
		{Message: kernel.MessageSeePhone, Status: kernel.StatusProcessingError, Hold: held},
		{Message: kernel.MessageSeePhone, Status: kernel.StatusReadyToRead},
		{Message: kernel.MessageCardReadOK, Status: kernel.StatusCardRead},
		{Message: kernel.MessageAuthorising, Status: kernel.StatusProcessing},
	}, tap.UI)
	require.Equal(t, "80A8000023832136C04000000000005000000000000000027600000000000978300101000102030400", locked.sent[2])
	require.Equal(t, "80A8000023832136C04000000000005000000000000000027600000000000978300101000506070800", unlocked.sent[2])
}

// scripted hands out unpredictable numbers in order.
type scripted struct {
	numbers [][4]byte
	n       int
}

func (s *scripted) Read(p []byte) (int, error) {
	s.n++
	return copy(p, s.numbers[s.n-1][:]), nil
}

// A replay fixes the number for every tap.
func TestGivenUnpredictableNumber(t *testing.T) {
	locked, unlocked := visa(t, map[string]string{"80A8": "6986"}), visa(t, nil)
	tap, err := shop(t, &approving{}, nil).Tap(context.Background(), field(locked, unlocked), terminal.Request{UnpredictableNumber: &[4]byte{0xCA, 0xFE, 0xBA, 0xBE}})
	require.NoError(t, err)
	require.Equal(t, [4]byte{0xCA, 0xFE, 0xBA, 0xBE}, tap.UnpredictableNumber)
	for _, c := range []*card{locked, unlocked} {
		require.Contains(t, c.sent[2], "CAFEBABE")
	}
}

// The phone does not come back, or stays locked: Try Again is what remains.
func TestTryAgainStands(t *testing.T) {
	locked := visa(t, map[string]string{"80A8": "6986"})
	tap, err := shop(t, &approving{}, nil).Tap(context.Background(), field(locked), terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAgain, tap.Outcome.Kind)
	require.Equal(t, 2, tap.Taps, "it was asked for a second time")

	f := field(locked, locked, locked, locked, locked, locked)
	tap, err = shop(t, &approving{}, func(c *terminal.Config, _ *terminal.Env) { c.MaxTaps = 3 }).Tap(context.Background(), f, terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAgain, tap.Outcome.Kind)
	require.Equal(t, 3, tap.Taps)
	require.Equal(t, 3, f.seen, "the loop is bounded")
}

// A card that leaves during selection brings the reader back to Start B, one
// that leaves while the kernel reads is asked back by the kernel (EMV Book B,
// 3.3; Book C-3).
func TestTornTaps(t *testing.T) {
	for name, prefix := range map[string]string{"PPSE": "00A404000E", "SELECT": "00A4040007", "GPO": "80A8"} {
		torn, good := visa(t, map[string]string{prefix: "lost"}), visa(t, nil)
		if prefix == "00A4040007" {
			torn.answers["00A4040007A0000000031010"] = nil
		}
		tap, err := shop(t, &approving{}, nil).Tap(context.Background(), field(torn, good), terminal.Request{Amount: 1})
		require.NoError(t, err, name)
		require.Equal(t, kernel.OnlineRequest, tap.Outcome.Kind, name)
		require.Equal(t, 2, tap.Taps, name)
		again := kernel.MessagePresentCard
		if name == "GPO" {
			again = kernel.MessagePresentAgain
		}
		require.Contains(t, messages(tap.UI)[1:], again, name)

		tap, err = shop(t, &approving{}, nil).Tap(context.Background(), field(torn), terminal.Request{Amount: 1})
		require.NoError(t, err, name)
		require.Equal(t, kernel.TryAgain, tap.Outcome.Kind, name)
		require.NotEmpty(t, tap.Outcome.Reason.Text, name)
	}
}

// EMV Book B, 3.2: two cards at once are sent away until there is one.
func TestCollision(t *testing.T) {
	two := collision{terminal.ErrCollision}
	f := field(two, visa(t, nil))
	tap, err := shop(t, &approving{}, nil).Tap(context.Background(), f, terminal.Request{Amount: 1})
	require.NoError(t, err)
	require.Equal(t, kernel.OnlineRequest, tap.Outcome.Kind)
	require.Equal(t, []kernel.UIRequest{
		{Message: kernel.MessagePresentCard, Status: kernel.StatusReadyToRead},
		{Message: kernel.MessageOneCardOnly, Status: kernel.StatusCollision},
		{Message: kernel.MessageOneCardOnly, Status: kernel.StatusReadyToRead},
	}, tap.UI[:3])

	_, err = shop(t, &approving{}, nil).Tap(context.Background(), field(two, two, two, two, two, two), terminal.Request{Amount: 1})
	require.ErrorIs(t, err, terminal.ErrCollision)
}

// Nobody presented a card: there is no decision, and no outcome.
func TestNoCard(t *testing.T) {
	f := field()
	tap, err := shop(t, &approving{}, nil).Tap(context.Background(), f, terminal.Request{Amount: 1})
	require.ErrorIs(t, err, terminal.ErrNoCard)
	require.Zero(t, tap.Outcome.Kind)
	require.Equal(t, []time.Duration{0}, f.off, "the field goes off all the same")
}

// What the entry point does with each outcome of a kernel (EMV Book B, 3.5).
func TestOutcomesOfAKernel(t *testing.T) {
	off := 700 * time.Millisecond
	ui := &kernel.UIRequest{Message: kernel.MessageSeePhone, Status: kernel.StatusProcessingError}
	again := &kernel.UIRequest{Message: kernel.MessagePresentAgain, Status: kernel.StatusReadyToRead}
	approved := kernel.Outcome{Kind: kernel.Approved}
	for name, c := range map[string]struct {
		say  []kernel.Outcome
		want kernel.Kind
		runs int
		off  []time.Duration
	}{
		"approved":                  {[]kernel.Outcome{approved}, kernel.Approved, 1, []time.Duration{0}},
		"declined":                  {[]kernel.Outcome{{Kind: kernel.Declined, UI: ui}}, kernel.Declined, 1, []time.Duration{0}},
		"online":                    {[]kernel.Outcome{{Kind: kernel.OnlineRequest}}, kernel.OnlineRequest, 1, []time.Duration{0}},
		"online with start B waits": {[]kernel.Outcome{{Kind: kernel.OnlineRequest, Start: kernel.StartB}}, kernel.OnlineRequest, 1, []time.Duration{0}},
		"another interface":         {[]kernel.Outcome{{Kind: kernel.TryAnotherInterface}}, kernel.TryAnotherInterface, 1, []time.Duration{0}},
		"end application":           {[]kernel.Outcome{{Kind: kernel.EndApplication}}, kernel.EndApplication, 1, []time.Duration{0}},
		"end application, start B": {[]kernel.Outcome{{Kind: kernel.EndApplication, Start: kernel.StartB, UI: ui, UIRestart: again, FieldOff: &off}, approved},
			kernel.Approved, 2, []time.Duration{off, 0}},
		"try again":   {[]kernel.Outcome{{Kind: kernel.TryAgain, Start: kernel.StartB, FieldOff: &off}, approved}, kernel.Approved, 2, []time.Duration{off, 0}},
		"select next": {[]kernel.Outcome{{Kind: kernel.SelectNext, Start: kernel.StartC}}, kernel.EndApplication, 1, []time.Duration{0}},
	} {
		k := &fake{id: 3, say: c.say}
		f := field(visa(t, nil), visa(t, nil))
		tap, err := reader(t, map[string][]byte{"A0000000031010": {3}}, nil, k).Tap(context.Background(), f, terminal.Request{Amount: 7})
		require.NoError(t, err, name)
		require.Equal(t, c.want, tap.Outcome.Kind, name)
		require.Len(t, k.got, c.runs, name)
		require.Equal(t, c.off, f.off, name)
		require.False(t, k.got[0].Restart, name)
		for _, a := range k.got[1:] {
			require.True(t, a.Restart, name)
			require.Equal(t, int64(7), a.Transaction.Amount, name)
		}
		if name == "end application, start B" {
			require.Equal(t, []kernel.MessageID{kernel.MessagePresentCard, kernel.MessageSeePhone, kernel.MessagePresentAgain}, messages(tap.UI))
		}
	}
}

// Requests that no field can hold are refused before anything happens.
func TestBadRequests(t *testing.T) {
	for name, r := range map[string]terminal.Request{
		"negative": {Amount: -1}, "13 digits": {Amount: 1_000_000_000_000}, "cashback": {AmountOther: -5}, "STAN": {STAN: 1_000_000}, "STAN below": {STAN: -1},
	} {
		f := field(visa(t, nil))
		_, err := shop(t, &approving{}, nil).Pay(context.Background(), f, r)
		require.Error(t, err, name)
		require.Zero(t, f.seen, name)
	}
}

// A terminal that cannot work is refused when it is made.
func TestBadConfigurations(t *testing.T) {
	good := terminal.Config{Name: "x", Combinations: []terminal.Combination{{AID: []byte{0xA0, 0, 0, 0, 3}, Kernel: 3}}}
	env := terminal.Env{Now: clock, Rand: counter{}}
	for name, change := range map[string]func(*terminal.Config, *terminal.Env){
		"no clock":         func(_ *terminal.Config, e *terminal.Env) { e.Now = nil },
		"no randomness":    func(_ *terminal.Config, e *terminal.Env) { e.Rand = nil },
		"host, no journal": func(_ *terminal.Config, e *terminal.Env) { e.Host = &approving{} },
		"no combination":   func(c *terminal.Config, _ *terminal.Env) { c.Combinations = nil },
		"short AID":        func(c *terminal.Config, _ *terminal.Env) { c.Combinations[0].AID = []byte{1, 2, 3, 4} },
		"no such kernel":   func(c *terminal.Config, _ *terminal.Env) { c.Combinations[0].Kernel = 2 },
		"too many taps":    func(c *terminal.Config, _ *terminal.Env) { c.MaxTaps = 11 },
		"terminal id":      func(c *terminal.Config, _ *terminal.Env) { c.TerminalID = "123456789" },
		"request type":     func(c *terminal.Config, _ *terminal.Env) { c.Host.Request = "0120" },
		"too many":         func(c *terminal.Config, _ *terminal.Env) { c.Combinations = make([]terminal.Combination, 65) },
	} {
		c, e := good, env
		c.Combinations = append([]terminal.Combination(nil), good.Combinations...)
		change(&c, &e)
		_, err := terminal.New(c, []kernel.Kernel{approves(3)}, e)
		require.Error(t, err, name)
	}
	term, err := terminal.New(good, []kernel.Kernel{approves(3)}, env)
	require.NoError(t, err)
	require.Equal(t, terminal.HostConfig{Request: "0100", Reversal: "0400", Advice: "0220", EntryMode: "071"}, term.Config().Host)
	require.Equal(t, 4, term.Config().MaxTaps)
}

// An error of the reader is no outcome.
func TestReaderErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ended := apdu.TransceiverFunc(func(ctx context.Context, _ []byte) ([]byte, error) { return nil, ctx.Err() })
	_, err := shop(t, &approving{}, nil).Pay(ctx, field(ended), terminal.Request{Amount: 1})
	require.ErrorIs(t, err, context.Canceled)
}
