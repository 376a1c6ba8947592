package sim

import (
	"context"
	"crypto/cipher"
	"crypto/des"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/hce/profile"
	"tapsim/reader"
	"tapsim/terminal"
	termconfig "tapsim/terminal/config"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
)

// benchField is a field with one card that is always there.
type benchField struct{ air reader.Field }

func (f *benchField) Activate(context.Context) (apdu.Transceiver, error) { return &f.air, nil }
func (f *benchField) Off(context.Context, time.Duration) error           { return nil }

// zeroes is a source of unpredictable numbers that costs nothing.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// BenchmarkTap is a whole tap in memory, card and terminal, with nobody
// looking: PPSE, SELECT, GET PROCESSING OPTIONS and records, to the kernel's
// outcome. It reports its crypto floor and the ratio to it.
func BenchmarkTap(b *testing.B) {
	b.Run("visa-plastic", func(b *testing.B) { benchmarkTap(b, "visa-plastic", floorCVN18) })
	b.Run("visa-phone", func(b *testing.B) { benchmarkTap(b, "visa-phone", floorLimitedUse) })
}

func benchmarkTap(b *testing.B, name string, floor func() time.Duration) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	card := benchCard(b, name, clock)
	start := card.State()
	config, err := termconfig.Load("attended")
	require.NoError(b, err)
	term, err := terminal.New(config.Config, []kernel.Kernel{c3.New()}, terminal.Env{Now: clock, Rand: zeroes{}})
	require.NoError(b, err)
	f := &benchField{}
	f.air.Insert(card)
	ctx, request := context.Background(), terminal.Request{Amount: 1250}
	lowest := floor()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n++; n%60000 == 0 { // the counter ends at FFFF
			require.NoError(b, card.Restore(start))
		}
		tap, err := term.Tap(ctx, f, request)
		if err != nil || tap.Outcome.Kind != kernel.OnlineRequest {
			b.Fatal(tap.Outcome.Kind, err)
		}
	}
	perTap := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(float64(lowest.Nanoseconds()), "floor-ns")
	b.ReportMetric(perTap/float64(lowest.Nanoseconds()), "x-floor")
}

func benchCard(b *testing.B, name string, clock func() time.Time) *hce.Card {
	p, err := profile.Load(name)
	require.NoError(b, err)
	keys := hce.CardKey(p.CardKey)
	if p.CardKey == nil {
		key, err := cryptogram.NewKey(cryptogram.TDES, []byte("a limited-use k!"))
		require.NoError(b, err)
		keys = []hce.Key{{Key: key, Index: cryptogram.KeyIndex{Year: 0, Hour: 1, Counter: 0}, Uses: hce.Unlimited}}
	}
	card, err := hce.New(p, hce.Env{Now: clock, Rand: zeroes{}, Keys: keys})
	require.NoError(b, err)
	return card
}

// floorCVN18 is what a cryptogram of version 18 cannot avoid: two 3DES blocks
// for the session key, two key set-ups, and a retail MAC over six blocks.
func floorCVN18() time.Duration {
	return measure(func(k cipher.Block, block []byte) {
		for range 6 {
			k.Encrypt(block, block)
		}
		a, _ := des.NewCipher(block)
		c, _ := des.NewCipher(block)
		for range 6 {
			a.Encrypt(block, block)
		}
		c.Decrypt(block, block)
		a.Encrypt(block, block)
	})
}

// floorLimitedUse is a retail MAC over nine blocks with a key that is kept.
func floorLimitedUse() time.Duration {
	return measure(func(k cipher.Block, block []byte) {
		for range 11 {
			k.Encrypt(block, block)
		}
	})
}

// measure is the least time that work takes of many runs.
func measure(work func(k cipher.Block, block []byte)) time.Duration {
	k, _ := des.NewCipher([]byte("8 bytes!"))
	block := make([]byte, 8)
	const runs, batch = 50, 2000
	best := time.Hour
	for range runs {
		start := time.Now()
		for range batch {
			work(k, block)
		}
		best = min(best, time.Since(start)/batch)
	}
	return best
}
