package sim

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFile reads a secret of size bytes, or makes the file from source.
func keyFile(path string, size int, source io.Reader) ([]byte, error) {
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) != size:
		return nil, fmt.Errorf("%s holds %d bytes, not a key of %d: restore it, or start over with another --state DIR", path, len(key), size)
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return key, err
	}
	key = make([]byte, size)
	if _, err := io.ReadFull(source, key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return key, writeDurably(path, key)
}

// writeDurably makes a file whole or not at all: what is sealed under the key
// must never outlive it.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
