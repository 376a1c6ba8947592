package terminal

import (
	"context"
	"errors"
	"fmt"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal/kernel"
)

// Pay is a whole payment: the tap, the host's decision where the kernel asks
// for one, and what must be kept for the host. Whatever the customer is told
// is in the result; an error means that no decision came about (nobody
// presented a card, the journal cannot be written, the context ended).
func (t *Terminal) Pay(ctx context.Context, f Field, r Request) (Result, error) {
	var s session
	if err := s.begin(t, f, r); err != nil {
		return Result{}, err
	}
	res := Result{}
	err := s.startA(ctx)
	if err == nil {
		err = s.complete(ctx, &res)
	}
	s.keep()
	res.Tap = s.tap
	s.describe(&res)
	return res, errors.Join(err, switchOff(ctx, f))
}

// complete takes the kernel's outcome to the end of the payment.
func (s *session) complete(ctx context.Context, res *Result) error {
	out := &s.tap.Outcome
	res.KernelOutcome = out.Kind
	switch out.Kind {
	case kernel.OnlineRequest:
		return s.authorise(ctx, res)
	case kernel.Approved:
		return s.keepAdvice(res)
	}
	if s.numberOnly() && !s.offlineOnly() {
		return s.authorise(ctx, res)
	}
	res.Outcome, res.Detail = out.Kind, out.Reason.Text
	return nil
}

// offlineOnly is true for a reader without a line, which asks no host: its TTQ
// says so (byte 1 bit 4), or its terminal type (9F35).
func (s *session) offlineOnly() bool {
	if s.act.TTQ.Has(emv.TTQOfflineOnly) {
		return true
	}
	v, ok := s.act.Config.Data.Lookup(emv.TagTerminalType)
	return ok && len(v) == 1 && emv.TerminalType(v[0]).OfflineOnly()
}

// numberOnly is true for a refund that the card declined: of the card a refund
// takes the number only, and whether there is one is the issuer's decision.
// Kernels 3 and 7 say Declined to such a card, kernel 2 End Application (EMV
// Book C-2).
func (s *session) numberOnly() bool {
	out := &s.tap.Outcome
	if s.req.Type != typeRefund || out.Type != emv.AAC || out.Card == nil || out.Start != kernel.StartNone {
		return false
	}
	if out.Kind != kernel.Declined && out.Kind != kernel.EndApplication {
		return false
	}
	_, ok := out.Card.Lookup(emv.TagTrack2)
	return ok
}

// authorise asks the host. The reversal is on disk before the request leaves,
// so that a crash, a cut line or a silent host cannot leave the cardholder
// charged.
func (s *session) authorise(ctx context.Context, res *Result) error {
	switch {
	case s.offlineOnly():
		s.decline(res, "the card asks for an online authorisation and this terminal is offline only")
		return nil
	case s.t.env.Host == nil:
		s.decline(res, "the card asks for an online authorisation and this terminal has no host")
		return nil
	}
	request, err := s.requestMessage()
	if err != nil {
		res.Outcome, res.Detail = kernel.EndApplication, err.Error()
		s.show(&uiFailed)
		return nil
	}
	if s.tap.Outcome.CVM == kernel.CVMOnlinePIN {
		if err := s.enterPIN(ctx, request); err != nil {
			s.decline(res, err.Error())
			return nil
		}
	}
	if res.Delivery, err = s.t.Deliver(ctx); err != nil {
		s.decline(res, fmt.Sprintf("earlier messages must reach the host first: %v", err))
		return nil
	}
	return s.send(ctx, res, request)
}

// send puts the reversal on disk, asks the host and acts on its answer.
func (s *session) send(ctx context.Context, res *Result, request *iso8583.Message) error {
	id, err := s.t.env.Journal.Add(s.t.env.HostName, s.reversal(request, s.act.Transaction.Time, reasonNoAnswer))
	if err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	res.Request = request
	answer, err := s.t.env.Host.Exchange(ctx, request)
	if err == nil {
		err = answers(answer, request)
	}
	switch {
	case errors.Is(err, iso8583.ErrNotSent):
		s.decline(res, fmt.Sprintf("the host cannot be reached (%v): nothing was sent", err))
		return s.t.env.Journal.Remove(id)
	case err != nil:
		res.ReversalPending = true
		s.decline(res, fmt.Sprintf("the host did not answer (%v): a reversal is queued, nothing will be charged", err))
		return nil
	}
	res.Response = answer
	return s.apply(ctx, res, id)
}

// enterPIN asks for the PIN and adds its block.
func (s *session) enterPIN(ctx context.Context, request *iso8583.Message) (err error) {
	if s.t.env.PINPad == nil {
		return errors.New("the card asks for an online PIN and this terminal has no PIN pad")
	}
	s.show(&kernel.UIRequest{Message: kernel.MessageEnterPIN, Status: kernel.StatusProcessing})
	if request.PINBlock, err = s.t.env.PINPad.PINBlock(ctx, request.PAN); err != nil {
		return fmt.Errorf("the PIN was not entered: %w", err)
	}
	request.PINCapture = longestPIN
	return nil
}

// longestPIN is field 26: a PIN has at most 12 digits (ISO 9564-1).
const longestPIN = "12"

// apply turns the host's answer into the result. The reversal is dropped only
// for an answer that the terminal can act on.
func (s *session) apply(ctx context.Context, res *Result, reversal uint64) error {
	verdict := classify(res.Response.ResponseCode, s.req.Amount)
	switch part := s.part(res.Response); {
	case verdict == partly && part == 0:
		res.ReversalPending = true
		s.decline(res, "the host approved a part only, which this terminal cannot take: a reversal is queued")
		return s.undoPart(res, reversal)
	case verdict == partly:
		verdict, res.Part = yes, part
	}
	if err := s.t.env.Journal.Remove(reversal); err != nil {
		res.ReversalPending = true
		s.decline(res, "the journal cannot be written: the reversal stays queued")
		return err
	}
	if verdict == again && s.canAskForPIN(res) {
		return s.sendWithPIN(ctx, res)
	}
	ui := &uiDeclined
	res.SoftDecline = verdict == again
	switch code := codeText(res.Response.ResponseCode); {
	case verdict == again && s.hasContacts():
		res.Outcome, res.Detail, ui = kernel.TryAnotherInterface, "the host wants the card's contacts: "+code, &uiInsert
	case verdict != yes:
		res.Outcome, res.Detail = kernel.Declined, "the host declined: "+code
	case s.verification(res) == kernel.CVMSignature:
		res.Outcome, res.Detail, ui = kernel.Approved, s.approval(res), &uiApprovedSign
	default:
		res.Outcome, res.Detail, ui = kernel.Approved, s.approval(res), &uiApproved
	}
	s.update(ctx, res)
	if res.Update == nil || res.Update.Kind != res.Outcome { // else the kernel has said so
		s.show(ui)
	}
	return nil
}

// part is the part of a purchase that the host approved, where this terminal can
// take one, else 0.
func (s *session) part(answer *iso8583.Message) int64 {
	if !s.t.config.Host.PartialApproval || s.req.Type != typePurchase || s.req.AmountOther != 0 || answer.Amount == nil {
		return 0
	}
	if part := *answer.Amount; part > 0 && part < s.req.Amount {
		return part
	}
	return 0
}

// approval is an approval in words.
func (s *session) approval(res *Result) string {
	if res.Part == 0 {
		return "the host approved"
	}
	c := &s.act.Transaction.Currency
	return fmt.Sprintf("the host approved %s of %s, %s remain to be paid by other means", c.Format(res.Part), c.Format(s.req.Amount), c.Format(s.req.Amount-res.Part))
}

// canAskForPIN is true for an answer that asks for a PIN and nothing else (65 and
// 70; 1A wants the contact chip), at a terminal that can have one entered.
func (s *session) canAskForPIN(res *Result) bool {
	code := res.Response.ResponseCode
	return (code == "65" || code == "70") && s.t.env.PINPad != nil && res.Request.PINBlock == nil
}

// tagCardDataInput is the card data input capability (EMV Book C-2).
const tagCardDataInput emv.Tag = 0xDF8117

// hasContacts is true for a terminal that can read the card's contacts, too: its
// TTQ, the card data input capability of kernel 2 or the terminal capabilities
// say so (byte 1 bit 5 of the TTQ, bit 6 of the others).
func (s *session) hasContacts() bool {
	if s.credential != nil {
		return false
	}
	if s.act.TTQ.Has(emv.TTQContact) {
		return true
	}
	for _, tag := range [...]emv.Tag{tagCardDataInput, emv.TagTerminalCapabilities} {
		if v, ok := s.act.Config.Data.Lookup(tag); ok && len(v) > 0 && v[0]&0x20 != 0 {
			return true
		}
	}
	return false
}

// sendWithPIN answers "come again with a PIN" without another tap: the same chip
// data, the PIN, and a number of its own.
func (s *session) sendWithPIN(ctx context.Context, res *Result) error {
	res.Before = &Authorisation{Request: res.Request, Response: res.Response}
	if s.req.STAN != 0 {
		s.req.STAN = s.req.STAN%maxSTAN + 1
	}
	request, err := s.requestMessage()
	if err == nil {
		err = s.enterPIN(ctx, request)
	}
	if err != nil {
		res.SoftDecline = true
		s.decline(res, "the host asks for a PIN: "+err.Error())
		return nil
	}
	return s.send(ctx, res, request)
}

// undoPart replaces the reversal that was to stand for silence by one that
// knows the answer: it says that a part was approved, under which code.
func (s *session) undoPart(res *Result, reversal uint64) error {
	m := s.reversal(res.Request, s.t.env.Now(), res.Response.ResponseCode)
	m.AuthorisationCode = res.Response.AuthorisationCode
	if _, err := s.t.env.Journal.Add(s.t.env.HostName, m); err != nil {
		return err // the first one stays and does as well
	}
	return s.t.env.Journal.Remove(reversal)
}

// update gives the issuer's data to the card, when the kernel's outcome asked
// for a restart and the answer has data for it. The decision stands whatever
// becomes of it.
func (s *session) update(ctx context.Context, res *Result) {
	asked := s.tap.Outcome
	if asked.Start == kernel.StartNone || asked.OnlineResponse == kernel.OnlineResponseNone {
		return
	}
	data := issuerData(res.Response)
	if data == nil && asked.OnlineResponse == kernel.OnlineResponseEMV {
		return
	}
	paid := s.tap
	s.tap.Outcome = kernel.Outcome{}
	s.issuer, s.authorised, s.cvm = data, res.Outcome == kernel.Approved, asked.CVM
	err := s.resume(ctx, asked.Start)
	updated := s.tap.Outcome
	paid.Taps = s.tap.Taps
	s.tap = paid // the report is of the payment
	if updated.Kind != 0 {
		res.Update = &updated
		err = errors.Join(err, s.reportScripts(res))
	}
	if err != nil {
		res.Detail += fmt.Sprintf(" (the issuer's data did not reach the card, or its result not the journal: %v)", err)
	}
}

// reportScripts queues what became of the issuer's scripts (9F5B).
func (s *session) reportScripts(res *Result) error {
	results, ok := res.Update.DataRecord.Lookup(emv.TagIssuerScriptResults)
	if !ok {
		return nil
	}
	_, err := s.t.env.Journal.Add(s.t.env.HostName, s.scriptAdvice(res, results))
	res.AdvicePending = err == nil
	return err
}

func (s *session) decline(res *Result, why string) {
	res.Outcome, res.Detail = kernel.Declined, why
	s.show(&uiDeclined)
}

// keepAdvice queues the report of an offline approval before the customer may
// go.
func (s *session) keepAdvice(res *Result) error {
	res.Outcome, res.Detail = kernel.Approved, "approved offline"
	if s.t.env.Journal == nil {
		return nil
	}
	m, err := s.advice()
	if err == nil {
		_, err = s.t.env.Journal.Add(s.t.env.HostName, m)
	}
	if err != nil {
		res.Outcome, res.Detail = kernel.Declined, "the approval cannot be kept for the host"
		return fmt.Errorf("offline approval: %w", err)
	}
	res.AdvicePending, res.Request = true, m
	return nil
}

// codeText is a response code with its meaning.
func codeText(code string) string {
	if text := iso8583.ResponseText(code); text != "" {
		return code + ", " + text
	}
	return code
}

// answerClass is what a response code means for the sale.
type answerClass byte

const (
	no answerClass = iota
	yes
	partly
	again // a soft decline: a PIN or the contact chip would help
)

// partialApproval is the response code for a part of the amount.
const partialApproval = "10"

// classify reads field 39 for a sale of that amount. 85, "no reason to
// decline", answers an account check and is no promise to pay.
func classify(code string, amount int64) answerClass {
	switch code {
	case "00", "08", "11":
		return yes
	case "85":
		if amount == 0 {
			return yes
		}
	case partialApproval:
		return partly
	case "65", "70", "1A":
		return again
	}
	return no
}
