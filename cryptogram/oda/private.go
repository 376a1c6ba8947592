package oda

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
)

// Sizes of moduli that we make keys of, in bytes: 1024 to 1984 bits (EMV Book
// 2, Annex B2 ends there). Keys of other sizes are for verifying only.
const (
	minPrivate = 128
	maxPrivate = 248
)

// Signer is what makes signatures: a PrivateKey, or something that guards one.
type Signer interface {
	// Len is the length of the modulus in bytes.
	Len() int
	// Sign is the raw RSA private operation on a block as long as the modulus.
	Sign(block []byte) ([]byte, error)
}

// PrivateKey is an RSA key pair. It is for test keys: its arithmetic takes a
// time that depends on the key, without blinding. It is safe for concurrent
// use.
type PrivateKey struct {
	public           *Key
	p, q             *big.Int
	dP, dQ, qInverse *big.Int
}

// NewPrivateKey makes a key pair of its two primes and its public exponent, 3
// or 65537. A modulus that is not 1024 to 1984 bits and whole bytes with the
// leftmost bit set (EMV Book 2, 5.1), and numbers that are not two primes that
// go with the exponent, are an *Error.
func NewPrivateKey(p, q, exponent []byte) (*PrivateKey, error) {
	const object = "private key"
	if len(p) > maxPrivate || len(q) > maxPrivate {
		return nil, fail(object, FaultKey, "primes of %d and %d bytes", len(p), len(q))
	}
	k := &PrivateKey{p: new(big.Int).SetBytes(p), q: new(big.Int).SetBytes(q)}
	n := new(big.Int).Mul(k.p, k.q)
	if bits := n.BitLen(); bits%8 != 0 || bits < 8*minPrivate || bits > 8*maxPrivate {
		return nil, fail(object, FaultKey, "modulus of %d bits, want whole bytes of %d to %d bits", bits, 8*minPrivate, 8*maxPrivate)
	}
	public, err := NewKey(n.Bytes(), exponent)
	if err != nil {
		err.(*Error).Object = object
		return nil, err
	}
	k.public = public
	k.dP, k.dQ, k.qInverse = inverse(public.e, k.p), inverse(public.e, k.q), new(big.Int).ModInverse(k.q, k.p)
	if k.dP == nil || k.dQ == nil || k.qInverse == nil || !k.works() {
		return nil, fail(object, FaultKey, "its factors are not two primes that go with exponent %d", public.e)
	}
	return k, nil
}

// works tries the key. Factors that are no primes give a wrong signature; to
// try one is cheaper than to test them for primality.
func (k *PrivateKey) works() bool {
	block := bytes.Repeat([]byte{0x6A}, k.Len())
	signed, err := k.Sign(block)
	if err != nil {
		return false
	}
	back, err := k.public.Recover(signed)
	return err == nil && bytes.Equal(back, block)
}

// inverse is the inverse of e modulo prime-1, nil when there is none.
func inverse(e, prime *big.Int) *big.Int {
	order := new(big.Int).Sub(prime, big.NewInt(1))
	return new(big.Int).ModInverse(e, order)
}

// Public is the public half.
func (k *PrivateKey) Public() *Key { return k.public }

// Len is the length of the modulus in bytes.
func (k *PrivateKey) Len() int { return k.public.Len() }

// Primes are the two primes, each half as long as the modulus where the key
// was made so: with the public exponent all that NewPrivateKey needs. They are
// the secret.
func (k *PrivateKey) Primes() (p, q []byte) { return k.p.Bytes(), k.q.Bytes() }

// Sign is the RSA private operation by the Chinese remainder theorem (EMV Book
// 2, B2.1). The block must be as long as the modulus and smaller than it.
func (k *PrivateKey) Sign(block []byte) ([]byte, error) {
	const object = "block to sign"
	if len(block) != k.Len() {
		return nil, fail(object, FaultLength, "%d bytes under a key of %d", len(block), k.Len())
	}
	m := new(big.Int).SetBytes(block)
	if m.Cmp(k.public.n) >= 0 {
		return nil, fail(object, FaultLength, "value is not below the modulus")
	}
	atP := new(big.Int).Exp(m, k.dP, k.p)
	atQ := m.Exp(m, k.dQ, k.q)
	h := atP.Sub(atP, atQ)
	h.Mod(h.Mul(h, k.qInverse), k.p)
	s := h.Add(h.Mul(h, k.q), atQ)
	return s.FillBytes(make([]byte, k.Len())), nil
}

// String names the key and hides the value.
func (k *PrivateKey) String() string { return fmt.Sprintf("[RSA private key, %d bits]", 8*k.Len()) }

// GoString is String.
func (k *PrivateKey) GoString() string { return k.String() }

// MarshalText refuses: a key never slips into JSON.
func (k *PrivateKey) MarshalText() ([]byte, error) {
	return nil, errors.New("a private key cannot be marshalled")
}
