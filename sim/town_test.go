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
	"tapsim/hce/profile"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/terminal/kernel"
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

// hold is the card in front of the reader.
func (v *town) hold(w *World, c *townCard) error {
	if c.token != "" {
		found, err := w.wallet.Find(c.name)
		require.NoError(v.t, err, v.said)
		w.walletCard, w.options.Card = c.name, c.name
		if w.Profile, err = walletProfile(found.Scheme, c.name); err != nil {
			return err
		}
		return w.openWalletCard(context.Background())
	}
	var err error
	w.walletCard, w.options.Card = "", c.name
	w.Profile, err = profile.Load(c.name)
	require.NoError(v.t, err)
	require.NoError(v.t, authenticate(&w.Profile))
	w.card, err = w.phone.Card(w.Profile)
	return err
}

// tap pays at a reader.
func (v *town) tap() {
	c, amount := v.card(func(c *townCard) bool { return !c.gone }), 1+v.rng.Int64N(49_00)
	clear := v.weather()
	require.NoError(v.t, v.hold(v.w, c), v.said)
	ready := c.token == "" || v.w.wallet.Stopped(c.name) == ""
	if v.closed && c.token != "" { // then there are no new keys
		stock, err := v.w.wallet.Keys(c.name)
		require.NoError(v.t, err)
		ready = ready && stock.Ready > 0
	}
	currency := v.currency()
	v.said += fmt.Sprintf(": tap %s %d %s", c.name, amount, currency.Alpha)
	p, err := v.w.Pay(context.Background(), Request{Amount: amount, Currency: currency, Explain: true})
	require.NoError(v.t, err, v.said)
	v.judge(c, p, ready, v.blocked(c, inEuro(amount, currency), issuer.ChannelContactless))
	clear()
	_, err = v.w.term.Deliver(context.Background())
	require.NoError(v.t, err, v.said)
}

// currency is the euro, mostly.
func (v *town) currency() emv.Currency {
	alpha := "EUR"
	if v.rng.IntN(6) == 0 {
		alpha = "USD"
	}
	c, _ := emv.CurrencyByAlpha(alpha)
	return c
}

// inEuro is what the demo bank bills at home: a dollar is 0.92 euro, half a cent up.
func inEuro(amount int64, c emv.Currency) int64 {
	if c.Alpha == "EUR" {
		return amount
	}
	return max(1, (amount*92+50)/100)
}

// pay pays by code or in an app.
func (v *town) pay() {
	ctx := context.Background()
	c, amount := v.card(ofPhone), 1+v.rng.Int64N(200_00)
	if c == nil {
		return
	}
	defer v.weather()()
	currency, _ := emv.CurrencyByAlpha("EUR")
	qr := v.rng.IntN(2) == 0
	v.said += fmt.Sprintf(": pay with %s %d, code %t", c.name, amount, qr)
	var p Payment
	var err error
	channel, w := issuer.ChannelInApp, v.online
	if qr {
		channel, w = issuer.ChannelQR, v.w
		var code wallet.PayCode
		if code, err = w.wallet.ShowCode(ctx, c.name); err == nil {
			p, err = w.Scan(ctx, code.Text, Request{Amount: amount, Currency: currency, Explain: true})
		}
	} else {
		w.walletCard = c.name
		s := wallet.Sell{Card: c.name, Amount: amount, Currency: currency, Country: 276, Merchant: bookshop.Name, Date: w.Clock.Now().UTC(), Number: [4]byte{1, 2, 3, byte(amount)}}
		p, err = w.payRemotely(ctx, Request{Amount: amount, Currency: currency, Explain: true}, s)
	}
	blocked := v.blocked(c, amount, channel)
	if err != nil { // the phone refuses by itself
		require.NotEmpty(v.t, wallet.Code(err), "%s: %v", v.said, err)
		require.NotEmpty(v.t, v.w.wallet.Stopped(c.name)+blocked+when(v.closed, "no new keys"), "%s: %v", v.said, err)
		return
	}
	v.judge(c, p, true, blocked)
	v.line.down, v.line.mute = false, false
	_, err = w.term.Deliver(ctx)
	require.NoError(v.t, err, v.said)
}

// judge compares what came of a payment with what had to, and books it.
func (v *town) judge(c *townCard, p Payment, ready bool, blocked string) {
	if p.ATC != nil {
		counter := fmt.Sprint(string(p.PAN), " ", *p.ATC)
		require.False(v.t, v.counters[counter], "%s: counter %d came before", v.said, *p.ATC)
		v.counters[counter] = true
	}
	if p.Outcome != kernel.Approved {
		require.False(v.t, ready && blocked == "", "%s was declined: %s %s", v.said, p.Detail, failures(p.Report))
		return
	}
	require.Empty(v.t, blocked, "%s was approved", v.said)
	require.True(v.t, ready, "%s was approved", v.said)
	currency, _ := emv.CurrencyByAlpha("EUR")
	if p.Request.Currency == "840" {
		currency, _ = emv.CurrencyByAlpha("USD")
	}
	billed := inEuro(*p.Request.Amount, currency)
	require.Equal(v.t, "0100", string(p.Request.MTI), v.said)
	v.money[townAccount].held += billed
	v.payments = append(v.payments, &bought{
		account: townAccount, id: v.last(), state: "held", amount: *p.Request.Amount, billed: billed, message: p.Request, card: c,
	})
}

// failures are the checks of the bank that failed.
func failures(r *issuer.Report) (list []string) {
	if r != nil {
		for _, s := range r.Steps {
			if s.Result == issuer.Failed {
				list = append(list, s.Name+": "+s.Text)
			}
		}
	}
	return list
}

// last is the number of the bank's last record.
func (v *town) last() int64 {
	seq, err := v.w.bank.store.Sequence()
	require.NoError(v.t, err)
	return seq
}

// replay sends a message that came before: as it was, or as if it were another.
func (v *town) replay() {
	if len(v.line.sent) == 0 {
		return
	}
	from := max(0, len(v.line.sent)-20)
	n := from + v.rng.IntN(len(v.line.sent)-from)
	m := *v.line.sent[n]
	if v.closed || v.line.answers[n].ResponseCode == "91" { // what comes while the bank is closed is not kept
		return
	}
	if v.rng.IntN(2) == 0 {
		answer, err := v.line.Exchanger.Exchange(context.Background(), &m)
		require.NoError(v.t, err)
		require.Equal(v.t, v.line.answers[n].ResponseCode, answer.ResponseCode, v.said)
		require.Equal(v.t, v.line.answers[n].AuthorisationCode, answer.AuthorisationCode, v.said)
		return
	}
	if m.MTI != "0100" || m.ICCData == nil {
		return
	}
	m.STAN, m.RRN = fmt.Sprintf("%06d", 900_000+v.rng.IntN(99_999)), fmt.Sprintf("9%011d", v.rng.IntN(1_000_000))
	answer, err := v.line.Exchanger.Exchange(context.Background(), &m)
	require.NoError(v.t, err)
	require.NotEqual(v.t, "00", answer.ResponseCode, "%s: a cryptogram paid twice", v.said)
}

// bought is one of the payments that were made.
func (v *town) bought() *bought {
	if len(v.payments) == 0 {
		return nil
	}
	from := max(0, len(v.payments)-8)
	return v.payments[from+v.rng.IntN(len(v.payments)-from)]
}

// reverseTap reverses a payment by a message, perhaps again.
func (v *town) reverseTap() {
	b := v.bought()
	if b == nil || b.message == nil {
		return
	}
	v.said += fmt.Sprintf(": reversal of %d (%s)", b.id, b.state)
	r := *b.message
	r.MTI, r.ICCData, r.PINBlock = "0400", nil, nil
	r.OriginalData = string(b.message.MTI) + r.STAN + r.TransmissionTime + fmt.Sprintf("%011s", r.AcquirerID) + "00000000000"
	answer, err := v.line.Exchanger.Exchange(context.Background(), &r)
	require.NoError(v.t, err, v.said)
	require.Equal(v.t, "00", answer.ResponseCode, v.said)
	if !b.reversed { // the same message again changes nothing, whatever happened since
		b.reversed = true
		v.undo(b, b.amount-b.back)
		amount, billed := v.settled(b, v.denied(b))
		b.amount, b.back, b.billed, b.repaid = b.amount-amount, b.back-amount, b.billed-billed, b.repaid-billed
		if b.amount == 0 {
			b.state = "gone"
		}
	}
}

// denied is what the customer of a payment has back only for now.
func (v *town) denied(b *bought) (sum int64) {
	for _, d := range v.disputes {
		if d.open && d.payment == b {
			sum += d.amount
		}
	}
	return sum
}

// settled has the merchant pay for disputes of a payment.
func (v *town) settled(b *bought, amount int64) (sum, billed int64) {
	for _, d := range v.disputes {
		if part := min(amount, d.amount); d.open && d.payment == b && part > 0 {
			paid := d.billed * part / d.amount
			if part == d.amount {
				d.open = false
			}
			d.amount, d.billed = d.amount-part, d.billed-paid
			amount, sum, billed = amount-part, sum+part, billed+paid
		}
	}
	return sum, billed
}

// undo takes a part out of a payment.
func (v *town) undo(b *bought, amount int64) {
	if b.state == "gone" || amount == 0 {
		return
	}
	billed := b.share(amount)
	if b.state == "held" {
		v.money[b.account].held -= billed
	} else {
		v.money[b.account].balance += billed
	}
	b.amount, b.billed = b.amount-amount, b.billed-billed
	if b.amount == 0 {
		b.state = "gone"
	}
}

// refundTap gives money back to a card that is tapped.
func (v *town) refundTap() {
	c, amount := v.card(func(c *townCard) bool { return c.token == "" }), 1+v.rng.Int64N(50_00)
	require.NoError(v.t, v.hold(v.w, c))
	currency, _ := emv.CurrencyByAlpha("EUR")
	v.said += fmt.Sprintf(": refund %d to %s", amount, c.name)
	p, err := v.w.Pay(context.Background(), Request{Amount: amount, Currency: currency, Type: 0x20, Explain: true})
	require.NoError(v.t, err, v.said)
	if p.Outcome != kernel.Approved {
		require.True(v.t, v.closed || v.frozen, "%s: %s", v.said, p.Detail)
		return
	}
	v.money[townAccount].balance += amount
}

// refundNamed gives money of a payment back by a message that names it.
func (v *town) refundNamed() {
	b := v.bought()
	if b == nil || b.message == nil {
		return
	}
	free := b.amount - b.back
	left := free + v.denied(b)
	part := 1 + v.rng.Int64N(left+left/4+1)
	v.keys++
	r := *b.message
	r.MTI, r.ProcessingCode, r.Amount, r.ICCData, r.PINBlock, r.STAN = "0200", "200000", &part, nil, nil, fmt.Sprintf("%06d", 800_000+v.keys)
	v.said += fmt.Sprintf(": message that refunds %d of %d (%s, %d left)", part, b.id, b.state, left)
	answer, err := v.line.Exchanger.Exchange(context.Background(), &r)
	require.NoError(v.t, err, v.said)
	want := first(when(v.closed, "91"), when(b.card.channels != nil && !slices.Contains(b.card.channels, issuer.ChannelOf(r.EntryMode)), "57"),
		when(b.state != "posted", "12"), when(part > left, "13"), "00")
	require.Equal(v.t, want, answer.ResponseCode, v.said)
	if want == "00" {
		v.settled(b, part-min(part, free))
		if free > 0 {
			v.givenBack(b, min(part, free))
		}
	}
}

// ask asks the bank for a verb, and sometimes once more under the same key. A
// refusal changes nothing.
func (v *town) ask(want string, verb func(key string) (any, error)) bool {
	key := ""
	if v.rng.IntN(2) == 0 {
		v.keys++
		key = fmt.Sprintf("%s %d", v.said, v.keys)
	}
	before := v.dump()
	first, err := verb(key)
	code := wallet.Code(err)
	if code == "" {
		require.NoError(v.t, err, v.said)
	}
	require.Equal(v.t, want, code, "%s: %v", v.said, err)
	if code != "" {
		require.Empty(v.t, firstChange(before, v.dump()), "%s was refused (%s) and changed something", v.said, code)
		return false
	}
	if key != "" {
		before = v.dump()
		again, err := verb(key)
		require.NoError(v.t, err, v.said)
		require.Equal(v.t, first, again, v.said)
		require.Empty(v.t, firstChange(before, v.dump()), "%s again under its key", v.said)
	}
	return true
}

// firstChange is the first line that differs, "" when none does.
func firstChange(before, after string) string {
	old := strings.Split(before, "\n")
	for n, line := range strings.Split(after, "\n") {
		if n >= len(old) || old[n] != line {
			return line
		}
	}
	return ""
}

// dump is what the bank's books say.
func (v *town) dump() string {
	ctx, s := context.Background(), v.w.bank.store
	var b strings.Builder
	note := func(rows any, err error) {
		require.NoError(v.t, err)
		fmt.Fprintln(&b, strings.ReplaceAll(fmt.Sprintf("%+v", rows), "} {", "}\n{"))
	}
	for _, list := range []func() (any, error){
		func() (any, error) { return s.Sequence() },
		func() (any, error) { return s.Accounts(ctx) },
		func() (any, error) { return s.Instruments(ctx) },
		func() (any, error) { return s.Bindings(ctx) },
		func() (any, error) { return s.Records(ctx, "") },
		func() (any, error) { return s.Entries(ctx, "") },
		func() (any, error) { return s.Disputes(ctx, "") },
		func() (any, error) { return s.Notices(ctx, "") },
	} {
		note(list())
	}
	for _, id := range []string{townAccount, "ALICE", "BOB", "YUKI"} {
		c, _, err := s.Controls(id)
		require.NoError(v.t, err)
		note(c.Limits, err)
	}
	return b.String()
}

// first is the first code that applies, "" when none does.
func first(codes ...string) string {
	for _, code := range codes {
		if code != "" {
			return code
		}
	}
	return ""
}

func when(yes bool, code string) string {
	if yes {
		return code
	}
	return ""
}

func (v *town) account() string { return []string{townAccount, "ALICE", "BOB", "YUKI"}[v.rng.IntN(4)] }

func (v *town) isFrozen(account string) bool { return v.frozen && account == townAccount }

func (v *town) topUp() {
	a, minor := v.account(), 1+v.rng.Int64N(100_00)
	v.said += fmt.Sprintf(": top up %s %d", a, minor)
	if v.ask(when(v.closed, "maintenance"), func(key string) (any, error) {
		return v.w.bank.TopUp(context.Background(), issuer.TopUpRequest{Account: a, Amount: v.text(a, minor), Idempotency: key})
	}) {
		v.money[a].balance += minor
	}
}

func (v *town) transfer() {
	from, to, minor := v.account(), v.account(), 1+v.rng.Int64N(300_00)
	p := v.money[from]
	v.said += fmt.Sprintf(": transfer %d from %s to %s", minor, from, to)
	arrives := converted(minor, p.currency, v.money[to].currency)
	want := first(when(v.closed, "maintenance"), when(v.isFrozen(from), "account-frozen"), when(from == to, "same-account"),
		when(minor > p.balance-p.held, "insufficient-funds"), when(arrives == 0, "invalid-amount"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Transfer(context.Background(), issuer.TransferRequest{From: from, To: to, Amount: v.text(from, minor), Idempotency: key})
	}) {
		p.balance -= minor
		v.money[to].balance += arrives
	}
}

// converted is what arrives in another currency, rounded down. Rates are those of
// the demo bank, in ten-thousandths of a euro for one minor unit of a hundred.
func converted(minor int64, from, to emv.Currency) int64 {
	if from == to {
		return minor
	}
	worth := map[string]int64{"EUR": 10000, "USD": 9200, "JPY": 6200} // a yen has no cents: 0.0062 times 100
	n, d := minor*worth[from.Alpha], worth[to.Alpha]
	if from.Alpha == "JPY" || to.Alpha == "JPY" {
		worth["JPY"] = 62 * 100 // 0.0062 EUR is 0.62 cent
		n, d = minor*worth[from.Alpha], worth[to.Alpha]
	}
	return n / d
}

func (v *town) preAuthorise() {
	a, minor := v.account(), 1+v.rng.Int64N(400_00)
	p := v.money[a]
	v.said += fmt.Sprintf(": hold %d on %s", minor, a)
	want := first(when(v.closed, "maintenance"), when(v.isFrozen(a), "account-frozen"), when(v.limited && a == townAccount, "over-limit"),
		when(minor > p.balance-p.held, "insufficient-funds"))
	var id int64
	if v.ask(want, func(key string) (any, error) {
		s, err := v.w.bank.PreAuthorise(context.Background(), issuer.HoldRequest{Account: a, Amount: v.text(a, minor), Merchant: "HOTEL", Category: "7011", Idempotency: key})
		id = s.ID
		return s, err
	}) {
		p.held += minor
		v.payments = append(v.payments, &bought{account: a, id: id, state: "held", hold: true, amount: minor, billed: minor})
	}
}

// text of an amount of a payment, in its own currency.
func (v *town) amountOf(b *bought, minor int64) string {
	if b.message != nil && b.message.Currency == "840" {
		c, _ := emv.CurrencyByAlpha("USD")
		return c.Format(minor)
	}
	return v.text(b.account, minor)
}

func (v *town) increment() {
	b, minor := v.bought(), 1+v.rng.Int64N(100_00)
	if b == nil || b.message != nil && b.message.Currency == "840" {
		return
	}
	p := v.money[b.account]
	v.said += fmt.Sprintf(": increment %d by %d", b.id, minor)
	want := first(when(v.closed, "maintenance"), when(b.state != "held", "hold-not-open"), when(v.isFrozen(b.account), "account-frozen"),
		when(v.limited && b.account == townAccount, "over-limit"), when(minor > p.balance-p.held, "insufficient-funds"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Increment(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, minor), Idempotency: key})
	}) {
		p.held += minor
		b.amount, b.billed = b.amount+minor, b.billed+minor
	}
}

func (v *town) complete() {
	b := v.bought()
	if b == nil {
		return
	}
	part := 1 + v.rng.Int64N(b.amount+b.amount/4+1)
	v.said += fmt.Sprintf(": complete %d (%s, %d) with %d", b.id, b.state, b.amount, part)
	want := first(when(v.closed, "maintenance"), when(b.state != "held", "hold-not-open"), when(part > b.amount, "above-hold"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Complete(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.completed(b, part)
	}
}

func (v *town) completed(b *bought, part int64) {
	billed := b.share(part)
	p := v.money[b.account]
	p.held -= b.billed
	p.balance -= billed
	b.state, b.amount, b.billed = "posted", part, billed
}

func (v *town) reverse() {
	b := v.bought()
	if b == nil {
		return
	}
	left := b.amount - b.back
	part := 1 + v.rng.Int64N(left+left/4+1)
	v.said += fmt.Sprintf(": reverse %d (%s, %d left) by %d", b.id, b.state, left, part)
	want := first(when(v.closed, "maintenance"), when(b.state == "gone", "payment-reversed"), when(left == 0, "nothing-left"), when(part > left, "over-refund"))
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.Reverse(context.Background(), issuer.PaymentRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.undo(b, part)
	}
}

func (v *town) refund() {
	b := v.bought()
	if b == nil {
		return
	}
	left := b.amount - b.back
	part := 1 + v.rng.Int64N(left+left/4+1)
	v.said += fmt.Sprintf(": refund %d of %d (%s, %d left)", part, b.id, b.state, left)
	if v.ask(v.mayGiveBack(b, part > left), func(key string) (any, error) {
		return v.w.bank.Refund(context.Background(), issuer.RefundRequest{Payment: b.id, Amount: v.amountOf(b, part), Idempotency: key})
	}) {
		v.givenBack(b, part)
	}
}

func (v *town) mayGiveBack(b *bought, over bool) string {
	return first(when(v.closed, "maintenance"), when(b.state == "gone", "payment-reversed"), when(b.state == "held", "payment-pending"),
		when(b.amount == b.back, "nothing-left"), when(over, "over-refund"))
}

func (v *town) givenBack(b *bought, part int64) (billed int64) {
	billed = b.share(part)
	v.money[b.account].balance += billed
	b.back, b.repaid = b.back+part, b.repaid+billed
	return billed
}

func (v *town) deny() {
	b := v.bought()
	if b == nil {
		return
	}
	v.said += fmt.Sprintf(": dispute %d (%s)", b.id, b.state)
	var id int64
	if v.ask(v.mayGiveBack(b, false), func(key string) (any, error) {
		d, err := v.w.bank.Dispute(context.Background(), issuer.DisputeRequest{Payment: b.id, Reason: "not me", Idempotency: key})
		id = d.ID
		return d, err
	}) {
		part := b.amount - b.back
		v.disputes = append(v.disputes, &denied{id, b, part, v.givenBack(b, part), true})
	}
}

func (v *town) resolve() {
	if len(v.disputes) == 0 {
		return
	}
	d, outcome := v.disputes[v.rng.IntN(len(v.disputes))], []string{"accepted", "rejected", "withdrawn"}[v.rng.IntN(3)]
	v.said += fmt.Sprintf(": dispute %d is %s", d.id, outcome)
	if v.ask(first(when(v.closed, "maintenance"), when(!d.open, "dispute-closed")), func(key string) (any, error) {
		return v.w.bank.Resolve(context.Background(), issuer.ResolveRequest{Dispute: d.id, Outcome: outcome, Idempotency: key})
	}) {
		d.open = false
		if outcome != "accepted" {
			d.payment.back, d.payment.repaid = d.payment.back-d.amount, d.payment.repaid-d.billed
			v.money[d.payment.account].balance -= d.billed
		}
	}
}

func (v *town) clear() {
	v.said += ": clear"
	if v.ask(when(v.closed, "maintenance"), func(key string) (any, error) {
		return v.w.bank.Clear(context.Background(), issuer.ClearRequest{Idempotency: key})
	}) {
		for _, b := range v.payments {
			if b.state == "held" && !b.hold {
				v.completed(b, b.amount)
			}
		}
	}
}

// expire lets eight days pass: holds that nobody completed are free.
func (v *town) expire() {
	if v.closed || v.rng.IntN(3) > 0 {
		return
	}
	v.said += ": holds expire"
	v.w.Clock.Sleep(context.Background(), 8*24*time.Hour)
	v.lapse()
}

func (v *town) freezeAccount() {
	freeze := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": freeze the account: %t", freeze)
	verb, want := v.w.bank.Unfreeze, when(!v.frozen, "account-not-frozen")
	if freeze {
		verb, want = v.w.bank.Freeze, when(v.frozen, "account-frozen")
	}
	if v.ask(first(when(v.closed, "maintenance"), want), func(key string) (any, error) {
		return verb(context.Background(), issuer.AccountRequest{Account: townAccount, Idempotency: key})
	}) {
		v.frozen = freeze
	}
}

func (v *town) closeBank() {
	v.closed = v.rng.IntN(4) == 0
	_, err := v.w.bank.SetMaintenance(context.Background(), issuer.MaintenanceRequest{On: v.closed})
	require.NoError(v.t, err)
}

func (v *town) limit() {
	limited := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": limit: %t", limited)
	r := issuer.LimitRequest{Account: townAccount, Per: "payment", Amount: "0.01"}
	if !limited {
		r.Amount, r.Remove = "", true
	}
	if v.ask(first(when(v.closed, "maintenance"), when(!limited && !v.limited, "unknown-limit")), func(key string) (any, error) {
		r.Idempotency = key
		return v.w.bank.SetLimit(context.Background(), r)
	}) {
		v.limited = limited
	}
}

// ownCard is the owner freezing a card on the phone, or not.
func (v *town) ownCard() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	freeze := v.rng.IntN(3) == 0
	v.said += fmt.Sprintf(": %s frozen on the phone: %t", c.name, freeze)
	verb := v.w.wallet.Unfreeze
	if freeze {
		verb = v.w.wallet.Freeze
	}
	if err := verb(context.Background(), c.name); err == nil {
		c.byUser = freeze
	} else {
		require.NotEmpty(v.t, wallet.Code(err), "%s: %v", v.said, err)
		require.Equal(v.t, freeze, c.byUser, "%s: %v", v.said, err)
	}
}

func (v *town) bankCard() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	verb := []provisioning.Verb{"suspend", "resume", "resume", "delete"}[v.rng.IntN(4)]
	v.said += fmt.Sprintf(": the bank's %s of %s", verb, c.name)
	want := map[provisioning.Verb]string{"suspend": when(c.byBank, "already-suspended"), "delete": ""}[verb]
	if verb == "resume" && !c.byBank {
		want = "token-active"
		if c.lost {
			want = "suspended-by-lost-phone"
		}
		if c.byUser {
			want = "suspended-by-user"
		}
	}
	if v.ask(want, func(key string) (any, error) {
		return v.w.bank.ManageToken(context.Background(), issuer.TokenChange{Token: c.token, Verb: verb, Reason: "a reason", Idempotency: key})
	}) {
		c.byBank, c.gone = verb == "suspend", verb == "delete"
	}
}

func (v *town) losePhone() {
	c, lose := v.card(ofPhone), v.rng.IntN(3) == 0
	if c == nil {
		return
	}
	v.said += fmt.Sprintf(": the phone is lost: %t", lose)
	verb, want := v.w.bank.FoundPhone, when(!c.lost, "not-lost")
	if lose {
		verb, want = v.w.bank.LostPhone, when(c.lost, "already-lost")
	} else if !c.lost && !c.byUser && !c.byBank {
		want = "token-active"
	}
	if v.ask(want, func(key string) (any, error) {
		return verb(context.Background(), issuer.PhoneRequest{Token: c.token, Idempotency: key})
	}) {
		v.lost = lose
		for _, c := range v.cards {
			if ofPhone(c) {
				c.lost = lose
			}
		}
	}
}

func (v *town) control() {
	c := v.card(ofPhone)
	if c == nil {
		return
	}
	channels := [][]string{nil, nil, {issuer.ChannelContactless}, {issuer.ChannelQR, issuer.ChannelInApp}}[v.rng.IntN(4)]
	v.said += fmt.Sprintf(": %s is for %v", c.name, channels)
	if v.ask("", func(key string) (any, error) {
		return v.w.bank.ControlToken(context.Background(), issuer.DomainChange{Token: c.token, Domain: issuer.Domain{Channels: channels}, Idempotency: key})
	}) {
		c.channels = channels
	}
}

func (v *town) renew() {
	if c := v.card(ofPhone); c != nil {
		v.said += ": renew " + c.name
		_, err := v.w.wallet.Renew(context.Background(), c.name)
		if !v.closed { // then a date may be had, but no keys for it
			v.refusedOr(err, c.byUser || c.byBank || c.lost || v.frozen)
		}
	}
}

func (v *town) refill() {
	if c := v.card(ofPhone); c != nil {
		v.said += ": refill " + c.name
		_, err := v.w.wallet.Refill(context.Background(), c.name, true)
		if wallet.Code(err) == "enough-keys" {
			return
		}
		v.refusedOr(err, c.byUser || c.byBank || c.lost || v.closed)
	}
}

// refusedOr is a refusal exactly when something stands against it.
func (v *town) refusedOr(err error, against bool) {
	if err != nil {
		require.NotEmpty(v.t, wallet.Code(err), "%s: %v", v.said, err)
	}
	require.Equal(v.t, against, err != nil, "%s: %v", v.said, err)
}

// replace adds a card anew whose token is gone, or takes one out.
func (v *town) replace() {
	ctx := context.Background()
	for n, c := range v.cards {
		if c.gone && !v.closed && !v.frozen && !v.lost { // who has a lost phone gets no more cards on it
			v.said += ": add again " + c.name
			require.NoError(v.t, v.w.wallet.Remove(ctx, c.name), v.said)
			v.cards = slices.Delete(v.cards, n, n+1)
			v.add(c)
			return
		}
	}
	if c := v.card(ofPhone); c != nil && v.rng.IntN(3) == 0 {
		v.said += ": delete " + c.name
		_, err := v.w.bank.ManageToken(ctx, issuer.TokenChange{Token: c.token, Verb: "delete"})
		require.NoError(v.t, err, v.said)
		c.gone = true
	}
}

func (v *town) poll() {
	_, err := v.w.wallet.Poll(context.Background())
	if err != nil {
		require.True(v.t, v.closed && wallet.Code(err) != "", "%s: %v", v.said, err)
	}
}

func (v *town) wait() {
	v.w.Clock.Sleep(context.Background(), time.Duration(v.rng.IntN(5*24))*time.Hour)
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
