package cryptogram

import "fmt"

// SessionMethod derives the key of one transaction from a card key.
type SessionMethod byte

// Session key methods.
const (
	SessionNone          SessionMethod = iota + 1 // the card key itself (Visa CVN 10 and 17)
	SessionCSK                                    // EMV common session key (EMV Book 2, A1.3)
	SessionMastercardSKD                          // common session key over ATC and unpredictable number
	SessionPBOC                                   // UnionPay, 3DES or SM4 by the card key
	SessionLimitedUse                             // the key given is a limited-use key and is used as it is
)

var sessionNames = [...]string{"", "none", "csk", "mastercard-skd", "pboc", "limited-use-key"}

// String is the name used in vector files and explanations.
func (m SessionMethod) String() string { return sessionNames[m] }

// SessionKey derives the application cryptogram session key of one transaction
// from the card key (or returns it, where the method has none). un is used by
// the Mastercard method only.
func SessionKey(card *Key, m SessionMethod, atc uint16, un [4]byte) (*Key, error) {
	r := [16]byte{byte(atc >> 8), byte(atc)}
	switch m {
	case SessionNone, SessionLimitedUse:
		return card, nil
	case SessionCSK:
		return CommonSessionKey(card, r[:card.algorithm.BlockSize()])
	case SessionMastercardSKD:
		copy(r[4:], un[:])
		return CommonSessionKey(card, r[:8])
	case SessionPBOC:
		return pbocSessionKey(card, atc)
	}
	return nil, fmt.Errorf("unknown session key method %d", m)
}

// CommonSessionKey is the EMV common session key for diversifier r, one block
// of the cipher: ATC and zeros for an application cryptogram, the cryptogram
// (plus the command number) for scripts (EMV Book 2, A1.3). The value is not
// parity-adjusted, as EMVCo prints it.
func CommonSessionKey(card *Key, r []byte) (*Key, error) {
	n := card.algorithm.BlockSize()
	if len(r) != n {
		return nil, fmt.Errorf("session key diversifier of %d bytes, %s wants %d", len(r), card.algorithm, n)
	}
	if card.algorithm == AES && card.Len() == 16 {
		out := append([]byte(nil), r...)
		card.EncryptBlock(out, out)
		return NewKey(AES, out)
	}
	out := append(append(make([]byte, 0, 2*n), r...), r...)
	out[2], out[n+2] = 0xF0, 0x0F
	card.EncryptBlock(out[:n], out[:n])
	card.EncryptBlock(out[n:], out[n:])
	return NewKey(card.algorithm, out[:card.Len()])
}

// pbocSessionKey is E(MK)[0..ATC] || E(MK)[0..not ATC] in blocks of 8 for 3DES,
// the same 16 bytes as one block for SM4 (JR/T 0025.7).
func pbocSessionKey(card *Key, atc uint16) (*Key, error) {
	out := make([]byte, 16)
	out[6], out[7] = byte(atc>>8), byte(atc)
	out[14], out[15] = ^byte(atc>>8), ^byte(atc)
	if card.algorithm == SM4 {
		card.EncryptBlock(out, out)
	} else {
		card.EncryptBlock(out[:8], out[:8])
		card.EncryptBlock(out[8:], out[8:])
	}
	return NewKey(card.algorithm, out)
}
