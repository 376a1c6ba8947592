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
	return key, statedir.WriteFile(path, key)
}
