package store

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"

	"tapsim/cryptogram"
	"tapsim/emv"
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

// openToken is what is sealed. provisioning.Token cannot be marshalled itself:
// its account number prints masked.
type openToken struct {
	PAN         string `json:"pan"`
	PSN         string `json:"psn"`
	Expiry      string `json:"expiry"`
	LastFour    string `json:"last_four"`
	Requestor   string `json:"requestor"`
	PAR         string `json:"par"`
	ServiceCode string `json:"service_code"`
}

func (s *Store) seal(card string, t provisioning.Token) (sealedToken, error) {
	plain, err := json.Marshal(openToken{string(t.PAN), t.PSN, t.Expiry, t.LastFour, t.Requestor, t.PAR, t.ServiceCode})
	if err != nil {
		return sealedToken{}, err
	}
	gcm, err := s.gcm()
	if err != nil {
		return sealedToken{}, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(s.opt.Rand, nonce); err != nil {
		return sealedToken{}, fmt.Errorf("randomness: %w", err)
	}
	return sealedToken{t.PAN.Masked(), t.LastFour, nonce, gcm.Seal(nil, nonce, plain, []byte(card))}, nil
}

func (s *Store) unseal(card string, t sealedToken) (provisioning.Token, error) {
	gcm, err := s.gcm()
	if err != nil {
		return provisioning.Token{}, err
	}
	if len(t.Nonce) != gcm.NonceSize() {
		return provisioning.Token{}, fmt.Errorf("%s: the token's nonce has %d bytes, want %d", card, len(t.Nonce), gcm.NonceSize())
	}
	plain, err := gcm.Open(nil, t.Nonce, t.Sealed, []byte(card))
	if err != nil {
		return provisioning.Token{}, fmt.Errorf("%s: the token is sealed under another device key; remove the card and enrol it again", card)
	}
	var o openToken
	if err := json.Unmarshal(plain, &o); err != nil {
		return provisioning.Token{}, fmt.Errorf("%s: the sealed token is not readable", card)
	}
	return provisioning.Token{
		PAN: emv.PAN(o.PAN), PSN: o.PSN, Expiry: o.Expiry, LastFour: o.LastFour, Requestor: o.Requestor, PAR: o.PAR, ServiceCode: o.ServiceCode,
	}, nil
}

func (s *Store) gcm() (cipher.AEAD, error) { return cipher.NewGCM(block{s.opt.DeviceKey}) }

// block lets the device key be a cipher.Block.
type block struct{ key *cryptogram.Key }

func (b block) BlockSize() int          { return aes.BlockSize }
func (b block) Encrypt(dst, src []byte) { b.key.EncryptBlock(dst, src) }
func (b block) Decrypt(dst, src []byte) { b.key.DecryptBlock(dst, src) }
