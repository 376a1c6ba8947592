package store

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// maxHistory is how many taps a card remembers.
const maxHistory = 500

// Card is a live card whose state outlives the program. It is an
// apdu.Responder, safe for concurrent use.
type Card struct {
	mu      sync.Mutex
	store   *Store
	card    *hce.Card
	profile hce.Profile
	token   *provisioning.Token // nil for a card with a key of its own
	sealed  *sealedToken
	wrapped map[keyName]storedKey
	dormant []storedKey // of the stock under the passcode, while that is closed
	private []byte      // what opens it; nil while it is closed
	lastKey hexes       // index of the limited-use key that came last, used up or not
	history []Entry
	pending []hce.Tap   // not in the history yet: entries cost what a tap in memory should not
	file    fs.FileInfo // as this card read or wrote it last; nil in memory
	err     error
}

var _ apdu.Responder = (*Card)(nil)

// Format prints the card's name, whatever the verb: a card holds keys.
func (c *Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "card "+c.Name()) }

// keyName is what a key goes by: the index of a limited-use key or the counter
// of a single-use key.
type keyName struct {
	index cryptogram.KeyIndex
	atc   uint16
}

// revive makes a live card from its record.
func (s *Store) revive(p hce.Profile, r record) (*Card, error) {
	c := &Card{store: s, sealed: r.Token, history: r.History, wrapped: map[keyName]storedKey{}, lastKey: r.LastKey}
	keys := hce.CardKey(p.CardKey)
	if r.Token != nil {
		token, credentials, err := s.unseal(p.Name, *r.Token)
		if err != nil {
			return nil, err
		}
		c.token = &token
		p = wallet.WithToken(p, token)
		if credentials != nil {
			if p.Authentication, err = s.authentication(credentials); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
		}
		if keys, err = c.unwrap(r.Keys); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	c.profile = p
	state, err := r.state(&p, keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	if c.card, err = hce.New(p, hce.Env{Now: s.opt.Now, Rand: s.opt.Rand, Keys: keys}); err != nil {
		return nil, err
	}
	return c, c.card.Restore(state)
}

// Respond answers a command. When the card's counter has moved, or anything
// else that must last, the answer waits until the new state is durable; if that
// fails, the terminal gets 6581 instead, and Err tells why.
func (c *Card) Respond(command []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.card.Revision()
	answer := c.card.Respond(command)
	if c.card.Revision() == before {
		return answer
	}
	if tap, ok := c.card.Last(); ok {
		c.remember(tap)
	}
	if c.err = c.save(); c.err != nil {
		return apdu.StatusMemoryFailure.Append(nil)
	}
	return answer
}

// Err is why the last tap could not be made durable; nil when it was.
func (c *Card) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Deactivated tells the card that it lost the reader.
func (c *Card) Deactivated(why hce.Deactivation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.card.Deactivated(why)
}

// ShowsCode tells the card that the phone itself asks for the next cryptogram, for
// a code.
func (c *Card) ShowsCode() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.card.ShowsCode()
}

// Verified tells the card, durably, that its owner was verified and that this
// counts before until.
func (c *Card) Verified(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.card.State().VerifiedUntil.Equal(until) {
		return nil
	}
	c.card.Verified(until)
	return c.save()
}

// SetLock locks or unlocks the card, durably.
func (c *Card) SetLock(l hce.Lock) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.card.State().Lock == l {
		return nil
	}
	c.card.SetLock(l)
	return c.save()
}

// AddKeys puts replenished keys on the card, durably, behind those that are
// left. Keys of another token are refused.
func (c *Card) AddKeys(set provisioning.KeySet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.token == nil:
		return fmt.Errorf("%s holds a card key of its own and takes no others", c.card.Name())
	case set.Token.PAN != c.token.PAN || set.Token.PSN != c.token.PSN:
		return fmt.Errorf("%s: the keys are for token %s, the card is %s", c.card.Name(), set.Token.PAN, c.token.PAN)
	}
	if err := checkKind(&c.profile, set.Kind); err != nil {
		return err
	}
	stored, err := storedKeys(set.Keys)
	if err != nil {
		return fmt.Errorf("%s: %w", c.card.Name(), err)
	}
	fresh := c.fresh(stored)
	if len(fresh) == 0 {
		return fmt.Errorf("%s: none of the %d keys is new", c.card.Name(), len(stored))
	}
	before, dormant := c.wrapped, c.dormant
	c.wrapped, c.dormant = maps.Clone(before), slices.Clone(dormant)
	keys, err := c.unwrap(fresh)
	if err == nil {
		err = c.card.AddKeys(keys...)
	}
	if err != nil {
		c.wrapped, c.dormant = before, dormant
		return err
	}
	c.lastKey = lastIndex(stored, c.lastKey)
	return c.save()
}

// fresh leaves out the keys that the phone has: a clock that was set back can
// bring them a second time, and they are good for what is left of them.
func (c *Card) fresh(stored []storedKey) []storedKey {
	has := c.record().Keys
	return slices.DeleteFunc(slices.Clone(stored), func(k storedKey) bool {
		return len(k.Index) > 0 && slices.ContainsFunc(has, func(h storedKey) bool {
			return bytes.Equal(h.Index, k.Index) && bytes.Equal(h.CheckValue, k.CheckValue)
		})
	})
}

// lastIndex is the index of the last of some keys, or an earlier one where they
// have none.
func lastIndex(keys []storedKey, earlier hexes) hexes {
	if n := len(keys); n > 0 && len(keys[n-1].Index) > 0 {
		return keys[n-1].Index
	}
	return earlier
}

// unwrap takes keys into use: out of their wrapping, checked against their
// check value. Those of the stock under the passcode stay as they are while that
// is closed.
func (c *Card) unwrap(stored []storedKey) ([]hce.Key, error) {
	keys := make([]hce.Key, 0, len(stored))
	for i, k := range stored {
		name, err := k.name()
		if err != nil {
			return nil, fmt.Errorf("limited-use key %d: %w", i+1, err)
		}
		if len(k.Agreement) > 0 && c.private == nil {
			c.dormant = append(c.dormant, k)
			continue
		}
		key, err := c.unwrapOne(&k)
		if err != nil {
			return nil, fmt.Errorf("limited-use key %d: %w", i+1, err)
		}
		if got := key.CheckValue(); string(got[:]) != string(k.CheckValue) {
			return nil, fmt.Errorf("limited-use key %d: its check value is %X, %X was announced", i+1, got, []byte(k.CheckValue))
		}
		keys = append(keys, hce.Key{Key: key, Index: name.index, ATC: name.atc, Uses: k.Left, NotAfter: k.NotAfter, Amount: k.Amount})
		c.wrapped[name] = k
	}
	return keys, nil
}

// checkKind refuses keys of another kind than the profile works with.
func checkKind(p *hce.Profile, kind provisioning.KeyKind) error {
	want := provisioning.IndexedKeys
	if p.SingleUse {
		want = provisioning.SingleUseKeys
	}
	if kind != want {
		return fmt.Errorf("%s works with %s keys, these are %s", p.Name, want, kind)
	}
	return nil
}

// save makes the state durable; in memory it is that already.
func (c *Card) save() error {
	if c.store.disk == nil {
		return nil
	}
	err := c.store.disk.write(c.card.Name(), c.record())
	c.file = c.store.disk.stat(c.card.Name())
	return err
}

// record is what the card is made from again.
func (c *Card) record() record {
	s := c.card.State()
	r := record{
		Card: c.card.Name(), account: accountOf(&s.AccountState), VerifiedUntil: s.VerifiedUntil, Token: c.sealed, History: c.recent(),
		Allowance: (*allowance)(s.Allowance),
	}
	for i := range s.Others {
		r.Others = append(r.Others, accountOf(&s.Others[i]))
	}
	if c.token == nil {
		return r
	}
	r.LastKey = c.lastKey
	for _, k := range s.Keys {
		past := k.ATC != 0 && k.ATC <= s.ATC
		if stored, ok := c.wrapped[keyName{k.Index, k.ATC}]; ok && k.Uses > 0 && !past { // what is used up is forgotten
			stored.Left, stored.Amount = k.Uses, k.Amount
			r.Keys = append(r.Keys, stored)
		}
	}
	r.Keys = append(r.Keys, c.sleeping(s.ATC)...)
	return r
}
