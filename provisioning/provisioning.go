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

// LimitedUseKey is one key that the phone may use for a while instead of a card
// key.
type LimitedUseKey struct {
	Index      [4]byte   // 0Y HH HH CC, as it travels in the issuer application data
	Wrapped    []byte    // the key under the device key, AES key wrap (RFC 3394)
	CheckValue [3]byte   // of the clear key
	Uses       int       // cryptograms it may make
	NotAfter   time.Time // it makes none after this
}

// KeySet is what the token service hands out at enrolment and replenishment.
type KeySet struct {
	Token Token
	Keys  []LimitedUseKey
	// LastATC is the highest transaction counter that the bank has seen of the
	// token, 0 when none. A phone that starts anew with the token goes on above
	// it: lower counters were used by the phone before.
	LastATC uint16
}
