package vectors

import (
	"crypto/sha1"
	"encoding/hex"

	"tapsim/cryptogram"
)

// keySpecs are keys: card keys, session keys, limited-use keys, check values.
var keySpecs = map[string]spec{
	"card-key": op("imk method:w", "pan_psn_16:d odd_parity:b pan:d psn:d icc_mk_len:i", "icc_mk sha1_input sha1 y icc_mk_kcv", (*run).cardKeyOp),
	"option-b-decimalise": op("sha1", "", "y", func(r *run) {
		r.out("y", must(hex.DecodeString(cryptogram.Decimalise(hex.EncodeToString(r.fixed("sha1", 20)), 16))))
	}),
	"session-key":     op("method:w", "mk r odd_parity:b imk pan:d psn:d card_key:w atc un height:i branch:i iv ac command_number:i", "sk sk_kcv", (*run).sessionKeyOp),
	"limited-use-key": op("udk y:d hhhh:d cc:d block1 block2", "", "luk", (*run).limitedUseKeyOp),
	"des-odd-parity": op("key", "", "key", func(r *run) {
		key := r.hex("key")
		cryptogram.AdjustParity(key)
		r.out("key", key)
	}),
	"key-check-value":     op("key method:w", "", "kcv", (*run).checkValueOp),
	"key-from-components": op("c1 c2 c3", "", "kcv", (*run).componentsOp),
}

func (r *run) cardKeyOp() {
	method, err := cryptogram.ParseCardKeyMethod(r.text("method"))
	if err != nil {
		refuse("method", "%v", err)
	}
	pan, psn := r.cardNumber(method)
	algorithm := cryptogram.TDES
	switch method {
	case cryptogram.OptionC:
		algorithm = cryptogram.AES
	case cryptogram.OptionSM4:
		algorithm = cryptogram.SM4
	}
	imk := r.key(algorithm, "imk")
	r.diversifier(method, pan, psn)
	var raw []byte
	if method == cryptogram.OptionC && r.has("icc_mk_len") {
		raw = must(cryptogram.AESCardKeyBytes(imk, pan, psn, r.num("icc_mk_len")))
	} else {
		raw = must(cryptogram.CardKeyBytes(imk, method, pan, psn))
	}
	r.outKey("icc_mk", algorithm, raw)
	r.outCheckValue("icc_mk_kcv", r.keyOf("icc_mk", algorithm, raw))
}

// cardNumber is PAN and sequence number, or the 16 digits that some sources
// publish in their place, which do for methods that use no others.
func (r *run) cardNumber(method cryptogram.CardKeyMethod) (pan, psn string) {
	if !r.has("pan_psn_16") {
		return r.text("pan"), r.text("psn")
	}
	digits := r.text("pan_psn_16")
	if len(digits) != 16 {
		refuse("pan_psn_16", "%d digits, want 16", len(digits))
	}
	if method != cryptogram.OptionA && method != cryptogram.OptionSM4 {
		refuse("pan_psn_16", "method %s needs pan and psn", method)
	}
	if r.has("pan") || r.has("psn") {
		y := cryptogram.DiversifierA(r.text("pan"), r.text("psn"))
		r.compare("pan_psn_16", y[:], must(hex.DecodeString(digits)))
	}
	return digits[:14], digits[14:]
}

// diversifier compares the steps up to the block that is enciphered.
func (r *run) diversifier(method cryptogram.CardKeyMethod, pan, psn string) {
	if len(pan) > 19 || len(psn) != 2 {
		refuse("pan", "%d digits and a sequence number of %d, want at most 19 and 2", len(pan), len(psn))
	}
	switch {
	case method == cryptogram.OptionBAnyLength || method == cryptogram.OptionB && len(pan) > 16:
		input := pan + psn
		if len(input)%2 == 1 {
			input = "0" + input
		}
		packed := must(hex.DecodeString(input))
		sum := sha1.Sum(packed)
		y := cryptogram.DiversifierB(pan, psn)
		r.out("sha1_input", packed)
		r.out("sha1", sum[:])
		r.out("y", y[:])
	case method != cryptogram.OptionC:
		y := cryptogram.DiversifierA(pan, psn)
		r.out("y", y[:])
	}
}

// masterKey is the card key of a case: derived from the issuer master key
// named imk by the case's card_key, or by option A where the operation has no
// such input.
func (r *run) masterKey(imk string, a cryptogram.Algorithm) *cryptogram.Key {
	master := r.key(a, imk)
	method := cryptogram.DefaultCardKeyMethod(a)
	if _, ok := r.op.input("card_key"); ok {
		m, err := cryptogram.ParseCardKeyMethod(r.text("card_key"))
		if err != nil {
			refuse("card_key", "%v", err)
		}
		if a == cryptogram.TDES {
			method = m
		}
	}
	return must(cryptogram.DeriveCardKey(master, method, r.text("pan"), r.text("psn")))
}

func (r *run) sessionKeyOp() {
	algorithm := cryptogram.TDES
	switch r.text("method") {
	case "csk-aes":
		algorithm = cryptogram.AES
	case "pboc-sm4":
		algorithm = cryptogram.SM4
	}
	var master *cryptogram.Key
	if r.has("imk") || !r.has("mk") {
		master = r.masterKey("imk", algorithm)
		if r.has("mk") {
			r.sameKey("mk", master, algorithm)
		}
	} else {
		master = r.key(algorithm, "mk")
	}
	session := r.sessionByMethod(master)
	r.outKey("sk", algorithm, session.Reveal())
	r.outCheckValue("sk_kcv", session)
}

func (r *run) sessionByMethod(master *cryptogram.Key) *cryptogram.Key {
	switch r.text("method") {
	case "csk", "csk-aes":
		return must(cryptogram.CommonSessionKey(master, r.commonDiversifier(master.Algorithm().BlockSize())))
	case "mastercard-skd":
		return must(cryptogram.CommonSessionKey(master, r.mastercardDiversifier("un")))
	case "visa-script":
		return must(cryptogram.SessionKey(master, cryptogram.SessionVisaScript, r.u16("atc"), [4]byte{}))
	case "pboc", "pboc-sm4":
		return must(cryptogram.SessionKey(master, cryptogram.SessionPBOC, r.u16("atc"), [4]byte{}))
	case "emv2000":
		tree := cryptogram.Tree{Branch: r.num("branch"), Height: r.num("height")}
		if r.has("iv") {
			copy(tree.IV[:], r.fixed("iv", 16))
		}
		return must(tree.SessionKey(master, r.u16("atc")))
	}
	r.unknown("method", "csk, csk-aes, mastercard-skd, emv2000, visa-script, pboc, pboc-sm4")
	return nil
}

// commonDiversifier is R of the common session key: given, or from the
// cryptogram and command number of a script, or from the ATC. What is there
// must agree.
func (r *run) commonDiversifier(n int) []byte {
	built := make([]byte, n)
	switch {
	case r.has("ac"):
		number := 0
		if r.has("command_number") {
			number = r.num("command_number")
		}
		d := cryptogram.ScriptDiversifier(cryptogram.Cryptogram(r.fixed("ac", 8)), number)
		copy(built, d[:])
	case r.has("atc"):
		copy(built, r.fixed("atc", 2))
	default:
		return r.fixed("r", n)
	}
	r.agree("r", built)
	return built
}

// mastercardDiversifier is R of the Mastercard session key: ATC, two zeros,
// unpredictable number.
func (r *run) mastercardDiversifier(un string) []byte {
	atc := "atc"
	if !r.has(atc) && r.has("9F36") {
		atc = "9F36"
	}
	if r.has("r") && !r.hasAll(atc, un) {
		return r.fixed("r", 8)
	}
	built := append(append(r.fixed(atc, 2), 0, 0), r.fixed(un, 4)...)
	r.agree("r", built)
	return built
}

// sameKey compares a derived key with the input of that name but for parity.
func (r *run) sameKey(name string, k *cryptogram.Key, a cryptogram.Algorithm) {
	got, want := k.Reveal(), r.hex(name)
	if a == cryptogram.TDES {
		cryptogram.AdjustParity(got)
		cryptogram.AdjustParity(want)
	}
	r.compare(name, got, want)
}

func (r *run) limitedUseKeyOp() {
	digits := r.text("y") + r.text("hhhh") + r.text("cc")
	if len(r.text("y")) != 1 || len(r.text("hhhh")) != 4 || len(r.text("cc")) != 2 {
		refuse("y", "key index is %s, want 1, 4 and 2 digits", digits)
	}
	index := must(cryptogram.ParseKeyIndex(must(hex.DecodeString("0" + digits))))
	left, right, err := cryptogram.LimitedUseBlocks(index)
	if err != nil {
		refuse("y", "%v", err)
	}
	r.agree("block1", left[:])
	r.agree("block2", right[:])
	r.out("luk", must(cryptogram.LimitedUseKey(r.key(cryptogram.TDES, "udk"), index)).Reveal())
}

func (r *run) checkValueOp() {
	switch r.text("method") {
	case "des":
		r.fixed("key", 8)
		r.outCheckValue("kcv", r.key(cryptogram.TDES, "key"))
	case "tdes":
		r.outCheckValue("kcv", r.key(cryptogram.TDES, "key"))
	case "aes-ecb":
		r.outCheckValue("kcv", r.key(cryptogram.AES, "key"))
	case "sm4":
		r.outCheckValue("kcv", r.key(cryptogram.SM4, "key"))
	case "aes-cmac-empty":
		r.leading("kcv", r.key(cryptogram.AES, "key").CMAC(nil), 2)
	case "aes-cmac":
		r.leading("kcv", r.key(cryptogram.AES, "key").CMAC(make([]byte, 16)), 2)
	default:
		r.unknown("method", "des, tdes, aes-ecb, aes-cmac-empty, aes-cmac (of a block of zeros), sm4")
	}
}

func (r *run) componentsOp() {
	a := cryptogram.TDES
	if len(r.hex("c1")) == 32 {
		a = cryptogram.AES
	}
	r.outCheckValue("kcv", must(cryptogram.NewKeyFromComponents(a, r.hex("c1"), r.hex("c2"), r.hex("c3"))))
}
