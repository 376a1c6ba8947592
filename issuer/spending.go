package issuer

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// SpendingRequest asks what an account spent.
type SpendingRequest struct {
	Account string `json:"account"`
	From    string `json:"from,omitempty"` // YYYY-MM; "": To
	To      string `json:"to,omitempty"`   // YYYY-MM; "": this month
	By      string `json:"by,omitempty"`   // category, merchant, month, country, channel; "": category
}

// SpendingGroup is what was spent in one category, at one merchant, in one
// month or country, or by one channel.
type SpendingGroup struct {
	Name   string `json:"name"`
	Amount string `json:"amount"` // what went back is taken off
	Count  int    `json:"count"`  // movements
	Share  int    `json:"share"`  // of the total, percent, rounded down; 0 of what is negative
	Minor  int64  `json:"minor"`  // the amount in minor units, to draw
}

// Spending is what an account spent in some months, the largest group first;
// months in their order. It is made of the same entries as the statements:
// the sums agree.
type Spending struct {
	Account  string          `json:"account"`
	Currency string          `json:"currency"`
	From     string          `json:"from"`
	To       string          `json:"to"`
	By       string          `json:"by"`
	Total    string          `json:"total"`
	Held     string          `json:"held"` // on hold now, not in the total
	Groups   []SpendingGroup `json:"groups"`
}

// maxMonths bounds an analysis.
const maxMonths = 120

// spendingEvent is true for movements that are spending, or take it back.
func spendingEvent(e Event) bool {
	switch e {
	case EventRefund, EventReversal, EventDispute, EventDisputeLost:
		return true
	}
	return e.spends()
}

// groupers name the group of a posting.
var groupers = map[string]func(*posting) string{
	"category": func(p *posting) string {
		if p.record.Category == 0 {
			return otherCategory
		}
		return CategoryGroup(p.record.Category)
	},
	"merchant": func(p *posting) string { return cmp.Or(p.record.Merchant, "unknown") },
	"month":    func(p *posting) string { return monthText(monthOf(p.at)) },
	"country":  func(p *posting) string { return cmp.Or(countryText(p.record.Country), "unknown") },
	"channel":  func(p *posting) string { return cmp.Or(p.record.Channel, ChannelOther) },
}

// Spending adds up what an account spent.
func (i *Issuer) Spending(ctx context.Context, r SpendingRequest) (Spending, error) {
	r.By = cmp.Or(r.By, "category")
	group, ok := groupers[r.By]
	if !ok {
		return Spending{}, refuse("bad-request", "want category, merchant, month, country or channel", "spending is not analysed by %q", r.By)
	}
	to, err := i.parseMonth(r.To)
	if err != nil {
		return Spending{}, err
	}
	from := to
	if r.From != "" {
		if from, err = i.parseMonth(r.From); err != nil {
			return Spending{}, err
		}
	}
	if from > to || to-from >= maxMonths {
		return Spending{}, refuse("invalid-month", "", "want up to %d months, the first one first", maxMonths)
	}
	b, err := i.read(ctx, r.Account)
	if err != nil {
		return Spending{}, err
	}
	currency := b.account.Currency
	s := Spending{
		Account: r.Account, Currency: alpha(currency), From: monthText(from), To: monthText(to), By: r.By,
		Held: plainAmount(b.account.Held, currency), Groups: []SpendingGroup{},
	}
	at, total := map[string]int{}, int64(0)
	for m := from; r.By == "month" && m <= to; m++ { // also those in which nothing was spent
		at[monthText(m)] = len(s.Groups)
		s.Groups = append(s.Groups, SpendingGroup{Name: monthText(m)})
	}
	for n := range b.postings {
		p := &b.postings[n]
		if m := monthOf(p.at); m < from || m > to || !spendingEvent(p.record.Event) {
			continue
		}
		name := group(p)
		if _, there := at[name]; !there {
			at[name] = len(s.Groups)
			s.Groups = append(s.Groups, SpendingGroup{Name: name})
		}
		g := &s.Groups[at[name]]
		g.Minor, g.Count, total = g.Minor-p.amount, g.Count+1, total-p.amount
	}
	s.finish(total, currency)
	return s, nil
}

// finish writes the sums and puts the groups in order.
func (s *Spending) finish(total int64, currency uint16) {
	s.Total = plainAmount(total, currency)
	for n := range s.Groups {
		g := &s.Groups[n]
		g.Amount = plainAmount(g.Minor, currency)
		if g.Minor > 0 && total > 0 {
			g.Share = int(share(100, g.Minor, total))
		}
	}
	slices.SortFunc(s.Groups, func(a, b SpendingGroup) int {
		if s.By == "month" {
			return strings.Compare(a.Name, b.Name)
		}
		return cmp.Or(cmp.Compare(b.Minor, a.Minor), strings.Compare(a.Name, b.Name))
	})
}
