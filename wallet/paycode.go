package wallet

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"tapsim/emv"
	"tapsim/emv/qr"
)

// CodeLife is how long a shown code can be scanned. The bank has the last word.
const CodeLife = time.Minute

// PayCode is a code that the phone shows (EMV QR, consumer-presented mode): good
// for one payment, soon.
type PayCode struct {
	Card  string    `json:"card"`
	Text  string    `json:"text"` // what the QR code holds
	ATC   uint16    `json:"atc"`
	Until time.Time `json:"until"`
}

// ShowCode makes a code of a card, the default one for "". Amount, currency,
// country and date of its cryptogram are zeros, since nobody knows them yet. The
// unpredictable number is the time: the cryptogram covers it, so that the bank
// knows an old code without being told of it.
func (w *Wallet) ShowCode(ctx context.Context, name string) (PayCode, error) {
	card, a, err := w.ready(ctx, name)
	if err != nil {
		return PayCode{}, err
	}
	now := w.now()
	order := Order{}
	binary.BigEndian.PutUint32(order.Number[:], uint32(now.Unix()))
	c, err := w.prove(card, a, &order, channelQR)
	if err != nil {
		return PayCode{}, err
	}
	out := PayCode{Card: c.Card, ATC: c.ATC(), Until: now.Add(CodeLife)}
	if out.Text, err = c.code().Text(); err != nil {
		return PayCode{}, err
	}
	return out, w.made(Made{Card: c.Card, ATC: out.ATC, Time: now, Channel: channelQR, Until: out.Until})
}

// code lays a credential out as a code: what the point of sale reads in template
// 61, what goes to the bank unread in template 63.
func (c *Credential) code() qr.Consumer {
	app := qr.Application{Data: emv.List{{Tag: emv.TagADFName, Value: c.AID}, {Tag: emv.TagApplicationLabel, Value: []byte(c.Label)}}}
	for _, part := range []struct {
		list *emv.List
		tags []emv.Tag
	}{
		{&app.Data, []emv.Tag{emv.TagTrack2, emv.TagPANSequence, emv.TagTokenRequestor, emv.TagPAR, emv.TagLastFour}},
		{&app.Transparent, []emv.Tag{emv.TagCryptogram, emv.TagCID, emv.TagIAD, emv.TagATC, emv.TagUnpredictableNumber, emv.TagAIP}},
	} {
		for _, tag := range part.tags {
			if v := c.get(tag); v != nil {
				*part.list = append(*part.list, emv.TLV{Tag: tag, Value: v})
			}
		}
	}
	return qr.Consumer{Applications: []qr.Application{app}}
}

// Channels of payments, as the bank names them.
const (
	channelQR    = "qr"
	channelInApp = "in-app"
)

// Made is a payment without a reader that the wallet made a cryptogram for.
type Made struct {
	Card     string    `json:"card"`
	ATC      uint16    `json:"atc"`
	Time     time.Time `json:"time"`
	Channel  string    `json:"channel"`
	Merchant string    `json:"merchant,omitempty"`
	Until    time.Time `json:"until,omitzero"` // of a code: the last moment to scan it
	Code     string    `json:"code,omitempty"` // of a merchant's code for one payment: what tells it from others
	Paid     bool      `json:"paid,omitempty"`
}

// made remembers a payment, for the history.
func (w *Wallet) made(m Made) error {
	w.state.Made = bounded(append(w.state.Made, m), maxPayments)
	return w.save()
}

// Paid notes that the bank approved a payment without a reader.
func (w *Wallet) Paid(c Credential) error {
	if m := w.madeOf(c.Card, c.ATC()); m != nil {
		m.Paid = true
		return w.save()
	}
	return nil
}

// paidBefore is true for a merchant's code for one payment that was paid, and not
// taken back since.
func (w *Wallet) paidBefore(code string) bool {
	return code != "" && slices.ContainsFunc(w.state.Made, func(m Made) bool { return m.Code == code && m.Paid && !w.reversed(&m) })
}

// reversed is true for a payment that the bank has told to be taken back.
func (w *Wallet) reversed(m *Made) bool {
	c, err := w.card(m.Card)
	return err == nil && slices.ContainsFunc(c.Payments, func(p Payment) bool { return p.ATC == m.ATC && p.State == "reversed" && p.Left == 0 })
}

// madeOf finds a payment; nil for one at a reader.
func (w *Wallet) madeOf(card string, atc uint16) *Made {
	for n := len(w.state.Made) - 1; n >= 0; n-- {
		if m := &w.state.Made[n]; m.Card == card && m.ATC == atc {
			return m
		}
	}
	return nil
}
