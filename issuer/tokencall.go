package issuer

import (
	"context"
	"errors"
	"slices"
	"time"

	"tapsim/provisioning"
)

// CallToken makes the step in a token's life that its phone asks for: suspend,
// resume, delete or renew.
func (i *Issuer) CallToken(ctx context.Context, r *provisioning.TokenCall) (provisioning.TokenState, error) {
	if err := checkProof(r); err != nil {
		return provisioning.TokenState{}, err
	}
	m := move{reference: r.Token, verb: r.Verb, party: PartyUser, proof: &r.Proof}
	switch r.Verb {
	case provisioning.VerbSuspend, provisioning.VerbResume, provisioning.VerbDelete:
	case provisioning.VerbRenew:
		m.check, m.change = cardUsable, i.renewal()
	default:
		return provisioning.TokenState{}, refused("unknown-verb", "suspend, resume, delete or renew", "a phone does not %q a token", string(r.Verb))
	}
	return i.moveToken(ctx, m)
}

// renewal gives a token a new expiry date; its number stays.
func (i *Issuer) renewal() func(t *liveToken) {
	rules := i.config.TokenService.orDefault()
	return func(t *liveToken) {
		t.instrument.Expiry = rules.expiry(t.now)
		t.text = "good until the end of " + expiryText(t.instrument.Expiry)
	}
}

// TokenChange is a step that the bank, or the token service itself, makes in a
// token's life.
type TokenChange struct {
	Token  string            `json:"token"` // reference
	Verb   provisioning.Verb `json:"verb"`  // activate, suspend, resume, delete, renew or resend
	Reason string            `json:"reason,omitempty"`
	// Party is PartyBank, unless it is the token service itself.
	Party       Party  `json:"-"`
	Idempotency string `json:"-"`
}

// ManageToken makes a step in a token's life for the bank, or for the token
// service itself. The reason goes into the history, and to the phone.
func (i *Issuer) ManageToken(ctx context.Context, c TokenChange) (provisioning.TokenState, error) {
	party := max(c.Party, PartyBank)
	if err := checkText("the reason", c.Reason); err != nil {
		return provisioning.TokenState{}, err
	}
	m := move{reference: c.Token, verb: c.Verb, party: party, key: c.Idempotency, request: c, change: func(t *liveToken) { t.text = c.Reason }}
	switch c.Verb {
	case provisioning.VerbResend:
		_, err := i.resend(ctx, m)
		if err != nil {
			return provisioning.TokenState{}, err
		}
		return i.TokenState(c.Token)
	case provisioning.VerbActivate:
		m.check = cardUsable
		m.change = func(t *liveToken) {
			t.binding.Code, t.binding.Assurance, t.text = Challenge{}, assuranceBank, c.Reason
		}
	case provisioning.VerbRenew:
		m.check, m.change = cardUsable, i.renewal()
	case provisioning.VerbSuspend, provisioning.VerbResume, provisioning.VerbDelete:
	default:
		return provisioning.TokenState{}, refused("unknown-verb", "activate, suspend, resume, delete, renew or resend", "there is no verb %q here", string(c.Verb))
	}
	return i.moveToken(ctx, m)
}

// Relink puts another card behind a token.
type Relink struct {
	Token       string   `json:"token"` // reference
	Card        CardName `json:"card"`
	Idempotency string   `json:"-"`
}

// RelinkToken puts another card of the same account behind a token, after the
// old one was lost: the token, its keys and its counter stay. The payment account
// reference is that of the card; a bank that wants it to stay, as the networks do,
// issues the new card with the old one's.
func (i *Issuer) RelinkToken(ctx context.Context, r Relink) (provisioning.TokenState, error) {
	index, err := i.cardIndex(ctx, r.Card)
	if err != nil {
		return provisioning.TokenState{}, err
	}
	var fresh Instrument
	return i.moveToken(ctx, move{reference: r.Token, verb: provisioning.VerbRelink, party: PartyBank, key: r.Idempotency, request: r,
		check: func(tx *Tx, t *liveToken) (err error) {
			fresh, err = i.mayRelink(tx, t, index)
			return err
		},
		change: func(t *liveToken) {
			t.text = "from the card ending in " + t.instrument.LastFour + " to that ending in " + fresh.LastFour
			t.instrument.Card, t.instrument.LastFour, t.instrument.PAR = fresh.Index, fresh.LastFour, fresh.PAR
		}})
}

// mayRelink is the card that is to be behind a token, when it may be.
func (i *Issuer) mayRelink(tx *Tx, t *liveToken, index PANIndex) (fresh Instrument, err error) {
	old, ok, err := tx.Instrument(t.instrument.Card)
	if err != nil || !ok {
		return fresh, errorOr(err, "issuer: token %s has no card behind it", t.instrument.Masked)
	}
	if fresh, ok, err = tx.Instrument(index); err != nil || !ok || fresh.Kind != Card {
		return fresh, refuseOr(err, "unknown-card", "", "the bank has no such card")
	}
	switch {
	case fresh.Index == old.Index:
		return fresh, refused("same-card", "", "the token stands for this card already")
	case fresh.Account != old.Account:
		return fresh, refused("foreign-card", "a token moves between cards of one account", "the card is on another account")
	case i.schemeOf(&fresh) != i.schemeOf(&t.instrument):
		return fresh, refused("other-scheme", "a token moves between cards of one scheme", "the card is of %s, the token of %s", i.schemeOf(&fresh), i.schemeOf(&t.instrument))
	case fresh.Status != StatusActive || expired(fresh.Expiry, t.now):
		return fresh, refused("card-not-active", "issue another: tapsim bank card", "the card is %s, or has expired", fresh.Status)
	}
	return fresh, nil
}

// PhoneRequest names a phone by a token on it.
type PhoneRequest struct {
	Token       string `json:"token"` // reference
	Idempotency string `json:"-"`
}

// LostPhone suspends all tokens of the phone that holds a token, at once.
// Those that nobody has proved to own are deleted, and the phone gets no others
// until it is found.
func (i *Issuer) LostPhone(ctx context.Context, r PhoneRequest) ([]provisioning.TokenState, error) {
	return i.eachOnPhone(ctx, r, provisioning.VerbLostPhone)
}

// FoundPhone is the inverse of LostPhone. What user, bank or service suspended
// besides stays suspended.
func (i *Issuer) FoundPhone(ctx context.Context, r PhoneRequest) ([]provisioning.TokenState, error) {
	return i.eachOnPhone(ctx, r, provisioning.VerbFoundPhone)
}

// errCameFirst ends an update that was prepared without a token that another
// request made meanwhile.
var errCameFirst = errors.New("issuer: the phone got a token meanwhile")

// eachOnPhone makes one step for all tokens of a phone, in one update.
func (i *Issuer) eachOnPhone(ctx context.Context, r PhoneRequest, verb provisioning.Verb) (states []provisioning.TokenState, err error) {
	const tries = 100
	for range tries {
		if states, err = i.stepOnPhone(ctx, r, verb); !errors.Is(err, errCameFirst) {
			break
		}
	}
	return states, err
}

// stepOnPhone makes the step once. The token that was named must be able to take
// it; others are left out if they cannot. A phone that is found may have lost its
// tokens meanwhile.
func (i *Issuer) stepOnPhone(ctx context.Context, r PhoneRequest, verb provisioning.Verb) ([]provisioning.TokenState, error) {
	named, err := i.readToken(r.Token)
	if err != nil {
		return nil, err
	}
	device := named.binding.Device
	if len(device) == 0 {
		return nil, refused("unknown-token", "", "there is no such token on a phone")
	}
	before, err := guardOf(i.store, phoneGuard(device))
	if err != nil {
		return nil, err
	}
	all, err := i.store.Bindings(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b Binding) bool { return string(b.Device) != string(device) })
	return once(ctx, i, string(verb), r.Idempotency, r, func(tx *Tx, now time.Time) (states []provisioning.TokenState, err error) {
		phone, err := guardOf(tx, phoneGuard(device))
		switch {
		case err != nil:
			return nil, err
		case phone.Made != before.Made:
			return nil, errCameFirst
		}
		found := verb == provisioning.VerbFoundPhone && phone.Lost
		for _, b := range all {
			t, err := i.findToken(tx, b.Token.Reference(), nil, now)
			if err != nil {
				return nil, err
			}
			switch err := t.step(tx, &move{verb: verb, party: PartyBank}); {
			case err == nil:
				states = append(states, t.state())
			case b.Token == named.binding.Token && !(found && t.instrument.Status == StatusDeactivated):
				return nil, err
			}
		}
		phone.Lost = verb == provisioning.VerbLostPhone
		return states, tx.putGuard(phoneGuard(device), phone)
	})
}
