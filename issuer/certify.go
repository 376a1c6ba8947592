package issuer

import (
	"context"
	"fmt"
	"slices"

	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/provisioning"
)

// Certifier makes the key pair of a card that signs, and the certificates on it
// over the card's static data (EMV Book 2, 6.1): values of 8F, 90, 92, 9F32,
// 9F46, 9F47 and 9F48.
type Certifier func(scheme emv.Scheme, pan emv.PAN, expiry string, static []byte) (*oda.PrivateKey, emv.List, error)

// maxCertified bounds the static data that a phone may send, in bytes.
const maxCertified = 16 << 10

// Certify makes key and certificates for an active token. static is what the
// phone will show of it, as oda.StaticData collects it. The private key travels
// wrapped under the device's key.
func (i *Issuer) Certify(_ context.Context, token emv.PAN, static []byte, device *cryptogram.Key) (provisioning.Credentials, error) {
	scope := i.config.rangeOf(token)
	switch {
	case i.ca == nil:
		return provisioning.Credentials{}, fmt.Errorf("issuer: this token service certifies no cards")
	case scope == nil || scope.Kind != Token:
		return provisioning.Credentials{}, fmt.Errorf("issuer: %s is in no token range of the bank", token.Masked())
	case len(static) > maxCertified:
		return provisioning.Credentials{}, refuse("bad-request", "", "%d bytes of static data, at most %d are certified", len(static), maxCertified)
	case device == nil:
		return provisioning.Credentials{}, fmt.Errorf("issuer: keys travel under a device key, and none was given")
	}
	n, ok, err := i.store.Instrument(i.store.IndexPAN(token))
	if err == nil {
		err = n.mayGetKeys(ok, token)
	}
	if err != nil {
		return provisioning.Credentials{}, err
	}
	key, data, err := i.ca(scope.Scheme, token, n.Expiry, static)
	if err != nil {
		return provisioning.Credentials{}, fmt.Errorf("issuer: certificates of token %s: %w", n.Masked, err)
	}
	p, q := key.Primes()
	wrapped, err := device.Wrap(slices.Concat(p, q))
	if err != nil {
		return provisioning.Credentials{}, fmt.Errorf("issuer: device key: %w", err)
	}
	return provisioning.Credentials{Data: data, Wrapped: wrapped}, nil
}
