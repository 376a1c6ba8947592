package hce

import (
	"tapsim/cryptogram"
	"tapsim/emv"
)

// cvr are the card verification results of M/Chip, bytes 3 to 8 of the issuer
// application data.
type cvr [6]byte

// cvrBit is one bit of the results: its byte, counted from 1, in the high half
// and its mask in the low half.
type cvrBit uint16

// Bits of the results that the card sets by itself.
const (
	cvrPINPerformed  cvrBit = 0x0104 // on a phone: verified on the device
	cvrPINRight      cvrBit = 0x0101
	cvrCDAReturned   cvrBit = 0x0240
	cvrPINNotDone    cvrBit = 0x0420
	cvrInternational cvrBit = 0x0404
	cvrDomestic      cvrBit = 0x0402
	cvrTerminalWrong cvrBit = 0x0401 // the terminal takes a verification for given that was not
	cvrLowerCount    cvrBit = 0x0580
	cvrUpperCount    cvrBit = 0x0540
	cvrLowerAmount   cvrBit = 0x0520
	cvrUpperAmount   cvrBit = 0x0510
	cvrMaxAmount     cvrBit = 0x0608
)

func (v *cvr) set(bit cvrBit, on bool) {
	if v[bit>>8-1] &^= byte(bit); on {
		v[bit>>8-1] |= byte(bit)
	}
}

// meets is true when the results have a bit of an action code.
func (v *cvr) meets(code [3]byte) bool {
	return v[3]&code[0]|v[4]&code[1]|v[5]&code[2] != 0
}

// poscii is tag DF4B: what the phone tells the terminal about its owner.
type poscii [3]byte

// Values of tag DF4B.
var (
	deviceVerified = poscii{0, 0x10, 0} // on-device verification successful
	deviceRequired = poscii{0, 0x01, 0} // on-device verification required: come again
)

// question is what the terminal asks with GENERATE AC.
type question struct {
	asked        emv.CryptogramType
	cda          bool
	elements     cryptogram.Elements // AIP, ATC and IAD are the card's to fill in
	terminalType byte                // 9F35; 0 when CDOL1 does not ask
	cvmResults   [3]byte             // 9F34
	owner        bool                // beyond what the device pays without verification
	over         bool                // more than the key's payments may add up to
}

// action is what the card does about it.
type action struct {
	kind   emv.CryptogramType
	reason Reason
	cvm    CVM
	signed bool // CDA
	cvr    cvr
	poscii poscii
	after  OfflineState
}

// analyse is card risk management and card action analysis of the first
// GENERATE AC: the results are gathered, and the card issuer action codes say
// which of them matter. The card may lower what the terminal asks for, never
// raise it (EMV Book 3, 6.5.5 and 10.8).
func (m *mchip) analyse(q *question, s *OfflineState, verified bool) action {
	a := action{kind: q.asked, cvr: cvr(m.iad[2:8]), after: *s}
	verified = verified && m.Device != nil
	missing := m.Device != nil && !verified && (m.Device.Required == Always || q.owner || q.onDeviceClaimed())
	domestic := q.elements.TerminalCountry == m.Country
	a.cvr.set(cvrPINPerformed, verified)
	a.cvr.set(cvrPINRight, verified)
	a.cvr.set(cvrPINNotDone, !verified)
	a.cvr.set(cvrDomestic, domestic)
	a.cvr.set(cvrInternational, !domestic)
	a.cvr.set(cvrTerminalWrong, !verified && q.onDeviceClaimed())
	approved := m.velocity(q, *s, &a.cvr)
	if verified {
		a.cvm, a.poscii = CVMConsumerDevice, deviceVerified
	}
	switch {
	case q.asked == emv.AAC:
		a.reason = ReasonAsked
	case q.over:
		a.kind, a.reason = emv.AAC, ReasonKeyAmount
	case missing:
		a.kind, a.reason, a.poscii = emv.AAC, ReasonNotVerified, deviceRequired
	case a.cvr.meets(m.Actions.Decline), q.asked == emv.TC && q.offlineOnly() && a.cvr.meets(m.Actions.Default):
		a.kind, a.reason = emv.AAC, ReasonRisk
	case q.asked == emv.TC && q.offlineOnly() && q.asksIssuer():
		a.kind, a.reason = emv.AAC, ReasonOfflineReader
	case q.asked == emv.TC && !q.offlineOnly() && (a.cvr.meets(m.Actions.Online) || q.asksIssuer()):
		a.kind = emv.ARQC
	case q.asked == emv.TC:
		a.after = approved
	}
	a.signed = q.cda && m.AIP.Has(emv.AIPCDA) && (a.kind != emv.AAC || m.signsAAC)
	a.cvr.set(cvrCDAReturned, a.signed)
	a.cvr[0] = a.cvr[0]&0x0F | cvrNoSecondAC | byte(a.kind)>>2 // bits 6-5: AAC 00, TC 01, ARQC 10
	return a
}

// velocity checks the limits with this transaction in them, and returns what
// the counters become if it is approved offline. They are of money spent: a
// refund or an enquiry is none.
func (m *mchip) velocity(q *question, s OfflineState, v *cvr) OfflineState {
	l := m.Counters
	if l == nil || !q.spends() {
		return s
	}
	s.Count = increment(s.Count)
	v.set(cvrLowerCount, s.Count > l.LowerCount)
	v.set(cvrUpperCount, s.Count > l.UpperCount)
	if this, err := emv.BCD(q.elements.Amount[:]); err != nil { // no number: more than every limit
		v.set(cvrMaxAmount, true)
	} else if q.elements.Currency == l.Currency {
		s.Amount = min(s.Amount+int64(this), emv.MaxAmount)
		v.set(cvrMaxAmount, int64(this) > l.MaxAmount)
	}
	v.set(cvrLowerAmount, s.Amount > l.LowerAmount)
	v.set(cvrUpperAmount, s.Amount > l.UpperAmount)
	return s
}

// increment counts one more, up to what a byte holds.
func increment(count byte) byte {
	if count < 0xFF {
		count++
	}
	return count
}

// spends is true for the types of transaction that debit the account: 00 to 19
// (ISO 8583:1987, processing code).
func (q *question) spends() bool { return q.elements.Type < typeRefund }

// asksIssuer is true for enquiries, 30 to 39, which the issuer alone can answer.
func (q *question) asksIssuer() bool { return q.elements.Type>>4 == 3 }

// onDeviceClaimed is true when the CVM results say that the card itself has
// verified the cardholder: 01 is offline PIN and, at kernel 2, the device (EMV
// Book C-2).
func (q *question) onDeviceClaimed() bool {
	return q.cvmResults[0]&0x3F == 0x01 && q.cvmResults[2] == 0x02
}

// offlineOnly is true for the terminal types that end in 3 and 6 (EMV Book 4,
// Annex A1).
func (q *question) offlineOnly() bool {
	return q.terminalType&0x0F == 3 || q.terminalType&0x0F == 6
}
