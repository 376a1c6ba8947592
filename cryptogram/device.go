package cryptogram

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// Device is what a phone proves itself with and gets keys under: a signing key
// (Ed25519, RFC 8032) and a key agreement key (X25519, RFC 7748), both derived
// from one secret key that never leaves the phone.
type Device struct {
	sign  ed25519.PrivateKey
	agree *ecdh.PrivateKey
}

// agreedSize is AES-256: what two parties agree on.
const agreedSize = 32

// NewDevice derives a phone's keys from its secret.
func NewDevice(secret *Key) (*Device, error) {
	seed, err := hkdf.Key(sha256.New, secret.raw(), nil, "tapsim device signature", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	scalar, err := hkdf.Key(sha256.New, secret.raw(), nil, "tapsim device agreement", 32)
	if err != nil {
		return nil, err
	}
	private, err := ecdh.X25519().NewPrivateKey(scalar)
	return &Device{ed25519.NewKeyFromSeed(seed), private}, err
}

// Format prints the phone's public key, whatever the verb.
func (d Device) Format(f fmt.State, _ rune) {
	if len(d.sign) == ed25519.PrivateKeySize {
		_, _ = io.WriteString(f, "device "+hex.EncodeToString(d.sign[ed25519.SeedSize:]))
	}
}

// Identity is the public half of the signing key, which names the phone.
func (d *Device) Identity() []byte { return append([]byte(nil), d.sign[ed25519.SeedSize:]...) }

// Agreement is the public half of the agreement key.
func (d *Device) Agreement() []byte { return d.agree.PublicKey().Bytes() }

// Sign signs a message.
func (d *Device) Sign(message []byte) []byte { return ed25519.Sign(d.sign, message) }

// VerifyDevice checks a signature of the phone with that identity.
func VerifyDevice(identity, message, signature []byte) bool {
	return len(identity) == ed25519.PublicKeySize && ed25519.Verify(identity, message, signature)
}

// Open gives the key that SealTo agreed on with this phone.
func (d *Device) Open(ephemeral []byte) (*Key, error) { return agreed(d.agree, ephemeral, ephemeral) }

// SealTo agrees on a key with whoever holds the private half of public. random
// are 32 fresh random bytes; ephemeral goes to the other side. A key is for one
// message.
func SealTo(public []byte, random [32]byte) (ephemeral []byte, key *Key, err error) {
	private, err := ecdh.X25519().NewPrivateKey(random[:])
	if err != nil {
		return nil, nil, err
	}
	ephemeral = private.PublicKey().Bytes()
	key, err = agreed(private, public, ephemeral)
	return ephemeral, key, err
}

// OpenWith gives the key that SealTo agreed on, for the holder of an X25519
// private key of 32 bytes.
func OpenWith(private, ephemeral []byte) (*Key, error) {
	own, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return agreed(own, ephemeral, ephemeral)
}

// PublicOf is the public half of an X25519 private key of 32 bytes.
func PublicOf(private []byte) ([]byte, error) {
	own, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return own.PublicKey().Bytes(), nil
}

// agreed is the AES key of a shared point, bound to the public key that was made
// for the message.
func agreed(own *ecdh.PrivateKey, peer, ephemeral []byte) (*Key, error) {
	public, err := ecdh.X25519().NewPublicKey(peer)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	shared, err := own.ECDH(public)
	if err != nil {
		return nil, fmt.Errorf("key agreement: %w", err)
	}
	raw, err := hkdf.Key(sha256.New, shared, ephemeral, "tapsim sealed delivery", agreedSize)
	if err != nil {
		return nil, err
	}
	return NewKey(AES, raw)
}

// Passcode derives a key from a passcode and the phone's secret: guessing takes
// both. PBKDF2 (RFC 8018) with HMAC-SHA-256; its result and the secret go into
// HKDF.
func Passcode(passcode string, salt []byte, iterations int, secret *Key) (*Key, error) {
	if len(salt) == 0 || iterations < 1 {
		return nil, fmt.Errorf("a passcode's key takes a salt and at least one round")
	}
	stretched, err := pbkdf2.Key(sha256.New, passcode, salt, iterations, 32)
	if err != nil {
		return nil, err
	}
	raw, err := hkdf.Key(sha256.New, stretched, secret.raw(), "tapsim passcode", agreedSize)
	if err != nil {
		return nil, err
	}
	return NewKey(AES, raw)
}
