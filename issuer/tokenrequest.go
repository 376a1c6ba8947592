package issuer

import (
	"context"
	"fmt"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// Assurance of a token: how the cardholder was identified, two digits of our
// own numbering (EMV Payment Tokenisation framework: token assurance method).
const (
	assuranceNone = "00"
	assuranceCard = "10" // card data were right
	assuranceCode = "20" // a one-time code, too
	assuranceBank = "30" // the bank itself, by another channel
)

// formFactors are the devices that a token may be for.
var formFactors = map[string]bool{"phone": true, "watch": true, "tablet": true, "band": true, "card": true, "vehicle": true}

// maxDeviceName bounds the name of a phone, in bytes.
const maxDeviceName = 64

// requestedToken is a request for a token on its way.
type requestedToken struct {
	request  *provisioning.TokenRequest
	scope    *Range
	card     emv.PAN
	index    PANIndex   // of the card
	others   []PANIndex // its tokens
	made     int64      // how many it had in all when they were listed
	decision Decision
	now      time.Time
	pan      emv.PAN // of the token
	code     newCode
}

// RequestToken identifies a card and makes a token for it on the phone that
// asks. Each thing that can be wrong has its own code. Unless the bank approves
// at once, the token is inactive until the one-time code is entered.
func (i *Issuer) RequestToken(ctx context.Context, r *provisioning.TokenRequest) (provisioning.TokenGrant, error) {
	t := &requestedToken{request: r, card: emv.PAN(r.Card.Number), now: i.now().UTC().Truncate(time.Second)}
	if err := i.admit(r); err != nil {
		return provisioning.TokenGrant{}, err
	}
	if err := i.screen(t); err != nil {
		return provisioning.TokenGrant{}, err
	}
	var err error
	if t.code, err = i.newCode(); err != nil {
		return provisioning.TokenGrant{}, err
	}
	const tries = 100
	for range tries {
		if err := i.listTokens(ctx, t); err != nil {
			return provisioning.TokenGrant{}, err
		}
		if t.pan, err = i.newTokenNumber(t.card); err != nil {
			return provisioning.TokenGrant{}, refused("unsupported-scheme", "", "the token service makes no tokens for cards of this scheme")
		}
		grant, again, err := i.grant(ctx, t)
		if !again {
			return grant, err
		}
	}
	return provisioning.TokenGrant{}, fmt.Errorf("issuer: no free token number found in %d tries", tries)
}

// checkProof refuses a request that its phone did not sign.
func checkProof(r provisioning.Signed) error {
	signed, err := provisioning.SignedBytes(r)
	p := provisioning.ProofOf(r)
	if err != nil || p.Number < 1 || !cryptogram.VerifyDevice(p.Device, signed, p.Signature) {
		return refused("bad-proof", "", "the request is not signed by the phone that it names")
	}
	return nil
}

// admit refuses a request that its phone did not sign, and all of them while the
// bank is closed. What stops a token goes through all the same: it has its own
// way.
func (i *Issuer) admit(r provisioning.Signed) error {
	if err := checkProof(r); err != nil {
		return err
	}
	return i.open()
}

// screen checks what needs no state.
func (i *Issuer) screen(t *requestedToken) error {
	r := t.request
	t.scope = i.config.rangeOf(t.card)
	switch {
	case !t.card.Valid():
		return refused("wrong-card-number", "type it again", "this is not an account number with a correct check digit")
	case t.scope == nil:
		return refused("unsupported-issuer", "ask the bank that issued the card", "the card is not of this bank")
	case t.scope.Kind != Card:
		return refused("not-a-card", "add the card that the token stands for", "the number is a token's")
	case len(r.Card.Expiry) != 4 || !digitsOnly(r.Card.Expiry):
		return refused("wrong-expiry", "write it as YYMM", "the expiry date is not YYMM")
	case !formFactors[r.FormFactor]:
		return refused("unsupported-device", "", "there are no tokens for a device of this kind")
	case !provisioning.Readable(r.DeviceName, maxDeviceName):
		return refused("bad-device-name", "", "the name of the device is longer than %d bytes, or holds characters that do not print", maxDeviceName)
	case len(r.Requestor) != 11 || !digitsOnly(r.Requestor):
		return refused("unknown-requestor", "", "a token requestor id has 11 digits")
	}
	rules := i.config.TokenService.orDefault()
	if t.decision = rules.decide(t.card); t.decision == DecideRefuse {
		return refused("refused-by-bank", "ask the bank", "the bank gives no token for this card")
	}
	t.index = i.store.IndexPAN(t.card)
	return nil
}

// wrongData says what of the card's data is wrong; nil when all is right.
func (i *Issuer) wrongData(t *requestedToken, card *Instrument) *Refusal {
	switch {
	case t.request.Card.Expiry != card.Expiry:
		return refused("wrong-expiry", "type it again as it stands on the card", "the expiry date is not that of the card")
	case !i.securityCodeFits(t, card):
		return refused("wrong-security-code", "three digits on the back of the card", "the security code is not that of the card")
	}
	return nil
}

// checkUsable checks card and account behind a token that is to be made, become
// active, or get a new date.
func checkUsable(tx *Tx, card *Instrument, now time.Time) error {
	account, ok, err := tx.Account(card.Account)
	switch {
	case err != nil || !ok:
		return errorOr(err, "issuer: card %s has no account", card.Masked)
	case card.Status != StatusActive:
		return refused("card-not-active", "ask the bank", "the card is %s", card.Status)
	case expired(card.Expiry, now):
		return refused("card-expired", "add the new card", "the card has expired")
	case account.Status != StatusActive:
		return refused("account-not-active", "ask the bank", "the account is %s", account.Status)
	}
	return nil
}

// cardUsable is checkUsable for the card behind a token.
func cardUsable(tx *Tx, t *liveToken) error {
	card, ok, err := tx.Instrument(t.instrument.Card)
	if err != nil || !ok {
		return errorOr(err, "issuer: token %s has no card behind it", t.instrument.Masked)
	}
	return checkUsable(tx, &card, t.now)
}

// securityCodeFits checks the code on the plastic, where the bank has a key for
// it: CVV2, the CVV with service code 000 and, as is usual, the date as MMYY.
func (i *Issuer) securityCodeFits(t *requestedToken, card *Instrument) bool {
	key := i.config.TokenService.SecurityCode
	if key == nil {
		return true
	}
	want, err := cryptogram.CVV(key, string(t.card), card.Expiry[2:]+card.Expiry[:2], "000")
	return err == nil && want == t.request.Card.SecurityCode
}

// listTokens lists the tokens of the card. How many it had in all tells whether
// others have come before the update.
func (i *Issuer) listTokens(ctx context.Context, t *requestedToken) error {
	g, err := guardOf(i.store, cardGuard(t.index))
	if err != nil {
		return err
	}
	all, err := i.store.Instruments(ctx)
	t.made, t.others = g.Made, nil
	for _, n := range all {
		if n.Kind == Token && n.Card == t.index && n.Status != StatusDeactivated {
			t.others = append(t.others, n.Index)
		}
	}
	return err
}

// makeRoom bounds the tokens of a card, and refuses a second one on the same
// phone. One there that nobody has activated, or that never asked for keys, gives
// way: the phone may not even know of it.
func (i *Issuer) makeRoom(tx *Tx, t *requestedToken) error {
	count, most := 0, i.config.TokenService.orDefault().MaxPerCard
	for _, index := range t.others {
		other, err := i.findToken(tx, index.Reference(), nil, t.now)
		switch {
		case err != nil:
			return err
		case other.instrument.Status == StatusDeactivated:
			continue
		case !other.instrument.Bound, string(other.binding.Device) != string(t.request.Device): // one that came with the phone is not in its wallet
			count++
			continue
		case other.instrument.Status != StatusInactive && (other.instrument.Status != StatusActive || other.binding.Keyed):
			return refused("already-added", "remove it first, on the phone or at the bank", "the card is on this phone already, as a token that is %s", other.instrument.Status)
		}
		other.text = "the phone asked again"
		if err := other.step(tx, &move{verb: provisioning.VerbDelete, party: PartyService}); err != nil {
			return err
		}
	}
	if count >= most {
		return refused("too-many-tokens", "delete one", "the card has %d tokens already, at most %d are allowed", count, most)
	}
	return nil
}

// grant makes the token, or says that the number is taken or others came first
// and all is to be done again. Wrong data of the card count, and so does each
// token that waits for its code.
func (i *Issuer) grant(ctx context.Context, t *requestedToken) (grant provisioning.TokenGrant, again bool, err error) {
	index := i.store.IndexPAN(t.pan)
	sealed, err := i.store.SealPAN(t.pan)
	if err != nil {
		return grant, false, err
	}
	var wrong *Refusal
	err = i.store.Update(ctx, nil, func(tx *Tx) error {
		wrong, again = nil, false
		g, err := guardOf(tx, cardGuard(t.index))
		if err != nil {
			return err
		}
		if _, again, err = tx.Instrument(index); err != nil || again || g.Made != t.made {
			again = true
			return err
		}
		if err := i.mayRequest(tx, t); err != nil {
			return err
		}
		card, ok, err := tx.Instrument(t.index)
		if err != nil || !ok {
			return refuseOr(err, "unknown-card", "type it again", "the bank has no such card")
		}
		if wrong = i.wrongData(t, &card); wrong != nil {
			return i.countRequest(tx, t, &card)
		}
		if err = checkUsable(tx, &card, t.now); err == nil {
			err = i.makeRoom(tx, t)
		}
		if err != nil {
			return err
		}
		err = countToken(tx, card.Index, t.request.Device)
		if err == nil && t.decision != DecideApprove { // it waits for its code
			err = i.countRequest(tx, t, &card)
		}
		if err != nil {
			return err
		}
		grant = i.makeToken(tx, t, &card, index, sealed)
		return nil
	})
	if err == nil && wrong != nil {
		err = wrong
	}
	return grant, again && err == nil, err
}

// makeToken makes the token with its binding, and sends the code.
func (i *Issuer) makeToken(tx *Tx, t *requestedToken, card *Instrument, index PANIndex, sealed []byte) provisioning.TokenGrant {
	rules := i.config.TokenService.orDefault()
	status, assurance := StatusInactive, assuranceNone
	if t.decision == DecideApprove {
		status, assurance = StatusActive, assuranceCard
	}
	live := &liveToken{now: t.now, instrument: Instrument{
		Kind: Token, PSN: "00", Expiry: rules.expiry(t.now), ServiceCode: card.ServiceCode, Status: status,
		Card: card.Index, LastFour: card.LastFour, PAR: card.PAR, Requestor: t.request.Requestor, Bound: true,
		Index: index, Masked: t.pan.Masked(),
	}, binding: Binding{
		Token: index, Sealed: sealed, Device: t.request.Device, DeviceName: t.request.DeviceName, FormFactor: t.request.FormFactor,
		Assurance: assurance, Made: t.now, Number: t.request.Number,
	}}
	grant := provisioning.TokenGrant{Scheme: t.scope.Scheme.String()}
	if status == StatusInactive {
		live.binding.Code.Resends = rules.CodeResends
		grant.Verification = i.sendCode(tx, live, card, t.code)
	}
	tx.PutInstrument(live.instrument)
	tx.AddTokenEvent(&live.binding, provisioning.Event{
		Time: t.now, Party: PartyUser.String(), Verb: provisioning.VerbRequest, To: status.String(), Text: "on " + orNone(t.request.DeviceName) + ", decided by " + t.decision.String(),
	})
	grant.TokenState = live.state()
	return grant
}
