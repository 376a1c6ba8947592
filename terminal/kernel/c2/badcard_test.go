package c2_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/internal/kerneltest"
)

// approving is a card with CDA that approves offline.
func approving(t testing.TB) *card { return authentic(t, willing().withAC(object{"9F27", "40"})) }

// commands are what the kernel asks it.
var commands = []string{"GPO", "data", "certificates", "GENERATE AC"}

// answersOf are the answers of an approving card, in order.
func answersOf(t testing.TB) [][]byte {
	t.Helper()
	var out [][]byte
	o := through(t, func(inner apdu.Transceiver) apdu.Transceiver {
		return apdu.TransceiverFunc(func(ctx context.Context, command []byte) ([]byte, error) {
			answer, err := inner.Transceive(ctx, command)
			out = append(out, bytes.Clone(answer))
			return answer, err
		})
	})
	require.Equal(t, kernel.Approved, o.Kind)
	require.Len(t, out, len(commands))
	return out
}

// through runs the kernel with an approving card behind something.
func through(t testing.TB, wrap func(apdu.Transceiver) apdu.Transceiver) kernel.Outcome {
	t.Helper()
	s := situation{card: approving(t), config: offline}
	a := s.activation(t)
	a.Card = wrap(a.Card)
	o, err := (&c2.Kernel{Keys: testca.CAKeys()}).Run(context.Background(), a)
	require.NoError(t, err)
	require.NoError(t, kerneltest.Check(o))
	return o
}

func spoilt(t testing.TB, n int, answer []byte) kernel.Outcome {
	t.Helper()
	return through(t, func(inner apdu.Transceiver) apdu.Transceiver {
		return &kerneltest.Replaced{Card: inner, N: n, Answer: answer}
	})
}

// An answer that is cut off, in another template, doubled or with an object
// twice is a parsing error and ends the application (EMV Book C-2, S3, S4, S9).
func TestMalformedAnswers(t *testing.T) {
	for n, answer := range answersOf(t) {
		for _, s := range kerneltest.Malformed(answer) {
			o := spoilt(t, n, s.Answer)
			require.Equal(t, kernel.EndApplication, o.Kind, "%s %s", commands[n], s.Name)
			require.Equal(t, c2.L2ParsingError, errorsOf(t, o).L2, "%s %s", commands[n], s.Name)
		}
	}
}

// A status word other than 9000, whatever data come with it, ends the
// application; before the card has begun, another one may do (S3).
func TestUnexpectedStatusWords(t *testing.T) {
	for n, answer := range answersOf(t) {
		want := kernel.EndApplication
		if n == 0 {
			want = kernel.SelectNext
		}
		for _, s := range kerneltest.Refused(answer) {
			o := spoilt(t, n, s.Answer)
			require.Equal(t, want, o.Kind, "%s %s", commands[n], s.Name)
			require.Equal(t, c2.L2StatusBytes, errorsOf(t, o).L2, "%s %s", commands[n], s.Name)
			require.Equal(t, apdu.Status(s.Answer[len(s.Answer)-2])<<8|apdu.Status(s.Answer[len(s.Answer)-1]), errorsOf(t, o).SW)
		}
	}
}

// Each object by itself left out of an offline approval: mandatory ones are
// missed, signed ones are missed by the signature, and without what CDA takes
// the card is asked for an AAC and may not approve.
func TestMissingObjects(t *testing.T) {
	want := map[string]c2.L2Error{
		"82": c2.L2CardDataMissing, "94": c2.L2CardDataMissing, "5A": c2.L2CardDataMissing, "5F24": c2.L2CardDataMissing, "8C": c2.L2CardDataMissing,
		"9F27": c2.L2CardDataMissing, "9F36": c2.L2CardDataMissing, "9F4B": c2.L2CardDataMissing,
		"9F4A": c2.L2CardDataError, "8F": c2.L2CardDataError, "90": c2.L2CardDataError, "9F32": c2.L2CardDataError, "9F46": c2.L2CardDataError, "9F47": c2.L2CardDataError,
	}
	for n, answer := range answersOf(t) {
		for _, s := range kerneltest.Without(answer) {
			l2, special := want[s.Name]
			if !special {
				l2 = c2.L2CAMFailed
			}
			o := spoilt(t, n, s.Answer)
			require.Equal(t, kernel.EndApplication, o.Kind, "without %s", s.Name)
			require.Equal(t, l2, errorsOf(t, o).L2, "without %s: %s", s.Name, o.Reason.Text)
			delete(want, s.Name)
		}
	}
	require.Empty(t, want, "objects that the card does not have")
}

// Certificates that are no good end the application (S910.7), and the note names
// what is wrong.
func TestBadCertificates(t *testing.T) {
	for d, note := range map[testca.Defect]string{
		testca.DefectIssuerExpired: "issuer certificate: expired", testca.DefectCardExpired: "ICC certificate: expired", testca.DefectRevoked: "issuer certificate: revoked",
	} {
		c := approving(t)
		static := coded(t, c.records[[2]byte{2, 1}])
		bad, err := testca.Issue(testca.Request{Scheme: emv.SchemeMastercard, PAN: pan, Expiry: "4912", Static: append(static, unhex(t, c.gpo[0].Value())...), Defect: d})
		require.NoError(t, err)
		var certificates []object
		for _, o := range bad.Data {
			certificates = append(certificates, object{o.Tag.String(), hex.EncodeToString(o.Value)})
		}
		c.records[[2]byte{3, 1}] = certificates
		o := situation{card: c, config: offline}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, d)
		require.Contains(t, o.ODANote, note)
		require.Equal(t, c2.L2CAMFailed, errorsOf(t, o).L2)
	}
}

// A file locator that names more than it may, or backwards.
func TestBadFileLocators(t *testing.T) {
	for name, afl := range map[string]string{
		"five bytes": "0801010008", "file 0": "00010100", "file 31": "F8010100", "record 0": "08000100", "backwards": "08020100", "more signed than there are": "08010102",
		"255 records in 63 files": strings.Repeat("0801FF00", 63),
	} {
		o := situation{card: plastic().withGPO(object{"94", afl})}.play(t)
		require.Equal(t, kernel.EndApplication, o.Kind, name)
		require.NotEmpty(t, o.Reason.Text, name)
	}
}
