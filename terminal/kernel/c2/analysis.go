package c2

import (
	"tapsim/emv"
)

// actionCode is a terminal's or an issuer's action code, in the layout of the
// TVR.
type actionCode [5]byte

// withoutRelayStatus masks the two bits of the TVR that say whether relay
// resistance was performed: they report, they are no risk.
var withoutRelayStatus = actionCode{0xFF, 0xFF, 0xFF, 0xFF, 0xFC}

// analyse is terminal action analysis: what is asked of the card (EMV Book C-2,
// 7.8). An issuer action code that the card lacks is zero for denial and all
// ones for online and default.
func (r *run) analyse() verdict {
	s := &r.set
	switch {
	case r.matches(s.tacDenial, slotIACDenial, actionCode{}):
		return r.wants(emv.AAC, "EMV Book C-2, TAA.3", "the terminal asks for a decline (AAC): a denial action code matches")
	case s.terminalType.OnlineOnly():
		return r.wants(emv.ARQC, "EMV Book C-2, TAA.5", "the terminal asks to go online (ARQC): it is online only")
	case s.terminalType.OfflineOnly() && r.issuersAlone():
		return r.wants(emv.AAC, ruleIssuersAlone, "the terminal asks for a decline (AAC): it is offline only, and an amount of zero or an enquiry is the issuer's to answer")
	case r.issuersAlone():
		return r.wants(emv.ARQC, ruleIssuersAlone, "the terminal asks to go online (ARQC): an amount of zero or an enquiry is the issuer's to answer")
	case s.terminalType.OfflineOnly() && r.matches(s.tacDefault, slotIACDefault, withoutRelayStatus):
		return r.wants(emv.AAC, "EMV Book C-2, TAA.17", "the terminal asks for a decline (AAC): it is offline only and a default action code matches")
	case !s.terminalType.OfflineOnly() && r.matches(s.tacOnline, slotIACOnline, withoutRelayStatus):
		return r.wants(emv.ARQC, "EMV Book C-2, TAA.11", "the terminal asks to go online (ARQC): an online action code matches")
	}
	return r.wants(emv.TC, "EMV Book C-2, TAA.12", "the terminal asks for an offline approval (TC): no action code matches")
}

// ruleIssuersAlone is ours: Book C-2 knows neither account checks nor enquiries,
// for which the entry point tells other kernels' cards to go online (Book A).
const ruleIssuersAlone = "EMV Book B, 3.1.1, as for other kernels"

// issuersAlone is true for what there is nothing to approve about: an account
// check, by an amount of zero or as the entry point says, and an enquiry.
func (r *run) issuersAlone() bool {
	tx := &r.a.Transaction
	return tx.Amount == 0 || r.a.Indicators.StatusCheckRequested || tx.Inquiry()
}

func (r *run) wants(t emv.CryptogramType, rule, text string) verdict {
	r.request = t
	r.note(rule, text)
	return goOn
}

// matches is true when a bit of the TVR is set that the terminal's or the
// issuer's action code names.
func (r *run) matches(tac actionCode, issuer slot, missing actionCode) bool {
	iac := missing
	if r.card.has(issuer) {
		iac = actionCode(r.card[issuer])
	}
	for i, b := range r.tvr() {
		if b&(tac[i]|iac[i]) != 0 {
			return true
		}
	}
	return false
}
