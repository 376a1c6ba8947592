package cryptogram

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// maxWrapped bounds what Wrap takes, in bytes.
const maxWrapped = 4096

// wrapIV is the initial value of RFC 3394, 2.2.3.1; Unwrap finds it again.
const wrapIV = 0xA6A6A6A6A6A6A6A6

// ErrUnwrap says that wrapped data were made under another key or changed.
var ErrUnwrap = errors.New("key wrap: wrong wrapping key, or the wrapped key was changed")

// Wrap puts secret, two or more groups of 8 bytes, under the AES key k (AES
// key wrap, RFC 3394, 2.2.1). The result is 8 bytes longer.
func (k *Key) Wrap(secret []byte) ([]byte, error) {
	if err := k.checkWrap(len(secret), 16); err != nil {
		return nil, err
	}
	out := append(make([]byte, 8, len(secret)+8), secret...)
	var block [16]byte
	binary.BigEndian.PutUint64(block[:], wrapIV)
	n := len(secret) / 8
	for t := 1; t <= 6*n; t++ {
		group := out[8+8*((t-1)%n):][:8]
		copy(block[8:], group)
		k.EncryptBlock(block[:], block[:])
		copy(group, block[8:])
		binary.BigEndian.PutUint64(block[:], binary.BigEndian.Uint64(block[:])^uint64(t))
	}
	copy(out, block[:8])
	return out, nil
}

// Unwrap is the inverse of Wrap (RFC 3394, 2.2.2). It returns ErrUnwrap when
// the check value inside does not come out.
func (k *Key) Unwrap(wrapped []byte) ([]byte, error) {
	if err := k.checkWrap(len(wrapped), 24); err != nil {
		return nil, err
	}
	out := append([]byte(nil), wrapped[8:]...)
	var block [16]byte
	copy(block[:], wrapped[:8])
	n := len(out) / 8
	for t := 6 * n; t > 0; t-- {
		group := out[8*((t-1)%n):][:8]
		binary.BigEndian.PutUint64(block[:], binary.BigEndian.Uint64(block[:])^uint64(t))
		copy(block[8:], group)
		k.DecryptBlock(block[:], block[:])
		copy(group, block[8:])
	}
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], wrapIV)
	if subtle.ConstantTimeCompare(block[:8], want[:]) != 1 {
		return nil, ErrUnwrap
	}
	return out, nil
}

// WrapKey wraps the bytes of key under k.
func (k *Key) WrapKey(key *Key) ([]byte, error) { return k.Wrap(key.raw()) }

// UnwrapKey is the inverse of WrapKey for a key of algorithm a.
func (k *Key) UnwrapKey(a Algorithm, wrapped []byte) (*Key, error) {
	raw, err := k.Unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	return NewKey(a, raw)
}

func (k *Key) checkWrap(n, least int) error {
	switch {
	case k.algorithm != AES:
		return fmt.Errorf("AES key wrap takes an AES key, not %s", k.algorithm)
	case n < least || n%8 != 0 || n > maxWrapped:
		return fmt.Errorf("AES key wrap of %d bytes, want a multiple of 8 from %d to %d", n, least, maxWrapped)
	}
	return nil
}
