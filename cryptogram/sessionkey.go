package cryptogram

import (
	"encoding/binary"
	"fmt"
)

// SessionMethod derives the key of one transaction from a card key.
type SessionMethod byte

// Session key methods.
const (
	SessionNone          SessionMethod = iota + 1 // the card key itself (Visa CVN 10 and 17)
	SessionCSK                                    // EMV common session key (EMV Book 2, A1.3)
	SessionMastercardSKD                          // common session key over ATC and unpredictable number
	SessionPBOC                                   // UnionPay, 3DES or SM4 by the card key
	SessionLimitedUse                             // the key given is a limited-use key and is used as it is
	SessionVisaScript                             // card key ^ ATC and its complement: Visa issuer scripts
)

var sessionNames = [...]string{"", "none", "csk", "mastercard-skd", "pboc", "limited-use-key", "visa-script"}

// String is the name used in vector files and explanations, empty for what is
// none.
func (m SessionMethod) String() string {
	if int(m) < len(sessionNames) {
		return sessionNames[m]
	}
	return ""
}

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
		if card.algorithm != TDES {
			return nil, fmt.Errorf("the Mastercard session key derives from a 3DES key, not %s", card.algorithm)
		}
		copy(r[4:], un[:])
		return CommonSessionKey(card, r[:8])
	case SessionPBOC:
		return pbocSessionKey(card, atc)
	case SessionVisaScript:
		return visaScriptKey(card, atc)
	}
	return nil, fmt.Errorf("unknown session key method %d", m)
}

// CommonSessionKey is the EMV common session key for diversifier r, one block
// of the cipher: ATC and zeros for an application cryptogram, the cryptogram
// (plus the command number) for scripts (EMV Book 2, A1.3). The value is not
// parity-adjusted, as EMVCo prints it. For AES keys of 192 and 256 bits no
// published number was found.
func CommonSessionKey(card *Key, r []byte) (*Key, error) {
	n := card.algorithm.BlockSize()
	if len(r) != n {
		return nil, fmt.Errorf("session key diversifier of %d bytes, %s wants %d", len(r), card.algorithm, n)
	}
	if card.algorithm == TDES && card.length != 16 || card.algorithm == SM4 {
		return nil, fmt.Errorf("the common session key derives from a double-length 3DES or an AES key, not %s", card)
	}
	// The key's own bytes are the buffer: a session key is made for each
	// transaction, and each allocation counts.
	k := &Key{algorithm: card.algorithm, length: card.length}
	copy(k.bytes[:], r)
	if k.algorithm == AES && k.length == 16 {
		card.EncryptBlock(k.bytes[:n], k.bytes[:n])
		return k, k.schedule()
	}
	copy(k.bytes[n:], r)
	k.bytes[2], k.bytes[n+2] = 0xF0, 0x0F
	card.EncryptBlock(k.bytes[:n], k.bytes[:n])
	card.EncryptBlock(k.bytes[n:2*n], k.bytes[n:2*n])
	clear(k.bytes[k.length:])
	return k, k.schedule()
}

// pbocSessionKey is E(MK)[0..ATC] || E(MK)[0..not ATC] in blocks of 8 for 3DES,
// the same 16 bytes as one block for SM4 (JR/T 0025.7).
func pbocSessionKey(card *Key, atc uint16) (*Key, error) {
	k := &Key{algorithm: card.algorithm, length: 16}
	binary.BigEndian.PutUint16(k.bytes[6:], atc)
	binary.BigEndian.PutUint16(k.bytes[14:], ^atc)
	switch {
	case card.algorithm == SM4:
		card.EncryptBlock(k.bytes[:16], k.bytes[:16])
	case card.algorithm == TDES && card.length == 16:
		card.EncryptBlock(k.bytes[:8], k.bytes[:8])
		card.EncryptBlock(k.bytes[8:16], k.bytes[8:16])
	default:
		return nil, fmt.Errorf("the PBOC session key derives from a double-length 3DES or an SM4 key, not %s", card)
	}
	return k, k.schedule()
}

// visaScriptKey is the card's script key with the ATC added to the end of its
// left half and the complement to the end of its right half.
func visaScriptKey(card *Key, atc uint16) (*Key, error) {
	if card.algorithm != TDES || card.length != 16 {
		return nil, fmt.Errorf("the Visa script key derives from a double-length 3DES key, not %s", card)
	}
	k := &Key{algorithm: TDES, length: 16, bytes: card.bytes}
	xor(k.bytes[6:8], []byte{byte(atc >> 8), byte(atc)})
	xor(k.bytes[14:16], []byte{^byte(atc >> 8), ^byte(atc)})
	return k, k.schedule()
}

// ScriptDiversifier is the diversifier of the common session key for the
// number-th script command of a transaction, counted from 0: its cryptogram
// plus the number, modulo 2^64.
func ScriptDiversifier(ac Cryptogram, number int) [8]byte {
	var r [8]byte
	binary.BigEndian.PutUint64(r[:], binary.BigEndian.Uint64(ac[:])+uint64(number))
	return r
}
