package wallet

import (
	"context"
	"errors"
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/provisioning"
)

// NewCard is a card to add.
type NewCard struct {
	Name       string // "": scheme and a number
	Data       provisioning.CardData
	DeviceName string
	FormFactor string // "": phone
}

// requestor is who asks the token service: this project's wallet, an invented
// number (9F19).
const requestor = "40010030001"

// Add asks the token service for a token. When the bank wants to know whether
// the cardholder asks, it sends a one-time code, which Enter takes.
func (w *Wallet) Add(ctx context.Context, n NewCard) (Card, error) {
	if n.Name != "" {
		if err := w.checkName(n.Name); err != nil {
			return Card{}, err
		}
	}
	switch {
	case len(w.state.Cards) >= maxCards:
		return Card{}, refuse("wallet-full", "remove one", "the wallet holds at most %d cards", maxCards)
	case w.state.Frozen:
		return Card{}, refuse("phone-frozen", "unfreeze it first", "the phone is frozen")
	case w.state.Passcode.Dead:
		return Card{}, lockedOut()
	}
	if n.FormFactor == "" {
		n.FormFactor = "phone"
	}
	r := &provisioning.TokenRequest{DeviceName: n.DeviceName, FormFactor: n.FormFactor, Requestor: requestor, Card: n.Data}
	if err := w.sign(r); err != nil {
		return Card{}, err
	}
	grant, err := w.env.Service.RequestToken(ctx, r)
	if err != nil {
		return Card{}, err
	}
	c := Card{Name: n.Name, Scheme: grant.Scheme, Added: w.now(), TokenState: grant.TokenState, Verification: grant.Verification}
	for number := 1; c.Name == ""; number++ {
		if name := fmt.Sprintf("%s-%d", grant.Scheme, number); w.checkName(name) == nil {
			c.Name = name
		}
	}
	w.state.Cards = append(w.state.Cards, c)
	if err := w.save(); err != nil {
		return c, err
	}
	return c, w.complete(ctx, &w.state.Cards[len(w.state.Cards)-1])
}

// Enter takes the one-time code that the bank sent.
func (w *Wallet) Enter(ctx context.Context, name, code string) (Card, error) {
	c, err := w.card(name)
	if err != nil {
		return Card{}, err
	}
	r := &provisioning.CodeEntry{Token: c.Token, Code: code}
	if err := w.sign(r); err != nil {
		return *c, err
	}
	state, err := w.env.Service.EnterCode(ctx, r)
	if err != nil {
		return *c, errors.Join(err, w.wrongCode(c, Code(err)))
	}
	c.TokenState, c.Verification = state, nil
	if err := w.save(); err != nil {
		return *c, err
	}
	return *c, w.complete(ctx, c)
}

// wrongCode keeps count of the tries that the bank counts, so that the wallet shows
// what is left of them.
func (w *Wallet) wrongCode(c *Card, code string) error {
	if c.Verification == nil || code != "wrong-code" && code != "no-tries-left" {
		return nil
	}
	v := *c.Verification
	if v.Tries--; v.Tries < 0 || code == "no-tries-left" {
		v.Tries = 0
	}
	c.Verification = &v
	return w.save()
}

// Resend asks for another code.
func (w *Wallet) Resend(ctx context.Context, name string) (Card, error) {
	c, err := w.card(name)
	if err != nil {
		return Card{}, err
	}
	r := &provisioning.TokenCall{Token: c.Token, Verb: provisioning.VerbResend}
	if err := w.sign(r); err != nil {
		return *c, err
	}
	v, err := w.env.Service.ResendCode(ctx, r)
	if err != nil {
		return *c, err
	}
	c.Verification = v
	return *c, w.save()
}

// complete puts an active token with keys and certificates on the phone, where
// that has not happened yet.
func (w *Wallet) complete(ctx context.Context, c *Card) error {
	if c.Status != statusActive || c.Enrolled {
		return nil
	}
	set, err := w.fetch(ctx, c, nil)
	if err != nil {
		return err
	}
	p, err := w.env.Profile(c.Scheme, c.Name)
	if err != nil {
		return err
	}
	a, err := w.env.Memory.Enrol(p, set)
	if err != nil {
		return err
	}
	if err := a.SetAllowance(w.state.TapAndGo.allowance()); err != nil { // a new card has no more than the others
		return err
	}
	c.Enrolled = true
	c.keysCame(w, set)
	if w.state.Default == "" {
		w.state.Default = c.Name
	}
	if err := w.save(); err != nil {
		return err
	}
	return w.wake(c)
}

// fetch gets keys for a card, those for taps without unlocking under the phone's
// secret and the rest under the passcode's public key. a is nil for a card that
// is new on the phone.
func (w *Wallet) fetch(ctx context.Context, c *Card, a Applet) (provisioning.KeySet, error) {
	r := &provisioning.KeyRequest{Token: c.Token, Agreement: w.device.Agreement(), Fresh: a == nil}
	if a != nil {
		last := a.LastKey()
		r.ATC, r.Held, r.LastKey = a.ATC(), a.Held(), last[:]
	}
	set, err := w.deliver(ctx, r, w.keep)
	if err != nil {
		return set, err
	}
	return set, w.certificates(ctx, c, &set, a)
}

// deliver gets keys; keep says how many of a set serve taps without unlocking.
func (w *Wallet) deliver(ctx context.Context, r *provisioning.KeyRequest, keep func(keys int) int) (provisioning.KeySet, error) {
	if err := w.sign(r); err != nil {
		return provisioning.KeySet{}, err
	}
	d, err := w.env.Service.DeliverKeys(ctx, r)
	if err != nil {
		return provisioning.KeySet{}, err
	}
	return w.open(&d, keep(len(d.Keys)))
}

// open takes a delivery apart and puts its keys under the phone's own.
func (w *Wallet) open(d *provisioning.Delivery, keep int) (provisioning.KeySet, error) {
	set := provisioning.KeySet{Kind: d.Kind, LastATC: d.LastATC}
	key, err := w.device.Open(d.Agreement)
	if err != nil {
		return set, err
	}
	text, err := key.Unwrap(d.Token)
	if err != nil {
		return set, fmt.Errorf("the token service's delivery: %w", err)
	}
	if set.Token, err = provisioning.TakeToken(text); err != nil {
		return set, fmt.Errorf("the token service's delivery: %w", err)
	}
	for n, k := range d.Keys {
		clear, err := key.UnwrapKey(cryptogram.TDES, k.Wrapped)
		if err != nil {
			return set, fmt.Errorf("key %d of the delivery: %w", n+1, err)
		}
		if n < keep {
			k.Wrapped, err = w.env.Secret.WrapKey(clear)
		} else {
			k.Wrapped, k.Agreement, err = w.sealUnderPasscode(clear)
		}
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, k)
	}
	return set, nil
}

// keep is how many of a set of keys serve taps without unlocking: a third, at
// least one; all, where there is no passcode.
func (w *Wallet) keep(keys int) int {
	if !w.state.Passcode.Set() {
		return keys
	}
	return max(1, keys/3)
}

// certificates adds what a card that signs needs: always for a new one, else
// when what they cover has changed.
func (w *Wallet) certificates(ctx context.Context, c *Card, set *provisioning.KeySet, a Applet) error {
	if a != nil {
		if had, _ := a.Token(); had == set.Token {
			return nil
		}
	}
	p, err := w.env.Profile(c.Scheme, c.Name)
	if err != nil || !p.Signs() {
		return err
	}
	p = WithToken(p, set.Token)
	static, err := p.StaticData()
	if err != nil {
		return err
	}
	set.Credentials, err = w.certify(ctx, c.Token, static)
	return err
}

// certify gets certificates over a card's static data, and puts the card's private
// key under the phone's own.
func (w *Wallet) certify(ctx context.Context, token string, static []byte) (*provisioning.Credentials, error) {
	r := &provisioning.CertificateRequest{Token: token, Agreement: w.device.Agreement(), Static: static}
	if err := w.sign(r); err != nil {
		return nil, err
	}
	d, err := w.env.Service.DeliverCertificates(ctx, r)
	if err != nil {
		return nil, err
	}
	if d.Credentials == nil {
		return nil, fmt.Errorf("the token service's delivery has no certificates")
	}
	key, err := w.device.Open(d.Agreement)
	if err != nil {
		return nil, err
	}
	primes, err := key.Unwrap(d.Credentials.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("the token service's certificates: %w", err)
	}
	out := &provisioning.Credentials{Data: append(emv.List(nil), d.Credentials.Data...)}
	out.Wrapped, err = w.env.Secret.Wrap(primes)
	return out, err
}

// WithToken is the profile with a token in the place of its account.
func WithToken(p hce.Profile, t provisioning.Token) hce.Profile {
	a := &p.Account
	a.PAN, a.PSN, a.Expiry = t.PAN, t.PSN, t.Expiry
	a.Track2.PAN, a.Track2.Expiry, a.Track2.ServiceCode = t.PAN, t.Expiry, t.ServiceCode
	a.LastFour, a.Requestor, a.PAR = t.LastFour, t.Requestor, t.PAR
	return p
}

// keysCame notes when keys came and how long they are good.
func (c *Card) keysCame(w *Wallet, set provisioning.KeySet) {
	c.Keys = KeyTimes{Issued: w.now()}
	for _, k := range set.Keys {
		if k.NotAfter.After(c.Keys.Until) {
			c.Keys.Until = k.NotAfter
		}
	}
}
