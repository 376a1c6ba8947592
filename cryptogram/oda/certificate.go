package oda

import (
	"fmt"

	"tapsim/emv"
)

// Names of the objects in errors.
const (
	issuerCertificate = "issuer certificate"
	iccCertificate    = "ICC certificate"
)

// Expiry is the expiry month of a certificate as it stands there: MMYY.
type Expiry [2]byte

// last is the last day of the expiry month; false when the bytes are no month.
func (e Expiry) last() (emv.Date, bool) {
	yymm, err := emv.Digits([]byte{e[1], e[0]})
	if err != nil {
		return emv.Date{}, false
	}
	day, err := emv.ParseExpiry(yymm)
	return day, err == nil
}

// String is the last day of the month, YYYY-MM-DD, or the bytes in hex when they
// are no month.
func (e Expiry) String() string {
	last, ok := e.last()
	if !ok {
		return fmt.Sprintf("%X", e[:])
	}
	return last.String()
}

func (e Expiry) check(object string, today emv.Date) error {
	last, ok := e.last()
	if !ok {
		return fail(object, FaultFormat, "expiry date %X is no month and year", e[:])
	}
	if last.Before(today) {
		return fail(object, FaultExpired, "valid until %s", e)
	}
	return nil
}

// IssuerCertificate is an issuer public key certificate (tag 90), recovered
// with its hash checked.
type IssuerCertificate struct {
	Recovered  []byte
	Identifier [4]byte // leftmost 3 to 8 digits of the PAN, F filled
	Expiry     Expiry
	Serial     [3]byte
	Key        *Key
	Hash       [20]byte
}

// RecoverIssuer recovers an issuer certificate with the CA key, joins the key
// with its remainder (tag 92, empty when there is none) and checks form and hash
// (EMV Book 2, 5.3 and 6.3). exponent is tag 9F32. Expiry and PAN are for
// Check.
func RecoverIssuer(ca *Key, certificate, remainder, exponent []byte) (*IssuerCertificate, error) {
	f, err := ca.recover(issuerCertificate, certificate, 0x02, 11)
	if err != nil {
		return nil, err
	}
	key, err := f.key(issuerCertificate, 12, remainder, exponent)
	if err != nil {
		return nil, err
	}
	if err := f.verify(issuerCertificate, remainder, exponent); err != nil {
		return nil, err
	}
	return &IssuerCertificate{
		Recovered: f, Identifier: [4]byte(f[2:6]), Expiry: Expiry(f[6:8]), Serial: [3]byte(f[8:11]),
		Key: key, Hash: [20]byte(f.hash()),
	}, nil
}

// Check says whether the certificate has not expired on the day of the
// transaction (9A) and belongs to the issuer of pan.
func (c *IssuerCertificate) Check(pan string, today emv.Date) error {
	id, err := emv.Digits(c.Identifier[:])
	if err != nil || len(id) < 3 {
		return fail(issuerCertificate, FaultFormat, "issuer identifier is not 3 to 8 digits")
	}
	if len(pan) < len(id) || pan[:len(id)] != id {
		return fail(issuerCertificate, FaultPAN, "issuer identifier is not the start of the PAN")
	}
	return c.Expiry.check(issuerCertificate, today)
}

// ICCCertificate is an ICC public key certificate (tag 9F46), recovered. Its hash covers static data too: Verify checks it.
type ICCCertificate struct {
	Recovered []byte
	PAN       [10]byte // F filled
	Expiry    Expiry
	Serial    [3]byte
	Key       *Key
	Hash      [20]byte

	frame               frame
	remainder, exponent []byte
}

// RecoverICC recovers an ICC certificate with the issuer's key, joins the key
// with its remainder (tag 9F48, empty when there is none) and checks the form
// (EMV Book 2, 6.4). exponent is tag 9F47. Hash, expiry and PAN are for Verify
// and Check.
func RecoverICC(issuer *Key, certificate, remainder, exponent []byte) (*ICCCertificate, error) {
	f, err := issuer.recover(iccCertificate, certificate, 0x04, 17)
	if err != nil {
		return nil, err
	}
	key, err := f.key(iccCertificate, 18, remainder, exponent)
	if err != nil {
		return nil, err
	}
	return &ICCCertificate{
		Recovered: f, PAN: [10]byte(f[2:12]), Expiry: Expiry(f[12:14]), Serial: [3]byte(f[14:17]),
		Key: key, Hash: [20]byte(f.hash()),
		frame: f, remainder: append([]byte(nil), remainder...), exponent: append([]byte(nil), exponent...),
	}, nil
}

// Verify checks the hash over the certificate and the card's static data.
func (c *ICCCertificate) Verify(static []byte) error {
	return c.frame.verify(iccCertificate, c.remainder, c.exponent, static)
}

// Check says whether the certificate has not expired on the day of the
// transaction (9A) and was made for pan.
func (c *ICCCertificate) Check(pan string, today emv.Date) error {
	if err := c.CheckPAN(pan); err != nil {
		return err
	}
	return c.Expiry.check(iccCertificate, today)
}

// CheckPAN says whether the certificate was made for pan.
func (c *ICCCertificate) CheckPAN(pan string) error {
	digits, err := emv.Digits(c.PAN[:])
	if err != nil {
		return fail(iccCertificate, FaultFormat, "PAN is not digits with F fill")
	}
	if digits != pan {
		return fail(iccCertificate, FaultPAN, "made for another PAN")
	}
	return nil
}

// key reads the public key of a certificate: at stand its algorithm, length of
// modulus, length of exponent and, up to the hash, the modulus or as much as
// fits (EMV Book 2, 6.3 and 6.4). Fill and the length of the exponent are not
// looked at: the books do not ask for it, and the hash covers them.
func (f frame) key(object string, at int, remainder, exponent []byte) (*Key, error) {
	if f[at] != 0x01 {
		return nil, fail(object, FaultAlgorithm, "public key algorithm %02X, want 01 (RSA)", f[at])
	}
	length, field := int(f[at+1]), f[at+3:len(f)-21]
	modulus := append([]byte(nil), field[:min(length, len(field))]...)
	if rest := length - len(field); rest > 0 {
		if len(remainder) != rest {
			return nil, fail(object, FaultLength, "remainder of %d bytes, a modulus of %d needs %d", len(remainder), length, rest)
		}
		modulus = append(modulus, remainder...)
	}
	key, err := NewKey(modulus, exponent)
	if err != nil {
		err.(*Error).Object = object
	}
	return key, err
}
