package pin

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBlocks encodes and decodes: what was encoded decodes to the same PIN, and
// arbitrary blocks decode to a PIN or an error.
func FuzzBlocks(f *testing.F) {
	f.Add(byte(0), "1234", testPAN, []byte("01234567"))
	f.Add(byte(3), "123456789012", "4111111111111111113", []byte("random bytes, enough of them"))
	f.Add(byte(4), "12345", "1", []byte("12345678"))
	f.Fuzz(func(t *testing.T, format byte, pin, pan string, random []byte) {
		fm := Format(format % 6)
		block, err := Encode(fm, pin, pan, bytes.NewReader(random))
		if err == nil {
			got, err := Decode(fm, block, pan)
			require.NoError(t, err)
			require.Equal(t, pin, got)
		}
		got, err := Decode(fm, random, pan)
		if err != nil {
			return
		}
		require.NoError(t, checkPIN(got))
	})
}
