package c3_test

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// offlineAnswers are those of a genuine card that approves offline: to GPO, and
// its records.
func offlineAnswers(t testing.TB, change ...object) [][]byte {
	t.Helper()
	gpo, records := genuine(t, change...)
	out := [][]byte{append(template(t, emv.TagResponseFormat2, gpo), 0x90, 0x00)}
	for _, r := range records {
		out = append(out, unhex(t, r))
	}
	return out
}

// spoilt plays them with one replaced.
func spoilt(t testing.TB, n int, answer []byte) kernel.Outcome {
	t.Helper()
	var text []string
	for i, a := range offlineAnswers(t) {
		if i == n {
			a = answer
		}
		text = append(text, hex.EncodeToString(a))
	}
	o, _, err := situation{sw: text[0], answers: text[1:]}.runWith(t, &c3.Kernel{Keys: authority(t)})
	require.NoError(t, err)
	require.NoError(t, kerneltest.Check(o))
	return o
}

// Every answer cut off anywhere, in another template, doubled, with an object
// twice, or with a status word that means nothing here ends the application, and
// a line says why (5.4.2.2).
func TestMalformedAnswers(t *testing.T) {
	for n, answer := range offlineAnswers(t) {
		for _, s := range append(kerneltest.Malformed(answer), kerneltest.Refused(answer)...) {
			o := spoilt(t, n, s.Answer)
			require.Equal(t, ended, kerneltest.Summary(o), "answer %d %s: %s", n, s.Name, o.Reason.Text)
		}
	}
}

// Each object by itself left out of an offline approval: what follows.
func TestMissingObjects(t *testing.T) {
	want := map[string]string{
		"82": ended, "9F36": ended, "57": ended, "9F10": ended, "9F26": ended, // mandatory (5.4.2.1)
		"94": declined, "5F24": declined, // no records, no expiry date
		"9F4B": odaFailed, "8F": odaFailed, "90": odaFailed, "92": odaFailed, "9F32": odaFailed, "9F46": odaFailed, "9F48": odaFailed, "9F47": odaFailed,
		"5A": odaFailed, "9F4A": odaFailed, // signed
		"9F69": odaFailed,                                          // the signature is then not that of version 00
		"9F6C": approvedBy, "5F34": approvedBy, "9F27": approvedBy, // the CVR tells the type
	}
	seen := map[string]bool{}
	for n, answer := range offlineAnswers(t) {
		for _, s := range kerneltest.Without(answer) {
			o := spoilt(t, n, s.Answer)
			require.Equal(t, want[s.Name], kerneltest.Summary(o), "without %s: %s / %s", s.Name, o.Reason.Text, o.ODANote)
			seen[s.Name] = true
		}
	}
	require.Len(t, seen, len(want))
}

// FuzzCard runs the kernel with cards whose answers are changed anywhere.
func FuzzCard(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(0), []byte{0, 10, kerneltest.Flip, 0xFF})
	f.Add(byte(0), []byte{2, 20, kerneltest.Double, 0, 1, 1, kerneltest.Insert, 7})
	f.Add(byte(1), []byte{3, 128, kerneltest.Cut, 0})
	f.Add(byte(1), []byte{3, 0, kerneltest.Lost, 0})
	f.Add(byte(2), []byte{0, 0x86, kerneltest.Status, 0x69})
	online := append(template(f, emv.TagResponseFormat2, arqc), 0x90, 0x00)
	cards := [][][]byte{offlineAnswers(f), offlineAnswers(f, object{"9F27", "80"}), {online}}
	keys := authority(f)
	f.Fuzz(func(t *testing.T, which byte, steps []byte) {
		all, n := cards[int(which)%len(cards)], 0
		card := apdu.TransceiverFunc(func(context.Context, []byte) ([]byte, error) {
			if n++; n > len(all) {
				return []byte{0x6A, 0x83}, nil
			}
			return all[n-1], nil
		})
		s := situation{ttq: "37004000", change: func(a *kernel.Activation) { a.Card = &kerneltest.Mutating{Card: card, Steps: steps} }}
		o, _, err := s.runWith(t, &c3.Kernel{Keys: keys})
		if err == nil {
			err = kerneltest.Check(o)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
