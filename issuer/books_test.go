package issuer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// bought makes a posted payment of the customer A and returns its number.
func (b *bank) bought(r HoldRequest) int64 {
	b.t.Helper()
	r.Account = "A"
	hold, err := b.PreAuthorise(bg, r)
	require.NoError(b.t, err)
	paid, err := b.Complete(bg, PaymentRequest{Payment: hold.ID})
	require.NoError(b.t, err)
	return paid.ID
}

// Who sends money to and fro between currencies has no more of it afterwards.
func TestMoneySentToAndFro(t *testing.T) {
	b := everydayBank(t, nil)
	_, err := b.TopUp(bg, TopUpRequest{Account: "Y", Amount: "1000"})
	require.NoError(t, err)
	for amount := 1; amount < 20; amount++ {
		before := b.balance("Y")
		_, err := b.Transfer(bg, TransferRequest{From: "Y", To: "B", Amount: decimalText(int64(amount))})
		if err != nil {
			require.Equal(t, "invalid-amount", codeOf(t, err), "nothing would arrive")
			continue
		}
		back, err := b.ShowAccount(bg, "B")
		require.NoError(t, err)
		_, err = b.Transfer(bg, TransferRequest{From: "B", To: "Y", Amount: back.Balance})
		require.NoError(t, err)
		require.LessOrEqual(t, b.balance("Y"), before, "after %d JPY", amount)
	}
	b.audit()
}

// The smallest amount of the weakest currency costs something.
func TestNoPaymentIsForNothing(t *testing.T) {
	b := everydayBank(t, func(c *Config) {
		rate, err := ParseRate("0.00006")
		require.NoError(t, err)
		c.Exchange.Rates[360] = rate
		c.PartialApproval = true
	})
	paid, err := b.ShowPayment(bg, b.bought(HoldRequest{Amount: "80.00", Currency: "IDR"}))
	require.NoError(t, err)
	require.Equal(t, "0.01", paid.Billed)
	_, err = b.Transfer(bg, TransferRequest{From: "A", To: "B", Amount: "499.99"})
	require.NoError(t, err)
	require.Zero(t, b.account().Available())
	answer, _ := b.handle(dollars(t, 1, "0200", 1))
	require.Equal(t, "51", answer.ResponseCode, "who has nothing gets no part either")
	b.audit()
}

// A payment that goes back in many parts leaves nothing behind: no cent with the
// bank, none missing at the merchant.
func TestFeeGoesBackInParts(t *testing.T) {
	for _, r := range []HoldRequest{{Amount: "10.00", Country: "FR"}, {Amount: "10.00", Currency: "USD", Country: "US"}, {Amount: "1000", Currency: "JPY", Country: "JP"}} {
		for _, last := range []string{"refund", "dispute", "reverse"} {
			b := everydayBank(t, nil)
			paid := b.bought(r)
			currency := uint16(978)
			if c, ok := emv.CurrencyByAlpha(r.Currency); ok {
				currency = c.Numeric
			}
			amount := map[uint16]string{978: "0.10", 840: "0.10", 392: "10"}[currency]
			require.NotZero(t, b.balance(internalAccount(ownFees, 978)))
			for range 97 {
				_, err := b.Refund(bg, RefundRequest{Payment: paid, Amount: amount})
				require.NoError(t, err)
			}
			switch last {
			case "refund":
				_, err := b.Refund(bg, RefundRequest{Payment: paid})
				require.NoError(t, err)
			case "reverse":
				_, err := b.Reverse(bg, PaymentRequest{Payment: paid})
				require.NoError(t, err)
			case "dispute":
				d, err := b.Dispute(bg, DisputeRequest{Payment: paid})
				require.NoError(t, err)
				_, err = b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: "accepted"})
				require.NoError(t, err)
			}
			for _, own := range []string{ownSettlement, ownFees, ownExchange, ownDisputed} {
				require.Zero(t, b.balance(internalAccount(own, currency)), "%s %s", own, last)
				require.Zero(t, b.balance(internalAccount(own, 978)), "%s %s", own, last)
			}
			require.Equal(t, int64(500_00), b.account().Balance)
			b.audit()
		}
	}
}

// Nothing is left on an account that is closed, whatever comes late.
func TestClosedAccountsStayAtZero(t *testing.T) {
	b := everydayBank(t, nil)
	paid := plasticTap(1, 20_00).message(t, "0200", 1)
	b.handle(paid)
	number, err := b.store.Sequence()
	require.NoError(t, err)
	given := refund(t, 2, "0200", 2)
	b.handle(given)
	_, err = b.CloseAccount(bg, AccountRequest{Account: "A", PayOut: true})
	require.NoError(t, err)
	_, err = b.Refund(bg, RefundRequest{Payment: number})
	require.Equal(t, "account-closed", codeOf(t, err))
	_, err = b.Reverse(bg, PaymentRequest{Payment: number})
	require.Equal(t, "account-closed", codeOf(t, err))
	b.answers("46", refund(t, 3, "0200", 3), "status")

	token, _, err := b.store.Instrument(b.store.IndexPAN(testToken))
	require.NoError(t, err)
	require.Equal(t, StatusDeactivated, token.Status)
	events, err := b.TokenHistory(bg, token.Index.Reference(), 0, 10)
	require.NoError(t, err)
	require.Equal(t, "the account is closed", events[len(events)-1].Text)

	b.answers("00", reversalOf(given, "0420", 4), "")
	require.Equal(t, int64(-12_50), b.balance(internalAccount(ownLosses, 978)))
	b.answers("00", reversalOf(paid, "0420", 5), "")
	require.Zero(t, b.account().Balance)
	var kinds []string
	all, err := b.Payments(bg, "A")
	require.NoError(t, err)
	for _, p := range all {
		kinds = append(kinds, p.Event)
	}
	require.Equal(t, []string{"opening", "purchase", "refund", "pay-out", "reversal", "write-off", "reversal", "pay-out"}, kinds)

	require.NoError(t, b.store.Update(bg, nil, func(tx *Tx) error {
		a, _, err := tx.Account("B")
		a.Held, a.Status = 1_00, StatusDeactivated
		tx.PutAccount(a)
		tx.PutRecord(Record{Seq: 99, Key: "x", Account: "B", Amount: 1_00, Billed: 1_00, State: RecordHeld, Currency: 978, Billing: 978})
		return err
	}))
	require.ErrorContains(t, Audit(bg, b.store), "account B is closed, and has balance 0 and holds 100")
}

// A hold that is raised is judged as the payment that it becomes, and on the day
// on which it is raised.
func TestRaisedHoldIsJudgedWhole(t *testing.T) {
	b := everydayBank(t, func(c *Config) { c.Limits.MaxAmount = 200_00; c.HoldsExpire = 24 * time.Hour })
	limit := func(per, amount string) {
		_, err := b.SetLimit(bg, LimitRequest{Account: "A", Per: per, Amount: amount})
		require.NoError(t, err)
	}
	raise := func(payment int64, amount, want string) {
		t.Helper()
		_, err := b.Increment(bg, PaymentRequest{Payment: payment, Amount: amount})
		require.Equal(t, want, codeOf(t, err))
	}
	_, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "200.01"})
	require.Equal(t, "over-limit", codeOf(t, err), "the bank's own limit")
	limit("payment", "50.00")
	hold, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "40.00"})
	require.NoError(t, err)
	raise(hold.ID, "10.01", "over-limit")
	raise(hold.ID, "10.00", "")
	limit("payment", "500.00")
	limit("day", "100.00")
	raise(hold.ID, "50.00", "")
	raise(hold.ID, "0.01", "over-limit")
	b.now = b.now.Add(20 * time.Hour) // tomorrow
	raise(hold.ID, "0.01", "over-limit")
	limit("day", "250.00")
	raise(hold.ID, "100.00", "")
	raise(hold.ID, "0.01", "over-limit") // the bank's own limit
	state, err := b.Limits(bg, "A")
	require.NoError(t, err)
	require.Equal(t, "200.00", state.Limits[1].Used, "all of it counts today")
	b.now = b.now.Add(20 * time.Hour)
	require.NoError(t, b.lapse(bg))
	require.NotZero(t, b.account().Held, "it was raised 20 hours ago")
	b.now = b.now.Add(5 * time.Hour)
	require.NoError(t, b.lapse(bg))
	require.Zero(t, b.account().Held)
	b.audit()
}

// Holds tell about budgets, too; what completes them does not tell again.
func TestBudgetOfHolds(t *testing.T) {
	b := everydayBank(t, nil)
	_, err := b.SetBudget(bg, BudgetRequest{Account: "A", Amount: "50.00"})
	require.NoError(t, err)
	hold, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "45.00"})
	require.NoError(t, err)
	_, err = b.Increment(bg, PaymentRequest{Payment: hold.ID, Amount: "10.00"})
	require.NoError(t, err)
	_, err = b.Complete(bg, PaymentRequest{Payment: hold.ID})
	require.NoError(t, err)
	notices, err := b.Inbox(bg, "A", "")
	require.NoError(t, err)
	require.Len(t, notices, 2)
	require.Contains(t, notices[0].Text, "four fifths: 45.00")
	require.Contains(t, notices[1].Text, "is spent: 55.00")
}

// A clock that goes back a second at the turn of the month leaves balances that
// add up; a line says what was booked, also when a part is undone afterwards.
func TestStatementAddsUp(t *testing.T) {
	b := everydayBank(t, nil)
	for _, at := range []int64{0, -1, 2} {
		b.now = time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(at) * time.Second)
		_, err := b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1.00"})
		require.NoError(t, err)
	}
	paid := dollars(t, 1, "0200", 1)
	paid.TransmissionTime = "0201000000"
	b.answers("00", paid, "")
	back := reversalOf(paid, "0420", 2)
	back.OriginalData = back.OriginalData[:10] + "0201000000" + back.OriginalData[20:]
	back.ReplacementAmounts = "000000006000" + "000000000000000000000000000000"
	b.answers("00", back, "")
	s, err := b.Statement(bg, "A", "2030-02")
	require.NoError(t, err)
	require.Equal(t, []string{"501.00", "446.97"}, []string{s.Opening, s.Closing})
	var lines [][]string
	for _, l := range s.Lines {
		lines = append(lines, []string{l.Event, l.Original, l.Fee, l.Amount, l.Balance})
	}
	require.Equal(t, [][]string{
		{"top-up", "", "", "1.00", "502.00"}, {"top-up", "", "", "1.00", "503.00"},
		{"purchase", "100.00 USD", "1.38", "-93.38", "409.62"}, {"reversal", "40.00 USD", "0.55", "37.35", "446.97"},
	}, lines[:4])
}

// Months in which nothing was spent are months, too.
func TestSpendingOfEmptyMonths(t *testing.T) {
	b := everydayBank(t, nil)
	b.bought(HoldRequest{Amount: "10.00"})
	s, err := b.Spending(bg, SpendingRequest{Account: "A", By: "month", From: "2029-11", To: "2030-01"})
	require.NoError(t, err)
	require.Equal(t, []SpendingGroup{
		{Name: "2029-11", Amount: "0.00"}, {Name: "2029-12", Amount: "0.00"}, {Name: "2030-01", Amount: "10.00", Count: 1, Share: 100, Minor: 10_00},
	}, s.Groups)
}

// A reversal of a payment of which a part was approved names the whole, or the
// part.
func TestReversalOfAPart(t *testing.T) {
	for _, amount := range []int64{600_00, 500_00, 400_00} {
		b := everydayBank(t, func(c *Config) { c.PartialApproval = true })
		asked := plasticTap(1, 600_00).message(t, "0100", 1)
		b.answers("10", asked, "")
		require.Equal(t, int64(500_00), b.account().Held)
		back := reversalOf(asked, "0420", 2)
		*back.Amount = amount
		answer, _ := b.handle(back)
		require.Equal(t, amount != 400_00, answer.ResponseCode == "00")
		require.Equal(t, amount != 400_00, b.account().Held == 0)
		b.audit()
	}
}

// The audit sees money that no payment left at the bank's own accounts.
func TestAuditOfTheBanksOwn(t *testing.T) {
	for _, own := range []string{ownSettlement, ownFees, ownDisputed, ownTransfers} {
		b := everydayBank(t, nil)
		b.bought(HoldRequest{Amount: "10.00", Country: "FR"})
		b.audit()
		require.NoError(t, b.store.Update(bg, nil, func(tx *Tx) error {
			record, err := tx.newRecord(EventTopUp, "A", 978, 1, b.now)
			require.NoError(t, err)
			from, err := tx.internal(own, 978)
			require.NoError(t, err)
			record.State = RecordCredited
			tx.PutRecord(record)
			return tx.Move(&record, from, "A", 1)
		}))
		require.ErrorContains(t, Audit(bg, b.store), "audit: account bank:"+own+":978 is at")
	}
}

// A hold abroad that was too small for a fee has one when it is raised.
func TestRaisedHoldPaysTheFee(t *testing.T) {
	b := everydayBank(t, nil)
	hold, err := b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "0.01", Country: "FR"})
	require.NoError(t, err)
	require.Equal(t, "0.00", hold.Fee)
	raised, err := b.Increment(bg, PaymentRequest{Payment: hold.ID, Amount: "100.00"})
	require.NoError(t, err)
	require.Equal(t, []string{"101.51", "1.50"}, []string{raised.Billed, raised.Fee})
}
