// Package testca is a certification authority for tests: it makes all that a
// simulated card needs for offline data authentication, and the public keys
// that a terminal needs to believe it.
//
// Its private keys are published with this program and worth nothing: whoever
// loads its CA keys into a terminal that takes real cards lets anybody forge
// them.
package testca

import (
	"crypto/sha256"
	"fmt"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// Index is the index (tag 8F) of our CA keys, the same under the RID of each
// scheme. No published key of these schemes has it.
const Index = 0xE1

// unknownIndex is one under which terminals have no key.
const unknownIndex = 0xE2

// Serial numbers of issuer certificates.
var (
	serial        = [3]byte{0, 0, 1}
	revokedSerial = [3]byte{0, 0x0B, 0xAD}
)

// Expiry months of issuer certificates. Terminals of this project begin in
// 2000.
var (
	validToTheEnd = oda.Expiry{0x12, 0x49}
	alwaysExpired = oda.Expiry{0x12, 0x99}
)

// authenticationCode is the data authentication code in tag 93.
var authenticationCode = [2]byte{0xDA, 0xC0}

// rids are the schemes that we certify for.
var rids = map[emv.Scheme][5]byte{
	emv.SchemeVisa:       {0xA0, 0, 0, 0, 0x03},
	emv.SchemeMastercard: {0xA0, 0, 0, 0, 0x04},
	emv.SchemeUnionPay:   {0xA0, 0, 0, 0x03, 0x33},
}

// RID is the registered application provider identifier of a scheme. One that
// we do not certify for is an error.
func RID(scheme emv.Scheme) ([5]byte, error) {
	rid, ok := rids[scheme]
	if !ok {
		return rid, fmt.Errorf("the test CA has no keys for scheme %s: want visa, mastercard or unionpay", scheme)
	}
	return rid, nil
}

// Request is what a card's certificates are made of.
type Request struct {
	Scheme emv.Scheme
	PAN    emv.PAN
	Expiry string // YYMM
	Static []byte // as oda.StaticData collects it
	SDA    bool   // make signed static application data (93), too
	Defect Defect
}

// Credentials are what a card needs to be authenticated offline.
type Credentials struct {
	Data      emv.List // 8F 90 92 9F32 9F46 9F47 9F48 93; 92, 9F48 and 93 where needed
	Key       *oda.PrivateKey
	KeyNumber int // of Key in the pool
}

// Issue makes the certificates of a card, and chooses its key from the pool by
// its account number. The same request gives the same bytes.
func Issue(r Request) (Credentials, error) {
	expiry, err := emv.ParseExpiry(r.Expiry)
	if err != nil {
		return Credentials{}, err
	}
	if !r.PAN.Valid() {
		return Credentials{}, fmt.Errorf("account number %s: want 8 to 19 digits with a correct check digit", r.PAN)
	}
	data, err := IssuerCertificate(r.Scheme, string(r.PAN[:6]), r.Defect)
	if err != nil {
		return Credentials{}, err
	}
	c := Credentials{Data: data, KeyNumber: KeyNumber(r.PAN)}
	if c.Key, err = ICC(c.KeyNumber); err != nil {
		return c, err
	}
	return c, c.certify(r, expiry)
}

// certify adds what the issuer signs.
func (c *Credentials) certify(r Request, expiry emv.Date) error {
	pan, err := emv.AppendDigits(nil, string(r.PAN), 10)
	if err != nil {
		return err
	}
	content := oda.ICCCertificate{
		PAN: [10]byte(pan), Expiry: oda.ExpiryOf(expiry), Serial: [3]byte{0, 1, byte(c.KeyNumber)}, Key: c.Key.Public(),
	}
	if r.Defect == DefectCardExpired {
		content.Expiry = alwaysExpired
	}
	issuer, static := key("issuer-"+r.Scheme.String()), r.Static
	if r.Defect == DefectWrongHash {
		static = append(static[:len(static):len(static)], 0)
	}
	certificate, remainder, err := oda.SignICCCertificate(issuer, content, static)
	if err != nil {
		return err
	}
	if r.Defect == DefectTooLong {
		certificate = append(certificate, 0)
	}
	c.Data.Set(emv.TagICCCertificate, certificate)
	c.Data.Set(emv.TagICCExponent, content.Key.Exponent())
	if len(remainder) > 0 {
		c.Data.Set(emv.TagICCRemainder, remainder)
	}
	if r.SDA {
		signed, err := oda.SignStatic(issuer, authenticationCode, r.Static)
		if err != nil {
			return err
		}
		c.Data.Set(emv.TagSSAD, signed)
	}
	return nil
}

// IssuerCertificate certifies the scheme's test issuer for account numbers that
// start with identifier, 3 to 8 digits: tags 8F, 90, 92 where needed, and 9F32.
func IssuerCertificate(scheme emv.Scheme, identifier string, d Defect) (emv.List, error) {
	if _, err := RID(scheme); err != nil {
		return nil, err
	}
	id, err := emv.AppendDigits(nil, identifier, 4)
	if err != nil || len(identifier) < 3 {
		return nil, fmt.Errorf("issuer identifier %q: want 3 to 8 digits", identifier)
	}
	content := oda.IssuerCertificate{
		Identifier: [4]byte(id), Expiry: validToTheEnd, Serial: serial, Key: key("issuer-" + scheme.String()).Public(),
	}
	index := byte(Index)
	switch d {
	case DefectIssuerExpired:
		content.Expiry = alwaysExpired
	case DefectRevoked:
		content.Serial = revokedSerial
	case DefectUnknownCA:
		index = unknownIndex
	}
	certificate, remainder, err := oda.SignIssuerCertificate(key("ca-"+scheme.String()), content)
	if err != nil {
		return nil, err
	}
	data := emv.List{{Tag: emv.TagCAIndex, Value: []byte{index}}, {Tag: emv.TagIssuerCertificate, Value: certificate}}
	if len(remainder) > 0 {
		data.Set(emv.TagIssuerRemainder, remainder)
	}
	data.Set(emv.TagIssuerExponent, content.Key.Exponent())
	return data, nil
}

// Pool is how many card keys there are.
const Pool = 16

// KeyNumber is the card key in the pool that an account number gets.
func KeyNumber(pan emv.PAN) int {
	sum := sha256.Sum256([]byte(pan))
	return int(sum[0]) % Pool
}

// ICC is a card key of the pool, 0 to 15: 1024 bits, so that a signature fits
// an answer.
func ICC(number int) (*oda.PrivateKey, error) {
	if number < 0 || number >= Pool {
		return nil, fmt.Errorf("card key %d: the pool has 0 to %d", number, Pool-1)
	}
	return key(fmt.Sprintf("icc-%02d", number)), nil
}
