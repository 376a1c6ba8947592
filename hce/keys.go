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
// card, or one limited-use key of a phone with its index and limits.
type Key struct {
	Key      *cryptogram.Key
	Index    cryptogram.KeyIndex // zero for a card key
	Uses     int                 // cryptograms it may still make; Unlimited for a card key
	NotAfter time.Time           // it makes none after this; zero is for ever
}

// CardKey is the Env.Keys of a card that holds a card key.
func CardKey(k *cryptogram.Key) []Key { return []Key{{Key: k, Uses: Unlimited}} }

// usable is true when the key may make a cryptogram at now.
func (k *Key) usable(now time.Time) bool {
	return k.Uses > 0 && (k.NotAfter.IsZero() || !now.After(k.NotAfter))
}

// nextKey is the number of the key for a cryptogram at now, or why there is
// none.
func (c *Card) nextKey(now time.Time) (int, Reason) {
	reason := ReasonNoKeys
	for i := range c.state.Keys {
		if c.state.Keys[i].usable(now) {
			return i, ReasonNone
		}
		if c.state.Keys[i].Uses > 0 {
			reason = ReasonKeysExpired
		}
	}
	return 0, reason
}

// Remaining is how many cryptograms the keys may still make at now, at most
// Unlimited.
func (c *Card) Remaining(now time.Time) int {
	n := 0
	for i := range c.state.Keys {
		if k := &c.state.Keys[i]; k.usable(now) {
			n = min(n, Unlimited-k.Uses) + k.Uses
		}
	}
	return n
}

// AddKeys puts replenished keys behind those that are there and drops those
// that can no longer be used.
func (c *Card) AddKeys(keys ...Key) error {
	now := c.env.Now()
	kept := make([]Key, 0, len(c.state.Keys)+len(keys))
	for i := range c.state.Keys {
		if c.state.Keys[i].usable(now) {
			kept = append(kept, c.state.Keys[i])
		}
	}
	kept = append(kept, keys...)
	if err := c.static.checkKeys(kept); err != nil {
		return fmt.Errorf("card %s: %w", c.name, err)
	}
	c.state.Keys = kept
	return nil
}

// checkKeys refuses keys that the card's recipe cannot use.
func (s *static) checkKeys(keys []Key) error {
	limited := s.recipe.Session == cryptogram.SessionLimitedUse
	if !limited && len(keys) != 1 {
		return fmt.Errorf("%s takes one card key, not %d", s.recipe.Name, len(keys))
	}
	if len(keys) > MaxKeys {
		return fmt.Errorf("%d keys, a card holds at most %d", len(keys), MaxKeys)
	}
	seen := make(map[cryptogram.KeyIndex]bool, len(keys))
	for i := range keys {
		k := &keys[i]
		switch {
		case k.Key == nil:
			return fmt.Errorf("key %d is missing", i+1)
		case k.Uses < 0:
			return fmt.Errorf("key %d has %d uses", i+1, k.Uses)
		case k.Key.Algorithm() != cryptogram.TDES || k.Key.Len() != 16:
			return fmt.Errorf("key %d: %s takes a double-length 3DES key, not %s", i+1, s.recipe.Name, k.Key)
		case limited && !k.Index.Valid():
			return fmt.Errorf("key %d has no valid index", i+1)
		case limited && seen[k.Index]:
			return errors.New("two keys have index " + k.Index.String())
		}
		seen[k.Index] = true
	}
	return nil
}
