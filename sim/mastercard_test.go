package sim

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// mastercardWorld is a world in memory with a built-in Mastercard.
func mastercardWorld(t *testing.T, card string) *World {
	t.Helper()
	seed := uint64(1)
	w, err := Open(context.Background(), Options{Seed: &seed, Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: Memory, Card: card, Terminal: "attended"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

// mastercardTap sends what a terminal sends for an online payment of 12.50, and
// returns the data for field 55.
func mastercardTap(t *testing.T, w *World, p1 byte) []byte {
	t.Helper()
	send := func(command []byte) []byte {
		r, err := apdu.ParseResponse(w.card.Respond(command))
		require.NoError(t, err)
		require.Equal(t, apdu.StatusOK, r.Status, "%X", command)
		return r.Data
	}
	options := "80A8000002830000"
	values := "000000001250 000000000000 0276 0000008001 0978 300101 00 1A2B3C4D 22 0000 0000000000000000 3F0000 120000 " + strings.Repeat("00", 20)
	if w.Profile.SingleUse {
		options = "80A800000D830B000000000000000002762200"
		values += "0000000000000000 5411"
	}
	send(unhex(t, "00A4040007A000000004101000"))
	send(unhex(t, options))
	command, err := apdu.Command{CLA: 0x80, INS: 0xAE, P1: p1, Data: unhex(t, values), Ne: 256}.Append(nil)
	require.NoError(t, err)
	answer := send(command)
	field := unhex(t, "9F0206000000001250 9F0306000000000000 9F1A020276 95050000008001 5F2A020978 9A03300101 9C0100 9F37041A2B3C4D 5F340100")
	field = emv.AppendTLV(field, emv.TagAIP, w.Profile.MChip.AIP[:])
	for _, tag := range []emv.Tag{emv.TagCID, emv.TagATC, emv.TagCryptogram, emv.TagIAD} {
		if v, ok := emv.Find(answer, emv.TagResponseFormat2, tag); ok {
			field = emv.AppendTLV(field, tag, v)
		}
	}
	return field
}

// authorise sends the request that a terminal makes of it.
func authorise(t *testing.T, w *World, stan int, field []byte) (*iso8583.Message, string) {
	t.Helper()
	amount := int64(1250)
	var report issuer.Report
	p := w.card.Profile()
	answer, err := w.host.bank.Handle(context.Background(), &iso8583.Message{
		MTI: "0100", PAN: string(p.Account.PAN), ProcessingCode: "000000", Amount: &amount, TransmissionTime: "0101120000", STAN: fmt.Sprintf("%06d", stan),
		LocalTime: "120000", LocalDate: "0101", Expiry: p.Account.Expiry, EntryMode: "071", PANSequence: "000", ConditionCode: "00", AcquirerID: "00000000001",
		TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", Currency: "978", ICCData: field,
	}, &report)
	require.NoError(t, err)
	text := ""
	for _, s := range report.Steps {
		text += s.Name + ": " + s.Text + "\n"
	}
	return answer.Message, text
}

// TestMastercardAtTheBank: the bank accepts the cryptograms of a card with a key
// of its own and of a phone with a key per payment, each once, and answers with
// issuer authentication data.
func TestMastercardAtTheBank(t *testing.T) {
	for card, recipe := range map[string]string{"mastercard-plastic": "Mastercard CVN 10", "mastercard-plastic-nocda": "Mastercard CVN 10", "mastercard-phone": "Mastercard CVN 14"} {
		t.Run(card, func(t *testing.T) {
			w := mastercardWorld(t, card)
			for n := 1; n <= 3; n++ {
				field := mastercardTap(t, w, 0x80)
				answer, report := authorise(t, w, 10*n, field)
				require.Equal(t, "00", answer.ResponseCode, report)
				require.Contains(t, report, recipe)
				require.NotEmpty(t, answer.ICCData)
				if card == "mastercard-phone" {
					require.Contains(t, report, fmt.Sprintf("key of counter %d, cryptogram 1 of 1", n))
				}
				answer, report = authorise(t, w, 10*n+1, field)
				require.Equal(t, "63", answer.ResponseCode, "a replay: %s", report)
			}
			field := mastercardTap(t, w, 0x80)
			at := slices.Index(field, 0x12) // the amount
			field[at] ^= 1
			answer, report := authorise(t, w, 99, field)
			require.NotEqual(t, "00", answer.ResponseCode, report)
		})
	}
}

// TestMastercardPhoneRefills: the phone gets keys behind those that it has, and
// goes on paying with them.
func TestMastercardPhoneRefills(t *testing.T) {
	w := mastercardWorld(t, "mastercard-phone")
	first := w.card.Remaining()
	require.Equal(t, 30, first, "three keys of ten payments each")
	for n := 1; n <= first+5; n++ {
		require.NoError(t, w.refill(context.Background()))
		answer, report := authorise(t, w, n, mastercardTap(t, w, 0x80))
		require.Equal(t, "00", answer.ResponseCode, report)
	}
	require.Equal(t, uint16(first+5), w.card.Info().ATC)
	require.Equal(t, uint16(60), w.card.Held())
}

// TestExpiredKeys: a key that came and went is refused by phone and bank.
func TestExpiredKeys(t *testing.T) {
	w := mastercardWorld(t, "mastercard-phone")
	field := mastercardTap(t, w, 0x80)
	require.NoError(t, w.Clock.Sleep(context.Background(), 121*time.Hour))
	answer, report := authorise(t, w, 1, field)
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report, "key of counter 1 ended on")
	require.Zero(t, w.card.Remaining())
}
