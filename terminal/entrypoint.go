package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Request is one sale.
type Request struct {
	Amount      int64 // minor units
	AmountOther int64 // cashback, a part of Amount, with type 09 only; minor units
	Type        byte  // 9C: 00 purchase
	// Currency is that of the amounts; its zero value is the terminal's.
	Currency emv.Currency
	// Time is the terminal's local time; the zero value is now.
	Time time.Time
	// UnpredictableNumber is used for every tap when it is given, as a replay
	// needs; nil draws one for each.
	UnpredictableNumber *[4]byte
	// STAN overrides the terminal's counter, 1 to 999999; 0 takes the next.
	STAN int
	// FixedAmount enters at Start B, without pre-processing: a reader that is
	// always ready for one amount.
	FixedAmount bool
	Trace       kernel.Tracer
}

// Tap is what happened between reader and card, up to the kernel's outcome.
type Tap struct {
	Outcome             kernel.Outcome
	KernelID            byte   // 0 when no kernel ran
	AID                 []byte // as the card listed it
	FCI                 []byte // the SELECT answer's data
	Taps                int    // how often the card was asked for
	UnpredictableNumber [4]byte
	UI                  []kernel.UIRequest // in the order shown
	Steps               []kernel.Step      // when the request has a tracer
}

// session is one transaction on its way through the entry point. It stays on
// the stack; what a kernel and its display must reach is in the terminal.
type session struct {
	t     *Terminal
	req   Request
	field Field
	start kernel.Start // where the entry point was last entered
	again bool         // the restart flag
	// Of a restart after the host's answer: the issuer's data, what they decide,
	// and the verification that the first tap asked for.
	issuer     []byte
	authorised bool
	cvm        kernel.CVM

	candidates []candidate
	barred     bool // the card has an application that is not for this type and amount
	// unknownKernel is what an entry asked for that the terminal takes but for its
	// kernel: kernel 8, most of all. 0 is none.
	unknownKernel uint32
	dropped       string // why the first candidate was that the terminal selected in vain
	card          apdu.Transceiver
	current       *candidate
	uiRestart     *kernel.UIRequest
	tap           Tap
	act           *kernel.Activation // the terminal's
	trace         *recorder
	credential    *Credential // nil for a tap
}

// commandRoom is enough for the commands that cards usually want: the header,
// and up to 59 bytes of the PDOL's data.
const commandRoom = 64

// usualMessages is how many messages a payment shows that meets no trouble.
const usualMessages = 4

// recorder keeps the steps for the result and passes them on.
type recorder struct {
	next  kernel.Tracer
	steps []kernel.Step
}

func (r *recorder) step(rule, text string) { r.trace(kernel.Step{Rule: rule, Text: text}) }

func (r *recorder) stepf(rule, format string, args ...any) {
	r.step(rule, fmt.Sprintf(format, args...))
}

func (r *recorder) trace(s kernel.Step) {
	r.steps = append(r.steps, s)
	r.next(s)
}

// Tap runs the entry point and a kernel to an outcome, without the host: an
// outcome Online Request stays one. It returns an error when nobody presented
// a card, when the context ended, or when reader or kernel could not decide.
func (t *Terminal) Tap(ctx context.Context, f Field, r Request) (Tap, error) {
	var s session
	if err := s.begin(t, f, r); err != nil {
		return Tap{}, err
	}
	err := s.startA(ctx)
	s.keep()
	return s.tap, errors.Join(err, switchOff(ctx, f))
}

// switchOff ends a transaction in the field, also when the context has ended.
func switchOff(ctx context.Context, f Field) error {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	return f.Off(ctx, 0)
}

// begin checks a request and starts its session.
func (s *session) begin(t *Terminal, f Field, r Request) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Currency.Numeric == 0 {
		r.Currency = t.config.Currency
	}
	if r.Time.IsZero() {
		r.Time = t.env.Now()
	}
	s.t, s.req, s.field, s.act, s.start = t, r, f, &t.act, kernel.StartA
	if r.FixedAmount {
		s.start = kernel.StartB
	}
	s.candidates = t.candidates
	t.shown = make([]kernel.UIRequest, 0, usualMessages)
	t.act.Trace = nil
	t.act.Transaction = kernel.Transaction{
		Amount: r.Amount, AmountOther: r.AmountOther, Type: r.Type, Currency: r.Currency, Time: r.Time,
		SequenceCounter: uint32(t.nextSTAN(&s.req)),
	}
	if r.Trace != nil {
		s.trace = &recorder{next: r.Trace}
		t.act.Trace = s.trace.trace
	}
	return nil
}

// Transaction types (9C) that the terminal itself tells apart (ISO 8583, field
// 3).
const (
	typePurchase = 0x00
	typeCashback = 0x09
	typeRefund   = 0x20
	typeInquiry  = 0x30
)

// check finds what no message and no card could carry. Cashback is cash besides
// goods: a part of the amount, in a transaction of its own type.
func (r *Request) check() error {
	switch {
	case r.Amount < 0 || r.Amount > emv.MaxAmount || r.AmountOther < 0 || r.AmountOther > emv.MaxAmount:
		return fmt.Errorf("an amount field holds 0 to %d minor units", int64(emv.MaxAmount))
	case r.AmountOther > r.Amount:
		return fmt.Errorf("the cashback (9F03) is %d, more than the amount (9F02), which is %d and includes it", r.AmountOther, r.Amount)
	case r.AmountOther > 0 && r.Type != typeCashback:
		return fmt.Errorf("cashback (9F03) goes with transaction type %02X, not %02X", typeCashback, r.Type)
	case r.STAN < 0 || r.STAN > maxSTAN:
		return fmt.Errorf("STAN %d: want 1 to %d", r.STAN, maxSTAN)
	}
	return nil
}

// keep puts what was shown and traced into the result.
func (s *session) keep() {
	s.tap.UI, s.t.shown = s.t.shown, nil
	if s.trace != nil {
		s.tap.Steps = s.trace.steps
	}
}

// startA prepares every combination and goes on to the card.
func (s *session) startA(ctx context.Context) error {
	prepare := s.t.preprocess
	if s.req.FixedAmount {
		prepare = s.t.asConfigured
	} else if s.foreign() && s.trace != nil {
		s.trace.stepf(rulePreprocess, "the limits are in %s: in %s each counts as reached", s.t.config.Currency.Alpha, s.act.Transaction.Currency.Alpha)
	}
	if !prepare(&s.act.Transaction) {
		s.tap.Outcome = kernel.Outcome{Kind: kernel.TryAnotherInterface, UI: &uiInsertOrSwipe,
			Reason: kernel.Step{Rule: rulePreprocess, Text: "no application may be used for this type and amount" + s.whyNone()}}
		return s.finish(ctx)
	}
	return s.startB(ctx)
}

// foreign is true for a currency that the terminal's limits are not in.
func (s *session) foreign() bool { return s.t.foreign(s.act.Transaction.Currency) }

// whyNone says what the customer could not know of a refusal.
func (s *session) whyNone() string {
	if !s.foreign() {
		return ""
	}
	return ": the limits are in " + s.t.config.Currency.Alpha + ", and in another currency each counts as reached"
}

// Messages that the entry point itself shows (EMV Book B, 3.2 and 3.3).
var (
	uiPresentCard   = kernel.UIRequest{Message: kernel.MessagePresentCard, Status: kernel.StatusReadyToRead}
	uiCollision     = kernel.UIRequest{Message: kernel.MessageOneCardOnly, Status: kernel.StatusCollision}
	uiOneCard       = kernel.UIRequest{Message: kernel.MessageOneCardOnly, Status: kernel.StatusReadyToRead}
	uiInsertOrSwipe = kernel.UIRequest{Message: kernel.MessageInsertOrSwipe, Status: kernel.StatusProcessingError}
	uiTryAnother    = kernel.UIRequest{Message: kernel.MessageTryAnotherCard, Status: kernel.StatusReadyToRead}
)

// startB asks for the card until an outcome leaves the entry point, at most as
// often as the configuration says; then the last outcome stands.
func (s *session) startB(ctx context.Context) error {
	for s.tap.Taps < s.t.config.MaxTaps {
		err := s.activate(ctx)
		if errors.Is(err, ErrNoCard) && s.tap.Outcome.Kind != 0 {
			s.note("EMV Book B, 3.2", "the card did not come back: the last outcome stands")
			return nil
		}
		if err != nil {
			return err
		}
		if done, err := s.dispatch(ctx, s.selectAndRun(ctx)); done {
			return err
		}
	}
	if s.trace != nil {
		s.trace.stepf("EMV Book B, 3.5", "the card was asked for %d times: the last outcome stands", s.tap.Taps)
	}
	return nil
}

// dispatch is what the entry point does with the outcome of a tap, or with the
// error that took its place. False is to start again at Start B.
func (s *session) dispatch(ctx context.Context, err error) (done bool, _ error) {
	if errors.Is(err, apdu.ErrLost) {
		s.note("EMV Book B, 3.3", "the card left the field during selection: start again")
		s.start = kernel.StartB
		s.tap.Outcome = kernel.Outcome{Kind: kernel.TryAgain, Start: kernel.StartB,
			Reason: kernel.Step{Rule: "EMV Book B, 3.3", Text: "the card left the field during selection"}}
		return false, nil
	}
	if err == nil {
		err = s.finish(ctx)
	}
	if err != nil || !restartsAtOnce(&s.tap.Outcome) {
		return true, err
	}
	s.start, s.again = kernel.StartB, true
	return false, nil
}

// restartsAtOnce is true for outcomes that ask for the card again without
// waiting for a host: Try Again, and End Application with Start B, which is a
// phone's second tap.
func restartsAtOnce(o *kernel.Outcome) bool {
	return o.Start == kernel.StartB && (o.Kind == kernel.TryAgain || o.Kind == kernel.EndApplication)
}

// activate is protocol activation (EMV Book B, 3.2): one card in the field.
func (s *session) activate(ctx context.Context) error {
	restart := s.uiRestart
	s.uiRestart = nil
	switch shown := s.tap.Outcome.UI; {
	case restart == nil:
		s.show(&uiPresentCard)
	case shown == nil || *shown != *restart: // else it stands on the display
		s.show(restart)
	}
	for {
		s.tap.Taps++
		var err error
		s.card, err = s.field.Activate(ctx)
		if !errors.Is(err, ErrCollision) {
			return err
		}
		s.show(&uiCollision)
		if s.tap.Taps >= s.t.config.MaxTaps {
			return fmt.Errorf("%w: gave up after %d attempts", err, s.tap.Taps)
		}
		if err := s.field.Off(ctx, 0); err != nil {
			return err
		}
		s.show(&uiOneCard)
	}
}

// selectAndRun lists the candidates and goes on at Start C.
func (s *session) selectAndRun(ctx context.Context) error {
	if err := s.buildCandidates(ctx, s.card); err != nil {
		return err
	}
	return s.startC(ctx)
}

// startC selects the best candidate and runs its kernel, until one gives
// another outcome than Select Next (EMV Book B, 3.3.3).
func (s *session) startC(ctx context.Context) error {
	for {
		c := s.best()
		if c == nil {
			s.nothingLeft(s.whyNothing())
			return nil
		}
		selected, err := s.finalSelect(ctx, c)
		if err != nil {
			return err
		}
		if !selected && s.issuer != nil {
			s.nothingLeft("the application is gone: the issuer's data cannot be delivered")
			return nil
		}
		if !selected {
			c.discarded = true
			continue
		}
		if err := s.activateKernel(ctx, c); err != nil || s.tap.Outcome.Kind != kernel.SelectNext {
			return err
		}
		s.selectNext(c)
	}
}

// selectNext drops a candidate whose kernel wants another (EMV Book B, 3.5):
// entry at Start C, and a restart.
func (s *session) selectNext(c *candidate) { c.discarded, s.start, s.again = true, kernel.StartC, true }

func (s *session) nothingLeft(why string) {
	s.note(ruleSelect, why)
	s.tap.Outcome = kernel.Outcome{Kind: kernel.EndApplication, UI: &uiTryAnother, Reason: kernel.Step{Rule: ruleSelect, Text: why}}
}

// whyNothing is why there is no application left: what the last kernel said, or
// the card to SELECT, or what is not for this amount, or nothing in common at
// all.
func (s *session) whyNothing() string {
	switch {
	case s.tap.Outcome.Kind == kernel.SelectNext:
		return "no other application is left: " + s.tap.Outcome.Reason.Text
	case s.dropped != "":
		return "no other application is left: " + s.dropped
	case s.barred:
		return "the reader does not take the card's application for this type and amount"
	case s.unknownKernel != 0 && len(s.candidates) == 0:
		return fmt.Sprintf("the card asks for kernel %d, which this terminal does not have, and has no other application for it", s.unknownKernel)
	}
	return "card and reader have no application in common"
}

// finalSelect selects a candidate; false drops it.
func (s *session) finalSelect(ctx context.Context, c *candidate) (selected bool, err error) {
	command := c.selectCommand(s.act.Buffer[:0])
	answer, err := apdu.ExchangeBytes(ctx, s.card, command)
	if err != nil {
		return false, err
	}
	if answer.Status != apdu.StatusOK {
		s.drop(fmt.Sprintf("the card answers %s to SELECT %X", answer.Status.Error(), c.adf))
		return false, nil
	}
	fci, wellFormed := kernel.ParseFCI(answer.Data)
	if !wellFormed {
		s.note(ruleSelect, "the SELECT answer is no well-formed file control information")
	}
	if c.visaNeedsAnother(&fci) && !s.olderVisa(c) {
		s.drop("a Visa application whose PDOL does not ask for 9F66 is not for kernel 3")
		return false, nil
	}
	s.act.FCI = fci
	if s.trace != nil {
		s.trace.stepf(ruleSelect, "selected %X for kernel %d", c.adf, c.combo.Kernel)
	}
	return true, nil
}

// drop notes why a candidate is out; the first reason stays.
func (s *session) drop(why string) {
	s.note(ruleSelect, why+": candidate dropped")
	if s.dropped == "" {
		s.dropped = why
	}
}

// olderVisa hands a Visa application without 9F66 in its PDOL to kernel 1,
// where the reader has one for it.
func (s *session) olderVisa(c *candidate) bool {
	for i := range s.t.combos {
		older := &s.t.combos[i]
		if older.usable && older.Kernel == 1 && string(older.AID) == string(c.combo.AID) {
			c.combo = older
			return true
		}
	}
	return false
}

// activateKernel runs the kernel of a candidate, whose FCI is in place, to an
// outcome (EMV Book B, 3.4).
func (s *session) activateKernel(ctx context.Context, c *candidate) error {
	tx := &s.act.Transaction
	if s.req.UnpredictableNumber != nil {
		tx.UnpredictableNumber = *s.req.UnpredictableNumber
	} else if _, err := io.ReadFull(s.t.env.Rand, tx.UnpredictableNumber[:]); err != nil {
		return fmt.Errorf("unpredictable number: %w", err)
	}
	combo := c.combo
	s.current = c
	s.tap.KernelID, s.tap.AID, s.tap.FCI, s.tap.UnpredictableNumber = combo.Kernel, c.adf, s.act.FCI.Raw, tx.UnpredictableNumber
	a := s.act
	a.Card, a.AID, a.Start, a.Restart = s.card, c.adf, s.start, s.again
	a.IssuerData, a.Authorised, a.CVM = s.issuer, s.authorised, s.cvm
	a.Indicators, a.TTQ, a.Config = combo.indicators, combo.ttq, &combo.config
	var err error
	s.tap.Outcome, err = combo.kernel.Run(ctx, a)
	return err
}

// finish does what every outcome asks for, in the order of EMV Book B, 3.5:
// show, switch the field off, keep the message for a restart.
func (s *session) finish(ctx context.Context) error {
	o := &s.tap.Outcome
	if o.UI != nil {
		s.show(o.UI)
	}
	s.uiRestart = o.UIRestart
	if o.FieldOff != nil {
		return s.field.Off(ctx, *o.FieldOff)
	}
	return nil
}

// resume restarts the transaction after the host's answer: at Start B with a
// new tap, or at Start D with the card still in the field, which may lead to a
// new tap all the same.
func (s *session) resume(ctx context.Context, start kernel.Start) error {
	s.start, s.again = start, true
	if start == kernel.StartD {
		err := s.activateKernel(ctx, s.current)
		if err == nil && s.tap.Outcome.Kind == kernel.SelectNext {
			s.selectNext(s.current)
			err = s.startC(ctx)
		}
		if done, err := s.dispatch(ctx, err); done {
			return err
		}
	}
	return s.startB(ctx)
}

func (s *session) show(ui *kernel.UIRequest) { s.t.display(*ui) }

// display keeps a request for the result and shows it.
func (t *Terminal) display(ui kernel.UIRequest) {
	t.shown = append(t.shown, ui)
	if t.env.Display != nil {
		t.env.Display(ui)
	}
}
