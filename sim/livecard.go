package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tapsim/apdu"
	"tapsim/hce"
	"tapsim/internal/statedir"
	"tapsim/wallet/store"
)

// LiveCard is a card of the phone that answers for a long time while other
// commands use the phone as well. It takes the phone's lock for each exchange
// and, when another has changed the card meanwhile, reads it anew: the session
// is then over, but no counter repeats. It is an apdu.Responder.
type LiveCard struct {
	// Locked says that the owner has not unlocked the phone. Else they unlock it
	// for each tap.
	Locked bool
	// Trouble is told why an exchange failed that the card itself would have
	// answered. It is called while the exchange is under way.
	Trouble func(error)

	mu      sync.Mutex
	w       *World
	powered bool // and seen by a reader since
	removed bool // from the phone: there is no card, until it is added again
}

// OpenCard opens a card for a long time and, on first use, enrols it. Of the
// options, those about terminal and host are not used.
func OpenCard(ctx context.Context, o Options) (*LiveCard, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Field = nil
	w := &World{options: o, seed: runSeed(o.Seed), Clock: NewRunningClock(o.Now)}
	c := &LiveCard{w: w, Trouble: func(error) {}}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return c, w.Close() // and open again for each exchange
}

func (c *LiveCard) open(ctx context.Context) error {
	w := c.w
	if err := w.openProfile(); err != nil {
		return err
	}
	if w.options.Service != nil {
		w.tokens = setUpTokens{w}
		return w.openPhone(ctx)
	}
	_, err := w.openTokens(ctx, w.options.State)
	if errors.Is(err, statedir.ErrLocked) { // a bank is running: the phone gets its keys all the same
		_, err = w.openTokens(ctx, Memory)
	}
	if err != nil {
		return err
	}
	if err := w.openPhone(ctx); err != nil {
		return err
	}
	// Keys that are wanted later come from a token service of the phone's own:
	// the bank's memory is then another program's.
	if w.OfWallet() {
		w.wallet.Connect(nil)
	}
	_, err = w.openTokens(ctx, Memory)
	return err
}

// Profile is the card's.
func (c *LiveCard) Profile() hce.Profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.w.Profile
}

// Notes tell what was set up: one line each.
func (c *LiveCard) Notes() []string { return c.w.Notes }

// Deactivated tells the card that it lost the reader.
func (c *LiveCard) Deactivated(why hce.Deactivation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.powered = false
	c.w.card.Deactivated(why)
}

// Respond answers one command. What keeps the card from its memory is 6581, and
// told to Trouble. While the card is not on the phone any more, a SELECT is 6A82,
// as on a phone without cards.
func (c *LiveCard) Respond(command []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, err := c.respond(command)
	if err != nil {
		c.Trouble(err)
		return apdu.StatusMemoryFailure.Append(nil)
	}
	return answer
}

func (c *LiveCard) respond(command []byte) (answer []byte, err error) {
	defer func() { err = errors.Join(err, c.w.Close()) }()
	if err := c.lock(); err != nil {
		return nil, err
	}
	if c.removed {
		return withoutCard(command), nil
	}
	if !c.powered {
		if err := c.begin(); err != nil {
			return nil, err
		}
	}
	answer = c.w.card.Respond(command)
	if err := c.w.card.Err(); err != nil {
		return nil, fmt.Errorf("the phone could not keep its state: %w", err)
	}
	return answer, nil
}

// lock takes the phone's lock, and reads the card anew when it is not what it
// was. In memory nobody else has it.
func (c *LiveCard) lock() error {
	if c.w.memory() {
		return nil
	}
	dir, err := c.w.part("phone")
	if err != nil || !c.w.card.Stale() {
		return err
	}
	c.powered = false
	err = c.w.loadCard(dir)
	if !errors.Is(err, store.ErrNotEnrolled) {
		c.removed = c.removed && err != nil
		return err
	}
	if !c.removed { // once, not with each command
		c.Trouble(fmt.Errorf("%s was removed from the phone, which now answers as one without cards: %w", c.w.Profile.Name, err))
	}
	c.removed = true
	return nil
}

// withoutCard is the answer of a phone that has no card: nothing can be selected,
// and without a selection nothing else works.
func withoutCard(command []byte) []byte {
	const insSelect = 0xA4
	switch {
	case len(command) < 4:
		return apdu.StatusWrongLength.Append(nil)
	case command[0] == 0 && command[1] == insSelect:
		return apdu.StatusFileNotFound.Append(nil)
	}
	return apdu.StatusConditions.Append(nil)
}

// begin is the beginning of a tap: the owner has looked at the phone, which has
// fetched new keys when it needed some.
func (c *LiveCard) begin() error {
	c.powered = true
	if err := c.refill(); err != nil {
		c.Trouble(err) // the card says so itself, by declining
	}
	if c.w.guarded() {
		return c.w.prepareWallet(Request{Locked: c.Locked})
	}
	switch {
	case !c.w.Profile.Verifies():
		return nil
	case c.Locked:
		return c.w.card.Verified(time.Time{})
	}
	return c.w.unlock()
}

// patience is how long a tap waits for a token service.
const patience = 2 * time.Second

// refill fetches keys when the card is short of them. The token of a card of the
// wallet is known to its bank only, which must be a service.
func (c *LiveCard) refill() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case !c.w.OfWallet():
		return c.w.refill(ctx)
	case c.w.options.Service != nil && c.w.wallet.Stopped(c.w.walletCard) == "":
		c.w.wallet.Connect(c.w.options.Service)
		_, err := c.w.wallet.Refill(ctx, c.w.walletCard, false)
		return err
	}
	return nil
}
