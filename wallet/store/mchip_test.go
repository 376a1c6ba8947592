package store_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
	"tapsim/wallet/store"
)

// mastercardToken is another token than that of the built-in profile.
var mastercardToken = emv.WithCheckDigit("541333900299999")

// mastercardKeys is a token with certificates and the keys of count payments
// from counter first on.
func mastercardKeys(t testing.TB, first uint16, count int) provisioning.KeySet {
	t.Helper()
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex("6B4A6B1CFBB6EC68F78516D691C24ABA"))
	require.NoError(t, err)
	set := provisioning.KeySet{Kind: provisioning.SingleUseKeys, Token: provisioning.Token{
		PAN: mastercardToken, PSN: "00", Expiry: "3106", LastFour: "0019", Requestor: "50110030001",
		PAR: "TSIM0000000000000000000000008", ServiceCode: "201",
	}}
	for atc := first; atc < first+uint16(count); atc++ {
		k, err := cryptogram.SingleUseKey(card, emv.SchemeMastercard, atc)
		require.NoError(t, err)
		wrapped, err := deviceKey(t, 0xD0).WrapKey(k)
		require.NoError(t, err)
		set.Keys = append(set.Keys, provisioning.LimitedUseKey{
			ATC: atc, Wrapped: wrapped, CheckValue: k.CheckValue(), Uses: 1, NotAfter: now.AddDate(0, 0, 5),
		})
	}
	p := wallet.WithToken(load(t, "mastercard-phone"), set.Token)
	static, err := p.StaticData()
	require.NoError(t, err)
	c, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: mastercardToken, Expiry: set.Token.Expiry, Static: static})
	require.NoError(t, err)
	set.Credentials = &provisioning.Credentials{Data: c.Data, Wrapped: wrapPrimes(t, mastercardToken)}
	return set
}

func wrapPrimes(t testing.TB, pan emv.PAN) []byte {
	t.Helper()
	key, err := testca.ICC(testca.KeyNumber(pan))
	require.NoError(t, err)
	p, q := key.Primes()
	wrapped, err := deviceKey(t, 0xD0).Wrap(slices.Concat(p, q))
	require.NoError(t, err)
	return wrapped
}

const (
	selectMC = "00A4040007A000000004101000"
	cdolHead = "000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 22 0000 0000000000000000 3F0000 120000 0000000000000000000000000000000000000000"
)

// mastercardTap selects, asks for processing options and for a cryptogram.
func mastercardTap(t testing.TB, c *store.Card, p1 string) apdu.Response {
	t.Helper()
	options, length, rest := "80A8000002830000", "42", ""
	if _, token := c.Token(); token {
		options, length, rest = "80A800000D830B000000000000000002762200", "4C", "00000000000000005411"
	}
	c.Respond(unhex(selectMC))
	r, err := apdu.ParseResponse(c.Respond(unhex(options)))
	require.NoError(t, err)
	if !r.Status.OK() {
		return r
	}
	r, err = apdu.ParseResponse(c.Respond(unhex("80AE" + p1 + "00" + length + cdolHead + rest + "00")))
	require.NoError(t, err)
	return r
}

func TestMastercardPhoneLife(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "mastercard-phone")
		c, err := s.Enrol(p, mastercardKeys(t, 1, 3))
		require.NoError(t, err)
		require.Equal(t, uint16(3), c.Held())
		for n := uint16(1); n <= 3; n++ {
			r := mastercardTap(t, c, "90")
			require.Equal(t, n, atcOf(t, r))
			_, signed := emv.Find(r.Data, emv.TagResponseFormat2, emv.TagSDAD)
			require.True(t, signed)
			c, err = reopen().Card(p)
			require.NoError(t, err)
			require.Equal(t, int(3-n), c.Remaining())
		}
		require.Equal(t, apdu.StatusConditions, mastercardTap(t, c, "90").Status)
		h := c.History()
		require.Len(t, h, 3, "one entry for each tap")
		require.Equal(t, store.Entry{Time: now, ATC: 1, Amount: 1250, Currency: "978", Country: "276", Type: "00", Answer: "ARQC", CVM: "none"}, h[0])

		more := mastercardKeys(t, 4, 2)
		more.Credentials = nil
		require.NoError(t, c.AddKeys(more))
		require.Equal(t, uint16(5), c.Held())
		c.Respond(unhex(selectMC))
		c.Respond(unhex("80A800000D830B000000000000000002762200"))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, "none", c.History()[3].Answer, "the terminal asked for no cryptogram")
		require.Equal(t, uint16(5), atcOf(t, mastercardTap(t, c, "80")), "the torn tap burned its counter and its key")

		visa := keySet(t, 1, 1, 1)
		require.ErrorContains(t, c.AddKeys(visa), "the keys are for token")
		visa.Token = more.Token
		require.ErrorContains(t, c.AddKeys(visa), "works with single-use keys, these are limited-use")
		_, err = s.Enrol(load(t, "visa-phone"), more)
		require.ErrorContains(t, err, "works with limited-use keys, these are single-use")
	})
}

func TestEnrolWithoutCertificates(t *testing.T) {
	s := open(t, store.Memory)
	set := mastercardKeys(t, 1, 1)
	sound := *set.Credentials
	set.Credentials = nil
	_, err := s.Enrol(load(t, "mastercard-phone"), set)
	require.ErrorIs(t, err, hce.ErrNotAuthenticated)
	wrong := sound
	wrong.Wrapped = append([]byte(nil), sound.Wrapped...)
	wrong.Wrapped[9] ^= 1
	set.Credentials = &wrong
	_, err = s.Enrol(load(t, "mastercard-phone"), set)
	require.ErrorIs(t, err, cryptogram.ErrUnwrap)
	set.Credentials = &sound
	_, err = s.Enrol(load(t, "mastercard-phone"), set)
	require.NoError(t, err)
}

// TestMChipMemorySurvives: what was approved offline counts on, and a lost
// answer can be had again, after a restart.
func TestMChipMemorySurvives(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "mastercard-plastic-offline")
		static, err := p.StaticData()
		require.NoError(t, err)
		issued, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: p.Account.PAN, Expiry: p.Account.Expiry, Static: static})
		require.NoError(t, err)
		p.Authentication = &hce.Authentication{Signer: issued.Key, Data: issued.Data}
		c, err := s.Card(p)
		require.NoError(t, err)
		lost := mastercardTap(t, c, "50")
		require.Equal(t, apdu.StatusOK, lost.Status)

		c, err = reopen().Card(p)
		require.NoError(t, err)
		c.Respond(unhex(selectMC))
		balance, err := apdu.ParseResponse(c.Respond(unhex("80CA9F5000")))
		require.NoError(t, err)
		require.Equal(t, unhex("9F5006000000008750"), balance.Data)
		c.Respond(unhex("80A8000002830000"))
		again, err := apdu.ParseResponse(c.Respond(unhex("80D00000041A2B3C4D00")))
		require.NoError(t, err)
		require.Equal(t, lost, again)
		require.Equal(t, "TC", c.History()[0].Answer)
		require.Equal(t, "none", c.History()[1].Answer)
		require.Equal(t, hce.ReasonRecovered.String(), c.History()[1].Reason)
	})
}

// TestMastercardNothingInTheClear: neither keys nor certificates, which hold the
// account number for all who know the public keys.
func TestMastercardNothingInTheClear(t *testing.T) {
	dir := t.TempDir()
	set := mastercardKeys(t, 1, 2)
	c, err := open(t, dir).Enrol(load(t, "mastercard-phone"), set)
	require.NoError(t, err)
	require.NoError(t, c.Verified(now.Add(time.Minute)))
	mastercardTap(t, c, "90")
	data, err := os.ReadFile(filepath.Join(dir, "mastercard-phone.card"))
	require.NoError(t, err)
	text := strings.ToUpper(string(data))
	key, err := testca.ICC(testca.KeyNumber(mastercardToken))
	require.NoError(t, err)
	p, q := key.Primes()
	secrets := [][]byte{p, q, []byte(mastercardToken)}
	for _, o := range set.Credentials.Data {
		if len(o.Value) > 8 {
			secrets = append(secrets, o.Value)
		}
	}
	for _, secret := range secrets {
		require.NotContains(t, text, strings.ToUpper(hex.EncodeToString(secret[:8])))
		require.NotContains(t, string(data), string(secret[:8]))
	}
	require.NotContains(t, text, string(mastercardToken))
	require.Contains(t, text, mastercardToken.Masked())
}
