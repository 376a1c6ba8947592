package oda

import (
	"bytes"
	"crypto/sha1"
	"fmt"

	"tapsim/emv"
)

// CAKey is a public key of a certification authority, as schemes publish it.
type CAKey struct {
	RID      [5]byte
	Index    byte
	Modulus  []byte
	Exponent []byte
	Expiry   emv.Date // last day; the zero date is none
}

// CheckSum is SHA-1 over RID, index, modulus and exponent, as schemes publish
// it beside a key (EMV Book 2).
func (k CAKey) CheckSum() [20]byte {
	h := sha1.New()
	h.Write(k.RID[:])
	h.Write([]byte{k.Index})
	h.Write(k.Modulus)
	h.Write(k.Exponent)
	return [20]byte(h.Sum(nil))
}

// maxCAKeys bounds a set.
const maxCAKeys = 1000

// CAKeys is what a terminal knows of certification authorities: their keys and
// the issuer certificates that they revoked. Two keys may share RID and index:
// test and live keys do.
type CAKeys struct {
	keys    []entry
	revoked map[Revocation]struct{}
}

type entry struct {
	CAKey
	key *Key
}

// NewCAKeys makes a set of keys with a revocation list.
func NewCAKeys(keys []CAKey, revoked []Revocation) (*CAKeys, error) {
	set := &CAKeys{}
	for _, k := range keys {
		if err := set.Add(k); err != nil {
			return nil, err
		}
	}
	for _, r := range revoked {
		if err := set.Revoke(r); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// Add puts a key into the set. A key that cannot be used, or is there already,
// is an error.
func (s *CAKeys) Add(k CAKey) error {
	key, err := NewKey(k.Modulus, k.Exponent)
	if err != nil {
		return fmt.Errorf("CA key %X index %02X: %w", k.RID, k.Index, err)
	}
	for _, e := range s.keys {
		if e.RID == k.RID && e.Index == k.Index && bytes.Equal(e.Modulus, k.Modulus) {
			return fmt.Errorf("CA key %X index %02X with this modulus is there already", k.RID, k.Index)
		}
	}
	if len(s.keys) == maxCAKeys {
		return fmt.Errorf("more than %d CA keys", maxCAKeys)
	}
	s.keys = append(s.keys, entry{k, key})
	return nil
}

// Len is the number of keys in the set.
func (s *CAKeys) Len() int { return len(s.keys) }

// Revocation names an issuer certificate that is not valid any more, as an entry
// of a certification revocation list does (EMV Book 2, 5.1.2).
type Revocation struct {
	RID    [5]byte
	Index  byte // of the CA key that signed it
	Serial [3]byte
}

// maxRevocations bounds a revocation list.
const maxRevocations = 10_000

// Revoke puts an issuer certificate on the revocation list. One that is there
// already stays.
func (s *CAKeys) Revoke(r Revocation) error {
	if s.Revoked(r) {
		return nil
	}
	if len(s.revoked) == maxRevocations {
		return fmt.Errorf("more than %d revoked certificates", maxRevocations)
	}
	if s.revoked == nil {
		s.revoked = map[Revocation]struct{}{}
	}
	s.revoked[r] = struct{}{}
	return nil
}

// Revoked is true for an issuer certificate on the revocation list.
func (s *CAKeys) Revoked(r Revocation) bool {
	_, found := s.revoked[r]
	return found
}

// Has is true when the set has a key with that RID and index.
func (s *CAKeys) Has(rid [5]byte, index byte) bool {
	for _, e := range s.keys {
		if e.RID == rid && e.Index == index {
			return true
		}
	}
	return false
}

// IssuerCertificate recovers an issuer certificate with the key of that RID and
// index whose modulus is as long as the certificate and under which it
// verifies. Keys that have expired on the day of
// the transaction are passed over. The error is that of the
// last key tried.
func (s *CAKeys) IssuerCertificate(rid [5]byte, index byte, certificate, remainder, exponent []byte, today emv.Date) (*IssuerCertificate, error) {
	err := fail("CA key", FaultMissing, "no key for %X index %02X and a certificate of %d bytes", rid, index, len(certificate))
	for _, e := range s.keys {
		if e.RID != rid || e.Index != index || e.key.Len() != len(certificate) {
			continue
		}
		if e.Expiry != (emv.Date{}) && e.Expiry.Before(today) {
			err = fail("CA key", FaultExpired, "%X index %02X was valid until %s", rid, index, e.Expiry)
			continue
		}
		var c *IssuerCertificate
		if c, err = RecoverIssuer(e.key, certificate, remainder, exponent); err == nil {
			return c, nil
		}
	}
	return nil, err
}
