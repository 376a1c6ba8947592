package c7

import (
	"tapsim/emv"
	"tapsim/terminal/kernel/internal/rules"
)

// steps are the steps of the decision that are done: an approval is judged
// before its last record is asked for, as far as what the card has given till
// then allows, and again when all is read.
type steps struct{ found, kind, expiry, exception, atm, usage, verification bool }

// beforeLast judges an approval before the last record, with which a purse pays:
// whom the reader declines has not paid then, and what goes online is paid by
// the account alone.
func (r *run) beforeLast() rules.Verdict {
	if !r.Complete() || !r.FindType() {
		return rules.GoOn
	}
	r.done.found = true
	if r.Kind != emv.TC {
		return rules.GoOn
	}
	return r.judge(false)
}

// decide is what the terminal makes of the card's data.
func (r *run) decide() rules.Verdict {
	v := r.judge(true)
	switch {
	case v != rules.GoOn:
		return v
	case r.Online:
		return rules.GoOnline
	case r.Card.Has(rules.AuthorisationCode):
		return r.Because(rules.Approve, ruleElectronicCash, "the card paid with electronic cash and is genuine")
	}
	return r.Because(rules.Approve, ruleApproved, "the card approved offline and is genuine")
}

// judge takes the steps in their order, each once: what the last record may hold
// waits for all. The steps are called by name: a table of functions would move
// the run to the heap.
func (r *run) judge(all bool) rules.Verdict {
	if r.TTQ().Has(emv.TTQFDDA1) { // else the card signs version 00, which leaves 9F69 out
		r.Related = r.Card.Get(rules.CardAuth)
	}
	v := r.CheckData()
	if v == rules.GoOn {
		v = r.cryptogramType()
	}
	if v == rules.GoOn {
		v = r.restrictions(all)
	}
	if v == rules.GoOn && !r.Online {
		v = r.authenticate(all)
	}
	if v == rules.GoOn && !r.done.verification && (all || !r.CTQ.Has(emv.CTQConsumerDeviceDone)) { // 9F69 proves what the device did
		r.done.verification = true
		v = r.VerifyCardholder(rules.Methods{Device: r.TTQ().Has(emv.TTQConsumerDevice), PINFirst: r.choices.PINFirst, Unasked: r.smallAmount()})
	}
	return v
}

// cryptogramType is the type and where it leads. It finds out whether a purse
// pays: it does with the last record of an approval to which the reader offered
// electronic cash, and has done where the record holds 9F74.
func (r *run) cryptogramType() rules.Verdict {
	if !r.done.found && !r.FindType() {
		return r.NoType()
	}
	r.done.found = true
	r.Alone = r.Kind == emv.TC && (r.cash == offerMade && r.asksForElectronicCash() || r.Card.Has(rules.AuthorisationCode))
	if r.done.kind {
		return rules.GoOn
	}
	r.done.kind = true
	if v := r.FollowType(); v != rules.GoOn {
		return v
	}
	return r.electronicCash()
}

// restrictions are those of kernel 3, as far as the card has given what they are
// about. What goes online is the issuer's to judge.
func (r *run) restrictions(all bool) rules.Verdict {
	v, offline := rules.GoOn, r.Kind == emv.TC && !r.Online
	if offline && !r.done.expiry && (all || r.Card.Has(rules.Expiry)) {
		r.done.expiry = true
		v = r.CheckExpiry()
	}
	if v == rules.GoOn && offline && !r.done.exception {
		r.done.exception = true
		v = r.CheckExceptionFile()
	}
	if v == rules.GoOn && !r.done.atm {
		r.done.atm = true
		v = r.AtATM()
	}
	if v == rules.GoOn && !r.done.usage && (all || r.Card.Has(rules.AUC) && r.Card.Has(rules.IssuerCountry)) {
		r.done.usage = true
		v = r.UsageControl()
	}
	return v
}

// authenticate is for an offline approval, which needs a genuine card. Before
// the last record, which often holds the 9F69 that is signed, only certificates
// can show that it is not.
func (r *run) authenticate(all bool) rules.Verdict {
	version1 := r.Related != nil && r.Related[0] == rules.FDDA1
	switch {
	case !all:
		return r.Certify()
	case r.recovered && !version1:
		return r.Because(rules.Decline, ruleLastRecord, "the record read again is bound to the card that paid by fDDA version 01 only")
	case r.choices.FDDA1Only && r.TTQ().Has(emv.TTQFDDA1) && !version1:
		return r.Because(rules.Decline, book.Signature, "this reader takes fDDA version 01 only, and the card gave no 9F69 for it")
	}
	return r.Authenticate()
}
