// Package statedir opens one part of the state folder: three parties, three
// memories (phone, terminal, issuer), each with its own lock and version. A
// part belongs to one process at a time; another waits a little and is then
// told who holds it.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Version is the layout of the state folder that this program writes. It reads
// older ones and refuses newer ones.
const Version = 1

// Wait is how long Open waits for a lock that another process holds.
const Wait = 2 * time.Second

// poll is how often a held lock is tried again.
const poll = 50 * time.Millisecond

// Dir is an open, locked part of the state folder.
type Dir struct {
	Path string // absolute
	lock *os.File
}

// ErrLocked is wrapped by the error of Open when another process holds the
// part.
var ErrLocked = errors.New("in use")

// Default is the user's data folder for tapsim.
func Default() (string, error) {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "tapsim"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		d, err := os.UserConfigDir()
		return filepath.Join(d, "tapsim"), err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder to keep state in: %w (name one with --state DIR, or :memory:)", err)
	}
	return filepath.Join(home, ".local", "share", "tapsim"), nil
}

// Open creates or opens the part of the state folder root and locks it. holder
// is what other processes are told when they find it locked, such as the
// command that runs.
func Open(root, part, holder string) (*Dir, error) {
	path, err := filepath.Abs(filepath.Join(root, part))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("state folder %s: %w (is it writable? name another with --state DIR, or :memory:)", path, cause(err))
	}
	lock, err := acquire(filepath.Join(path, "lock"), holder)
	if err != nil {
		return nil, fmt.Errorf("state folder %s: %w", path, err)
	}
	if err := checkVersion(filepath.Join(path, "version")); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("state folder %s: %w", path, err)
	}
	return &Dir{Path: path, lock: lock}, nil
}

// Close releases the lock.
func (d *Dir) Close() error {
	if d == nil || d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

// acquire takes the lock file, waiting a little, and notes the holder in it.
func acquire(file, holder string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w (is it writable? name another with --state DIR, or :memory:)", cause(err))
	}
	for deadline := time.Now().Add(Wait); ; time.Sleep(poll) {
		switch err = tryLock(f); {
		case err == nil:
			return f, note(f, holder)
		case !errors.Is(err, errHeld):
			_ = f.Close()
			return nil, fmt.Errorf("cannot lock it: %w", err)
		case time.Now().After(deadline):
			who, _ := os.ReadFile(file)
			_ = f.Close()
			return nil, fmt.Errorf("%w by %s (waited %s; wait for it to end, or use another --state DIR)", ErrLocked, orUnknown(who), Wait)
		}
	}
}

func note(f *os.File, holder string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "process %d, %s", os.Getpid(), holder), 0)
	return err
}

func orUnknown(who []byte) string {
	if len(who) == 0 {
		return "another process"
	}
	return string(who)
}

// checkVersion writes the version into a new part and refuses a newer one. An
// empty file is a new part, too: an earlier run was killed while it made it.
func checkVersion(file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return WriteFile(file, fmt.Appendln(nil, Version))
	}
	if err != nil {
		return cause(err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	switch {
	case err != nil:
		return fmt.Errorf("its version file does not hold a number: restore it, or use another --state DIR")
	case v > Version:
		return fmt.Errorf("it was written by a newer tapsim (layout %d, this one knows %d): use that one, or another --state DIR", v, Version)
	}
	return nil
}

// WriteFile makes a private file whole or not at all, whatever kills the
// program, and replaces one that is there.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Rename gives a file its final name, in the same folder, durably.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil || runtime.GOOS == "windows" { // which cannot sync a folder
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// cause strips the operation and path that os puts in front: our message names
// the folder itself.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
