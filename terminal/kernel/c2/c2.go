// Package c2 is kernel 2, Mastercard's, as EMV Book C-2 has it: EMV mode, where
// the terminal decides what it asks for and GENERATE AC brings the cryptogram,
// mostly signed (CDA), and mag-stripe mode, where the card makes a verification
// code for track data. On-device verification, the phone's second tap, relay
// resistance, recovery of torn transactions, balance reading and data exchange
// are in; data storage is not.
//
// Rules are cited by the numbers of the book's state diagrams (S3.9, S910.7)
// and procedures (CVM.4, TAA.10).
package c2

import (
	"context"
	"errors"
	"sync"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// id is the kernel identifier of Book B.
const id = 2

// Kernel is kernel 2. It keeps the log of torn transactions and the count of
// failed mag-stripe payments between transactions, and is safe for concurrent
// use.
type Kernel struct {
	// Keys are the certification authorities' keys for CDA. Without any no card
	// passes for genuine.
	Keys *oda.CAKeys
	// Exchange is the terminal's end of data exchange; nil is none.
	Exchange DataExchange
	// Wait lets time pass: a mag-stripe payment that the card refuses is
	// answered late, each in a row later. Nil does not wait.
	Wait func(context.Context, time.Duration) error
	// WithoutRelayResistance makes a kernel of the time before the relay
	// resistance protocol: it leaves the protocol's two bits of the TVR zero.
	WithoutRelayResistance bool

	mu     sync.Mutex
	torn   []tornRecord
	failed uint // mag-stripe payments refused in a row
}

// New makes a kernel without certification authority keys.
func New() *Kernel { return &Kernel{} }

// ID is 2.
func (*Kernel) ID() byte { return id }

// Run processes one transaction with the card's selected application. Every
// start is a whole transaction: this kernel does not take the issuer's answer to
// the card.
func (k *Kernel) Run(ctx context.Context, a *kernel.Activation) (kernel.Outcome, error) {
	r := &run{k: k, a: a}
	v, err := r.process(ctx)
	switch {
	case errors.Is(err, apdu.ErrLost):
		v = r.lost()
	case errors.Is(err, ErrTimeout):
		r.errors.L3 = l3Timeout
		v = r.because(endSilently, ruleExchange, "the terminal did not answer in time")
	case errors.Is(err, ErrStop):
		r.errors.L3 = l3Stop
		v = r.because(endSilently, ruleExchange, "the terminal asked to stop")
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
	endHere      // end application: insert, swipe or try another card
	endSilently  // end application without a message
	endWithData  // end application with a data record: a refund's AAC
	selectNext   // another application of the card
	secondTap    // end application, start B: a message of the phone message table
	presentAgain // end application, start B: the card was gone
	tryAgain     // try again: the card was gone before anything began
)

// mode is how the card pays.
type mode byte

const (
	modeUnknown mode = iota
	modeEMV
	modeMagStripe
)

// run is one activation of the kernel.
type run struct {
	k        *Kernel
	a        *kernel.Activation
	set      settings
	terminal kernel.TransactionData
	sources  [2]emv.Source // for data object lists: the terminal's data, the card's
	det      emv.List      // what the terminal answered in data exchange
	card     cardData
	mode     mode

	aip       emv.AIP
	onDevice  bool // both sides do on-device verification (S3.33)
	afl       emv.AFL
	signed    []record
	cda       bool // CDA was chosen
	relay     relayData
	exchanged exchangeState

	un           [4]byte
	capabilities emv.TerminalCapabilities // 9F33
	mobile       [1]byte                  // 9F7E
	cvmResults   emv.CVMResults           // 9F34
	cvm          kernel.CVM
	receipt      bool
	request      emv.CryptogramType // what terminal action analysis asks for
	p1           byte               // reference control parameter
	pdolData     []byte             // as sent (DF8111)
	cdolData     []byte             // as sent (DF8107)
	recovered    emv.List           // values of the torn record that the card recovered
	reported     emv.List           // torn record for the discretionary data (FF8101)
	generating   bool               // GENERATE AC has left, its answer has not come
	balances     balances

	kind    emv.CryptogramType
	oda     kernel.ODAResult
	odaNote string
	errors  ErrorIndication
	phone   uiEntry
	mag     magData
	track1  []byte // filled in mag-stripe mode
	reason  kernel.Step
}

// process is the whole of a payment in the order of the book.
func (r *run) process(ctx context.Context) (verdict, error) {
	r.errors.Message = noMessage
	if v := r.start(); v != goOn {
		return v, nil
	}
	if v, err := r.getProcessingOptions(ctx); v != goOn || err != nil {
		return v, err
	}
	if r.mode == modeMagStripe {
		return r.magStripe(ctx)
	}
	return r.emvMode(ctx)
}

// emvMode follows GET PROCESSING OPTIONS in EMV mode.
func (r *run) emvMode(ctx context.Context) (verdict, error) {
	for _, step := range [...]func(*run, context.Context) (verdict, error){
		(*run).relayResistance, (*run).readRecords, (*run).exchangeData, (*run).checkData, (*run).balanceBefore,
	} {
		if v, err := step(r, ctx); v != goOn || err != nil {
			return v, err
		}
	}
	for _, step := range [...]func(*run) verdict{(*run).restrictions, (*run).verifyCardholder, (*run).analyse} {
		if v := step(r); v != goOn {
			return v, nil
		}
	}
	return r.applicationCryptogram(ctx)
}

// because keeps the rule that decided and returns v.
func (r *run) because(v verdict, rule, text string) verdict {
	r.reason = kernel.Step{Rule: rule, Text: text}
	r.note(rule, text)
	return v
}

// fail ends the application with an error of level 2.
func (r *run) fail(e L2Error, rule, text string) verdict {
	r.errors.L2 = e
	r.errors.Message = kernel.MessageTryAnotherCard
	return r.because(endHere, rule, text)
}

// refused ends the application for a status word other than 9000.
func (r *run) refused(sw apdu.Status, rule, text string) verdict {
	r.errors.SW = sw
	return r.fail(L2StatusBytes, rule, text)
}

// note traces a decision. The text is ready: no formatting when nobody looks.
func (r *run) note(rule, text string) {
	if r.a.Trace != nil {
		r.a.Trace(kernel.Step{Rule: rule, Text: text})
	}
}

// lost is the way out when the card left the field. A GENERATE AC whose answer
// is on its way is kept for recovery.
func (r *run) lost() verdict {
	r.errors.L1 = l1Timeout
	if r.mode == modeUnknown {
		return r.because(tryAgain, "EMV Book C-2, S3.5", "the card left the field before it began")
	}
	r.errors.Message = kernel.MessagePresentAgain
	if r.generating && r.keepTorn() {
		return r.because(presentAgain, "EMV Book C-2, S9.14", "the card left the field during GENERATE AC: its answer can be recovered")
	}
	rule := "EMV Book C-2, S4.6"
	switch {
	case r.mode == modeMagStripe:
		rule = "EMV Book C-2, S13.4"
	case r.generating:
		rule = "EMV Book C-2, S9.9"
	}
	return r.because(presentAgain, rule, "the card left the field before the kernel had its data")
}

// tvr are the terminal verification results.
func (r *run) tvr() *emv.TVR { return r.terminal.TVR() }
