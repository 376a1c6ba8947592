package c7

import (
	"tapsim/emv"
	"tapsim/terminal/kernel/internal/rules"
)

// offer is whether the reader offers electronic cash for this payment.
type offer byte

const (
	offerNone    offer = iota // a reader without electronic cash
	offerMade                 // 9F7A is 01
	offerRefused              // a reader with it, but not for this payment
)

// cashOffered and cashRefused are what the card is told in 9F7A. They are
// shared and never written to.
var (
	cashOffered = emv.List{{Tag: emv.TagECashIndicator, Value: []byte{1}}}
	cashRefused = emv.List{{Tag: emv.TagECashIndicator, Value: []byte{0}}}
)

// typePurchase is the transaction type (9C) of goods and services.
const typePurchase = 0x00

// offerElectronicCash decides what the card is told. A reader with electronic
// cash (9F7A is 01) offers it for purchases in its currency of at most 9F7B;
// other payments are to go online, where the reader can.
func (r *run) offerElectronicCash() {
	data := &r.A.Config.Data
	if supported, _ := data.Lookup(emv.TagECashIndicator); len(supported) != 1 || supported[0] != 1 {
		return
	}
	if why := r.noElectronicCash(); why != "" {
		r.cash, r.Own = offerRefused, cashRefused
		if r.OnlineCapable() {
			r.TTQ().Set(emv.TTQOnlineCryptogram, true)
		}
		r.Note(ruleElectronicCash, why)
		return
	}
	r.cash, r.Own = offerMade, cashOffered
	r.Note(ruleElectronicCash, "the reader offers electronic cash (9F7A is 01)")
}

// noElectronicCash says why this payment is none of electronic cash; empty for
// one that is.
func (r *run) noElectronicCash() string {
	tx := &r.A.Transaction
	value, _ := r.A.Config.Data.Lookup(emv.TagECashTerminalLimit)
	limit, err := emv.BCD(value)
	switch {
	case tx.Type != typePurchase:
		return "electronic cash is for purchases only"
	case tx.Currency.Numeric != r.choices.ECashCurrency:
		return "electronic cash is in another currency"
	case len(value) != 6 || err != nil:
		return "the reader has no limit for electronic cash (9F7B)"
	case uint64(tx.Amount) > uint64(limit):
		return "the amount is above the limit of electronic cash (9F7B)"
	}
	return ""
}

// electronicCash sends an approval online that the card must not give: the
// reader with electronic cash did not offer any for this payment.
func (r *run) electronicCash() rules.Verdict {
	if r.Kind == emv.TC && !r.Online && r.cash == offerRefused {
		return r.RequireOnline(ruleElectronicCash, "the card approved (TC) what this reader takes online only")
	}
	return rules.GoOn
}

// asksForElectronicCash is true for a card that is told of the offer: its PDOL
// has 9F7A.
func (r *run) asksForElectronicCash() bool {
	for pdol := r.A.FCI.PDOL; len(pdol) > 0; {
		e, rest, ok := emv.NextDOLEntry(pdol)
		if !ok {
			return false
		}
		if e.Tag == emv.TagECashIndicator {
			return true
		}
		pdol = rest
	}
	return false
}
