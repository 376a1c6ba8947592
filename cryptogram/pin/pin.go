// Package pin holds what a terminal's PIN pad and an issuer share: PIN blocks
// of ISO 9564 and of issuer scripts, the verification methods PVV and IBM 3624,
// and the keys of DUKPT. Randomness is an argument. No error names a PIN.
package pin

import "fmt"

// Lengths of a PIN in digits (ISO 9564-1).
const (
	minDigits = 4
	maxDigits = 12
)

// checkPIN refuses what is not 4 to 12 decimal digits, without showing it.
func checkPIN(pin string) error {
	if len(pin) < minDigits || len(pin) > maxDigits {
		return fmt.Errorf("PIN of %d digits, want %d to %d", len(pin), minDigits, maxDigits)
	}
	return checkDigits("PIN", pin)
}

func checkPAN(pan string, least int) error {
	if len(pan) < least || len(pan) > 19 {
		return fmt.Errorf("PAN of %d digits, want %d to 19", len(pan), least)
	}
	return checkDigits("PAN", pan)
}

func checkDigits(what, s string) error {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return fmt.Errorf("%s: character %d is not a decimal digit", what, i+1)
		}
	}
	return nil
}

// nibble is the i-th half byte of b, the high half first.
func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}

// setNibble sets the i-th half byte of b, which must be zero.
func setNibble(b []byte, i int, v byte) { b[i/2] |= v << (4 * (1 - i%2)) }

// setDigits writes decimal digits to b from half byte at on.
func setDigits(b []byte, at int, digits string) {
	for i := 0; i < len(digits); i++ {
		setNibble(b, at+i, digits[i]-'0')
	}
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}
