package vectors

import (
	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
)

// scriptSpecs are issuer script commands.
var scriptSpecs = map[string]spec{
	"script-mac": op("session:w", "imk_smi imk_smc imk_ac pan:d psn:d command_header atc ac data mac_input mac_over:w r sk_smi", "mac", (*run).scriptMACOp),
	"script-pin-change": op("session:w", "imk_smi imk_smc imk_ac pan:d psn:d pin:d command_header atc ac mac_over:w pin_block_format:w pin_padding:w encipher_mode:w current_pin:d r sk_smc pin_block mk_ac sk_smi",
		"enciphered mac command pin_block", (*run).pinChangeOp),
}

func (r *run) scriptMACOp() {
	key := r.scriptKey("smi")
	var built []byte
	if r.has("command_header") || r.has("mac_over") || r.has("data") {
		built = r.scriptInput(r.hex("data"))
		r.agree("mac_input", built)
	} else {
		built = r.hex("mac_input")
	}
	r.leading("mac", must(key.MAC(built, cryptogram.Padding2)), 4)
}

// scriptInput is what the MAC of a command runs over.
func (r *run) scriptInput(data []byte) []byte {
	header := [5]byte(r.fixed("command_header", 5))
	switch r.text("mac_over") {
	case "header-data":
		return cryptogram.ScriptRules{}.MACInput(header, 0, cryptogram.Cryptogram{}, data)
	case "header-atc-ac-data":
		return cryptogram.ScriptRules{Chained: true}.MACInput(header, r.u16("atc"), cryptogram.Cryptogram(r.fixed("ac", 8)), data)
	}
	r.unknown("mac_over", "header-data, header-atc-ac-data")
	return nil
}

// scriptKey is the session key for MACs (smi) or encipherment (smc).
func (r *run) scriptKey(which string) *cryptogram.Key {
	session := r.text("session")
	if session == "given" {
		return r.key(cryptogram.TDES, "sk_"+which)
	}
	card := r.masterKey("imk_"+which, cryptogram.TDES)
	switch session {
	case "visa-script":
		return must(cryptogram.SessionKey(card, cryptogram.SessionVisaScript, r.u16("atc"), [4]byte{}))
	case "csk":
		return must(cryptogram.CommonSessionKey(card, r.fixed("r", 8)))
	case "pboc":
		return must(cryptogram.SessionKey(card, cryptogram.SessionPBOC, r.u16("atc"), [4]byte{}))
	}
	r.unknown("session", "visa-script, csk, pboc, given")
	return nil
}

// pinChangeOp goes as far as the outputs ask: PIN block, encipherment, MAC,
// command.
func (r *run) pinChangeOp() {
	block := r.scriptPINBlock()
	r.out("pin_block", block)
	if !r.wants("enciphered") && !r.wants("mac") && !r.wants("command") {
		return
	}
	enciphered := must(r.encipherment().Encipher(r.scriptKey("smc"), block))
	r.out("enciphered", enciphered)
	if !r.wants("mac") && !r.wants("command") {
		return
	}
	mac := must(r.scriptKey("smi").MAC(r.scriptInput(enciphered), cryptogram.Padding2))
	r.leading("mac", mac, 4)
	header := r.fixed("command_header", 5)
	if n := int(header[4]) - len(enciphered); n >= 4 && n <= 8 {
		r.out("command", append(append(header, enciphered...), mac[:n]...))
	}
}

func (r *run) scriptPINBlock() []byte {
	if !r.has("pin") {
		return r.fixed("pin_block", 8)
	}
	var block []byte
	switch r.text("pin_block_format") {
	case "iso-2":
		block = must(pin.Encode(pin.Format2, r.text("pin"), "", nil))
	case "vis":
		current := ""
		if r.has("current_pin") {
			current = r.text("current_pin")
		}
		block = must(pin.ScriptVIS(r.text("pin"), current, r.cryptogramKey()))
	default:
		r.unknown("pin_block_format", "iso-2, vis")
	}
	r.agree("pin_block", block)
	return block
}

// cryptogramKey is the card's cryptogram key, whose bytes enter a VIS block.
func (r *run) cryptogramKey() *cryptogram.Key {
	if !r.has("imk_ac") {
		return r.key(cryptogram.TDES, "mk_ac")
	}
	card := r.masterKey("imk_ac", cryptogram.TDES)
	if r.has("mk_ac") {
		r.sameKey("mk_ac", card, cryptogram.TDES)
	}
	return card
}

// encipherment is the one that the case's padding and mode name. One block
// without padding is the same in both modes.
func (r *run) encipherment() cryptogram.Encipherment {
	padding, mode := r.text("pin_padding"), r.text("encipher_mode")
	if mode != "ecb" && mode != "cbc" {
		r.unknown("encipher_mode", "ecb, cbc")
	}
	switch {
	case padding == "none":
		return cryptogram.EncipherPlain
	case padding == "iso-9797-2" && mode == "cbc":
		return cryptogram.EncipherPadded
	case padding == "length-prefixed" && mode == "ecb":
		return cryptogram.EncipherLengthPrefixed
	}
	refuse("pin_padding", "%q in mode %q: want none, iso-9797-2 with cbc or length-prefixed with ecb", padding, mode)
	return 0
}
