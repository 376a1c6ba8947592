package cryptogram

import "fmt"

// EncryptECB enciphers whole blocks, each by itself.
func (k *Key) EncryptECB(data []byte) ([]byte, error) {
	return k.blocks(data, func(out []byte, n int) {
		for at := 0; at < len(out); at += n {
			k.EncryptBlock(out[at:at+n], out[at:at+n])
		}
	})
}

// DecryptECB is the inverse of EncryptECB.
func (k *Key) DecryptECB(data []byte) ([]byte, error) {
	return k.blocks(data, func(out []byte, n int) {
		for at := 0; at < len(out); at += n {
			k.DecryptBlock(out[at:at+n], out[at:at+n])
		}
	})
}

// EncryptCBC enciphers whole blocks in cipher block chaining with a zero
// initial value.
func (k *Key) EncryptCBC(data []byte) ([]byte, error) {
	return k.blocks(data, func(out []byte, _ int) { k.encryptCBC(out) })
}

// DecryptCBC is the inverse of EncryptCBC.
func (k *Key) DecryptCBC(data []byte) ([]byte, error) {
	return k.blocks(data, func(out []byte, n int) {
		for at := 0; at < len(out); at += n {
			k.DecryptBlock(out[at:at+n], out[at:at+n])
			if at > 0 {
				xor(out[at:at+n], data[at-n:at])
			}
		}
	})
}

// encryptCBC enciphers whole blocks in place.
func (k *Key) encryptCBC(data []byte) {
	n := k.algorithm.BlockSize()
	for at := 0; at < len(data); at += n {
		block := data[at : at+n]
		if at > 0 {
			xor(block, data[at-n:at])
		}
		k.EncryptBlock(block, block)
	}
}

// blocks runs f over a copy of data, which must be whole blocks.
func (k *Key) blocks(data []byte, f func(out []byte, n int)) ([]byte, error) {
	n := k.algorithm.BlockSize()
	if len(data)%n != 0 {
		return nil, fmt.Errorf("%d bytes are no whole %s blocks of %d", len(data), k.algorithm, n)
	}
	out := append([]byte(nil), data...)
	f(out, n)
	return out, nil
}
