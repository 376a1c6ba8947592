package wallet

import (
	"context"
	"time"

	"tapsim/emv"
)

// Sell is what a merchant asks the wallet for: in an app or a web shop, or with
// the code that a shop shows.
type Sell struct {
	Card     string // "" is the default
	Amount   int64  // minor units, to pay in all
	Currency emv.Currency
	Country  uint16 // of the merchant, ISO 3166-1
	Merchant string // its name
	Date     time.Time
	Number   [4]byte // the merchant's unpredictable number (9F37)
	QR       bool    // by the code that a shop shows
	Code     string  // of that code: Bill.Code
}

// PayRemotely makes the token cryptogram of a payment without a reader: over the
// amount and the merchant's number, as at a reader, and only for a verified
// owner.
func (w *Wallet) PayRemotely(ctx context.Context, s Sell) (Credential, error) {
	if s.Amount <= 0 || s.Amount > emv.MaxAmount {
		return Credential{}, refuse("bad-amount", "", "an amount is more than zero and has at most 12 digits")
	}
	card, a, err := w.ready(ctx, s.Card)
	if err != nil {
		return Credential{}, err
	}
	channel := channelInApp
	if s.QR {
		channel = channelQR
	}
	order := Order{Amount: s.Amount, Country: s.Country, Currency: s.Currency.Numeric, Date: s.Date, Number: s.Number}
	c, err := w.prove(card, a, &order, channel)
	if err != nil {
		return Credential{}, err
	}
	return c, w.made(Made{Card: c.Card, ATC: c.ATC(), Time: w.now(), Channel: channel, Merchant: s.Merchant, Code: s.Code})
}
