package hce_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
)

// constant is randomness that repeats, so that the same command in the same
// state has the same answer.
type constant byte

func (c constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

// builtIn is a built-in card but for what edit changes, with certificates of the
// test CA, and keys for the next 20 payments if it is a phone with single-use keys.
func builtIn(t testing.TB, name string, edit func(*hce.Profile)) *hce.Card {
	t.Helper()
	p := load(t, name)
	if edit != nil {
		edit(&p)
	}
	authenticate(t, &p)
	e := env(hce.CardKey(p.CardKey)...)
	e.Rand = constant(0xC5)
	if p.SingleUse {
		e.Keys = singleUse(t, &p, 1, 20)
	}
	c, err := hce.New(p, e)
	require.NoError(t, err)
	return c
}

func authenticate(t testing.TB, p *hce.Profile) {
	t.Helper()
	if !p.Signs() {
		return
	}
	static, err := p.StaticData()
	require.NoError(t, err)
	c, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: p.Account.PAN, Expiry: p.Account.Expiry, Static: static})
	require.NoError(t, err)
	p.Authentication = &hce.Authentication{Signer: c.Key, Data: c.Data}
}

// mastercardKey and unionpayKey are card keys under the published master keys.
func mastercardKey(t testing.TB, pan emv.PAN, psn string) *cryptogram.Key {
	return derived(t, "9E15204313F7318ACB79B90BD986AD29", pan, psn)
}

func unionpayKey(t testing.TB, pan emv.PAN, psn string) *cryptogram.Key {
	return derived(t, "F0C34A8124CEE0A91A0B034AA97D6EAC", pan, psn)
}

func derived(t testing.TB, master string, pan emv.PAN, psn string) *cryptogram.Key {
	t.Helper()
	imk, err := cryptogram.NewKey(cryptogram.TDES, unhex(master))
	require.NoError(t, err)
	k, err := cryptogram.DeriveCardKey(imk, cryptogram.OptionA, string(pan), psn)
	require.NoError(t, err)
	return k
}

// singleUse are the keys for count payments from counter first on.
func singleUse(t testing.TB, p *hce.Profile, first uint16, count int) []hce.Key {
	t.Helper()
	card := mastercardKey(t, p.Account.PAN, p.Account.PSN)
	if p.Scheme == emv.SchemeUnionPay {
		card = unionpayKey(t, p.Account.PAN, p.Account.PSN)
	}
	var keys []hce.Key
	for i := range count {
		atc := first + uint16(i)
		k, err := cryptogram.SingleUseKey(card, p.Scheme, atc)
		require.NoError(t, err)
		keys = append(keys, hce.Key{Key: k, ATC: atc, Uses: 1, NotAfter: now.AddDate(0, 0, 5)})
	}
	return keys
}

const (
	selectMC    = "00A4040007A000000004101000"
	gpoPlastic  = "80A8000002830000"
	gpoPhone    = "80A800000D 830B 0000000000000000 0276 22 00"
	recordOfMag = "00B2010C00"
)

// terminalData are the values that a terminal sends in CDOL1.
type terminalData struct {
	amount, country, currency, kind, un, terminalType, cvm string
}

func purchase() terminalData {
	return terminalData{"000000001250", "0276", "0978", "00", "1A2B3C4D", "22", "3F0000"}
}

// cdol are the values for CDOL1 of the built-in cards.
func (d terminalData) cdol(phone bool) []byte {
	s := d.amount + "000000000000" + d.country + "0000000000" + d.currency + "300101" + d.kind + d.un + d.terminalType +
		"0000" + "0000000000000000" + d.cvm + "120000" + "0000000000000000000000000000000000000000"
	if phone {
		s += "0000000000000000" + "5411"
	}
	return unhex(s)
}

func genAC(p1 byte, values []byte) string {
	c := apdu.Command{CLA: 0x80, INS: 0xAE, P1: p1, Data: values, Ne: 256}
	raw, err := c.Append(nil)
	if err != nil {
		panic(err)
	}
	return upper(raw)
}

func upper(b []byte) string { return string(bytes.ToUpper([]byte(hexOf(b)))) }

// begin selects the application and asks for processing options.
func begin(t testing.TB, c apdu.Responder, phone bool) {
	t.Helper()
	sw, _ := send(t, c, selectMC)
	require.Equal(t, apdu.StatusOK, sw)
	command := gpoPlastic
	if phone {
		command = gpoPhone
	}
	sw, _ = send(t, c, command)
	require.Equal(t, apdu.StatusOK, sw)
}

func find(t testing.TB, data []byte, tag emv.Tag) []byte {
	t.Helper()
	v, ok := emv.Find(data, emv.TagResponseFormat2, tag)
	require.True(t, ok, "%s in %X", tag, data)
	return v
}

// TestPublishedMChip plays the contactless M/Chip test card of
// testdata/transcripts/recorded/110 with the published master key: application
// data, cryptogram and the hash over the whole answer come out as recorded. The
// card's own private key is not public: the signature itself, which holds the
// recorded cryptogram, was recovered with the published CA key (oda-006 in
// testdata/vectors/oda.json).
func TestPublishedMChip(t *testing.T) {
	p := load(t, "mastercard-plastic-offline")
	p.Account.PAN, p.Account.PSN, p.Account.Expiry = "5413330089600044", "01", "1412"
	var err error
	p.Account.Track2, err = emv.ParseTrack2(unhex("5413330089600044D141220101234091725A"[:34] + "0F"))
	require.NoError(t, err)
	p.CardKey = mastercardKey(t, p.Account.PAN, p.Account.PSN)
	p.IAD = unhex("0110 000009000400 0000 00000000000000FF")
	p.MChip.AIP = emv.AIP{0x59, 0x80}
	p.MChip.Relay = nil
	p.MChip.Counters.LowerCount, p.MChip.Counters.UpperCount = 0x20, 0x30
	p.MChip.Actions = hce.ActionCodes{}
	p.Data.Set(emv.TagCDOL1, unhex("9F02069F03069F090295055F2A029A039C019F37049F35019F45029F4C089F3403"))
	authenticate(t, &p)
	e := env(hce.CardKey(p.CardKey)...)
	e.Rand = bytes.NewReader(unhex("36DF6D9E2104092E"))
	c, err := hce.New(p, e)
	require.NoError(t, err)
	s := c.State()
	s.ATC, s.Offline.Count = 0x34, 0x28
	require.NoError(t, c.Restore(s))

	sw, _ := send(t, c, selectMC)
	require.Equal(t, apdu.StatusOK, sw)
	sw, options := send(t, c, gpoPlastic)
	require.Equal(t, apdu.StatusOK, sw)
	require.Equal(t, unhex("5980"), find(t, options, emv.TagAIP))
	sw, answer := send(t, c, "80AE50002B00000001000100000000000000020000000000003612031500000EEC8522000000000000000000005E030000")
	require.Equal(t, apdu.StatusOK, sw)

	content, ok := emv.Find(answer, emv.TagResponseFormat2)
	require.True(t, ok)
	outside, err := oda.WithoutSignature(content)
	require.NoError(t, err)
	require.Equal(t, unhex("9F2701409F360200359F10120110904009248400000000000000000029FF"), outside)
	signed, err := oda.RecoverCDA(publicKey(t, &p), find(t, answer, emv.TagSDAD))
	require.NoError(t, err)
	require.Equal(t, unhex("36DF6D9E2104092E"), signed.DynamicNumber)
	require.Equal(t, unhex("D58B731AF5885C06"), signed.Cryptogram[:])
	require.Equal(t, unhex("7BE29D015DD4C9454026810F0879E219B8A7DCD0"), signed.TransactionHash[:])
	require.NoError(t, signed.Verify(unhex("000EEC85")))
}

// publicKey is that of the card, from its certificates.
func publicKey(t testing.TB, p *hce.Profile) *oda.Key {
	t.Helper()
	k, ok := p.Authentication.Signer.(*oda.PrivateKey)
	require.True(t, ok)
	return k.Public()
}
