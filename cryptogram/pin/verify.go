package pin

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tapsim/cryptogram"
)

// PVV is the Visa PIN verification value of four digits: the 11 PAN digits left
// of the check digit, the key index (one digit, 0 to 9) and the first four PIN
// digits, enciphered under the double-length 3DES verification key.
func PVV(key *cryptogram.Key, index byte, pin, pan string) (string, error) {
	if err := checkPIN(pin); err != nil {
		return "", err
	}
	if err := checkPAN(pan, 12); err != nil {
		return "", err
	}
	if index > 9 {
		return "", fmt.Errorf("PIN verification key index %d, want 0 to 9", index)
	}
	block := make([]byte, 8)
	setDigits(block, 0, pan[len(pan)-12:len(pan)-1])
	setNibble(block, 11, index)
	setDigits(block, 12, pin[:4])
	enciphered, err := encipherDES(key, block)
	if err != nil {
		return "", err
	}
	return cryptogram.Decimalise(hex.EncodeToString(enciphered), 4), nil
}

// NaturalPIN is the PIN of n digits that IBM 3624 derives: validation data of
// 16 hex digits enciphered, then each digit looked up in the decimalisation
// table of 16 decimal digits.
func NaturalPIN(key *cryptogram.Key, validation, table string, n int) (string, error) {
	if n < minDigits || n > maxDigits {
		return "", fmt.Errorf("PIN of %d digits, want %d to %d", n, minDigits, maxDigits)
	}
	block, err := hex.DecodeString(validation)
	if err != nil || len(block) != 8 {
		return "", fmt.Errorf("validation data are not 16 hex digits")
	}
	if len(table) != 16 {
		return "", fmt.Errorf("decimalisation table of %d digits, want 16", len(table))
	}
	if err := checkDigits("decimalisation table", table); err != nil {
		return "", err
	}
	enciphered, err := encipherDES(key, block)
	if err != nil {
		return "", err
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = table[nibble(enciphered, i)]
	}
	return string(out), nil
}

// ValidationData takes length digits of the PAN from start on, counted from 0,
// and fills them up to 16 with pad, a hex digit. What reaches beyond the PAN is
// cut.
func ValidationData(pan string, start, length int, pad byte) (string, error) {
	if err := checkPAN(pan, 1); err != nil {
		return "", err
	}
	if start < 0 || start >= len(pan) || length < 1 || length > 16 {
		return "", fmt.Errorf("validation data from digit %d of the PAN on, %d digits: out of range", start, length)
	}
	if !strings.ContainsRune("0123456789ABCDEFabcdef", rune(pad)) {
		return "", fmt.Errorf("validation data are padded with a hex digit")
	}
	s := pan[start:min(start+length, len(pan))]
	return s + strings.Repeat(string(rune(pad)), 16-len(s)), nil
}

// Offset is the IBM 3624 offset: the chosen PIN less the natural PIN, digit by
// digit modulo 10. The natural PIN may be longer.
func Offset(pin, natural string) (string, error) { return digitwise(pin, natural, 10, -1) }

// FromOffset is the inverse of Offset: the PIN from offset and natural PIN.
func FromOffset(offset, natural string) (string, error) { return digitwise(offset, natural, 0, 1) }

func digitwise(a, b string, add, sign int) (string, error) {
	if len(a) < minDigits || len(a) > maxDigits || len(a) > len(b) {
		return "", fmt.Errorf("PIN or offset of %d digits against a natural PIN of %d", len(a), len(b))
	}
	if err := checkDigits("PIN or offset", a+b); err != nil {
		return "", err
	}
	out := make([]byte, len(a))
	for i := range out {
		out[i] = '0' + byte((int(a[i]-'0')+sign*int(b[i]-'0')+add)%10)
	}
	return string(out), nil
}

func encipherDES(key *cryptogram.Key, block []byte) ([]byte, error) {
	if key.Algorithm() != cryptogram.TDES {
		return nil, fmt.Errorf("PIN verification goes under 3DES, not %s", key.Algorithm())
	}
	return key.EncryptECB(block)
}
