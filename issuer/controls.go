package issuer

import (
	"slices"
	"time"
)

// dayOf counts days since 1970, UTC.
func dayOf(t time.Time) int { return int(t.Unix() / 86400) }

// monthOf counts months since the year 0, UTC.
func monthOf(t time.Time) int {
	u := t.UTC()
	return u.Year()*12 + int(u.Month()) - 1
}

// roll begins a new day or month when the clock has come to one.
func (c *Controls) roll(now time.Time) {
	day, month := dayOf(now), monthOf(now)
	if c.Day == day && c.Month == month {
		return
	}
	sums := slices.Clone(c.Sums)
	if c.Month != month {
		sums = nil
	}
	for n := range sums {
		sums[n].Day = 0
	}
	c.Day, c.Month, c.Sums = day, month, sums
}

// add counts money of a payment at a time in a category and country.
func (c *Controls) add(at time.Time, category, country uint16, amount int64) {
	if monthOf(at) != c.Month {
		return
	}
	n := slices.IndexFunc(c.Sums, func(s Sum) bool { return s.Category == category && s.Country == country })
	switch {
	case n >= 0:
		c.Sums = slices.Clone(c.Sums)
	case len(c.Sums) < MaxSums:
		c.Sums = append(slices.Clone(c.Sums), Sum{Category: category, Country: country})
		n = len(c.Sums) - 1
	default:
		c.Sums = slices.Clone(c.Sums)
		n = MaxSums - 1
		c.Sums[n].Category, c.Sums[n].Country = anywhere, anywhere
	}
	c.Sums[n].Month += amount
	if dayOf(at) == c.Day {
		c.Sums[n].Day += amount
	}
}

// anywhere marks the sum that took what had no room: it counts against every
// limit.
const anywhere = 0xFFFF

// spent is what counts against a limit or a budget.
func (c *Controls) spent(per Period, category string, country uint16) (sum int64) {
	for _, s := range c.Sums {
		if s.Category != anywhere && (!inCategory(s.Category, category) || country != 0 && s.Country != country) {
			continue
		}
		if per == PerDay {
			sum += s.Day
		} else {
			sum += s.Month
		}
	}
	return sum
}

// count corrects the sums of an account by money of one of its payments.
func (t *Tx) count(payment *Record, now time.Time, amount int64) error {
	c, _, err := t.Controls(payment.Account)
	if err != nil {
		return err
	}
	c.Account = payment.Account
	c.roll(now)
	c.add(payment.Time, payment.Category, payment.Country, amount)
	t.PutControls(c)
	return nil
}

// loadControls finds the limits and sums of the account that pays, as of now.
func (p *payment) loadControls(tx *Tx, account string) (err error) {
	if p.controls, _, err = tx.Controls(account); err != nil {
		return err
	}
	p.controls.Account = account
	p.controls.roll(p.at)
	return nil
}

// attempted takes note of a payment: that it was tried, and what it spent. An
// advice about a payment that the bank knows is no other attempt.
func (i *Issuer) attempted(tx *Tx, p *payment, record *Record) error {
	if record.Account == "" || p.refund() {
		return nil
	}
	c, _, err := tx.Controls(record.Account) // as the payment left them
	if err != nil {
		return err
	}
	c.Account = record.Account
	c.roll(p.at)
	if p.related == nil {
		attempts := make([]Attempt, 0, min(len(c.Attempts)+1, MaxAttempts))
		attempts = append(attempts, Attempt{p.at.Unix(), p.charge.billed, p.whereabouts(), record.Code.approves()})
		c.Attempts = append(attempts, c.Attempts[:min(len(c.Attempts), MaxAttempts-1)]...)
	}
	if record.Billed > 0 && (record.State == RecordHeld || record.State == RecordPosted) {
		c.add(record.Time, record.Category, record.Country, record.Billed)
		i.budgets(tx, &p.controls, &c, record)
	}
	tx.PutControls(c)
	return nil
}
