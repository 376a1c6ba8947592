package cli

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
)

// view is a payment as it is shown.
type view struct {
	world   *sim.World
	request sim.Request
	payment sim.Payment
	reader  string // that the card was brought to; "" for a card of ours
	channel string // other than contactless
	reveal  bool
}

// paymentJSON is the output of `tapsim pay --json`. What does not apply is
// null. Hex is upper case.
type paymentJSON struct {
	Outcome               string         `json:"outcome"`        // what the customer got
	KernelOutcome         *string        `json:"kernel_outcome"` // what the kernel said
	Detail                string         `json:"detail"`         // what the point of sale knows, in words
	Why                   *whyJSON       `json:"why"`            // it was not approved
	Scheme                *string        `json:"scheme"`
	Card                  *string        `json:"card"`    // of ours
	Reader                *string        `json:"reader"`  // that another card was brought to
	Channel               string         `json:"channel"` // contactless, qr, in-app
	Terminal              string         `json:"terminal"`
	Kernel                *int           `json:"kernel"`
	AID                   *string        `json:"aid"`             // hex
	Amount                string         `json:"amount"`          // with the currency's decimals
	ApprovedAmount        *string        `json:"approved_amount"` // where the host approved a part
	Currency              string         `json:"currency"`
	TokenPAN              *string        `json:"token_pan"`            // masked unless revealed
	ATC                   *int           `json:"atc"`                  // 0 to 65535
	UnpredictableNumber   *string        `json:"unpredictable_number"` // hex
	CryptogramType        *string        `json:"cryptogram_type"`      // ARQC, TC, AAC
	Cryptogram            *string        `json:"cryptogram"`           // hex
	IssuerApplicationData *string        `json:"issuer_application_data"`
	CVM                   *string        `json:"cvm"`
	ODA                   *string        `json:"oda"`
	TVR                   *string        `json:"tvr"` // hex, as the host sees it
	ResponseCode          *string        `json:"response_code"`
	AuthorisationCode     *string        `json:"authorisation_code"`
	Payment               *int64         `json:"payment"`             // our bank's number of it
	CryptogramVerified    *bool          `json:"cryptogram_verified"` // by our issuer; null when another host was asked or none, and without a cryptogram
	Exchange              []exchangeJSON `json:"exchange"`
	ISO8583               *messagesJSON  `json:"iso8583"`
}

// whyJSON says why a payment was not approved, with the words of 'tapsim explain'.
type whyJSON struct {
	Where  string `json:"where"` // phone, point of sale, network, bank
	Cause  string `json:"cause"` // one word for programs
	Reason string `json:"reason"`
	Advice string `json:"advice"` // what the customer can do; "" is nothing
}

type exchangeJSON struct {
	Command  *string `json:"command"`
	Response *string `json:"response"` // null when the card was gone
}

type messagesJSON struct {
	Request  []iso8583.Field `json:"request"`
	Response []iso8583.Field `json:"response"`
	Before   *messagesJSON   `json:"before"` // answered with "come again with a PIN"
}

func (v *view) json() paymentJSON {
	p := &v.payment
	out := paymentJSON{
		Outcome: p.Outcome.String(), Detail: p.Detail, Terminal: v.world.Terminal.Name,
		Amount: v.request.Currency.Format(v.request.Amount), Currency: v.request.Currency.Alpha, Exchange: v.exchange(),
	}
	if out.Channel = v.channel; v.channel == "" {
		out.Channel = issuer.ChannelContactless
	}
	if v.reader != "" {
		out.Reader = some(v.reader)
	} else if v.world.Profile.Name != "" {
		out.Card = some(v.world.Profile.Name)
	}
	if p.Part != 0 {
		out.ApprovedAmount = some(v.request.Currency.Format(p.Part))
	}
	if p.KernelOutcome != 0 {
		out.KernelOutcome = some(p.KernelOutcome.String())
		out.CVM = some(p.CVM.String())
		out.ODA = some(oda(p.Tap.Outcome))
	}
	if p.Tap.KernelID != 0 {
		out.Kernel = some(int(p.Tap.KernelID))
	}
	if p.Tap.KernelID != 0 || v.channel != "" && p.Tap.AID != nil {
		out.Scheme, out.AID = some(p.Scheme.String()), hexOf(p.Tap.AID)
		out.UnpredictableNumber = hexOf(v.unpredictableNumber())
	}
	if p.PAN != "" {
		out.TokenPAN = some(v.pan(p.PAN))
	}
	if p.ATC != nil {
		out.ATC = some(int(*p.ATC))
	}
	if p.Cryptogram != nil {
		out.CryptogramType, out.Cryptogram = some(p.CryptogramType.String()), hexOf(p.Cryptogram)
	}
	out.IssuerApplicationData, out.TVR = hexOf(p.IAD), hexOf(p.TVR)
	if y := p.Why; y != nil {
		out.Why = &whyJSON{y.Where, y.Cause, y.Reason, y.Advice}
	}
	v.host(&out)
	return out
}

// unpredictableNumber is the one that the cryptogram covers: after a recovery not
// that of the last tap.
func (v *view) unpredictableNumber() []byte {
	tap := &v.payment.Tap
	if un, ok := tap.Outcome.DataRecord.Lookup(emv.TagUnpredictableNumber); ok {
		return un
	}
	return tap.UnpredictableNumber[:]
}

// host fills in what the host said.
func (v *view) host(out *paymentJSON) {
	p := &v.payment
	if p.Request == nil {
		return
	}
	out.ISO8583 = &messagesJSON{Request: v.fields(p.Request)}
	if b := p.Before; b != nil {
		out.ISO8583.Before = &messagesJSON{Request: v.fields(b.Request), Response: v.fields(b.Response)}
	}
	if p.Response != nil {
		out.ISO8583.Response = v.fields(p.Response)
		out.ResponseCode = some(p.Response.ResponseCode)
		if p.Response.AuthorisationCode != "" {
			out.AuthorisationCode = some(p.Response.AuthorisationCode)
		}
	}
	if p.Report != nil && p.Report.Payment != 0 {
		out.Payment = &p.Report.Payment
	}
	if p.Report != nil && p.Report.Cryptogram != "skipped" {
		out.CryptogramVerified = some(p.Report.Cryptogram == "ok")
	}
}

// fields are a message's fields; field 55 is shown, as it holds no account
// number of its own.
func (v *view) fields(m *iso8583.Message) []iso8583.Field {
	fields := iso8583.Describe(m, v.reveal)
	for i := range fields {
		if fields[i].Number == 55 {
			fields[i].Value = v.hex(m.ICCData)
		}
	}
	return fields
}

// hex is TLV data in hex, sensitive values masked.
func (v *view) hex(data []byte) string {
	if v.reveal {
		return strings.ToUpper(hex.EncodeToString(data))
	}
	return emv.MaskedHex(data, nil)
}

func (v *view) exchange() []exchangeJSON {
	list := []exchangeJSON{}
	for _, x := range transcript.ExplainSession(v.payment.Transcript, v.reveal).Exchanges {
		var e exchangeJSON
		if x.Command != nil {
			e.Command = some(x.Command.Hex)
		}
		if x.Response != nil {
			e.Response = some(x.Response.Hex)
		}
		list = append(list, e)
	}
	return list
}

func (v *view) pan(p emv.PAN) string {
	if v.reveal {
		return string(p)
	}
	return p.Masked()
}

// headline is the payment in one line.
func (v *view) headline() string {
	p := &v.payment
	card := v.world.Profile.Name
	switch {
	case v.reader != "":
		card = "a card in " + v.reader
	case card == "":
		card = "a QR code"
	case v.channel != "":
		card += " by " + v.channel
	}
	amount := v.request.Currency.Format(v.request.Amount)
	if p.Part != 0 {
		amount = v.request.Currency.Format(p.Part) + " of " + amount
	}
	s := fmt.Sprintf("%s: %s %s, %s at %s", p.Outcome, v.request.Currency.Alpha, amount, card, v.world.Terminal.Name)
	if p.Response != nil && p.Response.AuthorisationCode != "" {
		s += ", authorisation " + p.Response.AuthorisationCode
	}
	if p.Outcome != kernel.Approved && p.Detail != "" {
		s += " (" + p.Detail + ")"
	}
	return s
}

// oda is what became of offline data authentication, in words.
func oda(o kernel.Outcome) string {
	if o.ODANote == "" || o.ODA == kernel.ODANotPerformed {
		return o.ODA.String()
	}
	return o.ODANote + " " + o.ODA.String()
}

func some[T any](v T) *T { return &v }

// hexOf is nil for nil.
func hexOf(b []byte) *string {
	if b == nil {
		return nil
	}
	return some(strings.ToUpper(hex.EncodeToString(b)))
}
