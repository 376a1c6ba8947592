package pin

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"tapsim/cryptogram"
)

// maxAESOnes is how many bits of an AES DUKPT counter may be set
// (X9.24-3:2017).
const maxAESOnes = 16

// AESUsage is what a derived key is for (X9.24-3:2017, key usage indicator).
type AESUsage uint16

// Usages of AES DUKPT keys.
const (
	AESKeyEncryption  AESUsage = 0x0002
	AESPIN            AESUsage = 0x1000
	AESMACGeneration  AESUsage = 0x2000 // request
	AESMACVerify      AESUsage = 0x2001 // response
	AESDataEncrypt    AESUsage = 0x3000 // request
	AESDataDecrypt    AESUsage = 0x3001 // response
	aesKeyDerivation  AESUsage = 0x8000
	aesKeyDerivation1 AESUsage = 0x8001 // initial key
)

// AESKeyType is the algorithm indicator of a derived key (X9.24-3:2017).
type AESKeyType uint16

// Key types.
const (
	AES128  AESKeyType = 0x0002
	AES192  AESKeyType = 0x0003
	AES256  AESKeyType = 0x0004
	HMAC128 AESKeyType = 0x0005
)

// length is the key length in bytes, 0 for a type that is none.
func (t AESKeyType) length() int {
	switch t {
	case AES128, HMAC128:
		return 16
	case AES192:
		return 24
	case AES256:
		return 32
	}
	return 0
}

// TypeOf is the key type of an AES key.
func TypeOf(key *cryptogram.Key) AESKeyType {
	switch key.Len() {
	case 24:
		return AES192
	case 32:
		return AES256
	}
	return AES128
}

// AESInitialKey derives the initial key of a device from the base derivation
// key and the initial key id of 8 bytes. It is as long as the base key.
func AESInitialKey(bdk *cryptogram.Key, id []byte) (*cryptogram.Key, error) {
	if err := checkAES(bdk, id, 8); err != nil {
		return nil, err
	}
	return derive(bdk, aesKeyDerivation1, TypeOf(bdk), id)
}

// AESTransactionKey derives the key below which the working keys of one
// transaction stand, from the initial key and the key serial number of 12
// bytes: initial key id and counter. A counter with no or more than sixteen
// bits set never occurs and is an error.
func AESTransactionKey(initial *cryptogram.Key, ksn []byte) (*cryptogram.Key, error) {
	if err := checkAES(initial, ksn, 12); err != nil {
		return nil, err
	}
	counter := binary.BigEndian.Uint32(ksn[8:])
	if ones := bits.OnesCount32(counter); ones == 0 || ones > maxAESOnes {
		return nil, fmt.Errorf("key serial number: counter %08X has %d bits set, want 1 to %d", counter, ones, maxAESOnes)
	}
	return walkAES(initial, ksn[4:8], counter)
}

// walkAES derives a key for each bit of the counter, from the highest down.
func walkAES(key *cryptogram.Key, id []byte, counter uint32) (*cryptogram.Key, error) {
	sofar := uint32(0)
	for bit := uint32(1) << 31; bit > 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		sofar |= bit
		var err error
		if key, err = derive(key, aesKeyDerivation, TypeOf(key), counterData(id, sofar)); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// AESWorkingKey derives the key for one usage from the transaction key. An HMAC
// key comes as an AES key of the same length; its bytes are what counts.
func AESWorkingKey(transaction *cryptogram.Key, ksn []byte, usage AESUsage, t AESKeyType) (*cryptogram.Key, error) {
	if err := checkAES(transaction, ksn, 12); err != nil {
		return nil, err
	}
	return derive(transaction, usage, t, ksn[4:12])
}

// AESUpdateKey derives the key that carries a new initial key to a device, from
// its initial key and id: the working key of the counter of all ones, which no
// transaction has (X9.24-3:2017, 6.6.4).
func AESUpdateKey(initial *cryptogram.Key, id []byte, t AESKeyType) (*cryptogram.Key, error) {
	if err := checkAES(initial, id, 8); err != nil {
		return nil, err
	}
	key, err := walkAES(initial, id[4:8], 0xFFFFFFFF)
	if err != nil {
		return nil, err
	}
	return derive(key, AESKeyEncryption, t, counterData(id[4:8], 0xFFFFFFFF))
}

func counterData(id []byte, counter uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 8), id...), counter)
}

// derive enciphers derivation data block by block: version, block number,
// usage, type, length in bits, and 8 bytes that name device and counter.
func derive(key *cryptogram.Key, usage AESUsage, t AESKeyType, name []byte) (*cryptogram.Key, error) {
	n := t.length()
	if n == 0 {
		return nil, fmt.Errorf("key type %04X is none of AES DUKPT", uint16(t))
	}
	var out []byte
	for number := byte(1); len(out) < n; number++ {
		data := []byte{1, number}
		data = binary.BigEndian.AppendUint16(data, uint16(usage))
		data = binary.BigEndian.AppendUint16(data, uint16(t))
		data = binary.BigEndian.AppendUint16(data, uint16(8*n))
		block, err := key.EncryptECB(append(data, name...))
		if err != nil {
			return nil, err
		}
		out = append(out, block...)
	}
	return cryptogram.NewKey(cryptogram.AES, out[:n])
}

func checkAES(key *cryptogram.Key, name []byte, n int) error {
	if key.Algorithm() != cryptogram.AES {
		return fmt.Errorf("AES DUKPT derives from an AES key, not %s", key)
	}
	if len(name) != n {
		return fmt.Errorf("key serial number or initial key id of %d bytes, want %d", len(name), n)
	}
	return nil
}
