package sim

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

func TestPayInMemory(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	seed := uint64(1)
	for _, card := range []string{"visa-phone", "visa-plastic"} {
		w, err := Open(context.Background(), Options{Seed: &seed, Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: Memory, Card: card, Terminal: "attended"})
		require.NoError(t, err)
		p, err := w.Pay(context.Background(), Request{Amount: 1250, Currency: eur, Explain: true})
		require.NoError(t, err)
		for _, s := range p.Report.Steps {
			t.Log(s)
		}
		require.Equal(t, "approved", p.Outcome.String(), p.Detail)
	}
}

// TestPhoneThatLostItsCard enrols again and pays on: the counter goes on.
func TestPhoneThatLostItsCard(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	state := t.TempDir()
	for n := range 3 {
		w, err := Open(context.Background(), Options{Now: time.Date(2030, 1, 1, 12, n, 0, 0, time.UTC), State: state, Card: "visa-phone", Terminal: "attended"})
		require.NoError(t, err)
		p, err := w.Pay(context.Background(), Request{Amount: 1250, Currency: eur})
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.Equal(t, "approved", p.Outcome.String(), p.Detail)
		files, err := filepath.Glob(filepath.Join(state, "phone", "*visa-phone*"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, f := range files {
			require.NoError(t, os.Remove(f))
		}
	}
}
