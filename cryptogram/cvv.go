package cryptogram

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Service codes that the card verification value family puts in place of the
// card's.
const (
	ServiceCodeICVV = "999" // the value in the chip's track 2
	ServiceCodeCVV2 = "000" // the value printed on the card, whose expiry is usually MMYY
)

// CVV is a card verification value of three digits over a PAN, an expiry date
// of four digits, YYMM or as the issuer uses it, and a service code: CVV, iCVV
// and CVV2 differ in these only, and a CAVV puts other digits in their place.
// key is the double-length 3DES verification key.
func CVV(key *Key, pan, expiry, serviceCode string) (string, error) {
	if err := checkCVV(pan, expiry, serviceCode); err != nil {
		return "", err
	}
	return cvv(key, pan+expiry+serviceCode)
}

// ATCDigits says how a dynamic card verification value writes the transaction
// counter into the PAN. Public implementations differ; both readings agree
// below ATC 10.
type ATCDigits byte

// Readings of the counter.
const (
	ATCHex     ATCDigits = iota // four hex digits; the usual one
	ATCDecimal                  // the last four decimal digits, as they stand in track 2
)

// DCVV is a dynamic card verification value: CVV under a card key, with the
// transaction counter in place of the first four digits of the PAN. Which card
// key, the one for cryptograms or another, is the issuer's choice.
func DCVV(card *Key, pan, expiry, serviceCode string, atc uint16, reading ATCDigits) (string, error) {
	if err := checkCVV(pan, expiry, serviceCode); err != nil {
		return "", err
	}
	digits := fmt.Sprintf("%04X", atc)
	if reading == ATCDecimal {
		digits = fmt.Sprintf("%04d", atc%10000)
	}
	return cvv(card, digits+pan[4:]+expiry+serviceCode)
}

// cvv fills digits to two blocks, computes the MAC over them and takes three
// decimal digits from it.
func cvv(key *Key, digits string) (string, error) {
	if key.algorithm != TDES || key.length != 16 {
		return "", fmt.Errorf("a card verification value needs a double-length 3DES key, not %s", key)
	}
	blocks, err := hex.DecodeString(digits + strings.Repeat("0", 32-len(digits)))
	if err != nil {
		return "", err
	}
	return Decimalise(hex.EncodeToString(key.macPadded(blocks)), 3), nil
}

func checkCVV(pan, expiry, serviceCode string) error {
	if err := checkDigits("PAN", pan, 12, 19); err != nil {
		return err
	}
	if err := checkDigits("expiry date", expiry, 4, 4); err != nil {
		return err
	}
	return checkDigits("service code", serviceCode, 3, 3)
}
