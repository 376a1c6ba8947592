package sim

import (
	"context"
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
