package cryptogram

import "fmt"

// ScriptMethod is how a scheme protects issuer script commands. The zero value
// is that no public source says.
type ScriptMethod byte

// Script methods.
const (
	ScriptNone ScriptMethod = iota
	ScriptVisa
	ScriptVisaCSK // Visa cryptogram version 22
	ScriptMastercard
	ScriptCCD
	ScriptInterac
	ScriptPBOC
)

// Encipherment is how script data are filled up to blocks and enciphered.
type Encipherment byte

// Encipherments of script data under 3DES.
const (
	EncipherPlain          Encipherment = iota + 1 // ECB, padding method 2 only if blocks are not full (Mastercard, Interac)
	EncipherPadded                                 // CBC, always padding method 2 (EMV CCD)
	EncipherLengthPrefixed                         // ECB over a length byte, the data, padding method 2 (Visa)
)

// ScriptRules say how a scheme protects script commands: the MAC key derives
// from the card's SMI key and the encipherment key from its SMC key, both by
// Session.
type ScriptRules struct {
	Session      SessionMethod
	Chained      bool         // the MAC runs over ATC and cryptogram too
	Encipherment Encipherment // zero where no public source says
	VISBlock     bool         // a new PIN travels in a VIS block, otherwise in ISO 9564 format 2; Visa puts a VIS block too wherever the current PIN enters
}

var scriptRules = map[ScriptMethod]ScriptRules{
	ScriptVisa:       {SessionVisaScript, true, EncipherLengthPrefixed, true},
	ScriptVisaCSK:    {SessionCSK, true, EncipherLengthPrefixed, false},
	ScriptMastercard: {SessionCSK, true, EncipherPlain, false},
	ScriptCCD:        {SessionCSK, false, EncipherPadded, false},
	ScriptInterac:    {SessionCSK, false, EncipherPlain, false},
	ScriptPBOC:       {SessionPBOC, true, 0, false}, // no published number
}

// Rules are the rules of a script method; false where no public source says.
func (m ScriptMethod) Rules() (ScriptRules, bool) {
	r, ok := scriptRules[m]
	return r, ok
}

// SessionKey derives the key for the number-th script command, counted from 0,
// from the card's SMI or SMC key. Only methods by the common session key use
// ac and number.
func (s ScriptRules) SessionKey(card *Key, atc uint16, ac Cryptogram, number int) (*Key, error) {
	if s.Session == SessionCSK {
		r := ScriptDiversifier(ac, number)
		return CommonSessionKey(card, r[:])
	}
	return SessionKey(card, s.Session, atc, [4]byte{})
}

// MACInput is what the MAC of a command runs over: the header CLA INS P1 P2 Lc,
// where Lc counts the MAC, the ATC and cryptogram of the transaction where the
// scheme has them, and the data, which are enciphered already.
func (s ScriptRules) MACInput(header [5]byte, atc uint16, ac Cryptogram, data []byte) []byte {
	out := append([]byte(nil), header[:]...)
	if s.Chained {
		out = append(append(out, byte(atc>>8), byte(atc)), ac[:]...)
	}
	return append(out, data...)
}

// MAC is the whole MAC of a script command under the session key, 8 bytes; a
// scheme may send the leftmost 4 to 8. sessionKey is a 3DES key.
func (s ScriptRules) MAC(sessionKey *Key, header [5]byte, atc uint16, ac Cryptogram, data []byte) ([]byte, error) {
	return sessionKey.MAC(s.MACInput(header, atc, ac, data), Padding2)
}

// Encipher enciphers script data, such as a new PIN block, under the session
// key.
func (e Encipherment) Encipher(sessionKey *Key, data []byte) ([]byte, error) {
	n := sessionKey.algorithm.BlockSize()
	switch e {
	case EncipherPlain:
		if len(data) == 0 || len(data)%n != 0 {
			data = appendPadding(append([]byte(nil), data...), n, Padding2)
		}
		return sessionKey.EncryptECB(data)
	case EncipherPadded:
		return sessionKey.EncryptCBC(appendPadding(append([]byte(nil), data...), n, Padding2))
	case EncipherLengthPrefixed:
		if len(data) > 255 {
			return nil, fmt.Errorf("script data of %d bytes do not fit a length byte", len(data))
		}
		return sessionKey.EncryptECB(appendPadding(append([]byte{byte(len(data))}, data...), n, Padding2))
	}
	return nil, fmt.Errorf("unknown encipherment of script data %d", e)
}

// Decipher is the card's side of Encipher. EncipherPlain does not say whether
// it padded: length is how many bytes the caller expects back.
func (e Encipherment) Decipher(sessionKey *Key, data []byte, length int) ([]byte, error) {
	decrypt := sessionKey.DecryptECB
	if e == EncipherPadded {
		decrypt = sessionKey.DecryptCBC
	}
	clear, err := decrypt(data)
	if err != nil {
		return nil, err
	}
	switch {
	case e == EncipherLengthPrefixed && len(clear) > 0:
		if clear, err = Unpad(clear); err == nil && len(clear) > 0 && int(clear[0]) == len(clear)-1 {
			clear = clear[1:]
		} else {
			return nil, fmt.Errorf("deciphered script data have no correct length byte and padding")
		}
	case e == EncipherPadded || len(clear) != length:
		if clear, err = Unpad(clear); err != nil {
			return nil, err
		}
	}
	if len(clear) != length {
		return nil, fmt.Errorf("deciphered script data have %d bytes, want %d", len(clear), length)
	}
	return clear, nil
}
