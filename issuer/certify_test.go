package issuer

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
)

// TestCertify: certificates for a token over what its phone will show, and a
// private key that only the device can unwrap and that belongs to them.
func TestCertify(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	_, err := b.Certify(ctx, testToken, []byte("static"), deviceKey(t))
	require.ErrorContains(t, err, "certifies no cards")

	b.ca = func(scheme emv.Scheme, pan emv.PAN, expiry string, static []byte) (*oda.PrivateKey, emv.List, error) {
		c, err := testca.Issue(testca.Request{Scheme: scheme, PAN: pan, Expiry: expiry, Static: static})
		return c.Key, c.Data, err
	}
	c, err := b.Certify(ctx, testToken, []byte("static"), deviceKey(t))
	require.NoError(t, err)
	primes, err := deviceKey(t).Unwrap(c.Wrapped)
	require.NoError(t, err)
	exponent, _ := c.Data.Lookup(emv.TagICCExponent)
	key, err := oda.NewPrivateKey(primes[:len(primes)/2], primes[len(primes)/2:], exponent)
	require.NoError(t, err)
	rid, err := testca.RID(emv.SchemeVisa)
	require.NoError(t, err)
	card := oda.Card{RID: rid, PAN: string(testToken), Data: c.Data, Static: []byte("static"), Today: emv.DateOf(testTime)}
	issuer, err := card.IssuerKey(testca.CAKeys())
	require.NoError(t, err)
	icc, err := card.ICCKey(issuer)
	require.NoError(t, err)
	require.Equal(t, key.Public().Modulus(), icc.Modulus())

	for _, r := range []struct {
		name   string
		token  emv.PAN
		static []byte
		want   string
	}{
		{"a card", testCard, nil, "no token range"},
		{"a token that is not there", emv.WithCheckDigit("476173900299999"), nil, "there is no token"},
		{"too much", testToken, make([]byte, maxCertified+1), "at most 16384"},
	} {
		_, err := b.Certify(ctx, r.token, r.static, deviceKey(t))
		require.ErrorContains(t, err, r.want, r.name)
		require.Equal(t, r.static != nil, errors.As(err, new(*Refusal)), "a phone can ask for too much, and is refused: %s", r.name)
	}
	_, err = b.Certify(ctx, testToken, nil, nil)
	require.ErrorContains(t, err, "device key")
	_, err = b.Certify(ctx, testToken, nil, tdes("0123456789ABCDEFFEDCBA9876543210"))
	require.ErrorContains(t, err, "AES")
	broken := errors.New("broken")
	sound := b.ca
	b.ca = func(emv.Scheme, emv.PAN, string, []byte) (*oda.PrivateKey, emv.List, error) { return nil, nil, broken }
	_, err = b.Certify(ctx, testToken, nil, deviceKey(t))
	require.ErrorIs(t, err, broken)
	b.ca = sound
	require.NoError(t, b.SetStatus(ctx, testToken, StatusSuspended))
	_, err = b.Certify(ctx, testToken, nil, deviceKey(t))
	require.ErrorContains(t, err, "is suspended")
}
