package hce_test

import (
	"testing"

	"tapsim/hce"
)

// BenchmarkGPO is SELECT and GET PROCESSING OPTIONS; BenchmarkTap all that a
// terminal asks of a card in one tap. The floor is BenchmarkCVN18Floor and
// BenchmarkLimitedUse of package cryptogram.
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

func BenchmarkSelect(b *testing.B) { taps(b, newPlastic(b, nil), selectVisa) }

func cards(b *testing.B) map[string]*hce.Card {
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
