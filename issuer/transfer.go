package issuer

import (
	"context"
	"strconv"
	"time"
)

// maxBalance bounds what an account may hold, far from where sums overflow.
const maxBalance = 1_000_000_000_000_000

func decimalText(n int64) string { return strconv.FormatInt(n, 10) }

// TopUpRequest pays money in.
type TopUpRequest struct {
	Account     string `json:"account"`
	Amount      string `json:"amount"`           // in the account's currency
	Source      string `json:"source,omitempty"` // where from, for the statement
	Idempotency string `json:"-"`
}

// TopUp pays money into an account, from the bank's cash.
func (i *Issuer) TopUp(ctx context.Context, r TopUpRequest) (PaymentState, error) {
	return change(ctx, i, "top-up", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		a, err := tx.customer(r.Account)
		if err != nil {
			return PaymentState{}, err
		}
		amount, err := amountIn(r.Amount, a.Currency)
		if err == nil {
			err = checkText("the source", r.Source)
		}
		switch {
		case err != nil:
			return PaymentState{}, err
		case a.Balance > maxBalance-amount:
			return PaymentState{}, refuse("balance-limit", "", "account %s would hold more than %s", a.ID, money(maxBalance, a.Currency))
		}
		record, err := tx.newRecord(EventTopUp, a.ID, a.Currency, amount, at)
		if err != nil {
			return PaymentState{}, err
		}
		from, err := tx.internal(ownCash, a.Currency)
		if err != nil {
			return PaymentState{}, err
		}
		record.State, record.Merchant = RecordCredited, r.Source
		tx.PutRecord(record)
		return record.view(), tx.Move(&record, from, a.ID, amount)
	})
}

// TransferRequest moves money to another customer.
type TransferRequest struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Amount      string `json:"amount"` // in the currency of the account that pays
	Text        string `json:"text,omitempty"`
	Idempotency string `json:"-"`
}

// Transfer moves money to another customer, converted where the currencies
// differ. It goes through an account of the bank that is at zero before and
// after, so that each side's statement has a record of its own.
func (i *Issuer) Transfer(ctx context.Context, r TransferRequest) (PaymentState, error) {
	return change(ctx, i, "transfer", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		from, err := tx.payer(r.From)
		if err != nil {
			return PaymentState{}, err
		}
		to, err := tx.customer(r.To)
		if err != nil {
			return PaymentState{}, err
		}
		amount, err := amountIn(r.Amount, from.Currency)
		if err == nil {
			err = checkText("the text", r.Text)
		}
		switch {
		case err != nil:
			return PaymentState{}, err
		case from.ID == to.ID:
			return PaymentState{}, refuse("same-account", "", "a transfer needs two accounts")
		case amount > from.Available():
			return PaymentState{}, refuse("insufficient-funds", "top it up, or send less", "%s are to go, %s are available on account %s",
				money(amount, from.Currency), money(from.Available(), from.Currency), from.ID)
		}
		arrives, ok := i.config.received(amount, from.Currency, to.Currency)
		switch {
		case !ok:
			return PaymentState{}, refuse("no-rate", "", "the bank has no rate from %s to %s", alpha(from.Currency), alpha(to.Currency))
		case arrives == 0:
			return PaymentState{}, refuse("invalid-amount", "", "nothing would arrive of %s", money(amount, from.Currency))
		case to.Balance > maxBalance-arrives:
			return PaymentState{}, refuse("balance-limit", "", "the other account takes no more")
		}
		return tx.transfer(from, to, amount, arrives, r.Text, at)
	})
}

func (t *Tx) transfer(from, to Account, amount, arrives int64, text string, at time.Time) (PaymentState, error) {
	out, err := t.newRecord(EventTransferOut, from.ID, from.Currency, amount, at)
	if err != nil {
		return PaymentState{}, err
	}
	in, err := t.newRecord(EventTransferIn, to.ID, to.Currency, arrives, at)
	if err != nil {
		return PaymentState{}, err
	}
	name := ownTransfers
	if from.Currency != to.Currency {
		name = ownExchange
	}
	first, err := t.internal(name, from.Currency)
	if err != nil {
		return PaymentState{}, err
	}
	second, err := t.internal(name, to.Currency)
	if err != nil {
		return PaymentState{}, err
	}
	out.State, out.Merchant, out.Related = RecordPosted, counterparty(to.ID, text), in.Seq
	in.State, in.Merchant, in.Related = RecordCredited, counterparty(from.ID, text), out.Seq
	t.PutRecord(out)
	t.PutRecord(in)
	if err := t.Move(&out, from.ID, first, amount); err != nil {
		return PaymentState{}, err
	}
	return out.view(), t.Move(&in, second, to.ID, arrives)
}

// counterparty is the other side of a transfer on a statement.
func counterparty(account, text string) string {
	if text == "" {
		return account
	}
	return account + ": " + text
}
