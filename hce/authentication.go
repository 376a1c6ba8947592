package hce

import (
	"errors"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// Authentication is what a card needs to sign, and what a terminal needs to
// check that (EMV Book 2, chapter 6): the card's private key, and the tags with
// the certificates on it, which its issuer makes over the card's static data.
type Authentication struct {
	Signer oda.Signer
	Data   emv.List // 8F, 90, 9F32, 9F46, 9F47; 92 and 9F48 where keys have a remainder; 93 for SDA
}

// ErrNotAuthenticated says that a card must sign and has nothing to sign with.
var ErrNotAuthenticated = errors.New("the card signs and needs a key with certificates")

// certificates are the tags whose values come with Authentication.
var certificates = map[emv.Tag]bool{
	emv.TagCAIndex: true, emv.TagIssuerCertificate: true, emv.TagIssuerRemainder: true, emv.TagIssuerExponent: true,
	emv.TagSSAD: true, emv.TagICCCertificate: true, emv.TagICCRemainder: true, emv.TagICCExponent: true, emv.TagSDAD: true,
}

// mayMiss is true for what a record leaves out where there is no value: a
// remainder that the key does not have, and all certificates before
// personalisation.
func (p *Profile) mayMiss(tag emv.Tag) bool {
	return certificates[tag] && (p.Authentication == nil || tag == emv.TagIssuerRemainder || tag == emv.TagICCRemainder)
}

// Signs is true for an account whose card signs, which New makes with an
// Authentication only.
func (p *Profile) Signs() bool {
	if p.MChip != nil {
		return p.MChip.AIP.Has(emv.AIPCDA)
	}
	return len(p.signed()) > 0
}

// StaticData are the data of the account that the certificate on its key signs
// (EMV Book 3, 10.3): the records that its AFL marks, and the AIP where tag 9F4A
// asks for it. They do not depend on the Authentication.
func (p *Profile) StaticData() ([]byte, error) {
	var s static
	if err := s.build(p); err != nil {
		return nil, err
	}
	if p.MChip != nil {
		return s.staticData(p, p.MChip.AIP, p.MChip.AFL)
	}
	if signed := p.signed(); len(signed) > 0 {
		return s.staticData(p, signed[0].AIP, signed[0].AFL)
	}
	return nil, nil
}

func (s *static) staticData(p *Profile, aip emv.AIP, raw []byte) ([]byte, error) {
	afl, err := emv.ParseAFL(raw)
	if err != nil {
		return nil, err
	}
	tagList, _ := p.Data.Lookup(emv.TagSDATagList)
	return oda.StaticData(afl, s.record, tagList, aip[:])
}

// buildSigner takes the key in.
func (s *static) buildSigner(p *Profile) error {
	if p.Authentication == nil || !p.Signs() {
		return nil
	}
	if s.signer = p.Authentication.Signer; s.signer == nil {
		return fault("authentication", "certificates without a key")
	}
	return nil
}

// record is a coded record.
func (s *static) record(sfi, number byte) ([]byte, bool) {
	if int(sfi) >= len(s.files) || number == 0 || int(number) > len(s.files[sfi]) {
		return nil, false
	}
	data := s.files[sfi][number-1].coded
	return data, data != nil
}
