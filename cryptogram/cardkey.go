package cryptogram

import (
	"crypto/sha1"
	"fmt"
	"strings"
)

// CardKeyMethod derives a card's own key from an issuer master key.
type CardKeyMethod byte

// Card key methods (EMV Book 2, A1.4).
const (
	OptionA          CardKeyMethod = iota + 1
	OptionB                        // falls back to A up to 16 digits
	OptionBAnyLength               // as jPOS applies it to dCVV and CVC3
	OptionC                        // AES
	OptionSM4                      // UnionPay
)

// DeriveCardKey derives the card key for a PAN and PAN sequence number ("00"
// when the card has none) from the issuer master key imk. Keys of 3DES methods
// come parity-adjusted unless they are UnionPay's, which does not adjust; DES
// ignores the difference.
func DeriveCardKey(imk *Key, method CardKeyMethod, pan, psn string) (*Key, error) {
	raw, err := CardKeyBytes(imk, method, pan, psn)
	if err != nil {
		return nil, err
	}
	if imk.algorithm == TDES {
		AdjustParity(raw)
	}
	return NewKey(imk.algorithm, raw)
}

// CardKeyBytes is DeriveCardKey without parity adjustment: the value that
// wrapping and check sums see.
func CardKeyBytes(imk *Key, method CardKeyMethod, pan, psn string) ([]byte, error) {
	if err := checkDigits("PAN", pan, 1, 19); err != nil {
		return nil, err
	}
	if err := checkDigits("PAN sequence number", psn, 2, 2); err != nil {
		return nil, err
	}
	want := map[CardKeyMethod]Algorithm{OptionC: AES, OptionSM4: SM4}[method]
	if want == 0 {
		want = TDES
	}
	if imk.algorithm != want {
		return nil, fmt.Errorf("this card key method needs a %s master key, not %s", want, imk.algorithm)
	}
	switch method {
	case OptionA:
		return diversify(imk, DiversifierA(pan, psn)), nil
	case OptionB:
		if len(pan) <= 16 {
			return diversify(imk, DiversifierA(pan, psn)), nil
		}
		return diversify(imk, DiversifierB(pan, psn)), nil
	case OptionBAnyLength:
		return diversify(imk, DiversifierB(pan, psn)), nil
	case OptionC:
		return diversifyAES(imk, pan+psn), nil
	case OptionSM4:
		y := DiversifierA(pan, psn)
		block := append(y[:], complement(y[:])...)
		imk.EncryptBlock(block, block)
		return block, nil
	}
	return nil, fmt.Errorf("unknown card key method %d", method)
}

// DiversifierA is the input Y of option A: the rightmost 16 digits of PAN and
// sequence number, padded on the left with zeros.
func DiversifierA(pan, psn string) [8]byte {
	s := strings.Repeat("0", 16) + pan + psn
	return packBCD(s[len(s)-16:])
}

// DiversifierB is the input Y of option B: SHA-1 over PAN and sequence number,
// decimalised.
func DiversifierB(pan, psn string) [8]byte {
	s := pan + psn
	if len(s)%2 == 1 {
		s = "0" + s
	}
	packed := make([]byte, len(s)/2)
	for i := range packed {
		packed[i] = (s[2*i]-'0')<<4 | (s[2*i+1] - '0')
	}
	digest := sha1.Sum(packed)
	return packBCD(Decimalise(fmt.Sprintf("%x", digest), 16))
}

// Decimalise takes n decimal digits from a string of lower- or upper-case hex:
// first the decimal digits in order, then the letters a to f as 0 to 5.
func Decimalise(hex string, n int) string {
	digits := make([]byte, 0, n)
	for i := 0; i < len(hex) && len(digits) < n; i++ {
		if hex[i] <= '9' {
			digits = append(digits, hex[i])
		}
	}
	for i := 0; i < len(hex) && len(digits) < n; i++ {
		if hex[i] > '9' {
			digits = append(digits, '0'+(hex[i]|0x20)-'a')
		}
	}
	return string(digits)
}

// diversify is E(imk)[Y] || E(imk)[not Y].
func diversify(imk *Key, y [8]byte) []byte {
	out := append(y[:], complement(y[:])...)
	imk.EncryptBlock(out[:8], out[:8])
	imk.EncryptBlock(out[8:], out[8:])
	return out
}

// diversifyAES is option C: a card key as long as the master key.
func diversifyAES(imk *Key, digits string) []byte {
	s := strings.Repeat("0", 32-len(digits)) + digits
	left, right := packBCD(s[:16]), packBCD(s[16:])
	y := append(left[:], right[:]...)
	out := append(y, complement(y)...)
	imk.EncryptBlock(out[:16], out[:16])
	imk.EncryptBlock(out[16:], out[16:])
	return out[:imk.Len()]
}

func complement(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = ^b[i]
	}
	return out
}

// packBCD packs 16 digits into 8 bytes.
func packBCD(s string) (out [8]byte) {
	for i := range out {
		out[i] = (s[2*i]-'0')<<4 | (s[2*i+1] - '0')
	}
	return out
}

func checkDigits(what, s string, low, high int) error {
	if len(s) < low || len(s) > high {
		return fmt.Errorf("%s has %d digits, want %d to %d", what, len(s), low, high)
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return fmt.Errorf("%s: character %d is not a decimal digit", what, i+1)
		}
	}
	return nil
}
