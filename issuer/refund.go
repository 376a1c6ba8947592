package issuer

import (
	"context"
	"fmt"
	"time"
)

// nameOriginal notes the payment that a refund names, and what of it is disputed.
func (p *payment) nameOriginal(tx *Tx) (err error) {
	if p.original, err = p.namedOriginal(tx); err == nil && p.original != nil {
		p.disputed, err = tx.disputed(p.original)
	}
	return err
}

// namedOriginal finds the payment that a refund names by its retrieval reference
// number; nil when it names none that the bank knows.
func (p *payment) namedOriginal(tx *Tx) (*Record, error) {
	if p.reference == "" {
		return nil, nil
	}
	found, ok, err := tx.recordByReference(p.reference, func(r *Record) bool { return r.Instrument == p.index })
	if err == nil && ok && found.Event == EventRefund && found.Related != 0 { // an earlier refund of the same
		found, ok, err = tx.RecordBySequence(found.Related)
	}
	if err != nil || !ok || found.Instrument != p.index || !found.Event.spends() || found.State == RecordNoted {
		return nil, err
	}
	if found.State == RecordCaptured && found.Related != 0 {
		found, ok, err = tx.RecordBySequence(found.Related)
	}
	if err != nil || !ok {
		return nil, err
	}
	return &found, nil
}

// checkRefund checks the request of a refund. One that names its payment may not
// give back more than is left of it; one that names none is taken on the
// merchant's word, as the schemes have it, for the card that was tapped. Where
// none was, anybody who knows its number could have asked, so there is a limit.
func (i *Issuer) checkRefund(tx *Tx, p *payment, report *Report) (err error) {
	if err = p.nameOriginal(tx); err != nil {
		return err
	}
	original := p.original
	switch {
	case original == nil && p.proof == nil && i.inOwnCurrency(p) > i.config.Unverified:
		p.refuse(OverLimit)
		if report != nil {
			report.because("refund", Failed, CauseLimit, fmt.Sprintf("%s without a cryptogram and without a payment that it names; up to %s is taken on the merchant's word",
				money(p.amount, p.currency), money(i.config.Unverified, i.config.Currency)))
		}
	case original == nil:
		report.step("refund", OK, "it names no payment that the bank knows, and is taken on the merchant's word")
	case original.Currency != p.currency:
		p.refuse(InvalidTransaction)
		report.step("refund", Failed, "the payment that field 37 names is in another currency")
	case original.State != RecordPosted:
		p.refuse(InvalidTransaction)
		if report != nil {
			report.step("refund", Failed, "the payment that field 37 names is "+original.State.String()+", not posted")
		}
	case p.amount > p.returnable():
		p.refuse(InvalidAmount)
		if report != nil {
			report.step("refund", Failed, fmt.Sprintf("%s is to go back, of the payment are left %s", money(p.amount, p.currency), money(p.returnable(), p.currency)))
		}
	case report != nil:
		report.step("refund", OK, fmt.Sprintf("of the payment that field 37 names are left %s", money(p.returnable(), p.currency)))
	}
	return nil
}

// returnable is how much may go back of the payment that a refund names. What is
// disputed may: the customer has it only for now.
func (p *payment) returnable() int64 { return p.original.rest() + p.disputed }

// unreturnable says why not so much may go back of the payment that a refund names,
// "" when it may, and when the refund names none.
func (p *payment) unreturnable() string {
	switch original := p.original; {
	case original == nil:
		return ""
	case original.Currency != p.currency:
		return "the payment that it names is in another currency"
	case original.State != RecordPosted, p.amount > p.returnable():
		return "more is to go back than is left of the payment"
	}
	return ""
}

// credit books a refund: to the rate of its payment where it names one, at the
// rate of the day otherwise.
func (i *Issuer) credit(tx *Tx, p *payment, record *Record, report *Report) error {
	part := portion{record.Amount, record.Billed, 0}
	if original := p.original; original != nil {
		back := min(p.amount, original.rest())
		if part = (portion{}); back > 0 {
			part = original.portion(back)
			tx.refunded(original, part)
		}
		settled, err := tx.settleDisputes(record, original, p.amount-back)
		if err != nil {
			return err
		}
		if settled.amount > 0 && report != nil {
			report.step("dispute", OK, fmt.Sprintf("of %s the customer has the credit and keeps it: the merchant has paid", money(settled.amount, p.currency)))
		}
		whole := part.add(settled)
		record.Related, record.Billed, record.Fee = original.Seq, whole.billed, whole.fee
	}
	record.State = RecordCredited
	report.step("posting", OK, "posted to the ledger")
	return tx.pay(movement{record, true}, record, record.Account, part)
}

// RefundRequest gives a payment back, as its merchant would.
type RefundRequest struct {
	Payment     int64  `json:"payment"`
	Amount      string `json:"amount,omitempty"` // in the payment's currency; "": what is left
	Idempotency string `json:"-"`
}

// Refund gives a posted payment back, wholly or in part; never more than is
// left of it.
func (i *Issuer) Refund(ctx context.Context, r RefundRequest) (PaymentState, error) {
	return change(ctx, i, "refund", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		payment, amount, err := tx.givenBack(r.Payment, r.Amount)
		if err != nil {
			return PaymentState{}, err
		}
		record, err := tx.newRecord(EventRefund, payment.Account, payment.Currency, amount, at)
		if err != nil {
			return PaymentState{}, err
		}
		record.about(payment)
		part := payment.portion(amount)
		record.Billed, record.Fee, record.State = part.billed, part.fee, RecordCredited
		tx.refunded(payment, part)
		if err := tx.pay(movement{&record, true}, payment, payment.Account, part); err != nil {
			return PaymentState{}, err
		}
		tx.PutRecord(record)
		return record.view(), tellBack(tx, payment, "refunded", "", amount, at)
	})
}

// givenBack finds a posted payment and how much of it is to go back.
func (t *Tx) givenBack(id int64, text string) (*Record, int64, error) {
	payment, err := t.payment(id)
	if err != nil {
		return nil, 0, err
	}
	if payment.State == RecordHeld {
		return nil, 0, refuse("payment-pending", "complete it first with `tapsim bank complete` or `clear`, or undo it with `reverse`",
			"payment %d is only held: no money has moved yet", payment.Seq)
	}
	rest := payment.rest()
	if rest <= 0 {
		return nil, 0, t.nothingLeft(payment)
	}
	if text == "" {
		return payment, rest, nil
	}
	amount, err := amountIn(text, payment.Currency)
	if err == nil && amount > rest {
		err = refuse("over-refund", "ask for "+money(rest, payment.Currency)+" at most", "of payment %d only %s are left", payment.Seq, money(rest, payment.Currency))
	}
	return payment, amount, err
}
