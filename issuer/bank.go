package issuer

import (
	"context"
	"fmt"
	"time"

	"tapsim/emv"
)

// NewAccount opens a customer's account.
type NewAccount struct {
	ID       string
	Currency uint16 // 0: the bank's own
	Balance  int64  // minor units paid in at once, from the bank's cash
}

// NewCard issues a funding card on an account.
type NewCard struct {
	PAN         emv.PAN
	PSN         string // two digits
	Expiry      string // YYMM
	ServiceCode string // three digits
	Account     string
	PAR         string // payment account reference; "" makes one
	Status      Status // 0: active
}

// NewToken makes a token for a card.
type NewToken struct {
	PAN         emv.PAN // "": a free number of the first token range of the card's scheme
	PSN         string
	Expiry      string
	ServiceCode string
	Requestor   string // token requestor id, 11 digits
	Card        emv.PAN
	Status      Status // 0: active
}

// Setup is what a bank starts with.
type Setup struct {
	Accounts []NewAccount
	Cards    []NewCard
	Tokens   []NewToken
}

// OpenAccount opens an account and pays its first balance in. A name that is
// taken is an error.
func (i *Issuer) OpenAccount(ctx context.Context, n NewAccount) error {
	if n.Currency == 0 {
		n.Currency = i.config.Currency
	}
	switch {
	case n.ID == "" || len(n.ID) > 64:
		return mistake("an account needs a name of 1 to 64 characters")
	case len(n.ID) > 5 && n.ID[:5] == "bank:":
		return mistake("account names that start with bank: are the bank's own")
	case n.Currency > 999 || n.Balance < 0 || n.Balance > emv.MaxAmount:
		return mistake("account %s: want an ISO 4217 number and a balance of at most 12 digits", n.ID)
	}
	now := i.now().UTC().Truncate(time.Second)
	return i.store.Update(ctx, nil, func(tx *Tx) error {
		if _, taken, err := tx.Account(n.ID); err != nil || taken {
			return mistakeOr(err, "account %s exists", n.ID)
		}
		return tx.open(n, now)
	})
}

// open opens an account.
func (t *Tx) open(n NewAccount, now time.Time) error {
	if _, err := t.internal(ownSettlement, n.Currency); err != nil {
		return err
	}
	from, err := t.internal(ownCash, n.Currency)
	if err != nil {
		return err
	}
	t.PutAccount(Account{ID: n.ID, Currency: n.Currency, Status: StatusActive, Opened: now})
	seq, err := t.NextSequence()
	if err != nil {
		return err
	}
	record := Record{
		Seq: seq, Key: openingKey(n.ID), Account: n.ID, Requested: n.Balance, Currency: n.Currency, Billing: n.Currency, Time: now,
		State: RecordNoted, Code: Approved, Event: EventOpening,
	}
	if n.Balance > 0 {
		record.State, record.Amount, record.Billed = RecordPosted, n.Balance, n.Balance
	}
	t.PutRecord(record)
	return t.Move(&record, from, n.ID, n.Balance)
}

// openingKey is the key of the record that opened an account.
func openingKey(account string) string { return "open/" + account }

// IssueCard puts a card on an account. The number must be in a card range and
// free.
func (i *Issuer) IssueCard(ctx context.Context, n NewCard) error {
	if err := i.checkNumber(n.PAN, Card, n.PSN, n.Expiry, n.ServiceCode); err != nil {
		return err
	}
	if n.PAR == "" {
		par, err := i.newPAR()
		if err != nil {
			return err
		}
		n.PAR = par
	}
	return i.store.Update(ctx, nil, func(tx *Tx) error {
		if _, there, err := tx.Account(n.Account); err != nil || !there {
			return mistakeOr(err, "card %s: there is no account %s", n.PAN.Masked(), n.Account)
		}
		return i.addInstrument(tx, n.PAN, Instrument{
			Kind: Card, PSN: n.PSN, Expiry: n.Expiry, ServiceCode: n.ServiceCode, Status: n.Status, Account: n.Account, PAR: n.PAR, LastFour: n.PAN.LastFour(),
		})
	})
}

// IssueToken makes a token for a card and returns its number. Without a number
// it takes a free one at random. It hands out no keys: Replenish does.
func (i *Issuer) IssueToken(ctx context.Context, n NewToken) (emv.PAN, error) {
	const tries = 100
	given := n.PAN != ""
	for range tries {
		if !given {
			var err error
			if n.PAN, err = i.newTokenNumber(n.Card); err != nil {
				return "", err
			}
		}
		taken, err := i.addToken(ctx, n)
		if !taken {
			return n.PAN, err
		}
		if given {
			return "", mistake("token %s exists", n.PAN.Masked())
		}
	}
	return "", fmt.Errorf("issuer: no free token number found in %d tries", tries)
}

func (i *Issuer) addToken(ctx context.Context, n NewToken) (taken bool, err error) {
	if err := i.checkNumber(n.PAN, Token, n.PSN, n.Expiry, n.ServiceCode); err != nil {
		return false, err
	}
	if len(n.Requestor) != 11 || !digitsOnly(n.Requestor) {
		return false, mistake("a token requestor id has 11 digits")
	}
	index := i.store.IndexPAN(n.PAN)
	err = i.store.Update(ctx, nil, func(tx *Tx) error {
		if _, taken, err = tx.Instrument(index); err != nil || taken {
			return err
		}
		card, there, err := tx.Instrument(i.store.IndexPAN(n.Card))
		if err != nil || !there || card.Kind != Card {
			return mistakeOr(err, "there is no card %s to make a token for", n.Card.Masked())
		}
		return i.addInstrument(tx, n.PAN, Instrument{
			Kind: Token, PSN: n.PSN, Expiry: n.Expiry, ServiceCode: n.ServiceCode, Status: n.Status,
			Card: card.Index, LastFour: card.LastFour, PAR: card.PAR, Requestor: n.Requestor,
		})
	})
	return taken, err
}

// addInstrument writes a new card or token.
func (i *Issuer) addInstrument(tx *Tx, pan emv.PAN, n Instrument) error {
	n.Index, n.Masked = i.store.IndexPAN(pan), pan.Masked()
	if n.Status == 0 {
		n.Status = StatusActive
	}
	if _, taken, err := tx.Instrument(n.Index); err != nil || taken {
		return mistakeOr(err, "%s %s exists", n.Kind, n.Masked)
	}
	tx.PutInstrument(n)
	return nil
}

// checkNumber checks what cards and tokens have in common.
func (i *Issuer) checkNumber(pan emv.PAN, kind Kind, psn, expiry, service string) error {
	scope := i.config.rangeOf(pan)
	switch {
	case !pan.Valid():
		return mistake("%s %s: not an account number with a correct check digit", kind, pan.Masked())
	case scope == nil || scope.Kind != kind:
		return mistake("%s %s is in no %s range of the bank", kind, pan.Masked(), kind)
	case len(psn) != 2 || !digitsOnly(psn):
		return mistake("%s %s: a sequence number has 2 digits", kind, pan.Masked())
	case len(expiry) != 4 || !digitsOnly(expiry) || !between(expiry[2:], "01", "12"):
		return mistake("%s %s: an expiry date is YYMM", kind, pan.Masked())
	case len(service) != 3 || !digitsOnly(service):
		return mistake("%s %s: a service code has 3 digits", kind, pan.Masked())
	}
	return nil
}

// newTokenNumber makes a number in the first token range of the card's scheme.
func (i *Issuer) newTokenNumber(card emv.PAN) (emv.PAN, error) {
	of := i.config.rangeOf(card)
	if of == nil {
		return "", mistake("card %s is in no range of the bank", card.Masked())
	}
	for n := range i.config.Ranges {
		if r := &i.config.Ranges[n]; r.Kind == Token && r.Scheme == of.Scheme {
			digits, err := i.randomText(decimal, r.Length-1-len(r.Prefix))
			return emv.WithCheckDigit(r.Prefix + digits), err
		}
	}
	return "", mistake("there is no token range for %s", of.Scheme)
}

// newPAR makes a payment account reference: four characters of who assigned it
// and 25 of its own (EMV Payment Tokenisation framework).
func (i *Issuer) newPAR() (string, error) {
	own, err := i.randomText(decimal+"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 25)
	return "TSIM" + own, err
}

const decimal = "0123456789"

// randomText is n characters of the alphabet, each as likely as the others: bytes
// beyond the last multiple of its length are drawn again.
func (i *Issuer) randomText(alphabet string, n int) (string, error) {
	b := make([]byte, n)
	if err := i.random(b); err != nil {
		return "", err
	}
	for at := range b {
		for int(b[at]) >= 256/len(alphabet)*len(alphabet) {
			if err := i.random(b[at : at+1]); err != nil {
				return "", err
			}
		}
		b[at] = alphabet[int(b[at])%len(alphabet)]
	}
	return string(b), nil
}
