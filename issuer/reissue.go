package issuer

import (
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// When the owner of a payment denies it, whoever made it may have the token's keys:
// the token ends for good, and the same phone gets another for the same card, as it
// finds out at its next poll. Nobody has to prove anew to be the cardholder. Where
// the phone itself is in doubt there is no new token: the bank stops the old one
// until it knows more.

// spares are numbers for a new token, in case some are taken.
const spares = 8

// spareNumbers draws numbers for the token that would take the place of a payment's;
// none where there would be none.
func (i *Issuer) spareNumbers(payment int64) (list []emv.PAN, err error) {
	r, ok, err := i.store.RecordBySequence(payment)
	if err != nil || !ok {
		return nil, err // the update says so
	}
	n, ok, err := i.store.Instrument(r.Instrument)
	if err != nil || !ok || !n.Bound {
		return nil, err
	}
	b, ok, err := i.store.Binding(n.Index)
	if err != nil || !ok {
		return nil, err
	}
	old, err := i.store.OpenPAN(b.Sealed)
	for range spares {
		var pan emv.PAN
		if err == nil {
			pan, err = i.newTokenNumber(old)
		}
		list = append(list, pan)
	}
	return list, err
}

// stopToken stops a token whose payment was denied, for good where another takes its
// place: that one's number, masked, or "".
func (i *Issuer) stopToken(tx *Tx, payment *Record, n *Instrument, numbers []emv.PAN, at time.Time) (fresh string, err error) {
	t, err := i.findToken(tx, n.Index.Reference(), nil, at)
	if err != nil {
		return "", err
	}
	t.text = money(payment.Requested, payment.Currency) + " at " + orNone(payment.Merchant) + " was denied"
	card, ok, err := tx.Instrument(n.Card)
	if err != nil || !ok {
		return "", errorOr(err, "issuer: token %s has no card behind it", n.Masked)
	}
	if len(numbers) == 0 || t.binding.HeldBy&heldLostPhone != 0 || card.Status != StatusActive || expired(card.Expiry, at) {
		if t.binding.HeldBy&PartyBank != 0 {
			return "", nil
		}
		return "", t.step(tx, &move{verb: provisioning.VerbSuspend, party: PartyBank})
	}
	successor, err := i.replace(tx, t, numbers)
	if err != nil {
		return "", err
	}
	i.notify(tx, payment.Account, NoticeInfo, "the token "+n.Masked+" on "+orNone(t.binding.DeviceName)+" has ended, and pays no more; "+
		successor.instrument.Masked+" takes its place, which the phone fetches by itself")
	return successor.instrument.Masked, nil
}

// replace ends a token and puts another in its place: for the same card, on the same
// phone, for the same purposes, held by whom the old one was held.
func (i *Issuer) replace(tx *Tx, old *liveToken, numbers []emv.PAN) (*liveToken, error) {
	pan, err := i.freeNumber(tx, numbers)
	if err != nil {
		return nil, err
	}
	index, rules := i.store.IndexPAN(pan), i.config.TokenService.orDefault()
	fresh := &liveToken{instrument: old.instrument, binding: old.binding, now: old.now}
	n, b := &fresh.instrument, &fresh.binding
	n.Index, n.Masked, n.Expiry = index, pan.Masked(), rules.expiry(old.now)
	b.Token, b.Made, b.Events, b.Code, b.Keyed = index, old.now, 0, Challenge{}, false
	if b.Sealed, err = i.store.SealPAN(pan); err != nil {
		return nil, err
	}
	usage, _, err := tx.Usage(old.instrument.Index)
	if err != nil {
		return nil, err
	}
	next := Usage{Instrument: index}
	b.Start = usage.highest()
	next.cutAt(b.Start) // the phone's counter goes on, and so does its history
	tx.PutUsage(next)
	tx.PutInstrument(*n)
	if err := countToken(tx, n.Card, b.Device); err != nil {
		return nil, err
	}
	tx.AddTokenEvent(b, provisioning.Event{
		Time: old.now, Party: PartyService.String(), Verb: provisioning.VerbRequest, To: n.Status.String(), Text: "in the place of " + old.instrument.Masked + ": " + old.text,
	})
	old.text += "; " + n.Masked + " takes its place"
	old.binding.Successor = index.Reference()
	return fresh, old.step(tx, &move{verb: provisioning.VerbDelete, party: PartyService})
}

// freeNumber is the first number that nobody has.
func (i *Issuer) freeNumber(tx *Tx, numbers []emv.PAN) (emv.PAN, error) {
	for _, pan := range numbers {
		if _, taken, err := tx.Instrument(i.store.IndexPAN(pan)); err != nil || !taken {
			return pan, err
		}
	}
	return "", fmt.Errorf("issuer: no free token number found in %d tries", len(numbers))
}
