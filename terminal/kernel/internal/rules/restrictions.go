package rules

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

// OfflineRestrictions are expiry and exception file, which count for an offline
// approval only: otherwise they are the issuer's.
func (r *Run) OfflineRestrictions() Verdict {
	if r.Kind != emv.TC || r.Online {
		return GoOn
	}
	if v := r.CheckExpiry(); v != GoOn {
		return v
	}
	return r.CheckExceptionFile()
}

// CheckExpiry compares the expiry date with the transaction date; no date, or none
// of the calendar, counts as expired.
func (r *Run) CheckExpiry() Verdict {
	date, err := emv.ParseDate(r.Card.Get(Expiry))
	if err == nil && date.Compare(emv.DateOf(r.A.Transaction.Time)) >= 0 {
		return GoOn
	}
	if r.HasCTQ && r.CTQ.Has(emv.CTQOnlineIfExpired) && r.mayGoOnline() {
		return r.RequireOnline(r.Book.Expiry, "the application has expired and asks to go online then")
	}
	return r.Because(Decline, r.Book.Expiry, "the application has expired")
}

// CheckExceptionFile declines an account that is in it.
func (r *Run) CheckExceptionFile() Verdict {
	if r.excepted() {
		return r.Because(Decline, r.Book.Exception, "the account is in the exception file")
	}
	return GoOn
}

// excepted looks the account up in the exception file.
func (r *Run) excepted() bool {
	file := r.A.Config.Settings.ExceptionFile
	if len(file) == 0 {
		return false
	}
	track2, err := emv.ParseTrack2(r.Card.Get(Track2))
	return err == nil && slices.Contains(file, track2.PAN)
}

// UsageControl checks that the card allows cash and cashback, where the reader
// asks for that.
func (r *Run) UsageControl() Verdict {
	if !r.A.Config.Settings.AUCCheck {
		return GoOn
	}
	switch r.A.Transaction.Type {
	case typeCash, typeDisbursement:
		return r.usage(emv.AUCDomesticCash, emv.AUCInternationalCash, emv.CTQSwitchForCash, r.Book.Cash, "the card is not valid for this cash transaction")
	case typeCashback:
		return r.usage(emv.AUCDomesticCashback, emv.AUCInternationalCashback, emv.CTQSwitchForCashback, r.Book.Cashback, "the card is not valid for this cashback")
	}
	return GoOn
}

// usage checks application usage control; without 9F07 and 5F28 nothing is
// allowed. A card that is not valid here may ask for another interface.
func (r *Run) usage(domestic, international emv.AUCBit, another emv.CTQBit, rule, text string) Verdict {
	auc, country := r.Card.Get(AUC), r.Card.Get(IssuerCountry)
	if auc != nil && country != nil {
		here, _ := r.Terminal.Lookup(emv.TagTerminalCountry)
		bit := international
		if bytes.Equal(here, country) {
			bit = domestic
		}
		if emv.AUC(auc).Has(bit) {
			return GoOn
		}
	}
	if r.HasCTQ && r.CTQ.Has(another) {
		return r.Because(UseOther, rule, text)
	}
	return r.Because(Decline, rule, text)
}
