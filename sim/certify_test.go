package sim

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram/oda/testca"
	"tapsim/terminal/kernel"
)

// own is a built-in card with certificates that are not good, as a file.
func own(t *testing.T, card, defect string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "hce", "profile", card+".yaml"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "own.yaml")
	changed := strings.Replace(string(text), "\napplications:", "\ncertificates: {defect: "+defect+"}\napplications:", 1)
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	return path
}

// TestBadCertificates: what a card file says is wrong with its certificates each
// kernel notices and tells, and nothing is paid.
func TestBadCertificates(t *testing.T) {
	want := map[string]string{
		"issuer-expired": "issuer certificate: expired", "card-expired": "ICC certificate: expired", "revoked": "issuer certificate: revoked",
		"unknown-ca": "", "wrong-hash": "ICC certificate: hash", "too-long": "ICC certificate: length",
	}
	for _, card := range []string{"visa-plastic-offline", "mastercard-plastic-offline", "unionpay-plastic-ecash"} {
		for defect, note := range want {
			l := newLedger(t)
			w := at(t, own(t, card, defect), "offline-only", l)
			p := pay(t, w, Request{Amount: 5_00})
			require.NotEqual(t, kernel.Approved, p.Outcome, "%s %s", card, defect)
			require.Equal(t, kernel.ODAFailed, p.Tap.Outcome.ODA, "%s %s", card, defect)
			if defect == "unknown-ca" && strings.HasPrefix(card, "mastercard") {
				note = "does not have the certification authority's key"
			} else if defect == "unknown-ca" {
				note = "CA key: missing"
			}
			require.Contains(t, p.Tap.Outcome.ODANote+p.Detail, note, "%s %s", card, defect)
			require.Empty(t, l.heard)
			if strings.HasPrefix(card, "unionpay") {
				w.card.Respond(unhex(t, "00A4040008A00000033301010100"))
				require.Equal(t, unhex(t, "9F7906000000010000 9000"), w.card.Respond(unhex(t, "80CA9F7900")), defect)
			}
		}
	}
	seed := uint64(1)
	_, err := Open(context.Background(), Options{Seed: &seed, Now: newYear, State: Memory, Card: own(t, "visa-plastic-offline", "late"), Terminal: "attended"})
	require.ErrorContains(t, err, `certificates.defect: "late" is none of none, issuer-expired`)
}

// TestWhomTheTerminalTrusts: a terminal's own lists take the place of the
// program's; a revocation that is taken off the list makes a card good again.
func TestWhomTheTerminalTrusts(t *testing.T) {
	for name, c := range map[string]struct {
		more   string
		defect string
		want   kernel.Kind
	}{
		"the program's":    {"", "none", kernel.Approved},
		"nobody":           {"ca_keys: []", "none", kernel.Declined},
		"revoked here":     {`revoked: [{rid: "A000000003", index: "E1", serial: "000001"}]`, "none", kernel.Declined},
		"revoked anywhere": {"", "revoked", kernel.Declined},
		"not revoked here": {"revoked: []", "revoked", kernel.Approved},
	} {
		text, err := os.ReadFile("../terminal/config/terminals/offline-only.yaml")
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "terminal.yaml")
		require.NoError(t, os.WriteFile(path, append(text, "\n"+c.more+"\n"...), 0o600))
		p := pay(t, at(t, own(t, "visa-plastic-offline", c.defect), path, newLedger(t)), Request{Amount: 5_00})
		require.Equal(t, c.want, p.Outcome, "%s: %s", name, p.Tap.Outcome.ODANote)
	}
}

// TestCommentsNameTheDefects: the built-in files tell which there are.
func TestCommentsNameTheDefects(t *testing.T) {
	text, err := os.ReadFile("../hce/profile/visa-plastic-offline.yaml")
	require.NoError(t, err)
	for _, name := range testca.DefectNames()[1:] {
		require.Contains(t, string(text), name)
	}
}
