package issuer

import (
	"context"
	"fmt"
	"math"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// maxKeysAnHour is how many keys a token can get in one hour: the counter of
// the key index has two digits.
const maxKeysAnHour = 100

// Enrol makes a token for a card and hands out its first keys, wrapped under
// the device's key, an AES key.
func (i *Issuer) Enrol(ctx context.Context, n NewToken, device *cryptogram.Key) (provisioning.KeySet, error) {
	pan, err := i.IssueToken(ctx, n)
	if err != nil {
		return provisioning.KeySet{}, err
	}
	return i.Replenish(ctx, pan, device)
}

// Replenish hands out new keys for an active token under the terms of the
// configuration. Keys handed out before stay good until they end. The phone
// never gets the card key that they derive from.
func (i *Issuer) Replenish(ctx context.Context, token emv.PAN, device *cryptogram.Key) (provisioning.KeySet, error) {
	index := i.store.IndexPAN(token)
	scope := i.config.rangeOf(token)
	if scope == nil || scope.Kind != Token {
		return provisioning.KeySet{}, fmt.Errorf("issuer: %s is in no token range of the bank", token.Masked())
	}
	if device == nil {
		return provisioning.KeySet{}, fmt.Errorf("issuer: keys travel under a device key, and none was given")
	}
	now := i.now().UTC().Truncate(time.Second)
	var n Instrument
	var issued []IssuedKey
	var last uint16
	err := i.store.Update(ctx, nil, func(tx *Tx) (err error) {
		var ok bool
		if n, ok, err = tx.Instrument(index); err != nil || !ok {
			return errorOr(err, "issuer: there is no token %s", token.Masked())
		}
		if n.Status != StatusActive {
			return fmt.Errorf("issuer: token %s is %s and gets no keys", n.Masked, n.Status)
		}
		usage, _, err := tx.Usage(index)
		if err != nil {
			return err
		}
		if last = usage.highest(); last == math.MaxUint16 {
			return fmt.Errorf("issuer: the transaction counter of token %s has come to its end: make a new token", n.Masked)
		}
		issued, err = i.issueKeys(tx, index, now)
		return err
	})
	if err != nil {
		return provisioning.KeySet{}, err
	}
	set, err := i.wrapKeys(scope, token, &n, issued, device)
	set.LastATC = last
	return set, err
}

// issueKeys takes the next free key indices of this hour.
func (i *Issuer) issueKeys(tx *Tx, token PANIndex, now time.Time) ([]IssuedKey, error) {
	terms := i.config.LimitedUse
	var out []IssuedKey
	for counter := 0; counter < maxKeysAnHour && len(out) < terms.Keys; counter++ {
		k := IssuedKey{
			Token: token, Index: keyIndexAt(now, counter).BCD(), Issued: now, NotAfter: now.Add(terms.Lifetime), Uses: terms.Uses,
		}
		earlier, taken, err := tx.Key(token, k.Index)
		if err != nil {
			return nil, err
		}
		if !taken || earlier.NotAfter.Before(now) { // ten years ago the hour had the same index
			tx.PutKey(k)
			out = append(out, k)
		}
	}
	if len(out) < terms.Keys {
		return nil, fmt.Errorf("issuer: this token got %d keys in this hour, more have no index: try again in the next", maxKeysAnHour)
	}
	return out, nil
}

// wrapKeys derives the keys and puts them under the device key.
func (i *Issuer) wrapKeys(scope *Range, token emv.PAN, n *Instrument, issued []IssuedKey, device *cryptogram.Key) (provisioning.KeySet, error) {
	set := i.config.keySet(scope.KeySets[0])
	out := provisioning.KeySet{Token: provisioning.Token{
		PAN: token, PSN: n.PSN, Expiry: n.Expiry, LastFour: n.LastFour, Requestor: n.Requestor, PAR: n.PAR, ServiceCode: n.ServiceCode,
	}}
	for _, k := range issued {
		index, err := cryptogram.ParseKeyIndex(k.Index[:])
		if err != nil {
			return provisioning.KeySet{}, err
		}
		key, err := i.keys.limitedUse(set, token, n.PSN, index)
		if err != nil {
			return provisioning.KeySet{}, err
		}
		wrapped, err := device.WrapKey(key)
		if err != nil {
			return provisioning.KeySet{}, fmt.Errorf("issuer: device key: %w", err)
		}
		out.Keys = append(out.Keys, provisioning.LimitedUseKey{
			Index: k.Index, Wrapped: wrapped, CheckValue: key.CheckValue(), Uses: k.Uses, NotAfter: k.NotAfter,
		})
	}
	return out, nil
}

// SetStatus changes the state of a card or token. Nothing leaves deactivated.
func (i *Issuer) SetStatus(ctx context.Context, pan emv.PAN, status Status) error {
	index := i.store.IndexPAN(pan)
	return i.store.Update(ctx, nil, func(tx *Tx) error {
		n, ok, err := tx.Instrument(index)
		switch {
		case err != nil || !ok:
			return errorOr(err, "issuer: there is no card or token %s", pan.Masked())
		case status < StatusInactive || status > StatusStolen:
			return fmt.Errorf("issuer: unknown status %d", status)
		case n.Status == StatusDeactivated && status != StatusDeactivated:
			return fmt.Errorf("issuer: %s %s is deactivated for good", n.Kind, n.Masked)
		}
		n.Status = status
		tx.PutInstrument(n)
		return nil
	})
}
