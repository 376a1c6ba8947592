package cryptogram_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// TestSingleUse: with the key of its counter a phone makes what a card makes
// with the card key, by every recipe whose session key can be derived ahead;
// the others have no such keys.
func TestSingleUse(t *testing.T) {
	card, err := cryptogram.NewKey(cryptogram.TDES, []byte("0123456789abcdef"))
	require.NoError(t, err)
	iads := map[string][]byte{
		"Mastercard CVN 14": {0x01, 0x14, 0xA5, 0, 3, 2, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
		"Mastercard CVN 15": {0x01, 0x15, 0xA5, 0, 3, 2, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
		"Visa CVN 18":       {0x06, 0x01, 0x12, 0x03, 0xA0, 0, 0},
		"UnionPay CVN 01":   {0x07, 0x01, 0x01, 0x03, 0xA0, 0, 0, 0x01},
	}
	seen := 0
	for _, r := range cryptogram.Recipes() {
		phone, ok := r.SingleUse()
		iad := iads[r.Name]
		if iad == nil {
			continue
		}
		seen++
		require.True(t, ok, r.Name)
		e := cryptogram.Elements{ATC: 0x0102, UnpredictableNumber: [4]byte{1, 2, 3, 4}, IAD: iad}
		want, err := r.Generate(card, &e)
		require.NoError(t, err)
		key, err := cryptogram.SingleUseKey(card, r.Scheme, e.ATC)
		require.NoError(t, err)
		got, err := phone.Generate(key, &e)
		require.NoError(t, err)
		require.Equal(t, want, got, r.Name)
		e.ATC++
		later, err := phone.Generate(key, &e)
		require.NoError(t, err)
		right, err := r.Generate(card, &e)
		require.NoError(t, err)
		require.NotEqual(t, right, later, "the key serves its own counter only")
	}
	require.Equal(t, len(iads), seen)
	for _, name := range []string{"Mastercard CVN 10", "Mastercard CVN 11", "Visa CVN 10", "Visa cloud CVN 43"} {
		for _, r := range cryptogram.Recipes() {
			_, ok := r.SingleUse()
			require.False(t, ok && r.Name == name, name)
		}
	}
	_, err = cryptogram.SingleUseKey(card, emv.SchemeAmex, 1)
	require.ErrorContains(t, err, "no single-use keys")
}
