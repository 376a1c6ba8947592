//go:build unix

package statedir

import (
	"errors"
	"os"
	"syscall"
)

// errHeld says that another process holds the lock.
var errHeld = errors.New("held")

// tryLock takes an exclusive advisory lock, which the kernel releases when the
// process ends, however it ends.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
