package terminal

import (
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal/kernel"
)

// Result is a payment in full, for a report. Pointers and slices are nil where
// a value does not apply. The account number masks itself when printed; the
// messages do not.
type Result struct {
	Tap Tap
	// Outcome is what the customer got: approved, declined,
	// try-another-interface, end-application or try-again.
	Outcome kernel.Kind
	Detail  string // why, in words
	// KernelOutcome is what the kernel said: online-request, for one.
	KernelOutcome kernel.Kind
	Scheme        emv.Scheme
	PAN           emv.PAN // of the card or token

	CryptogramType emv.CryptogramType // valid when Cryptogram is not nil
	Cryptogram     []byte             // 9F26
	ATC            *uint16            // 9F36
	IAD            []byte             // 9F10
	TVR            []byte             // 95 as the host sees it
	CTQ            []byte             // 9F6C

	// CVM is how the customer was verified in the end: by what the kernel chose,
	// or by the PIN that the host asked for. Where no payment came about at the
	// card, or no PIN was entered, it does not apply.
	CVM kernel.CVM

	Request  *iso8583.Message
	Response *iso8583.Message
	// Before is what came before Request: a request that was answered with "come
	// again with a PIN". Nil is nothing.
	Before *Authorisation
	// Delivery is what became of earlier messages, which go out before a request.
	Delivery Delivery
	// SoftDecline says that the same card could succeed with a PIN or through
	// its contacts (39 is 65, 70 or 1A).
	SoftDecline bool
	// Part is what was approved of the amount, in minor units, where that is not
	// all of it; 0 otherwise. The rest is to be paid by other means.
	Part int64
	// ReversalPending says that the request's state is unknown and its reversal
	// waits in the journal; AdvicePending, that an advice waits: of an offline
	// approval, or of the results of issuer scripts.
	ReversalPending, AdvicePending bool
	// Update is the kernel's outcome of the tap that took the issuer's data to
	// the card.
	Update  *kernel.Outcome
	Receipt Receipt
}

// Authorisation is a request with its answer.
type Authorisation struct{ Request, Response *iso8583.Message }

// describe fills in what reports show, from the kernel's data.
func (s *session) describe(res *Result) {
	out := &s.tap.Outcome
	if s.tap.AID != nil {
		res.Scheme = emv.SchemeOf(s.tap.AID)
	}
	if out.Card != nil {
		s.describeCard(res, out.Card)
	}
	if v, ok := out.DataRecord.Lookup(emv.TagTVR); ok {
		res.TVR = v
	}
	res.CVM = s.verification(res)
	res.Receipt = s.receipt(res)
}

// verification is the cardholder verification method that was used.
func (s *session) verification(res *Result) kernel.CVM {
	out, request := &s.tap.Outcome, res.Request
	switch {
	case request != nil && request.PINBlock != nil:
		return kernel.CVMOnlinePIN
	case request != nil && s.numberOnly():
		return kernel.CVMNotRequired
	case out.Kind != kernel.Approved && out.Kind != kernel.OnlineRequest || out.CVM == kernel.CVMOnlinePIN:
		return kernel.CVMNone
	}
	return out.CVM
}

func (s *session) describeCard(res *Result, card emv.Source) {
	get := func(tag emv.Tag) []byte {
		v, _ := card.Lookup(tag)
		return v
	}
	res.IAD, res.CTQ = get(emv.TagIAD), get(emv.TagCTQ)
	if ac := get(emv.TagCryptogram); ac != nil {
		res.Cryptogram, res.CryptogramType = ac, s.tap.Outcome.Type
	}
	if atc := get(emv.TagATC); len(atc) == 2 {
		v := uint16(atc[0])<<8 | uint16(atc[1])
		res.ATC = &v
	}
	if track2, err := emv.ParseTrack2(get(emv.TagTrack2)); err == nil {
		res.PAN = track2.PAN
	}
}
