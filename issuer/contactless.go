package issuer

import (
	"fmt"
	"strings"
)

// contactlessRules are the bounds for the account that pays: the customer's, or
// the bank's, whose amount is converted.
func (i *Issuer) contactlessRules(p *payment) Contactless {
	if c := p.controls.Contactless; c != nil {
		return *c
	}
	rules := i.config.Contactless
	if amount, ok := i.config.convert(rules.Amount, i.config.Currency, p.charge.currency); ok {
		rules.Amount = amount
	}
	return rules
}

// unverified is true for a contactless payment with a cryptogram that is right
// when nothing says that the cardholder was verified.
func (p *payment) unverified() bool {
	return p.proof != nil && strings.HasPrefix(p.request.EntryMode, "07") && p.verification().result != OK
}

// checkContactless asks for verification after too many contactless payments
// without, in number or in sum, as European law has it (Commission Delegated
// Regulation (EU) 2018/389, article 11).
func (i *Issuer) checkContactless(tx *Tx, p *payment, report *Report) error {
	rules := i.contactlessRules(p)
	if rules == (Contactless{}) || p.amount == 0 || !p.unverified() {
		return nil
	}
	usage, _, err := tx.Usage(p.index)
	if err != nil {
		return err
	}
	count, sum := usage.Unverified+1, usage.UnverifiedAmount+p.charge.billed
	if rules.Count > 0 && count > rules.Count || rules.Amount > 0 && sum > rules.Amount {
		p.refuse(i.config.Verification.response(p))
		if report != nil {
			report.step(stepContactless, Failed, fmt.Sprintf("the %s payment in a row without verification, %s together; allowed are %s",
				ordinal(count), money(sum, p.charge.currency), rules.describe(p.charge.currency)))
		}
		return nil
	}
	if report != nil {
		report.step(stepContactless, OK, fmt.Sprintf("the %s payment in a row without verification, %s together", ordinal(count), money(sum, p.charge.currency)))
	}
	return nil
}

func (c *Contactless) describe(currency uint16) string {
	var parts []string
	if c.Count > 0 {
		parts = append(parts, fmt.Sprintf("%d payments", c.Count))
	}
	if c.Amount > 0 {
		parts = append(parts, money(c.Amount, currency))
	}
	return strings.Join(parts, " and ")
}

// ordinal writes 1st, 2nd, 3rd.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// countContactless counts a payment that nobody verified, once: when its money is
// held, or moved without a hold; one with verification starts anew.
func (p *payment) countContactless(tx *Tx, record *Record) error {
	if p.proof == nil || record.State != RecordHeld && record.State != RecordPosted || p.related != nil {
		return nil
	}
	usage, _, err := tx.Usage(p.index)
	if err != nil {
		return err
	}
	usage.Instrument = p.index
	switch {
	case p.unverified():
		usage.Unverified++
		usage.UnverifiedAmount += p.charge.billed
	case usage.Unverified == 0:
		return nil
	default:
		usage.Unverified, usage.UnverifiedAmount = 0, 0
	}
	tx.PutUsage(usage)
	return nil
}
