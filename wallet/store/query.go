package store

import (
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// Info is what a wallet shows of a card.
type Info struct {
	Name          string    `json:"name"`
	Token         emv.PAN   `json:"token,omitempty"` // shows masked; empty for a card with a key of its own
	LastFour      string    `json:"last_four,omitempty"`
	Expiry        string    `json:"expiry,omitempty"` // YYMM
	ATC           uint16    `json:"atc"`
	Lock          string    `json:"lock"`
	VerifiedUntil time.Time `json:"verified_until,omitzero"`
	Remaining     int       `json:"remaining"`              // cryptograms that the keys may still make
	KeysUntil     time.Time `json:"keys_until,omitzero"`    // end of the last usable key
	LastReason    string    `json:"last_refusal,omitempty"` // why the last tap of this run was not sent online
}

// Info tells the card's state.
func (c *Card) Info() Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.card.State(), c.store.opt.Now()
	i := Info{
		Name: c.card.Name(), ATC: s.ATC, Lock: s.Lock.String(), VerifiedUntil: s.VerifiedUntil, Remaining: c.card.Remaining(now),
	}
	if c.token != nil {
		i.Token, i.LastFour, i.Expiry = c.token.PAN, c.token.LastFour, c.token.Expiry
	}
	for _, k := range s.Keys {
		if k.Uses > 0 && now.Before(k.NotAfter) && k.NotAfter.After(i.KeysUntil) {
			i.KeysUntil = k.NotAfter
		}
	}
	if tap, ok := c.card.Last(); ok && tap.Reason != hce.ReasonNone {
		i.LastReason = tap.Reason.String()
	}
	return i
}

// Remaining is how many cryptograms the keys may still make now: when it runs
// low, ask the token service for more.
func (c *Card) Remaining() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.card.Remaining(c.store.opt.Now())
}

// Held is the highest transaction counter that is used up or has a single-use
// key, for the token service to go on from.
func (c *Card) Held() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.card.Held()
	for _, k := range c.dormant {
		held = max(held, k.ATC)
	}
	return held
}

// ATC is the transaction counter: the last value used.
func (c *Card) ATC() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.card.ATC()
}

// LastKey is the index of the limited-use key that came last, used up or not,
// for the token service to go on from; zeros when none came.
func (c *Card) LastKey() (index [4]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(index[:], c.lastKey)
	return index
}

// Profile is what the card was made of, with its token and certificates.
func (c *Card) Profile() hce.Profile { return c.profile }

// Token is the token on the card; false for a card with a key of its own.
func (c *Card) Token() (provisioning.Token, bool) {
	if c.token == nil {
		return provisioning.Token{}, false
	}
	return *c.token, true
}

// Last tells what the last tap of this run came to; see hce.Card.Last.
func (c *Card) Last() (hce.Tap, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.card.Last()
}

// Name is the name of the card's profile.
func (c *Card) Name() string { return c.card.Name() }

// Entry is a tap in the history.
type Entry = wallet.Tap

// History lists the last taps, the oldest first, at most 500.
func (c *Card) History() []Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Entry(nil), c.recent()...)
}

// remember keeps a tap for the history; old ones go in batches. What a tap came
// to takes the place of how it began.
func (c *Card) remember(t hce.Tap) {
	if n := len(c.pending); n > 0 && c.pending[n-1].ATC == t.ATC && c.pending[n-1].Time.Equal(t.Time) {
		c.pending[n-1] = t
		return
	}
	if n := len(c.history); len(c.pending) == 0 && n > 0 && c.history[n-1].ATC == t.ATC && c.history[n-1].Time.Equal(t.Time) {
		c.history = c.history[:n-1]
	}
	if len(c.pending) == 2*maxHistory {
		c.pending = append(c.pending[:0], c.pending[maxHistory:]...)
	}
	c.pending = append(c.pending, t)
}

// recent is the history with the pending taps in it and the oldest gone.
func (c *Card) recent() []Entry {
	for i := range c.pending {
		c.history = append(c.history, entryOf(&c.pending[i]))
	}
	c.pending = c.pending[:0]
	if surplus := len(c.history) - maxHistory; surplus > 0 {
		c.history = append(c.history[:0], c.history[surplus:]...)
	}
	return c.history
}

func entryOf(t *hce.Tap) Entry {
	e := Entry{
		Time: t.Time, ATC: t.ATC, Amount: -1, Currency: threeDigits(t.Currency), Country: threeDigits(t.Country),
		Type: fmt.Sprintf("%02X", t.Type), Answer: t.Status.String(), CVM: t.CVM.String(),
	}
	if v, err := emv.BCD(t.Amount[:]); err == nil {
		e.Amount = int64(v)
	}
	switch {
	case t.Reason == hce.ReasonOpen || t.Reason == hce.ReasonRecovered:
		e.Answer = "none"
	case t.Status.OK():
		e.Answer = t.Cryptogram.String()
	}
	if t.Reason != hce.ReasonNone {
		e.Reason = t.Reason.String()
	}
	return e
}

// threeDigits is a code of format n 3.
func threeDigits(bcd [2]byte) string { return fmt.Sprintf("%04X", bcd)[1:] }
