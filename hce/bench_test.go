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

// A tap allocates the one answer that is new, and a session key where there is
// one: the key, and two schedules that the standard library allocates.
func TestAllocations(t *testing.T) {
	for name, want := range map[string]float64{"visa-plastic": 1 + 3, "visa-phone": 1} {
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

// BenchmarkMChip is all that a terminal asks of an M/Chip card to get a
// cryptogram, and a dynamic code. With a signature the floor is one private key
// operation, BenchmarkSign here.
func BenchmarkMChip(b *testing.B) {
	arqc, cda := genAC(askARQC, purchase().cdol(false)), genAC(askARQC|withCDA, purchase().cdol(false))
	c := builtIn(b, "mastercard-plastic", nil)
	b.Run("arqc", func(b *testing.B) { taps(b, c, selectMC, gpoPlastic, arqc) })
	b.Run("cda", func(b *testing.B) { taps(b, c, selectMC, gpoPlastic, cda) })
	b.Run("cvc3", func(b *testing.B) { taps(b, c, selectMC, gpoPlastic, "802A8E80040000089900") })
}

func BenchmarkSign(b *testing.B) {
	p := load(b, "mastercard-plastic")
	authenticate(b, &p)
	block := make([]byte, p.Authentication.Signer.Len())
	block[0], block[len(block)-1] = 0x6A, 0xBC
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Authentication.Signer.Sign(block); err != nil {
			b.Fatal(err)
		}
	}
}
