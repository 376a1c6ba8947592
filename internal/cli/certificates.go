package cli

import (
	"fmt"
	"slices"
	"strings"

	offlineauth "tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/transcript"
)

// certificateJSON is a public key certificate in decoded data, opened with a CA
// key that terminals of this project load, or the reason why it stays closed.
type certificateJSON struct {
	Object   string `json:"object"`
	SignedBy string `json:"signed_by,omitempty"`
	Bits     int    `json:"bits,omitempty"`
	Exponent string `json:"exponent,omitempty"`
	Expiry   string `json:"expiry,omitempty"` // last day, YYYY-MM-DD
	Serial   string `json:"serial,omitempty"`
	ROCA     bool   `json:"roca"`              // the key can be factored (CVE-2017-15361)
	Verified bool   `json:"verified"`          // by all that the decoded data hold
	Problem  string `json:"problem,omitempty"` // why it is not
}

// signatureJSON is a signature of the card, or of its issuer over the card's
// data.
type signatureJSON struct {
	Object   string `json:"object"` // SDA, DDA, fDDA, CDA
	Exchange int    `json:"exchange,omitempty"`
	Verified bool   `json:"verified"`
	Problem  string `json:"problem,omitempty"`
}

// authentication is what offline data authentication says about decoded data.
type authentication struct {
	Certificates []certificateJSON
	Signatures   []signatureJSON
}

// authenticationTags are the data objects of a certificate chain, and those that
// name the application.
var authenticationTags = []emv.Tag{
	emv.TagCAIndex, emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent,
	emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent, emv.TagDFName, emv.TagSSAD, emv.TagPAN, emv.TagTrack2,
}

// certificates opens the certificates in TLV data that are no session. What the
// card's static data are they do not tell.
func certificates(answers ...[]byte) authentication {
	var data emv.List
	for _, b := range answers {
		if tree, err := emv.Parse(b); err == nil {
			collect(&data, tree.Nodes)
		}
	}
	c := newChain(data, nil)
	c.why = "the card's records, whose hash it holds, are not among the data"
	c.walk()
	return c.out
}

func collect(data *emv.List, nodes []emv.Node) {
	for _, n := range nodes {
		if slices.Contains(authenticationTags, n.Tag) {
			data.Set(n.Tag, n.Value)
		}
		collect(data, n.Children)
	}
}

// authenticated checks the certificates and signatures of a session, one
// application after the other. A source that shows no selection gets its
// certificates opened.
func authenticated(t *transcript.Transcript) (a authentication) {
	applications := transcript.Signed(t)
	for i := range applications {
		s := &applications[i]
		c := newChain(s.Data, s.AID)
		if day, ok := s.Sent.Lookup(emv.TagTransactionDate); ok {
			c.today, _ = emv.ParseDate(day)
		}
		if static, err := staticData(s); err != nil {
			c.why = err.Error()
		} else {
			c.static = append([]byte{}, static...)
		}
		c.walk()
		c.signatures(s)
		a.Certificates = append(a.Certificates, c.out.Certificates...)
		a.Signatures = append(a.Signatures, c.out.Signatures...)
	}
	if len(applications) == 0 {
		return certificates(cardAnswers(t)...)
	}
	return a
}

// staticData are what the issuer signed of the card's data.
func staticData(s *transcript.SignedData) ([]byte, error) {
	value := func(tag emv.Tag) []byte { v, _ := s.Data.Lookup(tag); return v }
	list, ok := s.Data.Lookup(emv.TagAFL)
	if !ok {
		return nil, fmt.Errorf("no file locator (94) says which records its hash covers")
	}
	afl, err := emv.ParseAFL(list)
	if err != nil {
		return nil, err
	}
	record := func(sfi, number byte) ([]byte, bool) { r, ok := s.Records[[2]byte{sfi, number}]; return r, ok }
	return offlineauth.StaticData(afl, record, value(emv.TagSDATagList), value(emv.TagAIP))
}

// chain walks from a certification authority's key to the card's.
type chain struct {
	data   emv.List
	aid    []byte
	pan    string
	today  emv.Date // the zero date: expiry is not judged
	static []byte   // nil: not known, for the reason why
	why    string

	issuer, icc *offlineauth.Key // nil: none that is certified
	out         authentication
}

func newChain(data emv.List, aid []byte) *chain {
	c := &chain{data: data, aid: aid}
	if aid == nil {
		c.aid = c.value(emv.TagDFName)
	}
	if track2, err := emv.ParseTrack2(c.value(emv.TagTrack2)); err == nil {
		c.pan = string(track2.PAN)
	}
	if digits, err := emv.Digits(c.value(emv.TagPAN)); err == nil && digits != "" {
		c.pan = digits
	}
	return c
}

func (c *chain) value(tag emv.Tag) []byte { v, _ := c.data.Lookup(tag); return v }

const (
	issuerCertificate = "issuer certificate"
	iccCertificate    = "ICC certificate"
	// unchecked begins a problem that is none of the card's.
	unchecked   = "not checked: "
	noIssuerKey = unchecked + "there is no certified key of the issuer"
)

// walk opens what there is: data without certificates are none of its business.
func (c *chain) walk() {
	if c.value(emv.TagIssuerCertificate) != nil {
		c.openIssuer()
	}
	if c.value(emv.TagICCCertificate) != nil {
		c.openICC()
	}
	if c.value(emv.TagSSAD) == nil {
		return
	}
	s := signatureJSON{Object: "SDA"}
	switch {
	case c.issuer == nil:
		s.Problem = noIssuerKey
	case c.static == nil:
		s.Problem = unchecked + c.why
	default:
		_, err := offlineauth.Card{Data: c.data, Static: c.static}.StaticSignature(c.issuer)
		s.judge(err)
	}
	c.out.Signatures = append(c.out.Signatures, s)
}

// closed notes a certificate that cannot be opened.
func (c *chain) closed(object string, problem string) {
	c.out.Certificates = append(c.out.Certificates, certificateJSON{Object: object, Problem: strings.TrimPrefix(problem, object+": ")})
}

// opened notes a certificate that can; its key counts unless a check failed.
func (c *chain) opened(found certificateJSON, failed error, missing string) {
	switch {
	case failed != nil:
		found.Problem = strings.TrimPrefix(failed.Error(), found.Object+": ")
	case missing != "":
		found.Problem = unchecked + missing
	default:
		found.Verified = true
	}
	c.out.Certificates = append(c.out.Certificates, found)
}

// openIssuer tries the keys that the index (8F) names; the application's name
// says whose, where it is known.
func (c *chain) openIssuer() {
	index := c.value(emv.TagCAIndex)
	if len(index) != 1 {
		c.closed(issuerCertificate, "the card gave no index of a CA key (8F)")
		return
	}
	problem := fmt.Sprintf(unchecked+"no test key has the index %X", index)
	if len(c.aid) >= 5 {
		problem = fmt.Sprintf(unchecked+"no test key has the RID %X and the index %X", c.aid[:5], index)
	}
	for _, k := range testca.Keys() {
		if k.Index != index[0] || !rightRID(k.RID[:], c.aid) {
			continue
		}
		ca, err := offlineauth.NewKey(k.Modulus, k.Exponent)
		if err != nil {
			continue
		}
		issuer, err := offlineauth.RecoverIssuer(ca, c.value(emv.TagIssuerCertificate), c.value(emv.TagIssuerRemainder), c.value(emv.TagIssuerExponent))
		if err != nil {
			problem = err.Error()
			continue
		}
		found := newCertificate(issuerCertificate, fmt.Sprintf("CA key %X %02X", k.RID, k.Index), issuer.Key, issuer.Expiry, issuer.Serial)
		var failed error
		if c.pan != "" {
			failed = issuer.Check(c.pan, c.today)
		}
		if failed == nil || isExpired(failed) {
			c.issuer = issuer.Key
		}
		c.opened(found, failed, "")
		return
	}
	c.closed(issuerCertificate, problem)
}

// openICC opens the card's certificate with the issuer's key.
func (c *chain) openICC() {
	if c.issuer == nil {
		c.closed(iccCertificate, noIssuerKey)
		return
	}
	icc, err := offlineauth.RecoverICC(c.issuer, c.value(emv.TagICCCertificate), c.value(emv.TagICCRemainder), c.value(emv.TagICCExponent))
	if err != nil {
		c.closed(iccCertificate, err.Error())
		return
	}
	missing := ""
	if c.static == nil {
		missing = c.why
	} else {
		err = icc.Verify(c.static)
	}
	if err == nil && c.pan != "" {
		err = icc.Check(c.pan, c.today)
	}
	if err == nil || isExpired(err) {
		c.icc = icc.Key
	}
	c.opened(newCertificate(iccCertificate, "the issuer", icc.Key, icc.Expiry, icc.Serial), err, missing)
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
	line := "  " + c.Object
	if c.Bits > 0 {
		line += fmt.Sprintf(" by %s: RSA %d bits, exponent %s, valid until %s, serial number %s,", c.SignedBy, c.Bits, c.Exponent, c.Expiry, c.Serial)
	} else {
		line += ":"
	}
	dst = append(dst, line+verdict(c.Verified, c.Problem, s)+"\n"...)
	if c.ROCA {
		const warning = "  WARNING: this key has the ROCA fingerprint, it can be factored (CVE-2017-15361)"
		dst = append(dst, painted(s, transcript.RoleBad, warning)+"\n"...)
	}
	return dst
}

func (g signatureJSON) appendText(dst []byte, s transcript.Style) []byte {
	dst = append(dst, "  "+g.Object...)
	if g.Exchange > 0 {
		dst = fmt.Appendf(dst, " in the answer of exchange %d", g.Exchange)
	}
	return append(dst, ":"+verdict(g.Verified, g.Problem, s)+"\n"...)
}

func verdict(verified bool, problem string, s transcript.Style) string {
	switch {
	case verified:
		return " " + painted(s, transcript.RoleGood, "verified")
	case strings.HasPrefix(problem, unchecked):
		return " " + painted(s, transcript.RoleDim, problem)
	}
	return " " + painted(s, transcript.RoleBad, "not verified") + ": " + problem
}
