package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/issuer"
)

// everyday is a world whose customers also go to the bank.
type everyday struct {
	*world
	accounts []string
	refused  map[string]int // refusals by code
	done     map[string]int // verbs that succeeded
}

func newEveryday(t testing.TB, s issuer.Store, rng *rand.Rand) *everyday {
	e := &everyday{world: newWorld(t, s, rng), refused: map[string]int{}, done: map[string]int{}}
	for _, r := range []issuer.OpenRequest{
		{Account: "ALICE", Balance: "500.00"}, {Account: "BOB", Currency: "USD", Balance: "300.00"}, {Account: "YUKI", Currency: "JPY", Balance: "90000"},
	} {
		_, err := e.bank.Open(ctx, r)
		require.NoError(t, err)
	}
	e.accounts = []string{worldAccount, "ALICE", "BOB", "YUKI"}
	for _, account := range e.accounts {
		for _, per := range []string{"day", "month"} {
			_, err := e.bank.SetLimit(ctx, issuer.LimitRequest{Account: account, Per: per, Amount: "900000"})
			require.NoError(t, err)
		}
	}
	_, err := e.bank.SetLimit(ctx, issuer.LimitRequest{Account: "ALICE", Per: "day", Category: "travel", Country: "US", Amount: "400"})
	require.NoError(t, err)
	return e
}

const worldAccount = "DEMO-0001"

func (e *everyday) account() string { return e.accounts[e.rng.IntN(len(e.accounts))] }

// amount is an amount that is good in most currencies, "" or nonsense.
func (e *everyday) amount() string {
	switch e.rng.IntN(12) {
	case 0:
		return ""
	case 1:
		return []string{"-1", "0", "1.005", "9999999999999", "x", "1e3"}[e.rng.IntN(6)]
	case 2, 3, 4:
		return fmt.Sprintf("%d.%02d", e.rng.IntN(100), e.rng.IntN(100))
	}
	return fmt.Sprint(e.rng.IntN(200))
}

// payment is the number of a payment with money in it, mostly; else of something
// else, or of nothing.
func (e *everyday) payment() int64 {
	return e.pick(func(r *issuer.Record) bool {
		return (r.State == issuer.RecordHeld || r.State == issuer.RecordPosted) && r.Event != issuer.EventOpening && r.Event != issuer.EventTransferOut
	})
}

func (e *everyday) pick(good func(*issuer.Record) bool) int64 {
	last, err := e.store.Sequence()
	require.NoError(e.t, err)
	for range e.rng.IntN(200) {
		seq := 1 + e.rng.Int64N(last)
		if r, ok, err := e.store.RecordBySequence(seq); err == nil && ok && good(&r) {
			return seq
		}
	}
	return 1 + e.rng.Int64N(last+2)
}

// act asks the bank for something. It does it, or refuses with a code.
func (e *everyday) act() {
	verbs := []struct {
		name string
		do   func() (any, error)
	}{
		{"top-up", func() (any, error) {
			return e.bank.TopUp(ctx, issuer.TopUpRequest{Account: e.account(), Amount: e.amount()})
		}},
		{"transfer", func() (any, error) {
			return e.bank.Transfer(ctx, issuer.TransferRequest{From: e.account(), To: e.account(), Amount: e.amount()})
		}},
		{"hold", func() (any, error) {
			return e.bank.PreAuthorise(ctx, issuer.HoldRequest{
				Account: e.account(), Amount: e.amount(), Currency: []string{"", "EUR", "USD", "JPY", "KWD"}[e.rng.IntN(5)],
				Country: []string{"", "US", "DE"}[e.rng.IntN(3)], Category: []string{"", "7011", "5999"}[e.rng.IntN(3)], Merchant: "HOTEL",
			})
		}},
		{"increment", func() (any, error) {
			return e.bank.Increment(ctx, issuer.PaymentRequest{Payment: e.payment(), Amount: e.amount()})
		}},
		{"complete", func() (any, error) {
			return e.bank.Complete(ctx, issuer.PaymentRequest{Payment: e.payment(), Amount: e.amount()})
		}},
		{"reverse", func() (any, error) {
			return e.bank.Reverse(ctx, issuer.PaymentRequest{Payment: e.payment(), Amount: e.amount()})
		}},
		{"refund", func() (any, error) {
			return e.bank.Refund(ctx, issuer.RefundRequest{Payment: e.payment(), Amount: e.amount()})
		}},
		{"refund", func() (any, error) {
			return e.bank.Refund(ctx, issuer.RefundRequest{Payment: e.payment(), Amount: e.amount()})
		}},
		{"dispute", func() (any, error) {
			return e.bank.Dispute(ctx, issuer.DisputeRequest{Payment: e.payment(), Reason: "not me"})
		}},
		{"resolve", func() (any, error) {
			return e.bank.Resolve(ctx, issuer.ResolveRequest{Dispute: e.pick(isDispute), Outcome: []string{"accepted", "rejected", "withdrawn"}[e.rng.IntN(3)]})
		}},
		{"freeze", func() (any, error) { return e.bank.Freeze(ctx, issuer.AccountRequest{Account: "YUKI"}) }},
		{"unfreeze", func() (any, error) { return e.bank.Unfreeze(ctx, issuer.AccountRequest{Account: "YUKI"}) }},
		{"close", func() (any, error) {
			return e.bank.CloseAccount(ctx, issuer.AccountRequest{Account: []string{"BOB", "NOBODY"}[e.rng.IntN(2)]})
		}},
		{"clear", func() (any, error) {
			if e.rng.IntN(4) > 0 {
				return nil, nil
			}
			return e.bank.Clear(ctx, issuer.ClearRequest{})
		}},
	}
	v := verbs[e.rng.IntN(len(verbs))]
	e.lapse()
	before := e.balances()
	_, err := v.do()
	var refusal *issuer.Refusal
	if errors.As(err, &refusal) {
		e.refused[refusal.Code]++
		require.Equal(e.t, before, e.balances(), "%s was refused with %s and changed something", v.name, refusal.Code)
		return
	}
	require.NoError(e.t, err, v.name)
	e.done[v.name]++
}

// lapse lets the bank release what has come to its end, as it does before it
// decides or shows anything.
func (e *everyday) lapse() {
	_, err := e.bank.Accounts(ctx)
	require.NoError(e.t, err)
}

func isDispute(r *issuer.Record) bool { return r.Event == issuer.EventDispute }

func (e *everyday) balances() map[string][2]int64 {
	all, err := e.store.Accounts(ctx)
	require.NoError(e.t, err)
	out := map[string][2]int64{}
	for _, a := range all {
		out[a.ID] = [2]int64{a.Balance, a.Held}
	}
	return out
}

// check compares everything that tells about money.
func (e *everyday) check() {
	e.lapse()
	holds, err := e.store.OpenHolds(ctx, 1)
	require.NoError(e.t, err)
	require.False(e.t, len(holds) > 0 && e.now.Sub(holds[0].Time) > 7*24*time.Hour, "%+v is open for too long", holds)
	require.NoError(e.t, issuer.Audit(ctx, e.store))
	for _, id := range e.accounts {
		a := found[issuer.Account](e.t)(e.store.Account(id))
		currency, ok := emv.CurrencyByNumeric(a.Currency)
		require.True(e.t, ok)
		records, err := e.store.Records(ctx, id)
		require.NoError(e.t, err)
		e.checkLimits(&a, records, currency)
		e.checkStatement(&a, currency)
	}
}

// checkLimits counts again what the limits have counted.
func (e *everyday) checkLimits(a *issuer.Account, records []issuer.Record, currency emv.Currency) {
	var day, month int64
	for _, r := range records {
		spends := r.Event == issuer.EventPurchase || r.Event == issuer.EventPreAuthorisation || r.Event == issuer.EventCompletion
		if !spends || r.State != issuer.RecordHeld && r.State != issuer.RecordPosted {
			continue
		}
		if r.Time.Format("2006-01") == e.now.Format("2006-01") {
			month += r.Billed
		}
		if r.Time.Format(time.DateOnly) == e.now.Format(time.DateOnly) {
			day += r.Billed
		}
	}
	limits, err := e.bank.Limits(ctx, a.ID)
	require.NoError(e.t, err)
	require.Equal(e.t, currency.Format(day), limits.Limits[0].Used, "%s, day", a.ID)
	require.Equal(e.t, currency.Format(month), limits.Limits[1].Used, "%s, month", a.ID)
}

// checkStatement compares statements and spending with the ledger.
func (e *everyday) checkStatement(a *issuer.Account, currency emv.Currency) {
	last := currency.Format(0)
	spent := int64(0)
	for at := start; !at.After(e.now.AddDate(0, 1, 0)); at = at.AddDate(0, 1, 0) {
		month := at.Format("2006-01")
		s, err := e.bank.Statement(ctx, a.ID, month)
		require.NoError(e.t, err)
		require.Equal(e.t, last, s.Opening, "%s %s goes on where the month before ended", a.ID, month)
		last = s.Closing
		spending, err := e.bank.Spending(ctx, issuer.SpendingRequest{Account: a.ID, From: month, To: month, By: "merchant"})
		require.NoError(e.t, err)
		total := int64(0)
		for _, g := range spending.Groups {
			total += g.Minor
		}
		require.Equal(e.t, currency.Format(total), spending.Total)
		spent += total
	}
	require.Equal(e.t, currency.Format(a.Balance), last, "the statement of %s ends at the ledger's balance", a.ID)
	entries, err := e.store.Entries(ctx, a.ID)
	require.NoError(e.t, err)
	want := int64(0)
	for _, entry := range entries {
		r := found[issuer.Record](e.t)(e.store.RecordBySequence(entry.Record))
		switch r.Event {
		case issuer.EventOpening, issuer.EventTopUp, issuer.EventTransferIn, issuer.EventTransferOut, issuer.EventPayOut:
		default:
			want -= entry.Amount
		}
	}
	require.Equal(e.t, want, spent, "spending of %s is what the ledger says", a.ID)
}

// TestEverydayHistories is the law of the books: whatever taps and customers do
// in whatever order, money is conserved, nothing goes back twice, and limits,
// statements and spending agree with the ledger.
func TestEverydayHistories(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		for seed := range uint64(2) {
			if _, sqlite := s.(*issuer.Memory); !sqlite && seed > 0 {
				return // once is enough on a disk
			}
			if seed > 0 {
				s = issuer.NewMemory()
			}
			e := newEveryday(t, s, rand.New(rand.NewPCG(6, seed)))
			for range 8 {
				for range 50 {
					e.now = e.now.Add(time.Duration(e.rng.IntN(240)) * time.Minute)
					if e.rng.IntN(3) == 0 {
						e.step()
					}
					e.act()
				}
				e.check()
			}
			for _, verb := range []string{"top-up", "transfer", "hold", "increment", "complete", "reverse", "refund", "dispute", "resolve", "freeze", "clear"} {
				require.NotZero(t, e.done[verb], "%s never happened: %v", verb, e.done)
			}
			records, err := s.Records(ctx, "")
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(records, func(r issuer.Record) bool { return r.Event == issuer.EventExpiry }), "no hold ended")
			for _, code := range []string{"over-refund", "invalid-amount", "insufficient-funds", "same-account", "payment-pending", "nothing-left", "not-a-payment"} {
				require.NotZero(t, e.refused[code], "nothing was refused with %s: %v", code, e.refused)
			}
		}
	})
}
