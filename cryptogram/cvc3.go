package cryptogram

import (
	"encoding/binary"
	"fmt"
)

// IVCVC3 is the initial vector of a dynamic card verification code: the last
// two bytes of the MAC over a static track. The track has zeros in the places
// of the dynamic digits; track 2 is packed with its D and F nibbles, track 1 is
// ASCII. card is the card key for CVC3.
func IVCVC3(card *Key, track []byte) ([2]byte, error) {
	mac, err := card.MAC(track, Padding2)
	if err != nil {
		return [2]byte{}, err
	}
	return [2]byte(mac[6:8]), nil
}

// CVC3 is the dynamic card verification code of a mag-stripe mode payment: the
// last two bytes of the enciphered initial vector, numeric unpredictable number
// (two digits a byte) and transaction counter.
func CVC3(card *Key, iv [2]byte, un [4]byte, atc uint16) (uint16, error) {
	if card.algorithm != TDES {
		return 0, fmt.Errorf("a CVC3 needs a 3DES key, not %s", card)
	}
	block := append(append(make([]byte, 0, 8), iv[:]...), un[:]...)
	block = binary.BigEndian.AppendUint16(block, atc)
	card.EncryptBlock(block, block)
	return binary.BigEndian.Uint16(block[6:]), nil
}

// CVC3Digits are the last n decimal digits of a CVC3, as they go into the
// track, with leading zeros. A CVC3 has at most 5.
func CVC3Digits(cvc3 uint16, n int) (string, error) {
	if n < 1 || n > 5 {
		return "", fmt.Errorf("a CVC3 has 1 to 5 digits, not %d", n)
	}
	return fmt.Sprintf("%05d", cvc3)[5-n:], nil
}

// ICCDynamicNumber is the Mastercard ICC dynamic number: the leftmost n bytes,
// 2 to 8, of the enciphered ATC and unpredictable number. card is the card key
// for dynamic numbers.
func ICCDynamicNumber(card *Key, atc uint16, un [4]byte, n int) ([]byte, error) {
	if card.algorithm != TDES || n < 2 || n > 8 {
		return nil, fmt.Errorf("an ICC dynamic number is 2 to 8 bytes under a 3DES key, not %d under %s", n, card)
	}
	block := make([]byte, 8)
	binary.BigEndian.PutUint16(block, atc)
	copy(block[4:], un[:])
	card.EncryptBlock(block, block)
	return block[:n], nil
}
