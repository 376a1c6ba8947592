// Package rules is what kernels 3 and 7 share: transactions in which one GET
// PROCESSING OPTIONS brings the cryptogram, the reader says what it can in its
// qualifiers (TTQ, 9F66) and the card what it wants in its own (CTQ, 9F6C). A
// kernel embeds a Run, calls the steps in its order and adds what is its own.
// Rules are cited as the kernel's book has them.
package rules

import (
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Book is where a kernel's rules stand: what is cited for each.
type Book struct {
	Options      string // status words of GET PROCESSING OPTIONS
	Format       string // templates and data objects
	Missing      string // mandatory data
	Records      string // reading them
	SameAccount  string // 5A and 57
	TypeSource   string // the cryptogram's type, and where it stands
	Type         string
	Expiry       string
	Exception    string // the exception file
	ATM          string // cards that are not for them
	Cash         string // usage control
	Cashback     string
	Signature    string // offline data authentication
	NotGenuine   string // and what follows when it fails
	CVM          string // cardholder verification
	NoQualifiers string // of a card without CTQ
	NoMethod     string // in common
	SmallAmount  string // without verification; kernel 7 alone
}

// Verdict is what a step says: go on, or one of the ways out.
type Verdict byte

// The verdicts.
const (
	GoOn Verdict = iota
	Approve
	Decline
	GoOnline
	UseContact   // try another interface: insert card
	UseOther     // try another interface: insert or swipe
	EndHere      // end application
	SelectNext   // another application of the card
	SeePhone     // try again after a look at the phone
	PresentAgain // try again: the card was gone
)

// Run is one activation of a kernel. It stays on the stack; of the memory it
// uses only the card's data outlive it, in the outcome.
type Run struct {
	Book     *Book
	Scheme   emv.Scheme // whose layouts the issuer application data have
	Keys     *oda.CAKeys
	A        *kernel.Activation
	Terminal kernel.TransactionData
	Own      emv.List // values of data objects that the kernel decides itself
	Card     *Data

	Kind   emv.CryptogramType
	Online bool // an online authorisation is required
	CTQ    emv.CTQ
	HasCTQ bool
	CVM    kernel.CVM

	// Alone: the card pays by itself, without its account. Then nothing leads
	// online or to another interface, where the account would pay as well.
	Alone bool

	ODA     kernel.ODAResult
	ODANote string
	Reason  kernel.Step

	AFL     emv.AFL
	Signed  []Record // that the card's certificate covers
	Unread  int      // records that are still to be read, the one under way included
	icc     *oda.Key // the card's, once it is certified
	Related []byte   // 9F69 where fDDA covers it
}

// Begin loads the values of an activation.
func (r *Run) Begin(a *kernel.Activation) {
	r.A, r.Card = a, newData()
	r.Terminal.Load(a)
}

// TTQ are the qualifiers that the card is given.
func (r *Run) TTQ() *emv.TTQ { return r.Terminal.TTQ() }

// OnlineCapable is true unless the reader is offline only (TTQ byte 1 bit 4).
func (r *Run) OnlineCapable() bool { return !r.TTQ().Has(emv.TTQOfflineOnly) }

// mayGoOnline is true where the payment may.
func (r *Run) mayGoOnline() bool { return r.OnlineCapable() && !r.Alone }

// Because keeps the rule that decided and returns v.
func (r *Run) Because(v Verdict, rule, text string) Verdict {
	r.Reason = kernel.Step{Rule: rule, Text: text}
	r.Note(rule, text)
	return v
}

// Note traces a decision. The text is ready: no formatting when nobody looks.
func (r *Run) Note(rule, text string) {
	if r.A.Trace != nil {
		r.A.Trace(kernel.Step{Rule: rule, Text: text})
	}
}

// RequireOnline notes that the transaction will go online, and why; the first
// reason stays. At a reader that never goes online it declines, as it does where
// the card pays by itself.
func (r *Run) RequireOnline(rule, text string) Verdict {
	if r.Alone {
		return r.Because(Decline, rule, text+", but electronic cash pays without the issuer")
	}
	if !r.OnlineCapable() {
		return r.Because(Decline, rule, text+", and this reader is offline only")
	}
	if !r.Online {
		r.Because(GoOnline, rule, text)
	}
	r.Online = true
	return GoOn
}

// CardRead tells the customer that the card may leave the field.
func (r *Run) CardRead() {
	if r.A.Display != nil {
		r.A.Display(kernel.UIRequest{Message: kernel.MessageCardReadOK, Status: kernel.StatusCardRead})
	}
}

// value is the terminal's value for a data object list.
func (r *Run) value(tag emv.Tag) []byte {
	if v, ok := r.Own.Lookup(tag); ok {
		return v
	}
	v, _ := r.Terminal.Lookup(tag)
	return v
}
