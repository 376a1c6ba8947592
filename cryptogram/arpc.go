package cryptogram

import (
	"crypto/subtle"
	"fmt"
)

// ARPCMethod is how the issuer authenticates its answer.
type ARPCMethod byte

// ARPC methods of EMV Book 2, 8.2. The zero value is none.
const (
	ARPC1Card    ARPCMethod = iota + 1 // method 1 under the card key
	ARPC1Session                       // method 1 under the session key
	ARPC2Session                       // method 2 under the session key
)

var arpcNames = [...]string{"", "method 1 under the card key", "method 1 under the session key", "method 2 under the session key"}

// String says it in words, empty for none.
func (m ARPCMethod) String() string {
	if int(m) < len(arpcNames) {
		return arpcNames[m]
	}
	return ""
}

// maxProprietary bounds the proprietary authentication data of method 2.
const maxProprietary = 8

// ARPC1 is an authorisation response cryptogram by method 1: the cryptogram,
// with the response code over its first two bytes, enciphered (EMV Book 2,
// 8.2.1). Ciphers with blocks of 16 bytes take it with zeros behind and give
// the leftmost 8; for AES and SM4 no published number was found.
func ARPC1(key *Key, arqc Cryptogram, responseCode [2]byte) [8]byte {
	block := make([]byte, key.algorithm.BlockSize())
	copy(block, arqc[:])
	block[0] ^= responseCode[0]
	block[1] ^= responseCode[1]
	key.EncryptBlock(block, block)
	return [8]byte(block)
}

// ARPC2 is an authorisation response cryptogram by method 2: the leftmost four
// bytes of the MAC over cryptogram, card status update and up to 8 bytes of
// proprietary data (EMV Book 2, 8.2.2). For AES, which makes a CMAC, and for
// SM4 no published number was found.
func ARPC2(key *Key, arqc Cryptogram, csu [4]byte, proprietary []byte) ([4]byte, error) {
	if len(proprietary) > maxProprietary {
		return [4]byte{}, fmt.Errorf("proprietary authentication data of %d bytes, at most %d", len(proprietary), maxProprietary)
	}
	data := append(append(append(make([]byte, 0, 32), arqc[:]...), csu[:]...), proprietary...)
	if key.algorithm == AES {
		return [4]byte(key.CMAC(data)), nil
	}
	return [4]byte(key.macPadded(appendPadding(data, key.algorithm.BlockSize(), Padding2))), nil
}

// IssuerAnswer is what the issuer tells the card in tag 91. Which part counts
// depends on the recipe: method 1 carries the response code, method 2 the card
// status update and proprietary data.
type IssuerAnswer struct {
	ResponseCode [2]byte // as the card gets it in tag 8A, "00" being 3030
	CSU          [4]byte
	Proprietary  []byte // 0 to 8 bytes
}

// IssuerAuthentication makes the value of tag 91 for an answer to the
// cryptogram arqc. card is the key that the session key was derived from; a
// recipe under the session key does not use it, and it may be nil then.
func (r Recipe) IssuerAuthentication(card, session *Key, arqc Cryptogram, a IssuerAnswer) ([]byte, error) {
	switch r.ARPC {
	case ARPC1Card, ARPC1Session:
		key := session
		if r.ARPC == ARPC1Card {
			key = card
		}
		if key == nil {
			return nil, fmt.Errorf("recipe %q answers by %s, which is not given", r.Name, r.ARPC)
		}
		arpc := ARPC1(key, arqc, a.ResponseCode)
		return append(arpc[:], a.ResponseCode[:]...), nil
	case ARPC2Session:
		arpc, err := ARPC2(session, arqc, a.CSU, a.Proprietary)
		if err != nil {
			return nil, err
		}
		return append(append(arpc[:], a.CSU[:]...), a.Proprietary...), nil
	}
	return nil, fmt.Errorf("recipe %q has no issuer authentication", r.Name)
}

// VerifyIssuerAuthentication is the card's side: it takes the value of tag 91
// apart and says whether the issuer made it for arqc. A value of a length that
// the recipe's method does not have is an error.
func (r Recipe) VerifyIssuerAuthentication(card, session *Key, arqc Cryptogram, value []byte) (IssuerAnswer, bool, error) {
	var a IssuerAnswer
	switch r.ARPC {
	case ARPC1Card, ARPC1Session:
		if len(value) != 10 {
			return a, false, fmt.Errorf("issuer authentication data of %d bytes, method 1 has 10", len(value))
		}
		a.ResponseCode = [2]byte(value[8:])
	case ARPC2Session:
		if len(value) < 8 || len(value) > 8+maxProprietary {
			return a, false, fmt.Errorf("issuer authentication data of %d bytes, method 2 has 8 to %d", len(value), 8+maxProprietary)
		}
		a.CSU, a.Proprietary = [4]byte(value[4:]), value[8:]
	}
	want, err := r.IssuerAuthentication(card, session, arqc, a)
	if err != nil {
		return a, false, err
	}
	return a, subtle.ConstantTimeCompare(want, value) == 1, nil
}
