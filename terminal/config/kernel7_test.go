package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/config"
	"tapsim/terminal/kernel"
)

const quickPass = `name: mine
good_for: a test
terminal_id: T1
merchant_id: M1
country: "156"
currency: CNY
applications:
  - aid: "A000000333010101"
    kernel: 7
    ttq: "36004080"
    kernel7:
      ecash_limit: "1000.00"
      small_amount: "300.00"
      pin_first: true
      fdda_01_only: true
      no_recovery: true
`

// Every key of kernel 7 arrives where it belongs.
func TestKernel7(t *testing.T) {
	c, err := config.Parse("mine.yaml", []byte(quickPass))
	require.NoError(t, err)
	a := c.Combinations[0]
	require.Equal(t, emv.List{{Tag: emv.TagECashIndicator, Value: []byte{1}}, {Tag: emv.TagECashTerminalLimit, Value: []byte{0, 0, 0, 0x10, 0, 0}}}, a.Data)
	limit := int64(30000)
	require.Equal(t, kernel.Kernel7{ECashCurrency: 156, SmallAmount: &limit, PINFirst: true, FDDA1Only: true, NoRecovery: true}, a.Settings.Kernel7)

	c, err = config.Parse("mine.yaml", []byte(quickPass[:strings.Index(quickPass, "    kernel7")]))
	require.NoError(t, err)
	require.Empty(t, c.Combinations[0].Data, "absent is off")
	require.Equal(t, kernel.Kernel7{}, c.Combinations[0].Settings.Kernel7)

	for _, bad := range []struct{ old, new, want string }{
		{`"1000.00"`, `"1000.001"`, "mine.yaml:12: applications[0].kernel7.ecash_limit: "},
		{`"300.00"`, `"much"`, "mine.yaml:13: applications[0].kernel7.small_amount: "},
		{"kernel: 7", "kernel: 3", "mine.yaml:11: applications[0].kernel7: the application has kernel 3"},
		{"pin_first", "pin_last", "mine.yaml:14: unknown key pin_last"},
		{`    ttq: "36004080"` + "\n", "", "ttq: is required with kernel 7"},
	} {
		_, err := config.Parse("mine.yaml", []byte(strings.Replace(quickPass, bad.old, bad.new, 1)))
		require.ErrorContains(t, err, bad.want)
	}
}

// The built-in terminals take UnionPay's debit, credit and quasi-credit cards at
// kernel 7, and electronic cash where a card may approve; but not the one without
// EMV mode.
func TestUnionPayEverywhere(t *testing.T) {
	limits := map[string]string{"attended": "", "atm": "", "unattended": "000000000500", "transit": "000000001000", "offline-only": "000000005000"}
	for _, name := range config.Names() {
		c, err := config.Load(name)
		require.NoError(t, err)
		var aids []string
		for _, a := range c.Combinations {
			if a.Kernel != 7 {
				continue
			}
			aids = append(aids, string(a.AID[7:]))
			require.True(t, a.Settings.TTQ.Has(emv.TTQEMVMode) && a.Settings.TTQ.Has(emv.TTQFDDA1), name)
			limit, _ := a.Data.Lookup(emv.TagECashTerminalLimit)
			require.Equal(t, limits[name], digits(limit), name)
		}
		want := []string{"\x01", "\x02", "\x03", "\x06"}
		if limits[name] == "" {
			want = want[:3] // nothing is paid offline
		}
		if name == "magstripe" {
			want = nil
		}
		require.Equal(t, want, aids, name)
	}
}

func digits(b []byte) string {
	s, _ := emv.Digits(b)
	return s
}
