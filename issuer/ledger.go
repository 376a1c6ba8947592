package issuer

import (
	"fmt"
	"math"
)

// The bank's own accounts, one of each in each currency. What a customer owns,
// the bank owes; its own accounts are the other side.
const (
	ownSettlement = "settlement" // what it owes to the merchants' banks
	ownCash       = "cash"       // where money that is paid in comes from
	ownExchange   = "exchange"   // the other side of a conversion
	ownFees       = "fees"       // what it earned
	ownTransfers  = "transfers"  // transfers between customers, zero at rest
	ownDisputed   = "disputed"   // provisional credit, minus
	ownLosses     = "losses"     // what nobody pays any more, minus
)

// SettlementAccount is the bank's own account, in one currency, that payments
// go to: what it owes to the merchants' banks.
func SettlementAccount(currency uint16) string { return internalAccount(ownSettlement, currency) }

func internalAccount(name string, currency uint16) string {
	digits := [3]byte{'0' + byte(currency/100%10), '0' + byte(currency/10%10), '0' + byte(currency%10)}
	return "bank:" + name + ":" + string(digits[:])
}

// internal is the name of one of the bank's own accounts, which it opens on
// first use.
func (t *Tx) internal(name string, currency uint16) (string, error) {
	id := internalAccount(name, currency)
	_, there, err := t.Account(id)
	if err == nil && !there {
		t.PutAccount(Account{ID: id, Currency: currency, Status: StatusActive, Internal: true})
	}
	return id, err
}

// portion is a part of a payment: in its own currency, in the account's with
// the fee, and the fee.
type portion struct{ amount, billed, fee int64 }

// movement is money between an account and one of the bank's own; back turns it
// around.
type movement struct {
	record *Record
	back   bool
}

func (m movement) move(t *Tx, from, to string, amount int64) error {
	if m.back {
		from, to = to, from
	}
	return t.Move(m.record, from, to, amount)
}

// pay books a part of a payment: the account pays the billed amount, the bank
// keeps its fee, converts the rest, and owes the amount to the merchant's bank.
// With back the same entries are made the other way round. of is the record
// with the currencies, which may be an earlier one than the one that books.
func (t *Tx) pay(m movement, of *Record, account string, p portion) error {
	to, err := t.internal(ownSettlement, of.Currency)
	if err != nil {
		return err
	}
	if p.fee != 0 {
		own, err := t.internal(ownFees, of.Billing)
		if err == nil {
			err = m.move(t, account, own, p.fee)
		}
		if err != nil {
			return err
		}
	}
	if of.Billing == of.Currency {
		return m.move(t, account, to, p.billed-p.fee)
	}
	ours, err := t.internal(ownExchange, of.Billing)
	if err != nil {
		return err
	}
	theirs, err := t.internal(ownExchange, of.Currency)
	if err != nil {
		return err
	}
	if err := m.move(t, account, ours, p.billed-p.fee); err != nil {
		return err
	}
	return m.move(t, theirs, to, p.amount)
}

// hold changes what is held on an account.
func (t *Tx) hold(id string, change int64) error {
	a, ok, err := t.Account(id)
	switch {
	case err != nil || !ok:
		return errorOr(err, "issuer: no account %s", id)
	case change > 0 && a.Held > math.MaxInt64-change:
		return fmt.Errorf("issuer: the holds of account %s would overflow", id)
	case a.Held+change < 0:
		return fmt.Errorf("issuer: account %s holds %d, and %d are to be released", id, a.Held, -change)
	}
	a.Held += change
	t.PutAccount(a)
	return nil
}

// rest is what a customer has not got back of a payment.
func (r *Record) rest() int64 { return r.Amount - r.Refunded }

// portion is the share of a payment that belongs to an amount of at most the
// rest. The last share is all that is left, so that shares add up to the whole.
func (r *Record) portion(amount int64) portion {
	p := portion{amount: amount, billed: r.Billed - r.Returned}
	if amount < r.rest() {
		p.billed = min(p.billed, share(r.Billed, amount, r.Amount))
	}
	p.fee = share(r.Fee, r.Returned+p.billed, r.Billed) - share(r.Fee, r.Returned, r.Billed)
	if r.Billing == r.Currency { // what is not the fee is the merchant's, to the unit
		p.fee = p.billed - amount
	}
	p.fee = max(0, min(p.fee, p.billed, r.Fee))
	return p
}

// undo takes a portion out of a payment: its hold is released, or its entries
// go back under the record that asked for it. What is left stays as it is.
func (t *Tx) undo(by, payment *Record, amount int64) (portion, error) {
	p := payment.portion(amount)
	var err error
	switch payment.State {
	case RecordHeld:
		err = t.hold(payment.Account, -p.billed)
	case RecordPosted:
		err = t.pay(movement{by, true}, payment, payment.Account, p)
	case RecordCredited:
		if err = t.pay(movement{by, false}, payment, payment.Account, p); err == nil {
			err = t.unrefund(payment, p)
		}
	default:
		err = fmt.Errorf("issuer: record %d is %s and cannot be undone", payment.Seq, payment.State)
	}
	if err == nil && payment.Event.spends() {
		err = t.count(payment, by.Time, -p.billed)
	}
	if err != nil {
		return p, err
	}
	payment.Amount, payment.Billed, payment.Fee = payment.Amount-p.amount, payment.Billed-p.billed, payment.Fee-p.fee
	if payment.Amount == 0 {
		payment.State = RecordReversed
	}
	t.PutRecord(*payment)
	return p, nil
}

// refunded notes on a payment that a portion of it went back.
func (t *Tx) refunded(payment *Record, p portion) {
	payment.Refunded += p.amount
	payment.Returned += p.billed
	t.PutRecord(*payment)
}

// unrefund notes on the payment of a refund that the refund was undone.
func (t *Tx) unrefund(refund *Record, p portion) error {
	if refund.Related == 0 {
		return nil
	}
	payment, ok, err := t.RecordBySequence(refund.Related)
	if err != nil || !ok {
		return errorOr(err, "issuer: the payment %d of a refund is gone", refund.Related)
	}
	payment.Refunded -= p.amount
	payment.Returned -= p.billed
	t.PutRecord(payment)
	return nil
}
