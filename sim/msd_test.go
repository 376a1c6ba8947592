package sim

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/terminal/kernel"
)

// TestVisaMagStripe: a card in mag-stripe mode is paid with where the bank takes
// payments without chip data, and the bank finds its value right at each tap; the
// same card makes cryptograms elsewhere.
func TestVisaMagStripe(t *testing.T) {
	demo, err := issuerconfig.Demo()
	require.NoError(t, err)
	demo.Config.Fallback = true
	l := &ledger{books: issuer.NewMemory()}
	l.bank, err = issuer.New(demo.Config, l.books, issuer.Env{Now: func() time.Time { return newYear }, Rand: rand.NewChaCha8([32]byte{1})})
	require.NoError(t, err)
	_, err = l.bank.Install(context.Background(), demo.Setup)
	require.NoError(t, err)
	w := at(t, "visa-plastic-msd", "magstripe", l)
	for n := range int64(3) {
		p := pay(t, w, Request{Amount: 60_00})
		require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
		require.Equal(t, kernel.OnlineRequest, p.KernelOutcome)
		require.Equal(t, kernel.CVMSignature, p.Tap.Outcome.CVM)
		m := l.heard[len(l.heard)-1]
		require.Equal(t, "912", m.EntryMode)
		require.Nil(t, m.ICCData)
		require.Nil(t, p.Cryptogram)
		require.Equal(t, issuer.OK, l.said(t, "track 2").Result)
		require.Equal(t, 60_00*(n+1), l.paid(t))
	}
	require.Equal(t, kernel.Declined, pay(t, at(t, "visa-plastic-msd", "magstripe", newLedger(t)), Request{Amount: 1_00}).Outcome, "the demo bank takes none")
	require.Equal(t, kernel.Approved, pay(t, at(t, "visa-plastic-msd", "attended", newLedger(t)), Request{Amount: 1_00}).Outcome)
	require.Equal(t, kernel.EndApplication, pay(t, at(t, "visa-plastic", "magstripe", l), Request{Amount: 1_00}).Outcome)
}
