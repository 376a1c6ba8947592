package cryptogram

import "fmt"

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

// LimitedUseKey derives the limited-use key with that index from the token's
// card key: 3DES of 1YHHHHCC80000000 and of 2YHHHHCC80000000, not
// parity-adjusted (published for the Visa cloud programme; see SCOPE.md).
func LimitedUseKey(card *Key, index KeyIndex) (*Key, error) {
	if card.algorithm != TDES || card.Len() != 16 {
		return nil, fmt.Errorf("a limited-use key derives from a double-length 3DES key, not %s", card)
	}
	if !index.Valid() {
		return nil, fmt.Errorf("key index %s is out of range", index)
	}
	out := make([]byte, 16)
	b := index.BCD()
	for half := 0; half < 2; half++ {
		block := out[8*half : 8*half+8]
		copy(block, b[:])
		block[0] |= byte(half+1) << 4
		block[4] = 0x80
		card.EncryptBlock(block, block)
	}
	return NewKey(TDES, out)
}

func bcdByte(v int) byte { return byte(v/10<<4 | v%10) }
