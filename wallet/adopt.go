package wallet

import (
	"context"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Cards that came with the phone have a token that the bank was set up with. They
// are not in the wallet, which only talks to the service for them: passcode and
// limits of the wallet are not theirs.

// SetUpKeys gets keys for the token of a card that came with the phone, all under
// the phone's secret.
func (w *Wallet) SetUpKeys(ctx context.Context, r provisioning.Request) (provisioning.KeySet, error) {
	token, err := w.adopt(ctx, r.Token)
	if err != nil {
		return provisioning.KeySet{}, err
	}
	request := &provisioning.KeyRequest{
		Token: token, Agreement: w.device.Agreement(), ATC: r.ATC, Held: r.Held, LastKey: r.LastKey[:], Fresh: r == provisioning.Request{Token: r.Token},
	}
	return w.deliver(ctx, request, func(keys int) int { return keys })
}

// SetUpCertificates gets certificates over the static data of such a card, with its
// private key under the phone's secret.
func (w *Wallet) SetUpCertificates(ctx context.Context, pan emv.PAN, static []byte) (provisioning.Credentials, error) {
	token, err := w.adopt(ctx, pan)
	if err != nil {
		return provisioning.Credentials{}, err
	}
	c, err := w.certify(ctx, token, static)
	if err != nil {
		return provisioning.Credentials{}, err
	}
	return *c, nil
}

// adopt tells the service that a token is on this phone, and gives its reference.
func (w *Wallet) adopt(ctx context.Context, pan emv.PAN) (string, error) {
	r := &provisioning.Adoption{DeviceName: "tapsim phone", Token: provisioning.TokenNumber(pan)}
	if err := w.sign(r); err != nil {
		return "", err
	}
	state, err := w.env.Service.AdoptToken(ctx, r)
	return state.Token, err
}
