// Package c7 is kernel 7, UnionPay's contactless EMV mode (qPBOC, QuickPass):
// one GET PROCESSING OPTIONS brings the cryptogram, a few records may follow.
// Online payments, electronic cash and other offline approvals with fDDA in
// versions 00 and 01, and the last record of a broken tap read again. Full
// contactless PBOC and the mag-stripe mode of old readers are not in.
//
// EMV Book C-7 is not public by section: it is cited by the names of its
// subjects. What public descriptions leave open is kernel.Kernel7.
package c7

import (
	"context"
	"errors"
	"sync"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/rules"
)

// id is the kernel identifier of Book B.
const id = 7

// Kernel is kernel 7. Within a transaction it remembers one purchase that broke
// in its last record. It is safe for concurrent use.
type Kernel struct {
	// Keys are the certification authorities' keys for offline data
	// authentication. Without any no card passes for genuine offline.
	Keys *oda.CAKeys

	mu     sync.Mutex
	broken *purchase
}

// New makes a kernel without certification authority keys.
func New() *Kernel { return &Kernel{} }

// ID is 7.
func (*Kernel) ID() byte { return id }

// book says where the rules stand.
var book = rules.Book{
	Options: "EMV Book C-7, initiate application processing", Format: "EMV Book C-7, data objects", Missing: "EMV Book C-7, mandatory data",
	Records: "EMV Book C-7, read application data", SameAccount: "EMV Book C-7, mandatory data",
	TypeSource: "EMV Book C-7, cryptogram type", Type: "EMV Book C-7, cryptogram type",
	Expiry: "EMV Book C-7, expiry date", Exception: "EMV Book C-7, exception file", ATM: "EMV Book C-7, ATM", Cash: "EMV Book C-7, usage control, cash", Cashback: "EMV Book C-7, usage control, cashback",
	Signature: "EMV Book C-7, fDDA", NotGenuine: "EMV Book C-7, fDDA failed",
	CVM: "EMV Book C-7, cardholder verification", NoQualifiers: "EMV Book C-7, cardholder verification without CTQ", NoMethod: "EMV Book C-7, cardholder verification in common",
	SmallAmount: "UnionPay, small amounts without verification",
}

// Citations of what kernel 7 does not share with kernel 3.
const (
	ruleElectronicCash = "PBOC 3.0, electronic cash"
	ruleLastRecord     = "PBOC 3.0, qPBOC last record"
	ruleApproved       = "EMV Book C-7, approved"
	ruleLost           = "EMV Book C-7, card lost"
)

// run is one activation of the kernel.
type run struct {
	rules.Run
	k         *Kernel
	choices   *kernel.Kernel7
	cash      offer
	done      steps
	recovered bool // the last record of a broken tap was read again
}

// Run processes one transaction with the card's selected application. Every
// start is a whole transaction, but for one that reads the last record of a
// broken tap again. The issuer's answer is not taken to the card.
func (k *Kernel) Run(ctx context.Context, a *kernel.Activation) (kernel.Outcome, error) {
	r := run{Run: rules.Run{Book: &book, Scheme: emv.SchemeUnionPay, Keys: k.Keys}, k: k, choices: &a.Config.Settings.Kernel7}
	r.Begin(a)
	v, err := r.process(ctx)
	switch {
	case errors.Is(err, apdu.ErrLost):
		v = r.lost()
	case err != nil:
		return kernel.Outcome{}, err
	}
	o := r.Outcome(v)
	if v == rules.Approve || v == rules.GoOnline {
		o.DataRecord = r.dataRecord()
	}
	return o, nil
}

// process is the whole of a payment. The steps are called by name: a table of
// functions would move the run to the heap.
func (r *run) process(ctx context.Context) (rules.Verdict, error) {
	if p := r.k.take(r.A); p != nil {
		if v, done, err := r.readAgain(ctx, p); done || err != nil {
			return v, err
		}
	}
	r.offerElectronicCash()
	if v, err := r.GetProcessingOptions(ctx); v != rules.GoOn || err != nil {
		return v, err
	}
	if v, err := r.ReadRecords(ctx, 1); v != rules.GoOn || err != nil {
		return v, err
	}
	if r.Unread == 1 {
		if v := r.beforeLast(); v != rules.GoOn {
			r.CardRead()
			return v, nil
		}
	}
	if r.Kind != emv.TC || !r.Online {
		if v, err := r.ReadRecords(ctx, 0); v != rules.GoOn || err != nil {
			return v, err
		}
	}
	r.CardRead()
	return r.decide(), nil
}

// smallAmount is true for a purchase for which the reader does not ask who
// pays. In another currency than that of the terminal's limits no amount is
// small.
func (r *run) smallAmount() bool {
	tx, limit := &r.A.Transaction, r.choices.SmallAmount
	return limit != nil && tx.Amount <= *limit && tx.Type == typePurchase && !r.A.Indicators.ForeignCurrency
}
