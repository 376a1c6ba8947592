package issuer

import (
	"context"
	"time"

	"tapsim/provisioning"
)

// A token's life (EMV Payment Tokenisation framework): INACTIVE until the
// customer has proved to be the cardholder, ACTIVE, SUSPENDED for a while,
// DEACTIVATED for good. The table says who may do what in which state; whatever
// is not in it is refused and changes nothing.

// rule is one line of the table.
type lifeRule struct {
	verb   provisioning.Verb
	from   []Status
	by     Party
	to     Status // 0: as it was
	hint   string // when the state is wrong
	absent string // when the party is wrong
}

var lifeRules = []lifeRule{
	{provisioning.VerbActivate, []Status{StatusInactive}, PartyUser | PartyBank, StatusActive, "", "the cardholder does, with the code, or the bank"},
	{provisioning.VerbResend, []Status{StatusInactive}, PartyUser | PartyBank, 0, "", "the cardholder asks for it, or the bank"},
	{provisioning.VerbSuspend, []Status{StatusActive, StatusSuspended}, PartyUser | PartyBank | PartyService, StatusSuspended, "", ""},
	{provisioning.VerbResume, []Status{StatusSuspended}, PartyUser | PartyBank | PartyService, StatusActive, "", ""},
	{provisioning.VerbDelete, []Status{StatusInactive, StatusActive, StatusSuspended}, PartyUser | PartyBank | PartyService, StatusDeactivated, "", ""},
	{provisioning.VerbRenew, []Status{StatusActive}, PartyUser | PartyBank | PartyService, 0, "resume it first", ""},
	{provisioning.VerbRelink, []Status{StatusActive, StatusSuspended}, PartyBank, 0, "", "only the bank knows the new card"},
	{provisioning.VerbControl, []Status{StatusInactive, StatusActive, StatusSuspended}, PartyBank, 0, "", "only the bank sets the domain"},
	{provisioning.VerbReplenish, []Status{StatusActive}, PartyUser, 0, "keys come when it is active", "only the phone gets keys"},
	{provisioning.VerbLostPhone, []Status{StatusInactive, StatusActive, StatusSuspended}, PartyBank, StatusSuspended, "", "the bank is told, by another channel"},
	{provisioning.VerbFoundPhone, []Status{StatusSuspended}, PartyBank, StatusActive, "", "the bank is told, by another channel"},
}

// stateRefusals are the codes for a token in the wrong state.
var stateRefusals = map[Status]struct{ code, text string }{
	StatusInactive:    {"token-inactive", "the token is not active yet"},
	StatusActive:      {"token-active", "the token is active"},
	StatusSuspended:   {"token-suspended", "the token is suspended"},
	StatusDeactivated: {"token-deleted", "the token was deleted, for good"},
	StatusLost:        {"token-lost", "the token was reported lost"},
	StatusStolen:      {"token-stolen", "the token was reported stolen"},
}

// allowed looks a move up in the table.
func allowed(verb provisioning.Verb, from Status, by Party) (*lifeRule, *Refusal) {
	for n := range lifeRules {
		r := &lifeRules[n]
		if r.verb != verb {
			continue
		}
		if r.by&by == 0 {
			return nil, refused("not-for-"+by.String(), r.absent, "the %s does not %s a token", by, verb)
		}
		for _, s := range r.from {
			if s == from {
				return r, nil
			}
		}
		why, hint := stateRefusals[from], r.hint
		if from == StatusDeactivated {
			hint = "" // nothing brings it back
		}
		return nil, refused(why.code, hint, "%s", why.text)
	}
	return nil, refused("unknown-verb", "", "there is no verb %q", string(verb))
}

// move is one step in a token's life.
type move struct {
	reference string
	verb      provisioning.Verb
	party     Party
	proof     *provisioning.Proof // of the phone; nil for the other parties
	key       string              // for idempotency
	request   any                 // what came, when there is a key
	check     func(tx *Tx, t *liveToken) error
	change    func(t *liveToken)
}

// liveToken is a token inside an update.
type liveToken struct {
	instrument Instrument
	binding    Binding
	now        time.Time
	text       string // for the history
}

// moveToken makes one step in a token's life, or refuses it.
func (i *Issuer) moveToken(ctx context.Context, m move) (provisioning.TokenState, error) {
	return once(ctx, i, "token "+string(m.verb), m.key, m.request, func(tx *Tx, at time.Time) (state provisioning.TokenState, err error) {
		t, err := i.findToken(tx, m.reference, m.proof, at)
		if err != nil {
			return state, err
		}
		if err := t.step(tx, &m); err != nil {
			return state, err
		}
		return t.state(), nil
	})
}

// findToken finds a token by its reference, for the phone that holds it or, with
// no proof, for the bank. It notes the number of the phone's request.
func (i *Issuer) findToken(tx *Tx, reference string, proof *provisioning.Proof, now time.Time) (*liveToken, error) {
	t, err := lookUpToken(tx, reference)
	if err != nil {
		return nil, err
	}
	if t.now = now; proof == nil {
		return t, nil
	}
	if r := t.binding.belongs(proof); r != nil {
		return nil, r
	}
	t.binding.Number = proof.Number
	return t, nil
}

// tokenRows are the rows of a token, of the store or of an update.
type tokenRows interface {
	Instrument(index PANIndex) (Instrument, bool, error)
	Binding(token PANIndex) (Binding, bool, error)
}

// lookUpToken finds a token by its reference.
func lookUpToken(rows tokenRows, reference string) (*liveToken, error) {
	index, ok := parseReference(reference)
	if !ok {
		return nil, unknownToken(nil)
	}
	t := &liveToken{}
	var err error
	if t.instrument, ok, err = rows.Instrument(index); err != nil || !ok || t.instrument.Kind != Token {
		return nil, unknownToken(err)
	}
	t.binding, _, err = rows.Binding(index)
	t.binding.Token = index
	return t, err
}

// unknownToken is err, or the refusal of a reference that no token has.
func unknownToken(err error) error {
	return refuseOr(err, "unknown-token", "", "there is no such token")
}

// belongs refuses another phone than the token's, and a request that is older
// than one that came before: a copy of a message, or a phone whose memory was
// set back.
func (b *Binding) belongs(p *provisioning.Proof) *Refusal {
	switch {
	case len(b.Device) == 0 || string(b.Device) != string(p.Device):
		return refused("wrong-device", "a copied wallet is of no use on another phone: add the card there", "the token is not on this phone")
	case p.Number <= b.Number:
		return refused("stale-request", "a phone whose memory was set back must add its cards again", "this request came before, or a later one did")
	}
	return nil
}

// step makes a move and writes it down.
func (t *liveToken) step(tx *Tx, m *move) error {
	from := t.instrument.Status
	rule, r := allowed(m.verb, from, m.party)
	if r != nil {
		return r
	}
	if m.check != nil {
		if err := m.check(tx, t); err != nil {
			return err
		}
	}
	to := rule.to
	if to == 0 {
		to = from
	}
	if r := t.hold(m.verb, m.party, &to); r != nil {
		return r
	}
	t.instrument.Status = to
	if m.change != nil {
		m.change(t)
	}
	if m.verb == provisioning.VerbActivate {
		if err := forgiveRequests(tx, t.instrument.Card); err != nil {
			return err
		}
	}
	tx.PutInstrument(t.instrument)
	tx.AddTokenEvent(&t.binding, provisioning.Event{
		Time: t.now, Party: m.party.String(), Verb: m.verb, From: from.String(), To: t.instrument.Status.String(), Text: t.text,
	})
	return nil
}

// hold keeps count of who suspended a token: it is active again when nobody
// holds it any more.
func (t *liveToken) hold(verb provisioning.Verb, party Party, to *Status) *Refusal {
	b := &t.binding
	switch verb {
	case provisioning.VerbSuspend:
		if b.HeldBy&party != 0 {
			return refused("already-suspended", "", "the %s has suspended it already", party)
		}
		b.HeldBy |= party
	case provisioning.VerbResume:
		if b.HeldBy&party == 0 && b.HeldBy != 0 {
			return refused("suspended-by-"+b.HeldBy.Names()[0], "only who suspended it may resume it", "the token is suspended by %s", b.HeldBy)
		}
		b.HeldBy &^= party
	case provisioning.VerbLostPhone:
		if b.HeldBy&heldLostPhone != 0 {
			return refused("already-lost", "", "the phone was reported lost already")
		}
		b.HeldBy |= heldLostPhone
		if t.instrument.Status == StatusInactive {
			b.HeldBy, *to = 0, StatusDeactivated // nobody proved to be the cardholder on this phone
		}
	case provisioning.VerbFoundPhone:
		if b.HeldBy&heldLostPhone == 0 {
			return refused("not-lost", "", "the phone was not reported lost")
		}
		b.HeldBy &^= heldLostPhone
	case provisioning.VerbDelete:
		b.HeldBy, b.Code = 0, Challenge{}
	}
	if *to == StatusActive && b.HeldBy != 0 {
		*to = StatusSuspended
	}
	return nil
}

// state is what both ends know of the token.
func (t *liveToken) state() provisioning.TokenState {
	n, b := &t.instrument, &t.binding
	return provisioning.TokenState{
		Token: n.Index.Reference(), Masked: n.Masked, Status: n.Status.String(), HeldBy: b.HeldBy.Names(), Expiry: n.Expiry,
		LastFour: n.LastFour, PAR: n.PAR, Assurance: b.Assurance,
	}
}
