package wallet

import (
	"cmp"
	"slices"
	"time"

	"tapsim/hce"
)

// Entry is one payment as its owner sees it: what the phone knows of the tap,
// and what the bank said.
type Entry struct {
	Card     string    `json:"card"`
	Time     time.Time `json:"time"`
	ATC      uint16    `json:"atc"`
	Amount   string    `json:"amount"`   // "" of a code that nobody has scanned
	Currency string    `json:"currency"` // ISO 4217 letters
	// State is approved, declined, reversed, refunded; refused by the phone; shown
	// or expired, of a code that nobody has scanned; unknown when the bank has told
	// nothing of it.
	State    string `json:"state"`
	Channel  string `json:"channel"` // contactless, qr, in-app, other
	Merchant string `json:"merchant,omitempty"`
	Category string `json:"category,omitempty"`
	Code     string `json:"response_code,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Advice   string `json:"advice,omitempty"`  // what its owner can do
	Cause    string `json:"cause,omitempty"`   // of a decline, in one word, as the check of the bank has it
	Tap      *Tap   `json:"tap,omitempty"`     // nil for a payment without a tap of this phone
	Record   int64  `json:"payment,omitempty"` // the bank's number of it
	Coupon   string `json:"coupon,omitempty"`
}

// History is what was paid with a card, or with all for "", the oldest first.
func (w *Wallet) History(name string) ([]Entry, error) {
	list := []Entry{}
	for n := range w.state.Cards {
		c := &w.state.Cards[n]
		if name != "" && c.Name != name && c.LastFour != name {
			continue
		}
		var taps []Tap
		if c.Enrolled {
			a, err := w.applet(c)
			if err != nil {
				return nil, err
			}
			taps = a.History()
		}
		list = append(list, w.join(c, taps)...)
	}
	if len(list) == 0 && name != "" {
		if _, err := w.card(name); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ATC, b.ATC)) })
	for n := range list { // as the bank's: whole seconds
		e := &list[n]
		if e.Time = e.Time.Truncate(time.Second); e.Tap != nil {
			tap := *e.Tap
			tap.Time, e.Tap = e.Time, &tap
		}
	}
	return list, nil
}

// join puts the bank's word to each tap, by the transaction counter.
func (w *Wallet) join(c *Card, taps []Tap) []Entry {
	told := map[uint16]*Payment{}
	for n := range c.Payments {
		p := &c.Payments[n]
		switch had := told[p.ATC]; {
		case had == nil || had.State == "declined":
			told[p.ATC] = p
		case p.State == "reversed" || p.State == "refunded":
			told[p.ATC] = had.givenBack(p)
		}
	}
	var list []Entry
	for n := range taps {
		t := &taps[n]
		e := Entry{Card: c.Name, Time: t.Time, ATC: t.ATC, Tap: t, State: "unknown", Reason: t.Reason}
		e.Amount, e.Currency = money(t.Amount, t.Currency)
		w.alone(&e)
		if p := told[t.ATC]; p != nil && t.Answer != "AAC" {
			e.told(p)
			delete(told, t.ATC)
		} else if t.Answer != "ARQC" && t.Answer != "TC" {
			e.State = "refused by the phone"
		}
		e.Advice, e.Coupon = advice(&e), w.couponOf(c.Name, t.ATC)
		list = append(list, e)
	}
	for _, p := range told { // payments whose taps the phone has forgotten
		e := Entry{Card: c.Name, ATC: p.ATC, Time: p.Time}
		w.alone(&e)
		e.told(p)
		e.Advice, e.Coupon = advice(&e), w.couponOf(c.Name, p.ATC)
		list = append(list, e)
	}
	return list
}

// givenBack is a payment after something of it was given back: what is left of
// it, or, where nothing is, all of it as reversed or refunded.
func (p Payment) givenBack(news *Payment) *Payment {
	if news.Left > 0 {
		p.Amount = news.Left
		return &p
	}
	p.State, p.Code, p.Reason, p.Cause = news.State, news.Code, news.Reason, news.Cause
	return &p
}

// alone says by what channel a payment was made, as far as the phone knows.
func (w *Wallet) alone(e *Entry) {
	m := w.madeOf(e.Card, e.ATC)
	if m == nil {
		e.Channel = "contactless"
		return
	}
	e.Channel, e.Merchant = m.Channel, m.Merchant
	if m.Until.IsZero() || e.Tap == nil || e.Tap.Answer != "ARQC" {
		return
	}
	e.Amount, e.Currency = "", ""
	if e.State = "shown"; w.now().After(m.Until) {
		e.State = "expired"
	}
}

func (e *Entry) told(p *Payment) {
	if p.Channel != "" {
		e.Channel = p.Channel
	}
	e.State, e.Merchant, e.Category, e.Code, e.Record = p.State, p.Merchant, p.Category, p.Code, p.Record
	e.Amount, e.Currency = money(p.Amount, p.Currency)
	if e.Reason, e.Cause = p.Reason, p.Cause; p.State == "declined" && e.Reason == "" {
		e.Reason = p.Meaning
	}
}

// advices say what a card's owner can do about a response code.
var advices = map[string]string{
	"14": "the card was deleted: add it again",
	"41": "ask the bank for a new card and have it linked",
	"43": "ask the bank for a new card and have it linked",
	"51": "top up the account, or pay less",
	"54": "renew the card: tapsim wallet renew",
	"57": "this card is not for such payments: use another one",
	"61": "raise the limit at the bank, or pay less",
	"62": "the card is frozen or suspended: unfreeze it, or ask the bank",
	"63": "fetch new keys: tapsim wallet refill",
	"65": "tap again and verify on the phone, or with the PIN",
	"70": "tap again and verify on the phone, or with the PIN",
	"82": "fetch new keys: tapsim wallet refill",
	"91": "the bank cannot be reached: try again later",
	"96": "the bank has a problem: try again later",
}

// advice says what the owner can do about a payment that failed.
func advice(e *Entry) string {
	switch {
	case e.State == "declined" && (e.Cause == "code-expired" || e.Cause == "clock"):
		return "show a new code, with the right time on the phone: tapsim wallet qr"
	case e.State == "declined":
		return advices[e.Code]
	case e.State != "refused by the phone":
		return ""
	}
	return Advice(e.Reason, 0)
}

// Advice says what the owner can do when the phone refused for a reason, with so
// many keys sealed under the passcode.
func Advice(reason string, sealed int) string {
	switch reason {
	case hce.ReasonNoKeys.String(), hce.ReasonKeysExpired.String(), hce.ReasonKeyAmount.String():
		advice := "fetch new keys, with a connection: tapsim wallet refill"
		if sealed > 0 {
			advice += "; or unlock the wallet: tapsim wallet unlock"
		}
		return advice
	case hce.ReasonNotVerified.String():
		return "unlock the wallet and tap again: tapsim wallet unlock"
	case hce.ReasonBlocked.String():
		return "see why: tapsim wallet list"
	case hce.ReasonBlank.String():
		return "nothing was paid: no point of sale asks like that, keep the phone away from that reader"
	}
	return ""
}

// Bundle is what the customer service needs of one payment. It holds no account
// number and no key.
type Bundle struct {
	Made    time.Time `json:"made"`
	Payment Entry     `json:"payment"`
	Notices []Payment `json:"notices"` // all that the bank said of it
	Card    string    `json:"card"`
	Masked  string    `json:"masked"` // the token's number
	Token   string    `json:"token"`  // reference
	PAR     string    `json:"par"`
	Status  string    `json:"status"`
	Stopped string    `json:"stopped,omitempty"`
	Stock   Stock     `json:"stock"`
	Device  string    `json:"device"` // beginning of the phone's public key
}

// Support collects what is known of one payment.
func (w *Wallet) Support(name string, atc uint16) (Bundle, error) {
	c, err := w.card(name)
	if err != nil {
		return Bundle{}, err
	}
	list, err := w.History(c.Name)
	if err != nil {
		return Bundle{}, err
	}
	at := slices.IndexFunc(list, func(e Entry) bool { return e.ATC == atc })
	if at < 0 {
		return Bundle{}, refuse("unknown-payment", "see 'tapsim wallet history'", "%s has no payment with counter %d", c.Name, atc)
	}
	b := Bundle{
		Made: w.now(), Payment: list[at], Notices: []Payment{}, Card: c.Name, Masked: c.Masked, Token: c.Token, PAR: c.PAR, Status: c.Status,
		Stopped: w.stopped(c), Device: identity(w.device.Identity()),
	}
	for _, p := range c.Payments {
		if p.ATC == atc {
			b.Notices = append(b.Notices, p)
		}
	}
	if c.Enrolled {
		a, err := w.applet(c)
		if err != nil {
			return b, err
		}
		b.Stock = a.Stock()
	}
	return b, nil
}
