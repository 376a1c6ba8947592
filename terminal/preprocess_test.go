package terminal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// EMV Book B, 3.1.1: what pre-processing makes of the amount, to the cent. The
// TTQ is what goes to the card; "" is a combination that may not be used.
func TestPreprocessing(t *testing.T) {
	eur, _ := emv.CurrencyByAlpha("EUR")
	jpy, _ := emv.CurrencyByAlpha("JPY")
	bhd, _ := emv.CurrencyByAlpha("BHD")
	const online, offline = "36004000", "2E004000"
	limit := func(l **int64, v int64) { *l = &v }
	for name, c := range map[string]struct {
		amount   int64
		currency emv.Currency
		ttq      string
		set      func(*kernel.Settings)
		want     string
	}{
		"no limits at all":              {999_999_999_999, eur, online, nil, "36004000"},
		"transaction limit, below":      {9_999, eur, online, func(s *kernel.Settings) { limit(&s.TransactionLimit, 10_000) }, "36004000"},
		"transaction limit, reached":    {10_000, eur, online, func(s *kernel.Settings) { limit(&s.TransactionLimit, 10_000) }, ""},
		"floor limit, reached":          {5_000, eur, online, func(s *kernel.Settings) { limit(&s.FloorLimit, 5_000) }, "36004000"},
		"floor limit, exceeded":         {5_001, eur, online, func(s *kernel.Settings) { limit(&s.FloorLimit, 5_000) }, "36804000"},
		"floor limit zero":              {1, eur, online, func(s *kernel.Settings) { limit(&s.FloorLimit, 0) }, "36804000"},
		"terminal floor, reached":       {5_000, eur, online, func(s *kernel.Settings) { limit(&s.TerminalFloor, 5_000) }, "36004000"},
		"terminal floor, exceeded":      {5_001, eur, online, func(s *kernel.Settings) { limit(&s.TerminalFloor, 5_000) }, "36804000"},
		"reader floor comes first":      {5_001, eur, online, func(s *kernel.Settings) { limit(&s.TerminalFloor, 0); limit(&s.FloorLimit, 9_000) }, "36004000"},
		"CVM limit, below":              {4_999, eur, online, func(s *kernel.Settings) { limit(&s.CVMLimit, 5_000) }, "36004000"},
		"CVM limit, reached":            {5_000, eur, online, func(s *kernel.Settings) { limit(&s.CVMLimit, 5_000) }, "36404000"},
		"both bits":                     {5_000, eur, online, func(s *kernel.Settings) { limit(&s.CVMLimit, 5_000); limit(&s.FloorLimit, 0) }, "36C04000"},
		"bits of configuration ignored": {1, eur, "36C04000", nil, "36004000"},
		"status check, one euro":        {100, eur, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36804000"},
		"status check, one cent":        {1, eur, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36004000"},
		"status check, 1.01":            {101, eur, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36004000"},
		"status check not supported":    {100, eur, online, nil, "36004000"},
		"status check, one yen":         {1, jpy, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36804000"},
		"status check, 100 yen":         {100, jpy, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36004000"},
		"status check, one dinar":       {1000, bhd, online, func(s *kernel.Settings) { s.StatusCheck = true }, "36804000"},
		"zero amount, not said":         {0, eur, online, nil, "36804000"},
		"zero amount, allowed":          {0, eur, online, func(s *kernel.Settings) { s.ZeroAmountAllowed = ptr(true) }, "36804000"},
		"zero amount, forbidden":        {0, eur, online, func(s *kernel.Settings) { s.ZeroAmountAllowed = ptr(false) }, ""},
		"zero amount, offline only":     {0, eur, offline, nil, ""},
		"offline only, an amount":       {1, eur, offline, nil, "2E004000"},
	} {
		term := shop(t, &approving{}, settings(func(s *kernel.Settings) {
			*s = kernel.Settings{TTQ: ttq(t, c.ttq)}
			if c.set != nil {
				c.set(s)
			}
		}))
		k := visa(t, nil)
		tap, err := term.Tap(context.Background(), field(k), terminal.Request{Amount: c.amount, Currency: c.currency})
		require.NoError(t, err, name)
		if c.want == "" {
			require.Equal(t, kernel.TryAnotherInterface, tap.Outcome.Kind, name)
			require.Equal(t, []kernel.UIRequest{{Message: kernel.MessageInsertOrSwipe, Status: kernel.StatusProcessingError}}, tap.UI, name)
			require.Empty(t, k.sent, name)
			continue
		}
		require.Equal(t, c.want, sentTTQ(t, k), name)
	}
}

// An enquiry goes online whatever the floor limit is; a reader without a line has
// nothing for it.
func TestEnquiry(t *testing.T) {
	for configured, want := range map[string]string{"36004000": "36804000", "2E004000": ""} {
		k := visa(t, nil)
		term := shop(t, &approving{}, settings(func(s *kernel.Settings) { *s = kernel.Settings{TTQ: ttq(t, configured)} }))
		tap, err := term.Tap(context.Background(), field(k), terminal.Request{Amount: 1, Type: 0x30})
		require.NoError(t, err)
		if want == "" {
			require.Equal(t, kernel.TryAnotherInterface, tap.Outcome.Kind)
			continue
		}
		require.Equal(t, want, sentTTQ(t, k))
	}
}

// sentTTQ is the TTQ in GET PROCESSING OPTIONS, the first object of the PDOL.
func sentTTQ(t *testing.T, c *card) string {
	t.Helper()
	for _, command := range c.sent {
		if strings.HasPrefix(command, "80A8") {
			return command[14:22]
		}
	}
	require.Fail(t, "the card got no GET PROCESSING OPTIONS")
	return ""
}

// One combination that may not be used leaves the others; transaction types
// select combinations.
func TestCombinationsAreIndependent(t *testing.T) {
	change := func(c *terminal.Config, _ *terminal.Env) {
		c.Combinations[0].Settings.TransactionLimit = ptr(int64(1000))
		c.Combinations[1].AID = c.Combinations[0].AID[:5]
		c.Combinations[1].Settings.TTQ = ttq(t, "20004000")
	}
	k := visa(t, nil)
	_, err := shop(t, &approving{}, change).Tap(context.Background(), field(k), terminal.Request{Amount: 1000})
	require.NoError(t, err)
	require.Equal(t, "20804000", sentTTQ(t, k), "the second combination took over")

	k = visa(t, nil)
	tap, err := shop(t, &approving{}, func(c *terminal.Config, _ *terminal.Env) {
		c.Combinations = c.Combinations[:1]
		c.Combinations[0].Types = []byte{0x00}
	}).Tap(context.Background(), field(k), terminal.Request{Amount: 1000, Type: 0x20})
	require.NoError(t, err)
	require.Equal(t, kernel.TryAnotherInterface, tap.Outcome.Kind)
}

// EMV Book B, 3.2: a reader that enters at Start B uses the TTQ as configured,
// dynamic bits and all, and no limits.
func TestFixedAmountEntersAtStartB(t *testing.T) {
	k := visa(t, nil)
	term := shop(t, &approving{}, settings(func(s *kernel.Settings) {
		s.TTQ, s.TransactionLimit = ttq(t, "36C04000"), ptr(int64(1))
	}))
	tap, err := term.Tap(context.Background(), field(k), terminal.Request{Amount: 500, FixedAmount: true})
	require.NoError(t, err)
	require.Equal(t, kernel.OnlineRequest, tap.Outcome.Kind)
	require.Equal(t, "36C04000", sentTTQ(t, k))
}
