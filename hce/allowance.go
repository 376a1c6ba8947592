package hce

import "tapsim/emv"

// Allowance is what a phone may pay before its owner must be verified again, in
// minor units whatever the currency. The card counts it down with each payment
// that nobody was verified for; who verifies the owner fills it up again.
type Allowance struct {
	PerTap int64
	Left   int64 // in all
	Taps   int
}

// SetAllowance sets what may be paid without verification; nil: the profile
// alone decides.
func (c *Card) SetAllowance(a *Allowance) {
	c.allowance = nil
	if a != nil {
		c.allowance = new(*a)
	}
}

// needsOwner is true for a payment beyond the allowance.
func (c *Card) needsOwner(amount [6]byte, verified bool) bool {
	a := c.allowance
	if a == nil || verified {
		return false
	}
	v, ok := minor(amount)
	return !ok || v > a.PerTap || v > a.Left || a.Taps < 1
}

// spend counts a payment that was made without verification.
func (c *Card) spend(amount [6]byte, verified bool) {
	if a := c.allowance; a != nil && !verified {
		v, _ := minor(amount)
		a.Left, a.Taps = max(a.Left-v, 0), max(a.Taps-1, 0)
	}
}

// use counts one cryptogram of the key, and its amount.
func (k *Key) use(amount [6]byte, kind emv.CryptogramType) {
	if k.Uses == Unlimited {
		return
	}
	k.Uses--
	if k.Amount == 0 || kind == emv.AAC {
		return
	}
	v, _ := minor(amount)
	if k.Amount -= v; k.Amount <= 0 {
		k.Amount, k.Uses = 0, 0
	}
}

// covers is true when the key may make a cryptogram over the amount.
func (k *Key) covers(amount [6]byte) bool {
	v, ok := minor(amount)
	return k.Amount == 0 || ok && v <= k.Amount
}

func minor(amount [6]byte) (int64, bool) {
	v, err := emv.BCD(amount[:])
	return int64(v), err == nil
}
