package c2

import (
	"context"

	"tapsim/emv"
)

// balanceReading is byte 2 bit 2 of the application capabilities information
// (9F5D): the card gives its offline balance.
const balanceReading = 0x02

// balances are what the card told of its offline balance (9F50), n 12.
type balances struct{ before, after []byte }

// balanceBefore reads the offline balance before GENERATE AC, where the
// terminal asks for it (EMV Book C-2, 7.1, BR1).
func (r *run) balanceBefore(ctx context.Context) (verdict, error) {
	if !r.set.balanceBefore || !r.readsBalance() {
		return goOn, nil
	}
	var err error
	r.balances.before, err = r.readBalance(ctx)
	return goOn, err
}

// balanceAfter reads it after the cryptogram, which counts whatever becomes of
// this (EMV Book C-2, 7.3, BR2).
func (r *run) balanceAfter(ctx context.Context) error {
	if !r.set.balanceAfter || !r.readsBalance() {
		return nil
	}
	var err error
	r.balances.after, err = r.readBalance(ctx)
	return unlessLost(err)
}

func (r *run) readsBalance() bool {
	return r.card.has(slotCapabilities) && r.card[slotCapabilities][1]&balanceReading != 0
}

func (r *run) readBalance(ctx context.Context) ([]byte, error) {
	v, err := r.getData(ctx, emv.TagOfflineBalance)
	if len(v) != 6 {
		return nil, err
	}
	return v, err
}
