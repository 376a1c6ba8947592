package cli

import (
	"fmt"
	"slices"

	offlineauth "tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/transcript"
)

// certificateJSON is a public key certificate in decoded data, opened with a CA
// key that terminals of this project load.
type certificateJSON struct {
	Object   string `json:"object"`
	SignedBy string `json:"signed_by"`
	Bits     int    `json:"bits"`
	Exponent string `json:"exponent"`
	Expiry   string `json:"expiry"` // last day, YYYY-MM-DD
	Serial   string `json:"serial"`
	ROCA     bool   `json:"roca"` // the key can be factored (CVE-2017-15361)
}

// authenticationTags are the data objects that certificates are opened with,
// and those that name the application.
var authenticationTags = []emv.Tag{
	emv.TagCAIndex, emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent,
	emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent, emv.TagDFName,
}

// certificates opens the certificates in TLV data, the answers of a card in
// their order, or as many as it can: other data are none of its business. Hashes
// over a card's static data are not checked here.
func certificates(answers ...[]byte) []certificateJSON {
	var data emv.List
	for _, b := range answers {
		if tree, err := emv.Parse(b); err == nil {
			collect(&data, tree.Nodes)
		}
	}
	value := func(tag emv.Tag) []byte { v, _ := data.Lookup(tag); return v }
	index, certificate := value(emv.TagCAIndex), value(emv.TagIssuerCertificate)
	if len(index) != 1 || certificate == nil {
		return nil
	}
	for _, k := range testca.Keys() {
		if k.Index != index[0] || !rightRID(k.RID[:], value(emv.TagDFName)) {
			continue
		}
		ca, err := offlineauth.NewKey(k.Modulus, k.Exponent)
		if err != nil {
			continue
		}
		issuer, err := offlineauth.RecoverIssuer(ca, certificate, value(emv.TagIssuerRemainder), value(emv.TagIssuerExponent))
		if err != nil {
			continue
		}
		found := []certificateJSON{newCertificate("issuer certificate", fmt.Sprintf("CA key %X %02X", k.RID, k.Index), issuer.Key, issuer.Expiry, issuer.Serial)}
		icc, err := offlineauth.RecoverICC(issuer.Key, value(emv.TagICCCertificate), value(emv.TagICCRemainder), value(emv.TagICCExponent))
		if err == nil {
			found = append(found, newCertificate("ICC certificate", "the issuer", icc.Key, icc.Expiry, icc.Serial))
		}
		return found
	}
	return nil
}

func collect(data *emv.List, nodes []emv.Node) {
	for _, n := range nodes {
		if slices.Contains(authenticationTags, n.Tag) {
			data.Set(n.Tag, n.Value)
		}
		collect(data, n.Children)
	}
}

// rightRID is true for the RID of an application, and when none is known.
func rightRID(rid, aid []byte) bool {
	return len(aid) < len(rid) || string(aid[:len(rid)]) == string(rid)
}

func newCertificate(object, signedBy string, k *offlineauth.Key, e offlineauth.Expiry, serial [3]byte) certificateJSON {
	return certificateJSON{
		Object: object, SignedBy: signedBy, Bits: 8 * k.Len(), Exponent: fmt.Sprintf("%X", k.Exponent()), Expiry: e.String(),
		Serial: fmt.Sprintf("%X", serial), ROCA: offlineauth.HasROCAFingerprint(k.Modulus()),
	}
}

// cardAnswers are the data of a transcript's answers, without status words.
func cardAnswers(t *transcript.Transcript) [][]byte {
	var out [][]byte
	for _, x := range t.Exchanges() {
		if n := len(x.Response); n > 2 {
			out = append(out, x.Response[:n-2])
		}
	}
	return out
}

func (c certificateJSON) appendText(dst []byte, s transcript.Style) []byte {
	line := fmt.Sprintf("  %s by %s: RSA %d bits, exponent %s, valid until %s, serial number %s\n", c.Object, c.SignedBy, c.Bits, c.Exponent, c.Expiry, c.Serial)
	dst = append(dst, line...)
	if c.ROCA {
		const warning = "  WARNING: this key has the ROCA fingerprint, it can be factored (CVE-2017-15361)"
		dst = append(dst, painted(s, transcript.RoleBad, warning)+"\n"...)
	}
	return dst
}
