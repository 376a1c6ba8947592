package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/terminal/config"
)

// Mag-stripe mode of kernel 3 is off, but in the terminal that is there for it.
func TestMagStripeSetting(t *testing.T) {
	for _, name := range config.Names() {
		c, err := config.Load(name)
		require.NoError(t, err)
		for _, a := range c.Combinations {
			if a.Kernel == 3 {
				require.Equal(t, name == "magstripe", a.Settings.Kernel3.MagStripe, name)
				require.Equal(t, name == "magstripe", a.Settings.TTQ.Has(emv.TTQMagStripe), name)
			}
		}
	}
	const good = `name: mine
terminal_id: T
merchant_id: M
country: "276"
currency: EUR
applications:
  - aid: "A0000000031010"
    kernel: 3
    ttq: "A2000000"
    kernel3: {mag_stripe: true}
`
	c, err := config.Parse("mine.yaml", []byte(good))
	require.NoError(t, err)
	require.True(t, c.Combinations[0].Settings.Kernel3.MagStripe)
	for _, bad := range []struct{ old, new, want string }{
		{"A2000000", "22000000", "mine.yaml:10: applications[0].kernel3.mag_stripe: byte 1 of the ttq must say it to cards, with 80: it is 22"},
		{"kernel: 3", "kernel: 7", "mine.yaml:10: applications[0].kernel3: the application has kernel 7"},
		{"mag_stripe", "msd", "mine.yaml:10: unknown key msd"},
	} {
		_, err := config.Parse("mine.yaml", []byte(strings.Replace(good, bad.old, bad.new, 1)))
		require.ErrorContains(t, err, bad.want)
	}
}
