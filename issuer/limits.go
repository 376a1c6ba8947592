package issuer

import (
	"fmt"
	"time"

	"tapsim/emv"
)

// checkLimits applies the customer's own limits to a payment. A limit of zero
// blocks, which is another answer than one that is used up.
func (p *payment) checkLimits(report *Report) {
	if len(p.controls.Limits) == 0 {
		return
	}
	hit, used := p.exceeded()
	if hit == nil {
		report.step(stepLimits, OK, "within the customer's limits")
		return
	}
	code := OverLimit
	if hit.Amount == 0 {
		code = NotPermitted
	}
	p.refuse(code)
	if report != nil {
		text := fmt.Sprintf("%s is asked; the customer's limit is %s", money(p.charge.billed, p.charge.currency), hit.describe(p.charge.currency))
		if hit.Per != PerPayment {
			text += fmt.Sprintf(", of which %s is used", money(used, p.charge.currency))
		}
		report.step(stepLimits, Failed, text)
	}
}

// exceeded finds a limit that the payment would pass, and what is used of it; one
// that blocks before one that is used up.
func (p *payment) exceeded() (hit *Limit, spent int64) {
	for n := range p.controls.Limits {
		l := &p.controls.Limits[n]
		if !inCategory(p.category, l.Category) || l.Country != 0 && l.Country != p.country {
			continue
		}
		used := int64(0)
		if l.Per != PerPayment {
			used = p.controls.spent(l.Per, l.Category, l.Country)
		}
		if p.charge.billed > l.Amount-used && (hit == nil || l.Amount == 0) {
			hit, spent = l, used
		}
	}
	return hit, spent
}

// describe writes a limit for people.
func (l *Limit) describe(currency uint16) string {
	s := money(l.Amount, currency) + " per " + l.Per.String()
	if l.Category != "" {
		s += " in category " + l.Category
	}
	if l.Country != 0 {
		s += " in " + countryText(l.Country)
	}
	return s
}

// countryText writes a country with its letters, or its number where it has
// none; "" for none.
func countryText(numeric uint16) string {
	if numeric == 0 {
		return ""
	}
	if c, ok := emv.CountryByNumeric(numeric); ok {
		return c.Alpha
	}
	return fmt.Sprintf("%03d", numeric)
}

// tellBudgets tells the customer when a payment has passed four fifths of a
// budget, or all of it. before has the sums without the payment, and with its
// hold where it had one.
func (i *Issuer) tellBudgets(tx *Tx, before *Controls, record *Record, now time.Time) error {
	c, _, err := tx.Controls(record.Account)
	c.roll(now)
	i.budgets(tx, before, &c, record)
	return err
}

// budgets compares the sums before and after a payment with the budgets.
func (i *Issuer) budgets(tx *Tx, sums, c *Controls, record *Record) {
	for _, b := range c.Budgets {
		if !inCategory(record.Category, b.Category) {
			continue
		}
		before, after := sums.spent(PerMonth, b.Category, 0), c.spent(PerMonth, b.Category, 0)
		text := ""
		switch warning := b.Amount / 5 * 4; {
		case before <= b.Amount && after > b.Amount:
			text = "is spent: "
		case before <= warning && after > warning && after <= b.Amount:
			text = "is spent by four fifths: "
		default:
			continue
		}
		name := b.Category
		if name == "" {
			name = "everything"
		}
		text = fmt.Sprintf("the budget of %s a month for %s %s%s so far", money(b.Amount, record.Billing), name, text, money(after, record.Billing))
		tx.Notify(Notice{Account: c.Account, Kind: NoticeInfo, Rule: "budget", Text: text, Record: record.Seq, Time: record.Time})
	}
}
