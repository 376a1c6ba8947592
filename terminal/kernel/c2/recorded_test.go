package c2_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
	"tapsim/transcript"
)

const recorded = "../../../testdata/transcripts/recorded"

// recording is a published session.
func recording(t testing.TB, name string) *transcript.Transcript {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(recorded, name))
	require.NoError(t, err)
	tr, err := transcript.Parse(name, text)
	require.NoError(t, err)
	return tr
}

// chipCDA is a published session with a test card that approves offline: the
// kernel with the terminal's own values sends the recorded commands, byte for
// byte, and the card's signature over them verifies with the certification
// authority's published key (A000000004, EF). The terminal was of the time
// before relay resistance.
func chipCDA(t testing.TB, transceiver apdu.Transceiver, fci []byte) (kernel.Outcome, error) {
	t.Helper()
	list, err := emv.ParseList(coded(t, kerneltest.With(config,
		object{"9F1A", "0056"}, object{"DF811B", "00"}, object{"DF8118", "20"}, object{"DF8119", "20"}, object{"DF8123", "000000010001"})))
	require.NoError(t, err)
	f, ok := kernel.ParseFCI(fci)
	require.True(t, ok)
	aud, ok := emv.CurrencyByNumeric(36)
	require.True(t, ok)
	k := &c2.Kernel{Keys: testca.CAKeys(), WithoutRelayResistance: true}
	return k.Run(context.Background(), &kernel.Activation{
		Card: transceiver, AID: unhex(t, "A0000000041010"), FCI: f, Start: kernel.StartB, Now: func() time.Time { return noon },
		Transaction: kernel.Transaction{
			Amount: 10001, Currency: aud, Time: time.Date(2012, 3, 15, 12, 0, 0, 0, time.UTC), UnpredictableNumber: [4]byte{0x00, 0x0E, 0xEC, 0x85},
		},
		Config: &kernel.Config{Data: list}, Rand: &counting{},
	})
}

const mchip = "110-mastercard-mchip-cda-testcard.txt"

func TestRecordedCDA(t *testing.T) {
	tr := recording(t, mchip)
	card := transcript.NewLenientCard(tr)
	o, err := chipCDA(t, unrecorded(card), fciOf(t, tr))
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, o.Kind, o.Reason.Text)
	require.Equal(t, kernel.ODAVerified, o.ODA, o.ODANote)
	require.Equal(t, kernel.CVMSignature, o.CVM)
	require.Equal(t, kernel.MessageApprovedSign, o.UI.Message)
	require.Equal(t, emv.TC, o.Type)
	require.Empty(t, card.Report().Differences, "the kernel sends the recorded commands")
	require.Equal(t, []int{1}, card.Report().Unused, "all but the selection")
	cryptogram, ok := o.DataRecord.Lookup(emv.TagCryptogram)
	require.True(t, ok)
	require.Equal(t, unhex(t, "D58B731AF5885C06"), cryptogram, "out of the signature")
}

// unrecorded is the card with the record that the publisher left out, record 2
// of file 3: an object that no kernel knows.
func unrecorded(card apdu.Transceiver) apdu.Transceiver {
	return apdu.TransceiverFunc(func(ctx context.Context, command []byte) ([]byte, error) {
		if bytes.Equal(command, []byte{0x00, 0xB2, 0x02, 0x1C, 0x00}) {
			return []byte{0x70, 0x04, 0xDF, 0x4F, 0x01, 0x00, 0x90, 0x00}, nil
		}
		return card.Transceive(ctx, command)
	})
}

// fciOf is the answer to the first SELECT of a recording.
func fciOf(t testing.TB, tr *transcript.Transcript) []byte {
	t.Helper()
	x := tr.Exchanges()[0].Response
	return x[:len(x)-2]
}

// A changed byte in any record, certificate, signature or answer of the
// recorded session is no approval, but for the tag of an object that is empty:
// 92, the rest of an issuer's key that needs none.
func TestRecordedCDAChanged(t *testing.T) {
	tr := recording(t, mchip)
	exchanges := tr.Exchanges()
	for n := 1; n < len(exchanges); n++ {
		for at := range len(exchanges[n].Response) - 2 {
			card := transcript.NewLenientCard(tr)
			sent := 0
			o, err := chipCDA(t, unrecorded(apdu.TransceiverFunc(func(ctx context.Context, command []byte) ([]byte, error) {
				answer, err := card.Transceive(ctx, command)
				if sent++; sent == n {
					answer[at] ^= 0x01
				}
				return answer, err
			})), fciOf(t, tr))
			require.NoError(t, err)
			if exchanges[n].Response[at] == byte(emv.TagIssuerRemainder) && exchanges[n].Response[at+1] == 0 {
				require.Equal(t, kernel.Approved, o.Kind)
				continue
			}
			require.NotEqual(t, kernel.Approved, o.Kind, "exchange %d, byte %d", n, at)
		}
	}
}

// Two recordings of Australian cards stop before GENERATE AC: up to there the
// kernel reads what they have, and asks with the data of CDOL1. In 107 the
// publisher has masked the account number.
func TestRecordedWithoutCryptogram(t *testing.T) {
	tr := recording(t, "105-mastercard-au-exp2403.txt")
	card := transcript.NewLenientCard(tr)
	fci := tr.Exchanges()[1].Response
	o, err := chipCDA(t, card, fci[:len(fci)-2])
	require.NoError(t, err)
	require.Equal(t, "EMV Book C-2, S9.17", o.Reason.Rule)
	require.Equal(t, []string{"command 6: GENERATE AC ARQC is not recorded: answered 6D00 instruction not supported or invalid"}, card.Report().Differences)

	tr = recording(t, "107-mastercard-debit-eftpos-au-cobadged-short.txt")
	card = transcript.NewLenientCard(tr)
	fci = tr.Exchanges()[1].Response
	o, err = chipCDA(t, card, fci[:len(fci)-2])
	require.NoError(t, err)
	require.Equal(t, "EMV Book C-2, S456.16", o.Reason.Rule)
	require.Empty(t, card.Report().Differences)

	tr = recording(t, "112-mastercard-devnied-1.txt")
	card = transcript.NewLenientCard(tr)
	fci = tr.Exchanges()[7].Response
	o, err = chipCDA(t, card, fci[:len(fci)-2])
	require.NoError(t, err)
	require.Equal(t, "EMV Book C-2, S4.24", o.Reason.Rule, "its record starts with 77")
}
