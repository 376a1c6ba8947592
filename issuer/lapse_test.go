package issuer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watched is a store whose holds somebody looks at.
type watched struct {
	Store
	looks  int
	failed error
}

func (w *watched) OpenHolds(ctx context.Context, limit int) ([]Record, error) {
	w.looks++
	if w.failed != nil {
		return nil, w.failed
	}
	return w.Store.OpenHolds(ctx, limit)
}

// lapsing is a bank whose holds last a day.
func lapsing(t *testing.T) (*bank, *watched) {
	b := everydayBank(t, func(c *Config) { c.HoldsExpire = 24 * time.Hour; c.Limits.MaxAmount = 0 })
	w := &watched{Store: b.Issuer.store}
	b.Issuer.store = w
	return b, w
}

// TestHoldsEndByThemselves: whoever pays or looks first finds the money free, and the
// bank looks for holds when one can have ended, not each time.
func TestHoldsEndByThemselves(t *testing.T) {
	b, w := lapsing(t)
	tap := func(n int, amount int64) string {
		a, err := b.Handle(bg, plasticTap(uint16(n), amount).message(t, "0100", n), nil)
		require.NoError(t, err)
		return a.Message.ResponseCode
	}
	require.Equal(t, "00", tap(1, 400_00))
	require.Equal(t, "51", tap(2, 200_00))
	b.now = b.now.Add(24 * time.Hour)
	require.Equal(t, "51", tap(3, 200_00), "a day is not over yet")
	looks := w.looks
	require.LessOrEqual(t, looks, 2)
	b.now = b.now.Add(time.Second)
	require.Equal(t, "00", tap(4, 200_00))
	require.Equal(t, int64(200_00), b.account().Held)
	require.LessOrEqual(t, w.looks, looks+2)
	b.audit()

	b.now = b.now.Add(25 * time.Hour)
	a, err := b.ShowAccount(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "0.00", a.Held)
	list, err := b.Payments(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "expiry", list[len(list)-1].Event)
	looks = w.looks
	for n := range 50 {
		b.now = b.now.Add(time.Minute)
		require.Equal(t, "00", tap(10+n, 1_00))
	}
	require.LessOrEqual(t, w.looks, looks+1, "no hold can have ended")
	b.audit()
}

// TestManyHoldsEndAtOnce: all of them, for each who asks at the same time.
func TestManyHoldsEndAtOnce(t *testing.T) {
	b, _ := lapsing(t)
	for range 2*lapsedAtOnce + 7 {
		_, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "1.00"})
		require.NoError(t, err)
	}
	b.now = b.now.Add(25 * time.Hour)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a, err := b.ShowAccount(bg, "A")
			if err != nil || a.Held != "0.00" {
				t.Error(a, err)
			}
		})
	}
	all.Wait()
	b.audit()
}

// TestHoldsOfAClosedBankWait, and a store that fails is no decision.
func TestHoldsOfAClosedBankWait(t *testing.T) {
	b, w := lapsing(t)
	_, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "1.00"})
	require.NoError(t, err)
	b.now = b.now.Add(25 * time.Hour)
	_, err = b.SetMaintenance(bg, MaintenanceRequest{On: true})
	require.NoError(t, err)
	a, err := b.ShowAccount(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "1.00", a.Held)
	_, err = b.SetMaintenance(bg, MaintenanceRequest{})
	require.NoError(t, err)
	w.failed = errors.New("disk full")
	_, err = b.ShowAccount(bg, "A")
	require.ErrorIs(t, err, w.failed)
	answer, err := b.Handle(bg, plasticTap(1, 1_00).message(t, "0100", 1), nil)
	require.ErrorIs(t, err, w.failed)
	require.Equal(t, "96", answer.Message.ResponseCode)
	w.failed = nil
	a, err = b.ShowAccount(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "0.00", a.Held)
}

// TestLateCompletion: the merchant who completes a hold that has ended is paid, once;
// a reversal has nothing to give back.
func TestLateCompletion(t *testing.T) {
	b, _ := lapsing(t)
	m := plasticTap(1, 40_00).message(t, "0100", 1)
	b.handle(m)
	b.now = b.now.Add(25 * time.Hour)
	list, err := b.Payments(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "expired", list[len(list)-2].State)
	_, err = b.Refund(bg, RefundRequest{Payment: list[len(list)-2].ID})
	require.Equal(t, "payment-reversed", codeOf(t, err))
	require.Equal(t, []int64{500_00, 0}, []int64{b.account().Balance, b.account().Held})

	hold := plasticTap(1, 40_00).message(t, "0120", 2)
	b.handle(hold)
	require.Equal(t, []int64{500_00, 0}, []int64{b.account().Balance, b.account().Held})
	for n := range 2 {
		b.handle(plasticTap(1, 40_00).message(t, "0220", 3+n))
		require.Equal(t, []int64{460_00, 0}, []int64{b.account().Balance, b.account().Held})
	}
	b.audit()

	b, _ = lapsing(t)
	b.handle(m)
	b.now = b.now.Add(25 * time.Hour)
	answer, _ := b.handle(reversalOf(m, "0400", 3))
	require.Equal(t, "00", answer.ResponseCode)
	require.Equal(t, []int64{500_00, 0}, []int64{b.account().Balance, b.account().Held})
	b.audit()
}
