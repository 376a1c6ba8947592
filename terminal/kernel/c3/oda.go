package c3

import (
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// authenticate does offline data authentication: for an offline approval,
// which needs it, and for an online request where the reader offers it (TTQ
// byte 1 bit 1) and the card takes part (5.6.1). Only the first changes the
// decision.
func (r *run) authenticate() verdict {
	const rule = "EMV Book C-3, 5.6.1.2"
	if r.online {
		if r.kind == emv.ARQC && r.a.TTQ.Has(emv.TTQODAForOnline) && emv.AIP(r.card.get(slotAIP)).Has(emv.AIPDDA) {
			r.verifySignature()
		}
		return goOn
	}
	if r.verifySignature() {
		return goOn
	}
	switch {
	case r.hasCTQ && r.ctq.Has(emv.CTQOnlineIfODAFails) && r.onlineCapable():
		r.wantOnline(rule, "the card could not be authenticated offline and asks to go online then")
		return goOn
	case r.hasCTQ && r.ctq.Has(emv.CTQSwitchIfODAFails) && r.a.TTQ.Has(emv.TTQContact):
		return r.because(useContact, rule, "the card could not be authenticated offline and asks for the contact interface then")
	}
	return r.because(decline, rule, "the card could not be authenticated offline")
}

// verifySignature is true when the card proved to be genuine.
func (r *run) verifySignature() bool {
	r.oda, r.odaNote = kernel.ODAFailed, "this terminal has no certification authority keys"
	r.note("EMV Book C-3, 5.6.1", r.odaNote)
	return false
}
