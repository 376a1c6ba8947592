package terminal

import (
	"slices"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// prepared is what pre-processing leaves for one combination: the indicators
// and the working copy of the TTQ.
type prepared struct {
	combo      *combo
	indicators kernel.Indicators
	ttq        emv.TTQ
}

// unit is one unit of the currency in minor units: 100 for the euro, 1 for the
// yen.
func unit(c emv.Currency) int64 {
	u := int64(1)
	for i := 0; i < c.Exponent; i++ {
		u *= 10
	}
	return u
}

// preprocess is Start A (EMV Book B, 3.1.1) for every combination that takes
// this type of transaction; those that may not be used are left out.
func (t *Terminal) preprocess(tx *kernel.Transaction, into []prepared) []prepared {
	for i := range t.combos {
		c := &t.combos[i]
		if !c.takes(tx.Type) {
			continue
		}
		p := prepared{combo: c}
		p.limits(tx)
		p.qualifiers()
		if !p.indicators.NotAllowed {
			into = append(into, p)
		}
	}
	return into
}

// asConfigured is for a reader of a fixed amount that enters at Start B:
// indicators reset, TTQ as configured (EMV Book B, 3.2).
func (t *Terminal) asConfigured(tx *kernel.Transaction, into []prepared) []prepared {
	for i := range t.combos {
		c := &t.combos[i]
		if !c.takes(tx.Type) {
			continue
		}
		p := prepared{combo: c}
		if c.Settings.TTQ != nil {
			p.ttq = *c.Settings.TTQ
		}
		into = append(into, p)
	}
	return into
}

func (c *combo) takes(kind byte) bool {
	return len(c.Types) == 0 || slices.Contains(c.Types, kind)
}

// limits compares the amount. Transaction and CVM limit are reached by an
// equal amount, floor limits only exceeded by a greater one.
func (p *prepared) limits(tx *kernel.Transaction) {
	s, in := &p.combo.Settings, &p.indicators
	if s.StatusCheck && tx.Amount == unit(tx.Currency) {
		in.StatusCheckRequested = true
	}
	if tx.Amount == 0 {
		if s.ZeroAmountAllowed != nil && !*s.ZeroAmountAllowed {
			in.NotAllowed = true
		} else {
			in.ZeroAmount = true
		}
	}
	if s.TransactionLimit != nil && tx.Amount >= *s.TransactionLimit {
		in.TransactionLimitHit, in.NotAllowed = true, true
	}
	switch {
	case s.FloorLimit != nil:
		in.FloorLimitExceeded = tx.Amount > *s.FloorLimit
	case s.TerminalFloor != nil:
		in.FloorLimitExceeded = tx.Amount > *s.TerminalFloor
	}
	if s.CVMLimit != nil && tx.Amount >= *s.CVMLimit {
		in.CVMRequiredLimitHit = true
	}
}

// qualifiers sets the two dynamic bits of the working copy of the TTQ; what
// the configuration says there does not count.
func (p *prepared) qualifiers() {
	if p.combo.Settings.TTQ == nil {
		return
	}
	p.ttq = *p.combo.Settings.TTQ
	in := &p.indicators
	offlineOnly := p.ttq.Has(emv.TTQOfflineOnly)
	p.ttq.Set(emv.TTQOnlineCryptogram, in.FloorLimitExceeded || in.StatusCheckRequested || in.ZeroAmount && !offlineOnly)
	p.ttq.Set(emv.TTQCVMRequired, in.CVMRequiredLimitHit)
	if in.ZeroAmount && offlineOnly {
		in.NotAllowed = true
	}
}
