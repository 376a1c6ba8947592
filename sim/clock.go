package sim

import (
	"context"
	"sync"
	"time"
)

// Clock is the time of a world. In a simulated one it starts where it is told
// and moves only when somebody waits: a field that stays off for 1.3 s takes none
// of the user's time. Beside real hardware it starts there, too, and runs.
type Clock struct {
	begun time.Time // on the system's clock; zero for one that stands

	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// NewRunningClock makes a clock that shows now and runs.
func NewRunningClock(now time.Time) *Clock { return &Clock{now: now, begun: time.Now()} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	if !c.begun.IsZero() {
		return c.now.Add(time.Since(c.begun))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep lets d pass.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.begun.IsZero() {
		return sleep(ctx, d)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return nil
}

// sleep waits on the system's clock.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
