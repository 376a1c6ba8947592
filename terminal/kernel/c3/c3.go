// Package c3 is kernel 3, Visa's contactless EMV mode (qVSDC), as EMV Book C-3
// has it: one GET PROCESSING OPTIONS brings the cryptogram, a few records may
// follow, and everything after that is the terminal's own decision. Numbers
// such as "5.7.1.2" are requirements of that book. The mag-stripe mode of old
// kernels is not supported.
package c3

import (
	"context"
	"errors"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
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

// Run processes one transaction with the card's selected application. A
// restart that carries the issuer's data delivers them; any other start, also
// the second tap of a phone, is a whole transaction.
func (k *Kernel) Run(ctx context.Context, a *kernel.Activation) (kernel.Outcome, error) {
	r := run{k: k, a: a, card: newCardData()}
	r.terminal.Load(a)
	var v verdict
	var err error
	if a.Restart && len(a.IssuerData) > 0 {
		v, err = r.issuerUpdate(ctx)
	} else {
		v, err = r.transaction(ctx)
	}
	switch {
	case errors.Is(err, apdu.ErrLost):
		v = r.because(presentAgain, "EMV Book C-3", "the card left the field before the kernel had its data")
	case err != nil:
		return kernel.Outcome{}, err
	}
	return r.outcome(v), nil
}

// verdict is what a step of the kernel says: go on, or one of the ways out.
type verdict byte

const (
	goOn verdict = iota
	approve
	decline
	goOnline
	useContact   // try another interface: insert card
	useOther     // try another interface: insert or swipe
	endHere      // end application
	selectNext   // another application of the card
	seePhone     // try again after a look at the phone
	presentAgain // try again: the card was gone
)

// run is one activation of the kernel. It stays on the stack; of the memory it
// uses only the card's data outlive it, in the outcome.
type run struct {
	k        *Kernel
	a        *kernel.Activation
	terminal kernel.TransactionData
	card     *cardData

	kind    emv.CryptogramType
	online  bool // an online authorisation is required
	ctq     emv.CTQ
	hasCTQ  bool
	cvm     kernel.CVM
	oda     kernel.ODAResult
	odaNote string
	reason  kernel.Step
	scripts []byte // 9F5B after issuer scripts
	afl     emv.AFL
	signed  []record
}

// transaction is the whole of a payment (Book C-3, chapter 5, in its order).
func (r *run) transaction(ctx context.Context) (verdict, error) {
	if v, err := r.getProcessingOptions(ctx); v != goOn || err != nil {
		return v, err
	}
	if v, err := r.readRecords(ctx); v != goOn || err != nil {
		return v, err
	}
	if r.a.Display != nil {
		r.a.Display(kernel.UIRequest{Message: kernel.MessageCardReadOK, Status: kernel.StatusCardRead})
	}
	return r.decide(), nil
}

// decide is what the terminal makes of the card's data. The steps are called by
// name: a table of functions would move the run to the heap.
func (r *run) decide() verdict {
	v := r.checkData()
	if v == goOn {
		v = r.cryptogramType()
	}
	if v == goOn {
		v = r.restrictions()
	}
	if v == goOn {
		v = r.authenticate()
	}
	if v == goOn {
		v = r.verifyCardholder()
	}
	switch {
	case v != goOn:
		return v
	case r.online:
		return goOnline
	}
	return r.because(approve, "EMV Book C-3, 5.6", "the card approved offline and is genuine")
}

// because keeps the rule that decided and returns v.
func (r *run) because(v verdict, rule, text string) verdict {
	r.reason = kernel.Step{Rule: rule, Text: text}
	r.note(rule, text)
	return v
}

// note traces a decision. The text is ready: no formatting when nobody looks.
func (r *run) note(rule, text string) {
	if r.a.Trace != nil {
		r.a.Trace(kernel.Step{Rule: rule, Text: text})
	}
}
