package issuer

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"tapsim/emv"
)

// The rows below are what a Store keeps. They are values: a changed row is put
// back whole, and slices inside are never changed in place.

// PANIndex stands for a PAN in the store: the leftmost 16 bytes of an
// HMAC-SHA-256 under a key of the store. The digits themselves are never
// stored.
type PANIndex [16]byte

// IndexPAN computes the index of a PAN under a store's key.
func IndexPAN(key []byte, pan emv.PAN) PANIndex {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(pan))
	var sum [sha256.Size]byte
	return PANIndex(h.Sum(sum[:0])[:16])
}

// Status is the state of an account, a card or a token.
type Status byte

// States. The zero value is none.
const (
	StatusInactive    Status = iota + 1 // made, not yet in use
	StatusActive                        // in use
	StatusSuspended                     // stopped for a while
	StatusDeactivated                   // ended for good
	StatusLost                          // reported lost
	StatusStolen                        // reported stolen
)

var statusNames = [...]string{"", "inactive", "active", "suspended", "deactivated", "lost", "stolen"}

// String is the name used in files and explanations.
func (s Status) String() string { return statusNames[s] }

// ParseStatus is the inverse of String.
func ParseStatus(name string) (Status, bool) {
	for i, n := range statusNames[1:] {
		if n == name {
			return Status(i + 1), true
		}
	}
	return 0, false
}

// Account is one account of the ledger, in one currency.
type Account struct {
	ID       string
	Currency uint16 // ISO 4217 numeric
	Balance  int64  // sum of its entries, minor units: what the bank owes
	Held     int64  // sum of the holds that are open
	Status   Status
	Internal bool // the bank's own, which may be negative
	Opened   time.Time
	Disputes int // open ones
}

// Available is what can still be spent.
func (a Account) Available() int64 { return a.Balance - a.Held }

// Kind tells cards and tokens apart.
type Kind byte

// Kinds of instrument. The zero value is none.
const (
	Card  Kind = iota + 1 // a funding card
	Token                 // a token that stands for a card on a phone
)

var kindNames = [...]string{"", "card", "token"}

// String is the name used in files and explanations.
func (k Kind) String() string { return kindNames[k] }

// ParseKind is the inverse of String.
func ParseKind(name string) (Kind, bool) {
	for i, n := range kindNames[1:] {
		if n == name {
			return Kind(i + 1), true
		}
	}
	return 0, false
}

// Instrument is a card or a token.
type Instrument struct {
	Index       PANIndex
	Kind        Kind
	Masked      string // first six and last four digits, for people
	PSN         string // two digits
	Expiry      string // YYMM
	ServiceCode string // three digits
	Status      Status
	Account     string   // of a card
	Card        PANIndex // of a token: the card behind it
	WrongPINs   int      // of a card: in a row, since the last right one
	LastFour    string   // of the card's PAN
	Requestor   string   // of a token: token requestor id, 11 digits
	PAR         string   // payment account reference, the same for a card and its tokens
	Bound       bool     // a token on a phone that is told about its payments
}

// Use is one application cryptogram that was seen.
type Use struct {
	ATC        uint16
	Cryptogram [8]byte
	Soft       bool  // answered with "come again with a PIN": it may come once more
	Record     int64 // Seq of the message that brought it, or of the advice that moved its money
}

// CounterRange is a range of transaction counters, both ends included.
type CounterRange struct{ From, To uint16 }

// Usage is what the bank remembers of an instrument's transaction counters:
// the cryptograms with the highest counters, the highest first, and the older
// counters as ranges, the lowest first.
type Usage struct {
	Instrument PANIndex
	Recent     []Use          // at most MaxRecentUses
	Older      []CounterRange // at most MaxOlderRanges
	// Contactless payments since somebody was verified.
	Unverified       int
	UnverifiedAmount int64 // minor units of the account
}

// IssuedKey is a limited-use key that the token service handed out. The key
// itself is derived again when it is needed.
type IssuedKey struct {
	Token     PANIndex
	Index     [4]byte // 0Y HH HH CC
	Issued    time.Time
	NotAfter  time.Time
	Uses      int   // cryptograms it may make
	Used      int   // cryptograms seen
	Amount    int64 // minor units that they may add up to; 0 is no limit
	Spent     int64 // minor units seen
	Withdrawn bool
}

// RecordState is what became of the money of a message.
type RecordState byte

// States of a record. The zero value is none.
const (
	RecordNoted    RecordState = iota + 1 // declined, or no money in it
	RecordHeld                            // an open hold on the account
	RecordPosted                          // entries in the ledger
	RecordCaptured                        // a hold that an advice turned into entries of its own
	RecordReversed                        // hold released or entries returned
	RecordOrphan                          // a reversal came, the original has not yet
	RecordCredited                        // entries in the ledger, in the customer's favour
	RecordExpired                         // a hold that nobody completed in time; who does so late is paid
)

var recordStateNames = [...]string{"", "noted", "held", "posted", "captured", "reversed", "orphan", "credited", "expired"}

// String is the name for people.
func (s RecordState) String() string { return recordStateNames[s] }

// posted is true when the money has moved.
func (s RecordState) posted() bool {
	return s == RecordPosted || s == RecordCaptured || s == RecordCredited
}

// Tap tells the tap that a message is about from others: counter (9F36),
// unpredictable number (9F37) and cryptogram (9F26). Zero is a message without
// chip data.
type Tap [2 + 4 + 8]byte

// Record is what the bank keeps of a message: enough to give the first answer
// again, to reverse it, and to tell people about it.
type Record struct {
	Seq        int64  // order in which the bank saw it
	Key        string // retrieval key, time first
	Reference  string // retrieval reference number with acquirer, terminal and merchant, or empty
	Instrument PANIndex
	Account    string
	Amount     int64  // minor units of Currency that the hold or the entries still stand for
	Requested  int64  // minor units in DE4
	Currency   uint16 // of the payment
	Billing    uint16 // of the account
	Billed     int64  // what Amount costs the account, fee included; in Billing
	Fee        int64  // of Billed
	Refunded   int64  // of Amount: what the customer has back, by refunds or disputes
	Returned   int64  // the same, of Billed
	Event      Event
	Related    int64  // Seq of the record that this one is about; of a captured one, the record that moved its money; of an expired one, that of its end
	Merchant   string // name, or identification where there is none
	Category   uint16 // merchant category code; 0: not told
	Country    uint16 // of the merchant, ISO 3166-1; 0: not told
	Channel    string // by which the payment came; "" where there is none
	Time       time.Time
	State      RecordState
	Flagged    bool // an advice that the bank would have refused, or a jump of the counter
	Code       Code
	Answer     []byte // fields of the first answer
	Tap        Tap
}

// Entry is one line of the ledger. The entries of a record sum to zero.
type Entry struct {
	Record   int64 // Seq of the record
	Account  string
	Currency uint16
	Amount   int64 // minor units, positive raises the account's balance
	Time     time.Time
}
