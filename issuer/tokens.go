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
	return i.Replenish(ctx, provisioning.Request{Token: pan}, device)
}

// keyKind is what kind of keys the phones of a scheme get: Visa's definition of
// limited-use keys is public; elsewhere single-use keys stand in.
func keyKind(scheme emv.Scheme) provisioning.KeyKind {
	if scheme == emv.SchemeVisa {
		return provisioning.IndexedKeys
	}
	return provisioning.SingleUseKeys
}

// Replenish hands out new keys for an active token under the terms of the
// configuration. Keys handed out before stay good until they end. The phone
// never gets the card key that they derive from.
func (i *Issuer) Replenish(ctx context.Context, r provisioning.Request, device *cryptogram.Key) (provisioning.KeySet, error) {
	token := r.Token
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
		if n, ok, err = tx.Instrument(index); err == nil {
			err = n.mayGetKeys(ok, token)
		}
		if err != nil {
			return err
		}
		usage, _, err := tx.Usage(index)
		if err != nil {
			return err
		}
		if last = usage.highest(); last == math.MaxUint16 {
			return usedUp(&n)
		}
		if keyKind(scope.Scheme) == provisioning.SingleUseKeys {
			issued, err = i.issueCounters(tx, &n, max(r.Held, last), now)
		} else {
			issued, err = i.issueKeys(tx, index, r.LastKey, now)
		}
		return err
	})
	if err != nil {
		return provisioning.KeySet{}, err
	}
	set, err := i.wrapKeys(scope, token, &n, issued, device)
	set.LastATC = last
	return set, err
}

// mayGetKeys refuses what is not an active token; there is whether it is known.
func (n *Instrument) mayGetKeys(there bool, token emv.PAN) error {
	switch {
	case !there:
		return fmt.Errorf("issuer: there is no token %s", token.Masked())
	case n.Status != StatusActive:
		return fmt.Errorf("issuer: token %s is %s and gets no keys", n.Masked, n.Status)
	}
	return nil
}

// usedUp refuses keys for a token whose transaction counter has come to its end.
func usedUp(n *Instrument) error {
	return refused("counter-used-up", "remove the card and add it again: it needs a new token", "the transaction counter of token %s has come to its end", n.Masked)
}

// maxSingleUse bounds a set of single-use keys.
const maxSingleUse = 200

// issueCounters issues the keys of the next transaction counters, as many as
// the payments that a set of limited-use keys would be good for. A phone that
// asks for counters again gets the same keys, for a new time.
func (i *Issuer) issueCounters(tx *Tx, n *Instrument, held uint16, now time.Time) ([]IssuedKey, error) {
	terms, token := i.config.LimitedUse, n.Index
	count := min(terms.Keys*terms.Uses, maxSingleUse, lastCounter-int(held))
	if count <= 0 {
		return nil, usedUp(n)
	}
	out := make([]IssuedKey, 0, count)
	for atc := int(held) + 1; len(out) < count; atc++ {
		k := IssuedKey{Token: token, Index: counterIndex(uint16(atc)), Issued: now, NotAfter: now.Add(terms.Lifetime), Uses: 1, Amount: terms.Amount}
		earlier, taken, err := tx.Key(token, k.Index)
		if err != nil {
			return nil, err
		}
		if taken {
			k.Used, k.Spent, k.Withdrawn = earlier.Used, earlier.Spent, earlier.Withdrawn
		}
		tx.PutKey(k)
		out = append(out, k)
	}
	return out, nil
}

// lastCounter is the highest transaction counter that makes a cryptogram.
const lastCounter = 0xFFFE

// counterIndex stands for a transaction counter in the place of a key index.
func counterIndex(atc uint16) [4]byte { return [4]byte{2: byte(atc >> 8), 3: byte(atc)} }

// issueKeys takes the next free key indices of this hour, above the one that
// the phone got last.
func (i *Issuer) issueKeys(tx *Tx, token PANIndex, last [4]byte, now time.Time) ([]IssuedKey, error) {
	terms := i.config.LimitedUse
	first := 0
	if at := keyIndexAt(now, 0).BCD(); [3]byte(last[:3]) == [3]byte(at[:3]) {
		index, err := cryptogram.ParseKeyIndex(last[:])
		if err != nil {
			return nil, fmt.Errorf("issuer: the phone's last key: %w", err)
		}
		first = index.Counter + 1
	}
	var out []IssuedKey
	for counter := first; counter < maxKeysAnHour && len(out) < terms.Keys; counter++ {
		k := IssuedKey{
			Token: token, Index: keyIndexAt(now, counter).BCD(), Issued: now, NotAfter: now.Add(terms.Lifetime), Uses: terms.Uses, Amount: terms.Amount,
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
		return nil, refused("no-keys-left", "try again in the next hour", "a token gets at most %d keys an hour, and those that are left are too few", maxKeysAnHour)
	}
	return out, nil
}

// wrapKeys derives the keys and puts them under the device key.
func (i *Issuer) wrapKeys(scope *Range, token emv.PAN, n *Instrument, issued []IssuedKey, device *cryptogram.Key) (provisioning.KeySet, error) {
	set := i.config.keySet(scope.KeySets[0])
	out := provisioning.KeySet{Kind: keyKind(scope.Scheme), Token: provisioning.Token{
		PAN: token, PSN: n.PSN, Expiry: n.Expiry, LastFour: n.LastFour, Requestor: n.Requestor, PAR: n.PAR, ServiceCode: n.ServiceCode,
	}}
	for _, k := range issued {
		message := provisioning.LimitedUseKey{Uses: k.Uses, NotAfter: k.NotAfter, Amount: k.Amount}
		key, err := i.deriveIssued(set, token, n.PSN, out.Kind, k.Index, &message)
		if err != nil {
			return provisioning.KeySet{}, err
		}
		if message.Wrapped, err = device.WrapKey(key); err != nil {
			return provisioning.KeySet{}, fmt.Errorf("issuer: device key: %w", err)
		}
		message.CheckValue = key.CheckValue()
		out.Keys = append(out.Keys, message)
	}
	return out, nil
}

// deriveIssued derives an issued key and puts its name into the message.
func (i *Issuer) deriveIssued(set *KeySet, token emv.PAN, psn string, kind provisioning.KeyKind, index [4]byte, message *provisioning.LimitedUseKey) (*cryptogram.Key, error) {
	if kind == provisioning.SingleUseKeys {
		card, err := i.keys.card(set, token, psn)
		if err != nil {
			return nil, err
		}
		message.ATC = uint16(index[2])<<8 | uint16(index[3])
		return cryptogram.SingleUseKey(card, set.Scheme, message.ATC)
	}
	named, err := cryptogram.ParseKeyIndex(index[:])
	if err != nil {
		return nil, err
	}
	message.Index = index
	return i.keys.limitedUse(set, token, psn, named)
}

// SetStatus changes the state of a card or token, for an operator who knows
// better than the table of a token's life. Nothing leaves deactivated, and no
// token becomes active that somebody has suspended.
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
		from := n.Status
		n.Status = status
		tx.PutInstrument(n)
		if n.Kind != Token {
			return nil
		}
		b, _, err := tx.Binding(index)
		if err != nil {
			return err
		}
		if status == StatusActive && b.HeldBy != 0 {
			return fmt.Errorf("issuer: token %s is suspended by %s: only who suspended it may resume it", n.Masked, b.HeldBy)
		}
		b.Token = index
		tx.AddTokenEvent(&b, provisioning.Event{
			Time: i.now().UTC().Truncate(time.Second), Party: PartyBank.String(), Verb: provisioning.VerbStatus, From: from.String(), To: status.String(),
		})
		return nil
	})
}
