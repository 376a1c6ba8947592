package hce

import (
	"tapsim/apdu"
	"tapsim/emv"
)

// verdict is what a card decides about a transaction: a cryptogram of that
// kind, or a refusal with a status word.
type verdict struct {
	status   apdu.Status
	reason   Reason
	kind     emv.CryptogramType
	ctq      emv.CTQ
	cvm      CVM
	device   byte         // first byte of the CVR in IAD formats 2 and 4
	exceeded bool         // a limit of the card's own
	after    OfflineState // what its counters become with a TC

	magStripe bool // a track in place of a cryptogram
}

func refuse(sw apdu.Status, why Reason) verdict { return verdict{status: sw, reason: why} }

// Transaction types (tag 9C, ISO 8583 processing code).
const (
	typePurchase = 0x00
	typeRefund   = 0x20
)

// Verifier bytes for what the terminal verifies: entity 6, type E online PIN
// or D signature.
const (
	verifierOnlinePIN = 0x6E
	verifierSignature = 0x6D
)

// decide makes the choices of a card at kernel 3 or 7: first whether it wants
// the transaction at all and may approve it itself, then how the cardholder is
// verified (EMV Books C-3 and C-7 tell the terminal's half; the card's is from
// published descriptions and recordings). A reader that cannot go online is
// refused before the customer is sent to the phone for nothing.
func (s *static) decide(r *request, o *OfflineState, verified bool) verdict {
	if s.magStripe(r) {
		return inMagStripe(o)
	}
	q := &s.qvsdc
	v := verdict{status: apdu.StatusOK, kind: emv.ARQC, ctq: q.CTQ, after: *o}
	s.approve(&v, r)
	switch {
	case r.ttq.Has(emv.TTQOfflineOnly) && v.kind != emv.TC:
		why := ReasonOfflineReader
		if v.exceeded {
			why = ReasonRisk
		}
		return q.react(v, q.OfflineOnlyReader, why)
	case r.elements.Type == typeRefund && q.Refund != ReactOnline:
		return q.react(v, q.Refund, ReasonRefund)
	case q.Device != nil && !verified && (q.Device.Required == Always || r.owner):
		return refuse(apdu.StatusNotAllowed, ReasonNotVerified)
	case r.ttq.Has(emv.TTQCVMRequired) || q.aboveCVMLimit(r):
		return q.verify(v, r, verified)
	case verified && q.gives(CVMConsumerDevice) && r.ttq.Has(emv.TTQConsumerDevice):
		return q.show(v, CVMConsumerDevice)
	}
	return v
}

// aboveCVMLimit is true for amounts that the card itself wants verified.
func (q *QVSDC) aboveCVMLimit(r *request) bool {
	if q.CVMLimit == 0 || r.elements.Currency != q.Currency {
		return false
	}
	amount, err := emv.BCD(r.elements.Amount[:])
	return err == nil && int64(amount) > q.CVMLimit
}

// verify chooses the first of the card's verifications that the reader takes
// too. A device that could verify but has not yet answers 6986, "see phone".
func (q *QVSDC) verify(v verdict, r *request, verified bool) verdict {
	for _, m := range q.CVM {
		switch {
		case m == CVMConsumerDevice && r.ttq.Has(emv.TTQConsumerDevice):
			if !verified {
				return refuse(apdu.StatusNotAllowed, ReasonNotVerified)
			}
			return q.show(v, m)
		case m == CVMOnlinePIN && r.ttq.Has(emv.TTQOnlinePIN) && !r.ttq.Has(emv.TTQOfflineOnly) && q.OnlinePIN.covers(q.Currency, r.elements.Currency):
			v.kind = emv.ARQC // the issuer verifies it
			return q.show(v, m)
		case m == CVMSignature && r.ttq.Has(emv.TTQSignature):
			return q.show(v, m)
		}
	}
	reaction := q.NoCommonCVM
	if reaction == ReactUseContact && !r.ttq.Has(emv.TTQContact) {
		reaction = ReactDecline
	}
	return q.react(v, reaction, ReasonNoCommonCVM)
}

// show tells the terminal about the verification, in CTQ and CVR.
func (q *QVSDC) show(v verdict, m CVM) verdict {
	v.cvm = m
	switch m {
	case CVMConsumerDevice:
		v.ctq.Set(emv.CTQConsumerDeviceDone, true)
		v.device = q.Device.Verifier
	case CVMOnlinePIN:
		v.ctq.Set(emv.CTQOnlinePIN, true)
		v.device = verifierOnlinePIN
	case CVMSignature:
		v.ctq.Set(emv.CTQSignature, true)
		v.device = verifierSignature
	}
	return v
}

// react carries a reaction out.
func (q *QVSDC) react(v verdict, r Reaction, why Reason) verdict {
	switch r {
	case ReactRefuse:
		return refuse(apdu.StatusConditions, why)
	case ReactUseContact:
		return refuse(apdu.StatusDataInvalidated, why)
	}
	v.kind, v.reason = emv.AAC, why
	return v
}

func (q *QVSDC) gives(m CVM) bool {
	for _, have := range q.CVM {
		if have == m {
			return true
		}
	}
	return false
}

// covers judges a transaction by its currency.
func (r Region) covers(home, currency [2]byte) bool {
	switch r {
	case Everywhere:
		return true
	case Domestic:
		return currency == home
	case International:
		return currency != home
	}
	return false
}
