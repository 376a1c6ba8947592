package c2_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// offline asks for a TC with CDA: no action code matches but for a failed one,
// as the book's defaults have it.
var offline = []object{{"DF8123", "000000009999"}, {"DF8122", "840000000C"}, {"DF8120", "840000000C"}}

// willing is a card whose issuer has no objection.
func willing(changes ...object) *card {
	return plastic(append([]object{{"9F0D", "0000000000"}, {"9F0F", "0000000000"}}, changes...)...)
}

// S9, S910: the answer to GENERATE AC.
func TestAnswers(t *testing.T) {
	const declined = kernel.TryAnotherInterface
	aac := object{"9F27", "00"}
	tc := object{"9F27", "40"}
	without := func(c *card) *card { c.sign = nil; return c } // a card that leaves its signature out
	for _, r := range []row{
		{rule: "EMV Book C-2, S9.17", name: "refused", s: situation{card: plastic().withRaw(0xAE, "6985")}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2StatusBytes},
		{rule: "EMV Book C-2, S9.9", name: "lost, nothing to recover it with", s: situation{card: plastic().withRaw(0xAE, "lost")}, kind: kernel.EndApplication, start: kernel.StartB},
		{rule: "EMV Book C-2, S9.20", name: "no template", s: situation{card: plastic().withRaw(0xAE, "9F2701 80 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S9.20", name: "empty template", s: situation{card: plastic().withRaw(0xAE, "7700 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S9.20", name: "a cryptogram of seven bytes", s: situation{card: plastic().withAC(object{"9F26", "00112233445566"})}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S9.20", name: "a known object again", s: situation{card: plastic().withAC(object{"5A", pan})}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S9.20", name: "format 80 of 10 bytes", s: situation{card: plastic().withRaw(0xAE, "800A 80 0042 403151C29036D8 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: "EMV Book C-2, S9.20", name: "format 80, the counter was there", s: situation{card: plastic(object{"9F36", "0041"}).withRaw(0xAE, "800B 80 0042 403151C29036D862 9000")}, kind: kernel.EndApplication, l2: c2.L2ParsingError},
		{rule: decided, name: "format 80 of 11 bytes", s: situation{card: plastic().withRaw(0xAE, "800B 80 0042 403151C29036D862 9000")}, kind: kernel.OnlineRequest},
		{rule: decided, name: "format 80 of 13 bytes", s: situation{card: plastic().withRaw(0xAE, "800D 80 0042 403151C29036D862 0110 9000")}, kind: kernel.OnlineRequest},
		{rule: "EMV Book C-2, S9.22", name: "no type", s: situation{card: plastic().withAC(object{"9F27", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S9.22", name: "no counter", s: situation{card: plastic().withAC(object{"9F36", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S9.24", name: "TC for ARQC", s: situation{card: plastic().withAC(tc)}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S9.24", name: "ARQC for AAC", s: situation{card: plastic(), config: []object{{"DF8121", "8000000000"}, {"DF811F", "00"}}}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S9.24", name: "no type that exists", s: situation{card: plastic().withAC(object{"9F27", "C0"})}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S910.31", name: "no cryptogram", s: situation{card: plastic().withAC(object{"9F26", "-"})}, kind: kernel.EndApplication, l2: c2.L2CardDataMissing},
		{rule: "EMV Book C-2, S910.37", name: "TC without the signature asked for", s: situation{card: without(authentic(t, willing().withAC(tc))), config: offline}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S910.37", name: "ARQC without the signature asked for", s: situation{card: without(authentic(t, plastic()))}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: decided, name: "AAC without the signature asked for", s: situation{card: without(authentic(t, plastic().withAC(aac)))}, kind: declined},
		{rule: "EMV Book C-2, S910.36", name: "AAC without the signature that the card offers for it", s: situation{card: without(authentic(t, plastic().withAC(aac).withFCI(object{"9F5D", "010100"}))), config: []object{{"DF8121", "0000008000"}}}, kind: kernel.EndApplication, l2: c2.L2CardDataError},
		{rule: "EMV Book C-2, S910.7", name: "a signature that was not asked for and cannot be checked", s: situation{card: plastic().withAC(object{"9F4B", "00"})}, kind: kernel.EndApplication, message: kernel.MessageTryAnotherCard, l2: c2.L2CAMFailed},
		{rule: decided, name: "TC", s: situation{card: authentic(t, willing().withAC(tc)), config: offline}, kind: kernel.Approved, message: kernel.MessageApproved},
		{rule: decided, name: "TC with signature", s: situation{card: authentic(t, willing(object{"8E", "0000000000000000 1E00"}).withAC(tc)), config: append(offline, object{"DF8119", "20"})}, kind: kernel.Approved, message: kernel.MessageApprovedSign, cvm: kernel.CVMSignature, receipt: true},
		{rule: decided, name: "ARQC", s: situation{card: plastic()}, kind: kernel.OnlineRequest, message: kernel.MessageAuthorising},
		{rule: decided, name: "AAC, contacts", s: situation{card: plastic().withAC(aac)}, kind: declined, message: kernel.MessageInsertCard},
		{rule: decided, name: "AAC, no contacts here", s: situation{card: plastic().withAC(aac), config: []object{{"DF8117", "C0"}}}, kind: kernel.Declined, message: kernel.MessageNotAuthorised},
		{rule: decided, name: "AAC of a card by 9F6E", s: situation{card: plastic().withAC(aac).withFCI(object{"9F6E", "02800000303000"})}, kind: declined, message: kernel.MessageInsertCard},
		{rule: decided, name: "AAC of a phone", s: situation{card: plastic().withAC(aac).withFCI(object{"9F6E", "08400000313400"})}, kind: kernel.Declined, message: kernel.MessageNotAuthorised},
		{rule: decided, name: "AAC, 9F6E without device type", s: situation{card: plastic().withAC(aac).withFCI(object{"9F6E", "08408000313400"})}, kind: declined, message: kernel.MessageInsertCard},
		{rule: decided, name: "AAC, cash", s: situation{card: plastic().withAC(aac), change: kind(0x01)}, kind: declined},
		{rule: decided, name: "AAC of a refund", s: situation{card: plastic().withAC(aac), change: kind(0x20)}, kind: kernel.EndApplication, message: kernel.MessageClearDisplay},
	} {
		r.run(t)
	}
}

// A refund that the card declines ends with a data record: it is the card that
// the point of sale wanted to read.
func TestRefundHasADataRecord(t *testing.T) {
	o := situation{card: plastic().withAC(object{"9F27", "00"}), change: kind(0x20)}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Equal(t, kernel.StartNone, o.Start)
	v, ok := o.DataRecord.Lookup(emv.TagPAN)
	require.True(t, ok)
	require.Equal(t, unhex(t, pan), v)
	o = situation{card: plastic().withRaw(0xAE, "6985")}.play(t)
	require.Empty(t, o.DataRecord, "an error has none")
	require.Equal(t, c2.ErrorIndication{L2: c2.L2StatusBytes, SW: 0x6985, Message: kernel.MessageTryAnotherCard}, errorsOf(t, o))
}

// S910.7: whatever of the signed bytes changes on the way, the signature does
// not verify, and the report names what failed.
func TestChangedAnswers(t *testing.T) {
	for name, change := range map[string]func(answer []byte){
		"cryptogram type": func(a []byte) { a[6] ^= 0x80 }, // 77 81 len 9F27 01 CID
		"counter":         func(a []byte) { a[11] ^= 0x01 },
		"last byte":       func(a []byte) { a[len(a)-1] ^= 0x01 },
	} {
		c := authentic(t, willing().withAC(object{"9F27", "40"}))
		sign := c.sign
		c.sign = func(t testing.TB, c *card, command []byte) []byte {
			answer := sign(t, c, command)
			change(answer)
			return answer
		}
		o := situation{card: c, config: offline}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
	}
	c := authentic(t, willing().withAC(object{"9F27", "40"}))
	c.records[[2]byte{2, 1}] = kerneltest.With(c.records[[2]byte{2, 1}], object{"9F07", "FFFF"})
	o := situation{card: c, config: offline}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Equal(t, kernel.ODAFailed, o.ODA)
	require.Contains(t, o.ODANote, "ICC certificate: hash")
	require.Equal(t, c2.L2CAMFailed, errorsOf(t, o).L2)
}

// A type that a record gave is not the one that the signature holds.
func TestTypeOutsideTheSignature(t *testing.T) {
	c := authentic(t, willing().withAC(object{"9F27", "80"}))
	c.records[[2]byte{3, 1}] = append(c.records[[2]byte{3, 1}], object{"9F27", "40"})
	sign := c.sign
	c.sign = func(t testing.TB, c *card, command []byte) []byte {
		c.ac = kerneltest.With(c.ac, object{"9F27", "-"})
		answer := sign(t, c, command)
		c.ac = arqc
		return answer
	}
	o := situation{card: c, config: offline}.play(t)
	require.Equal(t, kernel.EndApplication, o.Kind)
	require.Contains(t, o.ODANote, "cryptogram information data")
}

// POSCII: second tap or not, and what the phone message table makes of it.
func TestSecondTap(t *testing.T) {
	mine := object{"DF8131", "000400 000400 20 06   000000 000000 0F 00"}
	for name, c := range map[string]struct {
		poscii  string
		config  []object
		kind    kernel.Kind
		message kernel.MessageID
		status  kernel.Status
	}{
		"verified":                  {"001000", nil, kernel.OnlineRequest, kernel.MessageAuthorising, kernel.StatusNotReady},
		"verification required":     {"000100", nil, kernel.EndApplication, kernel.MessageSeePhone, kernel.StatusNotReady},
		"acknowledgement":           {"000200", nil, kernel.EndApplication, kernel.MessageSeePhone, kernel.StatusNotReady},
		"PIN change alone":          {"000400", nil, kernel.OnlineRequest, kernel.MessageAuthorising, kernel.StatusNotReady},
		"context conflict alone":    {"000800", nil, kernel.OnlineRequest, kernel.MessageAuthorising, kernel.StatusNotReady},
		"wallet":                    {"000001", nil, kernel.EndApplication, kernel.MessageSeePhone, kernel.StatusNotReady},
		"what the table has no row": {"000008", nil, kernel.EndApplication, kernel.MessageNotAuthorised, kernel.StatusNotReady},
		"first row counts":          {"000500", []object{mine}, kernel.EndApplication, kernel.MessageSeePhone, kernel.StatusConditions},
		"last row fits all":         {"000100", []object{mine}, kernel.EndApplication, kernel.MessageProcessingError, kernel.StatusNotReady},
	} {
		o := situation{card: plastic().withAC(object{"DF4B", c.poscii}), config: c.config}.play(t)
		require.Equal(t, c.kind, o.Kind, name)
		require.Equal(t, c.message, o.UI.Message, name)
		require.Equal(t, c.status, o.UI.Status, name)
		require.NotEmpty(t, o.DataRecord, name)
		if c.kind == kernel.EndApplication {
			require.Equal(t, kernel.StartB, o.Start, name)
			require.Equal(t, kernel.StatusReadyToRead, o.UIRestart.Status, name)
		}
	}
	for _, bad := range []string{"", "00", "000001000001200000", "0000010000012000"} {
		o := situation{card: plastic(), config: []object{{"DF8131", bad}}}.play(t)
		require.Equal(t, c2.L2TerminalDataError, errorsOf(t, o).L2, bad)
	}
}

// A card that notices when the field goes off gets it off between two taps
// (DF8130), but not when the next application is selected.
func TestFieldOff(t *testing.T) {
	o := situation{card: plastic().withFCI(object{"9F5D", "010400"})}.play(t)
	require.Equal(t, 1300*time.Millisecond, *o.FieldOff)
	o = situation{card: plastic().withFCI(object{"9F5D", "010400"}), config: []object{{"DF8130", "05"}}}.play(t)
	require.Equal(t, 500*time.Millisecond, *o.FieldOff)
	o = situation{card: plastic().withFCI(object{"9F5D", "010400"}).withRaw(0xA8, "6985")}.play(t)
	require.Nil(t, o.FieldOff)
	o = situation{card: plastic()}.play(t)
	require.Nil(t, o.FieldOff)
}

// 7.1 and 7.3: the offline balance, where the card has it and the terminal
// wants it.
func TestBalance(t *testing.T) {
	balance := func(c *card, answers ...string) *card {
		c.answers = map[byte][]string{0xCA: answers}
		return c.withFCI(object{"9F5D", "010200"})
	}
	want := []object{{"DF8104", ""}, {"DF8105", ""}}
	tc := object{"9F27", "40"}
	c := balance(authentic(t, willing().withAC(tc)), "9F5006 000000012345 9000", "9F5006 000000011095 9000")
	o := situation{card: c, config: append(want, offline...)}.play(t)
	require.Equal(t, kernel.Approved, o.Kind)
	require.Equal(t, &kernel.UIValue{Balance: true, Amount: 11095, Currency: o.UI.Value.Currency}, o.UI.Value)
	require.Equal(t, "EUR", o.UI.Value.Currency.Alpha)
	before, _ := o.Discretionary.Lookup(0xDF8104)
	after, _ := o.Discretionary.Lookup(0xDF8105)
	require.Equal(t, "000000012345 000000011095", hex.EncodeToString(before)+" "+hex.EncodeToString(after))
	require.Equal(t, unhex(t, "80CA9F5000"), c.sent[3], "before GENERATE AC")
	require.Equal(t, unhex(t, "80CA9F5000"), c.sent[5], "after GENERATE AC")

	for name, s := range map[string]situation{
		"refused":              {card: balance(authentic(t, willing().withAC(tc)), "6A88", "6A88"), config: append(want, offline...)},
		"another length":       {card: balance(authentic(t, willing().withAC(tc)), "9F5001 00 9000", "9F5001 00 9000"), config: append(want, offline...)},
		"the card left after":  {card: balance(authentic(t, willing().withAC(tc)), "6A88", "lost"), config: append(want, offline...)},
		"nobody asked":         {card: balance(authentic(t, willing().withAC(tc))), config: offline},
		"the card has no such": {card: authentic(t, willing().withAC(tc)), config: append(want, offline...)},
	} {
		o := s.play(t)
		require.Equal(t, kernel.Approved, o.Kind, name)
		require.Nil(t, o.UI.Value, name)
	}
	o = situation{card: balance(authentic(t, willing().withAC(tc)), "lost"), config: append(want, offline...)}.play(t)
	require.Equal(t, kernel.StartB, o.Start, "before the cryptogram a lost card is presented again")
}
