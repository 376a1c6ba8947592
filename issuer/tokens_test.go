package issuer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// cloudIAD is issuer application data of a phone: format 4, with the index of
// the limited-use key.
func cloudIAD(index [4]byte) []byte {
	iad := make([]byte, 32)
	copy(iad, []byte{0x1F, 0x43, 0x01, 0, 0xA0, 0, 0, 0})
	copy(iad[13:], index[:])
	return iad
}

func deviceKey(t testing.TB) *cryptogram.Key {
	t.Helper()
	k, err := cryptogram.NewKey(cryptogram.AES, unhex("000102030405060708090A0B0C0D0E0F"))
	require.NoError(t, err)
	return k
}

// phoneTap is a payment with a key of a set, as a phone makes it.
func phoneTap(t testing.TB, set provisioning.KeySet, n int, atc uint16, amount int64) tap {
	t.Helper()
	k := set.Keys[n]
	luk, err := deviceKey(t).UnwrapKey(cryptogram.TDES, k.Wrapped)
	require.NoError(t, err)
	require.Equal(t, k.CheckValue, luk.CheckValue())
	return tap{set.Token.PAN, set.Token.PSN, luk, cloudIAD(k.Index), atc, amount, 0x80, 0x1A2B3C4D}
}

func TestLimitedUseKeys(t *testing.T) {
	b := newBank(t, nil)
	set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	require.Len(t, set.Keys, 2)
	require.Equal(t, [4]byte{0x00, 0x00, 0x13, 0x00}, set.Keys[0].Index, "1 January 2030, 12:00 is hour 13 of year 0")
	require.Equal(t, [4]byte{0x00, 0x00, 0x13, 0x01}, set.Keys[1].Index)
	require.Equal(t, 3, set.Keys[0].Uses)
	require.Equal(t, testTime.Add(24*time.Hour), set.Keys[0].NotAfter)
	require.Equal(t, provisioning.Token{
		PAN: testToken, PSN: "00", Expiry: "4912", LastFour: "0119", Requestor: "40010030001", PAR: set.Token.PAR, ServiceCode: "201",
	}, set.Token)
	require.Len(t, set.Token.PAR, 29)

	// The key is the published derivation from the token's card key, which the
	// phone does not get.
	card, err := cryptogram.DeriveCardKey(tdes("0123456789ABCDEFFEDCBA9876543210"), cryptogram.OptionA, string(testToken), "00")
	require.NoError(t, err)
	luk, err := cryptogram.LimitedUseKey(card, cryptogram.KeyIndex{Year: 0, Hour: 13, Counter: 0})
	require.NoError(t, err)
	require.Equal(t, luk.CheckValue(), set.Keys[0].CheckValue)

	for n := range 3 {
		answer, report := b.handle(phoneTap(t, set, 0, uint16(n+1), 1_00).message(t, "0100", n+1))
		require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
		require.Contains(t, report.find("limited-use key").Text, "key 0001300, cryptogram")
	}
	answer, report := b.handle(phoneTap(t, set, 0, 4, 1_00).message(t, "0100", 4))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("limited-use key").Text, "used up: cryptogram 4 of 3")

	b.now = b.now.Add(24*time.Hour + time.Second)
	m := phoneTap(t, set, 1, 5, 1_00).message(t, "0100", 5)
	answer, report = b.handle(m)
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("limited-use key").Text, "ended on 2030-01-02T12:00:00Z")
	require.Equal(t, int64(3_00), b.account().Held)
}

// TestLastCounterGoesWithTheKeys: a phone that starts anew goes on above it.
func TestLastCounterGoesWithTheKeys(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	set, err := b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	require.Zero(t, set.LastATC)
	b.handle(phoneTap(t, set, 0, 300, 1_00).message(t, "0100", 1))
	b.handle(phoneTap(t, set, 0, 299, 1_00).message(t, "0100", 2))
	set, err = b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	require.Equal(t, uint16(300), set.LastATC)
	require.NoError(t, b.SetCounter(ctx, testToken, 0xFFFF))
	_, err = b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.Equal(t, "counter-used-up", refusalOf(t, err))
}

func TestReplenishGoesOn(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	seen := map[[4]byte]bool{}
	for range 50 {
		set, err := b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
		require.NoError(t, err)
		for _, k := range set.Keys {
			require.False(t, seen[k.Index])
			seen[k.Index] = true
		}
	}
	_, err := b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.ErrorContains(t, err, "try again in the next")
	b.now = b.now.Add(time.Hour)
	set, err := b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	require.Equal(t, [4]byte{0x00, 0x00, 0x14, 0x00}, set.Keys[0].Index)

	require.NoError(t, b.SetStatus(ctx, testToken, StatusSuspended))
	_, err = b.Replenish(ctx, provisioning.Request{Token: testToken}, deviceKey(t))
	require.ErrorContains(t, err, "is suspended and gets no keys")
	_, err = b.Replenish(ctx, provisioning.Request{Token: testCard}, deviceKey(t))
	require.ErrorContains(t, err, "no token range")
	_, err = b.Replenish(ctx, provisioning.Request{Token: emv.WithCheckDigit("476173900299999")}, deviceKey(t))
	require.ErrorContains(t, err, "there is no token")
	_, err = b.Replenish(ctx, provisioning.Request{Token: testToken}, nil)
	require.ErrorContains(t, err, "device key")
}

// TestReplenishGoesOnAboveThePhonesKeys: a token service that forgot what it
// handed out, or another one, does not hand out an index a second time.
func TestReplenishGoesOnAboveThePhonesKeys(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ last, first [4]byte }{
		{[4]byte{}, [4]byte{0x00, 0x00, 0x13, 0x00}},
		{[4]byte{0x00, 0x00, 0x13, 0x00}, [4]byte{0x00, 0x00, 0x13, 0x01}},
		{[4]byte{0x00, 0x00, 0x13, 0x97}, [4]byte{0x00, 0x00, 0x13, 0x98}},
		{[4]byte{0x00, 0x00, 0x12, 0x97}, [4]byte{0x00, 0x00, 0x13, 0x00}},
		{[4]byte{0x09, 0x87, 0x60, 0x05}, [4]byte{0x00, 0x00, 0x13, 0x00}},
	} {
		set, err := newBank(t, nil).Replenish(ctx, provisioning.Request{Token: testToken, LastKey: c.last}, deviceKey(t))
		require.NoError(t, err)
		require.Equal(t, c.first, set.Keys[0].Index, "%X", c.last)
	}
	for last, want := range map[[4]byte]string{{0x00, 0x00, 0x13, 0x98}: "try again in the next", {0x00, 0x00, 0x13, 0xAA}: "the phone's last key"} {
		_, err := newBank(t, nil).Replenish(ctx, provisioning.Request{Token: testToken, LastKey: last}, deviceKey(t))
		require.ErrorContains(t, err, want)
	}
}

// TestUnissuedKeys: keys of another token service with the same master key are
// taken when the configuration says so, by the age that their index shows.
func TestUnissuedKeys(t *testing.T) {
	card, err := cryptogram.DeriveCardKey(tdes("0123456789ABCDEFFEDCBA9876543210"), cryptogram.OptionA, string(testToken), "00")
	require.NoError(t, err)
	for _, c := range []struct {
		accept bool
		index  cryptogram.KeyIndex
		code   string
		text   string
	}{
		{false, cryptogram.KeyIndex{Year: 0, Hour: 13}, "63", "never handed out"},
		{true, cryptogram.KeyIndex{Year: 0, Hour: 13}, "00", "good until 2030-01-02T12:00:00Z"},
		{true, cryptogram.KeyIndex{Year: 9, Hour: 8760}, "00", "good until 2030-01-01T23:00:00Z"},
		{true, cryptogram.KeyIndex{Year: 9, Hour: 8000}, "63", "ended on 2029-12-01T07:00:00Z"},
		{true, cryptogram.KeyIndex{Year: 0, Hour: 37}, "00", "good until 2030-01-03T12:00:00Z"},
		{true, cryptogram.KeyIndex{Year: 0, Hour: 38}, "63", "never handed out"},
		{true, cryptogram.KeyIndex{Year: 5, Hour: 1}, "63", "never handed out"},
		{true, cryptogram.KeyIndex{Year: 4, Hour: 1}, "63", "never handed out"},
	} {
		b := newBank(t, func(config *Config) { config.LimitedUse.AcceptUnissued = c.accept })
		luk, err := cryptogram.LimitedUseKey(card, c.index)
		require.NoError(t, err)
		p := tap{testToken, "00", luk, cloudIAD(c.index.BCD()), 1, 1_00, 0x80, 1}
		answer, report := b.handle(p.message(t, "0100", 1))
		require.Equal(t, c.code, answer.ResponseCode, "%+v %+v", c.index, report.Steps)
		require.Contains(t, report.find("limited-use key").Text, c.text)
	}
}

// TestCardKeyInPlaceOfLimitedUseKey: a phone that had the card key would be
// told apart.
func TestCardKeyInPlaceOfLimitedUseKey(t *testing.T) {
	b := newBank(t, nil)
	set, err := b.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	p := phoneTap(t, set, 0, 1, 1_00)
	p.key, err = cryptogram.DeriveCardKey(tdes("0123456789ABCDEFFEDCBA9876543210"), cryptogram.OptionA, string(testToken), "00")
	require.NoError(t, err)
	answer, report := b.handle(p.message(t, "0100", 1))
	require.Equal(t, "82", answer.ResponseCode)
	require.Contains(t, report.find(stepCryptogram).Text, "card key used instead of the limited-use key")
}

func TestEnrol(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	n := NewToken{PSN: "00", Expiry: "4911", ServiceCode: "201", Requestor: "40010030001", Card: testCard}
	set, err := b.Enrol(ctx, n, deviceKey(t))
	require.NoError(t, err)
	require.True(t, set.Token.PAN.Valid())
	require.Equal(t, "4761739002", string(set.Token.PAN[:10]))
	p := phoneTap(t, set, 0, 1, 1_00).message(t, "0200", 1)
	p.Expiry, p.Track2 = "4911", ""
	answer, report := b.handle(p)
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	require.Equal(t, int64(499_00), b.account().Balance, "the token pays from the card's account")

	// The card behind a token counts.
	require.NoError(t, b.SetStatus(ctx, testCard, StatusStolen))
	p = phoneTap(t, set, 0, 2, 1_00).message(t, "0200", 2)
	p.Expiry, p.Track2 = "4911", ""
	answer, report = b.handle(p)
	require.Equal(t, "62", answer.ResponseCode)
	require.Contains(t, report.find("status").Text, "the card behind the token is stolen")

	for _, c := range []struct {
		change func(*NewToken)
		want   string
	}{
		{func(n *NewToken) { n.PAN = testToken }, "exists"},
		{func(n *NewToken) { n.PAN = testCard }, "no token range"},
		{func(n *NewToken) { n.PAN = "4761739002000011" }, "check digit"},
		{func(n *NewToken) { n.Card = emv.WithCheckDigit("476173900199999") }, "there is no card"},
		{func(n *NewToken) { n.Card = testToken; n.PAN = emv.WithCheckDigit("476173900277777") }, "there is no card"},
		{func(n *NewToken) { n.Card = emv.WithCheckDigit("401288888888188") }, "in no range"},
		{func(n *NewToken) { n.PSN = "0" }, "2 digits"},
		{func(n *NewToken) { n.Expiry = "4913" }, "YYMM"},
		{func(n *NewToken) { n.ServiceCode = "20" }, "3 digits"},
		{func(n *NewToken) { n.Requestor = "1" }, "11 digits"},
	} {
		wrong := n
		c.change(&wrong)
		_, err := b.Enrol(ctx, wrong, deviceKey(t))
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "47617390")
	}
}

func TestAccounts(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	for _, c := range []struct {
		account NewAccount
		want    string
	}{
		{NewAccount{}, "a name"}, {NewAccount{ID: "A"}, "exists"}, {NewAccount{ID: "bank:own"}, "the bank's own"},
		{NewAccount{ID: "B", Balance: -1}, "balance"}, {NewAccount{ID: "B", Currency: 1000}, "ISO 4217"},
	} {
		require.ErrorContains(t, b.OpenAccount(ctx, c.account), c.want)
	}
	require.NoError(t, b.OpenAccount(ctx, NewAccount{ID: "YEN", Currency: 392, Balance: 1000}))
	b.audit()
	require.ErrorContains(t, b.IssueCard(ctx, NewCard{PAN: testCard, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A"}), "exists")
	free := emv.WithCheckDigit("476173900155555")
	require.ErrorContains(t, b.IssueCard(ctx, NewCard{PAN: free, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "Z"}), "no account Z")
	require.ErrorContains(t, b.SetStatus(ctx, free, StatusActive), "there is no card or token")
	require.ErrorContains(t, b.SetStatus(ctx, testCard, 9), "unknown status")
	require.NoError(t, b.SetStatus(ctx, testCard, StatusDeactivated))
	require.ErrorContains(t, b.SetStatus(ctx, testCard, StatusActive), "for good")
}
