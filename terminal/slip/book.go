package slip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Kept is how many slips a book has; older ones go.
const Kept = 200

// maxFile bounds what is read of one slip.
const maxFile = 1 << 20

// Book is a folder of slips, one file each.
type Book string

// Open opens the book in a folder that its caller has locked.
func Open(dir string) (Book, error) {
	b := Book(filepath.Join(dir, "slips"))
	return b, os.MkdirAll(string(b), 0o700)
}

const suffix = ".json"

func (b Book) file(id int64) string {
	return filepath.Join(string(b), fmt.Sprintf("%09d", id)+suffix)
}

// numbers are the slips that are there, ascending.
func (b Book) numbers() ([]int64, error) {
	entries, err := os.ReadDir(string(b))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if id, bad := strconv.ParseInt(name, 10, 64); ok && bad == nil && id > 0 {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list, err
}

// Keep numbers a slip and keeps it. The file is there whole or not at all; it is
// not forced to the disk.
func (b Book) Keep(s *Slip) error {
	list, err := b.numbers()
	if err != nil {
		return err
	}
	s.ID = 1
	if n := len(list); n > 0 {
		s.ID = list[n-1] + 1
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temp := filepath.Join(string(b), "new")
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(temp, b.file(s.ID)); err != nil {
		return err
	}
	for _, id := range list {
		if id > s.ID-Kept {
			break
		}
		err = errors.Join(err, os.Remove(b.file(id)))
	}
	return err
}

// All are the slips, the oldest first. A file that is none is an error that names
// it.
func (b Book) All() ([]Slip, error) {
	list, err := b.numbers()
	if err != nil {
		return nil, err
	}
	out := make([]Slip, 0, len(list))
	for _, id := range list {
		name := b.file(id)
		if info, err := os.Stat(name); err != nil || info.Size() > maxFile {
			return nil, errors.Join(err, fmt.Errorf("%s: not a slip: remove it", name))
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var s Slip
		if err := json.Unmarshal(data, &s); err != nil || s.ID != id {
			return nil, fmt.Errorf("%s: not a slip (%w): remove it", name, errors.Join(err, fmt.Errorf("number %d", s.ID)))
		}
		out = append(out, s)
	}
	return out, nil
}
