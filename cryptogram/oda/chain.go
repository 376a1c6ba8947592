package oda

import "tapsim/emv"

// Card is what a terminal knows of a card when it authenticates its data.
type Card struct {
	RID    [5]byte
	PAN    string
	Data   emv.Source // 8F, 90, 92, 9F32, 93, 9F46, 9F47, 9F48
	Static []byte     // as StaticData collects it
	// Today is the transaction date (9A): a day of the terminal's calendar. What
	// day a moment is in another time zone does not count.
	Today emv.Date
}

// IssuerKey walks from the CA key (8F) to the issuer's key and checks all that
// EMV Book 2, 6.3 asks: form, hash, issuer, expiry, revocation.
func (c Card) IssuerKey(keys *CAKeys) (*Key, error) {
	index, err := c.get(emv.TagCAIndex, issuerCertificate)
	if err != nil {
		return nil, err
	}
	if len(index) != 1 {
		return nil, fail("CA key", FaultLength, "index of %d bytes, want 1", len(index))
	}
	certificate, err := c.get(emv.TagIssuerCertificate, issuerCertificate)
	if err != nil {
		return nil, err
	}
	exponent, err := c.get(emv.TagIssuerExponent, issuerCertificate)
	if err != nil {
		return nil, err
	}
	remainder, _ := c.Data.Lookup(emv.TagIssuerRemainder)
	cert, err := keys.IssuerCertificate(c.RID, index[0], certificate, remainder, exponent, c.Today)
	if err != nil {
		return nil, err
	}
	if err := cert.Check(c.PAN, c.Today); err != nil {
		return nil, err
	}
	if keys.Revoked(Revocation{RID: c.RID, Index: index[0], Serial: cert.Serial}) {
		return nil, fail(issuerCertificate, FaultRevoked, "serial number %X of CA key %X index %02X is on the revocation list", cert.Serial, c.RID, index[0])
	}
	return cert.Key, nil
}

// ICCKey walks on from the issuer's key to the card's and checks all that EMV
// Book 2, 6.4 asks.
func (c Card) ICCKey(issuer *Key) (*Key, error) {
	certificate, err := c.get(emv.TagICCCertificate, iccCertificate)
	if err != nil {
		return nil, err
	}
	exponent, err := c.get(emv.TagICCExponent, iccCertificate)
	if err != nil {
		return nil, err
	}
	remainder, _ := c.Data.Lookup(emv.TagICCRemainder)
	cert, err := RecoverICC(issuer, certificate, remainder, exponent)
	if err != nil {
		return nil, err
	}
	if err := cert.Verify(c.Static); err != nil {
		return nil, err
	}
	if err := cert.Check(c.PAN, c.Today); err != nil {
		return nil, err
	}
	return cert.Key, nil
}

// StaticSignature verifies the card's signed static application data (93) with
// the issuer's key: SDA.
func (c Card) StaticSignature(issuer *Key) (*StaticSignature, error) {
	signed, err := c.get(emv.TagSSAD, staticSignature)
	if err != nil {
		return nil, err
	}
	s, err := RecoverStatic(issuer, signed)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(c.Static); err != nil {
		return nil, err
	}
	return s, nil
}

func (c Card) get(tag emv.Tag, object string) ([]byte, error) {
	v, ok := c.Data.Lookup(tag)
	if !ok {
		return nil, fail(object, FaultMissing, "the card gave no tag %s", tag)
	}
	return v, nil
}
