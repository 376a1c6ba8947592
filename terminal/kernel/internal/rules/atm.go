package rules

import "tapsim/emv"

// tagAdditionalCapabilities are the additional terminal capabilities.
const tagAdditionalCapabilities emv.Tag = 0x9F40

// AtATM honours "not valid for contactless ATM" (CTQ byte 1 bit 1) at a cash
// dispenser.
func (r *Run) AtATM() Verdict {
	if !r.HasCTQ || !r.CTQ.Has(emv.CTQNotValidAtATM) || !r.cashDispenser() {
		return GoOn
	}
	const text = "the card is not valid for contactless ATMs"
	if r.TTQ().Has(emv.TTQContact) {
		return r.Because(UseOther, r.Book.ATM, text)
	}
	return r.Because(Decline, r.Book.ATM, text)
}

// cashDispenser is told by terminal type and additional capabilities (EMV Book
// 4, A1).
func (r *Run) cashDispenser() bool {
	kind, _ := r.Terminal.Lookup(emv.TagTerminalType)
	capabilities, _ := r.Terminal.Lookup(tagAdditionalCapabilities)
	return len(kind) == 1 && len(capabilities) == 5 && emv.TerminalType(kind[0]).CashDispenser(emv.AdditionalCapabilities(capabilities))
}
