package issuer

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRandomText: every byte that chance can give, once: each digit comes equally
// often.
func TestRandomText(t *testing.T) {
	var all []byte
	for n := range 256 {
		all = append(all, byte(n))
	}
	b := newBank(t, nil)
	b.rand = bytes.NewReader(append(all[250:], all[:250]...)) // what is drawn again comes first
	count := map[rune]int{}
	text, err := b.randomText(decimal, 6)
	require.NoError(t, err)
	require.Equal(t, "012345", text, "250 to 255 are drawn again")
	for range 61 {
		text, err := b.randomText(decimal, 4)
		require.NoError(t, err)
		for _, digit := range text {
			count[digit]++
		}
	}
	for _, digit := range "6789" {
		require.Equal(t, 25, count[digit])
	}
	_, err = b.randomText(decimal, 1)
	require.Error(t, err, "there is no chance left")
}
