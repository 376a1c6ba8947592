package issuer

import (
	"context"
	"fmt"
)

// Audit adds up the books: entries sum to zero in each currency, each account's
// balance is the sum of its entries and its holds the sum of the open ones, and
// each record's entries sum to zero. It returns what is wrong, or nil. The
// store must be at rest.
func Audit(ctx context.Context, s Store) error {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	entries, err := s.Entries(ctx, "")
	if err != nil {
		return err
	}
	records, err := s.Records(ctx, "")
	if err != nil {
		return err
	}
	balance, perRecord, held := map[string]int64{}, map[int64]int64{}, map[string]int64{}
	perCurrency := map[uint16]int64{}
	for _, e := range entries {
		balance[e.Account] += e.Amount
		perRecord[e.Record] += e.Amount
		perCurrency[e.Currency] += e.Amount
	}
	for seq, sum := range perRecord {
		if sum != 0 {
			return fmt.Errorf("audit: the entries of record %d sum to %d", seq, sum)
		}
	}
	for currency, sum := range perCurrency {
		if sum != 0 {
			return fmt.Errorf("audit: the entries in currency %03d sum to %d", currency, sum)
		}
	}
	for _, r := range records {
		if r.State == RecordHeld {
			held[r.Account] += r.Billed
		}
	}
	for _, a := range accounts {
		if a.Balance != balance[a.ID] || a.Held != held[a.ID] {
			return fmt.Errorf("audit: account %s has balance %d and holds %d, its entries say %d and its open holds %d",
				a.ID, a.Balance, a.Held, balance[a.ID], held[a.ID])
		}
		delete(balance, a.ID)
	}
	for id := range balance {
		return fmt.Errorf("audit: entries on account %s, which does not exist", id)
	}
	return nil
}
