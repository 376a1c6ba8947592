package issuer

import (
	"fmt"
	"time"
)

// While a payment is disputed, its merchant may give the money back by itself: by
// a reversal, or by a refund that covers it. The customer has the money already,
// so it goes to where the bank took the credit from, and of the dispute is over
// what was given back.

// disputed is how much of a payment the customer has back only for now.
func (t *Tx) disputed(payment *Record) (sum int64, err error) {
	if payment.Refunded == 0 { // a dispute counts there
		return 0, nil
	}
	open, err := t.OpenDisputes(payment.Seq)
	for n := range open {
		sum += open[n].Amount
	}
	return sum, err
}

// portion is the share of a dispute that belongs to an amount of it. Shares add up
// to the whole; credit is the record of the whole.
func (d *Dispute) portion(credit *Record, amount int64) portion {
	p := portion{amount: amount, billed: d.Billed}
	if amount < d.Amount {
		p.billed = share(d.Billed, amount, d.Amount)
	}
	if credit.Billing == credit.Currency {
		p.fee = p.billed - amount
	} else {
		p.fee = share(credit.Fee, d.Billed, credit.Billed) - share(credit.Fee, d.Billed-p.billed, credit.Billed)
	}
	return p
}

// settleDisputes gives the bank what a merchant pays of the disputed part of a
// payment, at most what is disputed, and books it under the record that asked for it.
func (t *Tx) settleDisputes(by, payment *Record, amount int64) (sum portion, err error) {
	open, err := t.OpenDisputes(payment.Seq)
	for n := 0; err == nil && n < len(open) && amount > 0; n++ {
		var p portion
		if p, err = t.settleDispute(&open[n], by, payment, min(amount, open[n].Amount)); err == nil {
			amount -= p.amount
			sum = sum.add(p)
		}
	}
	return sum, err
}

// settleDispute settles an amount of one dispute, at most all of it, and tells the
// customer.
func (t *Tx) settleDispute(d *Dispute, by, payment *Record, amount int64) (portion, error) {
	credit, ok, err := t.RecordBySequence(d.ID)
	if err != nil || !ok {
		return portion{}, errorOr(err, "issuer: the credit of dispute %d is gone", d.ID)
	}
	p := d.portion(&credit, amount)
	ours, err := t.internal(ownDisputed, payment.Billing)
	if err == nil {
		err = t.pay(movement{by, true}, payment, ours, p)
	}
	if err != nil {
		return p, err
	}
	d.Changed = by.Time
	text := "the merchant gave back " + money(amount, payment.Currency) + " of the payment that you dispute; "
	if amount == d.Amount {
		a, ok, err := t.Account(d.Account)
		if err != nil || !ok {
			return p, errorOr(err, "issuer: no account %s", d.Account)
		}
		a.Disputes--
		t.PutAccount(a)
		d.State = DisputeSettled
		text += "you keep the money, and the dispute is over"
	} else {
		d.Amount, d.Billed = d.Amount-p.amount, d.Billed-p.billed
		text += "that you keep, and we look into the other " + money(d.Amount, payment.Currency)
	}
	t.PutDispute(*d)
	t.Notify(Notice{Account: d.Account, Kind: NoticeInfo, Text: text, Record: payment.Seq, Time: by.Time.UTC().Truncate(time.Second)})
	return p, nil
}

// reverseDisputed reverses a part of a payment that its customer has back for now.
// The payment stands for less, and less of it went back.
func (t *Tx) reverseDisputed(by, payment *Record, amount int64) (portion, error) {
	p, err := t.settleDisputes(by, payment, amount)
	if err == nil {
		err = t.count(payment, by.Time, -p.billed)
	}
	if err != nil {
		return p, err
	}
	payment.Amount, payment.Billed, payment.Fee = payment.Amount-p.amount, payment.Billed-p.billed, payment.Fee-p.fee
	payment.Refunded, payment.Returned = payment.Refunded-p.amount, payment.Returned-p.billed
	if payment.Amount == 0 {
		payment.State = RecordReversed
	}
	t.PutRecord(*payment)
	return p, nil
}

// nothingLeft refuses to give back what went back before, and says where it is
// only for now.
func (t *Tx) nothingLeft(payment *Record) error {
	open, err := t.OpenDisputes(payment.Seq)
	switch {
	case err != nil:
		return err
	case len(open) > 0:
		return refuse("nothing-left", fmt.Sprintf("it is disputed: `tapsim bank resolve %d accepted` has the merchant pay for it", open[0].ID),
			"nothing is left of payment %d: its customer has the money back for now", payment.Seq)
	}
	return refuse("nothing-left", "", "nothing is left of payment %d: it went back before", payment.Seq)
}

// add is both portions.
func (p portion) add(q portion) portion {
	return portion{p.amount + q.amount, p.billed + q.billed, p.fee + q.fee}
}
