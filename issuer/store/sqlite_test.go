package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/issuer/store"
)

// TestStateSurvives closes the store and opens it again.
func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Create(dir, panKey)
	require.NoError(t, err)
	twoAccounts(t, s)
	update(t, s, func(tx *issuer.Tx) {
		r := aRecord
		r.State, r.Amount, r.Refunded, r.Returned = issuer.RecordPosted, 5, 0, 0
		tx.PutRecord(r)
		tx.PutInstrument(anInstrument)
		tx.PutUsage(aUsage)
		require.NoError(t, tx.Move(&r, "A", "B", 5))
	})
	index := s.IndexPAN("4761739001010119")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice is once")
	require.ErrorIs(t, s.Update(ctx, nil, func(*issuer.Tx) error { return nil }), store.ErrClosed)

	s = open(t, dir)
	require.Equal(t, index, s.IndexPAN("4761739001010119"), "the key of the index is kept")
	require.Equal(t, int64(5), found[issuer.Account](t)(s.Account("B")).Balance)
	require.Equal(t, anInstrument, found[issuer.Instrument](t)(s.Instrument(anInstrument.Index)))
	require.Equal(t, aUsage, found[issuer.Usage](t)(reader(t, s).Usage(aUsage.Instrument)))
	require.NoError(t, issuer.Audit(ctx, s))
	update(t, s, func(tx *issuer.Tx) {
		seq, err := tx.NextSequence()
		require.NoError(t, err)
		require.Equal(t, int64(2), seq)
	})
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	twoAccounts(t, s)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2) // database, log
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
}

// raw opens the database file as it is.
func raw(t testing.TB, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "issuer.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(dir string)
		want  string
	}{
		{"a newer version", func(dir string) {
			_, err := raw(t, dir).Exec("PRAGMA user_version = 99")
			require.NoError(t, err)
		}, "the database has version 99, written by a newer tapsim; this one knows version 9"},
		{"a foreign database", func(dir string) {
			_, err := raw(t, dir).Exec("PRAGMA application_id = 5")
			require.NoError(t, err)
		}, "not a database of tapsim's bank"},
		{"no database at all", func(dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "issuer.db"), bytes.Repeat([]byte("no database "), 1000), 0o600))
			require.NoError(t, errors.Join(os.RemoveAll(filepath.Join(dir, "issuer.db-wal")), os.RemoveAll(filepath.Join(dir, "issuer.db-shm"))))
		}, "restore the state folder from a backup"},
		{"nothing is left", func(dir string) { require.NoError(t, os.RemoveAll(dir)) }, "the bank's ledger is missing or empty"},
		{"an empty file is left", func(dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, "issuer.db"), 0))
			require.NoError(t, errors.Join(os.RemoveAll(filepath.Join(dir, "issuer.db-wal")), os.RemoveAll(filepath.Join(dir, "issuer.db-shm"))))
		}, "the bank's ledger is missing or empty"},
	} {
		dir := filepath.Join(t.TempDir(), "issuer")
		require.NoError(t, os.Mkdir(dir, 0o700))
		s, err := store.Create(dir, panKey)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		c.spoil(dir)
		_, err = store.Open(dir, panKey)
		require.ErrorContains(t, err, c.want, c.name)
		require.ErrorContains(t, err, dir, c.name)
	}
}

func TestKeyThatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir).Close())
	for _, f := range []func(string, []byte) (*store.Store, error){store.Open, store.Create} {
		_, err := f(dir, make([]byte, store.KeySize))
		require.ErrorContains(t, err, dir)
		require.ErrorContains(t, err, "hashed under another key: restore keys/pan.key")
		_, err = f(dir, panKey[1:])
		require.ErrorContains(t, err, "31 bytes, want 32")
	}
	s, err := store.Open(dir, panKey)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// TestMigrationKeepsTheRows brings a database of the first version up to date.
func TestMigrationKeepsTheRows(t *testing.T) {
	dir := t.TempDir()
	first, err := os.ReadFile("migrations/001.sql")
	require.NoError(t, err)
	_, err = raw(t, dir).Exec(string(first) + "PRAGMA application_id = 1413566547; PRAGMA user_version = 1;" +
		"INSERT INTO usages VALUES (x'01020300000000000000000000000000', x'00070102030405060708000000000000000005');" +
		"INSERT INTO records VALUES (5, 'key', '', x'', 'A', 3, 3, 978, 0, 3, 0, '00', x'');" +
		"INSERT INTO accounts VALUES ('A', 978, 0, 17, 2, 0)")
	require.NoError(t, err)
	s := open(t, dir)
	require.Equal(t, int64(17), found[issuer.Account](t)(s.Account("A")).Held)
	usage := found[issuer.Usage](t)(s.Usage(issuer.PANIndex{1, 2, 3}))
	require.Equal(t, []issuer.Use{{ATC: 7, Cryptogram: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Record: 5}}, usage.Recent)
	require.Empty(t, usage.Older)
	usage.Older = []issuer.CounterRange{{From: 1, To: 6}}
	update(t, s, func(tx *issuer.Tx) { tx.PutUsage(usage) })
	require.Equal(t, usage, found[issuer.Usage](t)(s.Usage(usage.Instrument)))
	record := found[issuer.Record](t)(s.Record("key"))
	require.Zero(t, record.Tap)
	require.Equal(t, []any{uint16(978), int64(3), int64(3)}, []any{record.Billing, record.Billed, record.Amount})
	record.Tap = issuer.Tap{1, 13: 2}
	update(t, s, func(tx *issuer.Tx) { tx.PutRecord(record) })
	require.NoError(t, s.Close())
	require.Equal(t, record.Tap, found[issuer.Record](t)(open(t, dir).Record("key")).Tap)
}

// TestDamagedDatabase overwrites pages of a database in use: the errors say what
// to do.
func TestDamagedDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	twoAccounts(t, s)
	require.NoError(t, s.Close())
	path := filepath.Join(dir, "issuer.db")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := 4096; at < len(data); at++ { // all but the first page
		data[at] = 0xA5
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	if s, err = store.Create(dir, panKey); err == nil {
		_, err = s.Accounts(ctx)
		require.NoError(t, s.Close())
	}
	require.ErrorContains(t, err, "malformed")
	require.ErrorContains(t, err, "the database is damaged: restore the state folder from a backup, or choose another one")
}

// TestMigrationFromNothing opens a database that exists and is empty, as after
// a crash between the creation of the file and its first table.
func TestMigrationFromNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "issuer.db"), nil, 0o600))
	twoAccounts(t, open(t, dir))
}

// batch runs updates so that they fall into one transaction: the first blocks
// the writer until the others are queued.
func batch(t testing.TB, s *store.Store, updates ...func(*issuer.Tx) error) []error {
	t.Helper()
	started, release := make(chan struct{}), make(chan struct{})
	var first, rest sync.WaitGroup
	first.Go(func() {
		_ = s.Update(ctx, nil, func(*issuer.Tx) error { close(started); <-release; return nil })
	})
	<-started
	errs := make([]error, len(updates))
	queued := make(chan struct{}, len(updates))
	for n, f := range updates {
		rest.Go(func() {
			queued <- struct{}{}
			errs[n] = s.Update(ctx, []string{fmt.Sprint("key", n)}, f)
		})
	}
	for range updates {
		<-queued
	}
	close(release)
	first.Wait()
	rest.Wait()
	return errs
}

// TestOneRefusedRowSpoilsNothing lets the database itself refuse a row, so that
// the whole transaction fails: the other updates of the batch must still
// succeed, each once.
func TestOneRefusedRowSpoilsNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	twoAccounts(t, s)
	_, err := raw(t, dir).Exec("CREATE TRIGGER refuse BEFORE INSERT ON records WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'refused by a trigger'); END")
	require.NoError(t, err)
	move := func(key string) func(*issuer.Tx) error {
		return func(tx *issuer.Tx) error {
			seq, err := tx.NextSequence()
			if err != nil {
				return err
			}
			r := issuer.Record{Seq: seq, Key: key, Currency: 978, Time: start, State: issuer.RecordPosted}
			tx.PutRecord(r)
			return tx.Move(&r, "A", "B", 1)
		}
	}
	boom := func(*issuer.Tx) error { panic("boom") }
	for round := range 5 {
		if round == 3 { // from here on the refused row takes its transaction with it
			_, err := raw(t, dir).Exec("DROP TRIGGER refuse; CREATE TRIGGER refuse BEFORE INSERT ON records WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'refused by a trigger'); END")
			require.NoError(t, err)
		}
		errs := batch(t, s, move(fmt.Sprint("a", round)), move("bad"), move(fmt.Sprint("b", round)), boom, move(fmt.Sprint("c", round)))
		require.NoError(t, errs[0])
		require.ErrorContains(t, errs[1], "refused by a trigger")
		require.NoError(t, errs[2])
		require.ErrorContains(t, errs[3], "panicked: boom")
		require.NoError(t, errs[4])
		require.Equal(t, int64(3*(round+1)), found[issuer.Account](t)(s.Account("B")).Balance)
		require.Equal(t, int64(3*(round+1)), found[issuer.Account](t)(reader(t, s).Account("B")).Balance)
		require.NoError(t, issuer.Audit(ctx, s))
	}
	absent[issuer.Record](t)(s.Record("bad"))
}

// TestManyRows writes more rows of each kind than one statement takes.
func TestManyRows(t *testing.T) {
	s := open(t, t.TempDir())
	const rows = 64 + 16 + 4 + 3
	update(t, s, func(tx *issuer.Tx) {
		for n := range rows {
			id := fmt.Sprintf("%03d", n)
			tx.PutAccount(issuer.Account{ID: id, Currency: 978, Held: int64(n), Status: issuer.StatusActive})
			instrument, usage, key := anInstrument, aUsage, aKey
			instrument.Index, usage.Instrument, key.Index[3] = issuer.PANIndex{byte(n), 1}, issuer.PANIndex{byte(n), 1}, byte(n)
			tx.PutInstrument(instrument)
			tx.PutUsage(usage)
			tx.PutKey(key)
			tx.PutRecord(issuer.Record{Seq: int64(n + 1), Key: id, Time: start, State: issuer.RecordNoted})
		}
	})
	accounts, err := s.Accounts(ctx)
	require.NoError(t, err)
	require.Len(t, accounts, rows)
	require.Equal(t, int64(rows-1), accounts[rows-1].Held)
	instruments, err := s.Instruments(ctx)
	require.NoError(t, err)
	require.Len(t, instruments, rows)
	keys, err := s.Keys(ctx, aKey.Token)
	require.NoError(t, err)
	require.Len(t, keys, rows)
	records, err := s.Records(ctx, "")
	require.NoError(t, err)
	require.Len(t, records, rows)
}

// TestNoNumberAndNoKeyOnDisk looks for account numbers and keys in every byte
// of the state after payments, an enrolment and a reversal.
func TestNoNumberAndNoKeyOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	w := newWorld(t, s, rand.New(rand.NewPCG(1, 1)))
	for range 200 {
		w.step()
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		for name, secret := range w.secrets() {
			require.False(t, bytes.Contains(data, secret), "%s in %s", name, f.Name())
		}
	}
}
