package issuer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// completionOf is the advice that turns an authorisation into a payment.
func completionOf(m *iso8583.Message, stan string) *iso8583.Message {
	advice := clone(m)
	advice.MTI, advice.STAN = "0220", stan
	return advice
}

// A tap and the advice that completes it are one payment: for the counters of
// contactless payments, for monitoring, and for budgets.
func TestOneTapCountsOnce(t *testing.T) {
	for _, chip := range []bool{true, false} { // the advice names the tap by its cryptogram, or by field 37
		b := everydayBank(t, func(c *Config) {
			c.Contactless = Contactless{Count: 5}
			c.Monitoring = []MonitorRule{{Name: "many", MoreThan: 5, Within: time.Hour}, {Name: "large", Over: 10_00}, {Name: "replay", Replay: true}}
		})
		_, err := b.SetBudget(bg, BudgetRequest{Account: "A", Amount: "50.00"})
		require.NoError(t, err)
		for n := range uint16(5) {
			tap := plasticTap(n+1, 10_01).message(t, "0100", int(n)+1)
			b.answers("00", tap, "")
			done := completionOf(tap, "00010"+decimalText(int64(n)))
			if !chip {
				done.ICCData = nil
			}
			b.answers("00", done, "")
		}
		require.Equal(t, int64(500_00-5*10_01), b.account().Balance)
		state, err := b.Limits(bg, "A")
		require.NoError(t, err)
		require.Equal(t, []ContactlessUsage{{"476173******0119", 5, "50.05"}}, state.Contactless.Cards)
		refused := plasticTap(6, 10_01).message(t, "0100", 6)
		b.answers("70", refused, stepContactless)
		b.answers("00", completionOf(refused, "000200"), "")
		state, err = b.Limits(bg, "A")
		require.NoError(t, err)
		require.Equal(t, 5, state.Contactless.Cards[0].Count, "no money moved")
		all, err := b.Inbox(bg, "A", "")
		require.NoError(t, err)
		rules := map[string]int{}
		for _, n := range all {
			rules[n.Rule]++
		}
		require.Equal(t, map[string]int{"large": 6, "many": 1, "budget": 1 + 1}, rules, "%+v", all)
	}
}

// An advice that contradicts what the bank has is flagged, and moves nothing.
func TestAdvicesThatContradict(t *testing.T) {
	last := func(b *bank) PaymentState {
		all, err := b.Payments(bg, "A")
		require.NoError(t, err)
		return all[len(all)-1]
	}
	b := everydayBank(t, nil)
	held := plasticTap(1, 20_00).message(t, "0100", 1)
	b.answers("00", held, "")
	b.answers("00", reversalOf(held, "0400", 9), "")
	b.answers("00", completionOf(held, "000002"), "")
	require.Equal(t, []any{"noted", true}, []any{last(b).State, last(b).Flagged}, "it was reversed")
	require.Equal(t, int64(500_00), b.account().Balance)

	paid := plasticTap(2, 12_50).message(t, "0200", 3)
	b.answers("00", paid, "")
	for _, chip := range []bool{true, false} { // 1250 yen are not 12.50 EUR
		p := plasticTap(3, 12_50)
		e := p.elements()
		e.Type, e.Currency = toldRefund, [2]byte{0x03, 0x92}
		yen := refund(t, 3, "0220", 4)
		yen.Currency, yen.RRN, yen.ICCData = "392", paid.RRN, signed(t, p, &e)
		if !chip {
			yen.STAN, yen.ICCData = "000005", nil
		}
		b.answers("00", yen, "")
		require.Equal(t, []any{"refund", "noted", true}, []any{last(b).Event, last(b).State, last(b).Flagged})
		require.Equal(t, int64(487_50), b.account().Balance)
	}
}

// An old key opens or closes no bank.
func TestMaintenanceUnderAnOldKey(t *testing.T) {
	b := everydayBank(t, nil)
	on := MaintenanceRequest{On: true, Idempotency: "k"}
	first, err := b.SetMaintenance(bg, on)
	require.NoError(t, err)
	_, err = b.SetMaintenance(bg, MaintenanceRequest{})
	require.NoError(t, err)
	again, err := b.SetMaintenance(bg, on)
	require.NoError(t, err)
	require.Equal(t, first, again, "the first answer")
	require.False(t, b.Maintenance().On, "and no more")
	_, err = b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1"})
	require.NoError(t, err)
}

// withCurrency changes the currency of a message.
func withCurrency(m *iso8583.Message, currency string) *iso8583.Message {
	m.Currency = currency
	return m
}

// An advice may be for a tip more than what was authorised, or than the card
// signed, and for no more than that: beyond, it is flagged, and the story says why.
func TestAdviceIsBounded(t *testing.T) {
	advice := func(p tap, amount int64, chip bool) *iso8583.Message {
		m := p.message(t, "0220", 900)
		if m.RRN = "000112000001"; !chip {
			m.ICCData = nil
		}
		m.Amount = &amount
		return m
	}
	held := plasticTap(1, 12_50)
	authorised := func(b *bank) { b.answers("00", held.message(t, "0100", 1), "") }
	expired := func(b *bank) {
		authorised(b)
		b.now = b.now.Add(25 * time.Hour)
		require.NoError(t, b.lapse(bg))
		require.Zero(t, b.account().Held)
	}
	raised := func(b *bank) {
		authorised(b)
		_, err := b.Increment(bg, PaymentRequest{Payment: b.last().ID, Amount: "7.50"})
		require.NoError(t, err)
	}
	partly := func(b *bank) {
		b.answers("10", plasticTap(1, 600_00).message(t, "0100", 1), "")
		b.now = b.now.Add(25 * time.Hour)
	}
	nothing := func(*bank) {}
	refundOf := func(p tap, amount int64) *iso8583.Message {
		m := advice(p, amount, true)
		m.ProcessingCode, m.ICCData, m.RRN = "200000", refundData(t, p), "000112000777"
		return m
	}
	for name, c := range map[string]struct {
		before  func(*bank)
		message *iso8583.Message
		paid    int64
		why     string
	}{
		"a tip":                    {authorised, advice(held, 15_00, true), 15_00, ""},
		"too much":                 {authorised, advice(held, 15_01, true), 0, "15.01 EUR are to be paid, 12.50 EUR was authorised; with the bank's tolerance of 20 % it may be 15.00 EUR"},
		"all there is":             {authorised, advice(held, 999_999_999_999, false), 0, "9999999999.99 EUR are to be paid"},
		"by reference":             {authorised, advice(held, 15_00, false), 15_00, ""},
		"in another currency":      {authorised, withCurrency(advice(held, 16_30, false), "840"), 15_00, ""}, // 15.00 EUR, and the fee is none at home
		"too much in another":      {authorised, withCurrency(advice(held, 16_31, false), "840"), 0, "16.31 USD are to be paid"},
		"after its end":            {expired, advice(held, 15_00, true), 15_00, ""},
		"too much after its end":   {expired, advice(held, 15_01, true), 0, "12.50 EUR was authorised"},
		"of a raised hold":         {raised, advice(held, 24_00, true), 24_00, ""},
		"too much of it":           {raised, advice(held, 24_01, true), 0, "20.00 EUR was authorised"},
		"a raised one, ended":      {func(b *bank) { raised(b); b.now = b.now.Add(25 * time.Hour) }, advice(held, 24_00, true), 24_00, ""},
		"too much of that":         {func(b *bank) { raised(b); b.now = b.now.Add(25 * time.Hour) }, advice(held, 24_01, true), 0, "20.00 EUR was authorised"},
		"of a part, ended":         {partly, advice(plasticTap(1, 600_00), 600_00, true), 600_00, ""},
		"too much of it, ended":    {partly, advice(plasticTap(1, 600_00), 600_01, true), 0, "500.00 EUR was authorised"},
		"approved offline":         {nothing, advice(offlineTap(1, 12_50), 15_00, true), 15_00, ""},
		"too much for that":        {nothing, advice(offlineTap(1, 12_50), 15_01, true), 0, "12.50 EUR did the card sign (9F02)"},
		"signed in euros":          {nothing, withCurrency(advice(offlineTap(1, 12_50), 12_500, true), "840"), 0, "12.50 EUR did the card sign"},
		"a refund to a tap":        {nothing, refundOf(plasticTap(1, 12_50), 12_50), -12_50, ""},
		"more than the card heard": {nothing, refundOf(plasticTap(1, 12_50), 15_01), 0, "12.50 EUR did the card sign"},
	} {
		b := everydayBank(t, func(c *Config) {
			c.HoldsExpire, c.PartialApproval, c.Exchange.CrossBorderFee, c.KeptChecks = 24*time.Hour, true, 0, 100
		})
		c.before(b)
		b.answers("00", c.message, "")
		require.Equal(t, 500_00-c.paid, b.account().Balance, name)
		if c.paid != 0 {
			continue
		}
		require.Equal(t, []any{"noted", true}, []any{b.last().State, b.last().Flagged}, name)
		list, err := b.PaymentStories(bg, PaymentQuery{ID: b.last().ID})
		require.NoError(t, err)
		text := ""
		for _, s := range list[0].Checks {
			if s.Name == "posting" {
				text = s.Text
			}
		}
		require.Contains(t, text, c.why, name)
	}
}

// last is the newest record of account A.
func (b *bank) last() PaymentState {
	b.t.Helper()
	all, err := b.Payments(bg, "A")
	require.NoError(b.t, err)
	return all[len(all)-1]
}
