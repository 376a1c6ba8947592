package terminal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tapsim/emv"
	"tapsim/emv/qr"
	"tapsim/terminal/kernel"
)

// Credential is what a customer's device gave in the place of a tap: a
// cryptogram with its data, made for this payment.
type Credential struct {
	AID   []byte
	Label string
	// Data are 57, 5F34, and what goes into field 55.
	Data emv.List
	// Commerce says that it came through an app or a web shop; else it came by
	// code.
	Commerce bool
	// Verified says that the device verified its owner for this payment.
	Verified bool

	steps []kernel.Step // how it was read
}

// Entry modes of credentials, the first two digits of field 22, and the
// condition (field 25) of electronic commerce (ISO 8583:1987 and common usage).
const (
	entryCode         = "03"
	entryCommerce     = "81"
	conditionCommerce = "59"
)

// entryMode is field 22 of a terminal that says usual at a tap: the last digit
// tells whether it could have asked for a PIN.
func (c *Credential) entryMode(usual string) string {
	if c.Commerce {
		return entryCommerce + "0"
	}
	return entryCode + usual[len(entryCode):]
}

// entry is how the receipt calls it.
func (c *Credential) entry() string {
	if c.Commerce {
		return "e-commerce"
	}
	return "QR code"
}

// field55 is the credential's data, and nothing of the terminal's own: the
// cryptogram covers what the device knew.
func (c *Credential) field55() []byte {
	out := emv.AppendTLV(make([]byte, 0, 256), emv.TagDFName, c.AID)
	for _, o := range c.Data {
		switch o.Tag {
		case emv.TagTokenRequestor, emv.TagPAR, emv.TagLastFour: // for the receipt
		default:
			if !notForField55(o.Tag) {
				out = emv.AppendTLV(out, o.Tag, o.Value)
			}
		}
	}
	return out
}

// Present is a payment with a credential: the host decides, as after a tap that
// asks for it.
func (t *Terminal) Present(ctx context.Context, c Credential, r Request) (Result, error) {
	if r.Amount <= 0 || r.Type != 0 {
		return Result{}, errors.New("a payment without a tap is a purchase of more than zero")
	}
	n := t.taking(c.AID, r.Type)
	if n < 0 {
		return t.noApplication(r)
	}
	var s session
	if err := s.begin(t, nil, r); err != nil {
		return Result{}, err
	}
	s.credential, s.act.Config = &c, &t.combos[n].config
	s.tap.AID = c.AID
	s.tap.Outcome = kernel.Outcome{Kind: kernel.OnlineRequest, DataRecord: c.Data.Append(nil), Card: c.Data, Type: emv.ARQC}
	if c.Verified {
		s.tap.Outcome.CVM = kernel.CVMConfirmationCode
	}
	if un, ok := c.Data.Lookup(emv.TagUnpredictableNumber); ok {
		copy(s.tap.UnpredictableNumber[:], un)
	}
	for _, step := range c.steps {
		if s.trace != nil {
			s.trace.trace(step)
		}
	}
	s.show(&kernel.UIRequest{Message: kernel.MessageAuthorising, Status: kernel.StatusProcessing})
	res := Result{}
	err := s.complete(ctx, &res)
	s.keep()
	res.Tap = s.tap
	s.describe(&res)
	return res, err
}

// ruleCode is what steps about a scanned code go by.
const ruleCode = "EMV QR, consumer-presented"

// read are the objects of a code that the point of sale reads itself; the rest of
// what is outside the templates 63 and 64 stays behind.
var read = [...]emv.Tag{emv.TagTrack2, emv.TagPANSequence, emv.TagTokenRequestor, emv.TagPAR, emv.TagLastFour}

// Scan is a payment with a code that a customer's phone shows (EMV QR,
// consumer-presented mode). A text that is no such code is an error. A code
// without an application that the terminal takes ends the payment.
func (t *Terminal) Scan(ctx context.Context, text string, r Request) (Result, error) {
	if qr.KindOf(text) == qr.KindNumeric {
		return Result{}, errors.New("a payment code of 19 digits: only its network knows whose it is")
	}
	code, err := qr.ParseConsumer(text)
	if err != nil {
		return Result{}, err
	}
	n := slices.IndexFunc(code.Applications, func(a qr.Application) bool { return t.taking(a.AID(), r.Type) >= 0 })
	if n < 0 {
		return t.noApplication(r)
	}
	app, data := code.Applications[n], code.Data(n)
	aid, _ := data.Lookup(emv.TagADFName)
	label, _ := data.Lookup(emv.TagApplicationLabel)
	c := Credential{AID: aid, Label: latin1(label), Data: append(emv.List{}, app.Transparent...), steps: []kernel.Step{
		{Rule: ruleCode, Text: "tag 85 says CPV01"},
		{Rule: ruleCode, Text: fmt.Sprintf("application %X, number %d of %d in the code", aid, n+1, len(code.Applications))},
	}}
	for _, o := range code.Transparent {
		if _, has := c.Data.Lookup(o.Tag); !has {
			c.Data = append(c.Data, o)
		}
	}
	for _, tag := range read {
		if v, ok := data.Lookup(tag); ok {
			c.Data.Set(tag, v)
		}
	}
	if _, ok := c.Data.Lookup(emv.TagTrack2); !ok {
		return Result{}, errors.New("the code has no track 2 data (57): the host could not tell whose it is")
	}
	return t.Present(ctx, c, r)
}

// taking is the combination by which the terminal accepts an application, by its
// identifier or the beginning of it; -1 is none.
func (t *Terminal) taking(aid []byte, kind byte) int {
	return slices.IndexFunc(t.combos, func(c combo) bool {
		return len(aid) >= len(c.AID) && slices.Equal(aid[:len(c.AID)], c.AID) && (len(c.Types) == 0 || slices.Contains(c.Types, kind))
	})
}

// noApplication ends a payment with a code of which the terminal takes nothing.
func (t *Terminal) noApplication(r Request) (Result, error) {
	var s session
	if err := s.begin(t, nil, r); err != nil {
		return Result{}, err
	}
	s.credential = &Credential{}
	step := kernel.Step{Rule: ruleCode, Text: "the terminal takes no application of the code"}
	s.tap.Outcome = kernel.Outcome{Kind: kernel.EndApplication, Reason: step}
	s.show(&uiFailed)
	res := Result{KernelOutcome: kernel.EndApplication, Outcome: kernel.EndApplication, Detail: step.Text}
	s.keep()
	res.Tap = s.tap
	s.describe(&res)
	return res, nil
}
