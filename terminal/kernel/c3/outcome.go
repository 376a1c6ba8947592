package c3

import (
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/rules"
)

// zero is the field-off request of an issuer update: poll again at once.
var zero time.Duration

// outcome turns a verdict into the outcome: with a data record where the host
// is to hear of it, and a second tap when both sides can deliver the issuer's
// answer to the card (5.8.1.2).
func (r *run) outcome(v rules.Verdict) kernel.Outcome {
	o := r.Outcome(v)
	if v == rules.GoOnline && r.magStripe() {
		o.DataRecord = r.trackRecord()
		return o
	}
	if v == rules.Approve || v == rules.GoOnline || v == rules.Decline && r.scripts != nil {
		o.DataRecord = r.dataRecord()
	}
	if v == rules.GoOnline && r.A.TTQ.Has(emv.TTQIssuerUpdate) && r.HasCTQ && r.CTQ.Has(emv.CTQIssuerUpdate) {
		o.Start, o.OnlineResponse = kernel.StartB, kernel.OnlineResponseEMV
		o.UIRestart, o.FieldOff = rules.PresentAgainUI, &zero
	}
	return o
}

// dataRecord is what the host needs (Book C-3). Tag 95 is the value that went to
// the card, five zero bytes: the card made its cryptogram before the terminal
// could set anything. 9F27 and 84 are added for field 55, and how the cardholder
// was verified: 9F34, and what the card said of it, 9F6C, so that the issuer can
// tell whether that can be true.
func (r *run) dataRecord() emv.Coded {
	mark := r.Mark()
	r.RecordTerminal(emv.TagAmount, emv.TagAmountOther)
	r.RecordCard(emv.TagCryptogram, rules.Cryptogram)
	r.RecordType()
	r.RecordCard(emv.TagAIP, rules.AIP)
	r.RecordCard(emv.TagATC, rules.ATC)
	r.RecordCard(emv.TagPANSequence, rules.PSN)
	r.RecordCard(emv.TagCustomerExclusive, rules.Exclusive)
	r.RecordCard(emv.TagIAD, rules.IAD)
	r.RecordTerminal(emv.TagPOSEntryMode, emv.TagTerminalCountry, emv.TagTerminalCapabilities)
	r.RecordCard(emv.TagTrack2, rules.Track2)
	r.RecordTerminal(emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionType, emv.TagUnpredictableNumber, emv.TagTVR)
	r.RecordVerification()
	r.RecordCard(emv.TagCTQ, rules.CTQ)
	if ffi := r.Card.Get(rules.FormFactor); ffi != nil {
		known := [4]byte(ffi)
		known[3] &= 0xF0 // the reader knows the technology: contactless (4.1.1.1)
		r.Record(emv.TagFormFactor, known[:])
	}
	if r.scripts != nil {
		r.Record(emv.TagIssuerScriptResults, r.scripts)
	}
	r.RecordCard(emv.TagDFName, rules.DFName)
	return r.RecordFrom(mark)
}
