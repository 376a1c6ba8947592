package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
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

// TestManyTapsAtAnotherHost: the token service of each run is a new one, and
// one hour brings more taps than one set of keys is good for.
func TestManyTapsAtAnotherHost(t *testing.T) {
	ctx := context.Background()
	eur, _ := emv.CurrencyByAlpha("EUR")
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	bank, err := OpenBank(ctx, BankOptions{State: Memory, Now: func() time.Time { return now }})
	require.NoError(t, err)
	host := newBankHost(bank.Issuer, NewClock(now))
	state := t.TempDir()
	for n := range 60 {
		w, err := Open(ctx, Options{Now: now, State: state, Card: "visa-phone", Terminal: "attended", Host: host})
		require.NoError(t, err, "tap %d", n+1)
		p, err := w.Pay(ctx, Request{Amount: 100, Currency: eur})
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.Equal(t, "approved", p.Outcome.String(), "tap %d: %s", n+1, p.Detail)
	}
}

// silentService hands out no keys.
type silentService struct{ tokenService }

func (silentService) Replenish(context.Context, provisioning.Request, *cryptogram.Key) (provisioning.KeySet, error) {
	return provisioning.KeySet{}, errors.New("nobody there")
}

// TestRefillThatFails does not stop a tap while there are keys.
func TestRefillThatFails(t *testing.T) {
	ctx := context.Background()
	eur, _ := emv.CurrencyByAlpha("EUR")
	w, err := Open(ctx, Options{Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: Memory, Card: "visa-phone", Terminal: "attended"})
	require.NoError(t, err)
	w.tokens = silentService{w.tokens}
	for w.card.Remaining() > 0 {
		w.Notes = nil
		require.NoError(t, w.refill(ctx))
		if left := w.card.Remaining(); left < refillBelow {
			require.Len(t, w.Notes, 1)
			require.Contains(t, w.Notes[0], fmt.Sprintf("good for %d more payments: nobody there", left))
		}
		_, err := w.Pay(ctx, Request{Amount: 100, Currency: eur})
		require.NoError(t, err)
	}
	require.ErrorContains(t, w.refill(ctx), "gives no new keys for visa-phone: nobody there")
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
