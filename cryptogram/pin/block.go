package pin

import (
	"errors"
	"fmt"
	"io"

	"tapsim/cryptogram"
)

// Format is a PIN block format of ISO 9564-1.
type Format byte

// Formats. Their values are the control digits, so Format0 is the zero value.
const (
	Format0 Format = iota // bound to the PAN
	Format1               // not bound, random fill
	Format2               // for the chip card: not bound, fixed fill
	Format3               // bound to the PAN, random fill
	Format4               // for AES: bound to the PAN, random fill, 16 bytes
)

// String is the name used in vector files: "iso-0" to "iso-4".
func (f Format) String() string { return fmt.Sprintf("iso-%d", byte(f)) }

// ParseFormat is the inverse of String.
func ParseFormat(name string) (Format, error) {
	for f := Format0; f <= Format4; f++ {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("unknown PIN block format %q, want iso-0 to iso-4", name)
}

// Encode makes the clear PIN block of 8 bytes, or for format 4 the clear PIN
// field of 16, which only Encipher binds to the PAN. pan is used by formats 0
// and 3, random by 1, 3 and 4; it gives a digit of fill a byte, from its low
// half, and format 3 skips what is not A to F.
func Encode(f Format, pin, pan string, random io.Reader) ([]byte, error) {
	if err := checkPIN(pin); err != nil {
		return nil, err
	}
	if f == Format4 {
		return pinField4(pin, random)
	}
	block := make([]byte, 8)
	setNibble(block, 0, byte(f))
	setNibble(block, 1, byte(len(pin)))
	setDigits(block, 2, pin)
	least, greatest, err := f.fill()
	if err != nil {
		return nil, err
	}
	fill := filler{random: random, least: least, greatest: greatest}
	for i := 2 + len(pin); i < 16; i++ {
		setNibble(block, i, fill.next())
	}
	if fill.err != nil || !f.boundToPAN() {
		return block, fill.err
	}
	field, err := panField(pan)
	if err != nil {
		return nil, err
	}
	return xor(block, field), nil
}

// Decode reads the PIN out of a clear block (of format 4: a clear PIN field)
// and checks control digit, length and fill. A wrong PAN or key shows as an
// error or, rarely, as another PIN.
func Decode(f Format, block []byte, pan string) (string, error) {
	digits, least, greatest := 16, byte(0xA), byte(0xA)
	if f != Format4 {
		var err error
		if least, greatest, err = f.fill(); err != nil {
			return "", err
		}
		if len(block) != 8 {
			return "", fmt.Errorf("PIN block of %d bytes, format %d has 8", len(block), f)
		}
	} else if len(block) != 16 {
		return "", fmt.Errorf("PIN field of %d bytes, format 4 has 16", len(block))
	}
	if f.boundToPAN() {
		field, err := panField(pan)
		if err != nil {
			return "", err
		}
		block = xor(block, field)
	}
	if nibble(block, 0) != byte(f) {
		return "", fmt.Errorf("control digit is %X, format %d has %d: wrong key, PAN or format", nibble(block, 0), f, f)
	}
	n := int(nibble(block, 1))
	if n < minDigits || n > maxDigits {
		return "", fmt.Errorf("PIN block says %d digits, want %d to %d: wrong key or PAN", n, minDigits, maxDigits)
	}
	pin := make([]byte, n)
	for i := 2; i < digits; i++ {
		switch d := nibble(block, i); {
		case i < 2+n && d > 9:
			return "", errors.New("PIN block holds a digit above 9: wrong key or PAN")
		case i < 2+n:
			pin[i-2] = '0' + d
		case d < least || d > greatest:
			return "", errors.New("PIN block has wrong fill: wrong key, PAN or format")
		}
	}
	return string(pin), nil
}

// fill is the range that the digits after the PIN are from.
func (f Format) fill() (least, greatest byte, err error) {
	switch f {
	case Format0, Format2:
		return 0xF, 0xF, nil
	case Format1:
		return 0, 0xF, nil
	case Format3:
		return 0xA, 0xF, nil
	}
	return 0, 0, fmt.Errorf("PIN block format %d is none of 0 to 4", f)
}

func (f Format) boundToPAN() bool { return f == Format0 || f == Format3 }

// panField is 0000 and the 12 rightmost digits of the PAN without its check
// digit.
func panField(pan string) ([]byte, error) {
	if err := checkPAN(pan, 13); err != nil {
		return nil, err
	}
	field := make([]byte, 8)
	setDigits(field, 4, pan[len(pan)-13:len(pan)-1])
	return field, nil
}

// maxDraws bounds how many random bytes are drawn for one digit.
const maxDraws = 256

// filler draws digits from a range. The first error stays.
type filler struct {
	random          io.Reader
	least, greatest byte
	err             error
}

func (f *filler) next() byte {
	if f.least == f.greatest || f.err != nil {
		return f.least
	}
	if f.random == nil {
		f.err = errors.New("this PIN block format needs random fill")
		return 0
	}
	var b [1]byte
	for range maxDraws {
		if _, f.err = io.ReadFull(f.random, b[:]); f.err != nil {
			return 0
		}
		if d := b[0] & 0xF; d >= f.least && d <= f.greatest {
			return d
		}
	}
	f.err = errors.New("random source gives no usable fill")
	return 0
}

// Encipher makes a PIN block and enciphers it under key: 3DES for formats 0 to
// 3, AES for format 4.
func Encipher(f Format, key *cryptogram.Key, pin, pan string, random io.Reader) ([]byte, error) {
	block, err := Encode(f, pin, pan, random)
	if err != nil {
		return nil, err
	}
	if f == Format4 {
		return Encipher4(key, block, pan)
	}
	if err := wantCipher(key, cryptogram.TDES); err != nil {
		return nil, err
	}
	return key.EncryptECB(block)
}

// Decipher is the inverse of Encipher.
func Decipher(f Format, key *cryptogram.Key, enciphered []byte, pan string) (string, error) {
	if f == Format4 {
		field, err := decipher4(key, enciphered, pan)
		if err != nil {
			return "", err
		}
		return Decode(f, field, pan)
	}
	if err := wantCipher(key, cryptogram.TDES); err != nil {
		return "", err
	}
	block, err := key.DecryptECB(enciphered)
	if err != nil {
		return "", err
	}
	return Decode(f, block, pan)
}

func wantCipher(key *cryptogram.Key, a cryptogram.Algorithm) error {
	if key.Algorithm() != a {
		return fmt.Errorf("this PIN block format goes under %s, not %s", a, key.Algorithm())
	}
	return nil
}
