package issuer

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// sealedDigits is the length that account numbers are filled up to.
const sealedDigits = 24

// SealPAN puts an account number under a store's key (AES key wrap under a key
// derived from it), for rows that must give it back: a token's, whose phone
// names it by reference.
func SealPAN(key []byte, pan emv.PAN) ([]byte, error) {
	k, err := sealingKey(key)
	if err != nil {
		return nil, err
	}
	return k.Wrap(fmt.Appendf(nil, "%-*s", sealedDigits, string(pan)))
}

// OpenPAN is the inverse of SealPAN.
func OpenPAN(key, sealed []byte) (emv.PAN, error) {
	k, err := sealingKey(key)
	if err != nil {
		return "", err
	}
	digits, err := k.Unwrap(sealed)
	return emv.PAN(strings.TrimRight(string(digits), " ")), err
}

func sealingKey(key []byte) (*cryptogram.Key, error) {
	raw, err := hkdf.Key(sha256.New, append([]byte("tapsim vault"), key...), nil, "tapsim sealed account number", 32)
	if err != nil {
		return nil, err
	}
	return cryptogram.NewKey(cryptogram.AES, raw)
}
