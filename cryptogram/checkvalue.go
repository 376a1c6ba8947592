package cryptogram

import "fmt"

// CheckValue is the key check value of the common kind: the leftmost three
// bytes of an enciphered block of zeros. It identifies a key without giving it
// away.
func (k *Key) CheckValue() [3]byte {
	block := make([]byte, k.algorithm.BlockSize())
	k.EncryptBlock(block, block)
	return [3]byte(block)
}

// CMACCheckValue is the other kind in use for AES keys: the leftmost bytes of
// a CMAC. Peers disagree on what it is over, the empty message or one block of
// zeros, so the message is an argument.
func (k *Key) CMACCheckValue(message []byte) [3]byte { return [3]byte(k.CMAC(message)) }

// NewKeyFromComponents makes a key from its components, which key custodians
// hold apart: their exclusive or. Fewer than two, or of different lengths, are
// an error.
func NewKeyFromComponents(a Algorithm, components ...[]byte) (*Key, error) {
	if len(components) < 2 {
		return nil, fmt.Errorf("%d key component, want at least two", len(components))
	}
	sum := append([]byte(nil), components[0]...)
	for i, c := range components[1:] {
		if len(c) != len(sum) {
			return nil, fmt.Errorf("key component %d has %d bytes, the first has %d", i+2, len(c), len(sum))
		}
		xor(sum, c)
	}
	return NewKey(a, sum)
}
