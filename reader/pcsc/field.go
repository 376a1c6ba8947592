package pcsc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tapsim/apdu"
	"tapsim/reader"
)

const (
	// usualPatience is how long a card may work on one command. Frames may wait
	// up to 4.9 s and be extended (ISO 14443-4); payment cards take a second.
	usualPatience = 10 * time.Second
	// glance is how long one question to the service lasts at most: a
	// cancellation that comes just before the question is lost.
	glance = time.Second
	// settle is longer than a virtual reader needs to notice that its card has
	// left: until then it names a card that cannot be connected to.
	settle = 500 * time.Millisecond
	// usualCalm is longer than a reader that has just come back needs to see the
	// card that lies there: a virtual one is told of it only then.
	usualCalm = 3 * time.Second
)

// Reader is a PC/SC reader as the field of a terminal: Activate waits for a card
// and connects to it, for this program alone; Off takes its power. It is not
// safe for concurrent use, except Card.Transceive, which then refuses.
type Reader struct {
	// Wait is how long Activate waits for a card before it is
	// reader.ErrNoCard; 0 is until its context ends.
	Wait time.Duration
	// Patience is how long a card may work on one command before it counts as
	// lost.
	Patience time.Duration

	name      string
	establish func() (service, error)
	unclaim   func()
	wait      service // the context that waits
	talk      service // the context that talks
	card      *Card
	torn      bool // the last card was lost
	calm      time.Duration
	// busy has an element while a call into the service is under way. Such a
	// call cannot be cut short; it may outlive the caller's context.
	busy chan struct{}
}

// Open finds a reader by its name, or by a part of it that no other reader's
// name has, and takes it for the caller.
func Open(name string) (*Reader, error) { return open(name, establish) }

func open(name string, establish func() (service, error)) (*Reader, error) {
	r := &Reader{Patience: usualPatience, calm: usualCalm, establish: patient(establish), busy: make(chan struct{}, 1)}
	if err := r.contexts(); err != nil {
		return nil, err
	}
	names, err := list(r.wait)
	if err == nil {
		r.name, err = find(names, name)
	}
	if err != nil {
		return nil, errors.Join(err, r.forget())
	}
	release, ok := claim(r.name)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s: %w", r.name, ErrInUse), r.forget())
	}
	r.unclaim = sync.OnceFunc(release)
	return r, nil
}

// Name is the reader's whole name.
func (r *Reader) Name() string { return r.name }

// Close switches the field off and gives the reader back.
func (r *Reader) Close() error {
	err := r.Off(context.Background(), 0)
	r.unclaim()
	return errors.Join(err, r.forget())
}

// contexts makes the two contexts unless they are there.
func (r *Reader) contexts() (err error) {
	for _, s := range []*service{&r.wait, &r.talk} {
		if *s != nil {
			continue
		}
		if *s, err = r.establish(); err != nil {
			*s = nil
			return explain(err)
		}
	}
	return nil
}

// forget drops the contexts; the next Activate makes new ones.
func (r *Reader) forget() error {
	var err error
	for _, s := range []*service{&r.wait, &r.talk} {
		if *s != nil {
			if e := letGo(*s); !serviceGone(e) {
				err = errors.Join(err, e)
			}
			*s = nil
		}
	}
	return err
}

// Activate waits for a card and connects to it. What is in the field already
// counts. It is reader.ErrNoCard when none came in time, and ErrBlocked when one
// lay there that the reader did not let go of.
func (r *Reader) Activate(ctx context.Context) (apdu.Transceiver, error) {
	c, err := r.Card(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Card is Activate for callers that want to know more about the card.
func (r *Reader) Card(ctx context.Context) (*Card, error) {
	if err := r.Off(ctx, 0); err != nil { // a connection from before
		return nil, err
	}
	inTime, end := ctx, func() {}
	if r.Wait > 0 {
		inTime, end = context.WithTimeout(ctx, r.Wait)
	}
	defer end()
	c, err := r.connect(inTime)
	switch {
	case err == nil:
		r.card = c
		return c, nil
	case len(r.busy) > 0: // connecting still
		r.abandon(nil)
		if ctx.Err() == nil {
			return nil, fmt.Errorf("%s: %w", r.name, ErrBlocked)
		}
		return nil, ctx.Err()
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case inTime.Err() != nil:
		return nil, reader.ErrNoCard
	}
	if serviceGone(err) {
		_ = r.forget()
	}
	return nil, fmt.Errorf("%s: %w", r.name, explain(err))
}

// connect waits until there is a card that can be connected to. One that has
// just left is still announced for a moment, and another may take its place
// unseen: after a loss the service gets the time to notice, and the card a reset.
func (r *Reader) connect(ctx context.Context) (*Card, error) {
	if err := r.contexts(); err != nil {
		return nil, err
	}
	torn, reset := r.torn, r.torn
	for {
		st, err := r.await(ctx, func(f flags) bool { return f&flagPresent != 0 && f&flagMute == 0 })
		if err != nil {
			return nil, err
		}
		if !torn {
			var c *Card
			if c, err = r.handle(ctx, reset); err == nil {
				r.torn = false
				return c, nil
			} else if !cardGone(err) {
				return nil, err
			}
		}
		if _, err := r.ask(ctx, st.flags, settle); err != nil && !errors.Is(err, codeTimeout) {
			return nil, err
		}
		torn = false
	}
}

// handle connects to the card, and resets it when asked.
func (r *Reader) handle(ctx context.Context, reset bool) (*Card, error) {
	c, talk := &Card{r: r}, r.talk
	err := r.call(ctx, func() (err error) {
		if c.handle, err = talk.connect(r.name); err != nil {
			return err
		}
		if reset {
			err = c.handle.reset()
		}
		if err == nil {
			c.atr, err = c.handle.atr()
			c.atr = withoutPadding(c.atr)
		}
		if err != nil {
			_ = c.handle.disconnect(false)
		}
		return err
	}, func() { _ = c.handle.disconnect(true) })
	return c, err
}

// Removed waits until no card is in the field.
func (r *Reader) Removed(ctx context.Context) error {
	if err := r.contexts(); err != nil {
		return err
	}
	_, err := r.await(ctx, func(f flags) bool { return f&flagPresent == 0 })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", r.name, explain(err))
	}
	return err
}

// Returned waits until the service is there and knows the reader: it was
// unplugged, or the service restarted.
func (r *Reader) Returned(ctx context.Context) error {
	t := time.NewTicker(settle)
	defer t.Stop()
	for {
		if err := r.contexts(); err == nil {
			names, err := list(r.wait)
			if err == nil && slices.Contains(names, r.name) {
				return nil
			}
			if serviceGone(err) {
				_ = r.forget()
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Cleared waits, after the service or the reader was gone, until they are back
// and the field has been empty for a while: what lay there and lies there still
// is not seen at once.
func (r *Reader) Cleared(ctx context.Context) error {
	for {
		if err := r.Returned(ctx); err != nil {
			return err
		}
		empty, err := r.staysEmpty(ctx)
		switch {
		case empty:
			return nil
		case serviceGone(err):
			_ = r.forget()
		}
		if err != nil {
			if err := pause(ctx, settle); err != nil {
				return err
			}
		}
	}
}

// staysEmpty waits until the field is empty, and is true when it stays so.
func (r *Reader) staysEmpty(ctx context.Context) (bool, error) {
	st, err := r.await(ctx, func(f flags) bool { return f&flagPresent == 0 })
	for begun := time.Now(); err == nil; {
		left := r.calm - time.Since(begun)
		if left <= 0 {
			return true, nil
		}
		if _, err = r.ask(ctx, st.flags, min(left, glance)); err == nil {
			return false, nil // something happened
		}
		if errors.Is(err, codeTimeout) {
			err = nil
		}
	}
	return false, err
}

// await waits for a state of the reader.
func (r *Reader) await(ctx context.Context, right func(flags) bool) (state, error) {
	var known flags
	for {
		st, err := r.ask(ctx, known, glance)
		switch {
		case errors.Is(err, codeTimeout):
			continue
		case err != nil:
			return st, err
		case st.flags&(flagUnknown|flagUnavailable) != 0:
			return st, codeReaderUnavailable
		case right(st.flags):
			return st, nil
		}
		known = st.flags
	}
}

// ask asks for the state of the reader once; the end of ctx cuts it short.
func (r *Reader) ask(ctx context.Context, known flags, timeout time.Duration) (state, error) {
	if err := ctx.Err(); err != nil {
		return state{}, err
	}
	wait := r.wait
	stop := context.AfterFunc(ctx, func() { _ = wait.cancel() })
	defer stop()
	st, err := within(timeout+serviceTime, func() (state, error) { return wait.status(r.name, known, timeout) },
		func(state, error) { _ = wait.release() })
	switch {
	case errors.Is(err, errSilent): // the context is of no use until that comes back
		r.wait = nil
	case err == nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, codeCancelled): // meant for a question before this one
		err = codeTimeout
	}
	return st, err
}

// Off takes the card's power and leaves the field off for d. A card that is
// gone has none.
func (r *Reader) Off(ctx context.Context, d time.Duration) error {
	if c := r.card; c != nil {
		r.card = nil
		// pcscd that takes the power of a card that has left may not see the next
		// one come.
		unpower := c.lost.Load() == nil
		r.torn = !unpower
		err := errStuck
		if unpower || len(r.busy) == 0 { // else it was lost by not coming back
			err = r.call(ctx, func() error { return c.handle.disconnect(unpower) }, nil)
		}
		if errors.Is(err, errStuck) {
			r.abandon(c.handle)
		}
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if d <= 0 {
		return nil
	}
	return pause(ctx, d)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// abandon leaves a call that does not come back to itself: when the card lets go
// of it, the connection, if there is one, ends.
func (r *Reader) abandon(h handle) {
	busy, talk := r.busy, r.talk
	r.talk, r.busy = nil, make(chan struct{}, 1)
	go func() {
		busy <- struct{}{}
		if h != nil {
			_ = h.disconnect(true)
		}
		_ = talk.release()
	}()
}

// errStuck says that a call did not come back in the reader's patience.
var errStuck = errors.New("the reader does not come back from the last command")

// call runs f, which cannot be cut short, and waits for it until the context
// ends or patience does. Undone, when not nil, is for an f that succeeds after
// nobody waits for it any more.
func (r *Reader) call(ctx context.Context, f func() error, undone func()) error {
	t := time.NewTimer(r.Patience)
	defer t.Stop()
	select {
	case r.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return errStuck
	}
	return r.run(ctx, t.C, f, undone)
}

// run runs f for somebody who has put the element into busy.
func (r *Reader) run(ctx context.Context, late <-chan time.Time, f func() error, undone func()) error {
	busy, done := r.busy, make(chan error, 1)
	var settled atomic.Bool // by f coming back, or by nobody waiting for it any more
	go func() {
		err := f()
		inTime := settled.CompareAndSwap(false, true)
		if !inTime && err == nil && undone != nil {
			undone()
		}
		<-busy
		done <- err
	}()
	err := errStuck
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-late:
	}
	if !settled.CompareAndSwap(false, true) { // it came back this very moment
		return <-done
	}
	return err
}
