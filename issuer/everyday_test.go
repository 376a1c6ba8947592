package issuer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

var bg = context.Background()

// codeOf is the code of a refusal, "" for none, and an error for anything else.
func codeOf(t testing.TB, err error) string {
	t.Helper()
	var r *Refusal
	if err != nil {
		require.True(t, errors.As(err, &r), "%v is no refusal", err)
		require.NotEmpty(t, r.Text)
		return r.Code
	}
	return ""
}

// everydayBank has accounts A (with the test card, 500.00 EUR), B (EUR), U (USD)
// and Y (JPY), rates, and a fee abroad.
func everydayBank(t testing.TB, change func(*Config)) *bank {
	b := newBank(t, func(c *Config) {
		c.Country = 276
		usd, err := ParseRate("0.92")
		require.NoError(t, err)
		jpy, err := ParseRate("0.0062")
		require.NoError(t, err)
		c.Exchange = Exchange{Rates: map[uint16]Rate{840: usd, 392: jpy}, CrossBorderFee: 150}
		if change != nil {
			change(c)
		}
	})
	for account, currency := range map[string]string{"B": "EUR", "U": "USD", "Y": "JPY"} {
		_, err := b.Open(bg, OpenRequest{Account: account, Currency: currency})
		require.NoError(t, err)
	}
	return b
}

// paid makes a posted payment by a tap and returns its number.
func (b *bank) paid(atc uint16, amount int64) int64 {
	b.t.Helper()
	answer, report := b.handle(plasticTap(atc, amount).message(b.t, iso8583.FinancialRequest, int(atc)))
	require.Equal(b.t, "00", answer.ResponseCode, "%+v", report.Steps)
	seq, err := b.store.Sequence()
	require.NoError(b.t, err)
	return seq
}

// Every state of an account against every verb of its owner: what is refused,
// and that a refusal changes nothing.
func TestAccountLifeCycle(t *testing.T) {
	verbs := []struct {
		name string
		do   func(b *bank) error
	}{
		{"top-up", func(b *bank) error {
			_, err := b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1.00"})
			return err
		}},
		{"send", func(b *bank) error {
			_, err := b.Transfer(bg, TransferRequest{From: "A", To: "B", Amount: "1.00"})
			return err
		}},
		{"receive", func(b *bank) error {
			_, err := b.Transfer(bg, TransferRequest{From: "B", To: "A", Amount: "1.00"})
			return err
		}},
		{"hold", func(b *bank) error {
			_, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "1.00"})
			return err
		}},
		{"freeze", func(b *bank) error { _, err := b.Freeze(bg, AccountRequest{Account: "A"}); return err }},
		{"unfreeze", func(b *bank) error { _, err := b.Unfreeze(bg, AccountRequest{Account: "A"}); return err }},
		{"limit", func(b *bank) error {
			_, err := b.SetLimit(bg, LimitRequest{Account: "A", Per: "day", Amount: "1.00"})
			return err
		}},
		{"close", func(b *bank) error {
			_, err := b.CloseAccount(bg, AccountRequest{Account: "A", PayOut: true})
			return err
		}},
		{"card", func(b *bank) error { _, _, err := b.IssueFundingCard(bg, CardRequest{Account: "A"}); return err }},
		{"pay", func(b *bank) error {
			answer, _ := b.handle(plasticTap(40, 1_00).message(b.t, "0200", 40))
			if answer.ResponseCode != "00" {
				return &Refusal{Code: answer.ResponseCode, Text: "declined"}
			}
			return nil
		}},
	}
	states := []struct {
		name string
		make func(b *bank)
		want string // the code of each verb above; - is done
	}{
		{"active", func(*bank) {}, "- - - - - account-not-frozen - - - -"},
		{"frozen", func(b *bank) { _, err := b.Freeze(bg, AccountRequest{Account: "A"}); require.NoError(t, err) },
			"- account-frozen - account-frozen account-frozen - - account-frozen - 62"},
		{"with a hold", func(b *bank) { b.handle(plasticTap(1, 1_00).message(t, "0100", 1)) },
			"- - - - - account-not-frozen - holds-open - -"},
		{"with a dispute", func(b *bank) {
			_, err := b.Dispute(bg, DisputeRequest{Payment: b.paid(1, 1_00)})
			require.NoError(t, err)
		}, "- - - - - account-not-frozen - dispute-open - -"},
		{"closed", func(b *bank) {
			_, err := b.CloseAccount(bg, AccountRequest{Account: "A", PayOut: true})
			require.NoError(t, err)
		}, strings.Repeat("account-closed ", 9) + "46"},
		{"bank closed", func(b *bank) { _, err := b.SetMaintenance(bg, MaintenanceRequest{On: true}); require.NoError(t, err) },
			strings.Repeat("maintenance ", 9) + "91"},
	}
	for _, s := range states {
		wants := strings.Fields(s.want)
		require.Len(t, wants, len(verbs), s.name)
		for n, v := range verbs {
			b := everydayBank(t, nil)
			_, err := b.TopUp(bg, TopUpRequest{Account: "B", Amount: "5.00"})
			require.NoError(t, err)
			s.make(b)
			before := b.account()
			code := codeOf(t, v.do(b))
			if code == "" {
				code = "-"
			} else {
				require.Equal(t, before, b.account(), "%s, %s", s.name, v.name)
			}
			require.Equal(t, wants[n], code, "%s, %s", s.name, v.name)
			b.audit()
		}
	}
}

// What nobody should ask for, each with a code of its own.
func TestRefusals(t *testing.T) {
	b := everydayBank(t, nil)
	paid := b.paid(1, 20_00)
	b.handle(plasticTap(2, 10_00).message(t, "0100", 2))
	held, err := b.store.Sequence()
	require.NoError(t, err)
	topUp := func(account, amount string) error {
		_, err := b.TopUp(bg, TopUpRequest{Account: account, Amount: amount})
		return err
	}
	transfer := func(from, to, amount string) error {
		_, err := b.Transfer(bg, TransferRequest{From: from, To: to, Amount: amount})
		return err
	}
	refund := func(payment int64, amount string) error {
		_, err := b.Refund(bg, RefundRequest{Payment: payment, Amount: amount})
		return err
	}
	limit := func(r LimitRequest) error { _, err := b.SetLimit(bg, r); return err }
	open := func(r OpenRequest) error { _, err := b.Open(bg, r); return err }
	complete := func(payment int64, amount string) error {
		_, err := b.Complete(bg, PaymentRequest{Payment: payment, Amount: amount})
		return err
	}
	_, badMonth := b.Statement(bg, "A", "2030-13")
	_, badGroup := b.Spending(bg, SpendingRequest{Account: "A", By: "colour"})
	_, backwards := b.Spending(bg, SpendingRequest{Account: "A", From: "2030-02", To: "2030-01"})
	_, unknownDispute := b.Resolve(bg, ResolveRequest{Dispute: paid, Outcome: "accepted"})
	_, badOutcome := b.Resolve(bg, ResolveRequest{Dispute: paid, Outcome: "maybe"})
	_, badKind := b.Inbox(bg, "A", "letter")
	_, nobodysTokens := b.Tokens(bg, "Z")
	_, longKey := b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1", Idempotency: strings.Repeat("k", 200)})
	before := b.account()
	for n, c := range []struct {
		err  error
		code string
	}{
		{topUp("A", "-1.00"), "invalid-amount"}, {topUp("A", "0.00"), "invalid-amount"}, {topUp("A", "1.001"), "invalid-amount"},
		{topUp("Y", "1.5"), "invalid-amount"}, {topUp("A", "99999999999999999999"), "invalid-amount"}, {topUp("A", "1e9"), "invalid-amount"},
		{topUp("A'; DROP TABLE accounts; --", "1"), "unknown-account"}, {topUp(SettlementAccount(978), "1"), "unknown-account"},
		{transfer("A", "A", "1"), "same-account"}, {transfer("A", "Z", "1"), "unknown-account"}, {transfer("B", "A", "1"), "insufficient-funds"},
		{transfer("A", "B", "470.01"), "insufficient-funds"}, {transfer("Y", "A", "0"), "invalid-amount"},
		{refund(paid, "20.01"), "over-refund"}, {refund(held, ""), "payment-pending"}, {refund(999, ""), "unknown-payment"}, {refund(-1, ""), "unknown-payment"}, {refund(1, ""), "not-a-payment"},
		{complete(held, "10.01"), "above-hold"}, {complete(paid, ""), "hold-not-open"},
		{limit(LimitRequest{Account: "A", Per: "year", Amount: "1"}), "invalid-limit"}, {limit(LimitRequest{Account: "A", Per: "day", Category: "fun", Amount: "1"}), "unknown-category"},
		{limit(LimitRequest{Account: "A", Per: "day", Country: "ZZ", Amount: "1"}), "unknown-country"}, {limit(LimitRequest{Account: "A", Per: "day", Remove: true}), "unknown-limit"},
		{open(OpenRequest{Account: "A"}), "account-exists"}, {open(OpenRequest{Account: "bank:x"}), "invalid-account-name"}, {open(OpenRequest{Account: "C", Currency: "EURO"}), "unknown-currency"}, {open(OpenRequest{Account: "C", Currency: "XXX"}), "unknown-currency"},
		{badMonth, "invalid-month"}, {badGroup, "bad-request"}, {backwards, "invalid-month"}, {unknownDispute, "unknown-dispute"}, {badOutcome, "bad-request"}, {longKey, "bad-request"},
		{badKind, "bad-request"}, {nobodysTokens, "unknown-account"},
	} {
		require.Equal(t, c.code, codeOf(t, c.err), "case %d: %v", n, c.err)
	}
	require.Equal(t, before, b.account())
	b.audit()
}

// The same key and request give the first answer again; another request is
// refused, and a refusal is not kept.
func TestIdempotency(t *testing.T) {
	b := everydayBank(t, nil)
	r := TransferRequest{From: "A", To: "B", Amount: "10.00", Idempotency: "one"}
	first, err := b.Transfer(bg, r)
	require.NoError(t, err)
	second, err := b.Transfer(bg, r)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, int64(490_00), b.account().Balance)
	r.Amount = "11.00"
	_, err = b.Transfer(bg, r)
	require.Equal(t, "idempotency-mismatch", codeOf(t, err))
	_, err = b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1", Idempotency: "one"})
	require.Equal(t, "idempotency-mismatch", codeOf(t, err))
	r = TransferRequest{From: "B", To: "A", Amount: "20.00", Idempotency: "two"}
	_, err = b.Transfer(bg, r)
	require.Equal(t, "insufficient-funds", codeOf(t, err))
	_, err = b.TopUp(bg, TopUpRequest{Account: "B", Amount: "30.00"})
	require.NoError(t, err)
	_, err = b.Transfer(bg, r)
	require.NoError(t, err)
	require.Equal(t, int64(510_00), b.account().Balance)
	b.audit()
}

// A part, the rest, and no more; the reversal of the payment afterwards finds
// nothing left.
func TestRefundInParts(t *testing.T) {
	b := everydayBank(t, nil)
	paid := b.paid(1, 20_00)
	part, err := b.Refund(bg, RefundRequest{Payment: paid, Amount: "5.00"})
	require.NoError(t, err)
	require.Equal(t, []any{"refund", "credited", "5.00", paid}, []any{part.Event, part.State, part.Amount, part.Related})
	_, err = b.Refund(bg, RefundRequest{Payment: paid, Amount: "15.01"})
	require.Equal(t, "over-refund", codeOf(t, err))
	_, err = b.Refund(bg, RefundRequest{Payment: paid})
	require.NoError(t, err)
	_, err = b.Refund(bg, RefundRequest{Payment: paid})
	require.Equal(t, "nothing-left", codeOf(t, err))
	_, err = b.Reverse(bg, PaymentRequest{Payment: paid})
	require.Equal(t, "nothing-left", codeOf(t, err))
	_, err = b.Dispute(bg, DisputeRequest{Payment: paid})
	require.Equal(t, "nothing-left", codeOf(t, err))
	b.handle(reversalOf(plasticTap(1, 20_00).message(t, "0200", 1), "0420", 9))
	require.Equal(t, int64(500_00), b.account().Balance)
	b.audit()
}

// Reserve, raise, complete for less: the rest is free again. What waits too long
// expires.
func TestHolds(t *testing.T) {
	b := everydayBank(t, func(c *Config) { c.HoldsExpire = 24 * time.Hour })
	hold, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "100.00", Merchant: "HOTEL", Category: "7011"})
	require.NoError(t, err)
	raised, err := b.Increment(bg, PaymentRequest{Payment: hold.ID, Amount: "50.00"})
	require.NoError(t, err)
	require.Equal(t, "150.00", raised.Amount)
	require.Equal(t, int64(150_00), b.account().Held)
	done, err := b.Clear(bg, ClearRequest{})
	require.NoError(t, err)
	require.Empty(t, done, "a pre-authorisation waits for its own completion")
	paid, err := b.Complete(bg, PaymentRequest{Payment: hold.ID, Amount: "120.00"})
	require.NoError(t, err)
	require.Equal(t, []any{"completion", "posted", hold.ID, "travel"}, []any{paid.Event, paid.State, paid.Related, paid.CategoryGroup})
	require.Equal(t, []int64{380_00, 0}, []int64{b.account().Balance, b.account().Held})
	_, err = b.Refund(bg, RefundRequest{Payment: hold.ID, Amount: "20.00"})
	require.NoError(t, err, "the number of the hold stands for its payment")

	_, err = b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "400.00"})
	require.NoError(t, err)
	require.NoError(t, b.lapse(bg))
	require.Equal(t, int64(400_00), b.account().Held)
	b.now = b.now.Add(25 * time.Hour)
	require.NoError(t, b.lapse(bg))
	require.Equal(t, []int64{400_00, 0}, []int64{b.account().Balance, b.account().Held})
	b.audit()
}

// A reversal of the tap, late, undoes what the clearing made of its hold.
func TestReversalOfAClearedTap(t *testing.T) {
	b := everydayBank(t, nil)
	m := plasticTap(1, 20_00).message(t, "0100", 1)
	b.handle(m)
	done, err := b.Clear(bg, ClearRequest{Account: "A"})
	require.NoError(t, err)
	require.Len(t, done, 1)
	require.Equal(t, int64(480_00), b.account().Balance)
	advice := plasticTap(1, 20_00).message(t, "0220", 2)
	b.handle(advice) // the merchant's own completion comes late: it is there already
	require.Equal(t, int64(480_00), b.account().Balance)
	b.handle(reversalOf(m, "0420", 3))
	require.Equal(t, int64(500_00), b.account().Balance)
	b.audit()
}

func TestDisputes(t *testing.T) {
	for outcome, want := range map[string]struct{ customer, merchant int64 }{
		"accepted": {500_00, 0}, "rejected": {480_00, 20_00}, "withdrawn": {480_00, 20_00},
	} {
		b := everydayBank(t, nil)
		paid := b.paid(1, 20_00)
		d, err := b.Dispute(bg, DisputeRequest{Payment: paid, Reason: "not me", Block: true})
		require.NoError(t, err)
		require.Equal(t, []any{"credited", "20.00", "476173******0119"}, []any{d.State, d.Credited, d.Blocked})
		require.Equal(t, int64(500_00), b.account().Balance)
		_, err = b.Refund(bg, RefundRequest{Payment: paid})
		require.Equal(t, "nothing-left", codeOf(t, err), "the merchant cannot give back what the bank gave")
		answer, _ := b.handle(plasticTap(2, 1_00).message(t, "0200", 2))
		require.Equal(t, "62", answer.ResponseCode, "the card is stopped")
		b.audit()
		d, err = b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: outcome})
		require.NoError(t, err)
		require.Equal(t, outcome, d.State)
		_, err = b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: outcome})
		require.Equal(t, "dispute-closed", codeOf(t, err))
		merchant, _, err := b.store.Account(SettlementAccount(978))
		require.NoError(t, err)
		require.Equal(t, []int64{want.customer, want.merchant}, []int64{b.account().Balance, merchant.Balance}, outcome)
		b.audit()
	}
	b := everydayBank(t, nil)
	paid := b.paid(1, 20_00)
	b.now = b.now.AddDate(0, 13, 1)
	_, err := b.Dispute(bg, DisputeRequest{Payment: paid})
	require.Equal(t, "too-late", codeOf(t, err))
}
