package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/internal/httpapi"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/terminal/kernel"
)

// customer asks the bank for changes of two accounts, over HTTP, and keeps books
// of its own of what must come of them.
type customer struct {
	t        *testing.T
	rng      *rand.Rand
	accounts [2]string
	books    books
	pending  *change // asked for, and not answered
	done     []done
}

// books are what a customer's two accounts must say.
type books struct {
	balance, held [2]int64
	records       [2]int
	holds, paid   []sum // open holds, and what is left of payments
	disputes      []sum
}

// sum is money under a number of the bank's; account is 0 or 1.
type sum struct {
	id      int64
	account int
	amount  int64
	payment int64 // of a dispute
}

func (b books) clone() books {
	b.holds, b.paid, b.disputes = slices.Clone(b.holds), slices.Clone(b.paid), slices.Clone(b.disputes)
	return b
}

// change is one thing asked of the bank under an idempotency key: how, and what
// comes of it when it gets that number.
type change struct {
	key   string
	ask   func(c *httpapi.Client, key string) (int64, error)
	apply func(b *books, id int64)
}

// done is a change that the bank said it had made.
type done struct {
	change
	id int64
}

const customersOwn = 1000_00

func newCustomer(k *killing, b *bankProcess, n int) *customer {
	c := &customer{t: k.t, rng: rand.New(rand.NewPCG(*killSeed, uint64(1+n))), accounts: [2]string{fmt.Sprintf("C%d-A", n), fmt.Sprintf("C%d-B", n)}}
	for a, name := range c.accounts {
		_, err := b.service.Open(context.Background(), issuer.OpenRequest{Account: name, Balance: cents(customersOwn)})
		require.NoError(k.t, err)
		c.books.balance[a], c.books.records[a] = customersOwn, 1
	}
	return c
}

func cents(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// work asks for one change after the other.
func (c *customer) work(b *bankProcess) {
	for {
		next := c.next()
		c.pending = &next
		id, err := next.ask(b.service, next.key)
		if err != nil {
			var refused *issuer.Refusal
			if !b.killed.Load() || errors.As(err, &refused) {
				c.t.Errorf("%s: %v", next.key, err)
				b.killLater()
			}
			return
		}
		c.keep(id)
		b.answered()
	}
}

// keep notes that the pending change was made.
func (c *customer) keep(id int64) {
	c.pending.apply(&c.books, id)
	c.done = append(c.done, done{*c.pending, id})
	c.pending = nil
}

// recover: what was answered is there, what was not is there wholly or not at
// all; asked for again, it is there, once.
func (c *customer) recover(b *bankProcess) {
	got := c.look(b)
	if c.pending == nil {
		require.Equal(c.t, c.totals(&c.books), got)
		return
	}
	after := c.books.clone()
	c.pending.apply(&after, 0)
	if got != c.totals(&c.books) {
		require.Equal(c.t, c.totals(&after), got, "%s came to a half", c.pending.key)
	}
	id, err := c.pending.ask(b.service, c.pending.key)
	require.NoError(c.t, err)
	c.keep(id)
	require.Equal(c.t, c.totals(&c.books), c.look(b), "after %s", c.done[len(c.done)-1].key)
	if earlier := c.done[c.rng.IntN(len(c.done))]; true {
		c.again(b, &earlier)
	}
}

// again asks for a change that was made: the answer is the first one.
func (c *customer) again(b *bankProcess, d *done) {
	id, err := d.ask(b.service, d.key)
	require.NoError(c.t, err, d.key)
	require.Equal(c.t, d.id, id, d.key)
}

func (c *customer) settle(b *bankProcess) {
	for n := range c.done {
		c.again(b, &c.done[n])
	}
	require.Equal(c.t, c.totals(&c.books), c.look(b), "repeats change nothing")
	there := map[int64]int{}
	for a, name := range c.accounts {
		records, err := b.service.Payments(context.Background(), name)
		require.NoError(c.t, err)
		require.Len(c.t, records, c.books.records[a], "each change once, and nothing else")
		for _, r := range records {
			there[r.ID]++
		}
	}
	for _, d := range c.done {
		require.Equal(c.t, 1, there[d.id], "%s, number %d", d.key, d.id)
	}
}

// totals are books as the bank shows them.
func (c *customer) totals(b *books) string {
	return fmt.Sprint(cents(b.balance[0]), cents(b.balance[1]), cents(b.held[0]), cents(b.held[1]))
}

// look is what the bank shows.
func (c *customer) look(b *bankProcess) string {
	var s [2]issuer.AccountState
	for a, name := range c.accounts {
		var err error
		s[a], err = b.service.ShowAccount(context.Background(), name)
		require.NoError(c.t, err)
	}
	return fmt.Sprint(s[0].Balance, s[1].Balance, s[0].Held, s[1].Held)
}

// next is a change that the bank can make.
func (c *customer) next() change {
	b := &c.books
	key := fmt.Sprintf("%s %d", c.accounts[0], len(c.done))
	from := c.rng.IntN(2)
	free := b.balance[from] - b.held[from]
	amount := 1 + c.rng.Int64N(5_00)
	switch verb := c.rng.IntN(9); {
	case verb == 0 && amount <= free:
		return change{"transfer " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
			return s.Transfer(context.Background(), issuer.TransferRequest{From: c.accounts[from], To: c.accounts[1-from], Amount: cents(amount), Idempotency: key})
		}), func(b *books, _ int64) {
			b.balance[from] -= amount
			b.balance[1-from] += amount
			b.records[0]++
			b.records[1]++
		}}
	case verb == 1 && amount <= free:
		return change{"hold " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
			return s.PreAuthorise(context.Background(), issuer.HoldRequest{Account: c.accounts[from], Amount: cents(amount), Idempotency: key})
		}), func(b *books, id int64) {
			b.held[from] += amount
			b.records[from]++
			b.holds = append(b.holds, sum{id: id, account: from, amount: amount})
		}}
	case verb <= 4 && len(b.holds) > 0:
		return c.nextOfHold(verb, key, amount)
	case verb <= 6 && len(b.paid) > 0:
		return c.nextOfPayment(verb, key)
	case verb == 7 && len(b.disputes) > 0:
		return c.nextOfDispute(key)
	}
	return change{"top-up " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
		return s.TopUp(context.Background(), issuer.TopUpRequest{Account: c.accounts[from], Amount: cents(amount), Idempotency: key})
	}), func(b *books, _ int64) {
		b.balance[from] += amount
		b.records[from]++
	}}
}

// nextOfHold raises, completes or releases a hold.
func (c *customer) nextOfHold(verb int, key string, amount int64) change {
	n := c.rng.IntN(len(c.books.holds))
	h := c.books.holds[n]
	if free := c.books.balance[h.account] - c.books.held[h.account]; verb == 2 && amount <= free {
		return change{"increment " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
			_, err := s.Increment(context.Background(), issuer.PaymentRequest{Payment: h.id, Amount: cents(amount), Idempotency: key})
			return issuer.PaymentState{ID: h.id}, err
		}), func(b *books, _ int64) {
			b.held[h.account] += amount
			b.records[h.account]++
			b.holds[n].amount += amount
		}}
	}
	part := 1 + c.rng.Int64N(h.amount)
	gone := func(b *books) {
		b.held[h.account] -= h.amount
		b.records[h.account]++
		b.holds = slices.Delete(b.holds, n, n+1)
	}
	if verb == 3 {
		return change{"release " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
			return s.Reverse(context.Background(), issuer.PaymentRequest{Payment: h.id, Idempotency: key})
		}), func(b *books, _ int64) { gone(b) }}
	}
	return change{"complete " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
		return s.Complete(context.Background(), issuer.PaymentRequest{Payment: h.id, Amount: cents(part), Idempotency: key})
	}), func(b *books, id int64) {
		gone(b)
		b.balance[h.account] -= part
		b.paid = append(b.paid, sum{id: id, account: h.account, amount: part})
	}}
}

// nextOfPayment gives some of a payment back, or denies it.
func (c *customer) nextOfPayment(verb int, key string) change {
	n := c.rng.IntN(len(c.books.paid))
	p := c.books.paid[n]
	part := 1 + c.rng.Int64N(p.amount)
	if verb == 5 {
		part = p.amount
	}
	back := func(b *books) {
		b.balance[p.account] += part
		b.records[p.account]++
		if b.paid[n].amount -= part; b.paid[n].amount == 0 {
			b.paid = slices.Delete(b.paid, n, n+1)
		}
	}
	if verb == 5 {
		return change{"dispute " + key, func(s *httpapi.Client, key string) (int64, error) {
			d, err := s.Dispute(context.Background(), issuer.DisputeRequest{Payment: p.id, Idempotency: key})
			return d.ID, err
		}, func(b *books, id int64) {
			back(b)
			b.disputes = append(b.disputes, sum{id: id, account: p.account, amount: part, payment: p.id})
		}}
	}
	return change{"refund " + key, payment(func(s *httpapi.Client, key string) (issuer.PaymentState, error) {
		return s.Refund(context.Background(), issuer.RefundRequest{Payment: p.id, Amount: cents(part), Idempotency: key})
	}), func(b *books, _ int64) { back(b) }}
}

// nextOfDispute ends a dispute, which takes the credit back or not.
func (c *customer) nextOfDispute(key string) change {
	d := c.books.disputes[0]
	outcome := []string{"accepted", "rejected"}[c.rng.IntN(2)]
	return change{"resolve " + key, func(s *httpapi.Client, key string) (int64, error) {
		_, err := s.Resolve(context.Background(), issuer.ResolveRequest{Dispute: d.id, Outcome: outcome, Idempotency: key})
		return d.id, err
	}, func(b *books, _ int64) {
		b.disputes = b.disputes[1:]
		b.records[d.account]++
		if outcome == "rejected" {
			b.balance[d.account] -= d.amount
		}
	}}
}

// payment asks for what has a number as its answer.
func payment(ask func(s *httpapi.Client, key string) (issuer.PaymentState, error)) func(*httpapi.Client, string) (int64, error) {
	return func(s *httpapi.Client, key string) (int64, error) {
		p, err := ask(s, key)
		return p.ID, err
	}
}

// shopper pays with a card at a terminal whose line goes to the bank.
type shopper struct {
	t        *testing.T
	rng      *rand.Rand
	world    *sim.World
	bank     *bankProcess
	lost     []*iso8583.Message // requests that got no answer
	broken   bool               // the line, at the last request
	approved map[int]int64      // charged, by transaction counter
	last     int                // transaction counter
	masked   string
	terminal string
}

func newShopper(k *killing, card string) *shopper {
	s := &shopper{t: k.t, rng: rand.New(rand.NewPCG(*killSeed, uint64(len(card)))), approved: map[int]int64{}, terminal: fmt.Sprintf("SHOP%04d", len(card))}
	var err error
	s.world, err = sim.Open(context.Background(), sim.Options{Seed: killSeed, State: sim.Memory, Card: card, Terminal: "attended", Host: s, HostName: "the bank"})
	require.NoError(k.t, err)
	k.t.Cleanup(func() { require.NoError(k.t, s.world.Close()) })
	return s
}

// Exchange implements iso8583.Exchanger: a terminal with a name of its own.
func (s *shopper) Exchange(ctx context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	sent := *m
	sent.TerminalID = s.terminal
	answer, err := s.bank.iso.Exchange(ctx, &sent)
	if s.broken = err != nil; s.broken && !errors.Is(err, iso8583.ErrNotSent) {
		s.lost = append(s.lost, &sent)
	}
	if err != nil {
		return nil, err
	}
	s.bank.answered()
	answer.TerminalID = m.TerminalID
	return answer, nil
}

func (s *shopper) work(b *bankProcess) {
	s.bank = b
	for s.broken = false; !s.broken && !s.t.Failed(); {
		s.pay()
	}
	if !b.killed.Load() {
		s.t.Errorf("the line to the bank broke")
		b.killLater()
	}
}

// pay makes a payment, and notes what the customer saw.
func (s *shopper) pay() {
	currency, _ := emv.CurrencyByAlpha("EUR")
	p, err := s.world.Pay(context.Background(), sim.Request{Amount: 1 + s.rng.Int64N(20_00), Currency: currency})
	if err != nil {
		s.t.Error(err)
		s.bank.killLater()
		return
	}
	atc := int(*p.ATC)
	if atc <= s.last {
		s.t.Errorf("counter %d after %d", atc, s.last)
	}
	s.last, s.masked = atc, p.PAN.Masked()
	if p.Outcome == kernel.Approved {
		s.approved[atc] = p.Charged
	} else if !s.broken {
		s.t.Errorf("declined: %s", p.Detail)
	}
}

// recover sends some of what had no answer once more; the terminal gives it up
// in any case, with its next payment.
func (s *shopper) recover(b *bankProcess) {
	s.bank = b
	for _, m := range s.lost {
		if repeat := *m; s.rng.IntN(2) == 0 {
			repeat.MTI = repeat.MTI[:3] + "1"
			for range 2 {
				answer, err := b.iso.Exchange(context.Background(), &repeat)
				require.NoError(s.t, err)
				require.Equal(s.t, "00", answer.ResponseCode)
			}
		}
	}
	s.lost = nil
}

// settle pays once more, so that all that waits at the terminal is delivered. Of
// what the bank then has, each payment was seen by the customer, and the other way
// round.
func (s *shopper) settle(b *bankProcess) {
	s.pay()
	require.False(s.t, s.broken)
	all, err := b.service.Payments(context.Background(), "DEMO-0001")
	require.NoError(s.t, err)
	standing := map[int]int64{}
	for _, p := range all {
		if p.Card != s.masked || p.ATC == nil || p.State != "held" && p.State != "posted" {
			continue
		}
		require.NotContains(s.t, standing, *p.ATC, "two payments of one tap")
		amount, err := emv.Currency{Exponent: 2}.Parse(p.Amount)
		require.NoError(s.t, err)
		standing[*p.ATC] = amount
	}
	require.Equal(s.t, s.approved, standing)
}
