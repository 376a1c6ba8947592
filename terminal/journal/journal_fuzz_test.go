package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"tapsim/terminal/journal"
)

// Whatever bytes a file has, Open either refuses it and leaves it alone, or
// gives a journal that works and survives being opened again.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	j := open(f, dir)
	for i := 1; i <= 3; i++ {
		add(f, j, i)
	}
	if err := j.Remove(2); err != nil {
		f.Fatal(err)
	}
	j.Close()
	whole, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(whole[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(dir, key)
		if err != nil {
			if after, _ := os.ReadFile(path); string(after) != string(data) {
				t.Fatal("a refused file was changed")
			}
			return
		}
		before, _ := j.Pending()
		j.Close()
		j = open(t, dir)
		defer j.Close()
		if after, _ := j.Pending(); len(after) != len(before) {
			t.Fatalf("%d messages, then %d", len(before), len(after))
		}
	})
}
