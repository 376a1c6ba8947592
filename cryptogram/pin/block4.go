package pin

import (
	"errors"
	"fmt"
	"io"

	"tapsim/cryptogram"
)

// pinField4 is the clear PIN field of format 4: 4, length, PIN, A up to 16
// digits, 8 random bytes.
func pinField4(pin string, random io.Reader) ([]byte, error) {
	field := make([]byte, 16)
	setNibble(field, 0, 4)
	setNibble(field, 1, byte(len(pin)))
	setDigits(field, 2, pin)
	for i := 2 + len(pin); i < 16; i++ {
		setNibble(field, i, 0xA)
	}
	if random == nil {
		return nil, errors.New("PIN block format 4 needs 8 random bytes")
	}
	_, err := io.ReadFull(random, field[8:])
	return field, err
}

// PANField4 is the clear PAN field of format 4: the length of the PAN less 12,
// the PAN on at least 12 digits, zeros.
func PANField4(pan string) ([]byte, error) {
	if err := checkPAN(pan, 1); err != nil {
		return nil, err
	}
	field := make([]byte, 16)
	over := max(len(pan)-12, 0)
	setNibble(field, 0, byte(over))
	setDigits(field, 13+over-len(pan), pan)
	return field, nil
}

// Encipher4 enciphers a clear PIN field under the AES key, binding it to the
// PAN (ISO 9564-1, format 4).
func Encipher4(key *cryptogram.Key, pinField []byte, pan string) ([]byte, error) {
	field, err := check4(key, pinField, pan)
	if err != nil {
		return nil, err
	}
	inner, err := key.EncryptECB(pinField)
	if err != nil {
		return nil, err
	}
	return key.EncryptECB(xor(inner, field))
}

// decipher4 is the inverse of Encipher4.
func decipher4(key *cryptogram.Key, enciphered []byte, pan string) ([]byte, error) {
	field, err := check4(key, enciphered, pan)
	if err != nil {
		return nil, err
	}
	outer, err := key.DecryptECB(enciphered)
	if err != nil {
		return nil, err
	}
	return key.DecryptECB(xor(outer, field))
}

func check4(key *cryptogram.Key, block []byte, pan string) ([]byte, error) {
	if err := wantCipher(key, cryptogram.AES); err != nil {
		return nil, err
	}
	if len(block) != 16 {
		return nil, fmt.Errorf("PIN block of %d bytes, format 4 has 16", len(block))
	}
	return PANField4(pan)
}
