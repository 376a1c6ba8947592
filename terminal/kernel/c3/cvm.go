package c3

import (
	"bytes"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// verifyCardholder chooses the cardholder verification method from what the
// reader supports (TTQ) and what the card asks for or has done (CTQ).
func (r *run) verifyCardholder() verdict {
	ttq := r.a.TTQ
	required := ttq.Has(emv.TTQCVMRequired)
	switch {
	case !r.hasCTQ:
		return r.withoutCTQ(required)
	case r.ctq.Has(emv.CTQOnlinePIN) && ttq.Has(emv.TTQOnlinePIN):
		return r.onlinePIN(ruleCVM, "online PIN: the card asks for it and the reader has it")
	case r.ctq.Has(emv.CTQConsumerDeviceDone):
		return r.onDevice()
	case r.ctq.Has(emv.CTQSignature) && ttq.Has(emv.TTQSignature):
		return r.chooseCVM(kernel.CVMSignature, ruleCVM, "signature: the card asks for it and the reader has it")
	case required:
		return r.because(decline, "EMV Book C-3, 5.7.1.3", "the amount requires cardholder verification and card and reader have no method in common")
	}
	return r.chooseCVM(kernel.CVMNotRequired, ruleCVM, "no cardholder verification required")
}

const ruleCVM = "EMV Book C-3, 5.7.1.2"

// withoutCTQ is for cards that say nothing of verification (5.7.1.1).
func (r *run) withoutCTQ(required bool) verdict {
	const rule = "EMV Book C-3, 5.7.1.1"
	switch {
	case !required:
		return r.chooseCVM(kernel.CVMNotRequired, rule, "no cardholder verification required")
	case r.a.TTQ.Has(emv.TTQSignature):
		return r.chooseCVM(kernel.CVMSignature, rule, "signature: the card has no qualifiers and the reader has it")
	case r.a.TTQ.Has(emv.TTQOnlinePIN):
		return r.onlinePIN(rule, "online PIN: the card has no qualifiers and the reader has it")
	}
	return r.because(decline, rule, "the amount requires cardholder verification, and the reader has no method for a card without qualifiers")
}

// onlinePIN is the one method that only the issuer can check.
func (r *run) onlinePIN(rule, text string) verdict {
	if v := r.requireOnline(rule, "an online PIN needs an online authorisation"); v != goOn {
		return v
	}
	return r.chooseCVM(kernel.CVMOnlinePIN, rule, text)
}

// onDevice accepts a verification on the consumer's device when the copy of
// the CTQ that the card signed, 9F69 bytes 6-7, is the one it sent. Without
// 9F69 only the issuer can tell: good for an ARQC, not for a TC. Nor is fDDA
// version 00 any proof offline: it leaves 9F69 unsigned.
func (r *run) onDevice() verdict {
	signed := r.card.get(slotCardAuth)
	switch {
	case signed == nil && r.kind == emv.ARQC:
		return r.chooseCVM(kernel.CVMConfirmationCode, ruleCVM, "verified on the consumer's device, as the card says")
	case signed == nil, !r.online && signed[0] != fddaVersion:
		return r.because(decline, ruleCVM, "the card claims a verification on its device but signed no proof of it")
	case len(signed) >= 7 && bytes.Equal(signed[5:7], r.ctq[:]):
		return r.chooseCVM(kernel.CVMConfirmationCode, ruleCVM, "verified on the consumer's device: 9F69 repeats the qualifiers")
	}
	return r.because(decline, ruleCVM, "the qualifiers in 9F6C are not those in 9F69")
}

func (r *run) chooseCVM(m kernel.CVM, rule, text string) verdict {
	r.cvm = m
	r.note(rule, text)
	return goOn
}
