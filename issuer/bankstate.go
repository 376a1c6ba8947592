package issuer

import "time"

// The rows of the bank's everyday business. state.go has those of cards,
// tokens and messages.

// Event is what a record is about.
type Event byte

// Events. The zero value is a record from before they were kept.
const (
	EventPurchase         Event = iota + 1
	EventCash                   // cash at a machine or a counter
	EventRefund                 // money of a merchant for the customer
	EventReversal               // a payment undone, wholly or in part
	EventOpening                // an account opened
	EventTopUp                  // money paid in
	EventTransferOut            // to another customer
	EventTransferIn             // from another customer
	EventPreAuthorisation       // a hold for a payment to come
	EventIncrement              // such a hold raised
	EventCompletion             // a hold turned into a payment
	EventExpiry                 // a hold released because nobody completed it
	EventDispute                // provisional credit for a payment that the customer denies
	EventDisputeLost            // that credit taken back
	EventChargeback             // that credit paid by the merchant
	EventPayOut                 // the rest of an account that is closed
	EventWriteOff               // what is missing on an account that is closed
)

var eventNames = [...]string{"payment", "purchase", "cash", "refund", "reversal", "opening", "top-up", "transfer-out", "transfer-in",
	"pre-authorisation", "increment", "completion", "expiry", "dispute", "dispute-lost", "chargeback", "pay-out", "write-off"}

// String is the name for people and JSON.
func (e Event) String() string { return eventNames[e] }

// spends is true for events whose money goes to a merchant: limits, budgets and
// spending count it.
func (e Event) spends() bool {
	switch e {
	case 0, EventPurchase, EventCash, EventPreAuthorisation, EventCompletion:
		return true
	}
	return false
}

// Kinds of notice.
const (
	NoticeCode  = "code"   // a one-time code
	NoticeAlert = "alert"  // monitoring saw something; Rule names what
	NoticeInfo  = "notice" // anything else
)

// Notice is a message of the bank to a customer: what a phone or a mailbox
// would get. Notices are only ever added.
type Notice struct {
	Account string
	Kind    string
	Rule    string // of an alert: the rule that raised it
	Text    string
	Record  int64 // Seq of the record it is about, or 0
	Time    time.Time
}

// Answered is the first answer to a change with an idempotency key.
type Answered struct {
	Key     string   // keyed hash of the key, in hex
	Request PANIndex // keyed hash of the request
	Answer  []byte   // JSON
	Time    time.Time
}

// DisputeState is how far a dispute is.
type DisputeState byte

// States of a dispute. The zero value is none.
const (
	DisputeCredited  DisputeState = iota + 1 // reported, the customer has the money back provisionally
	DisputeAccepted                          // the credit is final, the merchant pays
	DisputeRejected                          // the credit was taken back
	DisputeWithdrawn                         // by the customer; the credit was taken back
	DisputeSettled                           // the credit is final: the merchant gave the money back by itself
)

var disputeNames = [...]string{"", "credited", "accepted", "rejected", "withdrawn", "settled"}

// String is the name for people and JSON.
func (s DisputeState) String() string { return disputeNames[s] }

// Dispute is a payment that a customer denies.
type Dispute struct {
	ID      int64 // Seq of the record of its provisional credit
	Account string
	Payment int64 // Seq of the record of the payment
	Amount  int64 // minor units of the payment that are disputed, without what the merchant gave back meanwhile
	Billed  int64 // what the customer was credited for that, minor units of the account
	State   DisputeState
	Reason  string
	Opened  time.Time
	Changed time.Time
}

// Period is the time that a limit is for.
type Period byte

// Periods. The zero value is none.
const (
	PerPayment Period = iota + 1
	PerDay
	PerMonth
)

var periodNames = [...]string{"", "payment", "day", "month"}

// String is the name for people and JSON.
func (p Period) String() string { return periodNames[p] }

// ParsePeriod is the inverse of String.
func ParsePeriod(name string) (Period, bool) {
	for n, s := range periodNames[1:] {
		if s == name {
			return Period(n + 1), true
		}
	}
	return 0, false
}

// Limit is a customer's bound on payments. Zero of Amount blocks.
type Limit struct {
	Per      Period
	Category string // a merchant category code, or a group of them; "": all
	Country  uint16 // ISO 3166-1 number; 0: all
	Amount   int64  // minor units of the account
}

// Budget is what a customer means to spend in a month: passing it is told, not
// refused.
type Budget struct {
	Category string // as in a limit
	Amount   int64
}

// Contactless bounds the contactless payments of a card that nobody verified,
// one after the other. Zero is no bound.
type Contactless struct {
	Count  int
	Amount int64 // minor units of the account, all together
}

// Sum is what was spent in one category and country, on the day and in the
// month of the Controls.
type Sum struct {
	Category uint16 // merchant category code; 0: not told
	Country  uint16 // 0: not told
	Day      int64
	Month    int64
}

// Attempt is a payment that was tried.
type Attempt struct {
	Time     int64  // seconds since 1970
	Amount   int64  // minor units of the account
	Country  uint16 // in which the customer was; 0: not known
	Approved bool
}

// Bounds of a Controls.
const (
	MaxAttempts = 16  // the latest, newest first
	MaxSums     = 128 // beyond, the last one takes what is left and counts against every limit
	MaxLimits   = 32
	MaxBudgets  = 32
)

// Controls are a customer's limits and budgets on an account, and what was
// spent, so that a payment is judged without looking at earlier ones.
type Controls struct {
	Account     string
	Limits      []Limit
	Budgets     []Budget
	Contactless *Contactless // nil: the bank's
	Day         int          // of Sum.Day: days since 1970, UTC
	Month       int          // of Sum.Month: months since year 0
	Sums        []Sum
	Attempts    []Attempt
}
