package cryptogram

import (
	"crypto/subtle"
	"fmt"
)

// Padding is a padding method of ISO/IEC 9797-1.
type Padding byte

// Padding methods. Zero is no padding: the data must fill whole blocks.
const (
	PaddingNone Padding = 0
	Padding1    Padding = 1 // zeros up to the block, nothing if it is full
	Padding2    Padding = 2 // 80, then zeros
	Padding3    Padding = 3 // a block with the bit length in front, zeros behind
)

// maxBlock bounds the block that Pad pads to, in bytes.
const maxBlock = 64

// appendPadding appends padding by method 1 or 2 to data. Empty data become
// one block.
func appendPadding(data []byte, block int, p Padding) []byte {
	if p == Padding2 {
		data = append(data, 0x80)
	}
	empty := len(data) == 0
	for len(data)%block != 0 || empty {
		data = append(data, 0)
		empty = false
	}
	return data
}

// Pad returns a copy of data padded to a multiple of block bytes (ISO/IEC
// 9797-1). With PaddingNone, data that are not whole blocks are an error.
func Pad(data []byte, block int, p Padding) ([]byte, error) {
	if block < 1 || block > maxBlock {
		return nil, fmt.Errorf("blocks of %d bytes, want 1 to %d", block, maxBlock)
	}
	switch p {
	case PaddingNone:
		if len(data) == 0 || len(data)%block != 0 {
			return nil, fmt.Errorf("%d bytes do not fill blocks of %d, and no padding was asked", len(data), block)
		}
		return append([]byte(nil), data...), nil
	case Padding1, Padding2:
		return appendPadding(append(make([]byte, 0, len(data)+block), data...), block, p), nil
	case Padding3:
		out := make([]byte, block, len(data)+2*block)
		for i, bits := block-1, len(data)*8; bits > 0 && i >= 0; i, bits = i-1, bits>>8 {
			out[i] = byte(bits)
		}
		if len(data) == 0 {
			return append(out, make([]byte, block)...), nil
		}
		return appendPadding(append(out, data...), block, Padding1), nil
	}
	return nil, fmt.Errorf("padding method %d is not one of ISO/IEC 9797-1", p)
}

// Unpad takes padding method 2 off: 80 and the zeros behind it. Data without
// it are an error. The result aliases data.
func Unpad(data []byte) ([]byte, error) {
	for i := len(data) - 1; i >= 0; i-- {
		switch data[i] {
		case 0:
		case 0x80:
			return data[:i], nil
		default:
			return nil, fmt.Errorf("byte %d is neither padding nor its mark", i)
		}
	}
	return nil, fmt.Errorf("no padding mark in %d bytes", len(data))
}

// MAC computes the full-length MAC that payment schemes use with the key's
// cipher: for 3DES algorithm 3 of ISO/IEC 9797-1 ("retail MAC": single DES with
// K1 over all blocks, then K2 and K1 on the last), for SM4 the plain CBC-MAC.
// AES keys make CMACs, so MAC is an error for them. Truncate from the left.
func (k *Key) MAC(data []byte, p Padding) ([]byte, error) {
	if k.algorithm == AES {
		return nil, fmt.Errorf("AES keys of payment schemes make CMACs, not MACs with padding")
	}
	padded, err := Pad(data, k.algorithm.BlockSize(), p)
	if err != nil {
		return nil, err
	}
	return k.macPadded(padded), nil
}

// CBCMAC is algorithm 1 of ISO/IEC 9797-1: CBC under the whole key, last
// block.
func (k *Key) CBCMAC(data []byte, p Padding) ([]byte, error) {
	padded, err := Pad(data, k.algorithm.BlockSize(), p)
	if err != nil {
		return nil, err
	}
	k.encryptCBC(padded)
	return padded[len(padded)-k.algorithm.BlockSize():], nil
}

// macPadded computes the MAC over whole blocks. It uses the first block of
// padded as its chaining buffer and returns it: padded is consumed.
func (k *Key) macPadded(padded []byte) []byte {
	n := k.algorithm.BlockSize()
	chain := padded[:n:n]
	first := k.block
	if k.algorithm == TDES {
		first = k.des[0]
	}
	first.Encrypt(chain, chain)
	for at := n; at < len(padded); at += n {
		xor(chain, padded[at:at+n])
		first.Encrypt(chain, chain)
	}
	if k.algorithm == TDES {
		k.des[1].Decrypt(chain, chain)
		k.des[2].Encrypt(chain, chain)
	}
	return chain
}

// CMAC is the full-length CMAC (NIST SP 800-38B) with the key's cipher: AES,
// 3DES or SM4. Truncate from the left.
func (k *Key) CMAC(data []byte) []byte {
	n := k.algorithm.BlockSize()
	subkey := make([]byte, n)
	k.EncryptBlock(subkey, subkey)
	double(subkey)
	padded := append(make([]byte, 0, len(data)+n), data...)
	if len(data) == 0 || len(data)%n != 0 {
		double(subkey)
		padded = appendPadding(padded, n, Padding2)
	}
	last := padded[len(padded)-n:]
	xor(last, subkey)
	k.encryptCBC(padded)
	return last
}

// double multiplies by x in the field of CMAC: a left shift, and the field's
// polynomial where a bit falls out.
func double(b []byte) {
	polynomial := byte(0x87)
	if len(b) == 8 {
		polynomial = 0x1B
	}
	carry := byte(0)
	for i := len(b) - 1; i >= 0; i-- {
		next := b[i] >> 7
		b[i] = b[i]<<1 | carry
		carry = next
	}
	b[len(b)-1] ^= polynomial * carry
}

// xor sets dst to dst ^ src over the length of dst.
func xor(dst, src []byte) { subtle.XORBytes(dst, dst, src) }
