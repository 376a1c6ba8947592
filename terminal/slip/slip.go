// Package slip is what a point of sale remembers of its payments so that people
// can ask later: bytes, decisions, messages, in the order in which they came.
// Account numbers in it are masked, keys and PINs are not in it. Nothing depends
// on it: the journal is what must not be lost.
package slip

import (
	"fmt"
	"strings"
	"time"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal"
	"tapsim/transcript"
)

// Slip is one payment. What does not apply is empty.
type Slip struct {
	ID         int64     `json:"id"` // from 1
	Time       time.Time `json:"time"`
	Terminal   string    `json:"terminal"` // field 41
	Merchant   string    `json:"merchant"`
	Channel    string    `json:"channel"`        // contactless, qr, in-app
	Card       string    `json:"card,omitempty"` // of ours
	Look       int64     `json:"look,omitempty"` // number of the wallet's note of how it stood
	Amount     string    `json:"amount"`
	Currency   string    `json:"currency"`
	Outcome    string    `json:"outcome"`
	Detail     string    `json:"detail,omitempty"`
	Kernel     int       `json:"kernel,omitempty"`
	KernelSaid string    `json:"kernel_outcome,omitempty"`
	CVM        string    `json:"cvm,omitempty"`
	ODA        string    `json:"oda,omitempty"`
	Number     string    `json:"number,omitempty"` // masked
	ATC        *uint16   `json:"atc,omitempty"`
	Cryptogram string    `json:"cryptogram,omitempty"` // hex
	STAN       string    `json:"stan,omitempty"`
	Reference  string    `json:"reference,omitempty"` // field 37
	Host       string    `json:"host,omitempty"`      // who was to decide, such as an address; empty: the bank in process
	Code       string    `json:"response_code,omitempty"`
	// Unanswered says that a request went out and no answer came.
	Unanswered bool            `json:"unanswered,omitempty"`
	Reversal   bool            `json:"reversal_pending,omitempty"`
	Exchange   []Exchange      `json:"exchange,omitempty"`
	Steps      []Step          `json:"steps,omitempty"`
	Display    []string        `json:"display,omitempty"`
	Request    []iso8583.Field `json:"request,omitempty"`
	Response   []iso8583.Field `json:"response,omitempty"`
}

// Exchange is a command and its answer in hex, sensitive values masked.
type Exchange struct {
	Name     string `json:"name"`
	Command  string `json:"command,omitempty"`
	Response string `json:"response,omitempty"` // empty when the card was gone
	Status   string `json:"status,omitempty"`
}

// Step is a decision and the rule it follows.
type Step struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// maxExchanges bounds what is kept of a long exchange.
const maxExchanges = 64

// Make makes the slip of a payment. A payment without a card has no transcript.
func Make(r *terminal.Result, t *transcript.Transcript) Slip {
	c, out := &r.Receipt, &r.Tap.Outcome
	s := Slip{
		Time: c.Time.UTC(), Terminal: c.TerminalID, Merchant: c.Merchant, Amount: c.Amount, Currency: c.Currency,
		Outcome: r.Outcome.String(), Detail: r.Detail, Kernel: int(r.Tap.KernelID), STAN: c.STAN, Reference: c.RRN, Code: c.ResponseCode,
		ATC: r.ATC, Unanswered: r.Request != nil && r.Response == nil && !r.AdvicePending, Reversal: r.ReversalPending,
	}
	if r.KernelOutcome != 0 {
		s.KernelSaid, s.CVM, s.ODA = r.KernelOutcome.String(), out.CVM.String(), out.ODA.String()
	}
	if r.PAN != "" {
		s.Number = r.PAN.Masked()
	}
	if r.Cryptogram != nil {
		s.Cryptogram = fmt.Sprintf("%X", r.Cryptogram)
	}
	for _, step := range r.Tap.Steps {
		s.Steps = append(s.Steps, Step{step.Rule, step.Text})
	}
	for _, ui := range r.Tap.UI {
		text := ui.Message.Text()
		if n := len(s.Display); text != "" && (n == 0 || s.Display[n-1] != text) {
			s.Display = append(s.Display, text)
		}
	}
	s.Request, s.Response = fields(r.Request), fields(r.Response)
	if t != nil {
		s.Exchange = exchanges(t)
	}
	return s
}

// fields are a message's, masked.
func fields(m *iso8583.Message) []iso8583.Field {
	if m == nil {
		return nil
	}
	list := iso8583.Describe(m, false)
	for n := range list {
		if list[n].Number == 55 {
			list[n].Value = emv.MaskedHex(m.ICCData, nil)
		}
	}
	return list
}

func exchanges(t *transcript.Transcript) (list []Exchange) {
	for _, x := range transcript.ExplainSession(t, false).Exchanges {
		if len(list) == maxExchanges {
			break
		}
		e := Exchange{Name: x.Name, Status: strings.TrimSpace(x.Status + " " + x.StatusText)}
		if x.Command != nil {
			e.Command = x.Command.Hex
		}
		if x.Response != nil {
			e.Response = x.Response.Hex
		}
		list = append(list, e)
	}
	return list
}
