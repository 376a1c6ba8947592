package terminal_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
	"tapsim/terminal/kernel"
)

// answerOf is a template with objects, tag and value in hex by turns, and 9000.
func answerOf(t testing.TB, template emv.Tag, objects ...string) string {
	t.Helper()
	var content []byte
	for i := 0; i < len(objects); i += 2 {
		tag, err := emv.ParseTag(objects[i])
		require.NoError(t, err)
		content = emv.AppendTLV(content, tag, unhex(t, objects[i+1]))
	}
	return fmt.Sprintf("%X9000", emv.AppendTLV(nil, template, content))
}

const mastercardAID = "A0000000041010"

// mastercard is a Mastercard without CDA: published shapes with a test card's
// number.
func mastercard(t testing.TB, changed map[string]string) *card {
	t.Helper()
	fci := emv.AppendTLV(nil, emv.TagApplicationLabel, []byte("Mastercard"))
	fci = append(fci, unhex(t, "9F1101 01 9F1202 4D43 BF0C0A 9F6E07 02760000303000")...)
	answers := map[string]string{
		"00A404000E": ppse(t, "4F07"+mastercardAID), "00A4040007" + mastercardAID: wrap(fci, mastercardAID),
		"80A8": answerOf(t, emv.TagResponseFormat2, "82", "1880", "94", "10010100"),
		"00B2": answerOf(t, emv.TagRecord, "5A", "5413339001000019", "57", "5413339001000019D49122010000000000000F", "5F24", "491231", "5F34", "00",
			"8C", "9F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F3403", "8E", "0000000000000000 1F00", "9F07", "FF00"),
		"80AE": answerOf(t, emv.TagResponseFormat2, "9F27", "80", "9F36", "0042", "9F26", "403151C29036D862", "9F10", "0110A000032400000000"),
	}
	for k, v := range changed {
		answers[k] = v
	}
	return newCard(t, answers)
}

// A payment through kernel 2: what the host gets. Field 55 has the TVR as the
// kernel set it, 9F34, 9F53 and 9F6E, and neither account nor dates nor labels.
func TestMastercardRequest(t *testing.T) {
	host := &approving{}
	res, err := shop(t, host, nil).Pay(context.Background(), field(mastercard(t, nil)), terminal.Request{Amount: 1250, STAN: 7})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome, res.Detail)
	require.Equal(t, byte(2), res.Tap.KernelID)
	require.Equal(t, emv.SchemeMastercard, res.Scheme)
	require.Equal(t, unhex(t, "8000008001"), res.TVR)
	require.Nil(t, res.CTQ)
	require.Equal(t, "MC", res.Receipt.Label)
	require.Equal(t, "no cardholder verification", res.Receipt.CVM)
	m := host.got[0]
	require.Equal(t, "071", m.EntryMode)
	require.Equal(t, "000", m.PANSequence)
	require.Equal(t, "5413339001000019=49122010000000000000", m.Track2)
	list, err := emv.ParseList(m.ICCData)
	require.NoError(t, err)
	var tags []string
	for _, o := range list {
		tags = append(tags, o.Tag.String())
	}
	require.Equal(t, []string{"9F02", "9F03", "9F26", "82", "5F34", "9F36", "9F09", "9F27", "9F34", "84", "9F1E", "9F10", "9F33", "9F1A", "9F35", "95", "9F53", "5F2A", "9A", "9C", "9F37", "9F6E", "9F41"}, tags)
	for tag, want := range map[emv.Tag]string{
		emv.TagTVR: "8000008001", emv.TagCVMResults: "1F0002", 0x9F53: "52", emv.TagThirdPartyData: "02760000303000",
		emv.TagTerminalVersion: "0002", emv.TagTerminalCapabilities: "E00808", emv.TagDFName: "A0000000041010",
	} {
		v, _ := list.Lookup(tag)
		require.Equal(t, unhex(t, want), v, tag.String())
	}
}

// Mag-stripe mode: entry mode 91, both tracks with the card's code, no field 55;
// what waits on disk has no track data.
func TestMagStripeRequest(t *testing.T) {
	track1 := hex.EncodeToString([]byte("B5413339001000019^A^4912201" + "0000000"))
	c := mastercard(t, map[string]string{
		"80A8": answerOf(t, emv.TagResponseFormat2, "82", "0000", "94", "08010100"),
		"00B2": answerOf(t, emv.TagRecord, "9F6B", "5413339001000019D49122019000990000000F", "9F65", "000E", "9F66", "0E70", "9F67", "03",
			"56", track1, "9F62", "000000000006", "9F63", "000000000038", "9F64", "00"),
		"802A": answerOf(t, emv.TagResponseFormat2, "9F61", "A2C4", "9F60", "0309", "9F36", "03F9"),
	})
	host := &approving{}
	queue := &watching{Journal: journal.NewMemory()}
	res, err := shop(t, host, func(_ *terminal.Config, e *terminal.Env) { e.Journal = queue }).
		Pay(context.Background(), field(c), terminal.Request{Amount: 1250, UnpredictableNumber: &[4]byte{0, 0, 0x02, 0xA8}})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, res.Outcome, res.Detail)
	m := host.got[0]
	require.Equal(t, "911", m.EntryMode)
	require.Equal(t, "5413339001000019=49122019017996806683", m.Track2)
	require.Equal(t, "B5413339001000019^A^4912201"+"0680773", m.Other[45])
	require.Nil(t, m.ICCData)
	require.NoError(t, iso8583.Validate(m))
	require.NotContains(t, m.String(), "5413339001000019")
	require.Len(t, queue.added, 1)
	require.Empty(t, queue.added[0].Track2)
	require.Empty(t, queue.added[0].Other)
	require.Equal(t, emv.PAN("5413339001000019"), res.PAN)
	require.Nil(t, res.Cryptogram)
}

// watching is a journal that keeps what was added.
type watching struct {
	terminal.Journal
	added []*iso8583.Message
}

func (w *watching) Add(host string, m *iso8583.Message) (uint64, error) {
	w.added = append(w.added, m.Clone())
	return w.Journal.Add(host, m)
}
