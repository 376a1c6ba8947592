package issuer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// PaymentStory is all that the bank knows of a message about money: what it
// checked, what it told the customer, what it booked. A payment that was held first
// and completed then is one story, with the check of its beginning and what stands
// of it now.
type PaymentStory struct {
	PaymentState
	STAN       string         `json:"stan,omitempty"`       // field 11
	Reference  string         `json:"reference,omitempty"`  // field 37
	Cryptogram string         `json:"cryptogram,omitempty"` // hex
	Token      string         `json:"token,omitempty"`      // reference
	Checks     []Step         `json:"checks"`               // empty where the bank kept none
	Alerts     []Alert        `json:"alerts"`               // that monitoring raised
	Entries    []LedgerLine   `json:"entries"`
	Later      []PaymentState `json:"later"` // what became of it: completion, reversals, refunds, disputes
	Meaning    string         `json:"meaning,omitempty"`
	Approved   bool           `json:"approved"`
}

// Alert is a rule of monitoring that a payment met.
type Alert struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// LedgerLine is one entry of the ledger.
type LedgerLine struct {
	Payment  int64  `json:"payment"` // the record that it was booked with: this one, or a later one
	Account  string `json:"account"`
	Amount   string `json:"amount"` // minus is out
	Currency string `json:"currency"`
}

// PaymentQuery finds records: each field that is not empty must fit.
type PaymentQuery struct {
	ID         int64
	STAN       string // six digits
	Cryptogram string // hex
}

// keySTAN is where the trace number stands in a retrieval key, behind year, time
// of transmission and type.
const keySTAN = 4 + 10 + 4

// stan is the trace number of a message, "" where there was none.
func (r *Record) stan() string {
	if len(r.Key) < keySTAN+7 || r.Key[keySTAN+6] != '/' || !digitsOnly(r.Key[:keySTAN+6]) {
		return ""
	}
	return r.Key[keySTAN : keySTAN+6]
}

// cryptogram is the message's cryptogram in hex, "" without chip data.
func (r *Record) cryptogram() string {
	if r.Tap == (Tap{}) {
		return ""
	}
	return upperHex(r.Tap[6:])
}

// MaxFound is how many records a query finds.
const MaxFound = 100

// Fits is true for a record that the query finds.
func (q *PaymentQuery) Fits(r *Record) bool {
	return (q.ID == 0 || q.ID == r.Seq) && (q.STAN == "" || q.STAN == r.stan()) && (q.Cryptogram == "" || q.Cryptogram == r.cryptogram())
}

// PaymentStories tells the stories of the messages that a query finds, the oldest
// first.
func (i *Issuer) PaymentStories(ctx context.Context, q PaymentQuery) ([]PaymentStory, error) {
	if q == (PaymentQuery{}) {
		return nil, refuse("bad-request", "", "name a payment by its number, its trace number or its cryptogram")
	}
	q.Cryptogram = strings.ToUpper(q.Cryptogram)
	records, err := i.store.FindRecords(ctx, q)
	if err != nil {
		return nil, err
	}
	out := []PaymentStory{}
	for n := range records {
		r := &records[n]
		if r.State == RecordOrphan || r.Event == EventOpening || !q.Fits(r) {
			continue
		}
		if r, err = i.beginning(ctx, r); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(s PaymentStory) bool { return s.ID == r.Seq }) {
			continue
		}
		s, err := i.story(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// beginning is the hold that a payment completed, or the payment itself.
func (i *Issuer) beginning(ctx context.Context, r *Record) (*Record, error) {
	for {
		about, err := i.store.RecordsAbout(ctx, r.Seq)
		at := slices.IndexFunc(about, func(h Record) bool { return h.State == RecordCaptured && h.Seq < r.Seq })
		if err != nil || at < 0 {
			return r, err
		}
		r = &about[at]
	}
}

// maxConsequences bounds the records of one story.
const maxConsequences = 1000

// consequences are the records about a payment, and those about them, in the order
// in which they came.
func (i *Issuer) consequences(ctx context.Context, r *Record) (list []Record, err error) {
	seen := map[int64]bool{r.Seq: true}
	for open := []int64{r.Seq}; len(open) > 0 && len(list) < maxConsequences; open = open[1:] {
		about, err := i.store.RecordsAbout(ctx, open[0])
		if err != nil {
			return nil, err
		}
		for _, l := range about {
			if l.Seq > open[0] && !seen[l.Seq] {
				seen[l.Seq] = true
				list, open = append(list, l), append(open, l.Seq)
			}
		}
	}
	slices.SortFunc(list, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, nil
}

// completed gives the story of a hold what stands of the payment that it became.
func (s *PaymentStory) completed(by PaymentState) {
	s.Amount, s.Billed, s.Fee, s.Refunded = by.Amount, by.Billed, by.Fee, by.Refunded
}

func (i *Issuer) story(ctx context.Context, r *Record) (s PaymentStory, err error) {
	s = PaymentStory{
		STAN: r.stan(), Cryptogram: r.cryptogram(), Meaning: r.Code.Meaning(), Approved: r.Code.approves(),
		Checks: []Step{}, Alerts: []Alert{}, Entries: []LedgerLine{}, Later: []PaymentState{},
	}
	s.Reference, _, _ = strings.Cut(r.Reference, "/")
	if s.PaymentState, err = i.describe(r); err != nil {
		return s, err
	}
	if n, ok, err := i.store.Instrument(r.Instrument); err != nil {
		return s, err
	} else if ok && n.Kind == Token {
		s.Token = r.Instrument.Reference()
	}
	sheet, ok, err := i.store.Sheet(ctx, r.Seq)
	if err != nil {
		return s, err
	}
	if ok {
		if err := json.Unmarshal(sheet.Steps, &s.Checks); err != nil {
			return s, fmt.Errorf("issuer: the check that was kept of payment %d: %w", r.Seq, err)
		}
	}
	later, err := i.consequences(ctx, r)
	if err != nil {
		return s, err
	}
	for _, l := range later {
		s.Later = append(s.Later, l.view())
		if r.State == RecordCaptured && r.Related == l.Seq {
			s.completed(l.view())
		}
	}
	return s, i.storyBooks(ctx, r, &s)
}

// storyBooks adds what was booked and told.
func (i *Issuer) storyBooks(ctx context.Context, r *Record, s *PaymentStory) error {
	records := []int64{r.Seq}
	for _, l := range s.Later {
		records = append(records, l.ID)
	}
	for _, record := range records {
		entries, err := i.store.EntriesOf(ctx, record)
		if err != nil {
			return err
		}
		for _, e := range entries {
			s.Entries = append(s.Entries, LedgerLine{e.Record, e.Account, plainAmount(e.Amount, e.Currency), alpha(e.Currency)})
		}
	}
	if r.Account == "" {
		return nil
	}
	notices, err := i.store.Notices(ctx, r.Account)
	if err != nil {
		return err
	}
	for _, n := range slices.DeleteFunc(notices, func(n Notice) bool { return n.Record != r.Seq || n.Kind != NoticeAlert }) {
		s.Alerts = append(s.Alerts, Alert{n.Rule, n.Text})
	}
	return nil
}
