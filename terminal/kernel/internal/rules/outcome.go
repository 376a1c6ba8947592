package rules

import (
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// hold is how long a message stays before the next, and how long the field
// stays off before a phone's second tap: 13 units of 100 ms.
var hold = 1300 * time.Millisecond

// Messages of the outcomes (Book A, 9.2). They are shared and never written to.
var (
	uiApproved     = kernel.UIRequest{Message: kernel.MessageApproved, Status: kernel.StatusCardRead}
	uiApprovedSign = kernel.UIRequest{Message: kernel.MessageApprovedSign, Status: kernel.StatusCardRead}
	uiDeclined     = kernel.UIRequest{Message: kernel.MessageNotAuthorised, Status: kernel.StatusCardRead}
	uiAuthorising  = kernel.UIRequest{Message: kernel.MessageAuthorising, Status: kernel.StatusProcessing}
	uiInsertCard   = kernel.UIRequest{Message: kernel.MessageInsertCard, Status: kernel.StatusProcessingError, Hold: hold}
	uiInsertSwipe  = kernel.UIRequest{Message: kernel.MessageInsertOrSwipe, Status: kernel.StatusProcessingError, Hold: hold}
	uiTryAnother   = kernel.UIRequest{Message: kernel.MessageTryAnotherCard, Status: kernel.StatusProcessingError, Hold: hold}
	uiSeePhone     = kernel.UIRequest{Message: kernel.MessageSeePhone, Status: kernel.StatusProcessingError, Hold: hold}
	uiSeePhoneTap  = kernel.UIRequest{Message: kernel.MessageSeePhone, Status: kernel.StatusReadyToRead}
	uiPresentAgain = kernel.UIRequest{Message: kernel.MessagePresentAgain, Status: kernel.StatusReadyToRead}
)

// PresentAgainUI asks for the card once more.
var PresentAgainUI = &uiPresentAgain

// Outcome turns a verdict into the outcome with its parameters, but for the
// data record, which is the kernel's.
func (r *Run) Outcome(v Verdict) kernel.Outcome {
	o := kernel.Outcome{Card: r.Card, Type: r.Kind, ODA: r.ODA, ODANote: r.ODANote, Reason: r.Reason}
	switch v {
	case Approve:
		o.Kind, o.CVM, o.Receipt = kernel.Approved, r.CVM, r.CVM == kernel.CVMSignature
		o.UI = r.withBalance(&uiApproved, &o)
		if o.Receipt {
			o.UI = r.withBalance(&uiApprovedSign, &o)
		}
	case GoOnline:
		o.Kind, o.CVM, o.Receipt = kernel.OnlineRequest, r.CVM, r.CVM == kernel.CVMSignature
		o.UI = r.withBalance(&uiAuthorising, &o)
	case Decline:
		o.Kind, o.CVM = kernel.Declined, kernel.CVMNotRequired
		o.UI = r.withBalance(&uiDeclined, &o)
	case UseContact:
		o.Kind, o.UI, o.Alternate = kernel.TryAnotherInterface, &uiInsertCard, kernel.InterfaceContact
	case UseOther:
		o.Kind, o.UI = kernel.TryAnotherInterface, &uiInsertSwipe
	case SelectNext:
		o.Kind, o.Start = kernel.SelectNext, kernel.StartC
	case SeePhone:
		o.Kind, o.Start, o.FieldOff = kernel.TryAgain, kernel.StartB, &hold
		o.UI, o.UIRestart = &uiSeePhone, &uiSeePhoneTap
	case PresentAgain:
		o.Kind, o.Start = kernel.TryAgain, kernel.StartB
		o.UI, o.UIRestart = &uiPresentAgain, &uiPresentAgain
	default:
		o.Kind, o.UI = kernel.EndApplication, &uiTryAnother
	}
	return o
}

// withBalance is ui with what the card has to spend offline, where the card
// tells.
func (r *Run) withBalance(ui *kernel.UIRequest, o *kernel.Outcome) *kernel.UIRequest {
	balance := emv.TLV{Tag: emv.TagAOSA, Value: r.Card.Get(AOSA)}
	if balance.Value == nil && r.Scheme == emv.SchemeUnionPay {
		balance = emv.TLV{Tag: emv.TagECashBalance, Value: r.Card.Get(Balance)}
	}
	amount, err := emv.BCD(balance.Value)
	if balance.Value == nil || err != nil {
		return ui
	}
	o.Discretionary = emv.List{balance}
	shown := *ui
	shown.Value = &kernel.UIValue{Balance: true, Amount: int64(amount), Currency: r.A.Transaction.Currency}
	return &shown
}

// Mark is where a data record begins: behind the card's data, in the same
// memory.
func (r *Run) Mark() int { return len(r.Card.values) }

// RecordFrom is the data record that began at a mark.
func (r *Run) RecordFrom(mark int) emv.Coded {
	return emv.Coded(r.Card.values[mark:len(r.Card.values):len(r.Card.values)])
}

// Record adds an object to the data record.
func (r *Run) Record(tag emv.Tag, value []byte) {
	r.Card.values = emv.AppendTLV(r.Card.values, tag, value)
}

// RecordTerminal adds objects of the terminal, as far as it has them.
func (r *Run) RecordTerminal(tags ...emv.Tag) {
	for _, t := range tags {
		if v, ok := r.Terminal.Lookup(t); ok {
			r.Record(t, v)
		}
	}
}

// RecordCard adds an object of the card, if it gave that.
func (r *Run) RecordCard(tag emv.Tag, s Slot) {
	if v := r.Card.Get(s); v != nil {
		r.Record(tag, v)
	}
}

// RecordType adds 9F27: the card's, or what it would be.
func (r *Run) RecordType() {
	if r.Card.Has(CID) {
		r.RecordCard(emv.TagCID, CID)
		return
	}
	r.Record(emv.TagCID, []byte{byte(r.Kind)})
}

// RecordVerification adds 9F34, the cardholder verification.
func (r *Run) RecordVerification() {
	results := cvmResults(r.CVM)
	r.Record(emv.TagCVMResults, results[:])
}

// cvmResults codes the verification as 9F34 (EMV Book 4, A4): the method, "if
// the terminal supports it" or always, and the result as far as the terminal
// knows. One on the consumer's device is written as kernel 2 does.
func cvmResults(m kernel.CVM) emv.CVMResults {
	switch m {
	case kernel.CVMSignature:
		return emv.CVMResults{byte(emv.CVMSignature), byte(emv.CVMTerminalSupports), emv.CVMUnknown}
	case kernel.CVMOnlinePIN:
		return emv.CVMResults{byte(emv.CVMOnlinePIN), byte(emv.CVMTerminalSupports), emv.CVMUnknown}
	case kernel.CVMConfirmationCode:
		return emv.CVMResults{byte(emv.CVMPlaintextPIN), byte(emv.CVMAlways), emv.CVMSuccessful}
	}
	return emv.CVMResults{byte(emv.CVMNone), byte(emv.CVMAlways), emv.CVMSuccessful}
}
