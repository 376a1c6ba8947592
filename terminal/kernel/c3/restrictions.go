package c3

import (
	"bytes"
	"slices"

	"tapsim/emv"
)

// Transaction types that application usage control knows (9C, EMV Book 3,
// Annex A).
const (
	typeCash         = 0x01
	typeCashback     = 0x09
	typeDisbursement = 0x17
)

// tagAdditionalCapabilities are the additional terminal capabilities.
const tagAdditionalCapabilities emv.Tag = 0x9F40

// restrictions are the processing restrictions: expiry and exception file for
// an offline approval, usage control where the reader checks it (5.5.1).
func (r *run) restrictions() verdict {
	if r.kind == emv.TC && !r.online {
		if v := r.expiry(); v != goOn {
			return v
		}
		if r.excepted() {
			return r.because(decline, "EMV Book C-3, 5.5.1.2", "the account is in the exception file")
		}
	}
	if v := r.atATM(); v != goOn {
		return v
	}
	if !r.a.Config.Settings.AUCCheck {
		return goOn
	}
	switch r.a.Transaction.Type {
	case typeCash, typeDisbursement:
		return r.usage(emv.AUCDomesticCash, emv.AUCInternationalCash, emv.CTQSwitchForCash, "EMV Book C-3, 5.5.1.3", "the card is not valid for this cash transaction")
	case typeCashback:
		return r.usage(emv.AUCDomesticCashback, emv.AUCInternationalCashback, emv.CTQSwitchForCashback, "EMV Book C-3, 5.5.1.4", "the card is not valid for this cashback")
	}
	return goOn
}

// expiry compares the expiry date with the transaction date; no date, or none
// of the calendar, counts as expired (5.5.1.1).
func (r *run) expiry() verdict {
	const rule = "EMV Book C-3, 5.5.1.1"
	date, err := emv.ParseDate(r.card.get(slotExpiry))
	if err == nil && date.Compare(emv.DateOf(r.a.Transaction.Time)) >= 0 {
		return goOn
	}
	if r.hasCTQ && r.ctq.Has(emv.CTQOnlineIfExpired) && r.onlineCapable() {
		return r.requireOnline(rule, "the application has expired and asks to go online then")
	}
	return r.because(decline, rule, "the application has expired")
}

// excepted looks the account up in the exception file.
func (r *run) excepted() bool {
	file := r.a.Config.Settings.ExceptionFile
	if len(file) == 0 {
		return false
	}
	track2, err := emv.ParseTrack2(r.card.get(slotTrack2))
	return err == nil && slices.Contains(file, track2.PAN)
}

// usage checks application usage control; without 9F07 and 5F28 nothing is
// allowed. A card that is not valid here may ask for another interface.
func (r *run) usage(domestic, international emv.AUCBit, another emv.CTQBit, rule, text string) verdict {
	auc, country := r.card.get(slotAUC), r.card.get(slotIssuerCountry)
	if auc != nil && country != nil {
		here, _ := r.terminal.Lookup(emv.TagTerminalCountry)
		bit := international
		if bytes.Equal(here, country) {
			bit = domestic
		}
		if emv.AUC(auc).Has(bit) {
			return goOn
		}
	}
	if r.hasCTQ && r.ctq.Has(another) {
		return r.because(useOther, rule, text)
	}
	return r.because(decline, rule, text)
}

// atATM honours "not valid for contactless ATM" (CTQ byte 1 bit 1) at a cash
// dispenser.
func (r *run) atATM() verdict {
	if !r.hasCTQ || !r.ctq.Has(emv.CTQNotValidAtATM) || !r.cashDispenser() {
		return goOn
	}
	const rule, text = "EMV Book C-3", "the card is not valid for contactless ATMs"
	if r.a.TTQ.Has(emv.TTQContact) {
		return r.because(useOther, rule, text)
	}
	return r.because(decline, rule, text)
}

// cashDispenser is told by terminal type and additional capabilities (EMV Book
// 4, A1).
func (r *run) cashDispenser() bool {
	kind, _ := r.terminal.Lookup(emv.TagTerminalType)
	capabilities, _ := r.terminal.Lookup(tagAdditionalCapabilities)
	return len(kind) == 1 && len(capabilities) == 5 && emv.TerminalType(kind[0]).CashDispenser(emv.AdditionalCapabilities(capabilities))
}
