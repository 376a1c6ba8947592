package cryptogram

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// TestVisaCVN18 is the published worked case of emv-facts appendix B; the
// vector files hold the rest.
func TestVisaCVN18(t *testing.T) {
	imk, err := NewKey(TDES, unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	require.NoError(t, err)
	card, err := DeriveCardKey(imk, OptionA, "4761739001010119", "01")
	require.NoError(t, err)
	require.Equal(t, unhex(t, "80A89B585BBF64C2F12915BF578FABE0"), card.Reveal())
	pdol, err := emv.ParseDOL(unhex(t, "9F66049F02069F03069F1A0295055F2A029A039C019F3704"))
	require.NoError(t, err)
	sent, err := pdol.Split(unhex(t, "26C04000000000001500000000000000084000000000000840260115001A2B3C4D"))
	require.NoError(t, err)
	e := ElementsFrom(sent, emv.List{{Tag: emv.TagAIP, Value: []byte{0, 0}}, {Tag: emv.TagATC, Value: []byte{0, 1}}, {Tag: emv.TagIAD, Value: unhex(t, "06011203A00000")}})
	r, err := RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	ac, err := r.Generate(card, &e)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "27552E9226B3CC95"), ac[:])
}

func TestLimitedUseKey(t *testing.T) {
	udk, err := NewKey(TDES, unhex(t, "C8B507136D921FD05864C81F79F2D30B"))
	require.NoError(t, err)
	luk, err := LimitedUseKey(udk, KeyIndex{Year: 0, Hour: 5702, Counter: 1})
	require.NoError(t, err)
	require.Equal(t, unhex(t, "3EA78DED27B7BB01F9069B8E34C443BC"), luk.Reveal())
}

func BenchmarkCVN18(b *testing.B) {
	imk, _ := NewKey(TDES, []byte("0123456789abcdef"))
	card, _ := DeriveCardKey(imk, OptionA, "4761739001010119", "01")
	e := Elements{IAD: []byte{6, 1, 0x12, 3, 0xA0, 0, 0}, ATC: 1}
	r, _ := RecipeFor(emv.SchemeVisa, e.IAD)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Generate(card, &e)
	}
}
