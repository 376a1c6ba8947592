package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/wallet"
)

// ask asks the bank for a verb, and sometimes once more under the same key. A
// refusal changes nothing.
func (v *town) ask(want string, verb func(key string) (any, error)) bool {
	key := ""
	if v.rng.IntN(2) == 0 {
		v.keys++
		key = fmt.Sprintf("%s %d", v.said, v.keys)
	}
	before := v.dump()
	first, err := verb(key)
	code := wallet.Code(err)
	if code == "" {
		require.NoError(v.t, err, v.said)
	}
	require.Equal(v.t, want, code, "%s: %v", v.said, err)
	if code != "" {
		require.Empty(v.t, firstChange(before, v.dump()), "%s was refused (%s) and changed something", v.said, code)
		return false
	}
	if key != "" {
		before = v.dump()
		again, err := verb(key)
		require.NoError(v.t, err, v.said)
		require.Equal(v.t, first, again, v.said)
		require.Empty(v.t, firstChange(before, v.dump()), "%s again under its key", v.said)
	}
	return true
}

// firstChange is the first line that differs, "" when none does.
func firstChange(before, after string) string {
	old := strings.Split(before, "\n")
	for n, line := range strings.Split(after, "\n") {
		if n >= len(old) || old[n] != line {
			return line
		}
	}
	return ""
}

// dump is what the bank's books say.
func (v *town) dump() string {
	ctx, s := context.Background(), v.w.bank.store
	var b strings.Builder
	note := func(rows any, err error) {
		require.NoError(v.t, err)
		fmt.Fprintln(&b, strings.ReplaceAll(fmt.Sprintf("%+v", rows), "} {", "}\n{"))
	}
	for _, list := range []func() (any, error){
		func() (any, error) { return s.Sequence() },
		func() (any, error) { return s.Accounts(ctx) },
		func() (any, error) { return s.Instruments(ctx) },
		func() (any, error) { return s.Bindings(ctx) },
		func() (any, error) { return s.Records(ctx, "") },
		func() (any, error) { return s.Entries(ctx, "") },
		func() (any, error) { return s.Disputes(ctx, "") },
		func() (any, error) { return s.Notices(ctx, "") },
	} {
		note(list())
	}
	for _, id := range []string{townAccount, "ALICE", "BOB", "YUKI"} {
		c, _, err := s.Controls(id)
		require.NoError(v.t, err)
		note(c.Limits, err)
	}
	return b.String()
}

// first is the first code that applies, "" when none does.
func first(codes ...string) string {
	for _, code := range codes {
		if code != "" {
			return code
		}
	}
	return ""
}

func when(yes bool, code string) string {
	if yes {
		return code
	}
	return ""
}

func (v *town) account() string { return []string{townAccount, "ALICE", "BOB", "YUKI"}[v.rng.IntN(4)] }

func (v *town) isFrozen(account string) bool { return v.frozen && account == townAccount }

func (v *town) topUp() {
	a, minor := v.account(), 1+v.rng.Int64N(100_00)
	v.said += fmt.Sprintf(": top up %s %d", a, minor)
	if v.ask(when(v.closed, "maintenance"), func(key string) (any, error) {
		return v.w.bank.TopUp(context.Background(), issuer.TopUpRequest{Account: a, Amount: v.text(a, minor), Idempotency: key})
	}) {
		v.money[a].balance += minor
	}
}

func (v *town) transfer() {
	from, to, minor := v.account(), v.account(), 1+v.rng.Int64N(300_00)
	p := v.money[from]
	v.said += fmt.Sprintf(": transfer %d from %s to %s", minor, from, to)
	arrives := converted(minor, p.currency, v.money[to].currency)
	want := first(when(v.closed, "maintenance"), when(v.isFrozen(from), "account-frozen"), when(from == to, "same-account"),
		when(minor > p.balance-p.held, "insufficient-funds"), when(arrives == 0, "invalid-amount"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Transfer(context.Background(), issuer.TransferRequest{From: from, To: to, Amount: v.text(from, minor), Idempotency: key})
	}) {
		p.balance -= minor
		v.money[to].balance += arrives
	}
}

// converted is what arrives in another currency, rounded down. Rates are those of
// the demo bank, in ten-thousandths of a euro for one minor unit of a hundred.
func converted(minor int64, from, to emv.Currency) int64 {
	if from == to {
		return minor
	}
	worth := map[string]int64{"EUR": 10000, "USD": 9200, "JPY": 6200} // a yen has no cents: 0.0062 times 100
	n, d := minor*worth[from.Alpha], worth[to.Alpha]
	if from.Alpha == "JPY" || to.Alpha == "JPY" {
		worth["JPY"] = 62 * 100 // 0.0062 EUR is 0.62 cent
		n, d = minor*worth[from.Alpha], worth[to.Alpha]
	}
	return n / d
}

func (v *town) preAuthorise() {
	a, minor := v.account(), 1+v.rng.Int64N(400_00)
	p := v.money[a]
	v.said += fmt.Sprintf(": hold %d on %s", minor, a)
	want := first(when(v.closed, "maintenance"), when(v.isFrozen(a), "account-frozen"), when(v.limited && a == townAccount, "over-limit"),
		when(minor > p.balance-p.held, "insufficient-funds"))
	var id int64
	if v.ask(want, func(key string) (any, error) {
		s, err := v.w.bank.PreAuthorise(context.Background(), issuer.HoldRequest{Account: a, Amount: v.text(a, minor), Merchant: "HOTEL", Category: "7011", Idempotency: key})
		id = s.ID
		return s, err
	}) {
		p.held += minor
		v.payments = append(v.payments, &bought{account: a, id: id, state: "held", hold: true, amount: minor, billed: minor})
	}
}

// text of an amount of a payment, in its own currency.
func (v *town) amountOf(b *bought, minor int64) string {
	if b.message != nil && b.message.Currency == "840" {
		c, _ := emv.CurrencyByAlpha("USD")
		return c.Format(minor)
	}
	return v.text(b.account, minor)
}

func (v *town) increment() {
	b, minor := v.bought(), 1+v.rng.Int64N(100_00)
	if b == nil || b.message != nil && b.message.Currency == "840" {
		return
	}
	p := v.money[b.account]
	v.said += fmt.Sprintf(": increment %d by %d", b.id, minor)
	want := first(when(v.closed, "maintenance"), when(b.state != "held", "hold-not-open"), when(v.isFrozen(b.account), "account-frozen"),
		when(v.limited && b.account == townAccount, "over-limit"), when(minor > p.balance-p.held, "insufficient-funds"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Increment(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, minor), Idempotency: key})
	}) {
		p.held += minor
		b.amount, b.billed = b.amount+minor, b.billed+minor
	}
}

func (v *town) complete() {
	b := v.bought()
	if b == nil {
		return
	}
	part := 1 + v.rng.Int64N(b.amount+b.amount/4+1)
	v.said += fmt.Sprintf(": complete %d (%s, %d) with %d", b.id, b.state, b.amount, part)
	want := first(when(v.closed, "maintenance"), when(b.state != "held", "hold-not-open"), when(part > b.amount, "above-hold"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Complete(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.completed(b, part)
	}
}

func (v *town) completed(b *bought, part int64) {
	billed := b.share(part)
	p := v.money[b.account]
	p.held -= b.billed
	p.balance -= billed
	b.state, b.amount, b.billed = "posted", part, billed
}

func (v *town) reverse() {
	b := v.bought()
	if b == nil {
		return
	}
	left := b.amount - b.back
	part := 1 + v.rng.Int64N(left+left/4+1)
	v.said += fmt.Sprintf(": reverse %d (%s, %d left) by %d", b.id, b.state, left, part)
	want := first(when(v.closed, "maintenance"), when(b.state == "gone", "payment-reversed"), when(left == 0, "nothing-left"), when(part > left, "over-refund"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Reverse(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.undo(b, part)
	}
}

func (v *town) refund() {
	b := v.bought()
	if b == nil {
		return
	}
	left := b.amount - b.back
	part := 1 + v.rng.Int64N(left+left/4+1)
	v.said += fmt.Sprintf(": refund %d of %d (%s, %d left)", part, b.id, b.state, left)
	if v.ask(v.mayGiveBack(b, part > left), func(key string) (any, error) {
		return v.w.bank.Refund(context.Background(), issuer.RefundRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.givenBack(b, part)
	}
}

func (v *town) mayGiveBack(b *bought, over bool) string {
	return first(when(v.closed, "maintenance"), when(b.state == "gone", "payment-reversed"), when(b.state == "held", "payment-pending"),
		when(b.amount == b.back, "nothing-left"), when(over, "over-refund"))
}

func (v *town) givenBack(b *bought, part int64) (billed int64) {
	billed = b.share(part)
	v.money[b.account].balance += billed
	b.back, b.repaid = b.back+part, b.repaid+billed
	return billed
}

func (v *town) deny() {
	b := v.bought()
	if b == nil {
		return
	}
	v.said += fmt.Sprintf(": dispute %d (%s)", b.id, b.state)
	var id int64
	if v.ask(v.mayGiveBack(b, false), func(key string) (any, error) {
		d, err := v.w.bank.Dispute(context.Background(), issuer.DisputeRequest{Payment: b.id, Reason: "not me", Idempotency: key})
		id = d.ID
		return d, err
	}) {
		part := b.amount - b.back
		v.disputes = append(v.disputes, &denied{id, b, part, v.givenBack(b, part), true})
	}
}

func (v *town) resolve() {
	if len(v.disputes) == 0 {
		return
	}
	d, outcome := v.disputes[v.rng.IntN(len(v.disputes))], []string{"accepted", "rejected", "withdrawn"}[v.rng.IntN(3)]
	v.said += fmt.Sprintf(": dispute %d is %s", d.id, outcome)
	if v.ask(first(when(v.closed, "maintenance"), when(!d.open, "dispute-closed")), func(key string) (any, error) {
		return v.w.bank.Resolve(context.Background(), issuer.ResolveRequest{Dispute: d.id, Outcome: outcome, Idempotency: key})
	}) {
		d.open = false
		if outcome != "accepted" {
			d.payment.back, d.payment.repaid = d.payment.back-d.amount, d.payment.repaid-d.billed
			v.money[d.payment.account].balance -= d.billed
		}
	}
}

func (v *town) clear() {
	v.said += ": clear"
	if v.ask(when(v.closed, "maintenance"), func(key string) (any, error) {
		return v.w.bank.Clear(context.Background(), issuer.ClearRequest{Idempotency: key})
	}) {
		for _, b := range v.payments {
			if b.state == "held" && !b.hold {
				v.completed(b, b.amount)
			}
		}
	}
}

// expire lets eight days pass: holds that nobody completed are free.
func (v *town) expire() {
	if v.closed || v.rng.IntN(3) > 0 {
		return
	}
	v.said += ": holds expire"
	v.w.Clock.Sleep(context.Background(), 8*24*time.Hour)
	v.lapse()
}

func (v *town) freezeAccount() {
	freeze := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": freeze the account: %t", freeze)
	verb, want := v.w.bank.Unfreeze, when(!v.frozen, "account-not-frozen")
	if freeze {
		verb, want = v.w.bank.Freeze, when(v.frozen, "account-frozen")
	}
	if v.ask(first(when(v.closed, "maintenance"), want), func(key string) (any, error) {
		return verb(context.Background(), issuer.AccountRequest{Account: townAccount, Idempotency: key})
	}) {
		v.frozen = freeze
	}
}

func (v *town) closeBank() {
	v.closed = v.rng.IntN(4) == 0
	_, err := v.w.bank.SetMaintenance(context.Background(), issuer.MaintenanceRequest{On: v.closed})
	require.NoError(v.t, err)
}

func (v *town) limit() {
	limited := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": limit: %t", limited)
	r := issuer.LimitRequest{Account: townAccount, Per: "payment", Amount: "0.01"}
	if !limited {
		r.Amount, r.Remove = "", true
	}
	if v.ask(first(when(v.closed, "maintenance"), when(!limited && !v.limited, "unknown-limit")), func(key string) (any, error) {
		r.Idempotency = key
		return v.w.bank.SetLimit(context.Background(), r)
	}) {
		v.limited = limited
	}
}
