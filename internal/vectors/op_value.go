package vectors

import (
	"strconv"

	"tapsim/cryptogram"
)

// valueSpecs are card verification values and what else a card shows a number
// for.
var valueSpecs = map[string]spec{
	"cvv": op("cvk pan:d expiry_as_used:d service_code:d", "", "cvv:d", func(r *run) {
		r.outText("cvv", must(cryptogram.CVV(r.key(cryptogram.TDES, "cvk"), r.text("pan"), r.text("expiry_as_used"), r.text("service_code"))))
	}),
	"dcvv": op("imk_ac pan:d psn:d expiry:d service_code:d atc card_key:w", "", "dcvv:d", func(r *run) {
		card := r.masterKey("imk_ac", cryptogram.TDES)
		r.outText("dcvv", must(cryptogram.DCVV(card, r.text("pan"), r.text("expiry"), r.text("service_code"), r.u16("atc"), cryptogram.ATCHex)))
	}),
	"cvc3":                  op("imk_cvc3 pan:d psn:d atc un card_key:w digits:i", "track_data ivcvc3", "cvc3:d", (*run).cvc3Op),
	"icc-dynamic-number":    op("imk_idn pan_field:d atc un icc_mk", "", "idn", (*run).dynamicNumberOp),
	"limited-use-msd-value": op("luk atc device_type block", "", "value:d", (*run).msdValueOp),
}

func (r *run) cvc3Op() {
	card := r.masterKey("imk_cvc3", cryptogram.TDES)
	var iv [2]byte
	if r.has("track_data") {
		iv = must(cryptogram.IVCVC3(card, r.hex("track_data")))
		r.agree("ivcvc3", iv[:])
	} else {
		iv = [2]byte(r.fixed("ivcvc3", 2))
	}
	v := must(cryptogram.CVC3(card, iv, [4]byte(r.fixed("un", 4)), r.u16("atc")))
	r.outText("cvc3", must(cryptogram.CVC3Digits(v, r.num("digits"))))
}

func (r *run) dynamicNumberOp() {
	field := r.text("pan_field")
	if len(field) != 16 {
		refuse("pan_field", "%d digits, want the 16 that option A takes", len(field))
	}
	card := must(cryptogram.DeriveCardKey(r.key(cryptogram.TDES, "imk_idn"), cryptogram.OptionA, field[:14], field[14:]))
	r.sameKey("icc_mk", card, cryptogram.TDES)
	number := must(cryptogram.ICCDynamicNumber(card, r.u16("atc"), [4]byte(r.fixed("un", 4)), 8))
	r.leading("idn", number, 2)
}

func (r *run) msdValueOp() {
	device := [8]byte(r.fixed("device_type", 8))
	block := cryptogram.LimitedUseMSDBlock(r.u16("atc"), device)
	r.compare("block", block[:], r.hex("block"))
	r.outText("value", must(cryptogram.LimitedUseMSDValue(r.key(cryptogram.TDES, "luk"), r.u16("atc"), device)))
}

// digit is an input of one decimal digit.
func (r *run) digit(name string) byte {
	n, err := strconv.Atoi(r.text(name))
	if err != nil || len(r.text(name)) != 1 {
		refuse(name, "want one decimal digit")
	}
	return byte(n)
}
