package issuer

import (
	"context"
	"fmt"
)

// Audit adds up the books: entries sum to zero in each currency, over all and in
// each record; each account's balance is the sum of its entries and its holds
// the sum of the open ones; what went back of a payment is what its refunds and
// disputes gave, and no more than the payment; what the bank owes to merchants'
// banks and earned in fees is what payments left there; and accounts that are
// closed and the bank's accounts for transfers are at zero. It returns what is
// wrong, or nil. The store must be at rest.
func Audit(ctx context.Context, s Store) error {
	a := audit{held: map[string]int64{}, back: map[int64]int64{}, disputes: map[string]int{}, own: map[string]int64{}}
	var err error
	if a.accounts, err = s.Accounts(ctx); err != nil {
		return err
	}
	if a.entries, err = s.Entries(ctx, ""); err != nil {
		return err
	}
	if a.records, err = s.Records(ctx, ""); err != nil {
		return err
	}
	if a.denied, err = s.Disputes(ctx, ""); err != nil {
		return err
	}
	a.addDisputes()
	for _, check := range []func() error{a.checkRecords, a.checkRefunds, a.checkEntries} {
		if err := check(); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

// audit is the books, and what was added up so far.
type audit struct {
	accounts []Account
	entries  []Entry
	records  []Record
	denied   []Dispute
	held     map[string]int64 // by account
	back     map[int64]int64  // by payment, in its currency
	disputes map[string]int   // open ones by account
	own      map[string]int64 // what the bank's accounts are to hold
}

func (a *audit) addDisputes() {
	currency := map[string]uint16{}
	for _, c := range a.accounts {
		currency[c.ID] = c.Currency
	}
	for _, d := range a.denied {
		if d.State == DisputeCredited {
			a.disputes[d.Account]++
			a.own[internalAccount(ownDisputed, currency[d.Account])] -= d.Billed
		}
		if d.State == DisputeCredited || d.State == DisputeAccepted {
			a.back[d.Payment] += d.Amount
		}
	}
}

func (a *audit) checkRecords() error {
	for n := range a.records {
		r := &a.records[n]
		if r.State == RecordHeld {
			a.held[r.Account] += r.Billed
		}
		if r.Event == EventRefund && r.State == RecordCredited && r.Related != 0 {
			a.back[r.Related] += r.Amount
		}
		a.earn(r)
		switch {
		case r.Amount < 0 || r.Billed < 0 || r.Fee < 0 || r.Fee > r.Billed:
			return fmt.Errorf("record %d stands for %d, costs %d with a fee of %d", r.Seq, r.Amount, r.Billed, r.Fee)
		case r.Refunded < 0 || r.Refunded > r.Amount || r.Returned < 0 || r.Returned > r.Billed:
			return fmt.Errorf("of record %d, %d that cost %d, %d that cost %d went back", r.Seq, r.Amount, r.Billed, r.Refunded, r.Returned)
		case (r.State == RecordReversed || r.State == RecordCaptured) && (r.Amount != 0 || r.Billed != 0):
			return fmt.Errorf("record %d is %s and still stands for %d", r.Seq, r.State, r.Amount)
		}
	}
	return nil
}

// earn notes what a record left on the bank's accounts for merchants and fees.
func (a *audit) earn(r *Record) {
	sign := int64(0)
	switch {
	case r.State == RecordPosted && r.Event.spends():
		sign = 1
	case r.State == RecordCredited && r.Event == EventRefund, r.Event == EventChargeback:
		sign = -1
	}
	a.own[SettlementAccount(r.Currency)] += sign * r.Amount
	a.own[internalAccount(ownFees, r.Billing)] += sign * r.Fee
}

func (a *audit) checkRefunds() error {
	for n := range a.records {
		r := &a.records[n]
		if got := a.back[r.Seq]; got != r.Refunded {
			return fmt.Errorf("of record %d %d went back, its refunds and disputes say %d", r.Seq, r.Refunded, got)
		}
	}
	return nil
}

func (a *audit) checkEntries() error {
	type inRecord struct {
		seq      int64
		currency uint16
	}
	balance, perRecord, perCurrency := map[string]int64{}, map[inRecord]int64{}, map[uint16]int64{}
	for _, e := range a.entries {
		balance[e.Account] += e.Amount
		perRecord[inRecord{e.Record, e.Currency}] += e.Amount
		perCurrency[e.Currency] += e.Amount
	}
	for in, sum := range perRecord {
		if sum != 0 {
			return fmt.Errorf("the entries of record %d in currency %03d sum to %d", in.seq, in.currency, sum)
		}
	}
	for currency, sum := range perCurrency {
		if sum != 0 {
			return fmt.Errorf("the entries in currency %03d sum to %d", currency, sum)
		}
	}
	for _, c := range a.accounts {
		if c.Balance != balance[c.ID] || c.Held != a.held[c.ID] || c.Disputes != a.disputes[c.ID] {
			return fmt.Errorf("account %s has balance %d, holds %d and %d open disputes; its entries say %d, its open holds %d, its disputes %d",
				c.ID, c.Balance, c.Held, c.Disputes, balance[c.ID], a.held[c.ID], a.disputes[c.ID])
		}
		if c.Status == StatusDeactivated && (c.Balance != 0 || c.Held != 0) {
			return fmt.Errorf("account %s is closed, and has balance %d and holds %d", c.ID, c.Balance, c.Held)
		}
		delete(balance, c.ID)
		if err := a.checkOwn(&c); err != nil {
			return err
		}
	}
	for id := range balance {
		return fmt.Errorf("entries on account %s, which does not exist", id)
	}
	return nil
}

// checkOwn checks the bank's own accounts whose balance is known.
func (a *audit) checkOwn(c *Account) error {
	switch c.ID {
	case internalAccount(ownTransfers, c.Currency), internalAccount(ownDisputed, c.Currency),
		SettlementAccount(c.Currency), internalAccount(ownFees, c.Currency):
		if want := a.own[c.ID]; c.Balance != want {
			return fmt.Errorf("account %s is at %d, want %d", c.ID, c.Balance, want)
		}
	}
	return nil
}

// Audit adds up the bank's books: see the function of that name.
func (i *Issuer) Audit(ctx context.Context) error { return Audit(ctx, i.store) }
