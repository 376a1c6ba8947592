package sim

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/issuer"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// TestManInTheMiddle plays the published attack on cardholder verification: who
// stands between card and reader tells the card that no verification is required
// (TTQ byte 2 bit 7) and the reader that the card verified its holder on the
// device (CTQ byte 2 bit 8). The reader believes it; the bank must not, where it
// knows better: of a card, and of a phone that signs what it did.
func TestManInTheMiddle(t *testing.T) {
	for _, card := range []string{"visa-plastic", "visa-plastic-fdda", "visa-plastic-offline", "unionpay-plastic", "visa-phone"} {
		l := newLedger(t)
		w := at(t, card, "attended", l)
		r := Request{Amount: 300_00, Currency: w.Terminal.Currency, Locked: true, Explain: true}
		w.prepare(r)
		f, err := w.newField(r, nil)
		require.NoError(t, err)
		res, err := w.term.Pay(context.Background(), liar{f}, terminal.Request{Amount: r.Amount, Currency: r.Currency})
		require.NoError(t, err, card)
		require.Equal(t, kernel.CVMConfirmationCode, res.Tap.Outcome.CVM, "%s: the reader believes it", card)
		require.Equal(t, kernel.Declined, res.Outcome, card)
		require.NotNil(t, res.Response, card)
		require.Equal(t, string(issuer.SecurityViolation), res.Response.ResponseCode, card)
		require.Contains(t, l.said(t, "verification").Text, "9F34 claims verification on the cardholder's device", card)
		require.Equal(t, "ok", string(l.said(t, "cryptogram").Result), "the cryptogram is right")
		require.Zero(t, l.paid(t), card)
	}
}

// TestSoftDeclineWithoutPINPad: a gate takes no PIN, so the bank does not ask it for
// one with the same tap.
func TestSoftDeclineWithoutPINPad(t *testing.T) {
	for card, want := range map[string]string{"visa-phone": "1A", "unionpay-phone": "1A", "mastercard-phone": "65"} {
		p := pay(t, at(t, card, "transit", newLedger(t)), Request{Amount: 60_00, Locked: true})
		require.NotNil(t, p.Response, card)
		require.Equal(t, want, p.Response.ResponseCode, card)
		require.Equal(t, kernel.Declined, p.Outcome, p.Detail)
	}
}

// liar is a field with somebody in the middle.
type liar struct{ terminal.Field }

func (l liar) Activate(ctx context.Context) (apdu.Transceiver, error) {
	inner, err := l.Field.Activate(ctx)
	return lyingLine{inner}, err
}

type lyingLine struct{ apdu.Transceiver }

func (l lyingLine) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if c := bytes.Clone(command); len(c) > 9 && c[1] == 0xA8 { // GET PROCESSING OPTIONS: header, length, 83, length, TTQ
		c[8] &^= 0x40
		command = c
	}
	answer, err := l.Transceiver.Transceive(ctx, command)
	if n := bytes.Index(answer, []byte{0x9F, 0x6C, 2}); n >= 0 && n+4 < len(answer) {
		answer = bytes.Clone(answer)
		answer[n+4] |= 0x80
	}
	return answer, err
}
