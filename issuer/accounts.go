package issuer

import (
	"context"
	"strings"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// AccountState is an account as its owner sees it. Amounts have the currency's
// decimals.
type AccountState struct {
	Account   string    `json:"account"`
	Currency  string    `json:"currency"`
	Status    string    `json:"status"` // active, frozen, closed
	Balance   string    `json:"balance"`
	Held      string    `json:"held"`
	Available string    `json:"available"`
	Disputes  int       `json:"open_disputes"`
	Opened    time.Time `json:"opened,omitzero"`
}

func (a *Account) view() AccountState {
	return AccountState{
		Account: a.ID, Currency: alpha(a.Currency), Status: accountStatus(a.Status), Balance: plainAmount(a.Balance, a.Currency),
		Held: plainAmount(a.Held, a.Currency), Available: plainAmount(a.Available(), a.Currency), Disputes: a.Disputes, Opened: a.Opened,
	}
}

// accountStatus is what customers call the state of an account.
func accountStatus(s Status) string {
	switch s {
	case StatusSuspended:
		return "frozen"
	case StatusDeactivated:
		return "closed"
	}
	return s.String()
}

// alpha is the letters of a currency, or its number where it has none.
func alpha(currency uint16) string {
	if c, ok := emv.CurrencyByNumeric(currency); ok {
		return c.Alpha
	}
	return strings.TrimPrefix(internalAccount("", currency), "bank::")
}

// plainAmount writes an amount with its decimals, without the currency.
func plainAmount(minor int64, currency uint16) string {
	text, _, _ := strings.Cut(money(minor, currency), " ")
	return text
}

// amountIn reads an amount above zero. Signs, more decimals than the currency
// has, and more than an amount field holds are refused.
func amountIn(text string, currency uint16) (int64, error) {
	c, ok := emv.CurrencyByNumeric(currency)
	if !ok {
		return 0, refuse("unknown-currency", "", "currency %03d is not in ISO 4217", currency)
	}
	v, err := c.Parse(text)
	if err != nil {
		return 0, refuse("invalid-amount", "", "%v", err)
	}
	if v == 0 {
		return 0, refuse("invalid-amount", "", "the amount is zero")
	}
	return v, nil
}

// change is once for what customers do: not while the bank is closed, and on books
// without holds that have ended.
func change[R any](ctx context.Context, i *Issuer, verb, key string, request any, f func(tx *Tx, at time.Time) (R, error)) (R, error) {
	if err := i.lapse(ctx); err != nil {
		var none R
		return none, err
	}
	return once(ctx, i, verb, key, request, func(tx *Tx, at time.Time) (R, error) {
		if err := i.open(); err != nil {
			var none R
			return none, err
		}
		return f(tx, at)
	})
}

// customer finds a customer's account that is not closed.
func (t *Tx) customer(id string) (Account, error) {
	a, ok, err := t.Account(id)
	switch {
	case err != nil:
		return a, err
	case !ok || a.Internal:
		return a, refuse("unknown-account", "`tapsim bank accounts` lists them", "there is no account %q", id)
	case a.Status == StatusDeactivated:
		return a, refuse("account-closed", "", "account %s is closed", id)
	}
	return a, nil
}

// payer finds a customer's account that may pay.
func (t *Tx) payer(id string) (Account, error) {
	a, err := t.customer(id)
	if err == nil && a.Status != StatusActive {
		err = refuse("account-frozen", "`tapsim bank unfreeze` makes it pay again", "account %s is frozen", id)
	}
	return a, err
}

// newRecord begins a record of something that no message brought.
func (t *Tx) newRecord(event Event, account string, currency uint16, amount int64, at time.Time) (Record, error) {
	seq, err := t.NextSequence()
	if err != nil {
		return Record{}, err
	}
	return Record{
		Seq: seq, Key: "bank/" + decimalText(seq), Account: account, Amount: amount, Requested: amount, Currency: currency,
		Billing: currency, Billed: amount, Time: at, State: RecordNoted, Code: Approved, Event: event,
	}, nil
}

// noCurrency is XXX: "no currency is involved" (ISO 4217). No account is in it.
const noCurrency = 999

// OpenRequest opens an account.
type OpenRequest struct {
	Account     string `json:"account,omitempty"`  // "": the bank makes a name
	Currency    string `json:"currency,omitempty"` // ISO 4217 letters; "": the bank's
	Balance     string `json:"balance,omitempty"`  // paid in at once
	Idempotency string `json:"-"`
}

// Open opens an account.
func (i *Issuer) Open(ctx context.Context, r OpenRequest) (AccountState, error) {
	made, err := i.randomText(decimal, 8)
	if err != nil {
		return AccountState{}, err
	}
	return change(ctx, i, "open", r.Idempotency, r, func(tx *Tx, at time.Time) (AccountState, error) {
		n := NewAccount{ID: r.Account, Currency: i.config.Currency}
		if n.ID == "" {
			n.ID = "ACC-" + made
		}
		if r.Currency != "" {
			c, ok := emv.CurrencyByAlpha(strings.ToUpper(r.Currency))
			if !ok || c.Numeric == noCurrency {
				return AccountState{}, refuse("unknown-currency", "want letters such as EUR", "%q is not a currency of ISO 4217", r.Currency)
			}
			n.Currency = c.Numeric
		}
		if !accountName(n.ID) {
			return AccountState{}, refuse("invalid-account-name", "", "an account name is 1 to 32 letters, digits, dashes and dots, and no card's number")
		}
		var err error
		if r.Balance != "" {
			if n.Balance, err = amountIn(r.Balance, n.Currency); err != nil {
				return AccountState{}, err
			}
		}
		if _, taken, err := tx.Account(n.ID); err != nil || taken {
			return AccountState{}, refuseOr(err, "account-exists", "", "account %s exists", n.ID)
		}
		if err := tx.open(n, at); err != nil {
			return AccountState{}, err
		}
		a, err := tx.customer(n.ID)
		return a.view(), err
	})
}

// accountName is true for 1 to 32 letters, digits, dashes and dots that are no
// card's number.
func accountName(s string) bool {
	if s == "" || len(s) > 32 || maskNumbers(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '.'
	})
}

// AccountRequest names an account.
type AccountRequest struct {
	Account     string `json:"account"`
	PayOut      bool   `json:"pay_out,omitempty"` // to close: what is left is paid out
	Idempotency string `json:"-"`
}

// CloseAccount closes an account for good: only when nothing is held, nothing
// is disputed, and nothing is left or the rest is paid out. Its tokens end with
// it.
func (i *Issuer) CloseAccount(ctx context.Context, r AccountRequest) (AccountState, error) {
	cards, err := i.cardsOf(ctx, r.Account)
	if err != nil {
		return AccountState{}, err
	}
	return change(ctx, i, "close", r.Idempotency, r, func(tx *Tx, at time.Time) (AccountState, error) {
		a, err := tx.customer(r.Account)
		switch {
		case err != nil:
			return AccountState{}, err
		case a.Held != 0:
			return AccountState{}, refuse("holds-open", "complete them (`tapsim bank clear`) or reverse them first", "account %s holds %s for payments to come", a.ID, money(a.Held, a.Currency))
		case a.Disputes != 0:
			return AccountState{}, refuse("dispute-open", "wait for its end, or withdraw it", "account %s has a dispute that is open", a.ID)
		case a.Balance < 0:
			return AccountState{}, refuse("in-debt", "top it up first", "account %s is at %s", a.ID, money(a.Balance, a.Currency))
		case a.Balance > 0 && a.Status != StatusActive:
			return AccountState{}, refuse("account-frozen", "`tapsim bank unfreeze` makes it pay again", "account %s is frozen with %s on it", a.ID, money(a.Balance, a.Currency))
		case a.Balance > 0 && !r.PayOut:
			return AccountState{}, refuse("not-empty", "have it paid out: --pay-out", "%s are left on account %s", money(a.Balance, a.Currency), a.ID)
		case a.Balance > 0:
			if err := tx.payOut(a, at); err != nil {
				return AccountState{}, err
			}
			a.Balance = 0
		}
		a.Status = StatusDeactivated
		tx.PutAccount(a)
		return a.view(), i.endTokens(tx, cards, at)
	})
}

// endTokens deletes the tokens among the instruments of an account that is
// closed, for their phones to learn.
func (i *Issuer) endTokens(tx *Tx, instruments []Instrument, at time.Time) error {
	for _, n := range instruments {
		if n.Kind != Token {
			continue
		}
		t, err := i.findToken(tx, n.Index.Reference(), nil, at)
		if err != nil {
			return err
		}
		if t.instrument.Status == StatusDeactivated {
			continue
		}
		t.text = "the account is closed"
		if err := t.step(tx, &move{verb: provisioning.VerbDelete, party: PartyBank}); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) payOut(a Account, at time.Time) error {
	record, err := t.newRecord(EventPayOut, a.ID, a.Currency, a.Balance, at)
	if err != nil {
		return err
	}
	to, err := t.internal(ownCash, a.Currency)
	if err != nil {
		return err
	}
	record.State = RecordPosted
	t.PutRecord(record)
	return t.Move(&record, a.ID, to, a.Balance)
}

// settleClosed keeps an account that is closed at zero. A reversal may come after
// all: what it brings is paid out, as the rest was, and what it takes is the
// bank's loss.
func (t *Tx) settleClosed(id string, at time.Time) error {
	a, ok, err := t.Account(id)
	switch {
	case err != nil || !ok || a.Status != StatusDeactivated || a.Balance == 0:
		return err
	case a.Balance > 0:
		return t.payOut(a, at)
	}
	record, err := t.newRecord(EventWriteOff, a.ID, a.Currency, -a.Balance, at)
	if err != nil {
		return err
	}
	from, err := t.internal(ownLosses, a.Currency)
	if err != nil {
		return err
	}
	record.State = RecordCredited
	t.PutRecord(record)
	return t.Move(&record, from, a.ID, -a.Balance)
}

// Freeze stops all payments of an account until Unfreeze. Refunds still arrive.
func (i *Issuer) Freeze(ctx context.Context, r AccountRequest) (AccountState, error) {
	return i.setFrozen(ctx, "freeze", r, StatusActive, StatusSuspended)
}

// Unfreeze lets a frozen account pay again.
func (i *Issuer) Unfreeze(ctx context.Context, r AccountRequest) (AccountState, error) {
	return i.setFrozen(ctx, "unfreeze", r, StatusSuspended, StatusActive)
}

func (i *Issuer) setFrozen(ctx context.Context, verb string, r AccountRequest, from, to Status) (AccountState, error) {
	return change(ctx, i, verb, r.Idempotency, r, func(tx *Tx, _ time.Time) (AccountState, error) {
		a, err := tx.customer(r.Account)
		if err != nil {
			return AccountState{}, err
		}
		switch {
		case a.Status != from && to == StatusActive:
			return AccountState{}, refuse("account-not-frozen", "", "account %s is not frozen", a.ID)
		case a.Status != from:
			return AccountState{}, refuse("account-frozen", "", "account %s is frozen already", a.ID)
		}
		a.Status = to
		tx.PutAccount(a)
		i.notify(tx, a.ID, NoticeInfo, "your account is "+accountStatus(to))
		return a.view(), nil
	})
}

// Accounts are the customers' accounts by name.
func (i *Issuer) Accounts(ctx context.Context) ([]AccountState, error) {
	if err := i.lapse(ctx); err != nil {
		return nil, err
	}
	all, err := i.store.Accounts(ctx)
	out := []AccountState{}
	for n := range all {
		if !all[n].Internal {
			out = append(out, all[n].view())
		}
	}
	return out, err
}

// ShowAccount is one account.
func (i *Issuer) ShowAccount(ctx context.Context, id string) (AccountState, error) {
	a, err := i.findAccount(ctx, id)
	return a.view(), err
}

// findAccount finds a customer's account, closed or not, outside an update, without
// holds that have ended.
func (i *Issuer) findAccount(ctx context.Context, id string) (Account, error) {
	if err := i.lapse(ctx); err != nil {
		return Account{}, err
	}
	a, ok, err := i.store.Account(id)
	if err != nil || !ok || a.Internal {
		return Account{}, refuseOr(err, "unknown-account", "`tapsim bank accounts` lists them", "there is no account %q", id)
	}
	return a, nil
}
