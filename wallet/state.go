package wallet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tapsim/hce"
	"tapsim/provisioning"
)

// State is what a wallet remembers. It holds no account number, no passcode and
// no key in the clear.
type State struct {
	Number   int64     `json:"number"` // of the last request to the service
	Cards    []Card    `json:"cards,omitempty"`
	Default  string    `json:"default,omitempty"` // name of a card
	Frozen   bool      `json:"frozen,omitempty"`  // the whole phone, by its owner
	Passcode Passcode  `json:"passcode,omitzero"`
	Session  []byte    `json:"session,omitempty"`    // while it is unlocked: sealed under the phone's secret
	Seen     time.Time `json:"seen,omitzero"`        // of the session: the latest moment at which the wallet was used
	TapAndGo *TapAndGo `json:"tap_and_go,omitempty"` // nil: the cards' own rules alone
	Notices  []Notice  `json:"notices,omitempty"`
	Coupons  []Coupon  `json:"coupons,omitempty"`
	Made     []Made    `json:"made,omitempty"` // payments without a reader
	Looks    []Look    `json:"looks,omitempty"`
	Looked   int64     `json:"looked,omitempty"` // number of the last Look
}

// Card is a card in the wallet.
type Card struct {
	Name     string    `json:"name"`
	Scheme   string    `json:"scheme"`
	Added    time.Time `json:"added"`
	Enrolled bool      `json:"enrolled"` // it has been given keys
	Frozen   bool      `json:"frozen"`   // by its owner
	provisioning.TokenState
	Verification *provisioning.Verification `json:"verification,omitempty"` // while a code is awaited
	Keys         KeyTimes                   `json:"keys,omitzero"`
	Cursor       int64                      `json:"cursor,omitempty"` // last event of the service that came
	Payments     []Payment                  `json:"payments,omitempty"`
}

// KeyTimes are when the last keys came and how long they are good, to fetch new
// ones in time.
type KeyTimes struct {
	Issued time.Time `json:"issued"`
	Until  time.Time `json:"until"`
}

// Payment is what the bank says about a payment.
type Payment struct {
	Time time.Time `json:"time"`
	provisioning.PaymentNotice
}

// UnmarshalJSON reads the time besides the notice, which has a way of its own.
func (p *Payment) UnmarshalJSON(text []byte) error {
	var v struct {
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	p.Time = v.Time
	return json.Unmarshal(text, &p.PaymentNotice)
}

// Notice is something that the wallet tells its owner.
type Notice struct {
	Time time.Time `json:"time"`
	Card string    `json:"card"`
	Kind string    `json:"kind"` // payment, declined, reversed, refunded, card
	Text string    `json:"text"`
	Read bool      `json:"read"`
}

// Bounds of what a wallet remembers; the oldest go.
const (
	maxCards    = 20
	maxNotices  = 500
	maxPayments = 500
	maxCoupons  = 100
	maxName     = 40
)

// card finds a card by its name, or by the last four digits of the card behind
// it where only one has them. One that was deleted gives way to others.
func (w *Wallet) card(name string) (*Card, error) {
	var found *Card
	for n := range w.state.Cards {
		c := &w.state.Cards[n]
		if c.Name == name {
			return c, nil
		}
		if c.LastFour == name && (found == nil || c.Status != statusDeleted) {
			if found != nil && found.Status != statusDeleted {
				return nil, refuse("ambiguous-card", "name it", "two cards end in %s", name)
			}
			found = c
		}
	}
	if found == nil {
		return nil, refuse("unknown-card", "see 'tapsim wallet list'", "the wallet has no card %q", name)
	}
	return found, nil
}

// Find is a card by its name or last four digits, or the default for "": where none
// was ever active, the first.
func (w *Wallet) Find(name string) (Card, error) {
	if name == "" {
		name = w.state.Default
	}
	if name == "" && len(w.state.Cards) > 0 {
		name = w.state.Cards[0].Name
	}
	if name == "" {
		return Card{}, refuse("no-card", "add one with 'tapsim wallet add'", "the wallet is empty")
	}
	c, err := w.card(name)
	if err != nil {
		return Card{}, err
	}
	return *c, nil
}

// checkName refuses names that a file cannot have or that are taken.
func (w *Wallet) checkName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	switch {
	case name == "" || len(name) > maxName || strings.Trim(name, letters) != "" || name[0] == '-':
		return refuse("bad-name", "", "a card's name has up to %d small letters, digits and dashes", maxName)
	case slices.ContainsFunc(w.state.Cards, func(c Card) bool { return c.Name == name }):
		return refuse("name-taken", "choose another one", "the wallet has a card %q already", name)
	}
	return nil
}

// nextDefault is the card that pays when the default is gone: the first that may,
// or else the first.
func (w *Wallet) nextDefault() string {
	if len(w.state.Cards) == 0 {
		return ""
	}
	at := slices.IndexFunc(w.state.Cards, func(c Card) bool { return w.stopOf(&c) == stop{} })
	return w.state.Cards[max(at, 0)].Name
}

// SetDefault makes a card the one that pays when none is named.
func (w *Wallet) SetDefault(name string) error {
	c, err := w.card(name)
	if err != nil {
		return err
	}
	w.state.Default = c.Name
	return w.save()
}

// lockOf is whether a card may be used at all.
func (w *Wallet) lockOf(c *Card) hce.Lock {
	if why := w.stopped(c); why != "" {
		return hce.LockBlocked
	}
	return hce.LockNone
}

// stop is why a card may not be used, and what its owner can do.
type stop struct {
	cause          Cause
	reason, remedy string
}

// askBank is what the owner of a card can do that somebody else suspended.
const askBank = "ask the bank why: only it lets the token pay again (tapsim bank token resume)"

// stopOf says why a card may not be used: nothing when it may.
func (w *Wallet) stopOf(c *Card) stop {
	switch {
	case w.state.Passcode.Dead:
		return stop{CauseLockedOut, "the wallet is locked out: the passcode was wrong too often", "remove all cards and add them again: tapsim wallet remove --all"}
	case w.state.Frozen:
		return stop{CauseFrozen, "the phone is frozen", "unfreeze it: tapsim wallet unfreeze"}
	case c.Frozen:
		return stop{CauseFrozen, "the card is frozen", "unfreeze it: tapsim wallet unfreeze " + c.Name}
	case c.Status == statusDeleted:
		return stop{CauseDeleted, "the card was deleted", "take it out of the wallet: tapsim wallet remove " + c.Name}
	case slices.Contains(c.HeldBy, "lost-phone"):
		return stop{CauseLost, "the phone was reported lost", "tell the bank that it is found: tapsim bank token found-phone " + c.Token[:min(8, len(c.Token))]}
	case c.Status == statusSuspended && len(c.HeldBy) > 0:
		return stop{CauseSuspended, "the card is suspended by the " + strings.Join(c.HeldBy, " and "), askBank}
	case c.Status == statusSuspended:
		return stop{CauseSuspended, "the card is suspended", askBank}
	case c.Status != statusActive:
		return stop{CausePhone, "the card is not active yet", "enter the bank's code: tapsim wallet activate " + c.Name + " --code-file -"}
	case w.expired(c):
		return stop{CauseExpired, "the card has expired", "renew it: tapsim wallet renew " + c.Name}
	case !c.Enrolled:
		return stop{CausePhone, "the card has no keys yet", "fetch them: tapsim wallet refill " + c.Name}
	}
	return stop{}
}

// stopped says why a card may not be used, "" when it may.
func (w *Wallet) stopped(c *Card) string { return w.stopOf(c).reason }

// refuseStopped is the refusal of a card that may not be used; nil when it may.
func (w *Wallet) refuseStopped(c *Card) error {
	if s := w.stopOf(c); s.reason != "" {
		return refuse("card-stopped", s.remedy, "%s cannot pay: %s", c.Name, s.reason)
	}
	return nil
}

// CheckStopped refuses a card that may not be used, and says what its owner can
// do.
func (w *Wallet) CheckStopped(name string) error {
	c, err := w.card(name)
	if err != nil {
		return err
	}
	return w.refuseStopped(c)
}

// expired is true from the first day after the month that the token is good for.
func (w *Wallet) expired(c *Card) bool {
	last, err := time.Parse("0601", c.Expiry)
	return err == nil && !w.now().Before(last.AddDate(0, 1, 0))
}

// Stopped says why a card may not pay, "" when it may.
func (w *Wallet) Stopped(name string) string {
	c, err := w.card(name)
	if err != nil {
		return err.Error()
	}
	return w.stopped(c)
}

// States of a token, as the service names them.
const (
	statusInactive  = "inactive"
	statusActive    = "active"
	statusSuspended = "suspended"
	statusDeleted   = "deactivated"
)

// applet is the live card behind a card of the wallet.
func (w *Wallet) applet(c *Card) (Applet, error) {
	p, err := w.env.Profile(c.Scheme, c.Name)
	if err != nil {
		return nil, err
	}
	a, err := w.env.Memory.Applet(p)
	if err != nil {
		return nil, fmt.Errorf("%w; what is left of the card can only be removed, to add it again: tapsim wallet remove %s", err, c.Name)
	}
	return a, nil
}

// apply brings the live card in line with what the wallet says of it.
func (w *Wallet) apply(c *Card) error {
	if !c.Enrolled {
		return nil
	}
	a, err := w.applet(c)
	if err != nil {
		return err
	}
	return a.SetLock(w.lockOf(c))
}

// applyAll does so for all cards.
func (w *Wallet) applyAll() error {
	for n := range w.state.Cards {
		if err := w.apply(&w.state.Cards[n]); err != nil {
			return err
		}
	}
	return nil
}

// note adds something to tell the owner.
func (w *Wallet) note(n Notice) {
	w.state.Notices = bounded(append(w.state.Notices, n), maxNotices)
}

// bounded drops the oldest.
func bounded[T any](list []T, most int) []T {
	if surplus := len(list) - most; surplus > 0 {
		return append(list[:0:0], list[surplus:]...)
	}
	return list
}

// Notices are what there is to tell, the oldest first; they count as read from
// then on.
func (w *Wallet) Notices() ([]Notice, error) {
	list := slices.Clone(w.state.Notices)
	for n := range w.state.Notices {
		w.state.Notices[n].Read = true
	}
	return list, w.save()
}

// Keys is how many payments a card is good for: none once the wallet is locked out
// for good.
func (w *Wallet) Keys(name string) (Stock, error) {
	c, err := w.card(name)
	if err != nil || !c.Enrolled || w.state.Passcode.Dead {
		return Stock{}, err
	}
	a, err := w.applet(c)
	if err != nil {
		return Stock{}, err
	}
	return a.Stock(), nil
}
