package issuer

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"tapsim/emv"
)

// HoldRequest reserves money for a payment to come: a hotel, a filling station.
type HoldRequest struct {
	Account     string `json:"account"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency,omitempty"` // ISO 4217 letters; "": the account's
	Merchant    string `json:"merchant,omitempty"`
	Category    string `json:"category,omitempty"` // merchant category code, four digits
	Country     string `json:"country,omitempty"`  // two letters; "": the bank's
	Idempotency string `json:"-"`
}

// PreAuthorise reserves money under the limits of a payment.
func (i *Issuer) PreAuthorise(ctx context.Context, r HoldRequest) (PaymentState, error) {
	return change(ctx, i, "hold", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		a, err := tx.payer(r.Account)
		if err != nil {
			return PaymentState{}, err
		}
		p, err := i.holdPayment(&r, &a, at)
		if err == nil {
			err = i.mayHold(tx, p, &a, &Record{})
		}
		if err != nil {
			return PaymentState{}, err
		}
		record, err := tx.newRecord(EventPreAuthorisation, a.ID, p.currency, p.amount, at)
		if err != nil {
			return PaymentState{}, err
		}
		record.Billing, record.Billed, record.Fee = a.Currency, p.charge.billed, p.charge.fee
		record.Merchant, record.Category, record.Country, record.State = p.merchant, p.category, p.country, RecordHeld
		if err := tx.hold(a.ID, record.Billed); err != nil {
			return PaymentState{}, err
		}
		tx.PutRecord(record)
		if err := tx.count(&record, at, record.Billed); err != nil {
			return PaymentState{}, err
		}
		return record.view(), i.tellBudgets(tx, &p.controls, &record, at)
	})
}

// holdPayment reads the request into what a message would be.
func (i *Issuer) holdPayment(r *HoldRequest, a *Account, at time.Time) (*payment, error) {
	p := &payment{at: at, currency: a.Currency, country: i.config.Country, merchant: r.Merchant}
	if r.Currency != "" {
		c, ok := emv.CurrencyByAlpha(strings.ToUpper(r.Currency))
		if !ok {
			return nil, refuse("unknown-currency", "want letters such as EUR", "%q is not a currency of ISO 4217", r.Currency)
		}
		p.currency = c.Numeric
	}
	if r.Country != "" {
		c, ok := emv.CountryByAlpha(strings.ToUpper(r.Country))
		if !ok {
			return nil, refuse("unknown-country", "want letters such as DE", "%q is not a country of ISO 3166-1", r.Country)
		}
		p.country = c.Numeric
	}
	if r.Category != "" {
		if p.category = number(r.Category); p.category == 0 || len(r.Category) != 4 {
			return nil, refuse("unknown-category", "want four digits such as 7011", "%q is not a merchant category code", r.Category)
		}
	}
	if len(r.Merchant) > 40 {
		return nil, refuse("bad-request", "", "a merchant's name has up to 40 characters")
	}
	if err := checkText("the merchant's name", r.Merchant); err != nil {
		return nil, err
	}
	var err error
	if p.amount, err = amountIn(r.Amount, p.currency); err != nil {
		return nil, err
	}
	var ok bool
	if p.charge, ok = i.config.charge(p.amount, p.currency, a.Currency, i.config.abroad(p.country, p.currency)); !ok {
		return nil, refuse("no-rate", "`tapsim bank rates` lists them", "the bank has no rate from %s to %s", alpha(p.currency), alpha(a.Currency))
	}
	return p, nil
}

// mayHold checks limits and balance for more money on hold. A hold that is raised
// is judged by limits as if it was placed now, as a whole.
func (i *Issuer) mayHold(tx *Tx, p *payment, a *Account, held *Record) error {
	if err := p.loadControls(tx, a.ID); err != nil {
		return err
	}
	whole := *p
	whole.amount, whole.charge.billed = held.Amount+p.amount, held.Billed+p.charge.billed
	whole.controls.add(held.Time, held.Category, held.Country, -held.Billed)
	limit := i.config.Limits.MaxAmount
	switch whole.checkLimits(nil); {
	case whole.amount > emv.MaxAmount:
		return refuse("invalid-amount", "", "the hold would be more than an amount field takes")
	case limit != 0 && i.inOwnCurrency(&whole) > limit:
		return refuse("over-limit", "", "%s are over the bank's limit of %s for one payment", money(whole.amount, p.currency), money(limit, i.config.Currency))
	case whole.code != "":
		return refuse("over-limit", "`tapsim bank limits` shows what remains", "a limit of account %s does not allow it", a.ID)
	}
	if p.charge.billed > a.Available() {
		return refuse("insufficient-funds", "top it up, or ask for less", "%s are asked, %s are available on account %s",
			money(p.charge.billed, a.Currency), money(a.Available(), a.Currency), a.ID)
	}
	return nil
}

// heldRecord finds a hold that is open.
func (t *Tx) heldRecord(id int64) (*Record, error) {
	r, ok, err := t.RecordBySequence(id)
	switch {
	case err != nil:
		return nil, err
	case !ok || r.Account == "":
		return nil, refuse("unknown-payment", "`tapsim bank payments ACCOUNT` lists them", "there is no payment %d", id)
	case r.State != RecordHeld:
		return nil, refuse("hold-not-open", "", "payment %d is no open hold: it is %s", id, r.State)
	}
	return &r, nil
}

// PaymentRequest names a payment and an amount of it.
type PaymentRequest struct {
	Payment     int64  `json:"payment"`
	Amount      string `json:"amount,omitempty"` // in the payment's currency; "": all
	Idempotency string `json:"-"`
}

// Increment raises a hold by an amount, at the rate of the day. From then on it
// counts and expires as if it was placed now.
func (i *Issuer) Increment(ctx context.Context, r PaymentRequest) (PaymentState, error) {
	return change(ctx, i, "increment", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		held, err := tx.heldRecord(r.Payment)
		if err != nil {
			return PaymentState{}, err
		}
		a, err := tx.payer(held.Account)
		if err != nil {
			return PaymentState{}, err
		}
		p := &payment{at: at, currency: held.Currency, country: held.Country, category: held.Category}
		if p.amount, err = amountIn(r.Amount, held.Currency); err != nil {
			return PaymentState{}, err
		}
		var ok bool
		if p.charge, ok = i.config.charge(p.amount, held.Currency, a.Currency, i.config.abroad(held.Country, held.Currency)); !ok {
			return PaymentState{}, refuse("no-rate", "`tapsim bank rates` lists them", "the bank has no rate from %s to %s", alpha(p.currency), alpha(a.Currency))
		}
		if err := i.mayHold(tx, p, &a, held); err != nil {
			return PaymentState{}, err
		}
		note, err := tx.newRecord(EventIncrement, held.Account, held.Currency, 0, at)
		if err != nil {
			return PaymentState{}, err
		}
		note.about(held)
		note.Requested = p.amount
		tx.PutRecord(note)
		if err := tx.hold(held.Account, p.charge.billed); err != nil {
			return PaymentState{}, err
		}
		if err := tx.count(held, at, -held.Billed); err != nil {
			return PaymentState{}, err
		}
		held.Amount, held.Billed, held.Fee = held.Amount+p.amount, held.Billed+p.charge.billed, held.Fee+p.charge.fee
		held.Time = at
		tx.PutRecord(*held)
		if err := tx.count(held, at, held.Billed); err != nil {
			return PaymentState{}, err
		}
		return held.view(), i.tellBudgets(tx, &p.controls, held, at)
	})
}

// Complete turns a hold into a payment: of the amount, or all of it. The rest is
// released.
func (i *Issuer) Complete(ctx context.Context, r PaymentRequest) (PaymentState, error) {
	return change(ctx, i, "complete", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		held, err := tx.heldRecord(r.Payment)
		if err != nil {
			return PaymentState{}, err
		}
		amount := held.Amount
		if r.Amount != "" {
			if amount, err = amountIn(r.Amount, held.Currency); err != nil {
				return PaymentState{}, err
			}
		}
		if amount > held.Amount {
			return PaymentState{}, refuse("above-hold", "raise the hold first with `tapsim bank increment`", "the hold is %s", money(held.Amount, held.Currency))
		}
		return i.complete(tx, held, amount, at)
	})
}

func (i *Issuer) complete(tx *Tx, held *Record, amount int64, at time.Time) (PaymentState, error) {
	record, err := tx.newRecord(EventCompletion, held.Account, held.Currency, amount, at)
	if err != nil {
		return PaymentState{}, err
	}
	record.about(held)
	before, _, err := tx.Controls(held.Account)
	if err != nil {
		return PaymentState{}, err
	}
	before.roll(at)
	part := held.portion(amount)
	record.Billed, record.Fee, record.State = part.billed, part.fee, RecordPosted
	if err := i.capture(tx, held, &record); err != nil {
		return PaymentState{}, err
	}
	tx.PutRecord(record)
	if err := tx.count(&record, at, record.Billed); err != nil {
		return PaymentState{}, err
	}
	if err := i.tellBudgets(tx, &before, &record, at); err != nil {
		return PaymentState{}, err
	}
	return record.view(), tx.pay(movement{&record, false}, &record, record.Account, part)
}

// openHolds lists the holds that are open now, of an account, or of all for "".
func (i *Issuer) openHolds(ctx context.Context, account string, keep func(*Record) bool) ([]int64, error) {
	var records []Record
	var err error
	if account == "" {
		records, err = i.store.OpenHolds(ctx, math.MaxInt32)
	} else {
		records, err = i.store.Records(ctx, account)
	}
	var out []int64
	for n := range records {
		if r := &records[n]; r.State == RecordHeld && keep(r) {
			out = append(out, r.Seq)
		}
	}
	slices.Sort(out)
	return out, err
}

// eachHold changes holds one after the other in one update; one that is gone
// meanwhile is left out.
func (t *Tx) eachHold(holds []int64, f func(held *Record) (PaymentState, error)) ([]PaymentState, error) {
	out := []PaymentState{}
	for _, id := range holds {
		held, err := t.heldRecord(id)
		var gone *Refusal
		if errors.As(err, &gone) && gone.Code == "hold-not-open" {
			continue
		}
		var s PaymentState
		if err == nil {
			s, err = f(held)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ClearRequest asks for the merchants' end of day.
type ClearRequest struct {
	Account     string `json:"account,omitempty"` // "": all
	Idempotency string `json:"-"`
}

// Clear completes the holds of payments, all or none, as when the merchants send
// in their day's batch. Pre-authorisations wait for their own completion.
func (i *Issuer) Clear(ctx context.Context, r ClearRequest) ([]PaymentState, error) {
	if r.Account != "" {
		if _, err := i.findAccount(ctx, r.Account); err != nil {
			return nil, err
		}
	}
	holds, err := i.openHolds(ctx, r.Account, func(r *Record) bool { return r.Event != EventPreAuthorisation })
	if err != nil {
		return nil, err
	}
	return change(ctx, i, "clear", r.Idempotency, r, func(tx *Tx, at time.Time) ([]PaymentState, error) {
		return tx.eachHold(holds, func(held *Record) (PaymentState, error) { return i.complete(tx, held, held.Amount, at) })
	})
}

// Reverse undoes a payment, wholly or in part: a hold is released, a posted
// payment goes back.
func (i *Issuer) Reverse(ctx context.Context, r PaymentRequest) (PaymentState, error) {
	return change(ctx, i, "reverse", r.Idempotency, r, func(tx *Tx, at time.Time) (PaymentState, error) {
		payment, err := tx.payment(r.Payment)
		if err != nil {
			return PaymentState{}, err
		}
		amount := payment.rest()
		if amount <= 0 {
			return PaymentState{}, tx.nothingLeft(payment)
		}
		if r.Amount != "" {
			if amount, err = amountIn(r.Amount, payment.Currency); err != nil {
				return PaymentState{}, err
			}
		}
		if amount > payment.rest() {
			return PaymentState{}, refuse("over-refund", "ask for less", "of payment %d only %s are left", payment.Seq, money(payment.rest(), payment.Currency))
		}
		return tx.reverse(payment, amount, EventReversal, at)
	})
}

func (t *Tx) reverse(payment *Record, amount int64, event Event, at time.Time) (PaymentState, error) {
	record, err := t.newRecord(event, payment.Account, payment.Currency, amount, at)
	if err != nil {
		return PaymentState{}, err
	}
	record.about(payment)
	part, err := t.undo(&record, payment, amount)
	record.Billed, record.Fee = part.billed, part.fee
	t.PutRecord(record)
	if err == nil {
		err = tellBack(t, payment, "reversed", "", amount, at)
	}
	return record.view(), err
}
