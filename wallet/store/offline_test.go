package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/wallet/store"
)

// signing is a built-in card with certificates of the test CA.
func signing(t testing.TB, name string) hce.Profile {
	t.Helper()
	p := load(t, name)
	static, err := p.StaticData()
	require.NoError(t, err)
	c, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: p.Account.PAN, Expiry: p.Account.Expiry, Static: static})
	require.NoError(t, err)
	p.Authentication = &hce.Authentication{Signer: c.Key, Data: c.Data}
	return p
}

// exchange sends a command that must succeed.
func exchange(t testing.TB, c *store.Card, command string) []byte {
	t.Helper()
	r, err := apdu.ParseResponse(c.Respond(unhex(command)))
	require.NoError(t, err)
	require.Equal(t, apdu.StatusOK, r.Status, command)
	return r.Data
}

const (
	gpoOffline  = "80A8000023 8321 28004000 000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 00"
	gpoOnline   = "80A8000023 8321 36804000 000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 00"
	gpoCash     = "80A8000024 8322 28000080 000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D 01 00"
	selectDebit = "00A4040008A00000033301010100"
	lastRecord  = "00B2041400"
)

// TestOfflineCountersSurvive: what was approved offline counts on after a
// restart, and so do the online request that the issuer may still answer, and
// what its answer did.
func TestOfflineCountersSurvive(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := signing(t, "visa-plastic-offline")
		c, err := s.Card(p)
		require.NoError(t, err)
		next := func(balance string) {
			c, err = reopen().Card(p)
			require.NoError(t, err)
			exchange(t, c, selectVisa)
			require.Equal(t, unhex("9F5D06"+balance), exchange(t, c, "80CA9F5D00"))
		}
		exchange(t, c, selectVisa)
		exchange(t, c, gpoOffline)
		next("000000008750")
		answer := exchange(t, c, gpoOnline)
		next("000000008750")
		ac, _ := emv.Find(answer, emv.TagResponseFormat2, emv.TagCryptogram)
		iad, _ := emv.Find(answer, emv.TagResponseFormat2, emv.TagIAD)
		recipe, err := cryptogram.RecipeFor(p.Scheme, iad)
		require.NoError(t, err)
		session, err := recipe.SessionKey(p.CardKey, &cryptogram.Elements{ATC: 2})
		require.NoError(t, err)
		data, err := recipe.IssuerAuthentication(p.CardKey, session, cryptogram.Cryptogram(ac), cryptogram.IssuerAnswer{CSU: [4]byte{0, 0x82}})
		require.NoError(t, err)
		exchange(t, c, "0082000008"+hex.EncodeToString(data))
		next("000000010000")
		rules, _ := recipe.Script.Rules()
		key, err := rules.SessionKey(p.QVSDC.Update.ScriptKey, 2, cryptogram.Cryptogram(ac), 0)
		require.NoError(t, err)
		mac, err := rules.MAC(key, [5]byte{0x84, 0x1E, 0, 0, 8}, 2, cryptogram.Cryptogram(ac), nil)
		require.NoError(t, err)
		exchange(t, c, "841E000008"+hex.EncodeToString(mac))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		r, err := apdu.ParseResponse(c.Respond(unhex(selectVisa)))
		require.NoError(t, err)
		require.Equal(t, apdu.StatusInvalidated, r.Status, "a blocked application stays blocked")
		require.Equal(t, apdu.StatusSecurity.Append(nil), c.Respond(unhex("841E000008"+hex.EncodeToString(mac))), "the same command again")
		h := c.History()
		require.Len(t, h, 2, "an issuer's answer is no tap")
		require.Equal(t, "TC", h[0].Answer)
		require.Equal(t, "ARQC", h[1].Answer)
	})
}

// TestPurseSurvives: a program that ends before the last record is read has not
// paid; from there on it has.
func TestPurseSurvives(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := signing(t, "unionpay-plastic-ecash")
		c, err := s.Card(p)
		require.NoError(t, err)
		for n, balance := range []string{"000000010000", "000000008750"} {
			exchange(t, c, selectDebit)
			exchange(t, c, gpoCash)
			if n == 1 {
				exchange(t, c, lastRecord)
			}
			c, err = reopen().Card(p)
			require.NoError(t, err)
			exchange(t, c, selectDebit)
			require.Equal(t, unhex("9F7906"+balance), exchange(t, c, "80CA9F7900"))
		}
		h := c.History()
		require.Len(t, h, 2)
		require.Equal(t, hce.ReasonUnread.String(), h[0].Reason)
		require.Equal(t, "TC", h[1].Answer)
		require.Empty(t, h[1].Reason)
	})
}

// TestDiskFails: where the purse's payment cannot be kept, the terminal does not
// get the record that proves it.
func TestDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "phone")
	require.NoError(t, os.Mkdir(dir, 0o700))
	c, err := open(t, dir).Card(signing(t, "unionpay-plastic-ecash"))
	require.NoError(t, err)
	exchange(t, c, selectDebit)
	exchange(t, c, gpoCash)
	require.NoError(t, os.RemoveAll(dir))
	require.Equal(t, apdu.StatusMemoryFailure.Append(nil), c.Respond(unhex(lastRecord)))
	require.Error(t, c.Err())
}

// TestAccountsSurvive: each account of a card has a counter of its own, and a
// file of another card is refused.
func TestAccountsSurvive(t *testing.T) {
	dir := t.TempDir()
	p := load(t, "co-badged-extended")
	for n := range 3 {
		c, err := open(t, dir).Card(p)
		require.NoError(t, err)
		require.Equal(t, uint16(n+1), atcOf(t, tap(t, c)), "credit")
		for range 2 {
			exchange(t, c, "00A4040008A00000000310100200")
			exchange(t, c, getOptions)
		}
		debit := exchange(t, c, "80CA9F3600")
		require.Equal(t, byte(2*n+2), debit[4])
	}
	p.Others = nil
	_, err := open(t, dir).Card(p)
	require.ErrorContains(t, err, "a card with 2 accounts, this one has 1")
}

// TestBlockedFromTheStart: a card that comes blocked is, until its issuer says
// otherwise.
func TestBlockedFromTheStart(t *testing.T) {
	places(t, func(t *testing.T, s *store.Store, reopen func() *store.Store) {
		p := load(t, "visa-plastic-blocked")
		c, err := s.Card(p)
		require.NoError(t, err)
		require.Equal(t, "blocked", c.Info().Lock)
		require.NoError(t, c.SetLock(hce.LockNone))
		c, err = reopen().Card(p)
		require.NoError(t, err)
		require.Equal(t, uint16(1), atcOf(t, tap(t, c)))
	})
}

// TestEarlierFile: a file from before counters had a place of their own.
func TestEarlierFile(t *testing.T) {
	dir := t.TempDir()
	body := `{"card":"mastercard-plastic-offline","atc":7,"mchip":{"offline_count":2,"offline_amount":2500}}` + "\n"
	text := fmt.Sprintf("tapsim card, format 1, sha256 %x\n%s", sha256.Sum256([]byte(body)), body)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mastercard-plastic-offline.card"), []byte(text), 0o600))
	p := signing(t, "mastercard-plastic-offline")
	for range 2 { // as it was, and as it is written now
		c, err := open(t, dir).Card(p)
		require.NoError(t, err)
		exchange(t, c, selectMC)
		require.Equal(t, unhex("9F5006000000007500"), exchange(t, c, "80CA9F5000"))
		exchange(t, c, "80A8000002830000")
	}
}
