package store_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/issuer/store"
)

// cuts is how many places of the log the test below cuts it at.
var cuts = flag.Int("cuts", 12, "places to cut the database's log at")

// noting is a store that says when something was written.
type noting struct {
	issuer.Store
	note func()
}

func (n noting) Update(ctx context.Context, keys []string, f func(*issuer.Tx) error) error {
	defer n.note()
	return n.Store.Update(ctx, keys, f)
}

// TestLogCutAnywhere cuts the log of a bank's day where a power failure could
// leave it: at any byte. What is opened then is the bank after one of its updates,
// the last one that is whole in the log, with nothing of the next one.
func TestLogCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	rng := rand.New(rand.NewPCG(11, 11))
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "issuer.db-wal"))
		require.NoError(t, err)
		return info.Size()
	}
	type moment struct {
		size int64 // of the log
		dump string
	}
	day := []moment{{size(), dump(t, s)}}
	note := func() {
		if now := size(); now > day[len(day)-1].size {
			day = append(day, moment{now, dump(t, s)})
		}
	}
	e := newEveryday(t, noting{s, note}, rng)
	for len(day) < 25 {
		e.now = e.now.Add(time.Duration(rng.IntN(240)) * time.Minute)
		if rng.IntN(3) == 0 {
			e.step()
		}
		e.act()
	}
	database, err := os.ReadFile(filepath.Join(dir, "issuer.db"))
	require.NoError(t, err)
	log, err := os.ReadFile(filepath.Join(dir, "issuer.db-wal"))
	require.NoError(t, err)
	for n := range *cuts {
		end := rng.Int64N(int64(len(log)) + 1)
		if n%2 == 0 { // at the end of an update, or a byte before it
			end = day[rng.IntN(len(day))].size - rng.Int64N(2)
		}
		first := slices.IndexFunc(day, func(m moment) bool { return m.size > end })
		if first == 0 {
			continue // before there is a bank
		}
		if first < 0 {
			first = len(day)
		}
		torn := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(torn, "issuer.db"), database, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(torn, "issuer.db-wal"), log[:end], 0o600))
		again, err := store.Create(torn, panKey)
		require.NoError(t, err, "cut at %d", end)
		got := dump(t, again)
		require.NoError(t, again.Close())
		require.Equal(t, day[first-1].dump, got, "cut at %d of %d", end, len(log))
	}
}
