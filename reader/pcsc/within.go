package pcsc

import (
	"errors"
	"fmt"
	"time"
)

// serviceTime is how long the service may take to answer a question of its own,
// which takes it milliseconds.
const serviceTime = 3 * time.Second

// errSilent is an answer that the service owes.
var errSilent = fmt.Errorf("%w: it has not answered within %s", ErrNoService, serviceTime)

// within waits at most d for a call into the service, which nothing can cut
// short: another program's command to the same reader may hold it for ever. What
// comes after that goes to late.
func within[T any](d time.Duration, f func() (T, error), late func(T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done, gone := make(chan result), make(chan struct{})
	go func() {
		v, err := f()
		select {
		case done <- result{v, err}:
		case <-gone:
			late(v, err)
		}
	}()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-t.C:
		close(gone)
		var none T
		return none, errSilent
	}
}

// patient makes contexts as establish does, and gives up on a service that is
// silent.
func patient(establish func() (service, error)) func() (service, error) {
	return func() (service, error) {
		return within(serviceTime, establish, func(s service, err error) {
			if err == nil {
				_ = s.release()
			}
		})
	}
}

// names asks for the readers' names.
func names(s service) ([]string, error) {
	return within(serviceTime, s.readers, func([]string, error) {})
}

// letGo gives a context back. One with a call that does not come back cannot be
// given back before that does: it is left to itself.
func letGo(s service) error {
	_, err := within(serviceTime, func() (struct{}, error) { return struct{}{}, s.release() }, func(struct{}, error) {})
	if errors.Is(err, errSilent) {
		return nil
	}
	return err
}
