package c3

import (
	"tapsim/emv"
	"tapsim/terminal/kernel/internal/rules"
)

// tagAdditionalCapabilities are the additional terminal capabilities.
const tagAdditionalCapabilities emv.Tag = 0x9F40

// atATM honours "not valid for contactless ATM" (CTQ byte 1 bit 1) at a cash
// dispenser.
func (r *run) atATM() rules.Verdict {
	if !r.HasCTQ || !r.CTQ.Has(emv.CTQNotValidAtATM) || !r.cashDispenser() {
		return rules.GoOn
	}
	const rule, text = "EMV Book C-3", "the card is not valid for contactless ATMs"
	if r.TTQ().Has(emv.TTQContact) {
		return r.Because(rules.UseOther, rule, text)
	}
	return r.Because(rules.Decline, rule, text)
}

// cashDispenser is told by terminal type and additional capabilities (EMV Book
// 4, A1).
func (r *run) cashDispenser() bool {
	kind, _ := r.Terminal.Lookup(emv.TagTerminalType)
	capabilities, _ := r.Terminal.Lookup(tagAdditionalCapabilities)
	return len(kind) == 1 && len(capabilities) == 5 && emv.TerminalType(kind[0]).CashDispenser(emv.AdditionalCapabilities(capabilities))
}
