package c7_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c7"
	"tapsim/terminal/kernel/internal/kerneltest"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// object is a data object in hex.
type object = kerneltest.Object

// coded is an answer: objects in one template, and 9000.
func coded(t testing.TB, template emv.Tag, objects []object) []byte {
	t.Helper()
	list := make(emv.List, len(objects))
	for i, o := range objects {
		tag, err := emv.ParseTag(o.Tag())
		require.NoError(t, err)
		list[i] = emv.TLV{Tag: tag, Value: unhex(t, o.Value())}
	}
	return kerneltest.Template(template, list)
}

const (
	account = "6250940001000018"
	track2  = account + "D49122200000000000000F"
	aid     = "A000000333010101"
	// pdol is that of real cards (testdata/transcripts/recorded/301 and 303).
	pdol = "9F66049F02069F03069F1A0295055F2A029A039C019F3704"
	// offered is the reader of these tests, at a till with everything, above its
	// floor limit or below it as the test says.
	offered = "36004080"
)

// arqc is the online answer of a recorded card, with another account: no 9F27,
// no 94, issuer application data with a balance.
var arqc = []object{
	{"82", "7C00"}, {"9F36", "0001"}, {"57", track2}, {"9F10", "07010103A00000010A010000000000A1B2C3D4"}, {"9F26", "EF6FAD74CA66433C"},
	{"5F34", "01"}, {"9F6C", "0000"}, {"9F5D", "000000001000"}, {"5F20", "2020202020202020"},
}

// tc is what the same card answers when it approves: the type is in the CVR.
var tc = kerneltest.With(arqc, object{"9F10", "07010103900000010A010000000000A1B2C3D4"}, object{"94", "08010401"})

// related is 9F69 of version 01 with CTQ 0000.
const related = "01 A1A2A3A4 0000 00"

// genuine is an offline approval of a card certified by the test CA: the GPO
// answer and four records, of which the first is signed and the last has what
// makes the approval good. An empty 9F69 leaves it out; version 00 and none sign
// the unpredictable number alone.
func genuine(t testing.TB, cardAuth string, change ...object) [][]byte {
	return certified(t, testca.DefectNone, cardAuth, change...)
}

func certified(t testing.TB, defect testca.Defect, cardAuth string, change ...object) [][]byte {
	t.Helper()
	first := coded(t, emv.TagRecord, []object{{"5A", account}, {"5F24", "491231"}, {"5F28", "0156"}, {"9F07", "FF00"}, {"9F4A", "82"}})
	content, _ := emv.Find(first[:len(first)-2], emv.TagRecord)
	c, err := testca.Issue(testca.Request{Scheme: emv.SchemeUnionPay, PAN: account, Expiry: "4912", Static: append(content[:len(content):len(content)], 0x7C, 0x00), Defect: defect})
	require.NoError(t, err)
	covered := unhex(t, cardAuth)
	if len(covered) > 0 && covered[0] != 1 {
		covered = nil
	}
	sdad, err := oda.SignFDDA(c.Key, []byte{0, 1}, unhex(t, "1A2B3C4D"), unhex(t, "000000001250"), unhex(t, "0978"), covered)
	require.NoError(t, err)
	of := func(tags ...emv.Tag) []object {
		var out []object
		for _, tag := range tags {
			if v, ok := c.Data.Lookup(tag); ok {
				out = append(out, object{tag.String(), hex.EncodeToString(v)})
			}
		}
		return out
	}
	last := []object{{"9F74", "454343303031"}}
	if cardAuth != "" {
		last = append(last, object{"9F69", cardAuth})
	}
	gpo := kerneltest.With(kerneltest.With(tc, object{"9F4B", hex.EncodeToString(sdad)}), change...)
	return [][]byte{
		coded(t, emv.TagResponseFormat2, gpo), first,
		coded(t, emv.TagRecord, of(emv.TagCAIndex, emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent)),
		coded(t, emv.TagRecord, of(emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent)),
		coded(t, emv.TagRecord, last),
	}
}

// answers are an answer to GPO without records.
func answers(t testing.TB, gpo []object) [][]byte {
	return [][]byte{coded(t, emv.TagResponseFormat2, gpo)}
}

// situation is a tap at a reader; nil in the place of an answer is a card that
// has left.
type situation struct {
	answers [][]byte
	ttq     string // default offered
	change  func(*kernel.Activation)
}

// tap runs a kernel, and returns the outcome and the commands sent.
func (s situation) tap(t testing.TB, k *c7.Kernel) (kernel.Outcome, [][]byte) {
	t.Helper()
	var sent [][]byte
	card := apdu.TransceiverFunc(func(_ context.Context, command []byte) ([]byte, error) {
		sent = append(sent, append([]byte(nil), command...))
		require.LessOrEqual(t, len(sent), len(s.answers), "unexpected command %X", command)
		if answer := s.answers[len(sent)-1]; answer != nil {
			return answer, nil
		}
		return nil, apdu.ErrLost
	})
	a := activation(t, card, s.ttq)
	if s.change != nil {
		s.change(a)
	}
	o, err := k.Run(context.Background(), a)
	require.NoError(t, err)
	require.NoError(t, kerneltest.Check(o))
	return o, sent
}

// activation is a purchase of 12.50 EUR at a till in Germany.
func activation(t testing.TB, card apdu.Transceiver, qualifiers string) *kernel.Activation {
	t.Helper()
	if qualifiers == "" {
		qualifiers = offered
	}
	f, ok := kernel.ParseFCI(unhex(t, "6F3684 08"+aid+"A52A500A50424F432044454249548701019F3818"+pdol))
	require.True(t, ok)
	eur, _ := emv.CurrencyByAlpha("EUR")
	ttq := emv.TTQ(unhex(t, qualifiers))
	return &kernel.Activation{
		Card: card, AID: unhex(t, aid), FCI: f, Start: kernel.StartB, TTQ: ttq,
		Transaction: kernel.Transaction{
			Amount: 1250, Currency: eur, Time: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), UnpredictableNumber: [4]byte{0x1A, 0x2B, 0x3C, 0x4D}, SequenceCounter: 7,
		},
		Config: &kernel.Config{Settings: kernel.Settings{TTQ: &ttq}, Data: emv.List{
			{Tag: emv.TagTerminalCountry, Value: []byte{0x02, 0x76}}, {Tag: emv.TagTerminalType, Value: []byte{0x22}},
			{Tag: emv.TagTerminalCapabilities, Value: []byte{0xE0, 0xF8, 0xC8}},
		}},
	}
}

// loaded is a kernel with the test CA's keys.
func loaded() *c7.Kernel { return &c7.Kernel{Keys: testca.CAKeys()} }

// purse makes a reader offer electronic cash up to 20.00 EUR to a card that asks
// for 9F7A.
func purse(a *kernel.Activation) {
	a.FCI.PDOL = append(a.FCI.PDOL[:len(a.FCI.PDOL):len(a.FCI.PDOL)], 0x9F, 0x7A, 0x01)
	a.Config.Data = append(a.Config.Data, emv.TLV{Tag: emv.TagECashIndicator, Value: []byte{1}}, emv.TLV{Tag: emv.TagECashTerminalLimit, Value: []byte{0, 0, 0, 0, 0x20, 0x00}})
	a.Config.Settings.Kernel7.ECashCurrency = 978
}

// The command of a published reader (testdata/transcripts/recorded/303): the
// PDOL of a real card, its terminal's values.
func TestGetProcessingOptionsAsRecorded(t *testing.T) {
	_, sent := situation{answers: answers(t, arqc), ttq: "26800080", change: func(a *kernel.Activation) {
		a.Transaction.Amount, a.Transaction.Currency.Numeric, a.Transaction.Time = 15000, 458, time.Date(2025, 5, 4, 0, 0, 0, 0, time.UTC)
		a.Transaction.UnpredictableNumber = [4]byte{0x97, 0x47, 0xA2, 0x2D}
		a.Config.Data[0].Value = []byte{0x04, 0x58}
	}}.tap(t, loaded())
	require.Equal(t, unhex(t, "80A8000023832126800080000000015000000000000000045800000000000458250504009747A22D00"), sent[0])
}
