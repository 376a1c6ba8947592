package terminal

import (
	"slices"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// unit is one unit of the currency in minor units: 100 for the euro, 1 for the
// yen.
func unit(c emv.Currency) int64 {
	u := int64(1)
	for i := 0; i < c.Exponent; i++ {
		u *= 10
	}
	return u
}

const rulePreprocess = "EMV Book B, 3.1.1"

// foreign is true for a currency other than that of the terminal's limits.
func (t *Terminal) foreign(c emv.Currency) bool { return c.Numeric != t.config.Currency.Numeric }

// preprocess is Start A (EMV Book B, 3.1.1) for every combination that takes
// this type of transaction. False is none left that may be used.
func (t *Terminal) preprocess(tx *kernel.Transaction) (usable bool) {
	foreign := t.foreign(tx.Currency)
	for i := range t.combos {
		c := &t.combos[i]
		if c.start(tx.Type); !c.usable {
			continue
		}
		c.limits(tx)
		if foreign {
			c.reachAll()
		}
		c.qualifiers(tx)
		c.usable = !c.indicators.NotAllowed
		usable = usable || c.usable
	}
	return usable
}

// asConfigured is for a reader of a fixed amount that enters at Start B:
// indicators reset, TTQ as configured (EMV Book B, 3.2).
func (t *Terminal) asConfigured(tx *kernel.Transaction) (usable bool) {
	for i := range t.combos {
		c := &t.combos[i]
		c.start(tx.Type)
		if c.Settings.TTQ != nil {
			c.ttq = *c.Settings.TTQ
		}
		usable = usable || c.usable
	}
	return usable
}

// start forgets the last transaction.
func (c *combo) start(kind byte) {
	c.usable, c.indicators, c.ttq = c.takes(kind), kernel.Indicators{}, emv.TTQ{}
}

func (c *combo) takes(kind byte) bool {
	return len(c.Types) == 0 || slices.Contains(c.Types, kind)
}

// limits compares the amount. Transaction and CVM limit are reached by an
// equal amount, floor limits only exceeded by a greater one.
func (c *combo) limits(tx *kernel.Transaction) {
	s, in := &c.Settings, &c.indicators
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

// reachAll is for an amount in another currency than the limits are in: minor
// units of two currencies do not compare, so each limit that there is counts as
// reached.
func (c *combo) reachAll() {
	s, in := &c.Settings, &c.indicators
	in.ForeignCurrency = true
	in.TransactionLimitHit = s.TransactionLimit != nil
	in.NotAllowed = in.NotAllowed || in.TransactionLimitHit
	in.FloorLimitExceeded = s.FloorLimit != nil || s.TerminalFloor != nil
	in.CVMRequiredLimitHit = s.CVMLimit != nil
}

// qualifiers sets the two dynamic bits of the working copy of the TTQ; what
// the configuration says there does not count. An enquiry is the issuer's to
// answer, as an account check is.
func (c *combo) qualifiers(tx *kernel.Transaction) {
	if c.Settings.TTQ == nil {
		return
	}
	c.ttq = *c.Settings.TTQ
	in := &c.indicators
	offlineOnly := c.ttq.Has(emv.TTQOfflineOnly)
	issuers := in.ZeroAmount || tx.Inquiry()
	c.ttq.Set(emv.TTQOnlineCryptogram, in.FloorLimitExceeded || in.StatusCheckRequested || issuers && !offlineOnly)
	c.ttq.Set(emv.TTQCVMRequired, in.CVMRequiredLimitHit)
	if issuers && offlineOnly {
		in.NotAllowed = true
	}
}
