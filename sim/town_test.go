package sim

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/wallet"
)

var (
	townSeeds = flag.Int("towns", 4, "random histories of wallet, point of sale and bank")
	townSeed  = flag.Uint64("town", 1, "the first of them")
)

// town is a customer with a wallet and plastic cards, a shop, an app and a bank,
// and what a simple model says of them: what accounts hold, what payments are
// worth, which cards may pay.
type town struct {
	t      testing.TB
	rng    *rand.Rand // of this step
	w      *World     // the phone, the bank, and the shop
	online *World     // the gateway of an app, for the same phone
	line   *weakLine
	said   string  // what the step was
	told   *string // the same, kept

	money    map[string]*purse
	payments []*bought
	disputes []*denied
	cards    []*townCard
	counters map[string]bool // of each account number
	frozen   bool            // the first account
	closed   bool            // the bank
	lost     bool            // the phone
	limited  bool            // the first account: to nothing a day
	keys     int             // idempotency keys given out
}

// purse is what an account holds, in minor units.
type purse struct {
	currency      emv.Currency
	balance, held int64
}

// bought is a payment as the model has it.
type bought struct {
	account  string
	id       int64
	state    string // held, posted, gone
	card     *townCard
	hold     bool  // a pre-authorisation, which clearing leaves alone
	amount   int64 // what still stands of it, in its currency
	back     int64 // of that, given back
	billed   int64 // what amount costs the account
	repaid   int64 // of that, given back
	message  *iso8583.Message
	reversed bool // by a message, which may have found nothing left
}

// share is what goes back to the account for a part of a payment, as
// issuer.RefundRequest has it: in proportion, rounded down, and all for all.
func (b *bought) share(amount int64) int64 {
	if amount == b.amount-b.back {
		return b.billed - b.repaid
	}
	return min(b.billed-b.repaid, b.billed*amount/b.amount)
}

type denied struct {
	id      int64
	payment *bought
	amount  int64
	billed  int64
	open    bool
}

// townCard is a card that pays: of the wallet, or of plastic.
type townCard struct {
	name, number         string
	token                string // reference; "" is plastic
	byUser, byBank, lost bool
	gone                 bool
	channels             []string // what it may be used for; nil is all
}

// weakLine is a line to the bank that may be down, or lose answers.
type weakLine struct {
	iso8583.Exchanger
	down, mute bool
	sent       []*iso8583.Message
	answers    []*iso8583.Message
}

func (l *weakLine) Exchange(ctx context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	if l.down {
		return nil, fmt.Errorf("the line is down: %w", iso8583.ErrNotSent)
	}
	kept := *m
	answer, err := l.Exchanger.Exchange(ctx, m)
	if err != nil {
		return nil, err
	}
	l.sent, l.answers = append(l.sent, &kept), append(l.answers, answer)
	if l.mute {
		return nil, iso8583.ErrConnectionLost
	}
	return answer, nil
}

const townAccount = "DEMO-0001"

// newTown opens everything in memory.
func newTown(t testing.TB, seed uint64) *town {
	ctx := context.Background()
	w := &World{options: Options{Seed: &seed, State: Memory, Holder: "test", Terminal: "attended", Iterations: 10}, seed: seed, Clock: NewClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))}
	v := &town{t: t, w: w, rng: rand.New(rand.NewPCG(seed, 0)), money: map[string]*purse{}, counters: map[string]bool{}}
	require.NoError(t, w.openWallet())
	require.NoError(t, w.openBank(ctx))
	w.wallet.Connect(w.bank.Issuer)
	v.line = &weakLine{Exchanger: w.host.line}
	w.host.line = v.line
	online := *w
	v.online = &online
	require.NoError(t, v.online.openGateway(ctx, &bookshop))
	var err error
	w.Terminal, err = LoadTerminal("attended")
	require.NoError(t, err)
	require.NoError(t, w.openTerminal(ctx))
	v.open(townAccount, "EUR", 100_000_00)
	for _, a := range []struct {
		id, currency string
		minor        int64
	}{{"ALICE", "EUR", 500_00}, {"BOB", "USD", 300_00}, {"YUKI", "JPY", 90_000}} {
		v.open(a.id, a.currency, a.minor)
		_, err := w.bank.Open(ctx, issuer.OpenRequest{Account: a.id, Currency: a.currency, Balance: v.text(a.id, a.minor)})
		require.NoError(t, err)
	}
	for _, number := range []string{"4761739001010119", "5413339001000019", "6250940001000018"} {
		v.add(&townCard{number: number})
	}
	for _, name := range []string{"visa-plastic", "mastercard-plastic", "unionpay-plastic"} {
		v.cards = append(v.cards, &townCard{name: name})
	}
	return v
}

func (v *town) open(id, currency string, minor int64) {
	c, ok := emv.CurrencyByAlpha(currency)
	require.True(v.t, ok)
	v.money[id] = &purse{currency: c, balance: minor}
}

func (v *town) text(account string, minor int64) string {
	return v.money[account].currency.Format(minor)
}

// add puts a card into the wallet, with the bank's code.
func (v *town) add(c *townCard) {
	ctx := context.Background()
	added, err := v.w.wallet.Add(ctx, wallet.NewCard{Data: provisioning.CardData{Number: c.number, Expiry: "4912"}, DeviceName: "phone"})
	require.NoError(v.t, err, v.said)
	inbox, err := v.w.bank.Inbox(ctx, townAccount, issuer.NoticeCode)
	require.NoError(v.t, err)
	_, err = v.w.wallet.Enter(ctx, added.Name, inbox[len(inbox)-1].Code)
	require.NoError(v.t, err, v.said)
	v.cards = append(v.cards, &townCard{name: added.Name, number: c.number, token: added.Token})
}

// townSteps are what can happen.
var townSteps = []func(v *town){
	(*town).tap, (*town).tap, (*town).tap, (*town).tap, (*town).pay, (*town).pay, (*town).replay, (*town).replay, (*town).reverseTap, (*town).refundTap, (*town).refundNamed,
	(*town).topUp, (*town).transfer, (*town).preAuthorise, (*town).increment, (*town).complete, (*town).reverse, (*town).refund, (*town).refund,
	(*town).deny, (*town).resolve, (*town).clear, (*town).expire, (*town).freezeAccount, (*town).closeBank, (*town).limit,
	(*town).ownCard, (*town).bankCard, (*town).losePhone, (*town).control, (*town).renew, (*town).refill, (*town).replace, (*town).poll, (*town).wait,
}

// step does one thing, from a seed of its own, so that others can be left out.
func (v *town) step(seed uint64) {
	v.rng = rand.New(rand.NewPCG(seed, 1))
	n := v.rng.IntN(len(townSteps))
	v.said = fmt.Sprintf("step %d, kind %d", seed, n)
	v.w.Clock.Sleep(context.Background(), time.Duration(v.rng.IntN(3600))*time.Second)
	defer func() { *v.told = v.said }()
	v.lapse()
	townSteps[n](v)
	v.check()
}

// lapse ends the holds that nobody completed in a week, in model and bank: this one
// does so before it shows anything.
func (v *town) lapse() {
	if v.closed {
		return
	}
	for _, b := range v.payments {
		r, _, err := v.w.bank.store.RecordBySequence(b.id)
		require.NoError(v.t, err)
		if b.state == "held" && v.w.Clock.Now().Sub(r.Time) > 7*24*time.Hour {
			v.undo(b, b.amount)
		}
	}
	_, err := v.w.bank.Accounts(context.Background())
	require.NoError(v.t, err)
}

// check compares the model with the bank's books.
func (v *town) check() {
	v.lapse()
	all, err := v.w.bank.store.Accounts(context.Background())
	require.NoError(v.t, err)
	for _, a := range all {
		if p := v.money[a.ID]; p != nil {
			require.Equal(v.t, []int64{p.balance, p.held}, []int64{a.Balance, a.Held}, "%s: account %s", v.said, a.ID)
		}
	}
}

// card is one of those that are there.
func (v *town) card(ok func(*townCard) bool) *townCard {
	var list []*townCard
	for _, c := range v.cards {
		if ok(c) {
			list = append(list, c)
		}
	}
	if list == nil {
		return nil
	}
	return list[v.rng.IntN(len(list))]
}

func ofPhone(c *townCard) bool { return c.token != "" && !c.gone }

// blocked says why the bank must refuse, "" when it must not.
func (v *town) blocked(c *townCard, amount int64, channel string) string {
	switch {
	case c.gone, c.byUser, c.byBank, c.lost:
		return "the card"
	case c.channels != nil && !slices.Contains(c.channels, channel):
		return "the channel"
	case v.frozen:
		return "the account"
	case v.limited && !v.closed: // a bank that is closed does not look at limits
		return "the limit"
	case v.closed && amount > 25_00:
		return "maintenance"
	case v.line.down, v.line.mute:
		return "the line"
	}
	return ""
}

// weather makes the line bad, sometimes.
func (v *town) weather() (clear func()) {
	v.line.down, v.line.mute = v.rng.IntN(12) == 0, v.rng.IntN(12) == 0
	return func() { v.line.down, v.line.mute = false, false }
}

// settle is the end of a history: the whole books are right, and statements and
// spending say what they do.
func (v *town) settle() {
	ctx, bank := context.Background(), v.w.bank
	require.NoError(v.t, issuer.Audit(ctx, bank.store))
	for id, p := range v.money {
		last, spent := v.text(id, 0), int64(0)
		for at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC); !at.After(v.w.Clock.Now()); at = at.AddDate(0, 1, 0) {
			s, err := bank.Statement(ctx, id, at.Format("2006-01"))
			require.NoError(v.t, err)
			require.Equal(v.t, last, s.Opening, "%s goes on where the month before ended", id)
			last = s.Closing
			by, err := bank.Spending(ctx, issuer.SpendingRequest{Account: id, From: at.Format("2006-01"), To: at.Format("2006-01"), By: "merchant"})
			require.NoError(v.t, err)
			for _, g := range by.Groups {
				spent += g.Minor
			}
		}
		require.Equal(v.t, v.spentBy(id), spent, "the spending of %s is what the ledger says", id)
		require.Equal(v.t, v.text(id, p.balance), last, "the statement of %s ends at the balance", id)
	}
}

// spentBy is what the ledger says that went to merchants and did not come back.
func (v *town) spentBy(id string) (spent int64) {
	entries, err := v.w.bank.store.Entries(context.Background(), id)
	require.NoError(v.t, err)
	for _, e := range entries {
		r, _, err := v.w.bank.store.RecordBySequence(e.Record)
		require.NoError(v.t, err)
		switch r.Event {
		case issuer.EventOpening, issuer.EventTopUp, issuer.EventTransferIn, issuer.EventTransferOut, issuer.EventPayOut:
		default:
			spent -= e.Amount
		}
	}
	return spent
}

// townLength is how many steps a history has.
const townLength = 120

// TestTowns lets chance use a wallet, pay in all ways with all schemes at a line that
// breaks, and go to the bank, and compares each step with a simple model: money
// moves when and as it should and at no other time, nothing is paid twice, nothing
// from a card that is frozen, lost or deleted, and what is refused changes nothing.
// More: go test ./sim -run TestTowns -towns 1000 -town SEED.
func TestTowns(t *testing.T) {
	for seed := *townSeed; seed < *townSeed+uint64(*townSeeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var steps []uint64
			for n := range uint64(townLength) {
				steps = append(steps, seed<<32|n)
			}
			why, _ := playTown(t, seed, steps)
			if why == "" {
				return
			}
			steps = fewest(steps, func(some []uint64) bool { again, _ := playTown(t, seed, some); return again != "" })
			why, story := playTown(t, seed, steps)
			t.Fatalf("town %d, in %d steps:\n%s\n%s", seed, len(steps), strings.Join(story, "\n"), why)
		})
	}
}

// playTown plays a history and says what was wrong, "" when nothing was.
func playTown(t *testing.T, seed uint64, steps []uint64) (why string, story []string) {
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() { // which ends where something is wrong
		defer close(done)
		v := newTown(w, seed)
		for _, step := range steps {
			story = append(story, "")
			v.told = &story[len(story)-1]
			v.step(step)
		}
		v.settle()
	}()
	<-done
	return w.why, story
}

// witness is a test whose failure is looked at.
type witness struct {
	testing.TB
	why string
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	if w.why == "" {
		w.why = fmt.Sprintf(format, args...)
	}
}

func (w *witness) FailNow() {
	if w.why == "" {
		w.why = "failed"
	}
	runtime.Goexit()
}

// fewest leaves out steps as long as the rest fails, halves first.
func fewest(steps []uint64, fails func([]uint64) bool) []uint64 {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(steps); {
			rest := slices.Concat(steps[:from], steps[from+size:])
			if fails(rest) {
				steps = rest
			} else {
				from += size
			}
		}
	}
	return steps
}
