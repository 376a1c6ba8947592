package cryptogram

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPad pads and takes the padding off again.
func FuzzPad(f *testing.F) {
	f.Add([]byte("data"), 8, byte(2))
	f.Fuzz(func(t *testing.T, data []byte, block int, method byte) {
		p := Padding(method % 4)
		padded, err := Pad(data, block, p)
		if err != nil {
			require.True(t, block < 1 || block > maxBlock || p == PaddingNone)
			return
		}
		require.Zero(t, len(padded)%block)
		require.NotEmpty(t, padded)
		switch p {
		case Padding2:
			clear, err := Unpad(padded)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(data), hex.EncodeToString(clear))
		case Padding3:
			require.Equal(t, hex.EncodeToString(data), hex.EncodeToString(padded[block:block+len(data)]))
		default:
			require.Equal(t, hex.EncodeToString(data), hex.EncodeToString(padded[:len(data)]))
		}
	})
}

// FuzzKeyWrap wraps and unwraps, and the other way round.
func FuzzKeyWrap(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte("a key to be wrapped under it...."))
	f.Fuzz(func(t *testing.T, kek, secret []byte) {
		k, err := NewKey(AES, kek)
		if err != nil {
			return
		}
		if wrapped, err := k.Wrap(secret); err == nil {
			clear, err := k.Unwrap(wrapped)
			require.NoError(t, err)
			require.Equal(t, secret, clear)
		}
		if clear, err := k.Unwrap(secret); err == nil {
			wrapped, err := k.Wrap(clear)
			require.NoError(t, err)
			require.Equal(t, secret, wrapped)
		}
	})
}
