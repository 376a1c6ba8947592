package wallet

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Coupon is a merchant's promise to take something off. It is spent exactly
// once: reserved before the tap, spent when the payment was approved, free again
// when it was not, or was reversed.
type Coupon struct {
	ID       string    `json:"id"`
	Merchant string    `json:"merchant"` // merchant id or name, as the terminal has it
	Off      int64     `json:"off"`      // minor units
	Minimum  int64     `json:"minimum"`  // of the price, minor units
	Currency string    `json:"currency"` // ISO 4217 letters
	Until    time.Time `json:"until"`
	Text     string    `json:"text,omitempty"`
	State    string    `json:"state"`             // free, reserved, spent
	Card     string    `json:"card,omitempty"`    // that it was reserved for
	ATC      uint16    `json:"atc,omitempty"`     // of the payment; of the card before it while it is reserved
	At       time.Time `json:"at,omitzero"`       // of the reservation
	Left     int64     `json:"left,omitempty"`    // to pay, minor units
	Payment  int64     `json:"payment,omitempty"` // the bank's number of the payment
}

// States of a coupon.
const (
	couponFree     = "free"
	couponReserved = "reserved"
	couponSpent    = "spent"
)

// reservedFor is after how long a reservation that led to nothing ends.
const reservedFor = 10 * time.Minute

// AddCoupon puts a coupon into the wallet.
func (w *Wallet) AddCoupon(c Coupon) (Coupon, error) {
	currency, ok := emv.CurrencyByAlpha(c.Currency)
	switch {
	case !ok:
		return c, refuse("unknown-currency", "", "%q is no currency of ISO 4217", c.Currency)
	case c.Off <= 0 || c.Off > emv.MaxAmount || c.Minimum < 0 || c.Minimum > emv.MaxAmount:
		return c, refuse("bad-coupon", "", "what a coupon takes off is more than nothing, and the least price at least that")
	case c.Merchant == "" || !provisioning.Readable(c.Merchant, 40) || !provisioning.Readable(c.Text, 200):
		return c, refuse("bad-coupon", "", "a coupon names its merchant, in at most 40 characters that print; its text has at most 200")
	case !provisioning.Readable(c.ID, maxName) || strings.Contains(c.ID, " "):
		return c, refuse("bad-coupon", "", "the number of a coupon has at most %d characters that print, and no blanks", maxName)
	case !c.Until.After(w.now()):
		return c, refuse("coupon-expired", "", "the coupon was good until %s", c.Until.Format(time.RFC3339))
	case len(w.state.Coupons) >= maxCoupons:
		return c, refuse("too-many-coupons", "remove one", "the wallet holds at most %d coupons", maxCoupons)
	}
	c.Minimum, c.Currency = max(c.Minimum, c.Off+1), currency.Alpha // something is left to pay
	if c.ID == "" {
		id, err := w.random(4)
		if err != nil {
			return c, err
		}
		c.ID = hex.EncodeToString(id)
	}
	if w.findCoupon(c.ID) != nil {
		return c, refuse("coupon-known", "", "the wallet has this coupon already, free or spent")
	}
	c.State, c.Card, c.ATC, c.Payment = couponFree, "", 0, 0
	w.state.Coupons = append(w.state.Coupons, c)
	return c, w.save()
}

func (w *Wallet) findCoupon(id string) *Coupon {
	for n := range w.state.Coupons {
		if w.state.Coupons[n].ID == id {
			return &w.state.Coupons[n]
		}
	}
	return nil
}

// Sale is what a coupon is asked for.
type Sale struct {
	Card     string
	Amount   int64  // minor units
	Currency string // ISO 4217 letters
	// Merchants are the names that the terminal goes by: merchant id and name.
	Merchants []string
}

// ReserveCoupon takes a coupon for a payment that is to be made now, and says
// what is left to pay.
func (w *Wallet) ReserveCoupon(id string, s Sale) (int64, error) {
	card, err := w.card(s.Card)
	if err != nil {
		return 0, err
	}
	c := w.findCoupon(id)
	switch {
	case c == nil:
		return 0, refuse("unknown-coupon", "see 'tapsim wallet coupon list'", "the wallet has no coupon %q", id)
	case c.State == couponSpent:
		return 0, refuse("coupon-spent", "", "the coupon was spent")
	case c.State == couponReserved:
		return 0, refuse("coupon-reserved", "poll the service to learn what became of it", "the coupon is reserved for a payment")
	case !w.now().Before(c.Until):
		return 0, refuse("coupon-expired", "", "the coupon was good until %s", c.Until.Format(time.RFC3339))
	case !slices.Contains(s.Merchants, c.Merchant):
		return 0, refuse("coupon-elsewhere", "", "the coupon is for %s", c.Merchant)
	case s.Currency != c.Currency:
		return 0, refuse("coupon-currency", "", "the coupon is in %s", c.Currency)
	case s.Amount < c.Minimum:
		return 0, refuse("coupon-minimum", "", "the coupon is for prices from %s on", moneyOf(c.Minimum, c.Currency))
	}
	a, err := w.applet(card)
	if err != nil {
		return 0, err
	}
	c.State, c.Card, c.ATC, c.At, c.Left = couponReserved, card.Name, a.ATC(), w.now(), s.Amount-c.Off
	return c.Left, w.save()
}

// SettleCoupon says what became of the payment that a coupon was reserved for.
func (w *Wallet) SettleCoupon(id string, approved bool, atc uint16) error {
	c := w.findCoupon(id)
	if c == nil || c.State != couponReserved {
		return refuse("coupon-not-reserved", "", "the coupon is not reserved")
	}
	if approved {
		c.State, c.ATC = couponSpent, atc
	} else {
		c.free()
	}
	return w.save()
}

func (c *Coupon) free() {
	c.State, c.Card, c.ATC, c.At, c.Left, c.Payment = couponFree, "", 0, time.Time{}, 0, 0
}

// RemoveCoupon throws a coupon away.
func (w *Wallet) RemoveCoupon(id string) error {
	c := w.findCoupon(id)
	switch {
	case c == nil:
		return refuse("unknown-coupon", "see 'tapsim wallet coupon list'", "the wallet has no coupon %q", id)
	case c.State == couponReserved:
		return refuse("coupon-reserved", "poll the service to learn what became of it", "the coupon is reserved for a payment")
	case c.State == couponSpent && w.now().Before(c.Until):
		return refuse("coupon-spent", "", "the coupon was spent, and stays until %s, so that it is not spent again", c.Until.Format(time.RFC3339))
	}
	w.state.Coupons = slices.DeleteFunc(w.state.Coupons, func(c Coupon) bool { return c.ID == id })
	return w.save()
}

// heardOfCoupon acts on what the bank says of a payment with a coupon: a
// reversal frees it, and a payment whose end the phone did not see decides it.
func (w *Wallet) heardOfCoupon(card *Card, p *provisioning.PaymentNotice) {
	for n := range w.state.Coupons {
		c := &w.state.Coupons[n]
		if c.Card != card.Name {
			continue
		}
		switch {
		case c.State == couponSpent && p.ATC == c.ATC && p.State == "reversed" && p.Left == 0:
			c.free()
		case c.State == couponSpent && p.ATC == c.ATC:
			c.Payment = p.Record
		case c.State == couponReserved && p.ATC > c.ATC && p.Amount == c.Left && p.Currency == number(c.Currency) && p.State == "approved":
			c.State, c.ATC, c.Payment = couponSpent, p.ATC, p.Record
		}
	}
}

// freeCoupons ends reservations that the bank never heard of a payment for.
func (w *Wallet) freeCoupons() {
	for n := range w.state.Coupons {
		if c := &w.state.Coupons[n]; c.State == couponReserved && w.now().Sub(c.At) > reservedFor {
			c.free()
		}
	}
}

// couponOf is the coupon that a payment was made with.
func (w *Wallet) couponOf(card string, atc uint16) string {
	for _, c := range w.state.Coupons {
		if c.State == couponSpent && c.Card == card && c.ATC == atc {
			return c.ID
		}
	}
	return ""
}

// number is the three digits of a currency.
func number(alpha string) string {
	c, _ := emv.CurrencyByAlpha(alpha)
	return fmt.Sprintf("%03d", c.Numeric)
}

func moneyOf(minor int64, alpha string) string {
	c, _ := emv.CurrencyByAlpha(alpha)
	return c.Format(minor) + " " + alpha
}

// identity is the beginning of a public key, for people.
func identity(public []byte) string { return hex.EncodeToString(public[:8]) }
