package cryptogram

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// Algorithm is a block cipher.
type Algorithm byte

// Block ciphers of payment cryptography.
const (
	TDES Algorithm = iota + 1 // DES-EDE with a key of 8, 16 or 24 bytes
	AES                       // 16, 24 or 32 bytes
	SM4                       // 16 bytes
)

var algorithmNames = [...]string{"", "3DES", "AES", "SM4"}

// String is the usual name of the cipher, empty for what is none.
func (a Algorithm) String() string {
	if int(a) < len(algorithmNames) {
		return algorithmNames[a]
	}
	return ""
}

// BlockSize is the block length in bytes.
func (a Algorithm) BlockSize() int {
	if a == TDES {
		return des.BlockSize
	}
	return aes.BlockSize
}

// Key is a secret key with its key schedules, which cost as much as a dozen
// blocks and are therefore computed once. It is immutable and safe for
// concurrent use. It prints as its algorithm only; Reveal gives the bytes.
type Key struct {
	algorithm Algorithm
	length    int
	bytes     [32]byte
	block     cipher.Block    // AES and SM4
	des       [3]cipher.Block // 3DES: K1, K2, K3 as single DES
}

// NewKey makes a key for algorithm a from raw, which it copies. A length that
// the cipher does not have is an error. DES ignores parity bits, and so does
// NewKey.
func NewKey(a Algorithm, raw []byte) (*Key, error) {
	k := &Key{algorithm: a, length: len(raw)}
	copy(k.bytes[:], raw)
	return k, k.schedule()
}

// schedule computes the key schedules from algorithm, length and bytes.
func (k *Key) schedule() (err error) {
	n := k.length
	switch {
	case k.algorithm == TDES && (n == 8 || n == 16 || n == 24):
		return k.scheduleDES()
	case k.algorithm == AES && (n == 16 || n == 24 || n == 32):
		k.block, err = aes.NewCipher(k.raw())
	case k.algorithm == SM4 && n == 16:
		k.block, err = sm4.NewCipher(k.raw())
	default:
		return fmt.Errorf("%s does not take a key of %d bytes", k.algorithm, n)
	}
	return err
}

// scheduleDES sets up one single-DES schedule per distinct key part: a
// double-length key needs two, not three.
func (k *Key) scheduleDES() error {
	for i := range k.des {
		part := k.part(i)
		for j := 0; j < i && k.des[i] == nil; j++ {
			if bytes.Equal(part, k.part(j)) {
				k.des[i] = k.des[j]
			}
		}
		if k.des[i] != nil {
			continue
		}
		var err error
		if k.des[i], err = des.NewCipher(part); err != nil {
			return err
		}
	}
	return nil
}

// part is the i-th single DES key: K1 K2 K1 of a double-length key, K1 three
// times of a single-length one.
func (k *Key) part(i int) []byte {
	at := i * 8 % k.length
	return k.bytes[at : at+8]
}

// raw is the key without its unused tail. It aliases the key.
func (k *Key) raw() []byte { return k.bytes[:k.length] }

// Algorithm is the cipher the key is for.
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// Len is the length of the key in bytes.
func (k *Key) Len() int { return k.length }

// Reveal returns a copy of the key bytes. Only provisioning under a transport
// key, and what a user asks to see, may call it.
func (k *Key) Reveal() []byte { return append([]byte(nil), k.raw()...) }

// Equal is true when both are keys of the same cipher with the same bytes. It
// takes the same time whatever the bytes are.
func (k *Key) Equal(other *Key) bool {
	return k.algorithm == other.algorithm && subtle.ConstantTimeCompare(k.raw(), other.raw()) == 1
}

// String names the cipher and hides the value.
func (k Key) String() string { return fmt.Sprintf("[%s key, %d bytes]", k.algorithm, k.length) }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// MarshalText refuses: a key never slips into JSON.
func (k Key) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("a %s key cannot be marshalled", k.algorithm)
}

// EncryptBlock enciphers one block from src into dst, which may overlap
// exactly.
func (k *Key) EncryptBlock(dst, src []byte) {
	if k.algorithm != TDES {
		k.block.Encrypt(dst, src)
		return
	}
	k.des[0].Encrypt(dst, src)
	k.des[1].Decrypt(dst, dst)
	k.des[2].Encrypt(dst, dst)
}

// DecryptBlock deciphers one block from src into dst, which may overlap
// exactly.
func (k *Key) DecryptBlock(dst, src []byte) {
	if k.algorithm != TDES {
		k.block.Decrypt(dst, src)
		return
	}
	k.des[2].Decrypt(dst, src)
	k.des[1].Encrypt(dst, dst)
	k.des[0].Decrypt(dst, dst)
}

// AdjustParity sets the lowest bit of each byte so that the byte has an odd
// number of ones, in place (FIPS 46-3).
func AdjustParity(key []byte) {
	for i, b := range key {
		p := b ^ b>>4
		p ^= p >> 2
		p ^= p >> 1
		if p&1 == 0 {
			key[i] ^= 1
		}
	}
}
