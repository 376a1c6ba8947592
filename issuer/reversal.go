package issuer

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tapsim/emv"
	"tapsim/iso8583"
)

// originalKey is the retrieval key of the message that field 90 names: type,
// trace number, time, acquirer; terminal and merchant are those of the message
// itself. It is "" without a well-formed field 90.
func originalKey(m *iso8583.Message, now time.Time) string {
	d := m.OriginalData
	if len(d) != 42 || !digitsOnly(d) || !validTransmission(d[10:20]) {
		return ""
	}
	return retrievalKey(original(iso8583.MTI(d[:4])), d[10:20], d[4:10], d[20:31], m, now)
}

// undo is a reversal taken apart.
type undo struct {
	kind
	request   *iso8583.Message
	at        time.Time
	key       string // its own
	original  string // key of the original by field 90, or ""
	reference string
	index     PANIndex // zero when the message names no account number
	left      int64    // minor units that stay, from field 95; usually 0
}

func (i *Issuer) readReversal(m *iso8583.Message, k kind) (*undo, error) {
	if err := checkCommon(m); err != nil {
		return nil, err
	}
	u := &undo{kind: k, request: m, at: i.now().UTC().Truncate(time.Second), reference: reference(m)}
	u.key = retrievalKey(original(m.MTI), m.TransmissionTime, m.STAN, m.AcquirerID, m, u.at)
	if m.OriginalData != "" {
		if u.original = originalKey(m, u.at); u.original == "" {
			return nil, fault(90, "is not 42 digits that name a message")
		}
	}
	if u.original == "" && u.reference == "" {
		return nil, fault(90, "is missing, and so is field 37: nothing says what to reverse")
	}
	if pan := emv.PAN(panOf(m)); pan != "" {
		u.index = i.store.IndexPAN(pan)
	}
	if m.ReplacementAmounts != "" {
		left, err := strconv.ParseInt(m.ReplacementAmounts[:min(12, len(m.ReplacementAmounts))], 10, 64)
		if len(m.ReplacementAmounts) != 42 || err != nil || left < 0 {
			return nil, fault(95, "does not start with an amount of 12 digits, or is not 42 long")
		}
		u.left = left
	}
	return u, nil
}

// reversal undoes a payment: its hold is released, its entries are returned. It
// may come again, come when the payment never did, and come in several
// messages; money goes back once.
func (i *Issuer) reversal(ctx context.Context, request *iso8583.Message, k kind, report *Report) (*iso8583.Message, error) {
	u, err := i.readReversal(request, k)
	if err != nil {
		report.step("format", Failed, err.Error())
		return respond(request, FormatError), nil
	}
	report.step("format", OK, "the fields that a reversal needs are there and well-formed")
	mark := report.mark()
	var answer *iso8583.Message
	err = i.store.Update(ctx, []string{u.key, u.original}, func(tx *Tx) (err error) {
		report.rewind(mark)
		answer, err = i.undo(tx, u, report)
		return err
	})
	return answer, err
}

func (i *Issuer) undo(tx *Tx, u *undo, report *Report) (*iso8583.Message, error) {
	first, found, err := tx.Record(u.key)
	if err != nil {
		return nil, err
	}
	if found {
		report.repeated()
		report.step(stepRepeat, OK, "this message came before: the first answer was given again, no money moves")
		return decodeAnswer(u.request, first.Answer)
	}
	record := Record{Key: u.key, Instrument: u.index, Time: u.at, State: RecordNoted}
	if record.Seq, err = tx.NextSequence(); err != nil {
		return nil, err
	}
	payment, found, err := u.find(tx)
	switch {
	case err != nil:
		return nil, err
	case found && payment.State != RecordOrphan:
		record.Code, err = u.undoPayment(tx, &payment, &record, report)
	default:
		record.Code, err = u.leaveOrphan(tx, found, report)
	}
	if err != nil {
		return nil, err
	}
	answer := respond(u.request, record.Code)
	record.Answer = encodeAnswer(answer)
	tx.PutRecord(record)
	return answer, nil
}

// find finds the original by field 90, else by reference.
func (u *undo) find(tx *Tx) (Record, bool, error) {
	if u.original != "" {
		return tx.Record(u.original)
	}
	r, ok, err := tx.recordByReference(u.reference, func(r *Record) bool { return u.index == PANIndex{} || u.index == r.Instrument })
	if err == nil && !ok { // of another card: the answer says so
		r, ok, err = tx.recordByReference(u.reference, func(*Record) bool { return true })
	}
	if err != nil || ok {
		return r, ok, err
	}
	return tx.Record(orphanKey(u.reference))
}

// undoPayment returns what the original still holds, down to what stays.
func (u *undo) undoPayment(tx *Tx, payment, record *Record, report *Report) (Code, error) {
	m := u.request
	record.Account, record.Currency, record.Requested = payment.Account, payment.Currency, payment.Requested
	switch {
	case u.index != PANIndex{} && u.index != payment.Instrument,
		u.reference != "" && payment.Reference != "" && u.reference != payment.Reference:
		report.step("original", Failed, "the original is of another account number or reference")
		return Mismatch, nil
	case m.Amount != nil && *m.Amount != payment.Requested && (payment.Code != PartlyApproved || *m.Amount != payment.Amount):
		report.step("original", Failed, "field 4 is not the amount of the original")
		return WrongOriginalAmount, nil
	}
	record.Event, record.Related, record.Billing = EventReversal, payment.Seq, payment.Billing
	record.Merchant, record.Category, record.Country = payment.Merchant, payment.Category, payment.Country
	if payment.State == RecordCaptured {
		if completion, ok, err := tx.RecordBySequence(payment.Related); err != nil {
			return "", err
		} else if ok && completion.Event == EventCompletion { // nobody else is going to reverse it
			payment = &completion
		}
	}
	return Approved, u.giveBack(tx, payment, record, report)
}

// giveBack returns what the payment still holds, down to what stays: first what the
// customer has not got back, then what they have back for now, by a dispute.
func (u *undo) giveBack(tx *Tx, payment, record *Record, report *Report) error {
	denied, err := tx.disputed(payment)
	if err != nil {
		return err
	}
	back := max(0, min(payment.Amount-u.left, payment.rest()))
	denied = max(0, min(payment.Amount-u.left-back, denied))
	if back+denied == 0 {
		if report != nil {
			report.step("original", OK, "nothing to return: the original is "+payment.State.String())
		}
		return nil
	}
	state := payment.State
	var part, settled portion
	if back > 0 {
		part, err = tx.undo(record, payment, back)
	}
	if err == nil && denied > 0 {
		settled, err = tx.reverseDisputed(record, payment, denied)
	}
	if err == nil {
		err = tx.settleClosed(payment.Account, u.at)
	}
	if err != nil {
		return err
	}
	part = part.add(settled)
	record.Amount, record.Billed, record.Fee = part.amount, part.billed, part.fee
	if report != nil {
		report.step("original", OK, fmt.Sprintf("found, %s: %s goes back, %s stays", state, money(back, payment.Currency), money(payment.rest(), payment.Currency)))
		if denied > 0 {
			report.step("dispute", OK, fmt.Sprintf("of %s the customer has the credit and keeps it: the merchant has paid", money(denied, payment.Currency)))
		}
	}
	return tellBack(tx, payment, "reversed", u.request.TerminalID, back+denied, record.Time)
}

// leaveOrphan remembers that a payment was reversed before it came, so that it
// is refused when it comes after all. A reversal request is answered 00, an
// advice 25; both end the matter for the sender.
func (u *undo) leaveOrphan(tx *Tx, known bool, report *Report) (Code, error) {
	report.step("original", OK, "it has not come; if it comes later, it is refused")
	if !known {
		orphan := Record{Key: u.original, Instrument: u.index, Time: u.at, State: RecordOrphan}
		if orphan.Key == "" {
			orphan.Key = orphanKey(u.reference)
		}
		var err error
		if orphan.Seq, err = tx.NextSequence(); err != nil {
			return "", err
		}
		tx.PutRecord(orphan)
	}
	if u.advice {
		return NotFound, nil
	}
	return Approved, nil
}
