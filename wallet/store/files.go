package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// files is a directory with one file per card.
type files struct {
	dir string
	*sealer
}

// Names of files.
const (
	suffix    = ".card"
	temporary = ".tmp"
)

// Bounds of a card's file and of the wallet's, in bytes.
const (
	maxFile   = 4 << 20
	maxWallet = 32 << 20
)

// errNoFile says that the phone has no such card.
var errNoFile = errors.New("no such card")

func (d files) path(name string) string { return filepath.Join(d.dir, name+suffix) }

func (d files) names() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, fmt.Errorf("phone store: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil
}

func (d files) read(name string) (record, error) {
	data, err := readBounded(d.path(name), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, errNoFile
	}
	if err != nil {
		return record{}, err
	}
	r, err := d.decode(data)
	if err == nil && r.Card != name {
		err = fmt.Errorf("the file is of card %q", r.Card)
	}
	if err != nil {
		return record{}, fmt.Errorf("%s: %w", d.path(name), err)
	}
	return r, nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("phone store: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("phone store: %w", err)
	}
	if len(data) > most {
		return nil, fmt.Errorf("%s: more than %d bytes", path, most)
	}
	return data, nil
}

func (d files) write(name string, r record) error {
	data, err := d.encode(r)
	if err != nil {
		return fmt.Errorf("phone store: %w", err)
	}
	return d.replace(d.path(name), data)
}

// replace replaces a file as a whole: the new content is on the disk before it
// gets the name, and the name is on the disk before replace returns. A kill at
// any point leaves the old file or the new one.
func (d files) replace(path string, data []byte) error {
	if err := writeSynced(path+temporary, data); err != nil {
		return fmt.Errorf("phone store: %w", err)
	}
	if err := os.Rename(path+temporary, path); err != nil {
		return fmt.Errorf("phone store: %w", err)
	}
	if err := syncDir(d.dir); err != nil {
		return fmt.Errorf("phone store: %w", err)
	}
	return nil
}

func (d files) remove(name string) error {
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoFile
	}
	if err == nil {
		err = syncDir(d.dir)
	}
	if err != nil {
		return fmt.Errorf("phone store: %w", err)
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a rename durable. Windows cannot sync a directory and needs no
// such thing.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d files) stat(name string) fs.FileInfo {
	info, err := os.Stat(d.path(name))
	if err != nil {
		return nil
	}
	return info
}
