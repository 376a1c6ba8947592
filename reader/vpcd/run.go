package vpcd

import (
	"context"
	"time"
)

// Again is how long Run waits before it goes back to a slot: longer than the
// service needs to notice that the card was gone.
const Again = time.Second

// Run keeps a card in a slot until the context ends: when the reader goes away
// and comes back, the card does, too. Changed is told when the card is in the
// slot (nil) and why it is not.
func Run(ctx context.Context, addr string, c Config, changed func(error)) error {
	if _, err := c.prepare(); err != nil {
		return err
	}
	var last string
	for ctx.Err() == nil {
		s, err := Insert(ctx, addr, c)
		if err == nil {
			changed(nil)
			err = s.Serve(ctx)
			last = ""
			if ctx.Err() != nil {
				return nil
			}
			if err == nil {
				err = errLeft
			}
		}
		if ctx.Err() == nil && err.Error() != last { // once, not each second
			last = err.Error()
			changed(err)
		}
		pause(ctx, Again)
	}
	return nil
}

type leftError struct{}

func (leftError) Error() string { return "the virtual reader let the card go" }

// errLeft is the end of a connection by the other side.
var errLeft error = leftError{}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
