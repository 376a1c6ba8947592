package issuer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
)

// at is a tap at a merchant of a category.
func at(t *testing.T, atc uint16, amount int64, category string) *iso8583.Message {
	m := plasticTap(atc, amount).message(t, "0200", int(atc))
	m.MerchantCategory, m.MerchantName = category, "SHOP "+category
	return m
}

func (b *bank) answers(code string, m *iso8583.Message, step string) {
	b.t.Helper()
	answer, report := b.handle(m)
	require.Equal(b.t, code, answer.ResponseCode, "%+v", report.Steps)
	if code != "00" && step != "" {
		require.Equal(b.t, Failed, report.find(step).Result, "%+v", report.Steps)
	}
	b.audit()
}

func TestCustomersLimits(t *testing.T) {
	b := everydayBank(t, nil)
	b.answers("00", at(t, 1, 10_00, "5812"), "")
	for _, r := range []LimitRequest{
		{Per: "payment", Amount: "50.00"}, {Per: "day", Amount: "80.00"}, {Per: "month", Category: "restaurants", Amount: "30.00"},
		{Per: "payment", Category: "7995", Amount: "0"}, {Per: "payment", Country: "us", Amount: "0"},
	} {
		r.Account = "A"
		_, err := b.SetLimit(bg, r)
		require.NoError(t, err)
	}
	_, report := b.handle(at(t, 2, 50_01, "5411"))
	require.Equal(t, "50.01 EUR is asked; the customer's limit is 50.00 EUR per payment", report.find(stepLimits).Text)
	b.answers("61", at(t, 3, 20_01, "5814"), stepLimits) // 10.00 before the limit was set count
	b.answers("00", at(t, 4, 20_00, "5814"), "")
	b.answers("57", at(t, 5, 1, "7995"), stepLimits)
	b.answers("57", dollars(t, 6, "0200", 6), stepLimits)
	b.answers("00", at(t, 7, 50_00, "5411"), "")
	b.answers("61", at(t, 8, 1, "5411"), stepLimits) // 80.00 today
	b.handle(reversalOf(at(t, 7, 50_00, "5411"), "0420", 9))
	b.answers("00", at(t, 10, 50_00, "5411"), "")
	state, err := b.Limits(bg, "A")
	require.NoError(t, err)
	require.Equal(t, LimitState{Per: "day", Amount: "80.00", Used: "80.00", Remaining: "0.00"}, state.Limits[1])
	require.Equal(t, LimitState{Per: "month", Category: "restaurants", Amount: "30.00", Used: "30.00", Remaining: "0.00"}, state.Limits[2])
	require.Equal(t, "US", state.Limits[4].Country)
	_, err = b.PreAuthorise(bg, HoldRequest{Account: "A", Amount: "1.00"})
	require.Equal(t, "over-limit", codeOf(t, err))

	b.now = b.now.AddDate(0, 0, 1)
	b.answers("00", at(t, 11, 5_00, "5411"), "")
	b.answers("61", at(t, 12, 1, "5812"), stepLimits) // the month goes on
	b.now = b.now.AddDate(0, 1, 0)
	b.answers("00", at(t, 13, 30_00, "5812"), "")
	_, err = b.SetLimit(bg, LimitRequest{Account: "A", Per: "month", Category: "restaurants", Remove: true})
	require.NoError(t, err)
	b.answers("00", at(t, 14, 30_00, "5812"), "")
}

// What has no room in the sums counts against every limit.
func TestSumsAreBounded(t *testing.T) {
	var c Controls
	c.roll(testTime)
	for n := range 1000 {
		c.add(testTime, uint16(n+1), 276, 1)
	}
	require.Len(t, c.Sums, MaxSums)
	require.Equal(t, int64(1000), c.spent(PerDay, "", 0))
	require.Equal(t, int64(1000-MaxSums+1), c.spent(PerMonth, "9999", 0))
	require.Equal(t, int64(1000-MaxSums+1)+1, c.spent(PerMonth, "0001", 276))
	c.roll(testTime.AddDate(0, 0, 1))
	require.Zero(t, c.spent(PerDay, "", 0))
	require.Equal(t, int64(1000), c.spent(PerMonth, "", 0))
	c.add(testTime, 1, 276, -1) // yesterday's payment is undone
	require.Zero(t, c.spent(PerDay, "", 0))
	require.Equal(t, int64(999), c.spent(PerMonth, "", 0))
}

func TestBudget(t *testing.T) {
	b := everydayBank(t, nil)
	_, err := b.SetBudget(bg, BudgetRequest{Account: "A", Category: "restaurants", Amount: "50.00"})
	require.NoError(t, err)
	for n, amount := range []int64{30_00, 15_00, 4_00, 10_00, 10_00} {
		b.answers("00", at(t, uint16(n+1), amount, "5812"), "")
	}
	b.answers("00", at(t, 6, 100_00, "5411"), "")
	notices, err := b.Inbox(bg, "A", "")
	require.NoError(t, err)
	require.Len(t, notices, 2)
	require.Equal(t, "the budget of 50.00 EUR a month for restaurants is spent by four fifths: 45.00 EUR so far", notices[0].Text)
	require.Equal(t, "the budget of 50.00 EUR a month for restaurants is spent: 59.00 EUR so far", notices[1].Text)
	state, err := b.Limits(bg, "A")
	require.NoError(t, err)
	require.Equal(t, []BudgetState{{"restaurants", "50.00", "69.00", "-19.00"}}, state.Budgets)
}

// Five payments or 150.00 in a row without verification, then a PIN; a PIN starts
// anew.
func TestContactlessCounters(t *testing.T) {
	b := everydayBank(t, func(c *Config) {
		c.Contactless = Contactless{Count: 5, Amount: 150_00}
		c.SecondUse = SecondUseRules{Within: time.Minute}
	})
	for n := range uint16(5) {
		b.answers("00", at(t, n+1, 10_00, "5411"), "")
	}
	sixth := at(t, 6, 10_00, "5411")
	b.answers("70", sixth, stepContactless)
	withPIN := clone(sixth)
	withPIN.STAN, withPIN.PINBlock = "000100", make([]byte, 8)
	b.answers("00", withPIN, "")
	b.answers("00", at(t, 7, 140_00, "5411"), "")
	b.answers("70", at(t, 8, 10_01, "5411"), stepContactless)
	state, err := b.Limits(bg, "A")
	require.NoError(t, err)
	require.Equal(t, ContactlessState{Count: 5, Amount: "150.00", Cards: []ContactlessUsage{{"476173******0119", 1, "140.00"}}}, state.Contactless)
	_, err = b.SetContactless(bg, ContactlessRequest{Account: "A", Count: 1})
	require.NoError(t, err)
	b.answers("70", at(t, 9, 1, "5411"), stepContactless)
	_, err = b.SetContactless(bg, ContactlessRequest{Account: "A"}) // no bounds
	require.NoError(t, err)
	b.answers("00", at(t, 10, 100_00, "5411"), "")
}

func TestMonitoring(t *testing.T) {
	b := everydayBank(t, func(c *Config) {
		c.Counter.MaxGap = 1000
		c.Monitoring = []MonitorRule{
			{Name: "many", MoreThan: 3, Within: time.Minute}, {Name: "large", Over: 100_00}, {Name: "gap", Gap: 20}, {Name: "replay", Replay: true},
			{Name: "moved", Moved: time.Hour, Response: "59"}, {Name: "night-abroad", Outside: []uint16{276}, From: 22 * 60, To: 5 * 60, Response: "59"},
		}
	})
	alerts := func() []string {
		all, err := b.Inbox(bg, "A", NoticeAlert)
		require.NoError(t, err)
		var out []string
		for _, a := range all {
			out = append(out, a.Rule+": "+a.Text)
		}
		return out
	}
	for n := range uint16(3) {
		b.answers("00", at(t, n+1, 1_00, "5411"), "")
	}
	require.Empty(t, alerts())
	b.answers("00", at(t, 4, 1_00, "5411"), "")
	require.Equal(t, []string{"many: 4 payments within 1m0s"}, alerts())
	b.now = b.now.Add(2 * time.Minute)
	b.answers("00", at(t, 5, 100_01, "5411"), "")
	b.answers("00", at(t, 30, 1_00, "5411"), "")
	replay := at(t, 30, 1_00, "5411")
	replay.STAN, replay.RRN = "000777", "000112000777"
	b.answers("63", replay, "counter")
	b.answers("59", dollars(t, 31, "0200", 31), "")
	b.now = b.now.Add(11 * time.Hour)
	b.answers("59", dollars(t, 32, "0200", 32), stepMonitoring)
	require.Equal(t, []string{
		"large: a payment of 100.01 EUR", "gap: the transaction counter jumped by 25", "replay: a transaction counter that came before",
		"many: 4 payments within 1m0s", "moved: a payment in US, 0s after one in DE", "night-abroad: a payment in US; a payment at 23:02 UTC",
	}, alerts()[1:])
	b.now = b.now.Add(12 * time.Hour)
	b.answers("00", dollars(t, 33, "0200", 33), "")
}

// Who pays a merchant abroad in an app has not travelled.
func TestAppsAreNowhere(t *testing.T) {
	b := everydayBank(t, func(c *Config) { c.Monitoring = []MonitorRule{{Name: "moved", Moved: time.Hour, Response: "59"}} })
	b.answers("00", at(t, 1, 1_00, "5411"), "")
	app := dollars(t, 2, "0200", 2)
	app.EntryMode = "810"
	b.answers("00", app, "")
	b.answers("00", at(t, 3, 1_00, "5411"), "")
	b.answers("59", dollars(t, 4, "0200", 4), stepMonitoring)
}

func TestMonitorRulesAreChecked(t *testing.T) {
	for want, r := range map[string]MonitorRule{
		"needs a name": {}, "no condition": {Name: "x"}, "go together": {Name: "x", MoreThan: 2}, "want 1 to 15": {Name: "x", MoreThan: 16, Within: 1},
		"not an amount": {Name: "x", Over: emv.MaxAmount + 1}, "time of day": {Name: "x", From: 1, To: 1440}, "at most a year": {Name: "x", Moved: 400 * 24 * time.Hour},
		"a gap is": {Name: "x", Gap: 70000}, "not a code that declines": {Name: "x", Replay: true, Response: "00"},
	} {
		require.Contains(t, r.fault(), want)
	}
}

// While the bank is closed it answers 91 and forgets; small payments it approves
// unseen; what has happened already it takes; and it knows after a restart.
func TestMaintenance(t *testing.T) {
	b := everydayBank(t, func(c *Config) { c.StandIn.MaxAmount = 10_00 })
	held := at(t, 1, 20_00, "5411")
	held.MTI = "0100"
	b.answers("00", held, "")
	_, err := b.SetMaintenance(bg, MaintenanceRequest{On: true, Text: "new software"})
	require.NoError(t, err)
	late := at(t, 2, 20_00, "5411")
	b.answers("91", late, stepMaintenance)
	wrong := at(t, 3, 5_00, "5411")
	wrong.ICCData = at(t, 4, 5_00, "5411").ICCData[:len(wrong.ICCData)]
	b.answers("00", at(t, 5, 5_00, "5411"), "")
	b.handle(reversalOf(held, "0420", 6))
	require.Equal(t, []int64{495_00, 0}, []int64{b.account().Balance, b.account().Held})
	_, err = b.TopUp(bg, TopUpRequest{Account: "A", Amount: "1.00"})
	require.Equal(t, "maintenance", codeOf(t, err))
	require.ErrorContains(t, err, "new software")

	again, err := New(testConfig(), b.store, Env{Now: func() time.Time { return b.now }, Rand: b.rand})
	require.NoError(t, err)
	require.True(t, again.Maintenance().On)

	_, err = b.SetMaintenance(bg, MaintenanceRequest{})
	require.NoError(t, err)
	b.answers("00", late, "")
	require.False(t, b.Maintenance().On)
}

func TestStatementAndSpending(t *testing.T) {
	b := everydayBank(t, nil)
	b.answers("00", at(t, 1, 40_00, "5812"), "")
	b.answers("00", at(t, 2, 10_00, "5411"), "")
	paid, err := b.store.Sequence()
	require.NoError(t, err)
	b.now = b.now.AddDate(0, 1, 0)
	_, err = b.Refund(bg, RefundRequest{Payment: paid, Amount: "4.00"})
	require.NoError(t, err)
	b.answers("00", dollars(t, 3, "0200", 3), "")

	s, err := b.Statement(bg, "A", "2030-02")
	require.NoError(t, err)
	require.Equal(t, []string{"450.00", "360.62", "4.00", "93.38"}, []string{s.Opening, s.Closing, s.In, s.Out})
	require.Equal(t, StatementLine{
		Time: b.now, Payment: s.Lines[1].Payment, Event: "purchase", Text: "TAPSIM-MERCH-01", Country: "US", Channel: ChannelContactless, Original: "100.00 USD", Fee: "1.38", Amount: "-93.38", Balance: "360.62",
	}, s.Lines[1])

	by := func(by, from, to string) (out []string) {
		s, err := b.Spending(bg, SpendingRequest{Account: "A", By: by, From: from, To: to})
		require.NoError(t, err)
		for _, g := range s.Groups {
			out = append(out, g.Name+" "+g.Amount)
		}
		return append(out, s.Total)
	}
	require.Equal(t, []string{"other 93.38", "restaurants 40.00", "groceries 6.00", "139.38"}, by("category", "2030-01", "2030-02"))
	require.Equal(t, []string{"other 93.38", "groceries -4.00", "89.38"}, by("", "", ""))
	require.Equal(t, []string{"2030-01 50.00", "2030-02 89.38", "139.38"}, by("month", "2030-01", ""))
	require.Equal(t, []string{"US 93.38", "DE 46.00", "139.38"}, by("country", "2030-01", ""))
	require.Equal(t, []string{"TAPSIM-MERCH-01 93.38", "SHOP 5812 40.00", "SHOP 5411 6.00", "139.38"}, by("merchant", "2030-01", ""))
}

func TestCategories(t *testing.T) {
	for n := range categoryGroups[1:] {
		require.Less(t, categoryGroups[n].to, categoryGroups[n+1].from)
	}
	require.Equal(t, "travel", CategoryGroup(3501))
	require.Equal(t, "other", CategoryGroup(1))
	require.True(t, inCategory(742, "0742"))
	require.False(t, inCategory(0, "0000"))
}
