//go:build pcsc

package cli

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/reader/pcsc"
	"tapsim/terminal"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/c3"
)

// stall is what a command costs when the virtual reader's messages are not
// acknowledged at once.
const stall = 40 * time.Millisecond

// stopwatch measures a card and what lies between it and the terminal.
type stopwatch struct {
	respond time.Duration   // in the card, this tap
	apdus   []time.Duration // at the terminal, all taps
	air     time.Duration   // waiting for reader and card, this tap
	pcsc    *pcsc.Reader
}

func (s *stopwatch) card(card apdu.Responder) apdu.Responder {
	return apdu.ResponderFunc(func(command []byte) []byte {
		begun := time.Now()
		answer := card.Respond(command)
		s.respond += time.Since(begun)
		return answer
	})
}

func (s *stopwatch) Activate(ctx context.Context) (apdu.Transceiver, error) {
	begun := time.Now()
	card, err := s.pcsc.Activate(ctx)
	s.air += time.Since(begun)
	return apdu.TransceiverFunc(func(ctx context.Context, command []byte) ([]byte, error) {
		begun := time.Now()
		answer, err := card.Transceive(ctx, command)
		d := time.Since(begun)
		s.air += d
		s.apdus = append(s.apdus, d)
		return answer, err
	}), err
}

func (s *stopwatch) Off(ctx context.Context, d time.Duration) error {
	begun := time.Now()
	err := s.pcsc.Off(ctx, d)
	s.air += time.Since(begun)
	return err
}

// BenchmarkPCSC measures taps on one insertion, without the bank: the median
// command, the median tap, and how much of it is our code - the card's Respond
// and the terminal without its waiting. Our share must stay below a tenth, and
// no command may meet the stall.
func BenchmarkPCSC(b *testing.B) {
	for _, card := range []string{"visa-plastic", "mastercard-plastic"} {
		b.Run(card, func(b *testing.B) { benchmarkTaps(b, card) })
	}
}

func benchmarkTaps(b *testing.B, card string) {
	s := &stopwatch{}
	insertCard(b, card, 0, s.card)
	r, err := pcsc.Open(pcscd(b).Names[0])
	require.NoError(b, err)
	defer r.Close()
	s.pcsc = r
	config, err := termconfig.Load("attended")
	require.NoError(b, err)
	keys := testca.CAKeys()
	config.Config.Combinations = slices.DeleteFunc(config.Config.Combinations, func(c terminal.Combination) bool { return c.Kernel > 3 })
	term, err := terminal.New(config.Config, []kernel.Kernel{&c2.Kernel{Keys: keys}, &c3.Kernel{Keys: keys}},
		terminal.Env{Now: time.Now, Rand: zeros{}})
	require.NoError(b, err)
	tap := func() (whole, ours, respond time.Duration) {
		s.respond, s.air = 0, 0
		begun := time.Now()
		got, err := term.Tap(context.Background(), s, terminal.Request{Amount: 500})
		whole = time.Since(begun)
		require.NoError(b, err)
		require.Equal(b, kernel.OnlineRequest, got.Outcome.Kind, got.Outcome.Reason.Text)
		require.Equal(b, emv.ARQC, got.Outcome.Type)
		return whole, whole - s.air, s.respond
	}
	tap() // the card has arrived
	s.apdus = nil
	var taps, terminals, responds []time.Duration
	for b.Loop() {
		whole, own, respond := tap()
		taps, terminals, responds = append(taps, whole), append(terminals, own), append(responds, respond)
	}
	share := 100 * (median(terminals) + median(responds)).Seconds() / median(taps).Seconds()
	b.ReportMetric(float64(median(s.apdus).Nanoseconds())/1e3, "µs/apdu")
	b.ReportMetric(float64(slices.Max(s.apdus).Nanoseconds())/1e6, "ms/slowest-apdu")
	b.ReportMetric(float64(median(taps).Nanoseconds())/1e3, "µs/tap")
	b.ReportMetric(float64(median(responds).Nanoseconds())/1e3, "µs/tap-in-card")
	b.ReportMetric(float64(median(terminals).Nanoseconds())/1e3, "µs/tap-in-terminal")
	b.ReportMetric(share, "%-ours")
	if share >= 10 && card == "visa-plastic" {
		b.Errorf("our code takes %.1f %% of a tap, want less than 10", share)
	}
	if p := percentile(s.apdus, 99); p >= stall {
		b.Errorf("one command of a hundred takes %s: the messages of the virtual reader are not acknowledged at once", p)
	}
}

func median(d []time.Duration) time.Duration { return percentile(d, 50) }

func percentile(d []time.Duration, p int) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)*p/100, len(d)-1)]
}

// zeros is randomness that need not be any.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
