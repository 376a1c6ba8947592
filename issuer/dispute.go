package issuer

import (
	"context"
	"time"

	"tapsim/emv"
)

// disputeMonths is how long a payment can be denied (Directive (EU) 2015/2366,
// article 71: 13 months).
const disputeMonths = 13

// DisputeView is a dispute as people see it.
type DisputeView struct {
	ID       int64     `json:"dispute"`
	Account  string    `json:"account"`
	Payment  int64     `json:"payment"`
	State    string    `json:"state"`  // credited, accepted, rejected, withdrawn, settled
	Amount   string    `json:"amount"` // without what the merchant gave back meanwhile
	Currency string    `json:"currency"`
	Credited string    `json:"credited"` // to the account, in its currency
	Reason   string    `json:"reason,omitempty"`
	Opened   time.Time `json:"opened"`
	Changed  time.Time `json:"changed"`
	Blocked  string    `json:"blocked,omitempty"`     // the card or token that was stopped, masked
	Replaced string    `json:"replaced_by,omitempty"` // the token that took its place on the phone, masked
}

func (d *Dispute) view(payment *Record) DisputeView {
	return DisputeView{
		ID: d.ID, Account: d.Account, Payment: d.Payment, State: d.State.String(), Amount: plainAmount(d.Amount, payment.Currency),
		Currency: alpha(payment.Currency), Credited: plainAmount(d.Billed, payment.Billing), Reason: d.Reason, Opened: d.Opened, Changed: d.Changed,
	}
}

// DisputeRequest denies a payment.
type DisputeRequest struct {
	Payment     int64  `json:"payment"`
	Reason      string `json:"reason,omitempty"`
	Block       bool   `json:"block,omitempty"` // stop the card or token that paid, and have a token replaced
	Idempotency string `json:"-"`
}

// Dispute takes a customer's report that a payment was not theirs: they have
// the money back at once, provisionally.
func (i *Issuer) Dispute(ctx context.Context, r DisputeRequest) (DisputeView, error) {
	if err := checkText("the reason", r.Reason); err != nil {
		return DisputeView{}, err
	}
	var numbers []emv.PAN
	if r.Block {
		var err error
		if numbers, err = i.spareNumbers(r.Payment); err != nil {
			return DisputeView{}, err
		}
	}
	return change(ctx, i, "dispute", r.Idempotency, r, func(tx *Tx, at time.Time) (DisputeView, error) {
		payment, amount, err := tx.givenBack(r.Payment, "")
		if err != nil {
			return DisputeView{}, err
		}
		if payment.Time.AddDate(0, disputeMonths, 0).Before(at) {
			return DisputeView{}, refuse("too-late", "", "payment %d is older than %d months", payment.Seq, disputeMonths)
		}
		a, err := tx.customer(payment.Account)
		if err != nil {
			return DisputeView{}, err
		}
		record, err := tx.newRecord(EventDispute, payment.Account, payment.Currency, amount, at)
		if err != nil {
			return DisputeView{}, err
		}
		record.about(payment)
		part := payment.portion(amount)
		record.Billed, record.Fee, record.State = part.billed, part.fee, RecordCredited
		tx.refunded(payment, part)
		a.Disputes++
		tx.PutAccount(a)
		from, err := tx.internal(ownDisputed, a.Currency)
		if err == nil {
			err = tx.Move(&record, from, a.ID, part.billed)
		}
		if err != nil {
			return DisputeView{}, err
		}
		tx.PutRecord(record)
		d := Dispute{
			ID: record.Seq, Account: a.ID, Payment: payment.Seq, Amount: amount, Billed: part.billed, State: DisputeCredited,
			Reason: r.Reason, Opened: at, Changed: at,
		}
		tx.PutDispute(d)
		i.notify(tx, a.ID, NoticeInfo, "we look into your payment of "+money(amount, payment.Currency)+"; you have the money back for now")
		out := d.view(payment)
		if r.Block {
			out.Blocked, out.Replaced, err = i.block(tx, payment, numbers, at)
		}
		return out, err
	})
}

// block stops the card or token of a payment, and says what took its place.
func (i *Issuer) block(tx *Tx, payment *Record, numbers []emv.PAN, at time.Time) (stopped, fresh string, err error) {
	n, ok, err := tx.Instrument(payment.Instrument)
	switch {
	case err != nil || !ok:
		return "", "", err
	case n.Kind == Token && (n.Status == StatusActive || n.Status == StatusSuspended):
		fresh, err = i.stopToken(tx, payment, &n, numbers, at)
		return n.Masked, fresh, err
	case n.Status != StatusActive:
		return "", "", nil
	}
	n.Status = StatusSuspended
	tx.PutInstrument(n)
	return n.Masked, "", nil
}

// ResolveRequest ends a dispute.
type ResolveRequest struct {
	Dispute     int64  `json:"dispute"`
	Outcome     string `json:"outcome"` // accepted, rejected, withdrawn
	Idempotency string `json:"-"`
}

// Resolve ends a dispute: accepted, and the merchant pays; rejected or
// withdrawn, and the credit is taken back.
func (i *Issuer) Resolve(ctx context.Context, r ResolveRequest) (DisputeView, error) {
	outcome := map[string]DisputeState{"accepted": DisputeAccepted, "rejected": DisputeRejected, "withdrawn": DisputeWithdrawn}[r.Outcome]
	if outcome == 0 {
		return DisputeView{}, refuse("bad-request", "want accepted, rejected or withdrawn", "%q is no way to end a dispute", r.Outcome)
	}
	return change(ctx, i, "resolve", r.Idempotency, r, func(tx *Tx, at time.Time) (DisputeView, error) {
		d, ok, err := tx.Dispute(r.Dispute)
		switch {
		case err != nil || !ok:
			return DisputeView{}, refuseOr(err, "unknown-dispute", "`tapsim bank disputes ACCOUNT` lists them", "there is no dispute %d", r.Dispute)
		case d.State != DisputeCredited:
			return DisputeView{}, refuse("dispute-closed", "", "dispute %d is %s already", d.ID, d.State)
		}
		payment, ok, err := tx.RecordBySequence(d.Payment)
		if err != nil || !ok {
			return DisputeView{}, errorOr(err, "issuer: the payment %d of a dispute is gone", d.Payment)
		}
		d.State, d.Changed = outcome, at
		tx.PutDispute(d)
		if err := tx.endDispute(&d, &payment); err != nil {
			return DisputeView{}, err
		}
		i.notify(tx, d.Account, NoticeInfo, "the dispute about your payment of "+money(d.Amount, payment.Currency)+" is "+d.State.String())
		return d.view(&payment), nil
	})
}

// endDispute moves the money at the end of a dispute.
func (t *Tx) endDispute(d *Dispute, payment *Record) error {
	a, ok, err := t.Account(d.Account)
	if err != nil || !ok {
		return errorOr(err, "issuer: no account %s", d.Account)
	}
	a.Disputes--
	t.PutAccount(a)
	event := EventDisputeLost
	if d.State == DisputeAccepted {
		event = EventChargeback
	}
	record, err := t.newRecord(event, d.Account, payment.Currency, d.Amount, d.Changed)
	if err != nil {
		return err
	}
	record.about(payment)
	credit, ok, err := t.RecordBySequence(d.ID)
	if err != nil || !ok {
		return errorOr(err, "issuer: the credit of dispute %d is gone", d.ID)
	}
	part := d.portion(&credit, d.Amount)
	record.Billed, record.Fee = part.billed, part.fee
	ours, err := t.internal(ownDisputed, a.Currency)
	if err != nil {
		return err
	}
	if event == EventChargeback {
		t.PutRecord(record)
		return t.pay(movement{&record, true}, payment, ours, part)
	}
	record.State = RecordPosted
	t.PutRecord(record)
	t.refunded(payment, portion{amount: -d.Amount, billed: -d.Billed})
	return t.Move(&record, a.ID, ours, d.Billed)
}

// Disputes are those of an account, oldest first.
func (i *Issuer) Disputes(ctx context.Context, account string) ([]DisputeView, error) {
	if _, err := i.findAccount(ctx, account); err != nil {
		return nil, err
	}
	all, err := i.store.Disputes(ctx, account)
	out := []DisputeView{}
	for n := range all {
		payment, _, err := i.store.RecordBySequence(all[n].Payment)
		if err != nil {
			return nil, err
		}
		out = append(out, all[n].view(&payment))
	}
	return out, err
}
