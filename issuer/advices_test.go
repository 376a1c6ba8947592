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
	b := everydayBank(t, func(c *Config) { c.HoldsExpire = time.Hour })
	held := plasticTap(1, 20_00).message(t, "0100", 1)
	b.answers("00", held, "")
	b.now = b.now.Add(2 * time.Hour)
	_, err := b.ExpireHolds(bg)
	require.NoError(t, err)
	b.answers("00", completionOf(held, "000002"), "")
	require.Equal(t, []any{"noted", true}, []any{last(b).State, last(b).Flagged}, "its hold expired")
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
