package hce

import (
	"errors"
	"fmt"
	"math"
	"time"

	"tapsim/cryptogram"
)

// Unlimited is the number of uses of a card key.
const Unlimited = math.MaxInt

// MaxKeys bounds a stock of limited-use keys.
const MaxKeys = 1000

// Key is a key that makes application cryptograms: the card key of a plastic
// card, one limited-use key of a phone with its index and limits, or one
// single-use key of a phone with the transaction counter that it belongs to.
type Key struct {
	Key      *cryptogram.Key
	Index    cryptogram.KeyIndex // of a limited-use key
	ATC      uint16              // of a single-use key; 0 for the others
	Uses     int                 // cryptograms it may still make; Unlimited for a card key
	NotAfter time.Time           // it makes none after this; zero is for ever
	Amount   int64               // minor units that its payments may still add up to; 0 is no limit
}

// CardKey is the Env.Keys of a card that holds a card key.
func CardKey(k *cryptogram.Key) []Key { return []Key{{Key: k, Uses: Unlimited}} }

// stock is what kind of keys a card holds.
type stock byte

const (
	stockCardKey stock = iota + 1 // one card key
	stockIndexed                  // limited-use keys, each with an index
	stockCounted                  // single-use keys, each with a transaction counter
)

// usable is true when the key may make a cryptogram of a new tap at now: one
// that belongs to a counter only when that is still to come.
func (a *applet) usable(k *Key, now time.Time) bool {
	return k.Uses > 0 && (k.NotAfter.IsZero() || !now.After(k.NotAfter)) && (k.ATC == 0 || k.ATC > a.state.ATC)
}

// nextKey is the number of the key for a cryptogram at now over that amount,
// zeros where it is not known yet, or why there is none.
func (a *applet) nextKey(now time.Time, amount [6]byte) (int, Reason) {
	reason := ReasonNoKeys
	for i := range a.state.Keys {
		k := &a.state.Keys[i]
		switch {
		case a.usable(k, now) && k.covers(amount):
			return i, ReasonNone
		case a.usable(k, now):
			reason = ReasonKeyAmount
		case k.Uses > 0 && (k.ATC == 0 || k.ATC > a.state.ATC) && reason == ReasonNoKeys:
			reason = ReasonKeysExpired
		}
	}
	return 0, reason
}

// Remaining is how many cryptograms the keys of the first account may still make
// at now, at most Unlimited.
func (c *Card) Remaining(now time.Time) int {
	n, a := 0, &c.applets[0]
	for i := range a.state.Keys {
		if k := &a.state.Keys[i]; a.usable(k, now) {
			n = min(n, Unlimited-k.Uses) + k.Uses
		}
	}
	return n
}

// Held is the highest transaction counter that is used up or has a single-use
// key: new ones are needed from the next on.
func (c *Card) Held() uint16 {
	s := &c.applets[0].state
	held := s.ATC
	for i := range s.Keys {
		held = max(held, s.Keys[i].ATC)
	}
	return held
}

// AddKeys puts replenished keys behind those that the first account has and drops those
// that can no longer be used, but for that of the transaction under way.
func (c *Card) AddKeys(keys ...Key) error {
	now, a := c.env.Now(), &c.applets[0]
	kept := make([]Key, 0, len(a.state.Keys)+len(keys))
	for i := range a.state.Keys {
		k := &a.state.Keys[i]
		if a.usable(k, now) || k.Uses > 0 && a.state.Initiated && k.ATC == a.state.ATC {
			kept = append(kept, *k)
		}
	}
	kept = append(kept, keys...)
	if err := a.checkKeys(kept); err != nil {
		return fmt.Errorf("card %s: %w", c.name, err)
	}
	a.state.Keys = kept
	return nil
}

// checkKeys refuses keys that the card's recipe cannot use.
func (s *static) checkKeys(keys []Key) error {
	if s.stock == stockCardKey && len(keys) != 1 {
		return fmt.Errorf("%s takes one card key, not %d", s.recipe.Name, len(keys))
	}
	if len(keys) > MaxKeys {
		return fmt.Errorf("%d keys, a card holds at most %d", len(keys), MaxKeys)
	}
	seen := make(map[cryptogram.KeyIndex]bool, len(keys))
	atc := uint16(0)
	for i := range keys {
		k := &keys[i]
		switch {
		case k.Key == nil:
			return fmt.Errorf("key %d is missing", i+1)
		case k.Uses < 0:
			return fmt.Errorf("key %d has %d uses", i+1, k.Uses)
		case k.Key.Algorithm() != cryptogram.TDES || k.Key.Len() != 16:
			return fmt.Errorf("key %d: %s takes a double-length 3DES key, not %s", i+1, s.recipe.Name, k.Key)
		case s.stock == stockIndexed && !k.Index.Valid():
			return fmt.Errorf("key %d has no valid index", i+1)
		case s.stock == stockIndexed && seen[k.Index]:
			return errors.New("two keys have index " + k.Index.String())
		case s.stock == stockCounted && (k.ATC <= atc || k.Uses > 1):
			return fmt.Errorf("key %d is for counter %d and %d uses: single-use keys stand in the order of their counters", i+1, k.ATC, k.Uses)
		case s.stock != stockCounted && k.ATC != 0:
			return fmt.Errorf("key %d belongs to a counter, and %s takes no such keys", i+1, s.recipe.Name)
		}
		seen[k.Index], atc = true, k.ATC
	}
	return nil
}
