package c2

import (
	"bytes"

	"tapsim/emv"
)

// Transaction types (9C, EMV Book 3, Annex A).
const (
	typePurchase     = 0x00
	typeCash         = 0x01
	typeCashback     = 0x09
	typeDisbursement = 0x17
)

// restrictions are the processing restrictions. They set bits of the TVR and
// decide nothing; terminal action analysis does (EMV Book C-2, 7.7).
func (r *run) restrictions() verdict {
	const rule = "EMV Book C-2, 7.7"
	if v := r.card[slotVersion]; v != nil && !bytes.Equal(v, r.set.version[:]) {
		r.tvr().Set(emv.TVRVersionsDiffer, true)
		r.note(rule, "card and terminal have different application versions")
	}
	today := emv.DateOf(r.a.Transaction.Time)
	if v := r.card[slotEffective]; v != nil {
		if date, err := emv.ParseDate(v); err != nil || today.Before(date) {
			r.tvr().Set(emv.TVRNotYetEffective, true)
			r.note(rule, "the application is not yet effective")
		}
	}
	if date, err := emv.ParseDate(r.card[slotExpiry]); err != nil || date.Before(today) {
		r.tvr().Set(emv.TVRExpired, true)
		r.note(rule, "the application has expired")
	}
	if !r.usageAllowed() {
		r.tvr().Set(emv.TVRServiceNotAllowed, true)
		r.note(rule, "the card is not valid for this use (application usage control)")
	}
	if r.a.Transaction.Amount > r.set.floor { // S456.37
		r.tvr().Set(emv.TVRFloorLimitExceeded, true)
		r.note("EMV Book C-2, S456.38", "the amount is above the floor limit")
	}
	return goOn
}

// usageAllowed checks application usage control: the kind of place always, the
// kind of transaction where the issuer's country is known.
func (r *run) usageAllowed() bool {
	if !r.card.has(slotAUC) {
		return true
	}
	auc := emv.AUC(r.card[slotAUC])
	place := emv.AUCElsewhere
	if r.cashDispenser() {
		place = emv.AUCAtATM
	}
	if !auc.Has(place) {
		return false
	}
	if !r.card.has(slotIssuerCountry) {
		return true
	}
	domestic := bytes.Equal(r.card[slotIssuerCountry], r.set.country[:])
	has := func(home, abroad emv.AUCBit) bool {
		if domestic {
			return auc.Has(home)
		}
		return auc.Has(abroad)
	}
	tx := &r.a.Transaction
	switch tx.Type {
	case typeCash, typeDisbursement:
		if !has(emv.AUCDomesticCash, emv.AUCInternationalCash) {
			return false
		}
	case typePurchase, typeCashback:
		if !has(emv.AUCDomesticGoods, emv.AUCInternationalGoods) && !has(emv.AUCDomesticServices, emv.AUCInternationalServices) {
			return false
		}
	}
	return tx.AmountOther == 0 || has(emv.AUCDomesticCashback, emv.AUCInternationalCashback)
}

func (r *run) cashDispenser() bool { return r.set.terminalType.CashDispenser(r.set.additional) }
