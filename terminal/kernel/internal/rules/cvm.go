package rules

import (
	"bytes"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// Methods are what a kernel says of cardholder verification besides the TTQ.
type Methods struct {
	// Device: a verification on the consumer's device counts at this reader.
	Device bool
	// PINFirst: a card without qualifiers gets online PIN before signature.
	PINFirst bool
	// Unasked: an amount so small that the reader asks for neither PIN nor
	// signature, whatever the card wants.
	Unasked bool
}

// VerifyCardholder chooses the cardholder verification method from what the
// reader supports (TTQ) and what the card asks for or has done (CTQ).
func (r *Run) VerifyCardholder(m Methods) Verdict {
	ttq := *r.TTQ()
	required := ttq.Has(emv.TTQCVMRequired)
	unasked := m.Unasked && !required
	switch {
	case !r.HasCTQ:
		return r.withoutQualifiers(required, m.PINFirst)
	case r.CTQ.Has(emv.CTQOnlinePIN) && ttq.Has(emv.TTQOnlinePIN) && !unasked:
		return r.onlinePIN(r.Book.CVM, "online PIN: the card asks for it and the reader has it")
	case r.CTQ.Has(emv.CTQConsumerDeviceDone) && m.Device:
		return r.onDevice()
	case unasked:
		return r.choose(kernel.CVMNotRequired, r.Book.SmallAmount, "a small amount: the reader asks for neither PIN nor signature")
	case r.CTQ.Has(emv.CTQSignature) && ttq.Has(emv.TTQSignature):
		return r.choose(kernel.CVMSignature, r.Book.CVM, "signature: the card asks for it and the reader has it")
	case required:
		return r.Because(Decline, r.Book.NoMethod, "the amount requires cardholder verification and card and reader have no method in common")
	}
	return r.choose(kernel.CVMNotRequired, r.Book.CVM, "no cardholder verification required")
}

// withoutQualifiers is for cards that say nothing of verification.
func (r *Run) withoutQualifiers(required, pinFirst bool) Verdict {
	rule := r.Book.NoQualifiers
	pin, signature := r.TTQ().Has(emv.TTQOnlinePIN), r.TTQ().Has(emv.TTQSignature)
	switch {
	case !required:
		return r.choose(kernel.CVMNotRequired, rule, "no cardholder verification required")
	case signature && !(pinFirst && pin):
		return r.choose(kernel.CVMSignature, rule, "signature: the card has no qualifiers and the reader has it")
	case pin:
		return r.onlinePIN(rule, "online PIN: the card has no qualifiers and the reader has it")
	}
	return r.Because(Decline, rule, "the amount requires cardholder verification, and the reader has no method for a card without qualifiers")
}

// onlinePIN is the one method that only the issuer can check.
func (r *Run) onlinePIN(rule, text string) Verdict {
	if v := r.RequireOnline(rule, "an online PIN needs an online authorisation"); v != GoOn {
		return v
	}
	return r.choose(kernel.CVMOnlinePIN, rule, text)
}

// onDevice accepts a verification on the consumer's device when the copy of
// the CTQ that the card signed, 9F69 bytes 6-7, is the one it sent. Without
// 9F69 only the issuer can tell: good for an ARQC, not for a TC. Nor is fDDA
// version 00 any proof offline: it leaves 9F69 unsigned.
func (r *Run) onDevice() Verdict {
	signed, rule := r.Related, r.Book.CVM
	switch {
	case signed == nil && r.Kind == emv.ARQC:
		return r.choose(kernel.CVMConfirmationCode, rule, "verified on the consumer's device, as the card says")
	case signed == nil, !r.Online && signed[0] != FDDA1:
		return r.Because(Decline, rule, "the card claims a verification on its device but signed no proof of it")
	case len(signed) >= 7 && bytes.Equal(signed[5:7], r.CTQ[:]):
		return r.choose(kernel.CVMConfirmationCode, rule, "verified on the consumer's device: 9F69 repeats the qualifiers")
	}
	return r.Because(Decline, rule, "the qualifiers in 9F6C are not those in 9F69")
}

func (r *Run) choose(m kernel.CVM, rule, text string) Verdict {
	r.CVM = m
	r.Note(rule, text)
	return GoOn
}
