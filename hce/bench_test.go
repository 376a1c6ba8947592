package hce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/hce"
)

// BenchmarkGPO is SELECT and GET PROCESSING OPTIONS; BenchmarkTap all that a
// terminal asks of a card in one tap. Package sim measures the floor.
func BenchmarkGPO(b *testing.B) {
	for name, c := range cards(b) {
		b.Run(name, func(b *testing.B) { taps(b, c, selectVisa, gpo(ttqPlain, "0978", "00")) })
	}
}

func BenchmarkTap(b *testing.B) {
	for name, c := range cards(b) {
		b.Run(name, func(b *testing.B) { taps(b, c, selectPPSE, selectVisa, gpo(ttqPlain, "0978", "00"), "00B2010C00") })
	}
}

// A tap allocates its answers, which are the caller's, and a session key where
// there is one: the key, and two schedules that the standard library allocates.
func TestAllocations(t *testing.T) {
	for name, want := range map[string]float64{"visa-plastic": 3 + 3, "visa-phone": 3} {
		c := cards(t)[name]
		var commands [][]byte
		for _, s := range []string{selectPPSE, selectVisa, gpo(ttqPlain, "0978", "00")} {
			commands = append(commands, unhex(s))
		}
		require.Equal(t, want, testing.AllocsPerRun(100, func() {
			for _, command := range commands {
				c.Respond(command)
			}
		}), name)
	}
}

func BenchmarkSelect(b *testing.B) { taps(b, newPlastic(b, nil), selectVisa) }

func cards(b testing.TB) map[string]*hce.Card {
	return map[string]*hce.Card{"visa-plastic": newPlastic(b, nil), "visa-phone": newPhone(b, hce.Unlimited, nil)}
}

// taps sends the commands over and over; the counter goes back now and then, or
// it would be used up.
func taps(b *testing.B, c *hce.Card, commands ...string) {
	var raw [][]byte
	for _, s := range commands {
		raw = append(raw, unhex(s))
	}
	start := c.State()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%0xF000 == 0 {
			if err := c.Restore(start); err != nil {
				b.Fatal(err)
			}
		}
		for _, command := range raw {
			c.Respond(command)
		}
	}
}
