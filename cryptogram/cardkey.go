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
	OptionBAnyLength               // option B for short numbers too, which some issuer hosts do
	OptionC                        // AES
	OptionSM4                      // UnionPay
)

var cardKeyNames = [...]string{"", "option-a", "option-b", "option-b-any-length", "option-c", "sm4"}

// String is the name used in vector files and configurations, empty for what
// is none.
func (m CardKeyMethod) String() string {
	if int(m) < len(cardKeyNames) {
		return cardKeyNames[m]
	}
	return ""
}

// ParseCardKeyMethod is the inverse of String.
func ParseCardKeyMethod(name string) (CardKeyMethod, error) {
	for i, n := range cardKeyNames[1:] {
		if n == name {
			return CardKeyMethod(i + 1), nil
		}
	}
	return 0, fmt.Errorf("unknown card key method %q, want one of %s", name, strings.Join(cardKeyNames[1:], ", "))
}

// DefaultCardKeyMethod is the usual method for master keys of a cipher: option
// A for 3DES, which Mastercard and UnionPay apply to long card numbers too,
// option C for AES, and UnionPay's for SM4.
func DefaultCardKeyMethod(a Algorithm) CardKeyMethod {
	switch a {
	case TDES:
		return OptionA
	case AES:
		return OptionC
	case SM4:
		return OptionSM4
	}
	return 0
}

// algorithm is the cipher of the master keys that the method takes.
func (m CardKeyMethod) algorithm() Algorithm {
	switch m {
	case OptionC:
		return AES
	case OptionSM4:
		return SM4
	}
	return TDES
}

// DeriveCardKey derives the card key for a PAN and PAN sequence number ("00"
// when the card has none) from the issuer master key imk. 3DES keys come
// parity-adjusted, which only shows where a key's value is seen: DES ignores
// the parity bits.
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

// CardKeyBytes is DeriveCardKey without parity adjustment, as UnionPay shows
// its keys. An AES card key is as long as its master key.
func CardKeyBytes(imk *Key, method CardKeyMethod, pan, psn string) ([]byte, error) {
	if err := checkDigits("PAN", pan, 1, 19); err != nil {
		return nil, err
	}
	if err := checkDigits("PAN sequence number", psn, 2, 2); err != nil {
		return nil, err
	}
	if want := method.algorithm(); imk.algorithm != want || want == TDES && imk.length != 16 {
		return nil, fmt.Errorf("card key method %s needs a %s master key of 16 or more bytes, not %s", method, want, imk)
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
		return AESCardKeyBytes(imk, pan, psn, imk.length)
	case OptionSM4:
		y := DiversifierA(pan, psn)
		block := append(y[:], complement(y[:])...)
		imk.EncryptBlock(block, block)
		return block, nil
	}
	return nil, fmt.Errorf("unknown card key method %d", method)
}

// AESCardKeyBytes is option C for a card key of length bytes, which the book
// ties to the master key's and published examples do not (EMV Book 2, A1.4).
func AESCardKeyBytes(imk *Key, pan, psn string, length int) ([]byte, error) {
	digits := pan + psn
	if err := checkDigits("PAN and sequence number", digits, 3, 21); err != nil {
		return nil, err
	}
	if imk.algorithm != AES || length != 16 && length != 24 && length != 32 {
		return nil, fmt.Errorf("option C makes AES keys of 16, 24 or 32 bytes from AES keys, not %d from %s", length, imk)
	}
	digits = strings.Repeat("0", 32-len(digits)) + digits
	left, right := packBCD(digits[:16]), packBCD(digits[16:])
	y := append(left[:], right[:]...)
	out := append(y, complement(y)...)
	imk.EncryptBlock(out[:16], out[:16])
	imk.EncryptBlock(out[16:], out[16:])
	return out[:length], nil
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
