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
// kernel 3, trace off. The whole tap against its crypto floor is BenchmarkTap
// of package sim.
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
