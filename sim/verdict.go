package sim

import (
	"strings"

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

// causes are the checks of the bank by what they are about.
var causes = map[string]string{
	"limits": "limit", "contactless": "verification", "verification": "verification", "pin": "verification", "PIN": "verification",
	"pin tries": "verification", "status": "frozen", "token": "frozen", "expiry": "expired", "domain": "domain", "maintenance": "maintenance",
	"counter": "replay", "cryptogram": "cryptogram", "cryptogram type": "card-declined", "limited-use key": "keys", "consistency": "contradiction",
	"monitoring": "risk", "card": "unknown-card", "rules": "rule", "format": "format", "currency": "currency", "service": "service", "repeat": "repeat",
}

// codes are the bank's answers by what they are about, where its checks were not
// kept.
var codes = map[string]string{
	"51": "balance", "61": "limit", "65": "verification", "70": "verification", "1A": "verification", "55": "verification", "75": "verification",
	"62": "frozen", "41": "frozen", "43": "frozen", "13": "limit", "54": "expired", "57": "domain", "91": "maintenance", "63": "security", "82": "cryptogram", "14": "unknown-card", "96": "malfunction",
}

// advices are what a customer can do, by cause.
var advices = map[string]string{
	"balance":      "top up the account, or pay less: tapsim bank top-up",
	"limit":        "pay less, or raise the limit: tapsim bank limits",
	"verification": "pay again and verify on the phone (tapsim wallet unlock), or with the PIN",
	"frozen":       "unfreeze the card (tapsim wallet unfreeze), or ask the bank who stopped it",
	"expired":      "renew the card: tapsim wallet renew",
	"code-expired": "show a new code: tapsim wallet qr",
	"domain":       "the token is not for such payments: use another card, or ask the bank",
	"maintenance":  "the bank is closed for a while: try again later",
	"replay":       "pay again: each cryptogram pays once",
	"cryptogram":   "pay again; if it stays, fetch new keys: tapsim wallet refill",
	"security":     "pay again; if it stays, fetch new keys: tapsim wallet refill",
	"keys":         "fetch new keys, with a connection: tapsim wallet refill",
	"network":      "try again when there is a connection; nothing will be charged for this one",
	"risk":         "look at the bank's message (tapsim bank inbox), and report what was not you: tapsim bank dispute",
	"unknown-card": "the bank does not know the card: add it again",
	"malfunction":  "the bank has a problem: try again later",
	"currency":     "pay in another currency, or with another account",
	"rule":         "the bank's configuration answers so: see its rules",
	"locked-out":   "remove all cards and add them again",
	"not-scanned":  "let the point of sale scan the code in time",
	"terminal":     "try another card, or the terminal's other ways to pay",
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
	if v.Cause != "" && v.Advice == "" {
		v.Advice = advices[v.Cause]
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
		return Verdict{Outcome: s.Slip.Outcome, Where: "bank", Cause: codes[s.Slip.Code], Reason: s.Slip.Detail}
	case s.Slip != nil && s.Slip.KernelSaid == kernel.OnlineRequest.String():
		return Verdict{Outcome: s.Slip.Outcome, Where: "network", Cause: "network", Reason: s.Slip.Detail}
	case s.Slip != nil:
		return Verdict{Outcome: s.Slip.Outcome, Where: "point of sale", Cause: "terminal", Reason: s.Slip.Detail}
	}
	return s.toldByPhone()
}

// paid is a payment that the bank approved: what became of it since.
func (s *Story) paid() Verdict {
	v := Verdict{Outcome: "approved"}
	switch {
	case s.Bank.State == issuer.RecordReversed.String():
		v.Outcome, v.Reason = "reversed", "the point of sale took it back"
	case s.Bank.Event == issuer.EventRefund.String():
		v.Outcome = "refunded"
	}
	if s.Slip != nil && s.Slip.Unanswered {
		if v.Outcome == "approved" {
			v.Outcome = s.Slip.Outcome // what the customer saw; the reversal is on its way
		}
		v.Where, v.Cause, v.Reason = "network", "network", s.Slip.Detail
	}
	return v
}

// refusedByBank says which check failed.
func (s *Story) refusedByBank() Verdict {
	v := Verdict{Outcome: "declined", Where: "bank", Cause: codes[s.Bank.ResponseCode], Reason: s.Bank.ResponseCode + ", " + s.Bank.Meaning}
	for _, step := range s.Bank.Checks {
		if step.Result != issuer.Failed {
			continue
		}
		v.Reason = step.Text
		if cause := causes[step.Name]; cause != "" {
			v.Cause = cause
		}
		switch {
		case strings.HasPrefix(step.Text, "the code has expired"):
			v.Cause = "code-expired"
		case v.Cause == "frozen" && strings.Contains(step.Text, "expired"):
			v.Cause = "expired"
		}
		return v
	}
	return v
}

// refusedByPhone is a payment that the phone did not make.
func (s *Story) refusedByPhone() Verdict {
	v := Verdict{Outcome: "refused by the phone", Where: "phone", Reason: s.Look.Refused}
	if s.Slip != nil {
		v.Outcome = s.Slip.Outcome
	}
	if s.Look.Stopped != "" {
		v.Cause, v.Reason = "frozen", s.Look.Stopped
		if strings.Contains(v.Reason, "locked out") {
			v.Cause = "locked-out"
		}
		return v
	}
	v.Cause, v.Advice = "phone", wallet.Advice(v.Reason, s.Look.Keys.Sealed)
	switch {
	case strings.Contains(v.Reason, "key"):
		v.Cause = "keys"
	case strings.Contains(v.Reason, "verify"):
		v.Cause = "verification"
	}
	return v
}

// toldByPhone is a payment that the phone alone knows of.
func (s *Story) toldByPhone() Verdict {
	e := s.Entry
	v := Verdict{Outcome: e.State, Reason: e.Reason, Advice: e.Advice}
	switch e.State {
	case "declined":
		v.Where, v.Cause = "bank", codes[e.Code]
	case "refused by the phone":
		v.Where, v.Cause = "phone", "phone"
	case "expired":
		v.Where, v.Cause, v.Reason = "phone", "not-scanned", "nobody has scanned the code"
	case "unknown":
		v.Where, v.Cause, v.Reason = "network", "network", "the bank has not heard of it"
	}
	return v
}
