package issuer

import (
	"fmt"
	"time"
)

// checkStatus checks card, the card behind a token, and account: their state,
// expiry, and currency. It returns the account that pays when there is one in
// the payment's currency.
func (i *Issuer) checkStatus(tx *Tx, p *payment, report *Report) (Account, bool, error) {
	n, ok, err := tx.Instrument(p.index)
	if err != nil || !ok {
		return Account{}, false, err
	}
	refuse := func(code Code, cause Cause, text string) {
		p.refuse(code)
		report.because("status", Failed, cause, text)
	}
	if code := n.refusal(); code != "" && !p.refund() {
		cause, text, err := tx.stopped(&n)
		if err != nil {
			return Account{}, false, err
		}
		refuse(code, cause, text)
	}
	checkExpiry(p, &n, report)
	card := n
	if n.Kind == Token {
		if card, ok, err = tx.Instrument(n.Card); err != nil || !ok {
			return Account{}, false, errorOr(err, "issuer: token %s has no card behind it", n.Masked)
		}
		if code := card.refusal(); code != "" && !p.refund() {
			refuse(Restricted, CauseCardStopped, "the card behind the token is "+card.Status.String())
		}
	}
	account, ok, err := tx.Account(card.Account)
	if err != nil || !ok {
		return Account{}, false, errorOr(err, "issuer: card %s has no account", card.Masked)
	}
	switch {
	case account.Status == StatusDeactivated:
		refuse(Closed, CauseClosed, "the account is closed")
	case account.Status != StatusActive && !p.refund():
		refuse(Restricted, CauseAccountFrozen, "the account is "+account.Status.String())
	}
	if !i.convertible(p, &account, report) {
		return Account{}, false, nil
	}
	if report != nil && p.code == "" {
		report.step("status", OK, fmt.Sprintf("%s and account are active and not expired", n.Kind))
	}
	return account, account.Status != StatusDeactivated, nil
}

// convertible finds what the payment costs the account.
func (i *Issuer) convertible(p *payment, account *Account, report *Report) (ok bool) {
	p.granted = p.amount
	if p.refund() {
		p.charge = charge{currency: account.Currency}
		p.charge.billed, ok = i.config.received(p.amount, p.currency, account.Currency)
	} else {
		p.charge, ok = i.config.charge(p.amount, p.currency, account.Currency, p.abroad)
	}
	if !ok {
		p.refuse(NotPermitted)
		if report != nil {
			report.step("currency", Failed, fmt.Sprintf("the account is in %s, the payment in %s; the bank has no rate to convert at", alpha(account.Currency), alpha(p.currency)))
		}
		return false
	}
	if report != nil && (account.Currency != p.currency || p.charge.fee != 0) {
		report.step("currency", OK, fmt.Sprintf("%s cost %s, of which %s are a fee for payments abroad",
			money(p.amount, p.currency), money(p.charge.billed, p.charge.currency), money(p.charge.fee, p.charge.currency)))
	}
	return true
}

// refusal is the response code for a card or token that may not pay, "" for
// one that may.
func (n *Instrument) refusal() Code {
	switch n.Status {
	case StatusActive:
		return ""
	case StatusLost:
		return Lost
	case StatusStolen:
		return Stolen
	case StatusDeactivated:
		return NoSuchCard
	default:
		return Restricted
	}
}

// stopped says why a card or token may not pay and, where that is known, who
// stopped it.
func (t *Tx) stopped(n *Instrument) (Cause, string, error) {
	text := "the " + n.Kind.String() + " is " + n.Status.String()
	switch n.Status {
	case StatusLost, StatusStolen:
		return CauseStolen, text, nil
	case StatusDeactivated:
		return CauseDeleted, text, nil
	}
	if !n.Bound {
		return CauseFrozen, text, nil
	}
	b, _, err := t.Binding(n.Index)
	switch held := b.HeldBy; {
	case held&heldLostPhone != 0:
		return CauseLostPhone, text + ": the phone was reported lost", err
	case held == PartyUser:
		return CauseFrozenByOwner, "the card is frozen by its owner", err
	case held&PartyUser != 0:
		return CauseFrozen, text + " by " + held.String(), err
	case held != 0:
		return CauseFrozenByBank, text + " by " + held.String(), err
	}
	return CauseFrozen, text, err
}

// checkExpiry compares the expiry date with the clock and with what the message
// says. A card is good until the end of the month on it.
func checkExpiry(p *payment, n *Instrument, report *Report) {
	switch {
	case expired(n.Expiry, p.at):
		p.refuse(Expired)
		report.step("expiry", Failed, "it expired at the end of "+expiryText(n.Expiry))
	case p.expiry != "" && p.expiry != n.Expiry:
		p.refuse(Expired)
		if report != nil {
			report.step("expiry", Failed, p.expiryOf+" does not have the expiry date that the bank knows")
		}
	}
}

// expired is true from the first day after the month YYMM.
func expired(yymm string, at time.Time) bool {
	year, month := 2000+int(yymm[0]-'0')*10+int(yymm[1]-'0'), int(yymm[2]-'0')*10+int(yymm[3]-'0')
	return !at.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC))
}

// expiryText writes YYMM for people.
func expiryText(yymm string) string { return yymm[2:] + "/20" + yymm[:2] }
