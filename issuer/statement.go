package issuer

import (
	"context"
	"time"
)

// StatementLine is a movement on an account.
type StatementLine struct {
	Time     time.Time `json:"time"`
	Payment  int64     `json:"payment"`
	Event    string    `json:"event"`
	Text     string    `json:"text,omitempty"` // merchant, or the other side of a transfer
	Category string    `json:"category,omitempty"`
	Country  string    `json:"country,omitempty"`
	Channel  string    `json:"channel,omitempty"`  // contactless, qr, in-app, other
	Original string    `json:"original,omitempty"` // amount and currency of a payment that was converted
	Fee      string    `json:"fee,omitempty"`      // part of the amount
	Amount   string    `json:"amount"`             // minus is out
	Balance  string    `json:"balance"`            // after it
}

// Statement is what moved on an account in a month. Holds are not in it: no
// money has moved. They stand in Pending, as of now.
type Statement struct {
	Account  string          `json:"account"`
	Currency string          `json:"currency"`
	Month    string          `json:"month"` // YYYY-MM, UTC
	Opening  string          `json:"opening_balance"`
	In       string          `json:"in"`
	Out      string          `json:"out"`
	Closing  string          `json:"closing_balance"`
	Lines    []StatementLine `json:"lines"`
	Pending  []PaymentState  `json:"pending"`
}

// monthLayout is how months are written.
const monthLayout = "2006-01"

// parseMonth reads YYYY-MM; "" is this month.
func (i *Issuer) parseMonth(text string) (int, error) {
	if text == "" {
		return monthOf(i.now()), nil
	}
	t, err := time.Parse(monthLayout, text)
	if err != nil {
		return 0, refuse("invalid-month", "", "%q is not a month such as 2030-01", text)
	}
	return monthOf(t), nil
}

// monthText writes a month.
func monthText(month int) string {
	return time.Date(month/12, time.Month(month%12+1), 1, 0, 0, 0, 0, time.UTC).Format(monthLayout)
}

// posting is what one record moved on an account.
type posting struct {
	record *Record
	at     time.Time
	amount int64
	fee    int64 // of that, as it was booked; the record's shrinks when a part is undone
}

// books are an account with everything that moved on it, oldest first.
type books struct {
	account  Account
	records  []Record
	postings []posting
}

// read gathers the books of an account: one posting for all entries of a record.
func (i *Issuer) read(ctx context.Context, id string) (*books, error) {
	b := new(books)
	var err error
	if b.account, err = i.findAccount(id); err != nil {
		return nil, err
	}
	entries, err := i.store.Entries(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.records, err = i.store.Records(ctx, id); err != nil {
		return nil, err
	}
	bySeq := make(map[int64]*Record, len(b.records))
	for n := range b.records {
		bySeq[b.records[n].Seq] = &b.records[n]
	}
	place := make(map[int64]int, len(entries))
	for _, e := range entries {
		if at, there := place[e.Record]; there {
			p := &b.postings[at] // a fee is booked before the rest
			p.fee, p.amount = max(p.amount, -p.amount), p.amount+e.Amount
			continue
		}
		r := bySeq[e.Record]
		if r == nil { // from before records had an account of their own
			r = &Record{Seq: e.Record, Time: e.Time, Currency: e.Currency, Billing: e.Currency}
		}
		place[e.Record] = len(b.postings)
		b.postings = append(b.postings, posting{record: r, at: e.Time, amount: e.Amount})
	}
	return b, nil
}

// Statement is an account's statement of a month, YYYY-MM; "" is this month.
func (i *Issuer) Statement(ctx context.Context, account, month string) (Statement, error) {
	wanted, err := i.parseMonth(month)
	if err != nil {
		return Statement{}, err
	}
	b, err := i.read(ctx, account)
	if err != nil {
		return Statement{}, err
	}
	currency := b.account.Currency
	var opening, in, out int64
	for _, p := range b.postings { // all first: a clock may have gone back
		if monthOf(p.at) < wanted {
			opening += p.amount
		}
	}
	balance := opening
	s := Statement{Account: account, Currency: alpha(currency), Month: monthText(wanted), Lines: []StatementLine{}, Pending: []PaymentState{}}
	for _, p := range b.postings {
		if monthOf(p.at) != wanted {
			continue
		}
		balance += p.amount
		in, out = in+max(0, p.amount), out+min(0, p.amount)
		s.Lines = append(s.Lines, p.line(balance, currency))
	}
	s.Opening, s.Closing = plainAmount(opening, currency), plainAmount(balance, currency)
	s.In, s.Out = plainAmount(in, currency), plainAmount(-out, currency)
	for n := range b.records {
		if r := &b.records[n]; r.State == RecordHeld {
			s.Pending = append(s.Pending, r.view())
		}
	}
	return s, nil
}

func (p *posting) line(balance int64, currency uint16) StatementLine {
	r := p.record
	l := StatementLine{
		Time: p.at, Payment: r.Seq, Event: r.Event.String(), Text: r.Merchant, Category: codeText(r.Category), Country: countryText(r.Country), Channel: r.Channel,
		Amount: plainAmount(p.amount, currency), Balance: plainAmount(balance, currency),
	}
	if r.Currency != currency {
		l.Original = money(r.booked(), r.Currency)
	}
	if p.fee != 0 {
		l.Fee = plainAmount(p.fee, currency)
	}
	return l
}

// booked is what a record moved when it was booked, whatever became of it: a part
// of what was asked for, where only that was approved or is undone.
func (r *Record) booked() int64 {
	if r.Code == PartlyApproved || !r.Event.spends() && r.Event != EventRefund {
		return r.Amount
	}
	return r.Requested
}
