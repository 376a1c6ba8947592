package issuer

import (
	"context"
	"errors"
	"fmt"
)

// Note is a difference between a set-up and what the bank has. Field is its
// path in a file, such as "cards[0].expiry".
type Note struct{ Field, Text string }

// Install creates what is not there yet of a set-up, and leaves alone what is:
// a note tells each difference, for a set-up that was changed after the bank had
// started with it. What cannot be created is a *ConfigError.
func (i *Issuer) Install(ctx context.Context, s Setup) ([]Note, error) {
	var n notes
	for at, a := range s.Accounts {
		n.field = fmt.Sprintf("accounts[%d]", at)
		if err := i.installAccount(ctx, a, &n); err != nil {
			return nil, n.blame(err)
		}
	}
	for at, c := range s.Cards {
		n.field = fmt.Sprintf("cards[%d]", at)
		if err := i.installCard(ctx, c, &n); err != nil {
			return nil, n.blame(err)
		}
	}
	for at, t := range s.Tokens {
		n.field = fmt.Sprintf("tokens[%d]", at)
		if err := i.installToken(ctx, t, &n); err != nil {
			return nil, n.blame(err)
		}
	}
	return n.list, nil
}

func (i *Issuer) installAccount(ctx context.Context, a NewAccount, n *notes) error {
	there, ok, err := i.store.Account(a.ID)
	if err != nil || !ok {
		return errorOf(err, func() error { return i.OpenAccount(ctx, a) })
	}
	if a.Currency == 0 {
		a.Currency = i.config.Currency
	}
	opening, _, err := i.store.Record(openingKey(a.ID))
	if err != nil {
		return err
	}
	n.compare("currency", fmt.Sprintf("%03d", a.Currency), fmt.Sprintf("%03d", there.Currency))
	if a.Currency == there.Currency {
		n.compare("balance", money(a.Balance, a.Currency), money(opening.Requested, there.Currency))
	}
	return nil
}

func (i *Issuer) installCard(ctx context.Context, c NewCard, n *notes) error {
	there, ok, err := i.store.Instrument(i.store.IndexPAN(c.PAN))
	if err != nil || !ok {
		return errorOf(err, func() error { return i.IssueCard(ctx, c) })
	}
	n.compareInstrument(&there, c.PSN, c.Expiry, c.ServiceCode, c.Status)
	n.compare("account", c.Account, there.Account)
	if c.PAR != "" {
		n.compare("par", c.PAR, there.PAR)
	}
	return nil
}

func (i *Issuer) installToken(ctx context.Context, t NewToken, n *notes) error {
	there, ok, err := i.store.Instrument(i.store.IndexPAN(t.PAN))
	if err != nil || !ok || t.PAN == "" {
		return errorOf(err, func() error { _, err := i.IssueToken(ctx, t); return err })
	}
	n.compareInstrument(&there, t.PSN, t.Expiry, t.ServiceCode, t.Status)
	n.compare("requestor", t.Requestor, there.Requestor)
	if i.store.IndexPAN(t.Card) != there.Card {
		n.compare("card", t.Card.Masked(), "another one")
	}
	return nil
}

// errorOf is err, or what f returns where err is nil.
func errorOf(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// notes collects the differences of one part of a set-up after the other.
type notes struct {
	field string
	list  []Note
}

func (n *notes) compare(key, wanted, has string) {
	if wanted != has {
		n.list = append(n.list, Note{n.field + "." + key, fmt.Sprintf("the set-up says %s, the bank started with %s, which stays", wanted, has)})
	}
}

func (n *notes) compareInstrument(there *Instrument, psn, expiry, service string, status Status) {
	n.compare("psn", psn, there.PSN)
	n.compare("expiry", expiry, there.Expiry)
	n.compare("service_code", service, there.ServiceCode)
	reported := status == StatusActive && (there.Status == StatusLost || there.Status == StatusStolen)
	if status != 0 && status != there.Status && !reported { // what a card came to is no contradiction
		n.list = append(n.list, Note{n.field + ".status", fmt.Sprintf("the set-up says %s, the bank has %s, which stays", status, there.Status)})
	}
}

// blame says which part of the set-up an error is about, unless it is the
// store's.
func (n *notes) blame(err error) error {
	var m *mistakeError
	if errors.As(err, &m) {
		return &ConfigError{n.field, m.text}
	}
	return err
}

// mistakeError is the fault of whoever asked, not of the bank.
type mistakeError struct{ text string }

func (e *mistakeError) Error() string { return "issuer: " + e.text }

func mistake(format string, args ...any) error { return &mistakeError{fmt.Sprintf(format, args...)} }

// mistakeOr is err, or a mistake where err is nil.
func mistakeOr(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return mistake(format, args...)
}
