package config

import (
	"tapsim/emv"
	"tapsim/terminal"
)

// kernel7 is what a reader chooses at kernel 7 besides limits and qualifiers.
// What is absent is off.
type kernel7 struct {
	ECashLimit  string `yaml:"ecash_limit"`  // 9F7B; with it 9F7A is 01
	SmallAmount string `yaml:"small_amount"` // up to it no PIN and no signature
	PINFirst    bool   `yaml:"pin_first"`    // for cards without 9F6C
	FDDA1Only   bool   `yaml:"fdda_01_only"`
	NoRecovery  bool   `yaml:"no_recovery"` // of the last record
}

// forKernel7 adds the choices of kernel 7 to a combination. Electronic cash is
// in the currency of the limits.
func (a *application) forKernel7(path string, c *terminal.Combination, currency emv.Currency) error {
	k := a.Kernel7
	switch {
	case k == nil:
		return nil
	case a.Kernel != 7:
		return wrong(path+".kernel7", "the application has kernel %d", a.Kernel)
	}
	s := &c.Settings.Kernel7
	s.PINFirst, s.FDDA1Only, s.NoRecovery = k.PINFirst, k.FDDA1Only, k.NoRecovery
	if k.SmallAmount != "" {
		v, err := currency.Parse(k.SmallAmount)
		if err != nil {
			return wrong(path+".kernel7.small_amount", "%v", err)
		}
		s.SmallAmount = &v
	}
	if k.ECashLimit == "" {
		return nil
	}
	v, err := currency.Parse(k.ECashLimit)
	if err != nil {
		return wrong(path+".kernel7.ecash_limit", "%v", err)
	}
	s.ECashCurrency = currency.Numeric
	c.Data = append(emv.List{{Tag: emv.TagECashIndicator, Value: []byte{0x01}}, {Tag: emv.TagECashTerminalLimit, Value: emv.AppendBCD(nil, uint64(v), 6)}}, c.Data...)
	return nil
}
