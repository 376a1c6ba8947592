package issuer

import (
	"context"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// AdoptToken notes that a token which the bank was set up with is on the phone that
// asks, which then gets its keys as for any other token. Such tokens come with
// phones: whoever may ask may have one, and the last who did has it.
func (i *Issuer) AdoptToken(ctx context.Context, r *provisioning.Adoption) (state provisioning.TokenState, err error) {
	if err := i.admit(r); err != nil {
		return state, err
	}
	if !provisioning.Readable(r.DeviceName, maxDeviceName) {
		return state, refused("bad-device-name", "", "the name of a device is one line of text of at most %d bytes", maxDeviceName)
	}
	pan := emv.PAN(r.Token)
	unknown := refused("unknown-token", "", "there is no such token that the bank was set up with")
	if scope := i.config.rangeOf(pan); !pan.Valid() || scope == nil || scope.Kind != Token {
		return state, unknown
	}
	sealed, err := i.store.SealPAN(pan)
	if err != nil {
		return state, err
	}
	index, now := i.store.IndexPAN(pan), i.now().UTC().Truncate(time.Second)
	err = i.store.Update(ctx, nil, func(tx *Tx) error {
		if err := checkPhone(tx, r.Device); err != nil {
			return err
		}
		t, err := i.findToken(tx, index.Reference(), nil, now)
		if err != nil {
			return err
		}
		b := &t.binding
		switch same := string(b.Device) == string(r.Device); {
		case t.instrument.Bound:
			return unknown
		case !same:
			b.Device, b.DeviceName, b.FormFactor, b.Sealed = r.Device, r.DeviceName, "phone", sealed
			tx.AddTokenEvent(b, provisioning.Event{
				Time: now, Party: PartyUser.String(), Verb: provisioning.VerbRequest, From: t.instrument.Status.String(), To: t.instrument.Status.String(),
				Text: "on " + orNone(r.DeviceName) + ", which came with it",
			})
			if err := countToken(tx, t.instrument.Card, r.Device); err != nil {
				return err
			}
		default:
			if no := b.belongs(&r.Proof); no != nil {
				return no
			}
		}
		b.Number = r.Number
		tx.PutBinding(*b)
		state = t.state()
		return nil
	})
	return state, err
}
