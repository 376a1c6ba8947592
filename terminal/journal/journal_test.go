package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/terminal/journal"
)

var (
	_ terminal.Journal = (*journal.Journal)(nil)
	_ terminal.Journal = (*journal.Memory)(nil)
)

// key is a terminal's key in these tests.
var key = bytes.Repeat([]byte{0x5A}, journal.KeySize)

const bank = "bank.example:8583"

const pan = "4761739001010119"

// message is a reversal with number stan and an account number in it.
func message(stan int) *iso8583.Message {
	amount := int64(1250)
	return &iso8583.Message{
		MTI: iso8583.ReversalRequest, PAN: pan, Amount: &amount, STAN: fmt.Sprintf("%06d", stan), TransmissionTime: "0101120000",
		TerminalID: "TAPSIM01", ICCData: []byte{0x9F, 0x36, 0x02, 0x00, 0x01}, Other: map[int]string{61: "x"},
	}
}

func open(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Create(dir, key)
	require.NoError(t, err)
	return j
}

func pending(t testing.TB, j terminal.Journal) []terminal.Entry {
	t.Helper()
	p, err := j.Pending()
	require.NoError(t, err)
	return p
}

func add(t testing.TB, j terminal.Journal, stan int) uint64 {
	t.Helper()
	id, err := j.Add(bank, message(stan))
	require.NoError(t, err)
	return id
}

// both runs a test with the journal in memory and the one on disk.
func both(t *testing.T, test func(t *testing.T, j terminal.Journal)) {
	t.Run("memory", func(t *testing.T) { test(t, journal.NewMemory()) })
	t.Run("disk", func(t *testing.T) {
		j := open(t, t.TempDir())
		defer j.Close()
		test(t, j)
	})
}

// Messages come back whole and in order, the one that was tried is marked, and
// what was answered is gone.
func TestWhatAJournalKeeps(t *testing.T) {
	both(t, func(t *testing.T, j terminal.Journal) {
		require.Equal(t, 1, j.NextSTAN())
		first, second, third := add(t, j, 1), add(t, j, 2), add(t, j, 5)
		require.Equal(t, 6, j.NextSTAN())
		require.NoError(t, j.Sending(second))
		require.NoError(t, j.Sending(second))
		require.NoError(t, j.Remove(first))
		require.Equal(t, []terminal.Entry{{ID: second, Host: bank, Sent: true, Message: *message(2)}, {ID: third, Host: bank, Message: *message(5)}}, pending(t, j))
		require.Error(t, j.Remove(first))
		require.Error(t, j.Sending(99))
	})
}

// A refused message leaves the queue, outlives closing and opening and the
// rewriting of the file, and is forgotten on demand.
func TestParked(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	a, b := add(t, j, 7), add(t, j, 8)
	require.NoError(t, j.Sending(a))
	require.NoError(t, j.Park(a, "30"))
	require.Error(t, j.Park(a, "30"))
	require.Error(t, j.Park(99, "30"))
	want := []terminal.Refusal{{Entry: terminal.Entry{ID: a, Host: bank, Sent: true, Message: *message(7)}, Code: "30"}}
	for range 2 {
		parked, err := j.Parked()
		require.NoError(t, err)
		require.Equal(t, want, parked)
		require.Equal(t, []terminal.Entry{{ID: b, Host: bank, Message: *message(8)}}, pending(t, j))
		require.NoError(t, j.Close())
		j = open(t, dir)
	}
	big := message(9)
	big.Reserved60 = string(bytes.Repeat([]byte{'x'}, 40_000))
	for range 30 { // until the file is rewritten
		id, err := j.Add(bank, big)
		require.NoError(t, err)
		require.NoError(t, j.Remove(id))
	}
	require.Less(t, size(t, dir), 1<<20)
	require.NoError(t, j.Close())
	j = open(t, dir)
	parked, err := j.Parked()
	require.NoError(t, err)
	require.Equal(t, want, parked)
	require.NoError(t, j.Remove(a))
	require.Error(t, j.Remove(a))
	require.NoError(t, j.Close())
	parked, err = open(t, dir).Parked()
	require.NoError(t, err)
	require.Empty(t, parked)
}

// The message number runs to 999999 and starts again at 1; others are refused.
func TestMessageNumbers(t *testing.T) {
	both(t, func(t *testing.T, j terminal.Journal) {
		add(t, j, 999_999)
		require.Equal(t, 1, j.NextSTAN())
		for _, stan := range []string{"", "000000", "12345", "1234567", "abcdef", "-00001"} {
			_, err := j.Add(bank, &iso8583.Message{STAN: stan})
			require.Error(t, err, stan)
		}
		require.Equal(t, 1, j.NextSTAN())
	})
}

// A journal that the host does not empty fills up, and says so.
func TestFullJournal(t *testing.T) {
	j := journal.NewMemory()
	for i := 0; i < journal.MaxPending; i++ {
		add(t, j, i%999_999+1)
	}
	_, err := j.Add(bank, message(1))
	require.ErrorIs(t, err, journal.ErrFull)
}

// What is on disk survives closing and opening, with its marks and the counter;
// nobody finds an account number in the file.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	a, b := add(t, j, 7), add(t, j, 8)
	require.NoError(t, j.Sending(b))
	require.NoError(t, j.Remove(a))
	require.NoError(t, j.Close())
	_, err := j.Add(bank, message(9))
	require.ErrorContains(t, err, "closed")

	j = open(t, dir)
	require.Equal(t, []terminal.Entry{{ID: b, Host: bank, Sent: true, Message: *message(8)}}, pending(t, j))
	require.Equal(t, 9, j.NextSTAN())
	require.NoError(t, j.Remove(b))
	require.NoError(t, j.Close())

	j = open(t, dir)
	require.Empty(t, pending(t, j))
	require.Equal(t, 9, j.NextSTAN(), "the counter outlives the messages")
	require.Greater(t, add(t, j, 9), b, "identifiers are never used again")
	require.NoError(t, j.Close())

	text, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	for _, secret := range []string{pan, pan[6:], "0119", "\x47\x61\x73\x90"} {
		require.NotContains(t, string(text), secret)
	}
}

// Same inputs, same bytes; another key opens nothing.
func TestSealing(t *testing.T) {
	var files [2][]byte
	for i := range files {
		dir := t.TempDir()
		j := open(t, dir)
		add(t, j, 1)
		require.NoError(t, j.Close())
		var err error
		files[i], err = os.ReadFile(filepath.Join(dir, "journal"))
		require.NoError(t, err)
		_, err = journal.Open(dir, bytes.Repeat([]byte{1}, journal.KeySize))
		require.ErrorContains(t, err, "another terminal's key")
	}
	require.Equal(t, files[0], files[1])
	_, err := journal.Open(t.TempDir(), []byte("short"))
	require.ErrorContains(t, err, "5 bytes, want 32")
}

// However the machine stops while a record is written, everything before it is
// there, and the journal goes on.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	kept := add(t, j, 1)
	before := size(t, dir)
	add(t, j, 2)
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)

	for _, cut := range cuts(before, len(whole)) {
		for _, tail := range [][]byte{nil, make([]byte, 700)} {
			reopened := t.TempDir()
			path := filepath.Join(reopened, "journal")
			require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole[:cut]), tail...), 0o600))
			j := open(t, reopened)
			ids := []uint64{}
			for _, e := range pending(t, j) {
				ids = append(ids, e.ID)
			}
			want := []uint64{kept}
			if cut == len(whole) {
				want = append(want, kept+1)
			}
			require.Equal(t, want, ids, "cut at %d", cut)
			add(t, j, 3)
			require.NoError(t, j.Close())
			require.Len(t, pending(t, open(t, reopened)), len(want)+1, "cut at %d", cut)
		}
	}
	for _, cut := range []int{0, 1, 20, 33} { // while the file was begun, or later
		reopened := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(reopened, "journal"), whole[:cut], 0o600))
		_, err := journal.Open(reopened, key)
		require.ErrorIs(t, err, journal.ErrMissing)
		require.ErrorContains(t, err, reopened)
		require.Empty(t, pending(t, open(t, reopened)))
	}
}

// cuts are places from low to high: all near the ends, some between.
func cuts(low, high int) []int {
	var out []int
	for cut := low; cut <= high; cut++ {
		if cut < low+10 || cut > high-3 || cut%101 == 0 {
			out = append(out, cut)
		}
	}
	return out
}

func size(t testing.TB, dir string) int {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	return int(info.Size())
}

// A file that is damaged anywhere but at its end is not touched: records that
// the host must hear follow.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j := open(t, dir)
	start := size(t, dir)
	for i := 1; i <= 3; i++ {
		add(t, j, i)
	}
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, spoil := range map[string]func([]byte) []byte{
		"a byte of the first record":   func(b []byte) []byte { b[start+30] ^= 1; return b },
		"a length that is too long":    func(b []byte) []byte { b[start+2] = 0x7F; return b },
		"a length beyond every record": func(b []byte) []byte { b[start] = 0x7F; return b },
		"another program's file":       func([]byte) []byte { return []byte("SQLite format 3\x00") },
		"a newer version":              func(b []byte) []byte { return bytes.Replace(b, []byte("format 1"), []byte("format 2"), 1) },
	} {
		spoiled := spoil(bytes.Clone(whole))
		require.NoError(t, os.WriteFile(path, spoiled, 0o600))
		_, err := journal.Open(dir, key)
		require.Error(t, err, name)
		require.ErrorContains(t, err, path, name)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, spoiled, after, name)
	}
	require.NoError(t, os.WriteFile(path, bytes.Replace(whole, []byte("format 1"), []byte("format 2"), 1), 0o600))
	_, err = journal.Open(dir, key)
	require.ErrorContains(t, err, "format 2")
}

// History is thrown away when most of the file is history; what waits stays.
func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	kept := add(t, j, 1)
	require.NoError(t, j.Sending(kept))
	big := message(2)
	big.Reserved60 = string(bytes.Repeat([]byte{'x'}, 40_000))
	last := uint64(0)
	for range 60 { // 2.4 MB of history
		id, err := j.Add(bank, big)
		require.NoError(t, err)
		require.NoError(t, j.Remove(id))
		last = id
	}
	require.Less(t, size(t, dir), 1<<20)
	require.NoError(t, j.Close())
	j = open(t, dir)
	require.Equal(t, []terminal.Entry{{ID: kept, Host: bank, Sent: true, Message: *message(1)}}, pending(t, j))
	require.Equal(t, 3, j.NextSTAN())
	require.Equal(t, last+1, add(t, j, 3))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NoError(t, j.Close())
}

// A directory that cannot be written is an error at once.
func TestUnwritable(t *testing.T) {
	_, err := journal.Create(filepath.Join(t.TempDir(), "absent"), key)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func BenchmarkMemoryAddRemove(b *testing.B) {
	j := journal.NewMemory()
	m := message(1)
	b.ReportAllocs()
	for b.Loop() {
		id, _ := j.Add(bank, m)
		if err := j.Remove(id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDiskAddRemove(b *testing.B) {
	j := open(b, b.TempDir())
	defer j.Close()
	m := message(1)
	b.ReportAllocs()
	for b.Loop() {
		id, _ := j.Add(bank, m)
		if err := j.Remove(id); err != nil {
			b.Fatal(err)
		}
	}
}
