package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tapsim/issuer"
	"tapsim/terminal/slip"
	"tapsim/wallet"
)

// Story is one payment as phone, point of sale and bank remember it, joined by
// the counter, the cryptogram and the trace number. What one of them does not
// know of is nil.
type Story struct {
	IDs   []string             `json:"ids"` // each names it alone
	Time  time.Time            `json:"time"`
	Look  *wallet.Look         `json:"wallet"`
	Entry *wallet.Entry        `json:"history"`
	Slip  *slip.Slip           `json:"point_of_sale"`
	Bank  *issuer.PaymentStory `json:"bank"`
	// Unasked says why nothing is known of the bank's part, and how to get to know
	// it, where the bank that decides was not asked; "" where it was.
	Unasked string `json:"bank_not_asked,omitempty"`
}

// teller is a bank that tells what it knows of payments.
type teller interface {
	PaymentStories(ctx context.Context, q issuer.PaymentQuery) ([]issuer.PaymentStory, error)
}

// teller is the bank to ask: the service's, or the one in process; nil where
// neither can be.
func (p *Phone) teller() teller {
	if t, ok := p.world.options.Service.(teller); ok {
		return t
	}
	if p.Bank != nil {
		return p.Bank
	}
	return nil
}

// Beginnings of identifiers.
const (
	bankID = "bank-"
	tillID = "pos-"
	lastID = "last"
)

// Stories finds the payments that an identifier may mean: the bank's number of a
// payment, a trace number of six digits, CARD/COUNTER, what an earlier list of
// candidates named, or "last" for the latest that phone or point of sale knows of.
func (p *Phone) Stories(ctx context.Context, id string) ([]Story, error) {
	f, err := p.newFinder()
	if err == nil {
		err = f.find(ctx, id)
	}
	return f.found, err
}

// LatestStories are at most so many of the latest payments that the point of sale
// or the wallet remembers, the oldest first. The bank is not asked.
func (p *Phone) LatestStories(most int) ([]Story, error) {
	f, err := p.newFinder()
	if err != nil {
		return nil, err
	}
	f.bank = nil
	for n := range f.slips {
		if err := f.fromSlips(context.Background(), func(s *slip.Slip) bool { return s == &f.slips[n] }); err != nil {
			return nil, err
		}
	}
	for n := range f.entries {
		e := &f.entries[n]
		if !slices.ContainsFunc(f.found, func(s Story) bool { return s.Entry == e }) {
			f.add(Story{Entry: e})
		}
	}
	slices.SortStableFunc(f.found, func(a, b Story) int { return a.Time.Compare(b.Time) })
	return f.found[max(0, len(f.found)-most):], nil
}

// newFinder reads what point of sale and wallet remember.
func (p *Phone) newFinder() (f finder, err error) {
	f = finder{phone: p, bank: p.teller()}
	dir, err := p.world.part("terminal")
	if err != nil {
		return f, err
	}
	book, err := slip.Open(dir)
	if err != nil {
		return f, err
	}
	if f.slips, err = book.All(); err != nil {
		return f, err
	}
	f.entries, err = p.History("")
	return f, err
}

// finder joins what the three remember.
type finder struct {
	phone   *Phone
	bank    teller // nil: it cannot be asked
	failed  error  // why, where it was tried
	slips   []slip.Slip
	entries []wallet.Entry
	found   []Story
}

// find starts from what the identifier names.
func (f *finder) find(ctx context.Context, id string) error {
	number := func(digits string) int64 {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	card, counter, ofPhone := strings.Cut(id, "/")
	switch {
	case id == lastID:
		return f.fromLast(ctx)
	case strings.HasPrefix(id, bankID):
		return f.fromBank(ctx, issuer.PaymentQuery{ID: number(id[len(bankID):])})
	case strings.HasPrefix(id, tillID):
		return f.fromSlips(ctx, func(s *slip.Slip) bool { return s.ID == number(id[len(tillID):]) })
	case ofPhone:
		return f.fromPhone(ctx, card, uint16(min(number(counter), 0xFFFF)))
	case number(id) == 0:
		return fmt.Errorf("%q: want the bank's number of a payment, a trace number of six digits, CARD/COUNTER as in 'tapsim wallet history', or last", id)
	}
	if len(id) == 6 {
		if err := f.fromBank(ctx, issuer.PaymentQuery{STAN: id}); err != nil {
			return err
		}
		if err := f.fromSlips(ctx, func(s *slip.Slip) bool { return s.STAN == id }); err != nil {
			return err
		}
	}
	if id[0] == '0' {
		return nil // a trace number, and no other
	}
	return f.fromBank(ctx, issuer.PaymentQuery{ID: number(id)})
}

// notAllowed is what a service answers to a key that does not open the bank: a
// phone's. Its story is told without the bank's part.
const notAllowed = "not-allowed"

// fromBank begins with the bank's records or, where the bank cannot be asked, with
// what it told the wallet of them.
func (f *finder) fromBank(ctx context.Context, q issuer.PaymentQuery) error {
	switch {
	case q == (issuer.PaymentQuery{}):
		return nil
	case f.bank == nil:
		return f.fromEntries(ctx, func(e *wallet.Entry) bool { return e.Record != 0 && e.Record == q.ID })
	}
	list, err := f.bank.PaymentStories(ctx, q)
	if _, inProcess := f.bank.(*Bank); err != nil && !inProcess && (wallet.Code(err) == "" || wallet.Code(err) == notAllowed) {
		f.bank, f.failed = nil, err
		return f.fromBank(ctx, q)
	}
	for n := range list {
		b := &list[n]
		s := Story{Bank: b}
		for i := range f.slips {
			if x := &f.slips[i]; b.STAN != "" && x.STAN == b.STAN && x.Cryptogram == b.Cryptogram {
				s.Slip = x
			}
		}
		for i := range f.entries {
			if e := &f.entries[i]; e.Record == b.ID && (b.ATC == nil || *b.ATC == int(e.ATC)) {
				s.Entry = e
			}
		}
		f.add(s)
	}
	return err
}

// fromSlips begins with the point of sale's slips.
func (f *finder) fromSlips(ctx context.Context, wanted func(*slip.Slip) bool) error {
	for n := range f.slips {
		x := &f.slips[n]
		if !wanted(x) {
			continue
		}
		before := len(f.found)
		if x.Request != nil && f.bank != nil {
			if err := f.fromBank(ctx, issuer.PaymentQuery{STAN: x.STAN, Cryptogram: x.Cryptogram}); err != nil {
				return err
			}
		}
		if len(f.found) > before || f.has(x) {
			continue
		}
		s := Story{Slip: x}
		for i := range f.entries {
			if e := &f.entries[i]; f.used(x, e) {
				s.Entry = e // the last of them is what came of it
			}
		}
		f.add(s)
	}
	return nil
}

// fromPhone begins with a payment of the wallet's history.
func (f *finder) fromPhone(ctx context.Context, card string, atc uint16) error {
	c, err := f.phone.Find(card)
	if err != nil {
		return err
	}
	return f.fromEntries(ctx, func(e *wallet.Entry) bool { return e.Card == c.Name && e.ATC == atc })
}

// fromEntries begins with the wallet's history.
func (f *finder) fromEntries(ctx context.Context, wanted func(*wallet.Entry) bool) (err error) {
	for n := range f.entries {
		e := &f.entries[n]
		if !wanted(e) {
			continue
		}
		before := len(f.found)
		if e.Record != 0 && f.bank != nil {
			err = f.fromBank(ctx, issuer.PaymentQuery{ID: e.Record})
		}
		if err == nil && len(f.found) == before {
			err = f.fromSlips(ctx, func(s *slip.Slip) bool { return f.used(s, e) })
		}
		if err != nil {
			return err
		}
		if len(f.found) == before {
			f.add(Story{Entry: e})
		}
	}
	return nil
}

// fromLast is the latest payment. The wallet numbers its notes, and a slip that has
// none is of a code that somebody scanned after it was shown.
func (f *finder) fromLast(ctx context.Context) error {
	var x *slip.Slip
	if n := len(f.slips); n > 0 {
		x = &f.slips[n-1]
	}
	if l := f.phone.LastLook(); l != nil && (x == nil || x.Look != 0 && x.Look < l.Number) {
		if err := f.fromPhone(ctx, l.Card, l.ATC); err != nil || len(f.found) > 0 {
			return err
		}
	}
	return f.fromSlips(ctx, func(s *slip.Slip) bool { return s == x })
}

// used is true when an entry of the history is of a slip's payment: of its
// cryptogram, or of a tap before it that came to nothing.
func (f *finder) used(x *slip.Slip, e *wallet.Entry) bool {
	if x.Look != 0 {
		l := f.phone.LookAt(x.Look, "", 0)
		return l != nil && l.Used(e.Card, e.ATC)
	}
	return x.ATC != nil && e.Card == x.Card && e.ATC == *x.ATC
}

// has is true for a slip that a story found tells of.
func (f *finder) has(x *slip.Slip) bool {
	for n := range f.found {
		if s := f.found[n].Slip; s != nil && s.ID == x.ID {
			return true
		}
	}
	return false
}

// add completes a story and takes it, once.
func (f *finder) add(s Story) {
	switch {
	case s.Slip != nil && s.Slip.Look != 0:
		s.Look = f.phone.LookAt(s.Slip.Look, "", 0)
	case s.Entry != nil:
		s.Look = f.phone.LookAt(0, s.Entry.Card, s.Entry.ATC)
	}
	if b := s.Bank; b != nil {
		s.IDs, s.Time = append(s.IDs, fmt.Sprint(bankID, b.ID)), b.Time
		if b.Related > b.ID { // the payment that a hold became
			s.IDs = append(s.IDs, fmt.Sprint(bankID, b.Related))
		}
	} else {
		s.Unasked = f.unasked(s.Slip)
	}
	if x := s.Slip; x != nil {
		s.IDs, s.Time = append(s.IDs, fmt.Sprint(tillID, x.ID)), x.Time
	}
	for n := range f.entries {
		if e := &f.entries[n]; e == s.Entry || s.Slip != nil && f.used(s.Slip, e) {
			s.IDs, s.Time = append(s.IDs, fmt.Sprintf("%s/%d", e.Card, e.ATC)), e.Time
		}
	}
	for n := range f.found {
		if f.found[n].IDs[0] == s.IDs[0] {
			return
		}
	}
	f.found = append(f.found, s)
}

// unasked says why the bank that decides about a payment was not asked.
func (f *finder) unasked(x *slip.Slip) string {
	const how = ": start that 'tapsim issuer' with --http, and name its address with --service"
	switch {
	case f.failed != nil:
		return f.failed.Error()
	case f.phone.world.options.Service != nil:
		return ""
	case x != nil && x.Host != "":
		return "the payment was for the host " + x.Host + how
	case f.phone.taken != nil:
		return "another program has the bank" + how
	}
	return ""
}
