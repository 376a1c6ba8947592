// Package c3 is kernel 3, Visa's contactless EMV mode (qVSDC), as EMV Book C-3
// has it: one GET PROCESSING OPTIONS brings the cryptogram, a few records may
// follow, and everything after that is the terminal's own decision. Numbers
// such as "5.7.1.2" are requirements of that book. The mag-stripe mode of old
// kernels is there for readers that are set to it.
package c3

import (
	"context"
	"errors"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/rules"
)

// id is the kernel identifier of Book B.
const id = 3

// Kernel is kernel 3. It keeps nothing between transactions and is safe for
// concurrent use.
type Kernel struct {
	// Keys are the certification authorities' keys for offline data
	// authentication. Without any no card passes for genuine offline.
	Keys *oda.CAKeys
}

// New makes a kernel without certification authority keys.
func New() *Kernel { return &Kernel{} }

// ID is 3.
func (*Kernel) ID() byte { return id }

// book says where the rules stand.
var book = rules.Book{
	Options: "EMV Book C-3, 5.2.2.2", Format: "EMV Book C-3, 5.4.2.2", Missing: "EMV Book C-3, 5.4.2.1", Records: "EMV Book C-3, read application data",
	SameAccount: "EMV Book C-3, A.2", TypeSource: "EMV Book C-3, 5.4.3.1", Type: "EMV Book C-3, 5.4.3.2",
	Expiry: "EMV Book C-3, 5.5.1.1", Exception: "EMV Book C-3, 5.5.1.2", ATM: "EMV Book C-3", Cash: "EMV Book C-3, 5.5.1.3", Cashback: "EMV Book C-3, 5.5.1.4",
	Signature: "EMV Book C-3, 5.6.1", NotGenuine: "EMV Book C-3, 5.6.1.2",
	CVM: "EMV Book C-3, 5.7.1.2", NoQualifiers: "EMV Book C-3, 5.7.1.1", NoMethod: "EMV Book C-3, 5.7.1.3",
}

// run is one activation of the kernel.
type run struct {
	rules.Run
	scripts []byte // 9F5B after issuer scripts
}

// Run processes one transaction with the card's selected application. A
// restart that carries the issuer's data delivers them; any other start, also
// the second tap of a phone, is a whole transaction.
func (k *Kernel) Run(ctx context.Context, a *kernel.Activation) (kernel.Outcome, error) {
	r := run{Run: rules.Run{Book: &book, Scheme: emv.SchemeVisa, Keys: k.Keys}}
	r.Begin(a)
	var v rules.Verdict
	var err error
	if a.Restart && len(a.IssuerData) > 0 {
		v, err = r.issuerUpdate(ctx)
	} else {
		v, err = r.transaction(ctx)
	}
	switch {
	case errors.Is(err, apdu.ErrLost):
		v = r.Because(rules.PresentAgain, "EMV Book C-3", "the card left the field before the kernel had its data")
	case err != nil:
		return kernel.Outcome{}, err
	}
	return r.outcome(v), nil
}

// transaction is the whole of a payment (Book C-3, chapter 5, in its order).
func (r *run) transaction(ctx context.Context) (rules.Verdict, error) {
	if v, err := r.GetProcessingOptions(ctx); v != rules.GoOn || err != nil {
		return v, err
	}
	if v, err := r.ReadRecords(ctx, 0); v != rules.GoOn || err != nil {
		return v, err
	}
	r.CardRead()
	return r.decide(), nil
}

// decide is what the terminal makes of the card's data. The steps are called by
// name: a table of functions would move the run to the heap.
func (r *run) decide() rules.Verdict {
	if r.magStripe() {
		return r.decideMagStripe()
	}
	r.Related = r.Card.Get(rules.CardAuth)
	v := r.CheckData()
	if v == rules.GoOn {
		v = r.CryptogramType()
	}
	if v == rules.GoOn {
		v = r.OfflineRestrictions()
	}
	if v == rules.GoOn {
		v = r.AtATM()
	}
	if v == rules.GoOn {
		v = r.UsageControl()
	}
	if v == rules.GoOn {
		v = r.authenticate()
	}
	if v == rules.GoOn {
		v = r.VerifyCardholder(rules.Methods{Device: true})
	}
	switch {
	case v != rules.GoOn:
		return v
	case r.Online:
		return rules.GoOnline
	}
	return r.Because(rules.Approve, "EMV Book C-3, 5.6", "the card approved offline and is genuine")
}

// authenticate does offline data authentication: for an offline approval,
// which needs it, and for an online request where the reader offers it (TTQ
// byte 1 bit 1) and the card takes part (5.6.1). Only the first changes the
// decision.
func (r *run) authenticate() rules.Verdict {
	if !r.Online {
		return r.Authenticate()
	}
	if r.Kind != emv.ARQC || !r.TTQ().Has(emv.TTQODAForOnline) || !r.OffersDDA() {
		return rules.GoOn
	}
	for _, s := range [...]rules.Slot{
		rules.SDAD, rules.CAIndex, rules.IssuerCertificate, rules.IssuerExponent, rules.ICCCertificate, rules.ICCExponent,
		rules.CardAuth, rules.PAN, rules.Expiry,
	} {
		if !r.Card.Has(s) { // 5.4.2.1
			return r.Because(rules.EndHere, book.Missing, "reader and card authenticate online requests too, but the card gave not all that it takes")
		}
	}
	r.VerifySignature() // one that is wrong is for the issuer and the operator to know
	return rules.GoOn
}
