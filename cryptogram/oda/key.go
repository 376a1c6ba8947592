package oda

import (
	"crypto/sha1"
	"math/big"
)

// Sizes of moduli in bytes: 512 to 2048 bits (EMV Book 2, Annex B2 stops at
// 1984; keys of 2048 bits are in use).
const (
	minModulus = 64
	maxModulus = 256
)

// Key is an RSA public key.
type Key struct {
	modulus  []byte
	exponent []byte
	n, e     *big.Int
}

// NewKey makes a public key. Moduli outside 512 to 2048 bits, with a leading
// zero byte or even, and exponents other than 3 and 65537 are an *Error.
func NewKey(modulus, exponent []byte) (*Key, error) {
	k, err := NewUnusualKey(modulus, exponent)
	if err != nil {
		return nil, err
	}
	if e := k.e.Uint64(); e != 3 && e != 65537 {
		return nil, fail("public key", FaultKey, "exponent %d, EMV keys have 3 or 65537", e)
	}
	return k, nil
}

// NewUnusualKey is NewKey with any odd exponent from 3 up to four bytes.
func NewUnusualKey(modulus, exponent []byte) (*Key, error) {
	switch n := len(modulus); {
	case n < minModulus || n > maxModulus:
		return nil, fail("public key", FaultKey, "modulus of %d bytes, want %d to %d", n, minModulus, maxModulus)
	case modulus[0] == 0:
		return nil, fail("public key", FaultKey, "modulus starts with a zero byte")
	case modulus[n-1]&1 == 0:
		return nil, fail("public key", FaultKey, "modulus is even")
	}
	if len(exponent) < 1 || len(exponent) > 4 {
		return nil, fail("public key", FaultKey, "exponent of %d bytes, want 1 to 4", len(exponent))
	}
	k := &Key{
		modulus: append([]byte(nil), modulus...), exponent: append([]byte(nil), exponent...),
		n: new(big.Int).SetBytes(modulus), e: new(big.Int).SetBytes(exponent),
	}
	if e := k.e.Uint64(); e < 3 || e&1 == 0 {
		return nil, fail("public key", FaultKey, "exponent %d is not an odd number above 1", e)
	}
	return k, nil
}

// Len is the length of the modulus in bytes.
func (k *Key) Len() int { return len(k.modulus) }

// Modulus is a copy of the modulus.
func (k *Key) Modulus() []byte { return append([]byte(nil), k.modulus...) }

// Exponent is a copy of the exponent, as long as it was given.
func (k *Key) Exponent() []byte { return append([]byte(nil), k.exponent...) }

// Recover is the RSA public operation on signed data, which must be as long as
// the modulus and smaller than it (EMV Book 2, B2.1).
func (k *Key) Recover(signed []byte) ([]byte, error) {
	if len(signed) != len(k.modulus) {
		return nil, fail("signed data", FaultLength, "%d bytes under a key of %d", len(signed), len(k.modulus))
	}
	s := new(big.Int).SetBytes(signed)
	if s.Cmp(k.n) >= 0 {
		return nil, fail("signed data", FaultLength, "value is not below the modulus")
	}
	return s.Exp(s, k.e, k.n).FillBytes(make([]byte, len(k.modulus))), nil
}

// recover recovers signed data and checks the frame that all objects share:
// 6A, the format, the algorithm where it stands, a hash, BC (EMV Book 2, 5.3
// to 6.5).
func (k *Key) recover(object string, signed []byte, format byte, hashAlgorithmAt int) (frame, error) {
	data, err := k.Recover(signed)
	if err != nil {
		err.(*Error).Object = object
		return nil, err
	}
	f := frame(data)
	switch n := len(data); {
	case data[0] != 0x6A:
		return nil, fail(object, FaultHeader, "first byte %02X, want 6A: wrong key, or changed data", data[0])
	case data[n-1] != 0xBC:
		return nil, fail(object, FaultTrailer, "last byte %02X, want BC", data[n-1])
	case data[1] != format:
		return nil, fail(object, FaultFormat, "format %02X, want %02X", data[1], format)
	case data[hashAlgorithmAt] != 0x01:
		return nil, fail(object, FaultAlgorithm, "hash algorithm %02X, want 01 (SHA-1)", data[hashAlgorithmAt])
	}
	return f, nil
}

// frame is recovered data whose ends were checked.
type frame []byte

// hash is the hash inside.
func (f frame) hash() []byte { return f[len(f)-21 : len(f)-1] }

// signed is what the hash covers of the recovered data: between header and
// hash.
func (f frame) signed() []byte { return f[1 : len(f)-21] }

// sum is the hash over the signed part and what follows it.
func (f frame) sum(more ...[]byte) []byte {
	h := sha1.New()
	h.Write(f.signed())
	for _, m := range more {
		h.Write(m)
	}
	return h.Sum(nil)
}

// verify compares the hash inside with the one over the data.
func (f frame) verify(object string, more ...[]byte) error {
	if sum := f.sum(more...); string(sum) != string(f.hash()) {
		return fail(object, FaultHash, "SHA-1 over the data is %X, the signature holds %X", sum, f.hash())
	}
	return nil
}
