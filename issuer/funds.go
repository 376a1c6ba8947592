package issuer

import "fmt"

// checkMoney checks everything about the amount, unless something was wrong
// before: the bank's limit, the customer's, the balance, and how much was paid
// without verification.
func (i *Issuer) checkMoney(tx *Tx, p *payment, account Account, report *Report) error {
	if p.code != "" && !p.code.soft() || p.advice {
		report.step(stepFunds, Skipped, "decided already")
		return nil
	}
	if limit := i.config.Limits.MaxAmount; limit != 0 && i.inOwnCurrency(p) > limit {
		p.refuse(OverLimit)
		if report != nil {
			report.because(stepFunds, Failed, CauseBankLimit, fmt.Sprintf("%s is over the limit of %s for one payment", money(p.amount, p.currency), money(limit, i.config.Currency)))
		}
		return nil
	}
	switch {
	case p.refund():
		return i.checkRefund(tx, p, report)
	case p.standIn:
		report.step(stepFunds, Skipped, "not looked at while the bank is closed")
		return nil
	}
	p.checkLimits(report)
	i.checkFunds(p, account, report)
	return i.checkContactless(tx, p, report)
}

// stepFunds is the step about the balance.
const stepFunds = "funds"

// checkFunds checks the balance, and approves a part where the bank does that.
func (i *Issuer) checkFunds(p *payment, account Account, report *Report) {
	asked, available := p.charge, account.Available()
	if asked.billed <= available {
		if report != nil {
			report.step(stepFunds, OK, fmt.Sprintf("%s is asked, %s is available", money(asked.billed, asked.currency), money(available, asked.currency)))
		}
		return
	}
	if i.config.PartialApproval && p.code == "" && p.request.AdditionalAmounts == "" && p.event() == EventPurchase {
		if granted, c := i.config.affordable(p, available); granted > 0 {
			p.partly, p.granted, p.charge = true, granted, c
			if report != nil {
				report.step(stepFunds, OK, fmt.Sprintf("%s is asked, %s is available, a part is approved: %s",
					money(asked.billed, asked.currency), money(available, asked.currency), money(granted, p.currency)))
			}
			return
		}
	}
	p.refuse(InsufficientFunds)
	if report != nil {
		report.step(stepFunds, Failed, fmt.Sprintf("%s is asked, %s is available", money(asked.billed, asked.currency), money(available, asked.currency)))
	}
}
