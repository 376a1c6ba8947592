package c3

import (
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// hold is how long a message stays before the next, and how long the field
// stays off before a phone's second tap: 13 units of 100 ms.
var hold = 1300 * time.Millisecond

// zero is the field-off request of an issuer update: poll again at once.
var zero time.Duration

// Messages of the outcomes (Book C-3; Book A, 9.2). They are shared
// and never written to.
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

// outcome turns a verdict into the outcome with its parameters.
func (r *run) outcome(v verdict) kernel.Outcome {
	o := kernel.Outcome{Card: r.card, Type: r.kind, ODA: r.oda, ODANote: r.odaNote, Reason: r.reason}
	switch v {
	case approve:
		r.approved(&o)
	case goOnline:
		r.onlineRequest(&o)
	case decline:
		o.Kind, o.CVM = kernel.Declined, kernel.CVMNotRequired
		o.UI = r.withBalance(&uiDeclined, &o)
		if r.scripts != nil { // the host wants to hear of them all the same
			o.DataRecord = r.dataRecord()
		}
	case useContact:
		o.Kind, o.UI, o.Alternate = kernel.TryAnotherInterface, &uiInsertCard, kernel.InterfaceContact
	case useOther:
		o.Kind, o.UI = kernel.TryAnotherInterface, &uiInsertSwipe
	case selectNext:
		o.Kind, o.Start = kernel.SelectNext, kernel.StartC
	case seePhone:
		o.Kind, o.Start, o.FieldOff = kernel.TryAgain, kernel.StartB, &hold
		o.UI, o.UIRestart = &uiSeePhone, &uiSeePhoneTap
	case presentAgain:
		o.Kind, o.Start = kernel.TryAgain, kernel.StartB
		o.UI, o.UIRestart = &uiPresentAgain, &uiPresentAgain
	default:
		o.Kind, o.UI = kernel.EndApplication, &uiTryAnother
	}
	return o
}

func (r *run) approved(o *kernel.Outcome) {
	o.Kind, o.CVM = kernel.Approved, r.cvm
	o.UI = r.withBalance(&uiApproved, o)
	if r.cvm == kernel.CVMSignature {
		o.UI, o.Receipt = r.withBalance(&uiApprovedSign, o), true
	}
	o.DataRecord = r.dataRecord()
}

// onlineRequest asks for an authorisation, and for a second tap when both
// sides can deliver the issuer's answer to the card (5.8.1.2).
func (r *run) onlineRequest(o *kernel.Outcome) {
	o.Kind, o.CVM = kernel.OnlineRequest, r.cvm
	o.UI = r.withBalance(&uiAuthorising, o)
	o.Receipt = r.cvm == kernel.CVMSignature
	o.DataRecord = r.dataRecord()
	if r.a.TTQ.Has(emv.TTQIssuerUpdate) && r.hasCTQ && r.ctq.Has(emv.CTQIssuerUpdate) {
		o.Start, o.OnlineResponse = kernel.StartB, kernel.OnlineResponseEMV
		o.UIRestart, o.FieldOff = &uiPresentAgain, &zero
	}
}

// withBalance is ui with the card's available offline spending amount, where
// the card gave one (4.3.1.1).
func (r *run) withBalance(ui *kernel.UIRequest, o *kernel.Outcome) *kernel.UIRequest {
	aosa := r.card.get(slotAOSA)
	if aosa == nil {
		return ui
	}
	amount, err := emv.BCD(aosa)
	if err != nil {
		return ui
	}
	o.Discretionary = emv.List{{Tag: emv.TagAOSA, Value: aosa}}
	shown := *ui
	shown.Value = &kernel.UIValue{Balance: true, Amount: int64(amount), Currency: r.a.Transaction.Currency}
	return &shown
}

// dataRecord is what the host needs (Book C-3), behind the card's data in the
// same memory. Tag 95 is the value that went to the card, five zero bytes: the
// card made its cryptogram before the terminal could set anything. 9F27 and 84
// are added for field 55.
func (r *run) dataRecord() emv.Coded {
	start := len(r.card.values)
	r.fromTerminal(emv.TagAmount, emv.TagAmountOther)
	r.fromCard(emv.TagCryptogram, slotCryptogram)
	if r.card.has(slotCID) {
		r.fromCard(emv.TagCID, slotCID)
	} else { // what it would be
		r.record(emv.TagCID, []byte{byte(r.kind)})
	}
	r.fromCard(emv.TagAIP, slotAIP)
	r.fromCard(emv.TagATC, slotATC)
	r.fromCard(emv.TagPANSequence, slotPSN)
	r.fromCard(emv.TagCustomerExclusive, slotExclusive)
	r.fromCard(emv.TagIAD, slotIAD)
	r.fromTerminal(emv.TagPOSEntryMode, emv.TagTerminalCountry, emv.TagTerminalCapabilities)
	r.fromCard(emv.TagTrack2, slotTrack2)
	r.fromTerminal(emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionType, emv.TagUnpredictableNumber, emv.TagTVR)
	if ffi := r.card.get(slotFormFactor); ffi != nil {
		known := [4]byte(ffi)
		known[3] &= 0xF0 // the reader knows the technology: contactless (4.1.1.1)
		r.record(emv.TagFormFactor, known[:])
	}
	if r.scripts != nil {
		r.record(emv.TagIssuerScriptResults, r.scripts)
	}
	r.fromCard(emv.TagDFName, slotDFName)
	return emv.Coded(r.card.values[start:len(r.card.values):len(r.card.values)])
}

// record adds an object to the data record.
func (r *run) record(tag emv.Tag, value []byte) {
	r.card.values = emv.AppendTLV(r.card.values, tag, value)
}

func (r *run) fromTerminal(tags ...emv.Tag) {
	for _, t := range tags {
		if v, ok := r.terminal.Lookup(t); ok {
			r.record(t, v)
		}
	}
}

func (r *run) fromCard(tag emv.Tag, s slot) {
	if v := r.card.get(s); v != nil {
		r.record(tag, v)
	}
}
