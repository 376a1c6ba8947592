// Package provisioning holds the messages between a wallet and the token
// service, once for both ends. Keys travel wrapped under the device key and are
// opaque here.
package provisioning

import (
	"time"

	"tapsim/emv"
)

// Token is a card as the phone gets to know it: the token in place of the
// funding card's number.
type Token struct {
	PAN         emv.PAN // token PAN
	PSN         string  // two digits
	Expiry      string  // YYMM, the token's own
	LastFour    string  // of the funding card, for receipts (9F25)
	Requestor   string  // token requestor id, 11 digits (9F19)
	PAR         string  // payment account reference, 29 characters (9F24)
	ServiceCode string  // three digits
}

// KeyKind says what the keys of a set are.
type KeyKind byte

// Kinds of key. The zero value is none.
const (
	IndexedKeys   KeyKind = iota + 1 // each for some payments, named by an index
	SingleUseKeys                    // each the session key of one transaction counter
)

var keyKindNames = [...]string{"", "limited-use", "single-use"}

// String is the name used in files, empty for what is none.
func (k KeyKind) String() string {
	if int(k) < len(keyKindNames) {
		return keyKindNames[k]
	}
	return ""
}

// LimitedUseKey is one key that the phone may use for a while instead of a card
// key.
type LimitedUseKey struct {
	Index      [4]byte // of IndexedKeys: 0Y HH HH CC, as it travels in the issuer application data
	ATC        uint16  // of SingleUseKeys: the transaction counter that the key belongs to
	Wrapped    []byte  // the key under the device key, AES key wrap (RFC 3394)
	CheckValue [3]byte // of the clear key
	// Agreement is the public key of whom the wrapping key was agreed with, for a
	// key of the stock that a wallet opens with its passcode; nil for the others.
	Agreement []byte
	Uses      int       // cryptograms it may make
	Amount    int64     // minor units that their amounts may add up to; 0 is no limit
	NotAfter  time.Time // it makes none after this
}

// Request is what a phone asks the token service for, at enrolment and when it
// runs low.
type Request struct {
	Token emv.PAN
	ATC   uint16 // transaction counter of the card; 0 on a new phone
	Held  uint16 // highest transaction counter that is used up or has a single-use key; 0 on a new phone
	// LastKey is the index of the limited-use key that the phone got last, used up
	// or not; zeros on a new phone. A token service that does not know of it, for
	// another one handed it out, goes on above it all the same.
	LastKey [4]byte
}

// KeySet is what the token service hands out at enrolment and replenishment.
type KeySet struct {
	Kind        KeyKind
	Token       Token
	Keys        []LimitedUseKey
	Credentials *Credentials // at the enrolment of a card that signs
	// LastATC is the highest transaction counter that the bank has seen of the
	// token, 0 when none. A phone that starts anew with the token goes on above
	// it: lower counters were used by the phone before.
	LastATC uint16
}

// Credentials are what a card needs for offline data authentication: its
// private key, and certificates on it over the card's static data.
type Credentials struct {
	Data    emv.List // values of 8F, 90, 92, 9F32, 9F46, 9F47, 9F48
	Wrapped []byte   // both primes, equally long, under the device key, AES key wrap
}
