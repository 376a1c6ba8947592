package vectors

import (
	"bytes"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// cryptogramSpecs are application cryptograms, their input and the issuer's
// answer.
var cryptogramSpecs = map[string]spec{
	"application-cryptogram":  op("padding:i session:w", "imk_ac pan:d psn:d "+tenTags+" 9F10 cvr mac_input card_key:w sk_ac r atc luk cipher:w", "ac", (*run).cryptogramOp),
	"cryptogram-input":        op(tenTags+" 9F10", "", "mac_input_padded", (*run).cryptogramInputOp),
	"arpc-method-1":           op("arqc arc session:w", "imk_ac pan:d psn:d card_key:w atc un r sk_ac", "arpc", (*run).arpc1Op),
	"arpc-method-2":           op("arqc csu proprietary_auth_data session:w", "imk_ac pan:d psn:d atc card_key:w r sk_ac", "arpc", (*run).arpc2Op),
	"issuer-application-data": op("9F10", "", "format:w dki cvn cvr dac_idn counters idd cci algorithm", (*run).issuerDataOp),
}

func (r *run) cryptogramOp() {
	algorithm := cryptogram.TDES
	if r.has("cipher") {
		if r.text("cipher") != "sm4" {
			r.unknown("cipher", "sm4")
		}
		algorithm = cryptogram.SM4
	}
	key := r.acSession(algorithm, "9F37")
	padding := r.padding()
	input := r.macInput(algorithm.BlockSize(), padding)
	r.out("ac", must(key.MAC(input, padding))[:8])
}

// acSession is the key of a cryptogram or ARPC as the case's session says. A
// session key that the case gives although it can be derived must agree.
func (r *run) acSession(a cryptogram.Algorithm, un string) *cryptogram.Key {
	session := r.text("session")
	switch session {
	case "given":
		return r.key(a, "sk_ac")
	case "limited-use-key":
		if _, ok := r.op.input("luk"); ok {
			return r.key(a, "luk")
		}
	}
	card := r.masterKey("imk_ac", a)
	key := card
	switch session {
	case "none":
	case "csk":
		key = must(cryptogram.CommonSessionKey(card, r.acDiversifier(a.BlockSize())))
	case "mastercard-skd":
		key = must(cryptogram.CommonSessionKey(card, r.mastercardDiversifier(un)))
	case "pboc":
		key = must(cryptogram.SessionKey(card, cryptogram.SessionPBOC, r.atc(), [4]byte{}))
	default:
		r.unknown("session", "none, csk, mastercard-skd, pboc, given, limited-use-key")
	}
	if r.has("sk_ac") {
		r.sameKey("sk_ac", key, a)
	}
	return key
}

// atc is the counter, by either name; both must agree.
func (r *run) atc() uint16 {
	if !r.has("9F36") {
		return r.u16("atc")
	}
	r.agree("atc", r.fixed("9F36", 2))
	return r.u16("9F36")
}

// acDiversifier is R of the common session key: the ATC and zeros. An r that is
// given beside an ATC must agree; beside 9F36 it need not, for some sources
// test with an r that no counter makes.
func (r *run) acDiversifier(n int) []byte {
	if r.has("r") && !r.has("atc") {
		return r.fixed("r", n)
	}
	atc := r.atc()
	out := make([]byte, n)
	out[0], out[1] = byte(atc>>8), byte(atc)
	r.agree("r", out)
	return out
}

// macInput is what the MAC runs over: given, built from the tags, or both, in
// which case they must agree.
func (r *run) macInput(block int, padding cryptogram.Padding) []byte {
	if !r.has("mac_input") {
		r.wholeTags()
		return r.builds(nil)[0].data
	}
	given := r.hex("mac_input")
	if r.hasTags() {
		r.wholeTags()
	}
	if !r.has("9F10") && !r.has("cvr") {
		if r.hasTags() && !bytes.HasPrefix(given, r.ten(given)) {
			r.compare("mac_input", r.ten(given), given)
		}
		return given
	}
	built := r.builds(given)
	for _, b := range built {
		if b.matches(given, block, padding) {
			return given
		}
	}
	r.compare("mac_input", built[0].data, given)
	return given
}

// hasTags is true when the case describes the transaction by tags. 9F36 and
// 9F37 alone do not: session keys need them.
func (r *run) hasTags() bool {
	for _, e := range tenElements {
		if r.has(e.name) && e.name != "9F36" && e.name != "9F37" {
			return true
		}
	}
	return false
}

// wholeTags refuses a case that describes the transaction in part.
func (r *run) wholeTags() {
	for _, e := range tenElements {
		r.fixed(e.name, e.length)
	}
}

// tenElements are the standard elements with their lengths.
var tenElements = []struct {
	name   string
	length int
}{{"9F02", 6}, {"9F03", 6}, {"9F1A", 2}, {"95", 5}, {"5F2A", 2}, {"9A", 3}, {"9C", 1}, {"9F37", 4}, {"82", 2}, {"9F36", 2}}

// build is one way in which the tags of a case make a MAC input.
type build struct{ data []byte }

// matches is true for the MAC input that a case gives: the same bytes or, where
// the case says that they are padded already, with padding behind.
func (b build) matches(given []byte, block int, padding cryptogram.Padding) bool {
	if padding != cryptogram.PaddingNone {
		return bytes.Equal(b.data, given)
	}
	for p := cryptogram.Padding1; p <= cryptogram.Padding2; p++ {
		if padded, err := cryptogram.Pad(b.data, block, p); err == nil && bytes.Equal(padded, given) {
			return true
		}
	}
	return false
}

// ten are the standard elements. Those that the case leaves out are taken from
// given, where they would stand.
func (r *run) ten(given []byte) []byte {
	ten := make([]byte, 0, 33)
	for _, e := range tenElements {
		switch at := len(ten); {
		case r.has(e.name):
			ten = append(ten, r.fixed(e.name, e.length)...)
		case len(given) >= at+e.length:
			ten = append(ten, given[at:at+e.length]...)
		default:
			r.in(e.name)
		}
	}
	return ten
}

// builds are the MAC inputs that the tags can make, the likeliest first: by the
// recipe of the issuer application data, then the other layouts, because some
// sources print application data of another cryptogram version than the one
// they test. A CVR that the case gives rules over the one in the application
// data; where they differ, the application data are not used as a whole.
func (r *run) builds(given []byte) []build {
	ten := r.ten(given)
	var out []build
	add := func(parts ...[]byte) { out = append(out, build{bytes.Join(parts, nil)}) }
	var iad emv.IAD
	if r.has("9F10") {
		iad, _ = emv.ParseIAD(emv.SchemeUnknown, r.hex("9F10"))
	}
	whole := r.has("9F10")
	if r.has("cvr") {
		whole = whole && bytes.Equal(iad.CVR, r.hex("cvr"))
		iad.CVR = r.hex("cvr")
	}
	if whole {
		recipe, err := cryptogram.RecipeFor(emv.SchemeUnknown, r.hex("9F10"))
		if err == nil {
			add(must(recipe.AppendInput(nil, elements(ten, r.hex("9F10")))))
		} else if len(given) == 0 {
			refuse("9F10", "%v", err)
		}
		add(ten, r.hex("9F10"))
	}
	if len(iad.CVR) > 0 {
		add(ten, iad.CVR)
	}
	if len(iad.CVR) > 0 && len(iad.Counters) >= 8 {
		add(ten, iad.CVR, iad.Counters[:8])
	}
	if len(iad.CVR) > 1 {
		add(ten[:6], ten[25:29], ten[31:33], iad.CVR[1:2])
	}
	if len(out) == 0 {
		refuse("mac_input", "missing input: neither mac_input, nor 9F10 or cvr of a known layout")
	}
	return out
}

func elements(ten, iad []byte) *cryptogram.Elements {
	var l emv.List
	for at, i := 0, 0; i < len(tenElements); i++ {
		tag, err := emv.ParseTag(tenElements[i].name)
		if err != nil {
			panic(err)
		}
		l = append(l, emv.TLV{Tag: tag, Value: ten[at : at+tenElements[i].length]})
		at += tenElements[i].length
	}
	e := cryptogram.ElementsFrom(append(l, emv.TLV{Tag: emv.TagIAD, Value: iad}))
	return &e
}

func (r *run) cryptogramInputOp() {
	var ten []byte
	for _, e := range tenElements {
		ten = append(ten, r.fixed(e.name, e.length)...)
	}
	recipe, err := cryptogram.RecipeFor(emv.SchemeUnknown, r.hex("9F10"))
	if err != nil {
		refuse("9F10", "%v", err)
	}
	input := must(recipe.AppendInput(nil, elements(ten, r.hex("9F10"))))
	r.out("mac_input_padded", must(cryptogram.Pad(input, 8, recipe.Padding)))
}

func (r *run) arpc1Op() {
	key := r.acSession(cryptogram.TDES, "un")
	arpc := cryptogram.ARPC1(key, cryptogram.Cryptogram(r.fixed("arqc", 8)), [2]byte(r.fixed("arc", 2)))
	r.out("arpc", arpc[:])
}

func (r *run) arpc2Op() {
	key := r.acSession(cryptogram.TDES, "un")
	arpc := must(cryptogram.ARPC2(key, cryptogram.Cryptogram(r.fixed("arqc", 8)), [4]byte(r.fixed("csu", 4)), r.hex("proprietary_auth_data")))
	r.out("arpc", arpc[:])
}

func (r *run) issuerDataOp() {
	iad, err := emv.ParseIAD(emv.SchemeUnknown, r.hex("9F10"))
	if err != nil {
		refuse("9F10", "%v", err)
	}
	r.outText("format", iad.Format.String())
	if iad.Format == emv.IADCCD {
		r.out("cci", []byte{iad.CVN})
	}
	r.out("dki", []byte{iad.DKI})
	r.out("cvn", []byte{iad.CVN})
	r.out("cvr", iad.CVR)
	if iad.DACIDN != nil {
		r.out("dac_idn", iad.DACIDN)
	}
	if iad.Counters != nil {
		r.out("counters", iad.Counters)
	}
	if iad.Format == emv.IADPBOC {
		r.out("algorithm", []byte{iad.Algorithm})
	}
	if iad.IDD != nil {
		r.out("idd", iad.IDD)
	}
}
