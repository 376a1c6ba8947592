package oda

import (
	"bytes"
	"crypto/sha1"
	"slices"

	"tapsim/emv"
)

// ExpiryOf is the month of a day as certificates write it.
func ExpiryOf(d emv.Date) Expiry {
	return Expiry(emv.AppendBCD(nil, uint64(d.Month*100+d.Year%100), 2))
}

// SignIssuerCertificate makes an issuer certificate (tag 90) of c's Identifier,
// Expiry, Serial and Key, and what of the modulus did not fit into it (tag 92,
// empty when all did). Tag 9F32 is the Key's exponent (EMV Book 2, 5.1 and
// 6.1). A key longer than the authority's is an *Error.
func SignIssuerCertificate(ca Signer, c IssuerCertificate) (certificate, remainder []byte, err error) {
	head := slices.Concat([]byte{0x02}, c.Identifier[:], c.Expiry[:], c.Serial[:])
	return certify(ca, issuerCertificate, head, c.Key)
}

// SignICCCertificate makes an ICC certificate (tag 9F46) of c's PAN, Expiry,
// Serial and Key over the card's static data, and what of the modulus did not
// fit into it (tag 9F48, empty when all did). Tag 9F47 is the Key's exponent
// (EMV Book 2, 6.1). A key longer than the issuer's is an *Error.
func SignICCCertificate(issuer Signer, c ICCCertificate, static []byte) (certificate, remainder []byte, err error) {
	head := slices.Concat([]byte{0x04}, c.PAN[:], c.Expiry[:], c.Serial[:])
	return certify(issuer, iccCertificate, head, c.Key, static)
}

// certify signs a public key. head is the format and what stands between it
// and the algorithms.
func certify(s Signer, object string, head []byte, key *Key, static ...[]byte) (certificate, remainder []byte, err error) {
	switch {
	case key == nil:
		return nil, nil, fail(object, FaultMissing, "no public key to certify")
	case key.Len() > s.Len():
		return nil, nil, fail(object, FaultLength, "the certified key has %d bytes, the key that signs %d", key.Len(), s.Len())
	}
	const ends, algorithms = 22, 4 // header, hash, trailer; two algorithms, two lengths
	part := min(key.Len(), s.Len()-ends-len(head)-algorithms)
	remainder = key.modulus[part:len(key.modulus):len(key.modulus)]
	body := slices.Concat(head, []byte{0x01, 0x01, byte(key.Len()), byte(len(key.exponent))}, key.modulus[:part])
	certificate, err = sign(s, object, body, append([][]byte{remainder, key.exponent}, static...)...)
	return certificate, slices.Clone(remainder), err
}

// SignStatic makes signed static application data (tag 93) with the issuer's
// key over the card's static data (EMV Book 2, 5.1).
func SignStatic(issuer Signer, code [2]byte, static []byte) ([]byte, error) {
	return sign(issuer, staticSignature, []byte{0x03, 0x01, code[0], code[1]}, static)
}

// sign frames body to the length of the key and signs it: 6A, body, fill of
// BB, SHA-1 over these but the 6A and what follows them, BC.
func sign(s Signer, object string, body []byte, more ...[]byte) ([]byte, error) {
	n := s.Len()
	room := n - 2 - sha1.Size
	if len(body) > room {
		return nil, fail(object, FaultLength, "%d bytes do not fit a key of %d", len(body), n)
	}
	f := make(frame, n)
	f[0], f[n-1] = 0x6A, 0xBC
	fill := f[1+copy(f[1:], body) : 1+room]
	copy(fill, bytes.Repeat([]byte{0xBB}, len(fill)))
	copy(f.hash(), f.sum(more...))
	return s.Sign(f)
}
