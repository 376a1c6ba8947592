package vectors

import (
	"crypto/hmac"
	"crypto/sha256"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
)

// dukptSpecs are the keys of DUKPT and what is done with them.
var dukptSpecs = map[string]spec{
	"dukpt-tdes": op("bdk", "iksn ksn pin:d pan:d clear_pin_block text",
		"ik transaction_key pin_block_enciphered mac_request4 mac_response4 data_request cmac_request cmac_response mac_request mac_response pin_key mac_request_key", (*run).dukptTDESOp),
	"dukpt-aes": op("", "bdk initial_key_id ksn pin:d pan:d pin_field ik algorithm:w text",
		"ik transaction_key pin_key_aes128 mac_generation_key_aes128 data_encrypt_key_aes128 pin_block_enciphered pin_key_aes256 mac_generation_key_aes256 data_encrypt_key_aes256 update_key "+
			"cmac_request cmac_response hmac_request hmac_response data_request data_response", (*run).dukptAESOp),
}

func (r *run) dukptTDESOp() {
	serial := "ksn"
	if r.has("iksn") {
		serial = "iksn"
	}
	initial := must(pin.TDESInitialKey(r.key(cryptogram.TDES, "bdk"), r.fixed(serial, 10)))
	r.out("ik", initial.Reveal())
	if r.c.only("ik") {
		return
	}
	transaction := must(pin.TDESTransactionKey(initial, r.fixed("ksn", 10)))
	r.out("transaction_key", transaction.Reveal())
	working := func(u pin.TDESUsage) *cryptogram.Key { return must(pin.TDESWorkingKey(transaction, u)) }
	r.out("pin_key", working(pin.TDESPIN).Reveal())
	r.out("mac_request_key", working(pin.TDESMACRequest).Reveal())
	if r.wants("pin_block_enciphered") {
		r.out("pin_block_enciphered", must(working(pin.TDESPIN).EncryptECB(r.clearPINBlock())))
	}
	for _, m := range []struct {
		suffix string
		usage  pin.TDESUsage
	}{{"request", pin.TDESMACRequest}, {"response", pin.TDESMACResponse}} {
		key := working(m.usage)
		if r.wants("mac_"+m.suffix+"4") || r.wants("mac_"+m.suffix) {
			mac := must(key.MAC(r.hex("text"), cryptogram.Padding1))
			r.out("mac_"+m.suffix+"4", mac[:4])
			r.out("mac_"+m.suffix, mac)
		}
		if r.wants("cmac_" + m.suffix) {
			r.leading("cmac_"+m.suffix, key.CMAC(r.hex("text")), 4)
		}
	}
	if r.wants("data_request") {
		r.out("data_request", must(working(pin.TDESDataRequest).EncryptCBC(r.paddedText(8))))
	}
}

// clearPINBlock is the format 0 block of PIN and PAN, or the one given; both
// ways must agree.
func (r *run) clearPINBlock() []byte {
	if !r.has("pin") && !r.has("pan") {
		return r.fixed("clear_pin_block", 8)
	}
	block := must(pin.Encode(pin.Format0, r.text("pin"), r.text("pan"), nil))
	r.agree("clear_pin_block", block)
	return block
}

func (r *run) paddedText(block int) []byte {
	return must(cryptogram.Pad(r.hex("text"), block, cryptogram.Padding1))
}

// only is true when the case publishes no other outputs than these.
func (c *Case) only(names ...string) bool {
	n := 0
	for _, name := range names {
		if _, ok := c.outputs[name]; ok {
			n++
		}
	}
	return n == len(c.outputs)
}

func (r *run) dukptAESOp() {
	initial := r.aesInitialKey()
	r.out("ik", initial.Reveal())
	if r.wants("update_key") {
		r.out("update_key", must(pin.AESUpdateKey(initial, r.initialID(), r.keyType())).Reveal())
	}
	if r.c.only("ik", "update_key") {
		return
	}
	ksn := r.fixed("ksn", 12)
	transaction := must(pin.AESTransactionKey(initial, ksn))
	r.out("transaction_key", transaction.Reveal())
	working := func(u pin.AESUsage, t pin.AESKeyType) *cryptogram.Key {
		return must(pin.AESWorkingKey(transaction, ksn, u, t))
	}
	for _, k := range []struct {
		name  string
		usage pin.AESUsage
	}{{"pin_key", pin.AESPIN}, {"mac_generation_key", pin.AESMACGeneration}, {"data_encrypt_key", pin.AESDataEncrypt}} {
		if r.wants(k.name + "_aes128") {
			r.out(k.name+"_aes128", working(k.usage, pin.AES128).Reveal())
		}
		if r.wants(k.name + "_aes256") {
			r.out(k.name+"_aes256", working(k.usage, pin.AES256).Reveal())
		}
	}
	if r.has("pin_field") || r.wants("pin_block_enciphered") {
		field := r.pinFieldGiven()
		r.out("pin_block_enciphered", must(pin.Encipher4(working(pin.AESPIN, pin.TypeOf(transaction)), field, r.text("pan"))))
	}
	r.applyAES(working, pin.TypeOf(transaction))
}

// applyAES applies working keys as long as the transaction key to the text.
func (r *run) applyAES(working func(pin.AESUsage, pin.AESKeyType) *cryptogram.Key, t pin.AESKeyType) {
	for _, way := range []struct {
		suffix    string
		mac, data pin.AESUsage
	}{{"request", pin.AESMACGeneration, pin.AESDataEncrypt}, {"response", pin.AESMACVerify, pin.AESDataDecrypt}} {
		if r.wants("cmac_" + way.suffix) {
			r.leading("cmac_"+way.suffix, working(way.mac, t).CMAC(r.hex("text")), 4)
		}
		if r.wants("hmac_" + way.suffix) {
			h := hmac.New(sha256.New, working(way.mac, pin.HMAC128).Reveal())
			h.Write(r.hex("text"))
			r.out("hmac_"+way.suffix, h.Sum(nil))
		}
		if r.wants("data_" + way.suffix) {
			r.out("data_"+way.suffix, must(working(way.data, t).EncryptCBC(r.paddedText(16))))
		}
	}
}

// aesInitialKey is derived from the base key, or given; both ways must agree.
func (r *run) aesInitialKey() *cryptogram.Key {
	if !r.has("bdk") {
		return r.key(cryptogram.AES, "ik")
	}
	initial := must(pin.AESInitialKey(r.key(cryptogram.AES, "bdk"), r.initialID()))
	r.agree("ik", initial.Reveal())
	return initial
}

// initialID is the initial key id, given or the start of the key serial number.
func (r *run) initialID() []byte {
	if r.has("initial_key_id") {
		return r.fixed("initial_key_id", 8)
	}
	return r.fixed("ksn", 12)[:8]
}

func (r *run) keyType() pin.AESKeyType {
	switch r.text("algorithm") {
	case "AES128":
		return pin.AES128
	case "AES192":
		return pin.AES192
	case "AES256":
		return pin.AES256
	}
	r.unknown("algorithm", "AES128, AES192, AES256")
	return 0
}

// pinFieldGiven is the clear PIN field, whose PIN must be the case's.
func (r *run) pinFieldGiven() []byte {
	field := r.fixed("pin_field", 16)
	if r.has("pin") {
		if got := r.decoded(pin.Decode(pin.Format4, field, "")); got != r.text("pin") {
			panic(&difference{step: "pin_field", got: got, want: r.text("pin")})
		}
	}
	return field
}
