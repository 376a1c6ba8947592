package sim

import (
	"cmp"
	"fmt"
	"strings"

	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
)

var _ issuer.Certifier = certify

// certify has the test certification authority make the key and certificates of
// a card.
func certify(scheme emv.Scheme, pan emv.PAN, expiry string, static []byte) (*oda.PrivateKey, emv.List, error) {
	c, err := testca.Issue(testca.Request{Scheme: scheme, PAN: pan, Expiry: expiry, Static: static})
	return c.Key, c.Data, err
}

// certifiedUntil is when the certificates of cards with a key of their own end,
// YYMM: with those of the issuer. A card that expires sooner is a card that has
// expired, not one whose certificates have.
const certifiedUntil = "4912"

// authenticate personalises the accounts of a card that sign and hold keys of
// their own; a token gets its certificates when it is enrolled.
func authenticate(p *hce.Profile) error {
	for i := range p.Others {
		if err := authenticate(&p.Others[i]); err != nil {
			return fmt.Errorf("card %s: %w", p.Name, err)
		}
	}
	if !p.Signs() || p.CardKey == nil {
		return nil
	}
	static, err := p.StaticData()
	if err != nil {
		return fmt.Errorf("card %s: %w", p.Name, err)
	}
	defect, ok := testca.ParseDefect(cmp.Or(p.Defect, testca.DefectNone.String()))
	if !ok {
		return fmt.Errorf("card %s: certificates.defect: %q is none of %s", p.Name, p.Defect, strings.Join(testca.DefectNames(), ", "))
	}
	c, err := testca.Issue(testca.Request{Scheme: p.Scheme, PAN: p.Account.PAN, Expiry: certifiedUntil, Static: static, Defect: defect})
	if err != nil {
		return fmt.Errorf("card %s: %w", p.Name, err)
	}
	p.Authentication = &hce.Authentication{Signer: c.Key, Data: c.Data}
	return nil
}
