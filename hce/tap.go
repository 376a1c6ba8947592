package hce

import (
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// Reason says why a card did not ask for online approval, or approve. It goes
// to the card's owner, not to the terminal.
type Reason byte

// Reasons.
const (
	ReasonNone          Reason = iota // an ARQC or TC was made
	ReasonBlocked                     // the application is locked
	ReasonMode                        // the reader does not offer EMV mode
	ReasonATC                         // the transaction counter is used up
	ReasonNoKeys                      // no limited-use key is left
	ReasonKeysExpired                 // those that are left have expired
	ReasonNotVerified                 // the device must verify its owner first
	ReasonNoCommonCVM                 // the reader wants a verification that the card cannot give
	ReasonOfflineReader               // the reader cannot go online, and the card wants to
	ReasonRefund                      // the card does not ask online for a refund
	ReasonFault                       // no cryptogram could be computed
	ReasonOpen                        // the terminal has not asked for a cryptogram yet, or never did
	ReasonAsked                       // the terminal asked for a decline
	ReasonRisk                        // the card's own risk management
	ReasonRecovered                   // the terminal got the answer to an earlier tap once more
	ReasonUnread                      // the terminal has not read the last record yet, or never did: the purse has not paid
	ReasonKeyAmount                   // the payments of each key may add up to less
	ReasonBlank                       // the reader told nothing, as only the phone itself does for a code
)

var reasonNames = [...]string{
	"none", "the application is locked", "the reader does not offer EMV mode", "the transaction counter is used up",
	"no keys are left", "the keys have expired", "verify on the device first", "no common cardholder verification",
	"the reader is offline-only", "refund", "internal fault",
	"no cryptogram was asked for", "the terminal declined", "the card's risk management declined", "the answer to an earlier tap was given again",
	"the last record was not read, and so nothing was paid", "the amount is above what the keys allow",
	"the reader told no amount, country or date",
}

// String says it in words.
func (r Reason) String() string { return nameIn(reasonNames[:], int(r)) }

// CVM is a cardholder verification that a card can ask for or show.
type CVM byte

// Cardholder verifications.
const (
	CVMNone CVM = iota
	CVMConsumerDevice
	CVMOnlinePIN
	CVMSignature
)

var cvmNames = [...]string{"none", "consumer-device", "online-pin", "signature"}

// String is the name used in profiles.
func (m CVM) String() string { return nameIn(cvmNames[:], int(m)) }

// ParseCVM is the inverse of String.
func ParseCVM(name string) (CVM, bool) {
	i, ok := indexIn(cvmNames[:], name)
	return CVM(i), ok
}

// Tap is what one transaction came to, for the wallet around the card. Amount,
// Currency, Country, Date and Type are what the terminal sent, in BCD; zeros
// where no list asks for them, or as long as the reason is ReasonOpen.
type Tap struct {
	Time       time.Time
	ATC        uint16
	Status     apdu.Status
	Reason     Reason
	Cryptogram emv.CryptogramType  // when Status is 9000 and one was made; ARQC for a dynamic code of mag-stripe mode
	CVM        CVM                 // shown or asked for
	Key        cryptogram.KeyIndex // of a limited-use key
	Amount     [6]byte
	Currency   [2]byte
	Country    [2]byte
	Date       [3]byte
	Type       byte
}
