package issuer

import (
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

func (q *PaymentQuery) fits(r *Record) bool {
	return (q.ID == 0 || q.ID == r.Seq) && (q.STAN == "" || q.STAN == r.stan()) && (q.Cryptogram == "" || q.Cryptogram == r.cryptogram())
}

// PaymentStories tells the stories of the messages that a query finds, the oldest
// first.
func (i *Issuer) PaymentStories(ctx context.Context, q PaymentQuery) ([]PaymentStory, error) {
	records, err := i.store.Records(ctx, "")
	if err != nil {
		return nil, err
	}
	out := []PaymentStory{}
	for n := range records {
		r := &records[n]
		if r.State == RecordOrphan || r.Event == EventOpening || !q.fits(r) {
			continue
		}
		r = beginning(r, records)
		if slices.ContainsFunc(out, func(s PaymentStory) bool { return s.ID == r.Seq }) {
			continue
		}
		s, err := i.story(ctx, r, records)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// beginning is the hold that a payment completed, or the payment itself.
func beginning(r *Record, all []Record) *Record {
	for n := range all {
		if h := &all[n]; h.State == RecordCaptured && h.Related == r.Seq {
			return beginning(h, all[:n])
		}
	}
	return r
}

// consequences are the records about a payment, and those about them, in the order
// in which they came.
func consequences(r *Record, all []Record) (list []*Record) {
	about := map[int64]bool{r.Seq: true}
	for n := range all {
		if l := &all[n]; about[l.Related] && l.Seq > r.Seq {
			about[l.Seq] = true
			list = append(list, l)
		}
	}
	return list
}

// completed gives the story of a hold what stands of the payment that it became.
func (s *PaymentStory) completed(by PaymentState) {
	s.Amount, s.Billed, s.Fee, s.Refunded = by.Amount, by.Billed, by.Fee, by.Refunded
}

func (i *Issuer) story(ctx context.Context, r *Record, all []Record) (s PaymentStory, err error) {
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
	for _, l := range consequences(r, all) {
		s.Later = append(s.Later, l.view())
		if r.State == RecordCaptured && r.Related == l.Seq {
			s.completed(l.view())
		}
	}
	return s, i.storyBooks(ctx, r, &s)
}

// storyBooks adds what was booked and told.
func (i *Issuer) storyBooks(ctx context.Context, r *Record, s *PaymentStory) error {
	entries, err := i.store.Entries(ctx, "")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Record == r.Seq || slices.ContainsFunc(s.Later, func(l PaymentState) bool { return l.ID == e.Record }) {
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
