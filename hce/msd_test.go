package hce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
)

// TestVisaMagStripe: to a reader that offers nothing better an early card answers in
// mag-stripe mode. Its record then has a track 2 with the tap's own value and
// counter, which are those of the issuer's master key.
func TestVisaMagStripe(t *testing.T) {
	const readTrack = "00B2010C00"
	p := load(t, "visa-plastic-msd")
	card, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
	require.NoError(t, err)
	master, err := cryptogram.NewKey(cryptogram.TDES, unhex("2315208C9110AD402315208C9110AD40"))
	require.NoError(t, err)
	key, err := cryptogram.DeriveCardKey(master, cryptogram.OptionA, string(p.Account.PAN), "01")
	require.NoError(t, err)
	for _, atc := range []uint16{1, 2} {
		send(t, card, selectVisa)
		sw, _ := send(t, card, readTrack)
		require.Equal(t, "6985", sw.String(), "there is no track before there is a transaction")
		sw, data := send(t, card, gpo("82000000", "0978", "00"))
		require.Equal(t, "9000", sw.String())
		require.Equal(t, unhex("8006 0080 08010100"), data)
		sw, data = send(t, card, readTrack)
		require.Equal(t, "9000", sw.String())
		value, ok := emv.Find(data, emv.TagRecord, emv.TagTrack2)
		require.True(t, ok)
		track, err := emv.ParseTrack2(value)
		require.NoError(t, err)
		dcvv, counter, ok := track.Dynamic()
		require.True(t, ok)
		require.Equal(t, atc, counter)
		want, err := cryptogram.DCVV(key, "4761739001010143", "4912", "201", atc, cryptogram.ATCDecimal)
		require.NoError(t, err)
		require.Equal(t, want, dcvv)
		track.Discretionary = p.Account.Track2.Discretionary
		require.Equal(t, p.Account.Track2, track, "and nothing else changes")
		last, _ := card.Last()
		require.Equal(t, emv.ARQC, last.Cryptogram)
	}

	for _, ttq := range []string{"A2000000", "22000000"} { // EMV mode is better
		send(t, card, selectVisa)
		sw, data := send(t, card, gpo(ttq, "0978", "00"))
		require.Equal(t, "9000", sw.String())
		_, ok := emv.Find(data, emv.TagResponseFormat2, emv.TagCryptogram)
		require.True(t, ok)
		sw, _ = send(t, card, readTrack)
		require.Equal(t, "6985", sw.String())
	}
	atc := card.ATC()
	send(t, card, selectVisa)
	sw, _ := send(t, card, gpo("02000000", "0978", "00"))
	require.Equal(t, "6985", sw.String())
	require.Equal(t, atc, card.ATC())

	plastic := newPlastic(t, nil)
	send(t, plastic, selectVisa)
	sw, _ = send(t, plastic, gpo("82000000", "0978", "00"))
	require.Equal(t, "6985", sw.String(), "a card without this mode")
}
