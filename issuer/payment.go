package issuer

import (
	"context"
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
)

// payment decides about an authorisation or financial message.
func (i *Issuer) payment(ctx context.Context, request *iso8583.Message, k kind, rule *Rule, report *Report) (*iso8583.Message, error) {
	p, err := i.readPayment(request, k)
	if err != nil {
		report.step("format", Failed, err.Error())
		return respond(request, FormatError), nil
	}
	report.step("format", OK, "the fields that a decision needs are there and well-formed")
	p.rule = rule
	if report == nil && (i.isBound(p.index) || i.quiet.admits(i.now(), i.config.KeptChecks)) {
		report = new(Report) // its phone is told why, or somebody may ask
	}
	if err := i.assess(p, report); err != nil {
		return nil, err
	}
	if !i.standIn(p, report) {
		return respond(request, Unavailable), nil
	}
	authorisation, err := i.authorisationCode()
	if err != nil {
		return nil, err
	}
	mark, code := report.mark(), p.code
	keys := append(make([]string, 0, 2), p.key)
	if p.reference != "" {
		keys = append(keys, orphanKey(p.reference))
	}
	var answer *iso8583.Message
	err = i.store.Update(ctx, keys, func(tx *Tx) (err error) {
		report.rewind(mark)
		p.code, p.sibling, p.related, p.stale, p.terms = code, 0, nil, false, terms{}
		answer, err = i.settle(tx, p, authorisation, report)
		return err
	})
	return answer, err
}

// authorisationCode is six digits for field 38.
func (i *Issuer) authorisationCode() (string, error) {
	var b [4]byte
	if err := i.random(b[:]); err != nil {
		return "", err
	}
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	var digits [6]byte
	for n := len(digits) - 1; n >= 0; n-- {
		digits[n] = '0' + byte(v%10)
		v /= 10
	}
	return string(digits[:]), nil
}

// settle is the part of a decision that depends on state and changes it. It
// runs inside one update.
func (i *Issuer) settle(tx *Tx, p *payment, authorisation string, report *Report) (*iso8583.Message, error) {
	first, found, err := tx.Record(p.key)
	if err != nil {
		return nil, err
	}
	if found && first.Answer != nil {
		return i.again(p, &first, report)
	}
	record := Record{
		Seq: first.Seq, Key: p.key, Reference: p.reference, Instrument: p.index, Requested: p.amount, Currency: p.currency, Time: p.at, State: RecordNoted,
		Tap: p.tap(), Event: p.event(), Merchant: p.merchant, Category: p.category, Country: p.country,
		Channel: ChannelOf(p.request.EntryMode),
	}
	if p.overtaken = found; !found {
		if record.Seq, err = tx.NextSequence(); err != nil {
			return nil, err
		}
		if p.reference != "" {
			if _, p.overtaken, err = tx.Record(orphanKey(p.reference)); err != nil {
				return nil, err
			}
		}
	}
	if p.overtaken {
		p.refuse(AlreadyReversed)
		report.step("reversal", Failed, "the reversal of this message came before it")
	}
	if err := i.judge(tx, p, &record, report); err != nil {
		return nil, err
	}
	if err := i.post(tx, p, &record, report); err != nil {
		return nil, err
	}
	if err := i.attempted(tx, p, &record); err != nil {
		return nil, err
	}
	if err := p.countContactless(tx, &record); err != nil {
		return nil, err
	}
	answer, err := p.answer(&record, authorisation, i.config.ResetOffline)
	if err != nil {
		return nil, err
	}
	p.addScript(answer, report)
	record.Answer = encodeAnswer(answer)
	tx.PutRecord(record)
	if err := keepSheet(tx, report, record.Seq); err != nil {
		return nil, err
	}
	return answer, p.tellPayment(tx, &record, report)
}

// again gives the first answer to a message that came before. Other contents
// under the same retrieval keys are another transaction: refused, and nothing
// is recorded.
func (i *Issuer) again(p *payment, first *Record, report *Report) (*iso8583.Message, error) {
	tap := p.tap()
	if first.Instrument != p.index || first.Requested != p.amount || first.Reference != p.reference || first.Currency != p.currency {
		report.step(stepRepeat, Failed, "the same retrieval keys as an earlier message, but another account number, amount or reference")
		return respond(p.request, Duplicate), nil
	}
	if tap != (Tap{}) && first.Tap != (Tap{}) && tap != first.Tap {
		report.step(stepRepeat, Failed, "the same retrieval keys as an earlier message, but another cryptogram (9F26), unpredictable number (9F37) or counter (9F36)")
		return respond(p.request, Duplicate), nil
	}
	report.repeated()
	report.step(stepRepeat, OK, "this message came before: the first answer was given again, no money moves")
	return decodeAnswer(p.request, first.Answer)
}

// judge checks everything that depends on state and sets the record's code:
// p.code holds the first reason to decline, if there is one.
func (i *Issuer) judge(tx *Tx, p *payment, record *Record, report *Report) error {
	account, funded, err := i.checkStatus(tx, p, report)
	if err != nil {
		return err
	}
	if funded {
		record.Account, record.Billing = account.ID, account.Currency
		if err := p.loadControls(tx, account.ID); err != nil {
			return err
		}
	}
	if err := i.checkDomain(tx, p, report); err != nil {
		return err
	}
	if err := i.checkCounter(tx, p, record, report); err != nil {
		return err
	}
	if err := i.countPIN(tx, p, report); err != nil {
		return err
	}
	i.applyRule(p, report)
	if p.rule == nil || p.rule.Response == "" {
		if err := i.checkMoney(tx, p, account, report); err != nil {
			return err
		}
	}
	if p.refund() && !p.advice && p.original == nil { // a rule or an earlier check decided
		if err = p.nameOriginal(tx); err != nil {
			return err
		}
	}
	if p.related, err = i.relatedTo(tx, p, record); err != nil {
		return err
	}
	if p.original != nil { // also of a refusal: the next refund of the same looks it up here
		record.Related = p.original.Seq
	}
	if funded {
		i.monitor(tx, p, record, report)
	}
	record.Code = p.code
	switch {
	case record.Code == "" && p.partly:
		record.Code = PartlyApproved
	case record.Code == "":
		record.Code = Approved
	}
	if p.rule != nil && p.rule.Override && !p.overtaken {
		record.Code = p.rule.Response
	}
	if p.advice {
		record.Flagged, record.Code = record.Code != Approved, Approved
		if record.Flagged {
			report.step("advice", OK, "accepted, as every advice, and flagged for the failed checks")
		}
	}
	if record.Code.soft() && p.code != SecurityViolation {
		return changeUse(tx, p, func(u *Use) { u.Soft = true })
	}
	return nil
}

// applyRule lets a rule answer in place of limits and balance.
func (i *Issuer) applyRule(p *payment, report *Report) {
	if p.rule == nil || p.rule.Response == "" || p.advice {
		return
	}
	if p.rule.Response != Approved {
		p.refuse(p.rule.Response)
	}
	if report != nil {
		var cause Cause
		if !p.rule.Response.approves() {
			cause = CauseRule
		}
		report.because("rules", OK, cause, fmt.Sprintf("rule %s answers %s", p.rule.Name, p.rule.Response))
	}
}

// post moves the money of an approved payment: a hold for an authorisation,
// entries for a financial message.
func (i *Issuer) post(tx *Tx, p *payment, record *Record, report *Report) error {
	related := p.related
	if text := noMoney(p, record, related); text != "" {
		report.step("posting", Skipped, text)
		if p.overtaken {
			record.State = RecordReversed
		}
		return nil
	}
	text := i.unproven(p, related)
	if text == "" {
		var err error
		if text, err = i.excess(tx, p, related); err != nil {
			return err
		}
	}
	if text != "" {
		record.Flagged = true
		report.step("posting", Failed, text+"; accepted and flagged")
		return nil
	}
	if related != nil && (related.State == RecordHeld || related.State == RecordExpired) {
		if err := i.capture(tx, related, record); err != nil {
			return err
		}
		report.step("posting", OK, "the hold of the authorisation is released")
	}
	record.Amount, record.Billed, record.Fee = p.granted, p.charge.billed, p.charge.fee
	if p.sibling != 0 { // a further advice of the same tap is about this one
		if err := changeUse(tx, p, func(u *Use) { u.Record, u.Soft = record.Seq, false }); err != nil {
			return err
		}
	}
	switch {
	case p.refund():
		return i.credit(tx, p, record, report)
	case p.class == classAuthorisation:
		record.State = RecordHeld
		report.step("posting", OK, "a hold on the account")
		return tx.hold(record.Account, record.Billed)
	}
	record.State = RecordPosted
	report.step("posting", OK, "posted to the ledger")
	return tx.pay(movement{record, false}, record, record.Account, portion{record.Amount, record.Billed, record.Fee})
}

// capture releases a hold whose payment is posted by another record. One that has
// ended has nothing to release any more.
func (i *Issuer) capture(tx *Tx, held, by *Record) error {
	if err := tx.hold(held.Account, -held.Billed); err != nil {
		return err
	}
	if err := tx.count(held, by.Time, -held.Billed); err != nil {
		return err
	}
	held.State, held.Amount, held.Billed, held.Fee, held.Related = RecordCaptured, 0, 0, 0, by.Seq
	by.Related = held.Seq
	tx.PutRecord(*held)
	return nil
}

// noMoney says why a payment moves no money, "" when it does.
func noMoney(p *payment, record, related *Record) string {
	decided := Code(p.request.ResponseCode)
	switch {
	case p.overtaken:
		return "reversed before it came"
	case !record.Code.approves():
		return "declined"
	case p.amount == 0:
		return "the amount is zero"
	case !p.serves():
		return "the bank does not do this type of transaction"
	case record.Account == "":
		return "there is no account in this currency to post to"
	case p.advice && p.declinedByCard():
		return "an advice of an offline decline"
	case p.advice && decided != "" && !decided.approves() && decided[0] != 'Y':
		return "an advice of a decline"
	case p.refund() && related != nil && related.State == RecordHeld:
		return "a refund does not settle an authorisation"
	case !p.advice && p.unreturnable() != "": // a rule approved it
		return p.unreturnable()
	case related == nil && p.stale:
		return "its counter came before: the payment is there already"
	case related != nil && related.State.posted():
		return "this payment was posted before"
	case related != nil && related.State == RecordExpired && p.class == classAuthorisation:
		return "the hold of this payment has ended"
	case related != nil && related.State == RecordHeld && p.class == classAuthorisation:
		return "this payment is held already"
	}
	return ""
}

// declinedByCard is true for an AAC.
func (p *payment) declinedByCard() bool {
	if p.chip == nil || p.scope == nil {
		return false
	}
	kind, _, _ := p.chip.kind(p.scope.Scheme)
	return kind == emv.AAC
}

// answer builds the answer to a payment: authorisation code when approved, and
// tag 91 when the card's cryptogram was right. With reset an approval resets the
// card's offline counters.
func (p *payment) answer(record *Record, authorisation string, reset bool) (*iso8583.Message, error) {
	m := respond(p.request, record.Code)
	if p.partly {
		m.Amount = &record.Amount
	}
	if m.RRN == "" {
		m.RRN = p.at.Format("06")[1:] + fmt.Sprintf("%03d", p.at.YearDay()) + p.at.Format("15") + p.request.STAN
	}
	if record.Code.approves() {
		m.AuthorisationCode = authorisation
		if p.request.AuthorisationCode != "" {
			m.AuthorisationCode = p.request.AuthorisationCode
		}
	}
	if p.proof == nil || p.advice {
		return m, nil
	}
	data, err := p.proof.issuerAuthentication(p.chip.cryptogram, record.Code, reset)
	if err != nil {
		return nil, err
	}
	m.ICCData = emv.AppendTLV(make([]byte, 0, 24), emv.TagIssuerAuthData, data)
	return m, nil
}

// issuerAuthentication makes the value of tag 91. Method 1 carries the response
// code as it stands in field 39; Mastercard cards take the two bytes of the
// ARPC response code instead, whose bit "approve" is 0010. Method 2 carries a
// card status update with the bit "issuer approves online transaction" and,
// with reset, "reset offline counters" (EMV Book 3, Annex C).
func (p *proof) issuerAuthentication(ac cryptogram.Cryptogram, code Code, reset bool) ([]byte, error) {
	a := cryptogram.IssuerAnswer{ResponseCode: [2]byte{code[0], code[1]}}
	if p.recipe.Scheme == emv.SchemeMastercard {
		a.ResponseCode = [2]byte{}
	}
	if code.approves() {
		if a.CSU[1] = 0x80; reset {
			a.CSU[1] |= 0x02
		}
		if p.recipe.Scheme == emv.SchemeMastercard {
			a.ResponseCode[1] = 0x10
		}
	}
	return p.recipe.IssuerAuthentication(p.card, p.session, ac, a)
}

// money writes an amount for people.
func money(minor int64, currency uint16) string {
	c, ok := emv.CurrencyByNumeric(currency)
	if !ok {
		return fmt.Sprintf("%d minor units of currency %03d", minor, currency)
	}
	return c.Format(minor) + " " + c.Alpha
}

// errorOr is err, or an error of its own where err is nil.
func errorOr(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, args...)
}
