package testca

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

var accounts = map[emv.Scheme]emv.PAN{
	emv.SchemeVisa:       emv.WithCheckDigit("476173900200001"),
	emv.SchemeMastercard: emv.WithCheckDigit("541333900200001"),
	emv.SchemeUnionPay:   emv.WithCheckDigit("625094000200001"),
}

func request(scheme emv.Scheme) Request {
	return Request{Scheme: scheme, PAN: accounts[scheme], Expiry: "4912", Static: []byte("static data"), SDA: true}
}

func card(t *testing.T, r Request, c Credentials) oda.Card {
	rid, err := RID(r.Scheme)
	require.NoError(t, err)
	return oda.Card{RID: rid, PAN: string(r.PAN), Data: c.Data, Static: r.Static, Today: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// TestTerminalsBelieveOurCards walks the chain that a terminal walks.
func TestTerminalsBelieveOurCards(t *testing.T) {
	keys := CAKeys()
	for scheme := range accounts {
		r := request(scheme)
		c, err := Issue(r)
		require.NoError(t, err)
		terminal := card(t, r, c)
		issuer, err := terminal.IssuerKey(keys)
		require.NoError(t, err, scheme)
		_, err = terminal.StaticSignature(issuer)
		require.NoError(t, err, scheme)
		icc, err := terminal.ICCKey(issuer)
		require.NoError(t, err, scheme)
		require.Equal(t, c.Key.Public().Modulus(), icc.Modulus())
		signed, err := oda.SignDDA(c.Key, []byte{0, 1}, []byte{1, 2, 3, 4})
		require.NoError(t, err)
		_, err = oda.VerifyDDA(icc, signed, []byte{1, 2, 3, 4})
		require.NoError(t, err)
		require.LessOrEqual(t, len(c.Key.Public().Modulus()), issuer.Len())
	}
}
