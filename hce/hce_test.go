package hce_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/hce/profile"
)

// now is the clock of the tests.
var now = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func env(keys ...hce.Key) hce.Env {
	return hce.Env{Now: func() time.Time { return now }, Rand: bytes.NewReader(nil), Keys: keys}
}

func load(t testing.TB, name string) hce.Profile {
	t.Helper()
	p, err := profile.Load(name)
	require.NoError(t, err)
	return p
}

// newPlastic is visa-plastic as built in, but for what edit changes.
func newPlastic(t testing.TB, edit func(*hce.Profile)) *hce.Card {
	t.Helper()
	p := load(t, "visa-plastic")
	if edit != nil {
		edit(&p)
	}
	c, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
	require.NoError(t, err)
	return c
}

// newPhone is visa-phone with two limited-use keys of that many uses, but for
// what edit changes.
func newPhone(t testing.TB, uses int, edit func(*hce.Profile)) *hce.Card {
	t.Helper()
	p := load(t, "visa-phone")
	if edit != nil {
		edit(&p)
	}
	c, err := hce.New(p, env(limitedUse(t, 1, uses, now.AddDate(0, 0, 1)), limitedUse(t, 2, uses, now.AddDate(0, 0, 2))))
	require.NoError(t, err)
	return c
}

// limitedUse is a key from the published limited-use key example
// (testdata/vectors/hce_luk.json): card key, index 0 5702 01 and neighbours.
func limitedUse(t testing.TB, counter, uses int, notAfter time.Time) hce.Key {
	t.Helper()
	card, err := cryptogram.NewKey(cryptogram.TDES, unhex("C8B507136D921FD05864C81F79F2D30B"))
	require.NoError(t, err)
	index := cryptogram.KeyIndex{Year: 0, Hour: 5702, Counter: counter}
	k, err := cryptogram.LimitedUseKey(card, index)
	require.NoError(t, err)
	return hce.Key{Key: k, Index: index, Uses: uses, NotAfter: notAfter}
}

// send gives the status word and the data of the answer to a command in hex.
func send(t testing.TB, c apdu.Responder, command string) (apdu.Status, []byte) {
	t.Helper()
	r, err := apdu.ParseResponse(c.Respond(unhex(command)))
	require.NoError(t, err)
	return r.Status, r.Data
}

const (
	selectPPSE = "00A404000E325041592E5359532E444446303100"
	selectVisa = "00A4040007A000000003101000"
)

// gpo is GET PROCESSING OPTIONS for the PDOL of the built-in cards: amount
// 12.50 in that currency, of that type.
func gpo(ttq, currency, txType string) string {
	return "80A8000023 8321" + ttq + "000000001250 000000000000 0276 0000000000" + currency + "300101" + txType + "1A2B3C4D 00"
}

// Terminal transaction qualifiers: EMV mode, contact, online PIN, signature,
// consumer device; then with a cardholder verification required; and so on.
const (
	ttqPlain      = "36004000"
	ttqCVM        = "36404000"
	ttqCVMOnlyPIN = "24400000"
	ttqCVMDevice  = "20404000"
	ttqNothing    = "20400000"
	ttqContact    = "30400000"
	ttqOffline    = "28004000"
	ttqMagStripe  = "80004000"
)

func TestPublishedCard(t *testing.T) {
	// The published worked case that cryptogram tests too: a device
	// that has verified its owner, cryptogram version 18 with a card key. The
	// whole answer is published, and so is the FCI.
	p := load(t, "visa-plastic")
	imk, err := cryptogram.NewKey(cryptogram.TDES, unhex("0123456789ABCDEFFEDCBA9876543210"))
	require.NoError(t, err)
	p.CardKey, err = cryptogram.DeriveCardKey(imk, cryptogram.OptionA, "4761739001010119", "01")
	require.NoError(t, err)
	p.Account.Expiry = "3112"
	p.Account.Track2, err = emv.ParseTrack2(unhex("4761739001010119D31122010000000000000F"))
	require.NoError(t, err)
	p.Applications[0] = hce.Application{AID: unhex("A0000000031010"), Label: "Visa"}
	p.Directory = []emv.Tag{emv.TagADFName, emv.TagApplicationLabel}
	p.FCI = []emv.Tag{emv.TagApplicationLabel, emv.TagPDOL, emv.TagLanguagePreference, emv.TagFCIDiscretionary}
	p.BF0C = []emv.Tag{emv.TagApplicationProgramID}
	p.Data.Set(emv.TagLanguagePreference, []byte("enfr"))
	p.Data.Set(emv.TagApplicationProgramID, unhex("3108400840"))
	p.Data.Set(emv.TagFormFactor, unhex("238E0000"))
	p.QVSDC.CVM = []hce.CVM{hce.CVMConsumerDevice}
	p.QVSDC.OnlinePIN = hce.Nowhere
	p.QVSDC.Device = &hce.Device{Verifier: 0x51, Required: hce.WhenAsked, Window: hce.SingleUse}
	c, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
	require.NoError(t, err)

	sw, fci := send(t, c, selectVisa)
	require.Equal(t, apdu.StatusOK, sw)
	require.Equal(t, unhex("6F3E8407A0000000031010A5335004566973619F38189F66049F02069F03069F1A0295055F2A029A039C019F37045F2D04656E6672BF0C089F5A053108400840"), fci)
	c.Verified(now.Add(time.Minute))
	got := c.Respond(unhex("80A8000023832126C04000 000000001500 000000000000 0840 0000000000 0840 260115 00 1A2B3C4D 00"))
	require.Equal(t, unhex("77478202000057134761739001010119D31122010000000000000F5F3401019F100706011203A000009F260827552E9226B3CC959F2701809F360200019F6C0200809F6E04238E00009000"), got)
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
