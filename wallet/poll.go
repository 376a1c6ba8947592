package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Poll asks the service what has become of the cards, and acts on it: a card
// that was suspended elsewhere is locked, one that was deleted loses its keys,
// one that was renewed or got another card behind it is fetched anew, and a token
// that another took the place of is changed for that. It says how many events came.
func (w *Wallet) Poll(ctx context.Context) (int, error) {
	count := 0
	for {
		r := &provisioning.Poll{}
		for _, c := range w.state.Cards {
			r.Tokens = append(r.Tokens, provisioning.Cursor{Token: c.Token, After: c.Cursor})
		}
		if len(r.Tokens) == 0 {
			return 0, nil
		}
		news, err := w.ask(ctx, r)
		if err != nil {
			return count, err
		}
		more := false
		for _, n := range news.Tokens {
			more = more || n.More || n.Successor != nil
			count += len(n.Events)
			w.learn(&n)
		}
		if err := w.save(); err != nil {
			return count, err
		}
		if !more {
			break
		}
	}
	return count, w.catchUp(ctx)
}

// AskAgain polls when a card may not pay because of what the service said: it may
// have changed its mind. Without a service, and for what the owner stopped, it does
// nothing; a service that refuses leaves all as it was.
func (w *Wallet) AskAgain(ctx context.Context, name string) error {
	c, err := w.card(name)
	if err != nil || w.env.Service == nil || w.state.Passcode.Dead || c.Status != statusSuspended && !w.expired(c) {
		return err
	}
	if _, err = w.Poll(ctx); Code(err) != "" {
		return nil
	}
	return err
}

// ask asks the service about some tokens. One that it does not know keeps it from
// answering: then each is asked about by itself.
func (w *Wallet) ask(ctx context.Context, r *provisioning.Poll) (news provisioning.News, err error) {
	if err := w.sign(r); err != nil {
		return news, err
	}
	news, err = w.env.Service.PollTokens(ctx, r)
	if !notOurs(err) || len(r.Tokens) == 1 {
		return news, err
	}
	news = provisioning.News{}
	for _, c := range r.Tokens {
		one, err := w.ask(ctx, &provisioning.Poll{Tokens: []provisioning.Cursor{c}})
		if err != nil && !notOurs(err) {
			return news, err
		}
		news.Tokens = append(news.Tokens, one.Tokens...)
	}
	return news, nil
}

// notOurs is true for a refusal that says that the service knows no such token of
// this phone.
func notOurs(err error) bool { return Code(err) == "unknown-token" || Code(err) == "wrong-device" }

// learn takes in what the service says of one token.
func (w *Wallet) learn(n *provisioning.TokenNews) {
	at := slices.IndexFunc(w.state.Cards, func(c Card) bool { return c.Token == n.Token })
	if at < 0 {
		return
	}
	c := &w.state.Cards[at]
	c.TokenState = n.TokenState
	if c.Status != statusInactive {
		c.Verification = nil
	}
	for at := range n.Events {
		w.hear(c, &n.Events[at])
	}
	if n.Successor != nil && !n.More {
		w.succeed(c, n.Successor)
	}
}

// succeed puts a card's new token in the place of the one that it had. The keys of
// that one give way when those of the new one come. Counters go on where they were,
// so that the history stays right.
func (w *Wallet) succeed(c *Card, s *provisioning.TokenState) {
	c.TokenState, c.Cursor, c.Enrolled, c.Verification = *s, 0, false, nil
	w.note(Notice{Time: w.now(), Card: c.Name, Kind: "card", Text: c.Name + ": the bank has given it a new token, " + s.Masked})
}

// catchUp makes good what the phone has missed.
func (w *Wallet) catchUp(ctx context.Context) error {
	w.freeCoupons()
	var refused error
	for n := range w.state.Cards {
		err := w.catchUpWith(ctx, &w.state.Cards[n])
		if err != nil && Code(err) == "" {
			return err
		}
		if refused == nil { // what is refused to one card is not the others' business
			refused = err
		}
	}
	if err := w.save(); err != nil {
		return err
	}
	return errors.Join(w.applyAll(), refused)
}

func (w *Wallet) catchUpWith(ctx context.Context, c *Card) error {
	if c.Status == statusDeleted && c.Enrolled {
		if err := w.env.Memory.Remove(c.Name); err != nil {
			return err
		}
		c.Enrolled = false
		return nil
	}
	for _, step := range []func(context.Context, *Card) error{w.settle, w.complete, w.update} {
		if err := step(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// deeds are what others do to a card, as its owner reads it.
var deeds = map[provisioning.Verb]string{
	provisioning.VerbActivate: "activated the card", provisioning.VerbResend: "sent another code", provisioning.VerbSuspend: "suspended the card",
	provisioning.VerbResume: "lets the card pay again", provisioning.VerbDelete: "deleted the card, for good", provisioning.VerbRenew: "gave the card a new expiry date",
	provisioning.VerbRelink: "put another card behind this one", provisioning.VerbControl: "changed what the card may be used for",
	provisioning.VerbLostPhone: "was told that the phone is lost: it stopped the card", provisioning.VerbFoundPhone: "was told that the phone is found: the card pays again",
	provisioning.VerbLostCard: "was told that the plastic is lost: the phone pays again when another card is behind it",
}

// hear takes in one event.
func (w *Wallet) hear(c *Card, e *provisioning.Event) {
	if e.Number <= c.Cursor {
		return
	}
	c.Cursor = e.Number
	if p := e.Payment; p != nil {
		c.Payments = bounded(append(c.Payments, Payment{e.Time, *p}), maxPayments)
		w.note(Notice{Time: e.Time, Card: c.Name, Kind: p.State, Text: paymentText(p)})
		w.heardOfCoupon(c, p)
		return
	}
	if e.Party == "user" {
		return // its owner knows
	}
	text := "the " + e.Party + " " + cmp.Or(deeds[e.Verb], "said "+string(e.Verb))
	if e.Text != "" {
		text += " (" + e.Text + ")"
	}
	w.note(Notice{Time: e.Time, Card: c.Name, Kind: "card", Text: text})
}

// paymentText is a payment in one line.
func paymentText(p *provisioning.PaymentNotice) string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "%s: %s", p.State, moneyText(p.Amount, p.Currency))
	if p.Merchant != "" {
		fmt.Fprintf(b, " at %s", p.Merchant)
	}
	if p.State == "declined" {
		fmt.Fprintf(b, " (%s: %s", p.Code, p.Meaning)
		if p.Reason != "" {
			fmt.Fprintf(b, "; %s", p.Reason)
		}
		b.WriteString(")")
	}
	return b.String()
}

// money writes minor units of a currency of three digits as people do: with its
// decimals, and its letters.
func money(minor int64, currency string) (amount, letters string) {
	number, err := strconv.ParseUint(currency, 10, 16)
	c, ok := emv.CurrencyByNumeric(uint16(number))
	if err != nil || !ok {
		return strconv.FormatInt(minor, 10), currency
	}
	return c.Format(minor), c.Alpha
}

// moneyText is an amount with its currency.
func moneyText(minor int64, currency string) string {
	amount, letters := money(minor, currency)
	return amount + " " + letters
}
