package issuer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

var (
	mastercardCard  = emv.WithCheckDigit("541333900100001")
	mastercardToken = emv.WithCheckDigit("541334900200001")
)

// mastercardBank is a bank with a Mastercard token.
func mastercardBank(t *testing.T, unissued bool) *bank {
	t.Helper()
	b := newBank(t, func(c *Config) {
		c.Ranges = append(c.Ranges, Range{Prefix: "541334", Length: 16, Scheme: emv.SchemeMastercard, Kind: Token, KeySets: []string{"mastercard-test"}})
		c.LimitedUse.AcceptUnissued = unissued
	})
	_, err := b.Install(context.Background(), Setup{
		Cards:  []NewCard{{PAN: mastercardCard, PSN: "00", Expiry: "4912", ServiceCode: "201", Account: "A"}},
		Tokens: []NewToken{{PAN: mastercardToken, PSN: "00", Expiry: "4912", ServiceCode: "201", Requestor: "50110030001", Card: mastercardCard}},
	})
	require.NoError(t, err)
	return b
}

// mastercardMessage is a payment of 1.00. For CVN 14 hex the key is the single-use
// key of a counter, for others the card key.
func mastercardMessage(t *testing.T, key *cryptogram.Key, cvn byte, atc uint16, stan int) *iso8583.Message {
	t.Helper()
	p := tap{mastercardToken, "00", key, []byte{1, cvn, 0xA5, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF}, atc, 1_00, 0x80, 0x1A2B3C4D}
	e := p.elements()
	r, err := cryptogram.RecipeFor(emv.SchemeMastercard, e.IAD)
	require.NoError(t, err)
	if cvn == 0x14 {
		r, _ = r.SingleUse()
	}
	ac, err := r.Generate(key, &e)
	require.NoError(t, err)
	p.iad = unhex("06011203A00000") // message makes a cryptogram of its own, which is replaced
	m := p.message(t, "0100", stan)
	m.ICCData = iccOf(&e, ac, p.cid)
	return m
}

// TestSingleUseKeys: one key for each of the next counters, the same for who
// asks again, each good for one payment until its time is over.
func TestSingleUseKeys(t *testing.T) {
	ctx := context.Background()
	b := mastercardBank(t, false)
	ask := func(held uint16) provisioning.KeySet {
		set, err := b.Replenish(ctx, provisioning.Request{Token: mastercardToken, Held: held}, deviceKey(t))
		require.NoError(t, err)
		require.Equal(t, provisioning.SingleUseKeys, set.Kind)
		return set
	}
	set := ask(0)
	require.Len(t, set.Keys, 6, "two keys of three payments each")
	for i, k := range set.Keys {
		require.Equal(t, uint16(i+1), k.ATC)
		require.Equal(t, 1, k.Uses)
		require.Zero(t, k.Index)
		require.Equal(t, testTime.Add(24*time.Hour), k.NotAfter)
	}
	require.Equal(t, set.Keys[0].CheckValue, ask(0).Keys[0].CheckValue)
	require.Equal(t, uint16(7), ask(6).Keys[0].ATC)

	key := func(n int) *cryptogram.Key {
		k, err := deviceKey(t).UnwrapKey(cryptogram.TDES, set.Keys[n].Wrapped)
		require.NoError(t, err)
		require.Equal(t, set.Keys[n].CheckValue, k.CheckValue())
		return k
	}
	answer, report := b.handle(mastercardMessage(t, key(0), 0x14, 1, 1))
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	require.Contains(t, report.find("limited-use key").Text, "key of counter 1, cryptogram 1 of 1")
	answer, _ = b.handle(mastercardMessage(t, key(0), 0x14, 2, 2))
	require.Equal(t, "82", answer.ResponseCode, "the key of another counter")
	ask(0)
	answer, report = b.handle(mastercardMessage(t, key(0), 0x14, 1, 3))
	require.Equal(t, "63", answer.ResponseCode, "%+v", report.Steps)
	b.now = b.now.Add(24*time.Hour + time.Second)
	answer, report = b.handle(mastercardMessage(t, key(4), 0x14, 5, 4))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("limited-use key").Text, "key of counter 5 ended on")

	// Near its end the counter gets what is left.
	require.Len(t, ask(0xFFFC).Keys, 2)
	_, err := b.Replenish(ctx, provisioning.Request{Token: mastercardToken, Held: 0xFFFE}, deviceKey(t))
	require.ErrorContains(t, err, "needs a new token")
}

// TestUnissuedSingleUseKeys: a key that this bank did not hand out, and a token
// in a secure element, whose card key makes another recipe.
func TestUnissuedSingleUseKeys(t *testing.T) {
	card, err := cryptogram.DeriveCardKey(tdes("9E15204313F7318ACB79B90BD986AD29"), cryptogram.OptionA, string(mastercardToken), "00")
	require.NoError(t, err)
	key, err := cryptogram.SingleUseKey(card, emv.SchemeMastercard, 9)
	require.NoError(t, err)
	b := mastercardBank(t, false)
	answer, report := b.handle(mastercardMessage(t, key, 0x14, 9, 1))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("limited-use key").Text, "key of counter 9 was never handed out")
	answer, _ = b.handle(mastercardMessage(t, card, 0x10, 10, 2))
	require.Equal(t, "00", answer.ResponseCode)
	answer, _ = mastercardBank(t, true).handle(mastercardMessage(t, key, 0x14, 9, 1))
	require.Equal(t, "00", answer.ResponseCode)
}

// TestKeysThatEndedUnused: a phone that fetched keys again and again and never paid
// is far ahead of what the bank has seen. The bank knows why.
func TestKeysThatEndedUnused(t *testing.T) {
	b := mastercardBank(t, true)
	pay := func(atc uint16) (string, string) {
		set, err := b.Replenish(bg, provisioning.Request{Token: mastercardToken, Held: atc - 1}, deviceKey(t))
		require.NoError(t, err)
		key, err := deviceKey(t).UnwrapKey(cryptogram.TDES, set.Keys[0].Wrapped)
		require.NoError(t, err)
		answer, report := b.handle(mastercardMessage(t, key, 0x14, atc, int(atc)))
		return answer.ResponseCode, report.firstFailure().Text
	}
	code, why := pay(1)
	require.Equal(t, "00", code, why)
	code, why = pay(61)
	require.Equal(t, "00", code, why)
}
