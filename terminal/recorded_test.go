package terminal_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/c2"
	"tapsim/terminal/kernel/c3"
	"tapsim/terminal/kernel/c7"
	"tapsim/transcript"
)

const recorded = "../testdata/transcripts/recorded"

// played says how many of a recording's exchanges our terminal asks for, and the
// cardholder verification that comes out. What is left are the questions of
// other programs (GET DATA, logs, other names), and in 803 a second attempt.
var played = map[string]struct {
	exchanges int
	cvm       kernel.CVM
}{
	"007-visa-debit-dkb-de-anonymised.txt":                  {6, kernel.CVMNotRequired},
	"010-visa-prepaid-au-exp2402-a.txt":                     {8, kernel.CVMNotRequired},
	"013-visa-prepaid-auspost-exp1708.txt":                  {3, kernel.CVMNotRequired},
	"020-visa-cb-fr-2aids.txt":                              {3, kernel.CVMNone},
	"040-visa-testcard-expired-cvn22-9f5d-9f7c.txt":         {4, kernel.CVMNotRequired},
	"042-visa-testcard-online-pin-or-signature-ctqc000.txt": {3, kernel.CVMOnlinePIN},
	"044-visa-testcard-refund-aac.txt":                      {3, kernel.CVMNotRequired},
	"107-mastercard-debit-eftpos-au-cobadged-short.txt":     {7, kernel.CVMNone},
	"112-mastercard-devnied-1.txt":                          {4, kernel.CVMNone},
	"602-rupay-prepaid-ncmc-ppse.txt":                       {1, kernel.CVMNone},
	"603-discover-ppse-3-entries.txt":                       {1, kernel.CVMNone},
	"702-applepay-visa-gpo-6986-locked-phone.txt":           {3, kernel.CVMNone},
	"706-visa-cloud-hce-phone-testprofile.txt":              {4, kernel.CVMConfirmationCode},
	"801-tear-before-ppse-response.txt":                     {1, kernel.CVMNone},
	"803-tear-during-select-aid.txt":                        {2, kernel.CVMNone},
	"810-locked-card-6985.txt":                              {2, kernel.CVMNone},
	"818-visa-electron-no-ppse-aid-list-gpo-80.txt":         {1, kernel.CVMNone},
}

// Every recording that the manifest says to play: the card's recorded answers,
// our terminal with the recording's own data, and the outcome that the card's
// data demand.
func TestRecordedCards(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join(recorded, "manifest.tsv"))
	require.NoError(t, err)
	entries, err := transcript.ParseManifest("manifest.tsv", manifest)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Mode == transcript.PlayCard {
			t.Run(e.File, func(t *testing.T) { playRecording(t, e) })
		}
	}
}

func playRecording(t *testing.T, e transcript.Entry) {
	text, err := os.ReadFile(filepath.Join(recorded, e.File))
	require.NoError(t, err)
	tr, err := transcript.Parse(e.File, text)
	require.NoError(t, err)
	data := e.Data
	if apps := transcript.Extract(tr); len(apps) > 0 {
		data = append(append(emv.List{}, apps[len(apps)-1].Data...), data...)
	}
	config, request, err := terminal.ForRecording(data)
	require.NoError(t, err)
	term, err := terminal.New(config, []kernel.Kernel{c2.New(), c3.New(), c7.New()}, terminal.Env{Now: clock, Rand: counter{}})
	require.NoError(t, err)
	card := transcript.NewLenientCard(tr)
	tap, err := term.Tap(context.Background(), field(card), request)
	require.NoError(t, err)
	require.Equal(t, e.Expect, tap.Outcome.Kind.String(), tap.Outcome.Reason.Text)
	require.Empty(t, card.Report().Differences, "the terminal sends the recorded commands, byte for byte")
	want, listed := played[e.File]
	require.True(t, listed)
	require.Equal(t, want.exchanges, len(tr.Exchanges())-len(card.Report().Unused))
	require.Equal(t, want.cvm, tap.Outcome.CVM)
}
