package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/transcript"
)

const transcripts = "../../testdata/transcripts"

func parsed(t *testing.T, name string) *transcript.Transcript {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(transcripts, name))
	require.NoError(t, err)
	tr, err := transcript.Parse(name, text)
	require.NoError(t, err)
	return tr
}

// states are the objects of an authentication with what became of each.
func states(a authentication) map[string]string {
	found := map[string]string{}
	note := func(object string, verified bool, problem string) {
		state := "failed"
		switch {
		case verified:
			state = "verified"
		case strings.HasPrefix(problem, unchecked):
			state = "not checked"
		}
		found[object] = state
	}
	for _, c := range a.Certificates {
		note(c.Object, c.Verified, c.Problem)
	}
	for _, s := range a.Signatures {
		note(s.Object, s.Verified, s.Problem)
	}
	return found
}

// Published test cards, and cards of ours, verify from the published keys down to
// the transaction. One changed byte in a certificate, a signed record, a
// signature, an answer or what the terminal sent is caught at each place, and
// what failed is named.
func TestOneChangedByteIsNamed(t *testing.T) {
	const issuer, icc = "issuer certificate", "ICC certificate"
	for _, c := range []struct {
		file    string
		objects []string           // all that verify
		failed  map[emv.Tag]string // what fails when a byte of it is changed; "" is something
	}{
		{"recorded/110-mastercard-mchip-cda-testcard.txt", []string{issuer, icc, "CDA"}, map[emv.Tag]string{
			emv.TagIssuerCertificate: issuer, emv.TagIssuerExponent: issuer, emv.TagICCCertificate: icc, emv.TagICCExponent: icc,
			emv.TagICCRemainder: icc, emv.TagAIP: icc, emv.TagPAN: "", emv.TagCDOL1: "", emv.TagSDAD: "CDA", emv.TagCID: "CDA",
			emv.TagIAD: "CDA", emv.TagATC: "CDA",
		}},
		{"recorded/904-contact-unionpay-3aids-testcard.txt", []string{issuer, icc, "SDA", "DDA"}, map[emv.Tag]string{
			emv.TagIssuerCertificate: issuer, emv.TagICCCertificate: icc, emv.TagSSAD: "SDA",
		}},
		{"golden/visa-plastic-offline-approved.apdu", []string{issuer, icc, "fDDA"}, map[emv.Tag]string{
			emv.TagIssuerCertificate: issuer, emv.TagICCCertificate: icc, emv.TagSDAD: "fDDA", emv.TagCardAuthData: "fDDA", emv.TagATC: "fDDA",
		}},
		{"golden/unionpay-plastic-ecash-offline.apdu", []string{issuer, icc, "fDDA"}, map[emv.Tag]string{emv.TagSDAD: "fDDA"}},
		{"golden/mastercard-plastic-cda.apdu", []string{issuer, icc, "CDA"}, map[emv.Tag]string{emv.TagSDAD: "CDA"}},
	} {
		all := map[string]string{}
		for _, object := range c.objects {
			all[object] = "verified"
		}
		require.Equal(t, all, states(authenticated(parsed(t, c.file))), c.file)
		for tag, failed := range c.failed {
			changeEach(t, c.file, tag, all, failed)
		}
	}
}

// changeEach changes each byte of an object's value in turn.
func changeEach(t *testing.T, name string, tag emv.Tag, all map[string]string, failed string) {
	t.Helper()
	signed := transcript.Signed(parsed(t, name))
	value, ok := signed[len(signed)-1].Data.Lookup(tag)
	require.True(t, ok, "%s: %s", name, tag)
	object := emv.AppendTLV(nil, tag, value)
	for at := len(object) - len(value); at < len(object); at++ {
		tr, changed := parsed(t, name), 0
		for i := range tr.Lines {
			if start := bytes.Index(tr.Lines[i].Bytes, object); start >= 0 && tr.Lines[i].Kind == transcript.Response {
				tr.Lines[i].Bytes[start+at] ^= 0x01
				changed++
			}
		}
		require.NotZero(t, changed, "%s: %s", name, tag)
		found := states(authenticated(tr))
		where := fmt.Sprintf("%s: byte %d of %s: %v", name, at, tag, found)
		require.NotEqual(t, all, found, where)
		if failed != "" {
			require.Equal(t, "failed", found[failed], where)
		}
	}
}

// What the terminal sent is in the signature as well.
func TestChangedCommandsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ command, failed string }{
		"recorded/110-mastercard-mchip-cda-testcard.txt":   {"80AE", "CDA"},
		"recorded/904-contact-unionpay-3aids-testcard.txt": {"0088", "DDA"},
		"golden/visa-plastic-offline-approved.apdu":        {"80A8", "fDDA"},
		"golden/mastercard-plastic-relay-resistance.apdu":  {"80AE", "CDA"},
		"golden/unionpay-plastic-ecash-offline.apdu":       {"80A8", "fDDA"},
		"golden/mastercard-plastic-cda.apdu":               {"80AE", "CDA"},
	} {
		caught := 0
		tr := parsed(t, name)
		for i := range tr.Lines {
			b := tr.Lines[i].Bytes
			if tr.Lines[i].Kind != transcript.Command || !strings.HasPrefix(fmt.Sprintf("%X", b), c.command) {
				continue
			}
			for at := 5; at < len(b); at++ {
				b[at] ^= 0x01
				if states(authenticated(tr))[c.failed] == "failed" {
					caught++
				}
				b[at] ^= 0x01
			}
		}
		// fDDA covers number, amount and currency only: 12 bytes.
		require.GreaterOrEqual(t, caught, 4, name)
		if c.failed == "fDDA" {
			require.GreaterOrEqual(t, caught, 12, name)
		}
		require.Equal(t, "verified", states(authenticated(tr))[c.failed], name)
	}
}

// A certificate of a scheme whose keys we do not have is not called wrong.
func TestUnknownAuthority(t *testing.T) {
	found := states(authenticated(parsed(t, "recorded/010-visa-prepaid-au-exp2402-a.txt")))
	require.Equal(t, map[string]string{"issuer certificate": "not checked", "ICC certificate": "not checked", "fDDA": "not checked"}, found)
}
