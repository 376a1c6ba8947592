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
type files string

// Names of files.
const (
	suffix    = ".card"
	temporary = ".tmp"
)

// maxFile bounds a card's file, in bytes.
const maxFile = 4 << 20

// errNoFile says that the phone has no such card.
var errNoFile = errors.New("no such card")

func (d files) path(name string) string { return filepath.Join(string(d), name+suffix) }

func (d files) names() ([]string, error) {
	entries, err := os.ReadDir(string(d))
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
	f, err := os.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, errNoFile
	}
	if err != nil {
		return record{}, fmt.Errorf("phone store: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return record{}, fmt.Errorf("phone store: %w", err)
	}
	if len(data) > maxFile {
		return record{}, fmt.Errorf("%s: more than %d bytes", d.path(name), maxFile)
	}
	r, err := decode(data)
	if err == nil && r.Card != name {
		err = fmt.Errorf("the file is of card %q", r.Card)
	}
	if err != nil {
		return record{}, fmt.Errorf("%s: %w", d.path(name), err)
	}
	return r, nil
}

func (d files) write(name string, r record) error {
	data, err := r.encode()
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
	if err := syncDir(string(d)); err != nil {
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
		err = syncDir(string(d))
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
