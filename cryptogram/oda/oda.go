// Package oda is offline data authentication (EMV Book 2, chapters 5 and 6), both
// sides of it. A terminal recovers the issuer's and the card's public keys from
// their certificates, down from a certification authority's key, and verifies
// what card and issuer signed (SDA, DDA, fDDA, CDA). A Signer makes these
// certificates and signatures. Keys are arguments and the clock is not read.
package oda

import "fmt"

// Fault is what is wrong with a key, certificate or signature. The zero value
// is none.
type Fault byte

// Faults.
const (
	FaultMissing   Fault = iota + 1 // a data object that the card did not give
	FaultKey                        // a key of unusable size or shape
	FaultLength                     // a length that does not fit the key or the object
	FaultHeader                     // recovered data do not start with 6A: wrong key or changed data
	FaultTrailer                    // recovered data do not end with BC
	FaultFormat                     // another kind of object than expected, or malformed
	FaultAlgorithm                  // a hash or key algorithm other than SHA-1 with RSA
	FaultHash                       // the hash inside does not match the data
	FaultExpired                    // past its expiry date
	FaultRevoked                    // on the revocation list
	FaultPAN                        // made for another PAN or issuer
	FaultMismatch                   // signed contents differ from what the card said outside
)

var faultNames = [...]string{"", "missing", "key", "length", "header", "trailer", "format", "algorithm", "hash", "expired", "revoked", "PAN", "mismatch"}

// String is the fault in a word, empty for what is none.
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return ""
}

// Error says which object failed, how, and what was found.
type Error struct {
	Object string // "issuer certificate"
	Fault  Fault
	Detail string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %s", e.Object, e.Fault, e.Detail) }

func fail(object string, f Fault, format string, args ...any) error {
	return &Error{Object: object, Fault: f, Detail: fmt.Sprintf(format, args...)}
}
