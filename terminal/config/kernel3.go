package config

import (
	"tapsim/emv"
	"tapsim/terminal"
)

// kernel3 is what a reader chooses at kernel 3 besides limits and qualifiers.
type kernel3 struct {
	MagStripe bool `yaml:"mag_stripe"` // MSD
}

// forKernel3 adds the choices of kernel 3 to a combination.
func (a *application) forKernel3(path string, c *terminal.Combination) error {
	k := a.Kernel3
	switch {
	case k == nil:
		return nil
	case a.Kernel != 3:
		return wrong(path+".kernel3", "the application has kernel %d", a.Kernel)
	case k.MagStripe && !c.Settings.TTQ.Has(emv.TTQMagStripe):
		return wrong(path+".kernel3.mag_stripe", "byte 1 of the ttq must say it to cards, with 80: it is %X", c.Settings.TTQ[0])
	}
	c.Settings.Kernel3.MagStripe = k.MagStripe
	return nil
}
