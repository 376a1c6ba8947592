package issuer

import (
	"fmt"
	"strings"

	"tapsim/emv"
)

// checkVerification asks, above the limit, whether the cardholder verification
// that the message claims is plausible. What the terminal passes on (9F6C, 9F34)
// is not covered by the cryptogram: in the published attacks a man in the
// middle told the terminal that a plastic card had verified its holder on the
// device, or that a locked phone had. What the card signed in issuer application
// data of Visa's formats 2 and 4, or of M/Chip on a device, is covered.
func (i *Issuer) checkVerification(p *payment, report *Report) {
	if p.chip != nil && p.needsProof() && !p.advice {
		if s := p.signedVerification(); s.told && !s.device {
			p.refuse(SecurityViolation)
			report.step(stepVerification, Failed, "a payment without a reader is its verified owner's; the card signed that there was no verification on the device")
			return
		}
	}
	rules := &i.config.Verification
	if rules.Limit == 0 || p.chip == nil || strings.HasPrefix(p.request.EntryMode, "05") || p.declinedByCard() {
		return // not asked for, no chip, contact, no payment
	}
	amount, err := emv.BCD(p.chip.elements.Amount[:])
	if p.chip.code {
		amount = uint64(p.amount)
	}
	if err != nil || int64(amount) <= rules.Limit {
		report.step(stepVerification, Skipped, "the amount is not above the limit for payments without verification")
		return
	}
	v := p.verification()
	switch v.result {
	case OK, Skipped:
		report.step(stepVerification, v.result, v.text)
		return
	}
	code := SecurityViolation
	if !v.contradiction {
		code = rules.response(p)
	}
	p.refuse(code)
	if report != nil {
		report.step(stepVerification, Failed, fmt.Sprintf("%s is above the limit of %s without verification: %s",
			money(int64(amount), p.currency), money(rules.Limit, i.config.Currency), v.text))
	}
}

// response is the configured one, or the network's way to ask for verification:
// 65 of Mastercard everywhere; 70 asks for a PIN with the same tap, so where the
// terminal takes none it is 1A, after which the card goes into a contact reader.
func (r *VerificationRules) response(p *payment) Code {
	switch {
	case r.Response != "":
		return r.Response
	case p.scope.Scheme == emv.SchemeMastercard:
		return "65"
	case p.scope.Scheme == emv.SchemeAmex || !p.takesPIN():
		return "1A"
	}
	return "70"
}

// takesPIN is false when the terminal says that it takes no online PIN, in the
// third digit of field 22 or in its capabilities, 9F33.
func (p *payment) takesPIN() bool {
	if len(p.request.EntryMode) > 2 && p.request.EntryMode[2] == '2' {
		return false
	}
	return p.chip == nil || p.chip.has&hasCapabilities == 0 || p.chip.capabilities.Has(emv.CapabilityOnlinePIN)
}

// verification is a judgement about what a message claims.
type verification struct {
	result        Result
	contradiction bool // it cannot be true, rather than not have happened
	text          string
}

// verification judges the claim in the message.
func (p *payment) verification() verification {
	c, s := p.claim(), p.signedVerification()
	is := func(result Result, text string) verification { return verification{result, false, text} }
	lie := func(text string) verification { return verification{Failed, true, text} }
	switch {
	case c.device != "" && p.instrument.Kind == Card:
		return lie(c.device + " claims verification on the cardholder's device, and this is a card, not a phone")
	case s.device && p.instrument.Kind == Card:
		return lie("the signed card verification results claim verification on the cardholder's device, and this is a card, not a phone")
	case c.device != "" && p.formFactorOfCard():
		return lie(c.device + " claims verification on the cardholder's device, and 9F6E says that this is a card")
	case c.device != "" && s.told && !s.device:
		return lie(c.device + " claims verification on the cardholder's device, the signed card verification results say that there was none")
	case p.request.PINBlock != nil:
		return is(OK, "a PIN came in field 52")
	case s.device:
		return is(OK, "on the cardholder's device, says the card in what it signed")
	case c.device != "":
		return is(OK, c.device+" says on the cardholder's device; nothing signed tells, and a phone can")
	case p.advice && (c.pin != "" || s.pin):
		return is(OK, "a PIN, says the advice; whoever decided has verified it")
	case c.pin != "" || s.pin:
		return is(Failed, "a PIN is claimed, but field 52 is missing")
	case c.signature || s.signature:
		return is(OK, "a signature, which the merchant compares")
	case c.none != "":
		return is(Failed, c.none+" says that there was no verification")
	case s.told && p.instrument.Kind == Token:
		return is(Failed, "the signed card verification results say that there was none on the cardholder's device, and no PIN came")
	}
	return is(Skipped, "the message does not tell how the cardholder was verified; a signature is possible")
}

// formFactorOfCard is true when a Visa card says in 9F6E that it is one.
func (p *payment) formFactorOfCard() bool {
	form := p.chip.ffi.Form()
	return p.scope.Scheme == emv.SchemeVisa && p.chip.has&hasFormFactor != 0 && (form == emv.FormCard || form == emv.FormMiniCard)
}

// claim is what the terminal passed on, unsigned. Texts say where it stands.
type claim struct {
	device, pin, none string
	signature         bool
}

// claim reads 9F6C, which kernels 3 and 7 know, and 9F34 (EMV Book 4, A4).
// Kernel 2 writes a verification on the device as 01, offline PIN. What was done
// in the end stands in 9F34; without it, what the card asked for counts.
func (p *payment) claim() (c claim) {
	visible := p.scope.Scheme == emv.SchemeVisa || p.scope.Scheme == emv.SchemeUnionPay
	if q := p.chip.ctq; p.chip.has&hasCTQ != 0 && visible {
		switch {
		case q.Has(emv.CTQConsumerDeviceDone):
			c.device = "9F6C"
		case q.Has(emv.CTQOnlinePIN):
			c.pin = "9F6C"
		case q.Has(emv.CTQSignature):
			c.signature = true
		default:
			c.none = "9F6C"
		}
	}
	if p.chip.has&hasCVMResults == 0 {
		return c
	}
	c.pin, c.signature, c.none = "", false, ""
	switch p.chip.cvmResults[0] & 0x3F {
	case 0x01:
		c.device = "9F34"
	case 0x02:
		c.pin = "9F34"
	case 0x1E:
		c.signature = true
	case 0x00, 0x1F, 0x3F:
		c.none = "9F34"
	}
	return c
}

// signedResults is what card verification results of Visa's formats 2 and 4, or those
// of M/Chip on a device, tell in a cryptogram that was right.
type signedResults struct{ told, device, pin, signature bool }

// Bits of those results: SCOPE.md says which of them are our choice.
const (
	cvrDevice2        = 0x04 // byte 2
	cvrDevice5        = 0x02 // byte 5
	verifierPIN       = 0x6E // byte 1: the terminal, online PIN
	verifierSignature = 0x6D // byte 1: the terminal, signature
)

// Bits of M/Chip's results.
const (
	cvrPINDone    = 0x05 // byte 1: offline PIN performed, and successful
	cvrPINNotDone = 0x20 // byte 4: offline PIN not performed
)

// onDevice reads the results of M/Chip of a token, whose offline PIN is the
// verification on the device. Where neither bit is set, or both, they do not tell.
// Those of a plastic card mean a PIN, and are not read.
func onDevice(cvr []byte) signedResults {
	device, none := cvr[0]&cvrPINDone == cvrPINDone, cvr[3]&cvrPINNotDone != 0
	return signedResults{told: device != none, device: device && !none}
}

func (p *payment) signedVerification() (s signedResults) {
	iad, err := emv.ParseIAD(p.scope.Scheme, p.chip.elements.IAD)
	switch {
	case p.proof == nil || err != nil:
		return s
	case iad.Format == emv.IADMChip && p.instrument.Kind == Token:
		return onDevice(iad.CVR)
	case iad.Format != emv.IADVisa24:
		return s
	}
	return signedResults{
		told: true, device: iad.CVR[1]&cvrDevice2 != 0 || iad.CVR[4]&cvrDevice5 != 0,
		pin: iad.CVR[0] == verifierPIN, signature: iad.CVR[0] == verifierSignature,
	}
}
