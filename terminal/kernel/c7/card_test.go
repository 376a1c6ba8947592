package c7_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c7"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// play runs the genuine offline card with one answer replaced.
func play(t *testing.T, n int, answer []byte, change ...object) kernel.Outcome {
	t.Helper()
	all := genuine(t, related, change...)
	all[n] = answer
	o, _ := situation{answers: all}.tap(t, loaded())
	return o
}

// Every answer cut off anywhere, in another template, doubled, or with an object
// twice ends the application, and a line says why.
func TestMalformedAnswers(t *testing.T) {
	for n, answer := range genuine(t, related) {
		for _, s := range kerneltest.Malformed(answer) {
			o := play(t, n, s.Answer)
			require.Equal(t, ended, kerneltest.Summary(o), "answer %d %s: %s", n, s.Name, o.Reason.Text)
		}
	}
}

// A record with a status word other than 9000 ends the application, whatever
// data come with it. GPO knows three that mean something; the decision table has
// them.
func TestUnexpectedStatusWords(t *testing.T) {
	for n, answer := range genuine(t, related) {
		for _, s := range kerneltest.Refused(answer) {
			o := play(t, n, s.Answer)
			require.Equal(t, ended, kerneltest.Summary(o), "answer %d %s", n, s.Name)
			require.Contains(t, o.Reason.Text, "refused")
		}
	}
}

// Each object by itself left out of an offline approval: what follows.
func TestMissingObjects(t *testing.T) {
	notGenuine := odaFailed
	want := map[string]string{
		"82": ended, "9F36": ended, "57": ended, "9F10": ended, "9F26": ended, // mandatory
		"94": declined, "5F24": notGenuine, // no records, no expiry date: it is signed too
		"9F4B": notGenuine, "8F": notGenuine, "90": notGenuine, "92": notGenuine, "9F32": notGenuine, "9F46": notGenuine, "9F48": notGenuine, "9F47": notGenuine,
		"5A": notGenuine, "5F28": notGenuine, "9F07": notGenuine, "9F4A": notGenuine, // signed
		"9F69": notGenuine, // the signature is then not that of version 00
		"9F5D": "approved ui=03/04 cvm=no-cvm oda=verified record",
		"9F6C": approvedBy, "5F34": approvedBy, "5F20": approvedBy, "9F74": approvedBy,
	}
	seen := map[string]bool{}
	for n, answer := range genuine(t, related) {
		for _, s := range kerneltest.Without(answer) {
			o := play(t, n, s.Answer)
			require.Equal(t, want[s.Name], kerneltest.Summary(o), "without %s: %s / %s", s.Name, o.Reason.Text, o.ODANote)
			seen[s.Name] = true
		}
	}
	for tag := range want {
		require.True(t, seen[tag] || tag == "92" || tag == "9F48", "the card has no %s", tag) // remainders depend on the keys' lengths
	}
}

// What the data record holds is what UnionPay's field 55 wants, in its order,
// and what goes into other fields.
func TestDataRecord(t *testing.T) {
	o, _ := situation{answers: genuine(t, related, object{"9F63", "00010203040506070809101112131415"})}.tap(t, loaded())
	record, err := emv.ParseList(o.DataRecord)
	require.NoError(t, err)
	var tags []string
	for _, r := range record {
		tags = append(tags, r.Tag.String())
	}
	require.Equal(t, []string{
		"9F26", "9F27", "9F10", "9F37", "9F36", "95", "9A", "9C", "9F02", "5F2A", "82", "9F1A", "9F03", "9F33", "9F34", "84", "9F63", "9F74", "5F34", "57", "9F39",
	}, tags)
	for tag, want := range map[emv.Tag]string{
		emv.TagCID: "40", emv.TagTVR: "0000000000", emv.TagCVMResults: "1F0002", emv.TagECashCode: "454343303031", emv.TagIAD: "07010103900000010A010000000000A1B2C3D4",
	} {
		v, ok := record.Lookup(tag)
		require.True(t, ok)
		require.Equal(t, unhex(t, want), v, "%s", tag)
	}
}

// 9F34 for each verification.
func TestCVMResults(t *testing.T) {
	for ctq, want := range map[string]string{"8000": "020300", "4000": "1E0300", "0080": "010002", "0000": "1F0002"} {
		ttq := "36404080"
		if ctq == "0000" {
			ttq = offered
		}
		o, _ := situation{answers: answers(t, kerneltest.With(arqc, object{"9F6C", ctq})), ttq: ttq}.tap(t, loaded())
		v, ok := o.DataRecord.Lookup(emv.TagCVMResults)
		require.True(t, ok)
		require.Equal(t, unhex(t, want), v, ctq)
	}
}

// The card hears whether the reader takes electronic cash, and is asked for an
// online cryptogram where it does not.
func TestOfferOfElectronicCash(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(*kernel.Activation)
		ttq, want string // TTQ sent, 9F7A sent
	}{
		"offered":              {nil, "36004080", "01"},
		"above the limit":      {func(a *kernel.Activation) { a.Transaction.Amount = 2001 }, "36804080", "00"},
		"at the limit":         {func(a *kernel.Activation) { a.Transaction.Amount = 2000 }, "36004080", "01"},
		"without":              {func(a *kernel.Activation) { a.Config.Data.Set(emv.TagECashIndicator, []byte{0}) }, "36004080", "00"},
		"refund":               {func(a *kernel.Activation) { a.Transaction.Type = 0x20 }, "36804080", "00"},
		"the limit is no n 12": {func(a *kernel.Activation) { a.Config.Data.Set(emv.TagECashTerminalLimit, []byte{0, 0, 0, 0, 0x2A, 0}) }, "36804080", "00"},
	} {
		_, sent := situation{answers: answers(t, arqc), change: func(a *kernel.Activation) {
			purse(a)
			if c.change != nil {
				c.change(a)
			}
		}}.tap(t, loaded())
		require.Equal(t, unhex(t, c.ttq), sent[0][7:11], name)
		require.Equal(t, unhex(t, c.want), sent[0][len(sent[0])-2:len(sent[0])-1], name)
	}
}

// FuzzCard runs the kernel with cards whose answers are changed anywhere, a
// second tap included: it never panics, every outcome has its rule, and an
// approval has a verified signature.
func FuzzCard(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 10, kerneltest.Flip, 0xFF})
	f.Add(byte(1), []byte{4, 0, kerneltest.Lost, 0})
	f.Add(byte(1), []byte{4, 0, kerneltest.Lost, 0, 5, 40, kerneltest.Flip, 1})
	f.Add(byte(2), []byte{2, 20, kerneltest.Double, 0, 1, 1, kerneltest.Insert, 7})
	f.Add(byte(3), []byte{3, 128, kerneltest.Cut, 0})
	f.Add(byte(0), []byte{0, 0x86, kerneltest.Status, 0x69})
	cards := [][][]byte{answers(f, arqc), genuine(f, related), genuine(f, ""), answers(f, tc)}
	keys := loaded().Keys
	f.Fuzz(func(t *testing.T, which byte, steps []byte) {
		all := cards[int(which)%len(cards)]
		k, m := &c7.Kernel{Keys: keys}, &kerneltest.Mutating{Steps: steps}
		m.Card = byCommand(all)
		for tap := range 2 {
			a := activation(t, m, "")
			a.Restart = tap > 0
			o, err := k.Run(t.Context(), a)
			if err == nil {
				err = kerneltest.Check(o)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
