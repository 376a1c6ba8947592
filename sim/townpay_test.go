package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/hce/profile"
	"tapsim/issuer"
	"tapsim/terminal/kernel"
	"tapsim/wallet"
)

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
