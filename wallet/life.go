package wallet

import (
	"context"
	"slices"

	"tapsim/provisioning"
)

// call makes a step in a token's life at the service.
func (w *Wallet) call(ctx context.Context, c *Card, verb provisioning.Verb) error {
	r := &provisioning.TokenCall{Token: c.Token, Verb: verb}
	if err := w.sign(r); err != nil {
		return err
	}
	state, err := w.env.Service.CallToken(ctx, r)
	if err != nil {
		return err
	}
	c.TokenState = state
	return nil
}

// Freeze stops a card, or with "" the whole phone: on the phone at once, at the
// service as soon as it can be reached.
func (w *Wallet) Freeze(ctx context.Context, name string) error {
	if name == "" {
		if w.state.Frozen {
			return refuse("already-frozen", "", "the phone is frozen already")
		}
		w.state.Frozen = true
		return w.tellFrozen(ctx)
	}
	c, err := w.card(name)
	switch {
	case err != nil:
		return err
	case c.Frozen:
		return refuse("already-frozen", "", "the card is frozen already")
	case c.Status == statusInactive:
		return refuse("token-inactive", "remove it instead", "the card is not active yet")
	case c.Status == statusDeleted:
		return refuse("token-deleted", "", "the card was deleted")
	}
	c.Frozen = true
	return w.tellFrozen(ctx)
}

// Unfreeze is the inverse of Freeze. A card that somebody else suspended stays
// suspended. Where there is a passcode the wallet must be unlocked: anybody may
// stop a phone that they found, but only its owner lets it pay again.
func (w *Wallet) Unfreeze(ctx context.Context, name string) error {
	if _, open := w.Unlocked(); w.state.Passcode.Set() && !open {
		return refuse("wallet-locked", "unlock it first: tapsim wallet unlock", "what is frozen is unfrozen while the wallet is unlocked")
	}
	if name == "" {
		if !w.state.Frozen {
			return refuse("not-frozen", "", "the phone is not frozen")
		}
		w.state.Frozen = false
		return w.tellFrozen(ctx)
	}
	c, err := w.card(name)
	switch {
	case err != nil:
		return err
	case !c.Frozen && w.state.Frozen:
		return refuse("phone-frozen", "unfreeze the phone", "the card is not frozen, the phone is")
	case !c.Frozen:
		return refuse("not-frozen", "", "the card is not frozen")
	}
	c.Frozen = false
	return w.tellFrozen(ctx)
}

// tellFrozen saves what was frozen, locks the cards and tells the service. A
// service that cannot be reached is told at the next poll.
func (w *Wallet) tellFrozen(ctx context.Context) error {
	if err := w.save(); err != nil {
		return err
	}
	if err := w.applyAll(); err != nil {
		return err
	}
	for n := range w.state.Cards {
		err := w.settle(ctx, &w.state.Cards[n])
		if err != nil && Code(err) != "offline" {
			return err
		}
	}
	return w.applyAll()
}

// settle brings a token at the service in line with what its owner froze.
func (w *Wallet) settle(ctx context.Context, c *Card) error {
	frozen := w.state.Frozen || c.Frozen
	held := slices.Contains(c.HeldBy, "user")
	var verb provisioning.Verb
	switch {
	case c.Status != statusActive && c.Status != statusSuspended || frozen == held:
		return nil
	case frozen:
		verb = provisioning.VerbSuspend
	default:
		verb = provisioning.VerbResume
	}
	if err := w.call(ctx, c, verb); err != nil {
		return err
	}
	return w.save()
}

// Renew gives a card a new expiry date; its number stays.
func (w *Wallet) Renew(ctx context.Context, name string) (Card, error) {
	c, err := w.card(name)
	if err != nil {
		return Card{}, err
	}
	if err := w.call(ctx, c, provisioning.VerbRenew); err != nil {
		return *c, err
	}
	if err := w.save(); err != nil {
		return *c, err
	}
	return *c, w.update(ctx, c)
}

// update fetches a token anew when the phone has not got it as the service
// knows it: after a renewal, or when another card is behind it.
func (w *Wallet) update(ctx context.Context, c *Card) error {
	if !c.Enrolled || c.Status != statusActive {
		return nil
	}
	a, err := w.applet(c)
	if err != nil {
		return err
	}
	if t, ok := a.Token(); ok && t.Expiry == c.Expiry && t.LastFour == c.LastFour && t.PAR == c.PAR {
		return nil
	}
	set, err := w.fetch(ctx, c, a)
	if err != nil {
		return err
	}
	if err := a.Renew(set); err != nil {
		return err
	}
	c.keysCame(w, set)
	return w.saveOr(w.wake(c))
}

// Remove deletes a card for good: its token at the service, its keys on the
// phone.
func (w *Wallet) Remove(ctx context.Context, name string) error {
	c, err := w.card(name)
	if err != nil {
		return err
	}
	for c.Status != statusDeleted {
		err := w.call(ctx, c, provisioning.VerbDelete)
		if Code(err) == "token-deleted" { // another may have taken its place since the last poll
			var replaced bool
			if replaced, err = w.replaced(ctx, c); replaced {
				continue
			}
		}
		if err != nil && Code(err) != "unknown-token" && Code(err) != "wrong-device" {
			return err
		}
		break
	}
	return w.forget(c)
}

// replaced asks whether a token that has ended has a successor, and notes it.
func (w *Wallet) replaced(ctx context.Context, c *Card) (bool, error) {
	r := &provisioning.Poll{Tokens: []provisioning.Cursor{{Token: c.Token, After: c.Cursor}}}
	if err := w.sign(r); err != nil {
		return false, err
	}
	news, err := w.env.Service.PollTokens(ctx, r)
	if err != nil || len(news.Tokens) != 1 || news.Tokens[0].Successor == nil {
		return false, err
	}
	w.succeed(c, news.Tokens[0].Successor)
	return true, w.save()
}

// RemoveAll deletes all cards, and what the wallet remembers: the passcode, the
// history, the coupons.
func (w *Wallet) RemoveAll(ctx context.Context) error {
	for len(w.state.Cards) > 0 {
		if err := w.Remove(ctx, w.state.Cards[0].Name); err != nil {
			return err
		}
	}
	w.state = State{Number: w.state.Number}
	return w.save()
}

// forget takes a card off the phone.
func (w *Wallet) forget(c *Card) error {
	if err := w.env.Memory.Remove(c.Name); err != nil {
		return err
	}
	name := c.Name
	w.state.Cards = slices.DeleteFunc(w.state.Cards, func(c Card) bool { return c.Name == name })
	w.forgetPayments(name)
	if w.state.Default == name {
		w.state.Default = w.nextDefault()
	}
	return w.save()
}

// forgetPayments forgets what was paid with a card: the next card of this name
// counts its payments from one again. Coupons that were spent stay so.
func (w *Wallet) forgetPayments(name string) {
	w.state.Made = slices.DeleteFunc(w.state.Made, func(m Made) bool { return m.Card == name && m.Code == "" })
	for n := range w.state.Made { // a merchant's code stays paid
		if m := &w.state.Made[n]; m.Card == name {
			m.Card = ""
		}
	}
	w.state.Looks = slices.DeleteFunc(w.state.Looks, func(l Look) bool { return l.Card == name })
	for n := range w.state.Coupons {
		if c := &w.state.Coupons[n]; c.Card == name {
			c.Card = ""
		}
	}
}

// Bounds of Refill: it fetches keys when they are good for fewer payments, or
// when three quarters of their time are gone; and none above the most, since
// keys are for limited use.
const (
	refillBelow = 3
	refillMost  = 200
)

// Refill fetches keys for a card that is short of them, and says how many; with
// force, for any.
func (w *Wallet) Refill(ctx context.Context, name string, force bool) (int, error) {
	c, err := w.card(name)
	if err != nil {
		return 0, err
	}
	if !c.Enrolled {
		err := w.complete(ctx, c)
		if err == nil && force {
			err = w.refuseStopped(c)
		}
		if err != nil || !c.Enrolled {
			return 0, err
		}
		return 1, nil
	}
	a, err := w.applet(c)
	if err != nil {
		return 0, err
	}
	stock := a.Stock()
	if !force && !w.short(c, stock) {
		return 0, nil
	}
	if have := stock.Ready + stock.Sealed; have > refillMost {
		return 0, refuse("enough-keys", "", "%s has keys for %d payments: new ones are fetched when they run low", c.Name, have)
	}
	set, err := w.fetch(ctx, c, a)
	if err != nil {
		return 0, err
	}
	if set.Credentials != nil {
		err = a.Renew(set)
	} else {
		err = a.AddKeys(set)
	}
	if err != nil {
		return 0, err
	}
	c.keysCame(w, set)
	return len(set.Keys), w.saveOr(w.wake(c))
}

// short is true for keys that run out soon, by number or by time.
func (w *Wallet) short(c *Card, s Stock) bool {
	age, life := w.now().Sub(c.Keys.Issued), c.Keys.Until.Sub(c.Keys.Issued)
	return s.Ready < refillBelow || life > 0 && age*4 > life*3
}
