package hce

import (
	"fmt"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// Lock says whether the card may be used.
type Lock byte

// Locks.
const (
	LockNone    Lock = iota
	LockHidden       // the wallet offers nothing now: SELECT answers 6A82, as phones do
	LockBlocked      // the application is blocked: SELECT answers 6283, GET PROCESSING OPTIONS 6985
)

var lockNames = [...]string{"none", "hidden", "blocked"}

// String is the name used in files.
func (l Lock) String() string { return nameIn(lockNames[:], int(l)) }

// ParseLock is the inverse of String.
func ParseLock(name string) (Lock, bool) {
	i, ok := indexIn(lockNames[:], name)
	return Lock(i), ok
}

// State is everything about a card that changes. It is a value: State copies
// it out, Restore puts it back, so that a test can run to an exchange, copy,
// tear and resume.
type State struct {
	AccountState                 // of the card's first account
	Others        []AccountState // of its others
	VerifiedUntil time.Time      // the device has verified its owner; zero is not
	Allowance     *Allowance     // what may be paid without; nil: the profile alone decides
	Selected      int            // number of the application selected, from 1; 0 is none
}

// AccountState is what changes in one account of a card. Slices in it are never
// changed in place, but for Keys.
type AccountState struct {
	ATC       uint16 // last value used
	Lock      Lock
	Keys      []Key // with the uses that are left
	Initiated bool  // GET PROCESSING OPTIONS was answered since SELECT
	Offline   OfflineState
	Request   OnlineRequest
	Tap       TapState
	MChip     MChipState
}

// OfflineState is what a card remembers of what it approved offline, in the
// minor units of its currency.
type OfflineState struct {
	Count  byte  // transactions in a row
	Abroad byte  // the same in other currencies
	Amount int64 // in all; of a purse, what was paid out of its first balance, less what was put in

	OnlineNext bool // the issuer wants to see the next transaction
}

// TapState is what a card at kernel 3 or 7 remembers of the transaction under
// way, until it is selected again or loses the reader: but what the purse has
// paid for stays readable until the next transaction, for a terminal that did
// not get the last record.
type TapState struct {
	Records []FilledRecord // with values of this transaction in them
	Unpaid  bool           // the purse pays once the last record is read
	Paid    bool           // it was read
	After   OfflineState   // what is in the purse then
}

// FilledRecord is a record with the values of one transaction.
type FilledRecord struct {
	SFI, Number byte
	Data        []byte
}

// State is a copy of the card's state.
func (c *Card) State() State {
	s := State{AccountState: c.applets[0].state.clone(), VerifiedUntil: c.verifiedUntil, Selected: c.selected}
	if c.allowance != nil {
		s.Allowance = new(*c.allowance)
	}
	for i := range c.applets[1:] {
		s.Others = append(s.Others, c.applets[1+i].state.clone())
	}
	return s
}

func (s AccountState) clone() AccountState {
	s.Keys = append([]Key(nil), s.Keys...)
	return s
}

// Restore puts a state back. Whoever goes back to a lower transaction counter
// than the card has answered with makes it repeat a cryptogram: only tests do.
func (c *Card) Restore(s State) error {
	if s.Selected < 0 || s.Selected > len(c.apps) {
		return fmt.Errorf("card %s: state selects application %d of %d", c.name, s.Selected, len(c.apps))
	}
	if len(s.Others) != len(c.applets)-1 {
		return fmt.Errorf("card %s: state has %d accounts, the card %d", c.name, 1+len(s.Others), len(c.applets))
	}
	all := append([]AccountState{s.AccountState}, s.Others...)
	for i := range all {
		if err := c.applets[i].check(&all[i]); err != nil {
			return fmt.Errorf("card %s: %w", c.name, err)
		}
	}
	for i := range all {
		c.applets[i].state = all[i].clone()
	}
	c.SetAllowance(s.Allowance)
	c.verifiedUntil, c.selected, c.applet = s.VerifiedUntil, s.Selected, &c.applets[0]
	if s.Selected > 0 {
		c.applet = &c.applets[c.apps[s.Selected-1].account]
	}
	return nil
}

// check refuses a state that the account cannot be in.
func (a *applet) check(s *AccountState) error {
	switch amount := s.Offline.Amount; {
	case int(s.Lock) >= len(lockNames):
		return fmt.Errorf("state has no lock %d", s.Lock)
	case a.ecash != nil && (amount > a.ecash.Balance || a.ecash.Balance-amount > a.ecash.Limit):
		return fmt.Errorf("state has a balance of %d, which the purse cannot hold", a.ecash.Balance-amount)
	case s.Request.Commands < 0 || s.Request.Commands > maxScripts:
		return fmt.Errorf("state has taken %d script commands, a card takes %d", s.Request.Commands, maxScripts)
	case a.ecash == nil && amount < 0 || amount > emv.MaxAmount:
		return fmt.Errorf("state has approved %d offline", amount)
	}
	return a.checkKeys(s.Keys)
}

// SetLock locks or unlocks the card, with all its accounts.
func (c *Card) SetLock(l Lock) {
	for i := range c.applets {
		c.applets[i].state.Lock = l
	}
}

// Verified tells the card that the device has verified its owner, by passcode
// or finger, and that this counts before until. The profile says whether one
// payment uses it up. The zero time takes it back. It outlives the tap: the
// customer verifies between two taps.
func (c *Card) Verified(until time.Time) { c.verifiedUntil = until }

// isVerified is true inside the verification window.
func (c *Card) isVerified(now time.Time) bool { return now.Before(c.verifiedUntil) }

// ShowsCode says that the phone itself asks for the next cryptogram, for a code
// that its owner shows (EMV QR, consumer-presented mode). Such a cryptogram is
// over zeros, good for any amount: from a reader the card of a phone does not take
// that question. It holds until the card is deactivated.
func (c *Card) ShowsCode() { c.showing = true }

// blank is true for a question of a reader that tells nothing.
func (c *Card) blank(e *cryptogram.Elements) bool {
	return !c.showing && e.Amount == [6]byte{} && e.TerminalCountry == [2]byte{} && e.Currency == [2]byte{} && e.Date == [3]byte{}
}

// Deactivation is why the card lost its reader. The values are those of
// Android's HostApduService.
type Deactivation int

// Reasons of HostApduService.onDeactivated.
const (
	LinkLoss   Deactivation = 0 // the field is gone
	Deselected Deactivation = 1 // SELECT went to another service
)

// Deactivated ends the tap, for either reason: the selection is dropped, the
// transaction counter, the keys used and the verification stay.
func (c *Card) Deactivated(Deactivation) {
	c.showing = false
	c.leave()
}

// leave ends what the selected application was about.
func (c *Card) leave() {
	c.selected, c.state.Initiated = 0, false
	if !c.state.Tap.Paid {
		c.state.Tap = TapState{}
	}
}

func nameIn(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("unknown (%d)", i)
	}
	return names[i]
}

func indexIn(names []string, name string) (int, bool) {
	for i, n := range names {
		if n == name && n != "" {
			return i, true
		}
	}
	return 0, false
}
