package sim

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tapsim/internal/statedir"
)

// keyFile reads a secret of size bytes, or makes the file from source. What is
// sealed under the key must never outlive it, so the file is made whole.
func keyFile(path string, size int, source io.Reader) ([]byte, error) {
	key, err := readKey(path, size)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, size)
	if _, err := io.ReadFull(source, key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return key, statedir.WriteFile(path, key)
}

// readKey reads a secret; fs.ErrNotExist says that there is none.
func readKey(path string, size int) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) != size {
		return nil, fmt.Errorf("%s holds %d bytes, not a key of %d: restore it, or start over with another --state DIR", path, len(key), size)
	}
	return key, err
}

// keyed is a memory under a key that lies elsewhere.
type keyed[T io.Closer] struct {
	key     string // its file
	size    int
	source  io.Reader // of a new key
	create  func(key []byte) (T, error)
	open    func(key []byte) (T, error)
	missing error // what open says when the memory is gone
}

// get opens the memory, or begins it with its key. The key gets its final name
// when the memory is there, so the two are never confused: a key under its
// final name without a memory is a memory that was lost, and a key under the
// other name a beginning that was cut off.
func (k keyed[T]) get() (memory T, err error) {
	key, err := readKey(k.key, k.size)
	if err == nil {
		memory, err = k.open(key)
		if errors.Is(err, k.missing) {
			err = fmt.Errorf("%w, but its key is there: restore the state folder from a backup, or remove %s to begin a new one", err, k.key)
		}
		return memory, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return memory, err
	}
	beginning := k.key + ".new"
	if key, err = keyFile(beginning, k.size, k.source); err != nil {
		return memory, err
	}
	if memory, err = k.create(key); err != nil {
		return memory, err
	}
	if err = statedir.Rename(beginning, k.key); err != nil {
		return memory, errors.Join(err, memory.Close())
	}
	return memory, nil
}

// moveKey moves a key from where earlier versions had it, beside what it hides.
func moveKey(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return nil // the usual case: it is not there
	}
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return statedir.Rename(from, to)
}
