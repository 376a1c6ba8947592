package cryptogram

import (
	"encoding/hex"
	"fmt"
)

// KeyIndex names a limited-use key of the Visa cloud kind: seven decimal
// digits Y HHHH CC.
type KeyIndex struct {
	Year    int // last digit of the year, 0 to 9
	Hour    int // hour of the year counted from 1, 1 to 8784
	Counter int // keys issued in that hour, 0 to 99
}

// String is the seven digits.
func (i KeyIndex) String() string { return fmt.Sprintf("%01d%04d%02d", i.Year, i.Hour, i.Counter) }

// Valid is true when all parts are in range.
func (i KeyIndex) Valid() bool {
	return i.Year >= 0 && i.Year <= 9 && i.Hour >= 1 && i.Hour <= 8784 && i.Counter >= 0 && i.Counter <= 99
}

// BCD is the index as it travels in the issuer application data: 0Y HH HH CC.
func (i KeyIndex) BCD() [4]byte {
	return [4]byte{byte(i.Year), bcdByte(i.Hour / 100), bcdByte(i.Hour % 100), bcdByte(i.Counter)}
}

// ParseKeyIndex reads the four bytes 0Y HH HH CC.
func ParseKeyIndex(b []byte) (KeyIndex, error) {
	if len(b) != 4 {
		return KeyIndex{}, fmt.Errorf("key index of %d bytes, want 4", len(b))
	}
	var d [4]int
	for n, v := range b {
		if v>>4 > 9 || v&0xF > 9 {
			return KeyIndex{}, fmt.Errorf("key index byte %d is %02X, not decimal", n, v)
		}
		d[n] = int(v>>4)*10 + int(v&0xF)
	}
	i := KeyIndex{Year: d[0], Hour: d[1]*100 + d[2], Counter: d[3]}
	if !i.Valid() {
		return KeyIndex{}, fmt.Errorf("key index %X is out of range", b)
	}
	return i, nil
}

// ParseKeyIndexDigits reads the seven digits that String writes.
func ParseKeyIndexDigits(digits string) (KeyIndex, error) {
	if err := checkDigits("key index", digits, 7, 7); err != nil {
		return KeyIndex{}, err
	}
	n := func(s string) (v int) {
		for i := range len(s) {
			v = v*10 + int(s[i]-'0')
		}
		return v
	}
	i := KeyIndex{Year: n(digits[:1]), Hour: n(digits[1:5]), Counter: n(digits[5:])}
	if !i.Valid() {
		return KeyIndex{}, fmt.Errorf("key index %s is out of range", digits)
	}
	return i, nil
}

// LimitedUseKey derives the limited-use key with that index from the token's
// card key: the two enciphered blocks of LimitedUseBlocks, not parity-adjusted
// (published for the Visa cloud programme).
func LimitedUseKey(card *Key, index KeyIndex) (*Key, error) {
	if card.algorithm != TDES || card.length != 16 {
		return nil, fmt.Errorf("a limited-use key derives from a double-length 3DES key, not %s", card)
	}
	left, right, err := LimitedUseBlocks(index)
	if err != nil {
		return nil, err
	}
	k := &Key{algorithm: TDES, length: 16}
	card.EncryptBlock(k.bytes[:8], left[:])
	card.EncryptBlock(k.bytes[8:16], right[:])
	return k, k.schedule()
}

// LimitedUseBlocks are the blocks 1YHHHHCC80000000 and 2YHHHHCC80000000 that a
// limited-use key derives from.
func LimitedUseBlocks(index KeyIndex) (left, right [8]byte, err error) {
	if !index.Valid() {
		return left, right, fmt.Errorf("key index %s is out of range", index)
	}
	b := index.BCD()
	copy(left[:], b[:])
	left[4] = 0x80
	right = left
	left[0] |= 0x10
	right[0] |= 0x20
	return left, right, nil
}

// keyIndexOffset is where the key index stands in issuer application data of
// the cloud kind (Visa format 4), counted from 0.
const keyIndexOffset = 13

// KeyIndexOf reads the index of the limited-use key from issuer application
// data of the cloud kind: 1F 43 DKI CVR(5) 00 and four bytes, then the index.
func KeyIndexOf(iad []byte) (KeyIndex, error) {
	if len(iad) != 32 || iad[0] != 0x1F || iad[1] != 0x43 {
		return KeyIndex{}, fmt.Errorf("issuer application data of %d bytes are not of the cloud kind (1F43...)", len(iad))
	}
	return ParseKeyIndex(iad[keyIndexOffset : keyIndexOffset+4])
}

// Put writes the index into issuer application data of the cloud kind, where
// KeyIndexOf finds it.
func (i KeyIndex) Put(iad []byte) {
	b := i.BCD()
	copy(iad[keyIndexOffset:], b[:])
}

// LimitedUseMSDValue is the verification value of a mag-stripe mode payment
// under a limited-use key of its own: three digits from the enciphered ATC and
// the last 6 bytes of the device type.
func LimitedUseMSDValue(key *Key, atc uint16, deviceType [8]byte) (string, error) {
	if key.algorithm != TDES {
		return "", fmt.Errorf("a limited-use value needs a 3DES key, not %s", key)
	}
	block := LimitedUseMSDBlock(atc, deviceType)
	key.EncryptBlock(block[:], block[:])
	return Decimalise(hex.EncodeToString(block[:]), 3), nil
}

// LimitedUseMSDBlock is the block that LimitedUseMSDValue enciphers.
func LimitedUseMSDBlock(atc uint16, deviceType [8]byte) [8]byte {
	block := deviceType
	block[0], block[1] = byte(atc>>8), byte(atc)
	return block
}

func bcdByte(v int) byte { return byte(v/10<<4 | v%10) }
