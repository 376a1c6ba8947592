package store

import (
	"cmp"
	"slices"

	"tapsim/cryptogram"
	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// The stock under the passcode: keys whose wrapping was agreed with a public key
// whose private half only the passcode gives. While it is closed they lie in the
// file and nowhere else.

var _ wallet.Applet = (*Card)(nil)

// unwrapOne takes one key out of its wrapping.
func (c *Card) unwrapOne(k *storedKey) (*cryptogram.Key, error) {
	under := c.store.opt.DeviceKey
	if len(k.Agreement) > 0 {
		var err error
		if under, err = cryptogram.OpenWith(c.private, k.Agreement); err != nil {
			return nil, err
		}
	}
	return under.UnwrapKey(cryptogram.TDES, k.Wrapped)
}

// sleeping are the dormant keys that may still be of use to a card with that
// counter.
func (c *Card) sleeping(atc uint16) []storedKey {
	now := c.store.opt.Now()
	return slices.DeleteFunc(slices.Clone(c.dormant), func(k storedKey) bool {
		return k.ATC != 0 && k.ATC <= atc || now.After(k.NotAfter)
	})
}

// OpenStock takes the keys under the passcode into use, or with nil puts them
// back.
func (c *Card) OpenStock(private []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == nil || (private == nil) == (c.private == nil) {
		return nil
	}
	s := c.card.State()
	if private == nil {
		c.private = nil
		c.putToSleep(&s)
		return c.card.Restore(s)
	}
	dormant := c.sleeping(s.ATC)
	c.private, c.dormant = slices.Clone(private), nil
	keys, err := c.unwrap(dormant)
	if err == nil {
		s.Keys = append(s.Keys, keys...)
		slices.SortStableFunc(s.Keys, func(a, b hce.Key) int { return cmp.Compare(a.ATC, b.ATC) })
		err = c.card.Restore(s)
	}
	if err != nil {
		c.private, c.dormant = nil, dormant
	}
	return err
}

// putToSleep takes the keys of the stock out of a state.
func (c *Card) putToSleep(s *hce.State) {
	s.Keys = slices.DeleteFunc(s.Keys, func(k hce.Key) bool {
		stored, ok := c.wrapped[keyName{k.Index, k.ATC}]
		if !ok || len(stored.Agreement) == 0 {
			return false
		}
		if stored.Left, stored.Amount = k.Uses, k.Amount; k.Uses > 0 {
			c.dormant = append(c.dormant, stored)
		}
		return true
	})
}

// Seal moves the keys behind the first keep, or the first third for -1, into the
// stock under the passcode, which must be closed.
func (c *Card) Seal(keep int, seal wallet.Sealer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.card.State()
	if c.token == nil || c.private != nil {
		return nil
	}
	if keep < 0 {
		keep = max(1, len(s.Keys)/3)
	}
	for n := keep; n < len(s.Keys); n++ {
		k := &s.Keys[n]
		name := keyName{k.Index, k.ATC}
		stored := c.wrapped[name]
		wrapped, agreement, err := seal(k.Key)
		if err != nil {
			return err
		}
		stored.Wrapped, stored.Agreement = wrapped, agreement
		c.wrapped[name] = stored
	}
	c.putToSleep(&s)
	if err := c.card.Restore(s); err != nil {
		return err
	}
	return c.save()
}

// Stock is how many payments the keys are good for.
func (c *Card) Stock() wallet.Stock {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.card.State(), c.store.opt.Now()
	out := wallet.Stock{Ready: c.card.Remaining(now)}
	for _, k := range s.Keys {
		if k.Uses > 0 && now.Before(k.NotAfter) && k.NotAfter.After(out.Until) {
			out.Until = k.NotAfter
		}
	}
	for _, k := range c.sleeping(s.ATC) {
		out.Sealed += k.Left
	}
	return out
}

// SetAllowance sets, durably, what may be paid without verification.
func (c *Card) SetAllowance(a *hce.Allowance) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.card.SetAllowance(a)
	return c.save()
}

// Renew gives the card its token anew, with certificates where it signs, and
// further keys. Counter, keys and history stay.
func (c *Card) Renew(set provisioning.KeySet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sealed, err := c.store.seal(c.card.Name(), set.Token, set.Credentials)
	if err != nil {
		return err
	}
	stored, err := storedKeys(set.Keys)
	if err != nil {
		return err
	}
	r := c.record()
	r.Token, r.Keys, r.LastKey = &sealed, append(r.Keys, c.fresh(stored)...), lastIndex(stored, c.lastKey)
	slices.SortStableFunc(r.Keys, func(a, b storedKey) int { return cmp.Compare(a.ATC, b.ATC) })
	n, err := c.store.revive(c.profile, r)
	if err != nil {
		return err
	}
	c.card, c.profile, c.token, c.sealed = n.card, n.profile, n.token, n.sealed
	c.wrapped, c.dormant, c.private, c.lastKey = n.wrapped, n.dormant, nil, n.lastKey
	return c.save()
}
