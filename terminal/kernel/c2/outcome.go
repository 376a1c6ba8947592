package c2

import (
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// outcome turns a verdict into the outcome with its parameters.
func (r *run) outcome(v verdict) kernel.Outcome {
	o := kernel.Outcome{
		Card: &r.card, Type: r.kind, ODA: r.oda, ODANote: r.odaNote, Reason: r.reason,
		CVM: r.cvm, Receipt: r.receipt, FieldOff: r.fieldOff(),
	}
	switch v {
	case approve:
		o.Kind = kernel.Approved
		r.approved(&o)
	case goOnline:
		o.Kind = kernel.OnlineRequest
		o.UI = r.ui(kernel.MessageAuthorising, kernel.StatusNotReady, 0)
	case decline:
		o.Kind = kernel.Declined
		o.UI = r.ui(kernel.MessageNotAuthorised, kernel.StatusNotReady, r.hold())
	case useContact:
		o.Kind, o.Alternate = kernel.TryAnotherInterface, kernel.InterfaceContact
		o.UI = r.ui(kernel.MessageInsertCard, kernel.StatusNotReady, r.hold())
	case selectNext:
		o.Kind, o.Start, o.FieldOff = kernel.SelectNext, kernel.StartC, nil
	case tryAgain:
		o.Kind, o.Start = kernel.TryAgain, kernel.StartB
		o.UIRestart = r.ui(kernel.MessagePresentAgain, kernel.StatusReadyToRead, 0)
	case presentAgain:
		o.Kind, o.Start = kernel.EndApplication, kernel.StartB
		o.UIRestart = r.ui(kernel.MessagePresentAgain, kernel.StatusReadyToRead, 0)
	case secondTap:
		o.Kind, o.Start = kernel.EndApplication, kernel.StartB
		o.UI = r.ui(r.phone.message, r.phone.status, r.hold())
		o.UIRestart = r.ui(r.phone.message, kernel.StatusReadyToRead, 0)
	case endWithData:
		o.Kind = kernel.EndApplication
		o.UI = r.ui(kernel.MessageClearDisplay, kernel.StatusNotReady, 0)
	case endSilently:
		o.Kind = kernel.EndApplication
	default:
		o.Kind = kernel.EndApplication
		o.UI = r.ui(kernel.MessageTryAnotherCard, kernel.StatusNotReady, r.hold())
	}
	r.data(v, &o)
	return o
}

// data adds data record and discretionary data; only an outcome of a cryptogram
// or a verification code has a record.
func (r *run) data(v verdict, o *kernel.Outcome) {
	o.Discretionary = r.discretionary()
	switch v {
	case approve, goOnline, decline, useContact, secondTap, endWithData:
		if r.mode == modeMagStripe {
			o.DataRecord = r.magStripeRecord()
		} else {
			o.DataRecord = r.dataRecord()
		}
	}
}

// approved shows the balance where it was read after the cryptogram.
func (r *run) approved(o *kernel.Outcome) {
	message := kernel.MessageApproved
	if r.cvm == kernel.CVMSignature {
		message = kernel.MessageApprovedSign
	}
	o.UI = r.ui(message, kernel.StatusNotReady, r.hold())
	if balance, err := emv.BCD(r.balances.after); err == nil && r.balances.after != nil {
		o.UI.Value = &kernel.UIValue{Balance: true, Amount: int64(balance), Currency: r.balanceCurrency()}
	}
}

// balanceCurrency is the card's currency, or the transaction's where the card
// names none that ISO 4217 knows.
func (r *run) balanceCurrency() emv.Currency {
	if code, err := emv.BCD(r.card[slotCurrency]); err == nil {
		if c, ok := emv.CurrencyByNumeric(uint16(code)); ok {
			return c
		}
	}
	return r.a.Transaction.Currency
}

func (r *run) ui(m kernel.MessageID, s kernel.Status, hold time.Duration) *kernel.UIRequest {
	return &kernel.UIRequest{Message: m, Status: s, Hold: hold}
}

// hold is how long a message stays: DF812D.
func (r *run) hold() time.Duration { return tenths(r.set.messageHold) }

// fieldOffDetection is byte 2 bit 3 of the application capabilities
// information: the card wants the field switched off between two taps.
const fieldOffDetection = 0x04

// fieldOff is the hold time value DF8130 for a card that notices it (S1.8).
func (r *run) fieldOff() *time.Duration {
	if !r.card.has(slotCapabilities) || r.card[slotCapabilities][1]&fieldOffDetection == 0 {
		return nil
	}
	d := tenths(uint64(r.set.fieldOff))
	return &d
}
