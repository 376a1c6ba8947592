package cryptogram

import "fmt"

// Padding is a padding method of ISO/IEC 9797-1.
type Padding byte

// Padding methods. Zero is no padding: the data must fill whole blocks.
const (
	PaddingNone Padding = 0
	Padding1    Padding = 1 // zeros up to the block, nothing if it is full
	Padding2    Padding = 2 // 80, then zeros
	Padding3    Padding = 3 // a block with the bit length in front, zeros behind
)

// AppendPadding appends the padding for data, which stands in dst from start
// on, to a multiple of block bytes. Method 3 needs a block in front and is done
// by Pad.
func appendPadding(dst []byte, start, block int, p Padding) []byte {
	if p == Padding2 {
		dst = append(dst, 0x80)
	}
	empty := len(dst) == start
	for (len(dst)-start)%block != 0 || empty {
		dst = append(dst, 0)
		empty = false
	}
	return dst
}

// Pad returns a padded copy of data (ISO/IEC 9797-1, 6.3). With PaddingNone,
// data that are not whole blocks are an error.
func Pad(data []byte, block int, p Padding) ([]byte, error) {
	switch p {
	case PaddingNone:
		if len(data) == 0 || len(data)%block != 0 {
			return nil, fmt.Errorf("%d bytes do not fill blocks of %d, and no padding was asked", len(data), block)
		}
		return append([]byte(nil), data...), nil
	case Padding1, Padding2:
		return appendPadding(append(make([]byte, 0, len(data)+block), data...), 0, block, p), nil
	case Padding3:
		out := make([]byte, block, len(data)+2*block)
		for i, bits := block-1, len(data)*8; bits > 0; i, bits = i-1, bits>>8 {
			out[i] = byte(bits)
		}
		return appendPadding(append(out, data...), 0, block, Padding1), nil
	}
	return nil, fmt.Errorf("padding method %d is not one of ISO/IEC 9797-1", p)
}

// MAC computes the full-length MAC that payment schemes use with the key's
// cipher: for 3DES algorithm 3 of ISO/IEC 9797-1 ("retail MAC", single DES with
// K1 over all blocks, then K2 and K1 on the last), for SM4 the plain CBC-MAC.
// For AES use CMAC. Truncate from the left.
func (k *Key) MAC(data []byte, p Padding) ([]byte, error) {
	padded, err := Pad(data, k.algorithm.BlockSize(), p)
	if err != nil {
		return nil, err
	}
	return k.macPadded(padded), nil
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
		k.des[0].Encrypt(chain, chain)
	}
	return chain
}

// xor sets dst to dst ^ src over the length of dst.
func xor(dst, src []byte) {
	for i := range dst {
		dst[i] ^= src[i]
	}
}
