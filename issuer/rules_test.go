package issuer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/iso8583"
)

func amountOf(v int64) *int64 { return &v }

func TestRuleConditions(t *testing.T) {
	m := plasticTap(1, 12_50).message(t, "0101", 1)
	for name, c := range map[string]struct {
		rule Rule
		want bool
	}{
		"none":          {Rule{}, true},
		"type":          {Rule{MTI: "0100"}, true},
		"other type":    {Rule{MTI: "0200"}, false},
		"amount":        {Rule{Amount: amountOf(12_50)}, true},
		"other amount":  {Rule{Amount: amountOf(12_51)}, false},
		"zero":          {Rule{Amount: amountOf(0)}, false},
		"from":          {Rule{AmountFrom: 12_50}, true},
		"from above":    {Rule{AmountFrom: 12_51}, false},
		"to":            {Rule{AmountTo: 12_50}, true},
		"to below":      {Rule{AmountTo: 12_49}, false},
		"suffix":        {Rule{PANSuffix: "0119"}, true},
		"other suffix":  {Rule{PANSuffix: "0118"}, false},
		"merchant":      {Rule{Merchant: "TAPSIM-MERCH-01"}, true},
		"no merchant":   {Rule{Merchant: "TAPSIM"}, false},
		"terminal":      {Rule{Terminal: "TAPSIM01"}, true},
		"no terminal":   {Rule{Terminal: "TAPSIM02"}, false},
		"currency":      {Rule{Currency: "978"}, true},
		"no currency":   {Rule{Currency: "840"}, false},
		"all":           {Rule{MTI: "0100", AmountFrom: 1, AmountTo: 99_99, PANSuffix: "19", Currency: "978"}, true},
		"one is not so": {Rule{MTI: "0100", AmountFrom: 1, AmountTo: 9_99, PANSuffix: "19", Currency: "978"}, false},
	} {
		require.Equal(t, c.want, c.rule.matches(m), name)
	}
	m.Amount = nil
	require.False(t, (&Rule{AmountTo: 5}).matches(m), "a message without amount is not below one")
	m.PAN = ""
	require.True(t, (&Rule{PANSuffix: "0119"}).matches(m), "the number of track 2 counts")
}

func TestRules(t *testing.T) {
	t.Run("response in place of the balance", func(t *testing.T) {
		b := newBank(t, func(c *Config) {
			c.Rules = []Rule{{Name: "poor", Amount: amountOf(51_00), Response: "51"}, {Name: "rich", Amount: amountOf(900_00), Response: "00"}}
		})
		answer, _ := b.handle(plasticTap(1, 51_00).message(t, "0200", 1))
		require.Equal(t, "51", answer.ResponseCode)
		answer, _ = b.handle(plasticTap(2, 900_00).message(t, "0200", 2))
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, int64(-400_00), b.account().Balance)
		b.audit()
	})
	t.Run("checks come first, unless overridden", func(t *testing.T) {
		for override, want := range map[bool]string{false: "82", true: "01"} {
			b := newBank(t, func(c *Config) { c.Rules = []Rule{{Name: "refer", Response: "01", Override: override}} })
			m := plasticTap(1, 12_50).message(t, "0100", 1)
			m.ICCData[4] ^= 1
			answer, _ := b.handle(m)
			require.Equal(t, want, answer.ResponseCode)
		}
	})
	t.Run("the third", func(t *testing.T) {
		b := newBank(t, func(c *Config) { c.Rules = []Rule{{Name: "third", Nth: 3, Response: "05"}} })
		for n, want := range []string{"00", "00", "05", "00"} {
			answer, _ := b.handle(plasticTap(uint16(n+1), 1_00).message(t, "0100", n+1))
			require.Equal(t, want, answer.ResponseCode, n)
		}
	})
	t.Run("lost answer", func(t *testing.T) {
		b := newBank(t, func(c *Config) { c.Rules = []Rule{{Name: "lost", Nth: 1, Silence: SilenceAnswer}} })
		m := plasticTap(1, 12_50).message(t, "0200", 1)
		answer, report := b.handle(m)
		require.Nil(t, answer)
		require.Empty(t, report.Code)
		require.Equal(t, int64(487_50), b.account().Balance, "decided, but the answer is lost")
		answer, _ = b.handle(m)
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, int64(487_50), b.account().Balance)
	})
	t.Run("lost request", func(t *testing.T) {
		b := newBank(t, func(c *Config) { c.Rules = []Rule{{Name: "lost", Nth: 1, Silence: SilenceRequest}} })
		m := plasticTap(1, 12_50).message(t, "0200", 1)
		answer, _ := b.handle(m)
		require.Nil(t, answer)
		require.Equal(t, int64(500_00), b.account().Balance)
		answer, report := b.handle(m)
		require.Equal(t, "00", answer.ResponseCode)
		require.False(t, report.Repeated)
	})
	t.Run("late answer", func(t *testing.T) {
		b := newBank(t, func(c *Config) { c.Rules = []Rule{{Name: "late", Delay: 8 * time.Second}} })
		for _, m := range []*iso8583.Message{
			plasticTap(1, 12_50).message(t, "0100", 1), {MTI: "0800", TransmissionTime: "0101120000", STAN: "000002", NetworkCode: "301"},
		} {
			a, err := b.Handle(context.Background(), m, nil)
			require.NoError(t, err)
			require.Equal(t, "00", a.Message.ResponseCode)
			require.Equal(t, 8*time.Second, a.Delay)
		}
	})
}

func TestConfigCheck(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"key_sets":                  func(c *Config) { c.KeySets = nil },
		"ranges":                    func(c *Config) { c.Ranges = nil },
		"key_sets[0].name":          func(c *Config) { c.KeySets[0].Name = "" },
		"key_sets[1].name":          func(c *Config) { c.KeySets[1].Name = "visa" },
		"key_sets[0].scheme":        func(c *Config) { c.KeySets[0].Scheme = 0 },
		"key_sets[0].ac":            func(c *Config) { c.KeySets[0].AC = nil },
		"key_sets[0].card_key":      func(c *Config) { c.KeySets[0].Method = cryptogram.OptionC },
		"ranges[0].prefix":          func(c *Config) { c.Ranges[0].Prefix = "47a1" },
		"ranges[1].prefix":          func(c *Config) { c.Ranges[1].Prefix = "4761739001" },
		"ranges[0].length":          func(c *Config) { c.Ranges[0].Length = 20 },
		"ranges[0].kind":            func(c *Config) { c.Ranges[0].Kind = 0 },
		"ranges[0].scheme":          func(c *Config) { c.Ranges[0].Scheme = 0 },
		"ranges[0].key_sets":        func(c *Config) { c.Ranges[0].KeySets = []string{"nobody"} },
		"ranges[1].key_sets":        func(c *Config) { c.KeySets[1].DKI = 1; c.Ranges[0].KeySets = []string{"visa"} },
		"currency":                  func(c *Config) { c.Currency = 0 },
		"limits.max_amount":         func(c *Config) { c.Limits.MaxAmount = -1 },
		"limits.max_days":           func(c *Config) { c.Limits.MaxDays = 367 },
		"verification.limit":        func(c *Config) { c.Verification.Limit = -1 },
		"verification.response":     func(c *Config) { c.Verification.Response = "0" },
		"second_use.within":         func(c *Config) { c.SecondUse.Within = 2 * time.Hour },
		"counter.max_gap":           func(c *Config) { c.Counter.MaxGap = 0 },
		"counter.max_behind":        func(c *Config) { c.Counter.MaxBehind = MaxRecentUses },
		"limited_use_keys.keys":     func(c *Config) { c.LimitedUse.Keys = 101 },
		"limited_use_keys.uses":     func(c *Config) { c.LimitedUse.Uses = 0 },
		"limited_use_keys.lifetime": func(c *Config) { c.LimitedUse.Lifetime = time.Minute },
		"rules[0]":                  func(c *Config) { c.Rules = []Rule{{Name: "nothing"}} },
	} {
		c := testConfig()
		change(&c)
		var where *ConfigError
		require.ErrorAs(t, c.Check(), &where, field)
		require.Equal(t, field, where.Field)
	}
	for _, r := range []Rule{
		{Response: "5"}, {Response: "0a"}, {Override: true, Delay: 1}, {Delay: -1}, {Delay: MaxDelay + 1}, {Silence: 3}, {Response: "05", MTI: "100"},
		{Response: "05", PANSuffix: "x"}, {Response: "05", Currency: "EUR"}, {Response: "05", AmountFrom: 5, AmountTo: 4}, {Response: "05", Amount: amountOf(-1)},
		{Response: "05", Nth: -1},
	} {
		require.NotEmpty(t, r.fault(), "%+v", r)
	}
	config := testConfig()
	_, err := New(config, nil, Env{})
	require.Error(t, err)
}
