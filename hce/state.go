package hce

import (
	"fmt"
	"time"

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
	ATC           uint16 // last value used
	Lock          Lock
	VerifiedUntil time.Time // the device has verified its owner; zero is not
	Keys          []Key     // with the uses that are left
	Selected      int       // number of the application selected, from 1; 0 is none
	Initiated     bool      // GET PROCESSING OPTIONS was answered since SELECT
	MChip         MChipState
}

// State is a copy of the card's state.
func (c *Card) State() State {
	s := c.state
	s.Keys = append([]Key(nil), s.Keys...)
	return s
}

// Restore puts a state back. Whoever goes back to a lower transaction counter
// than the card has answered with makes it repeat a cryptogram: only tests do.
func (c *Card) Restore(s State) error {
	if s.Selected < 0 || s.Selected > len(c.static.apps) {
		return fmt.Errorf("card %s: state selects application %d of %d", c.name, s.Selected, len(c.static.apps))
	}
	if int(s.Lock) >= len(lockNames) {
		return fmt.Errorf("card %s: state has no lock %d", c.name, s.Lock)
	}
	if a := s.MChip.OfflineAmount; a < 0 || a > emv.MaxAmount {
		return fmt.Errorf("card %s: state has approved %d offline", c.name, a)
	}
	if err := c.static.checkKeys(s.Keys); err != nil {
		return fmt.Errorf("card %s: %w", c.name, err)
	}
	s.Keys = append([]Key(nil), s.Keys...)
	c.state = s
	return nil
}

// SetLock locks or unlocks the card.
func (c *Card) SetLock(l Lock) { c.state.Lock = l }

// Verified tells the card that the device has verified its owner, by passcode
// or finger, and that this counts before until. The profile says whether one
// payment uses it up. The zero time takes it back. It outlives the tap: the
// customer verifies between two taps.
func (c *Card) Verified(until time.Time) { c.state.VerifiedUntil = until }

// isVerified is true inside the verification window.
func (c *Card) isVerified(now time.Time) bool { return now.Before(c.state.VerifiedUntil) }

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
func (c *Card) Deactivated(Deactivation) { c.state.Selected, c.state.Initiated = 0, false }

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
