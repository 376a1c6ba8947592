package pin

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"tapsim/cryptogram"
)

// counterMask is the transaction counter in the last bytes of a 3DES key serial
// number: 21 bits.
const counterMask = 0x1FFFFF

// maxTDESOnes is how many bits of the counter may be set; counters with more
// are skipped (X9.24-1:2009, Annex A).
const maxTDESOnes = 10

// TDESUsage is what a DUKPT key is for (X9.24-1:2009, Annex A.4.1). The value is the
// place of its variant in each half of the key, counted from the right.
type TDESUsage byte

// Usages of 3DES DUKPT keys.
const (
	TDESPIN          TDESUsage = 0
	TDESMACRequest   TDESUsage = 1
	TDESDataRequest  TDESUsage = 2
	TDESMACResponse  TDESUsage = 3
	TDESDataResponse TDESUsage = 4
)

// TDESInitialKey derives the initial key of a device from the base derivation
// key and its key serial number of 10 bytes, whose counter does not count.
func TDESInitialKey(bdk *cryptogram.Key, ksn []byte) (*cryptogram.Key, error) {
	if err := checkTDES(bdk, ksn); err != nil {
		return nil, err
	}
	block := append([]byte(nil), ksn[:8]...)
	block[7] &= 0xE0
	left, err := bdk.EncryptECB(block)
	if err != nil {
		return nil, err
	}
	variant, err := cryptogram.NewKey(cryptogram.TDES, xor(bdk.Reveal(), variantC0))
	if err != nil {
		return nil, err
	}
	right, err := variant.EncryptECB(block)
	if err != nil {
		return nil, err
	}
	return cryptogram.NewKey(cryptogram.TDES, append(left, right...))
}

// TDESTransactionKey derives the key of one transaction from the initial key:
// the value from which the keys for the usages differ by variants. A counter of
// zero or with more than ten bits set never occurs and is an error.
func TDESTransactionKey(initial *cryptogram.Key, ksn []byte) (*cryptogram.Key, error) {
	if err := checkTDES(initial, ksn); err != nil {
		return nil, err
	}
	register := binary.BigEndian.Uint64(ksn[2:])
	counter := register & counterMask
	if counter == 0 || bits.OnesCount64(counter) > maxTDESOnes {
		return nil, fmt.Errorf("key serial number: counter %06X has %d bits set, want 1 to %d", counter, bits.OnesCount64(counter), maxTDESOnes)
	}
	register &^= counterMask
	key := initial.Reveal()
	for bit := uint64(1) << 20; bit > 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		register |= bit
		var err error
		if key, err = nextTDES(key, register); err != nil {
			return nil, err
		}
	}
	return cryptogram.NewKey(cryptogram.TDES, key)
}

// TDESWorkingKey is the key for one usage in a transaction. Data keys are
// enciphered under themselves after the variant.
func TDESWorkingKey(transaction *cryptogram.Key, usage TDESUsage) (*cryptogram.Key, error) {
	if transaction.Algorithm() != cryptogram.TDES || transaction.Len() != 16 || usage > TDESDataResponse {
		return nil, fmt.Errorf("a 3DES DUKPT working key derives from a double-length 3DES key, not %s (usage %d)", transaction, usage)
	}
	raw := transaction.Reveal()
	raw[7-usage] ^= 0xFF
	raw[15-usage] ^= 0xFF
	key, err := cryptogram.NewKey(cryptogram.TDES, raw)
	if err != nil || usage != TDESDataRequest && usage != TDESDataResponse {
		return key, err
	}
	if raw, err = key.EncryptECB(raw); err != nil {
		return nil, err
	}
	return cryptogram.NewKey(cryptogram.TDES, raw)
}

// variantC0 tells the right half of a derived key from the left.
var variantC0 = []byte{0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0}

// nextTDES is the non-reversible key generation process of X9.24-1:2009, Annex
// A, which makes a key below key for the register.
func nextTDES(key []byte, register uint64) ([]byte, error) {
	data := binary.BigEndian.AppendUint64(nil, register)
	right, err := halfTDES(key, data)
	if err != nil {
		return nil, err
	}
	left, err := halfTDES(xor(key, variantC0), data)
	if err != nil {
		return nil, err
	}
	return append(left, right...), nil
}

// halfTDES enciphers data under the left half of key, with the right half over
// it before and after.
func halfTDES(key, data []byte) ([]byte, error) {
	k, err := cryptogram.NewKey(cryptogram.TDES, key[:8])
	if err != nil {
		return nil, err
	}
	out, err := k.EncryptECB(xor(data, key[8:]))
	if err != nil {
		return nil, err
	}
	return xor(out, key[8:]), nil
}

func checkTDES(key *cryptogram.Key, ksn []byte) error {
	if key.Algorithm() != cryptogram.TDES || key.Len() != 16 {
		return fmt.Errorf("3DES DUKPT derives from a double-length 3DES key, not %s", key)
	}
	if len(ksn) != 10 {
		return fmt.Errorf("key serial number of %d bytes, want 10", len(ksn))
	}
	return nil
}
