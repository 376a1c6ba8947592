package sim

import (
	"cmp"
	"fmt"
	"slices"

	"tapsim/issuer"
	"tapsim/terminal/kernel"
	"tapsim/terminal/slip"
	"tapsim/wallet"
)

// Verdict is what came of a payment: why, and what its customer can do.
type Verdict struct {
	Outcome string `json:"outcome"`          // approved, declined, reversed ..., in the words of who decided
	Where   string `json:"where,omitempty"`  // of a failure: phone, point of sale, network, bank
	Cause   string `json:"cause,omitempty"`  // one word for programs
	Reason  string `json:"reason,omitempty"` // in words
	Advice  string `json:"advice,omitempty"`
}

// meaning is what a failure is called in a verdict, and what a customer can do.
type meaning struct{ cause, advice string }

// meanings are those of the causes that bank, phone and point of sale name.
var meanings = map[string]meaning{
	"balance":       {"balance", "top up the account, or pay less: tapsim bank top-up"},
	"limit":         {"limit", "pay less, or raise the limit: tapsim bank limit"},
	"bank-limit":    {"limit", "pay less: the bank's configuration has a limit for one payment (limits: max_amount)"},
	"token-limit":   {"limit", "pay less, or have the bank raise what the token may pay: tapsim bank token control"},
	"verification":  {"verification", "pay again and verify on the phone (tapsim wallet unlock), or with the PIN"},
	"pin":           {"pin", "pay again, with the right PIN"},
	"pin-blocked":   {"pin-blocked", "the PIN was wrong too often: ask the bank"},
	"phone":         {"phone", "see how the phone stands: tapsim wallet list"},
	"locked-out":    {"locked-out", "remove all cards and add them again"},
	"not-scanned":   {"not-scanned", "let the point of sale scan the code in time"},
	"code-expired":  {"code-expired", "show a new code: tapsim wallet qr"},
	"clock":         {"clock", "set the phone's clock, then show a new code: tapsim wallet qr"},
	"terminal":      {"terminal", "try another card, or the terminal's other ways to pay"},
	"network":       {"network", "try again when there is a connection; nothing will be charged for this one"},
	"maintenance":   {"maintenance", "the bank is closed for a while: try again later"},
	"malfunction":   {"malfunction", "the bank has a problem: try again later"},
	"contradiction": {"contradiction", "pay again; if it stays, the point of sale or its line changes the data: tell the merchant"},
	"format":        {"format", "tell the merchant: the point of sale sends what the bank cannot read"},
	"repeat":        {"repeat", "pay again: the point of sale used a trace number twice"},
	"replay":        {"replay", "pay again: each cryptogram pays once"},
	"cryptogram":    {"cryptogram", "pay again; if it stays, fetch new keys: tapsim wallet refill"},
	"security":      {"security", "pay again; if it stays, fetch new keys: tapsim wallet refill"},
	"keys":          {"keys", "fetch new keys, with a connection: tapsim wallet refill"},
	"expired":       {"expired", "renew the card: tapsim wallet renew"},
	"domain":        {"domain", "the token is not for such payments: use another card, or ask the bank"},
	"currency":      {"currency", "pay in another currency, or with another account"},
	"service":       {"service", "the bank does not do this type of transaction"},
	"risk":          {"risk", "look at the bank's message (tapsim bank inbox), and report what was not you: tapsim bank dispute"},
	"rule":          {"rule", "the bank's configuration answers so: see its rules"},
	"card-declined": {"card-declined", "the card itself declined: pay with another one, or ask the bank"},
	"unknown-card":  {"unknown-card", "the bank does not know the card: add it again"},
	"deleted":       {"unknown-card", "it was deleted for good: add the card again (tapsim wallet add)"},
	"closed":        {"closed", "the account is closed: pay with another card"},
	"stolen":        {"stolen", "ask the bank for a new card and have it linked: tapsim bank token relink"},
	"card-stopped":  {"card-stopped", "ask the bank for a new card and have it linked: tapsim bank token relink"},
	"lost":          {"lost", "the phone was reported lost: once it is found, tapsim bank token found-phone"},

	"frozen":          {"frozen", "unfreeze the card (tapsim wallet unfreeze), or ask the bank who stopped it"},
	"frozen-by-owner": {"frozen", "unfreeze the card: tapsim wallet unfreeze"},
	"frozen-by-bank":  {"frozen", "ask the bank why: only it lets the token pay again (tapsim bank token resume)"},
	"suspended":       {"frozen", "ask the bank why: only it lets the token pay again (tapsim bank token resume)"},
	"account-frozen":  {"frozen", "the account is frozen: ask the bank (tapsim bank unfreeze)"},

	"declined": {"declined", "ask the bank why: tapsim bank inbox"},
	"original": {"declined", "tell the merchant: a refund names a payment that was made, and gives back at most what is left of it"},
	"reversed": {"declined", "pay again: the point of sale took it back before it came"},
	"unproven": {"declined", "tell the merchant: the bank does not believe what the point of sale told afterwards"},
}

// codes are the bank's answers by what they are about, where its checks were not
// kept.
var codes = map[string]string{
	"51": "balance", "61": "limit", "65": "verification", "70": "verification", "1A": "verification", "55": "pin", "75": "pin-blocked",
	"62": "frozen", "41": "stolen", "43": "stolen", "13": "limit", "54": "expired", "57": "domain", "91": "maintenance", "63": "security", "82": "cryptogram",
	"14": "unknown-card", "96": "malfunction", "94": "repeat", "30": "format", "12": "service", "40": "service", "46": "closed",
}

// Causes are the words of Verdict.Cause, in alphabetical order.
func Causes() (list []string) {
	for _, m := range meanings {
		list = append(list, m.cause)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// why judges a payment that was just made: nil when it was approved. look is how
// the wallet stood, nil without one.
func (w *World) why(p *Payment, look *wallet.Look) *Verdict {
	if p.Outcome == kernel.Approved {
		return nil
	}
	made := slip.Make(&p.Result, p.Transcript)
	s := Story{Slip: &made, Look: look}
	if r := p.Report; r != nil && p.Response != nil {
		s.Bank = &issuer.PaymentStory{Checks: r.Steps, Meaning: r.Meaning, Approved: p.Response.ResponseCode == string(issuer.Approved)}
		s.Bank.ResponseCode = string(r.Code)
	}
	v := s.Verdict()
	if v.Reason == "" { // the bank approved
		v.Where, v.Cause, v.Reason, v.Advice = "point of sale", "terminal", p.Detail, ""
	}
	v.Outcome = p.Outcome.String()
	return &v
}

// Verdict judges the story.
func (s *Story) Verdict() Verdict {
	v := s.judge()
	if m, ok := meanings[v.Cause]; ok {
		v.Cause, v.Advice = m.cause, cmp.Or(v.Advice, m.advice)
	}
	return v
}

func (s *Story) judge() Verdict {
	switch {
	case s.Bank != nil && s.Bank.Approved:
		return s.paid()
	case s.Slip != nil && s.Bank == nil && s.Slip.Outcome == kernel.Approved.String():
		return Verdict{Outcome: s.Slip.Outcome, Reason: s.Slip.Detail}
	case s.Bank != nil:
		return s.refusedByBank()
	case s.Look != nil && (s.Look.Refused != "" || s.Look.Stopped != ""):
		return s.refusedByPhone()
	case s.Slip != nil && s.Slip.Code != "":
		return Verdict{Outcome: s.Slip.Outcome, Where: "bank", Cause: cmp.Or(codes[s.Slip.Code], "declined"), Reason: s.Slip.Detail}
	case s.Slip != nil && s.Slip.Request != nil && s.Slip.KernelSaid == kernel.OnlineRequest.String():
		return Verdict{Outcome: s.Slip.Outcome, Where: "network", Cause: "network", Reason: s.Slip.Detail}
	case s.Slip != nil:
		return Verdict{Outcome: s.Slip.Outcome, Where: "point of sale", Cause: "terminal", Reason: s.Slip.Detail}
	}
	return s.toldByPhone()
}

// paid is a payment that the bank approved: what became of it since.
func (s *Story) paid() Verdict {
	v := Verdict{Outcome: "approved"}
	switch event := s.Bank.Event; {
	case event == issuer.EventRefund.String():
		v.Outcome = "refunded"
	case !slices.Contains(payments, event):
		v.Outcome = event
	default:
		v.Outcome, v.Reason = s.later()
	}
	if s.Slip != nil && s.Slip.Unanswered {
		if v.Outcome == "approved" {
			v.Outcome = s.Slip.Outcome // what the customer saw; the reversal is on its way
		}
		v.Where, v.Cause, v.Reason = "network", "network", s.Slip.Detail
	}
	return v
}

// payments are the bank's events that a customer calls a payment.
var payments = []string{
	issuer.EventPurchase.String(), issuer.EventCash.String(), issuer.EventPreAuthorisation.String(), issuer.EventIncrement.String(), issuer.EventCompletion.String(),
}

// later is what became of a payment: the last event that changed what its
// customer paid.
func (s *Story) later() (outcome, reason string) {
	outcome = "approved"
	if s.Bank.State == issuer.RecordReversed.String() {
		outcome, reason = "reversed", "it was taken back: nothing is charged"
	}
	refunded := 0
	for n := range s.Bank.Later {
		l := &s.Bank.Later[n]
		text := fmt.Sprintf("payment %d: %s %s", l.ID, l.Currency, l.Requested)
		switch {
		case l.State == issuer.RecordReversed.String() && slices.Contains(payments, l.Event):
			outcome, reason = "reversed", "it was taken back: nothing is charged"
		case l.Event == issuer.EventReversal.String() && outcome == "approved":
			outcome, reason = "partly reversed", text+" was taken back"
		case l.Event == issuer.EventExpiry.String() && s.Bank.State == issuer.RecordExpired.String():
			outcome, reason = "expired", "the hold was released: nobody completed it"
		case l.Event == issuer.EventRefund.String() && l.State == issuer.RecordCredited.String():
			refunded++
		case l.Event == issuer.EventDispute.String():
			outcome, reason = "disputed", text+" was credited for now"
		case l.Event == issuer.EventDisputeLost.String():
			outcome, reason = "approved", "the dispute was lost: "+text+" was taken back"
		case l.Event == issuer.EventChargeback.String():
			outcome, reason = "disputed", "the dispute was won: "+text+" is paid by the merchant"
		}
	}
	if refunded > 0 && outcome == "approved" {
		outcome, reason = "partly refunded", fmt.Sprintf("%s %s went back", s.Bank.Currency, s.Bank.Refunded)
		if s.Bank.Refunded == s.Bank.Requested {
			outcome = "refunded"
		}
	}
	return outcome, reason
}

// refusedByBank says which check failed.
func (s *Story) refusedByBank() Verdict {
	b := s.Bank
	v := Verdict{Outcome: "declined", Where: "bank", Cause: cmp.Or(codes[b.ResponseCode], "declined"), Reason: b.ResponseCode + ", " + b.Meaning}
	if step := decisive(b); step != nil {
		v.Cause, v.Reason = cmp.Or(string(step.Cause), v.Cause), step.Text
	}
	return v
}

// decisive is the check that the answer comes from: the first that failed, or the
// rule that answered. Where that asks for verification and the answer does not, a
// later one was harder.
func decisive(b *issuer.PaymentStory) (found *issuer.Step) {
	for n := range b.Checks {
		step := &b.Checks[n]
		switch {
		case step.Result != issuer.Failed && step.Cause == "":
		case found == nil:
			found = step
		case found.Cause == issuer.CauseVerification && step.Cause != found.Cause && codes[b.ResponseCode] != "verification":
			return step
		}
	}
	return found
}

// refusedByPhone is a payment that the phone did not make.
func (s *Story) refusedByPhone() Verdict {
	l := s.Look
	v := Verdict{Outcome: "refused by the phone", Where: "phone", Cause: cmp.Or(string(l.Cause), "phone"), Reason: l.Refused}
	if s.Slip != nil {
		v.Outcome = s.Slip.Outcome
	}
	if v.Advice = wallet.Advice(l.Refused, l.Keys.Sealed); l.Stopped != "" {
		v.Reason, v.Advice = l.Stopped, l.Remedy
	}
	return v
}

// toldByPhone is a payment that the phone alone knows of.
func (s *Story) toldByPhone() Verdict {
	e := s.Entry
	v := Verdict{Outcome: e.State, Reason: e.Reason, Advice: e.Advice}
	switch e.State {
	case "declined":
		v.Where, v.Cause = "bank", cmp.Or(codes[e.Code], "declined")
	case "refused by the phone":
		v.Where, v.Cause = "phone", "phone"
	case "expired":
		v.Where, v.Cause, v.Reason = "phone", "not-scanned", "nobody has scanned the code"
	case "unknown":
		v.Where, v.Cause, v.Reason = "network", "network", "the bank has not heard of it"
	}
	return v
}
