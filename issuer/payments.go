package issuer

import (
	"context"
	"time"
)

// PaymentState is a record of the bank's books as people see it: a payment, a
// transfer, a refund. Amounts have their currency's decimals.
type PaymentState struct {
	ID            int64     `json:"payment"`
	Account       string    `json:"account"`
	Event         string    `json:"event"`
	State         string    `json:"state"`
	Time          time.Time `json:"time"`
	Merchant      string    `json:"merchant,omitempty"` // or the other side of a transfer
	Category      string    `json:"category,omitempty"` // merchant category code
	CategoryGroup string    `json:"category_group,omitempty"`
	Country       string    `json:"country,omitempty"`
	Channel       string    `json:"channel,omitempty"` // contactless, qr, in-app, other
	Amount        string    `json:"amount"`            // what still stands of it
	Requested     string    `json:"requested"`
	Currency      string    `json:"currency"`
	Billed        string    `json:"billed"` // what that costs the account, fee included
	Billing       string    `json:"billing_currency"`
	Fee           string    `json:"fee"`
	Refunded      string    `json:"refunded"` // of the amount
	ResponseCode  string    `json:"response_code,omitempty"`
	Related       int64     `json:"related,omitempty"` // the payment that this is about, or what completed or ended it
	Card          string    `json:"card,omitempty"`    // masked
	ATC           *int      `json:"atc,omitempty"`
	Flagged       bool      `json:"flagged,omitempty"`
}

func (r *Record) view() PaymentState {
	billing := r.Billing
	if billing == 0 {
		billing = r.Currency
	}
	s := PaymentState{
		ID: r.Seq, Account: r.Account, Event: r.Event.String(), State: r.State.String(), Time: r.Time, Merchant: r.Merchant,
		Category: codeText(r.Category), Country: countryText(r.Country), Channel: r.Channel, Amount: plainAmount(r.Amount, r.Currency),
		Requested: plainAmount(r.Requested, r.Currency), Currency: alpha(r.Currency), Billed: plainAmount(r.Billed, billing),
		Billing: alpha(billing), Fee: plainAmount(r.Fee, billing), Refunded: plainAmount(r.Refunded, r.Currency),
		ResponseCode: string(r.Code), Related: r.Related, Flagged: r.Flagged,
	}
	if r.Category != 0 {
		s.CategoryGroup = CategoryGroup(r.Category)
	}
	if r.Tap != (Tap{}) {
		atc := int(r.Tap[0])<<8 | int(r.Tap[1])
		s.ATC = &atc
	}
	return s
}

// about makes a record one about a payment: same place, same account.
func (r *Record) about(payment *Record) {
	r.Related, r.Billing, r.Instrument = payment.Seq, payment.Billing, payment.Instrument
	r.Merchant, r.Category, r.Country, r.Channel = payment.Merchant, payment.Category, payment.Country, payment.Channel
}

// payment finds a payment by the number that people know. A hold that was
// completed stands for the payment that it became.
func (t *Tx) payment(id int64) (*Record, error) {
	r, ok, err := t.RecordBySequence(id)
	if err == nil && ok && r.State == RecordCaptured && r.Related != 0 {
		r, ok, err = t.RecordBySequence(r.Related)
	}
	switch {
	case err != nil:
		return nil, err
	case !ok || r.Account == "":
		return nil, refuse("unknown-payment", "`tapsim bank payments ACCOUNT` lists them", "there is no payment %d", id)
	case !r.Event.spends():
		return nil, refuse("not-a-payment", "`tapsim bank payments ACCOUNT` lists them", "%d is of type %s", id, r.Event)
	case r.State == RecordReversed || r.State == RecordExpired:
		return nil, refuse("payment-reversed", "", "payment %d is %s", id, r.State)
	case r.State != RecordHeld && r.State != RecordPosted:
		return nil, refuse("not-paid", "", "payment %d moved no money", id)
	}
	_, err = t.customer(r.Account)
	return &r, err
}

// Payments are what happened on an account, oldest first, declined payments
// included.
func (i *Issuer) Payments(ctx context.Context, account string) ([]PaymentState, error) {
	if _, err := i.findAccount(ctx, account); err != nil {
		return nil, err
	}
	records, err := i.store.Records(ctx, account)
	if err != nil {
		return nil, err
	}
	out := make([]PaymentState, 0, len(records))
	for n := range records {
		s, err := i.describe(&records[n])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ShowPayment is one record of the books.
func (i *Issuer) ShowPayment(ctx context.Context, id int64) (PaymentState, error) {
	if err := i.lapse(ctx); err != nil {
		return PaymentState{}, err
	}
	r, ok, err := i.store.RecordBySequence(id)
	if err != nil || !ok || r.Account == "" {
		return PaymentState{}, refuseOr(err, "unknown-payment", "`tapsim bank payments ACCOUNT` lists them", "there is no payment %d", id)
	}
	return i.describe(&r)
}

// describe is a record with the card that paid.
func (i *Issuer) describe(r *Record) (PaymentState, error) {
	s := r.view()
	if r.Instrument == (PANIndex{}) {
		return s, nil
	}
	card, _, err := i.store.Instrument(r.Instrument)
	s.Card = card.Masked
	return s, err
}
