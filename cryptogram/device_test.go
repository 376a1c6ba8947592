package cryptogram

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// device is a phone with a secret of sixteen such bytes.
func device(t testing.TB, fill byte) *Device {
	t.Helper()
	secret, err := NewKey(AES, bytes.Repeat([]byte{fill}, 16))
	require.NoError(t, err)
	d, err := NewDevice(secret)
	require.NoError(t, err)
	return d
}

// TestDevice: only the phone that a delivery is for opens it, and only a phone's
// own signature counts.
func TestDevice(t *testing.T) {
	d, other := device(t, 1), device(t, 2)
	require.Equal(t, d.Identity(), device(t, 1).Identity(), "from the secret alone")
	require.NotEqual(t, d.Identity(), other.Identity())
	require.NotEqual(t, d.Agreement(), other.Agreement())

	message := []byte("a request")
	require.True(t, VerifyDevice(d.Identity(), message, d.Sign(message)))
	require.False(t, VerifyDevice(d.Identity(), []byte("another"), d.Sign(message)))
	require.False(t, VerifyDevice(other.Identity(), message, d.Sign(message)))
	require.False(t, VerifyDevice(nil, message, d.Sign(message)))
	require.False(t, VerifyDevice(d.Identity(), message, nil))

	ephemeral, sealed, err := SealTo(d.Agreement(), [32]byte{7})
	require.NoError(t, err)
	opened, err := d.Open(ephemeral)
	require.NoError(t, err)
	require.True(t, sealed.Equal(opened))
	require.Equal(t, 32, opened.Len())
	foreign, err := other.Open(ephemeral)
	require.NoError(t, err)
	require.False(t, sealed.Equal(foreign))
	_, fresh, err := SealTo(d.Agreement(), [32]byte{8})
	require.NoError(t, err)
	require.False(t, sealed.Equal(fresh), "a key is for one message")

	for _, bad := range [][]byte{nil, {1}, make([]byte, 32), make([]byte, 33)} { // zeros are no point to agree with
		_, _, err = SealTo(bad, [32]byte{7})
		require.Error(t, err)
		_, err = d.Open(bad)
		require.Error(t, err)
	}
	_, err = OpenWith([]byte{1}, ephemeral)
	require.ErrorContains(t, err, "private key")
	_, err = PublicOf([]byte{1})
	require.ErrorContains(t, err, "private key")
}

// TestPublishedAgreement: the key pairs of RFC 7748, 6.1.
func TestPublishedAgreement(t *testing.T) {
	for private, public := range map[string]string{
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a": "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb": "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	} {
		raw, err := hex.DecodeString(private)
		require.NoError(t, err)
		got, err := PublicOf(raw)
		require.NoError(t, err)
		require.Equal(t, public, hex.EncodeToString(got))
	}
}

// TestPasscode: another passcode, salt, number of rounds or phone gives another
// key.
func TestPasscode(t *testing.T) {
	secret, err := NewKey(AES, bytes.Repeat([]byte{1}, 16))
	require.NoError(t, err)
	elsewhere, err := NewKey(AES, bytes.Repeat([]byte{2}, 16))
	require.NoError(t, err)
	key := func(code string, salt byte, rounds int, s *Key) *Key {
		k, err := Passcode(code, bytes.Repeat([]byte{salt}, 16), rounds, s)
		require.NoError(t, err)
		return k
	}
	first := key("271828", 1, 10, secret)
	require.True(t, first.Equal(key("271828", 1, 10, secret)))
	for _, other := range []*Key{key("271829", 1, 10, secret), key("271828", 2, 10, secret), key("271828", 1, 11, secret), key("271828", 1, 10, elsewhere)} {
		require.False(t, first.Equal(other))
	}
	_, err = Passcode("271828", nil, 0, secret)
	require.Error(t, err)
}

// TestDevicePrintsItsName: nothing of the private keys, whatever the verb.
func TestDevicePrintsItsName(t *testing.T) {
	d := device(t, 1)
	want := "device " + hex.EncodeToString(d.Identity())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.Equal(t, want, fmt.Sprintf(verb, d))
		require.Equal(t, want, fmt.Sprintf(verb, *d))
	}
}
