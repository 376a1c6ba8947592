package store

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"

	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/hce"
	"tapsim/provisioning"
)

// sealedToken is a token on disk: masked for people, and sealed with AES-GCM
// under the device key.
type sealedToken struct {
	Masked   string `json:"masked"`
	LastFour string `json:"last_four"`
	Nonce    hexes  `json:"nonce"`
	Sealed   hexes  `json:"sealed"`
}

// openToken is what is sealed.
type openToken struct {
	provisioning.TokenData
	Credentials *openCredentials `json:"credentials,omitempty"`
}

// openCredentials are what a card signs with. The certificates hold the account
// number for everybody who has the public keys.
type openCredentials struct {
	Data map[string]hexes `json:"data"` // by tag
	Key  hexes            `json:"key"`  // primes, wrapped as they came
}

func (s *Store) seal(card string, t provisioning.Token, credentials *provisioning.Credentials) (sealedToken, error) {
	open := openToken{TokenData: t.Data()}
	if credentials != nil {
		open.Credentials = &openCredentials{Data: map[string]hexes{}, Key: credentials.Wrapped}
		for _, o := range credentials.Data {
			open.Credentials.Data[o.Tag.String()] = o.Value
		}
	}
	plain, err := json.Marshal(open)
	if err != nil {
		return sealedToken{}, err
	}
	nonce, err := s.nonce()
	if err != nil {
		return sealedToken{}, err
	}
	return sealedToken{t.PAN.Masked(), t.LastFour, nonce, s.gcm.Seal(nil, nonce, plain, []byte(card))}, nil
}

func (s *Store) unseal(card string, t sealedToken) (token provisioning.Token, credentials *openCredentials, err error) {
	if len(t.Nonce) != s.gcm.NonceSize() {
		return token, nil, fmt.Errorf("%s: the token's nonce has %d bytes, want %d", card, len(t.Nonce), s.gcm.NonceSize())
	}
	plain, err := s.gcm.Open(nil, t.Nonce, t.Sealed, []byte(card))
	if err != nil {
		return token, nil, fmt.Errorf("%s: the token is sealed under another device key; remove the card and enrol it again", card)
	}
	var o openToken
	if err := json.Unmarshal(plain, &o); err != nil {
		return token, nil, fmt.Errorf("%s: the sealed token is not readable", card)
	}
	return o.Token(), o.Credentials, nil
}

// authentication takes the card's private key out of its wrapping.
func (s *Store) authentication(c *openCredentials) (*hce.Authentication, error) {
	out := &hce.Authentication{}
	for name, value := range c.Data {
		tag, err := emv.ParseTag(name)
		if err != nil {
			return nil, fmt.Errorf("the sealed certificates: %w", err)
		}
		out.Data.Set(tag, value)
	}
	primes, err := s.opt.DeviceKey.Unwrap(c.Key)
	if err != nil {
		return nil, fmt.Errorf("the card's private key: %w", err)
	}
	exponent, _ := out.Data.Lookup(emv.TagICCExponent)
	half := len(primes) / 2
	if out.Signer, err = oda.NewPrivateKey(primes[:half], primes[half:], exponent); err != nil {
		return nil, fmt.Errorf("the card's private key: %w", err)
	}
	return out, nil
}

// sealer seals under the device key.
type sealer struct {
	gcm    cipher.AEAD
	random io.Reader
}

// nonce is a fresh one.
func (s *sealer) nonce() ([]byte, error) {
	nonce := make([]byte, s.gcm.NonceSize(), s.gcm.NonceSize()+s.gcm.Overhead())
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return nil, fmt.Errorf("randomness: %w", err)
	}
	return nonce, nil
}

// block lets the device key be a cipher.Block.
type block struct{ key *cryptogram.Key }

func (b block) BlockSize() int          { return aes.BlockSize }
func (b block) Encrypt(dst, src []byte) { b.key.EncryptBlock(dst, src) }
func (b block) Decrypt(dst, src []byte) { b.key.DecryptBlock(dst, src) }
