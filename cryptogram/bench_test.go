package cryptogram

import (
	"testing"

	"tapsim/emv"
)

// BenchmarkCVN18 is what a card does for one tap, its card key kept.
func BenchmarkCVN18(b *testing.B) {
	_, card := visaCard(b)
	e := visaElements(b, "06011203A00000")
	b.ReportAllocs()
	for b.Loop() {
		r, _ := RecipeFor(emv.SchemeVisa, e.IAD)
		_, _ = r.Generate(card, &e)
	}
}

// BenchmarkLimitedUse is the same for a phone: the limited-use key is kept, so
// no key is set up.
func BenchmarkLimitedUse(b *testing.B) {
	_, card := visaCard(b)
	luk, _ := LimitedUseKey(card, KeyIndex{Hour: 5702})
	e := visaElements(b, "1F430100A0000000000000000000570200000000000000000000000000000000")
	b.ReportAllocs()
	for b.Loop() {
		r, _ := RecipeFor(emv.SchemeVisa, e.IAD)
		_, _ = r.Generate(luk, &e)
	}
}

// BenchmarkDeriveAndCVN18 is the issuer that keeps nothing but its master key.
func BenchmarkDeriveAndCVN18(b *testing.B) {
	imk, _ := visaCard(b)
	e := visaElements(b, "06011203A00000")
	r, _ := RecipeFor(emv.SchemeVisa, e.IAD)
	b.ReportAllocs()
	for b.Loop() {
		card, _ := DeriveCardKey(imk, OptionA, "4761739001010119", "01")
		_, _ = r.Generate(card, &e)
	}
}

// BenchmarkKeySetUp is the fixed cost of a double-length key: two schedules.
func BenchmarkKeySetUp(b *testing.B) {
	raw := unhex(b, "0123456789ABCDEFFEDCBA9876543210")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = NewKey(TDES, raw)
	}
}

// BenchmarkBlock is one single-DES block, the unit of the floor below.
func BenchmarkBlock(b *testing.B) {
	_, card := visaCard(b)
	block := make([]byte, 8)
	b.ReportAllocs()
	for b.Loop() {
		card.des[0].Encrypt(block, block)
	}
}

// BenchmarkCVN18Floor is what CVN 18 cannot avoid: two triple-DES blocks for
// the session key, its two key schedules, six blocks and two more for the MAC.
func BenchmarkCVN18Floor(b *testing.B) {
	_, card := visaCard(b)
	buf := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		card.EncryptBlock(buf[:8], buf[:8])
		card.EncryptBlock(buf[8:], buf[8:])
		k, _ := NewKey(TDES, buf)
		for range 6 {
			k.des[0].Encrypt(buf[:8], buf[:8])
		}
		k.des[1].Decrypt(buf[:8], buf[:8])
		k.des[0].Encrypt(buf[:8], buf[:8])
	}
}

func BenchmarkRetailMAC(b *testing.B) {
	_, card := visaCard(b)
	data := make([]byte, 40)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = card.MAC(data, Padding2)
	}
}

func BenchmarkARPC2(b *testing.B) {
	_, card := visaCard(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ARPC2(card, Cryptogram{1}, [4]byte{0, 0x80}, nil)
	}
}
