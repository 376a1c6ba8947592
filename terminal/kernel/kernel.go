// Package kernel is the contract between the entry point of a contactless
// terminal and its kernels: what activates a kernel and what it answers (EMV
// Book A, chapters 5 and 6; Book B, 3.4 and 3.5). The kernels themselves are
// in the packages below it; none imports another.
package kernel

import (
	"context"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
)

// Kernel processes one transaction with one application of a card. It starts
// every exchange, so it is straight-line code over the activation's card. It
// returns an error only when it could not decide: a card that declines,
// misbehaves or leaves the field is an outcome.
type Kernel interface {
	// ID is the kernel identifier: 2, 3, 7.
	ID() byte
	// Run processes the transaction to an outcome.
	Run(ctx context.Context, a *Activation) (Outcome, error)
}

// Activation is everything a kernel is given (EMV Book B, 3.4).
type Activation struct {
	Card  apdu.Transceiver
	AID   []byte // AID of the selected combination as the card listed it
	FCI   FCI
	Start Start // where the entry point was last entered: A to D
	// Restart is true when an earlier outcome of this transaction had a start:
	// another application, a second tap, an issuer's answer.
	Restart bool
	// IssuerData are 91, 71, 72 and 8A of the issuer's answer, coded as TLV,
	// on a restart that carries them. Such a restart brings along what the
	// point of sale made of the answer, Authorised, and the verification that
	// the outcome before it had asked for, CVM.
	IssuerData []byte
	Authorised bool
	CVM        CVM

	// Buffer is memory that a kernel may build its commands in, and use for
	// nothing that outlives Run. Nil is none.
	Buffer []byte

	Transaction Transaction
	Indicators  Indicators
	TTQ         emv.TTQ // as pre-processing left it; kernels 3 and 7
	Config      *Config

	Now   func() time.Time // for timing, such as relay resistance
	Rand  io.Reader        // for unpredictable numbers after the first
	Trace Tracer
	// Display shows what a kernel has to say before its outcome, such as "card
	// read OK, please remove card". Nil is nobody looking.
	Display func(UIRequest)
}

// Transaction is what the point of sale knows of the sale.
type Transaction struct {
	Amount              int64 // 9F02, minor units
	AmountOther         int64 // 9F03, minor units
	Type                byte  // 9C
	Currency            emv.Currency
	Time                time.Time // local time of the terminal: 9A and 9F21
	UnpredictableNumber [4]byte   // 9F37
	SequenceCounter     uint32    // 9F41
}

// Inquiry is true for a transaction type (9C) of 30 to 39, which asks the issuer
// something and moves no money (ISO 8583:1987, processing code).
func (t *Transaction) Inquiry() bool { return t.Type>>4 == 3 }

// Config is the terminal's configuration for one combination of AID and
// kernel.
type Config struct {
	// Data are terminal data objects that the books call configuration data:
	// 9F1A, 9F33, 9F35, 9F09, 9F40, 9F1E, 9F15, 9F16, 9F1C, 9F4E, 5F2A, and the
	// kernel's own (DF81xx for kernel 2). Data object lists draw on them after
	// the transaction's own values.
	Data emv.List
	// Settings are the limits and flags of one combination.
	Settings Settings
}

// Settings are the entry point's configuration of one combination {AID, kernel}
// (EMV Book A, Table 5-2). Nil means "not present", which differs from zero.
type Settings struct {
	StatusCheck       bool
	ZeroAmountAllowed *bool
	TransactionLimit  *int64 // reader contactless transaction limit
	FloorLimit        *int64 // reader contactless floor limit
	CVMLimit          *int64 // reader CVM required limit
	TerminalFloor     *int64 // terminal floor limit, 9F1B
	TTQ               *emv.TTQ
	ExtendedSelection bool
	// AUCCheck asks kernels 3 and 7 to check application usage control for
	// cash and cashback.
	AUCCheck bool
	// ExceptionFile lists account numbers that a kernel declines offline.
	ExceptionFile []emv.PAN
	Kernel3       Kernel3
	Kernel7       Kernel7
}

// Kernel3 are choices of kernel 3 that the book of today does not have.
type Kernel3 struct {
	// MagStripe takes cards in mag-stripe mode (MSD), as kernels once did. The
	// reader says so in TTQ byte 1 bit 8.
	MagStripe bool
}

// Kernel7 are choices that public descriptions of kernel 7 leave open. The zero
// value is what most of them say; SCOPE.md lists them.
type Kernel7 struct {
	// ECashCurrency is the ISO 4217 number of the currency of 9F7B, the limit up
	// to which the reader offers electronic cash; 0 is none.
	ECashCurrency uint16
	// SmallAmount is up to which a purchase needs neither PIN nor signature, even
	// where the card asks for one; nil is none.
	SmallAmount *int64
	// PINFirst gives a card without CTQ online PIN before signature.
	PINFirst bool
	// FDDA1Only makes a reader that offers fDDA version 01 (TTQ byte 4 bit 8)
	// refuse version 00, which signs the unpredictable number alone.
	FDDA1Only bool
	// NoRecovery makes a tap that broke in the last record a new transaction,
	// as a break anywhere else.
	NoRecovery bool
}

// Indicators are what pre-processing found for the combination (EMV Book B,
// 3.1.1).
type Indicators struct {
	StatusCheckRequested bool
	NotAllowed           bool
	ZeroAmount           bool
	TransactionLimitHit  bool
	FloorLimitExceeded   bool
	CVMRequiredLimitHit  bool
	// ForeignCurrency says that the terminal's limits are in another currency
	// than the amount: each counts as reached. It is not in the book.
	ForeignCurrency bool
}

// Step is one decision for people to read: what was decided, and the rule that
// says so.
type Step struct {
	Rule string // document and section: "EMV Book C-3, 5.4.1"
	Text string
}

// Tracer receives decisions as they are made. A nil Tracer is nobody looking:
// callers check for nil before they format.
type Tracer func(Step)
