package vpcd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Again is how long Run waits before it goes back to a slot: longer than the
// service needs to notice that the card was gone.
const Again = time.Second

// maxAgain is how long it waits at most before it goes back to what was no
// virtual reader, each time twice as long as before.
const maxAgain = 30 * time.Second

// Run keeps a card in a slot until the context ends: when the reader goes away
// and comes back, the card does, too. Changed is told when the card is in the
// slot (nil) and why it is not. While another card is in the slot, which is
// ErrOccupied, this one waits for its turn.
func Run(ctx context.Context, addr string, c Config, changed func(error)) error {
	if _, err := c.prepare(); err != nil {
		return err
	}
	k := &keeper{addr: addr, config: c, changed: changed, told: map[string]bool{}, greet: greetTime, again: Again}
	for ctx.Err() == nil {
		k.stay(ctx)
		pause(ctx, k.again)
	}
	return nil
}

// keeper keeps a card in a slot.
type keeper struct {
	addr    string
	config  Config
	changed func(error)
	told    map[string]bool // since the card was in the slot: once, not each second
	greet   time.Duration
	again   time.Duration
}

// stay has the card in the slot once.
func (k *keeper) stay(ctx context.Context) {
	s, err := Insert(ctx, k.addr, k.config)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			s.Remove()
		}
		return
	case err != nil:
		k.again = Again
		k.tell(err)
		return
	}
	met, err := k.serve(ctx, s)
	var broken *brokenError
	switch {
	case ctx.Err() != nil:
	case met && err == nil:
		k.again = Again
		k.tell(errLeft)
	case met, errors.As(err, &broken):
		k.backOff()
		k.tell(err)
	default: // it has taken the card and never spoken to it
		k.backOff()
		k.tell(occupied(k.addr))
	}
}

// serve answers, and tells when the reader speaks for the first time or does not.
func (k *keeper) serve(ctx context.Context, s *Slot) (met bool, err error) {
	greeted, done := make(chan struct{}), make(chan error, 1)
	s.met = func() { close(greeted) }
	go func() { done <- s.Serve(ctx) }()
	silence := time.NewTimer(k.greet)
	defer silence.Stop()
	for {
		select {
		case <-greeted:
			k.told = map[string]bool{}
			k.changed(nil)
			return true, <-done
		case err := <-done:
			select {
			case <-greeted: // and gone in the same moment
				return true, err
			default:
				return false, err
			}
		case <-silence.C:
			k.tell(occupied(k.addr))
		}
	}
}

// tell tells what keeps the card out of the slot, once.
func (k *keeper) tell(err error) {
	if text := err.Error(); !k.told[text] {
		k.told[text] = true
		k.changed(err)
	}
}

func (k *keeper) backOff() { k.again = min(2*k.again, maxAgain) }

func occupied(addr string) error { return fmt.Errorf("%s: %w", addr, ErrOccupied) }

// errLeft is the end of a connection by the other side.
var errLeft = errors.New("the virtual reader let the card go")

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
