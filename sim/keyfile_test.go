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

// payIn makes one payment in a state folder.
func payIn(state string) (Payment, error) {
	ctx := context.Background()
	w, err := Open(ctx, Options{Now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), State: state, Card: "visa-phone", Terminal: "attended"})
	if err != nil {
		return Payment{}, err
	}
	defer w.Close()
	eur, _ := emv.CurrencyByAlpha("EUR")
	return w.Pay(ctx, Request{Amount: 1250, Currency: eur})
}

// TestLostMemoryIsAnError: a ledger or journal that is gone while its key is
// there does not start again by itself.
func TestLostMemoryIsAnError(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(state string) error
		want  []string // nil: it pays
	}{
		{"nothing", func(string) error { return nil }, nil},
		{"no ledger", func(s string) error { return os.RemoveAll(filepath.Join(s, "issuer")) }, []string{"ledger is missing or empty", "pan.key to begin a new one"}},
		{"an empty ledger", func(s string) error {
			file := filepath.Join(s, "issuer", "issuer.db")
			for _, f := range []string{file, file + "-wal", file + "-shm"} {
				if err := os.RemoveAll(f); err != nil {
					return err
				}
			}
			return os.WriteFile(file, nil, 0o600)
		}, []string{"ledger is missing or empty", "restore the state folder from a backup"}},
		{"ledger and key", func(s string) error {
			if err := os.Remove(filepath.Join(s, "keys", "pan.key")); err != nil {
				return err
			}
			return os.RemoveAll(filepath.Join(s, "issuer"))
		}, nil},
		{"no key of the ledger", func(s string) error { return os.Remove(filepath.Join(s, "keys", "pan.key")) }, []string{"hashed under another key", "restore keys/pan.key"}},
		{"half a key", func(s string) error { return os.Truncate(filepath.Join(s, "keys", "pan.key"), 16) }, []string{"pan.key holds 16 bytes"}},
		{"no journal", func(s string) error { return os.RemoveAll(filepath.Join(s, "terminal")) }, []string{"journal is missing or empty", "terminal.key to begin a new one"}},
		{"an empty journal", func(s string) error { return os.Truncate(filepath.Join(s, "terminal", "journal"), 0) }, []string{"journal is missing or empty"}},
		{"an earlier layout", func(s string) error {
			return os.Rename(filepath.Join(s, "keys", "pan.key"), filepath.Join(s, "issuer", "pan.key"))
		}, nil},
	} {
		state := t.TempDir()
		_, err := payIn(state)
		require.NoError(t, err)
		require.NoError(t, c.spoil(state))
		p, err := payIn(state)
		if c.want == nil {
			require.NoError(t, err, c.name)
			require.NotZero(t, p.Outcome)
			continue
		}
		for _, text := range append(c.want, state) {
			require.ErrorContains(t, err, text, c.name)
		}
	}
}

// TestCutOffBeginnings: however the first run is killed, the second one goes on.
func TestCutOffBeginnings(t *testing.T) {
	for _, part := range []struct{ key, folder, file string }{{"pan.key", "issuer", "issuer.db"}, {"terminal.key", "terminal", "journal"}} {
		for name, begun := range map[string]func(state string) error{
			"the key only": func(s string) error { return os.RemoveAll(filepath.Join(s, part.folder)) },
			"the key and an empty file": func(s string) error {
				if err := os.RemoveAll(filepath.Join(s, part.folder)); err != nil {
					return err
				}
				if err := os.Mkdir(filepath.Join(s, part.folder), 0o700); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(s, part.folder, part.file), nil, 0o600)
			},
			"all but the key's name": func(string) error { return nil },
		} {
			state := t.TempDir()
			_, err := payIn(state)
			require.NoError(t, err)
			key := filepath.Join(state, "keys", part.key)
			require.NoError(t, os.Rename(key, key+".new"))
			require.NoError(t, begun(state), name)
			p, err := payIn(state)
			require.NoError(t, err, "%s: %s", part.key, name)
			require.NotZero(t, p.Outcome)
			require.FileExists(t, key)
			require.NoFileExists(t, key+".new")
		}
	}
}
