package terminal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// canned answers without looking, so that a benchmark measures the terminal.
type canned struct{ ppse, fci, gpo []byte }

func (c *canned) Transceive(_ context.Context, command []byte) ([]byte, error) {
	switch {
	case command[1] == 0xA8:
		return c.gpo, nil
	case command[4] == 0x0E:
		return c.ppse, nil
	default:
		return c.fci, nil
	}
}

type always struct{ card apdu.Transceiver }

func (a *always) Activate(context.Context) (apdu.Transceiver, error) { return a.card, nil }
func (a *always) Off(context.Context, time.Duration) error           { return nil }

// BenchmarkTap is the terminal's share of an in-memory tap: entry point and
// kernel 3, trace off.
func BenchmarkTap(b *testing.B) {
	f := &always{&canned{unhex(b, ppseVisa), unhex(b, fciVisa), unhex(b, gpoARQC)}}
	term := shop(b, &approving{}, nil)
	r := terminal.Request{Amount: 1250, Time: noon}
	b.ReportAllocs()
	for b.Loop() {
		tap, err := term.Tap(context.Background(), f, r)
		if err != nil || tap.Outcome.Kind != kernel.OnlineRequest {
			b.Fatal(tap.Outcome.Kind, err)
		}
	}
}

// BenchmarkPay is the whole payment with a host that answers at once and a
// journal in memory: messages, receipt and all.
func BenchmarkPay(b *testing.B) {
	f := &always{&canned{unhex(b, ppseVisa), unhex(b, fciVisa), unhex(b, gpoARQC)}}
	host := &approving{}
	term := shop(b, host, nil)
	r := terminal.Request{Amount: 1250, Time: noon}
	b.ReportAllocs()
	for b.Loop() {
		host.got = host.got[:0]
		res, err := term.Pay(context.Background(), f, r)
		require.NoError(b, err)
		require.Equal(b, kernel.Approved, res.Outcome)
	}
}

// BenchmarkTapWithCard is a whole tap in memory: the CVN 18 card on one side,
// entry point and kernel 3 on the other. BenchmarkCryptoFloor is what of it no
// program can avoid: the session key and the MAC of one cryptogram with the
// card key's schedule kept.
func BenchmarkTapWithCard(b *testing.B) {
	p, err := profile.Load("visa-plastic")
	require.NoError(b, err)
	master, err := cryptogram.NewKey(cryptogram.TDES, unhex(b, "2315208C9110AD402315208C9110AD40"))
	require.NoError(b, err)
	key, err := cryptogram.DeriveCardKey(master, cryptogram.OptionA, string(p.Account.PAN), p.Account.PSN)
	require.NoError(b, err)
	c, err := hce.New(p, hce.Env{Now: clock, Rand: counter{}, Keys: []hce.Key{{Key: key, Uses: hce.Unlimited}}})
	require.NoError(b, err)
	fresh := c.State()
	f := &always{apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) { return c.Respond(command), nil })}
	term := shop(b, &approving{}, nil)
	r := terminal.Request{Amount: 1250, Time: noon}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%50_000 == 49_999 { // the counter has 16 bits
			require.NoError(b, c.Restore(fresh))
		}
		tap, err := term.Tap(context.Background(), f, r)
		if err != nil || tap.Outcome.Kind != kernel.OnlineRequest {
			b.Fatal(tap.Outcome.Kind, tap.Outcome.Reason, err)
		}
	}
}

func BenchmarkCryptoFloor(b *testing.B) {
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex(b, "2315208C9110AD402315208C9110AD40"))
	require.NoError(b, err)
	recipe, err := cryptogram.RecipeFor(emv.SchemeVisa, unhex(b, "06011203A00000"))
	require.NoError(b, err)
	e := &cryptogram.Elements{ATC: 1, IAD: unhex(b, "06011203A00000")}
	b.ReportAllocs()
	for b.Loop() {
		e.ATC++
		if _, err := recipe.Generate(card, e); err != nil {
			b.Fatal(err)
		}
	}
}
