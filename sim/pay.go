package sim

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"tapsim/emv"
	"tapsim/hce"
	"tapsim/issuer"
	"tapsim/reader"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
	"tapsim/wallet"
)

// verifiedFor is how long the owner's unlocking of the phone counts.
const verifiedFor = time.Minute

// Request is one payment, and what the customer does.
type Request struct {
	Amount      int64 // minor units
	AmountOther int64 // cashback
	Type        byte  // 9C
	Currency    emv.Currency
	STAN        int // 0: the terminal's next
	// Locked says that the customer has not unlocked the phone; with
	// UnlockAfterFirst they do so when the first tap asks for it.
	Locked, UnlockAfterFirst bool
	// PIN is what the customer enters when asked; "" is DemoPIN.
	PIN PIN
	// TearAt is the exchange whose answer gets lost because the card leaves; 0
	// is none.
	TearAt int
	// Passcode unlocks a wallet that has one, before the payment or, with
	// UnlockAfterFirst, when the first tap asks for it.
	Passcode string
	// Coupon of the wallet makes the payment cheaper; "" is none.
	Coupon string
	// Explain asks for the kernel's decisions and the bank's check.
	Explain bool
}

// Payment is what happened.
type Payment struct {
	terminal.Result
	Transcript *transcript.Transcript
	Charged    int64          // minor units: what was asked for, less a coupon
	Report     *issuer.Report // nil when the host is not ours, was not asked, or nobody wanted it
	Why        *Verdict       // why it was not approved; nil when it was, or nobody wanted it
}

// Pay makes one payment.
func (w *World) Pay(ctx context.Context, r Request) (Payment, error) {
	if err := w.prepare(r); err != nil {
		return Payment{}, err
	}
	settle, err := w.redeem(&r)
	if err != nil {
		return Payment{}, err
	}
	look, err := w.look()
	if err != nil {
		return Payment{}, err
	}
	p, err := w.pay(ctx, r)
	p.Charged = r.Amount
	if err == nil {
		w.keepSlip(&p, issuer.ChannelContactless, look.number)
		err = settle(p.Outcome == kernel.Approved)
	}
	w.tellOwner()
	err = errors.Join(err, w.settled(look))
	if err == nil && r.Explain {
		p.Why = w.why(ctx, &p, w.lookAt(look))
	}
	return p, err
}

// pay makes the payment of a customer who is ready.
func (w *World) pay(ctx context.Context, r Request) (Payment, error) {
	now := w.Clock.Now().Truncate(time.Second) // a recording has no more of it
	f, err := w.newCustomer(r, now)
	if err != nil {
		return Payment{}, err
	}
	if w.host != nil {
		w.host.wanted = r.Explain
	}
	request := terminal.Request{
		Amount: r.Amount, AmountOther: r.AmountOther, Type: r.Type, Currency: r.Currency, STAN: r.STAN,
	}
	if w.options.Field != nil {
		request.Time = now // the clock runs until the card comes
	}
	if r.Explain {
		request.Trace = func(kernel.Step) {} // the terminal keeps the steps
	}
	result, err := w.term.Pay(ctx, f, request)
	if err != nil {
		return Payment{}, err
	}
	p := Payment{Result: result}
	if p.Transcript, err = f.finish(result); err != nil {
		return Payment{}, err
	}
	if w.host != nil && result.Request != nil {
		p.Report = w.host.report
	}
	return p, nil
}

// prepare tells the customer the PIN, and unlocks the phone.
func (w *World) prepare(r Request) error {
	entered := r.PIN
	if entered == "" {
		entered = DemoPIN
	}
	if err := entered.Check(); err != nil {
		return err
	}
	if w.pad != nil {
		w.pad.entered = entered
	}
	switch {
	case w.guarded():
		return w.prepareWallet(r)
	case w.card == nil || !w.Profile.Verifies():
		return nil
	case r.Locked: // also what an earlier payment left unlocked
		return w.card.Verified(time.Time{})
	}
	return w.unlock()
}

// awaitsIssuer is true for a card that takes the issuer's answer on a second tap
// and asked for one: the customer sees "present card again" and does.
func (w *World) awaitsIssuer() bool {
	tap, ok := w.card.Last()
	return ok && tap.Cryptogram == emv.ARQC && w.Profile.TakesUpdates()
}

func (w *World) unlock() error { return w.card.Verified(w.Clock.Now().Add(verifiedFor)) }

// customer is somebody with a card in front of a reader.
type customer interface {
	terminal.Field
	// finish notes the outcome in the recording.
	finish(terminal.Result) (*transcript.Transcript, error)
}

// newCustomer puts a customer in front of the reader.
func (w *World) newCustomer(r Request, now time.Time) (customer, error) {
	header, err := w.header(r, now)
	if err != nil {
		return nil, err
	}
	if w.options.Field != nil {
		recorder := transcript.NewRecorder(nil, header)
		return stranger{recorder.Over(w.options.Field), recorder}, nil
	}
	return w.newField(r, header)
}

// newField puts the customer with our card in front of the reader.
func (w *World) newField(r Request, header []transcript.Field) (*field, error) {
	f := &field{clock: w.Clock, card: w.card, air: &reader.Field{Deactivated: func(why reader.Reason) {
		w.card.Deactivated(hce.Deactivation(why))
	}}}
	f.between = func() (bool, error) {
		if r.TearAt > 0 || f.taps == 2 && w.awaitsIssuer() {
			return true, nil
		}
		if !r.Locked || !r.UnlockAfterFirst || f.taps > 2 {
			return false, nil
		}
		f.recorder.Verify()
		if w.guarded() {
			_, err := w.wallet.Unlock(r.Passcode, wallet.DefaultWindow)
			return true, err
		}
		return true, w.unlock()
	}
	var faults []reader.Fault
	if r.TearAt > 0 {
		faults = append(faults, reader.Fault{Exchange: r.TearAt, Action: reader.TearAfter})
	}
	air, err := reader.WithFaults(f.air, w.Clock.Sleep, faults...)
	if err != nil {
		return nil, err
	}
	f.recorder = transcript.NewRecorder(air, header)
	return f, nil
}

// header says how this run can be repeated.
func (w *World) header(r Request, now time.Time) ([]transcript.Field, error) {
	values := map[string]string{
		"terminal": nameOf(w.options.Terminal, w.Terminal.Name), "now": now.UTC().Format(time.RFC3339),
		"seed":   strconv.FormatUint(w.seed, 10),
		"amount": r.Currency.Format(r.Amount), "currency": r.Currency.Alpha,
	}
	if w.options.Host != nil || r.PIN != "" && r.PIN != DemoPIN {
		values["host"] = otherHost // it answers to something that the recording does not hold
	}
	if r.AmountOther != 0 {
		values["amount-other"] = r.Currency.Format(r.AmountOther)
	}
	if name := TypeName(r.Type); name != "purchase" {
		values["type"] = name
	}
	if w.options.Field != nil {
		values["source"] = fromReader
		return transcript.NewHeader(values)
	}
	values["card"] = nameOf(w.options.Card, w.Profile.Name)
	values["atc"] = fmt.Sprintf("%04X", w.card.Info().ATC)
	if w.Profile.Verifies() {
		values["verified"] = strconv.FormatBool(!r.Locked)
	}
	return transcript.NewHeader(values)
}

// fromReader in a recording's header says that the card was none of ours. Which
// reader it was is nobody's business: some have their serial in their name.
const fromReader = "a card at a reader"

// otherHost in a recording's header says that the outcome was not our bank's.
const otherHost = "other"

// nameOf is what a recording calls a card or terminal: its name when it is
// built in, else its file's, without the folders, which are nobody's business.
func nameOf(option, name string) string {
	if isPath(option) {
		return filepath.Base(option)
	}
	return name
}

// finish implements customer.
func (f *field) finish(r terminal.Result) (*transcript.Transcript, error) {
	if err := f.card.Err(); err != nil {
		return nil, fmt.Errorf("the phone could not keep its state: %w", err)
	}
	if tap, ok := f.card.Last(); ok && tap.Key.Valid() {
		if err := f.recorder.Set("key-index", tap.Key.String()); err != nil {
			return nil, err
		}
	}
	return noteOutcome(f.recorder, r)
}

// noteOutcome notes the outcome in a recording.
func noteOutcome(recorder *transcript.Recorder, r terminal.Result) (*transcript.Transcript, error) {
	err := recorder.Set("expect", r.Outcome.String())
	if err == nil && r.KernelOutcome != 0 {
		err = recorder.Set("expect-kernel", r.KernelOutcome.String())
	}
	return recorder.Transcript(), err
}

// stranger is a customer at a real reader, with a card of their own.
type stranger struct {
	transcript.Reader
	recorder *transcript.Recorder
}

func (s stranger) finish(r terminal.Result) (*transcript.Transcript, error) {
	return noteOutcome(s.recorder, r)
}

// types are the transaction types by name (tag 9C, ISO 8583 processing codes).
var types = []struct {
	name string
	code byte
}{{"purchase", 0x00}, {"cash", 0x01}, {"cashback", 0x09}, {"refund", 0x20}, {"balance", 0x30}}

// TypeName is the name of a transaction type, its hex when it has none.
func TypeName(code byte) string {
	for _, t := range types {
		if t.code == code {
			return t.name
		}
	}
	return fmt.Sprintf("%02x", code)
}

// ParseType is the inverse of TypeName for the names.
func ParseType(name string) (byte, error) {
	known := ""
	for _, t := range types {
		if t.name == name {
			return t.code, nil
		}
		known += ", " + t.name
	}
	return 0, fmt.Errorf("transaction type %q: want one of%s", name, known[1:])
}
