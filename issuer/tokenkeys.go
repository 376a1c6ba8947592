package issuer

import (
	"context"
	"fmt"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// DeliverKeys hands new keys to the phone that holds a token, under a key that
// only this phone can agree on. Its transaction counter must not be below what
// the bank has seen: a phone whose memory was set back would repeat cryptograms.
func (i *Issuer) DeliverKeys(ctx context.Context, r *provisioning.KeyRequest) (provisioning.Delivery, error) {
	asked := fmt.Sprintf("asked for keys at counter %d", r.ATC)
	pan, err := i.ownToken(ctx, r, r.Token, asked, func(tx *Tx, t *liveToken) error { return mayReplenish(tx, t, r) })
	if err != nil {
		return provisioning.Delivery{}, err
	}
	d, key, err := i.newDelivery(r.Agreement)
	if err != nil {
		return d, err
	}
	request := provisioning.Request{Token: pan, Held: r.Held}
	if len(r.LastKey) == len(request.LastKey) {
		request.LastKey = [4]byte(r.LastKey)
	}
	set, err := i.Replenish(ctx, request, key)
	if err != nil {
		return d, err
	}
	text, err := provisioning.PutToken(set.Token)
	if err != nil {
		return d, err
	}
	if d.Token, err = key.Wrap(text); err != nil {
		return d, err
	}
	d.Kind, d.Keys, d.LastATC = set.Kind, set.Keys, set.LastATC
	return d, nil
}

// DeliverCertificates certifies the token of a phone whose card signs.
func (i *Issuer) DeliverCertificates(ctx context.Context, r *provisioning.CertificateRequest) (provisioning.Delivery, error) {
	pan, err := i.ownToken(ctx, r, r.Token, "asked for certificates", func(_ *Tx, t *liveToken) error {
		_, no := allowed(provisioning.VerbReplenish, t.instrument.Status, PartyUser)
		return orNil(no)
	})
	if err != nil {
		return provisioning.Delivery{}, err
	}
	d, key, err := i.newDelivery(r.Agreement)
	if err != nil {
		return d, err
	}
	credentials, err := i.Certify(ctx, pan, r.Static, key)
	d.Credentials = &credentials
	return d, err
}

// ownToken is the number of a token for the phone that holds it. What it asked for
// goes into the history.
func (i *Issuer) ownToken(ctx context.Context, r provisioning.Signed, reference, asked string, check func(*Tx, *liveToken) error) (emv.PAN, error) {
	if err := i.admit(r); err != nil {
		return "", err
	}
	now := i.now().UTC().Truncate(time.Second)
	var sealed []byte
	err := i.store.Update(ctx, nil, func(tx *Tx) error {
		t, err := i.findToken(tx, reference, provisioning.ProofOf(r), now)
		if err != nil {
			return err
		}
		if err := check(tx, t); err != nil {
			return err
		}
		sealed = t.binding.Sealed
		t.binding.Keyed = true
		status := t.instrument.Status.String()
		tx.AddTokenEvent(&t.binding, provisioning.Event{ // which writes the binding
			Time: now, Party: PartyUser.String(), Verb: provisioning.VerbReplenish, From: status, To: status, Text: asked,
		})
		return nil
	})
	if err != nil {
		return "", err
	}
	return i.store.OpenPAN(sealed)
}

// mayReplenish refuses a token that gets no keys, and a phone that was set back.
func mayReplenish(tx *Tx, t *liveToken, r *provisioning.KeyRequest) error {
	if _, no := allowed(provisioning.VerbReplenish, t.instrument.Status, PartyUser); no != nil {
		return no
	}
	if expired(t.instrument.Expiry, t.now) {
		return refused("token-expired", "renew it", "the token expired at the end of %s", expiryText(t.instrument.Expiry))
	}
	usage, _, err := tx.Usage(t.binding.Token)
	if err != nil {
		return err
	}
	switch seen := usage.highest(); {
	case r.Fresh && !t.instrument.Bound: // a phone that it came with may be set up anew
	case r.Fresh && t.binding.Keyed && seen > t.binding.Start:
		return refused("rolled-back", "remove the card from the phone and add it again",
			"the phone says that it has not had the token before, the bank has seen transaction counter %d: its memory was set back", seen)
	case !r.Fresh && r.ATC < seen:
		return refused("rolled-back", "remove the card from the phone and add it again",
			"the phone is at transaction counter %d, the bank has seen %d: its memory was set back", r.ATC, seen)
	}
	return nil
}

// newDelivery agrees on a key with a phone, for one message.
func (i *Issuer) newDelivery(agreement []byte) (d provisioning.Delivery, key *cryptogram.Key, err error) {
	var random [32]byte
	if err = i.random(random[:]); err != nil {
		return d, nil, err
	}
	if d.Agreement, key, err = cryptogram.SealTo(agreement, random); err != nil {
		return d, nil, refused("bad-agreement", "", "the phone's public key is none")
	}
	return d, key, nil
}
