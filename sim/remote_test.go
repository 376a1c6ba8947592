package sim

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/emv/qr"
	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/wallet"
)

// code has the phone show a code.
func (o *owner) code(card string) string {
	o.t.Helper()
	var text string
	o.must(func(p *Phone) error {
		c, err := p.ShowCode(o.ctx, card)
		text = c.Text
		return err
	})
	return text
}

// scan has the point of sale scan a code.
func (o *owner) scan(text string, amount int64) (Payment, error) {
	o.t.Helper()
	options := o.options()
	options.NoCard = true
	w, err := Open(o.ctx, options)
	require.NoError(o.t, err)
	defer func() { require.NoError(o.t, w.Close()) }()
	return w.Scan(o.ctx, text, Request{Amount: amount, Currency: euro(o.t), Explain: true})
}

func (o *owner) mustScan(text string, amount int64) Payment {
	o.t.Helper()
	p, err := o.scan(text, amount)
	require.NoError(o.t, err)
	return p
}

var bookshop = Merchant{ID: "BOOKS-01", Name: "BOOKS ONLINE", City: "ONLINE", Category: "5942", Country: "DE"}

// buy pays a merchant without a reader.
func (o *owner) buy(s RemoteSale) (payment Payment, err error) {
	o.t.Helper()
	s.Currency = euro(o.t)
	if s.Merchant.Name == "" {
		s.Merchant = bookshop
	}
	err = o.phone(func(p *Phone) (err error) {
		payment, _, err = p.PayRemotely(o.ctx, s)
		return err
	})
	return payment, err
}

// alone pays without a reader, if the phone does.
func (o *owner) alone(verb string) (Payment, error) {
	if verb == "buy" {
		return o.buy(RemoteSale{Amount: 1_00})
	}
	var text string
	err := o.phone(func(p *Phone) error {
		c, err := p.ShowCode(o.ctx, "")
		text = c.Text
		return err
	})
	if err != nil {
		return Payment{}, err
	}
	return o.scan(text, 1_00)
}

// refusedBy is a declined payment with the response code and the step that
// failed.
func refusedBy(t testing.TB, p Payment, code, text string) {
	t.Helper()
	require.Equal(t, kernel.Declined, p.Outcome, p.Detail)
	require.NotNil(t, p.Response, p.Detail)
	require.Equal(t, code, p.Response.ResponseCode, "%+v", p.Report.Steps)
	for _, s := range p.Report.Steps {
		if s.Result == issuer.Failed {
			require.Contains(t, s.Text, text)
			return
		}
	}
	t.Fatal("no step failed")
}

// TestBeyondTheTap pays in all ways with a card of each scheme, and what phone
// and bank remember names the way.
func TestBeyondTheTap(t *testing.T) {
	o := newOwner(t)
	for _, number := range []string{"4761739001010119", "5413339001000019", "6250940001000018"} {
		name := o.add(number)
		p := o.mustScan(o.code(name), 12_50)
		require.Equal(t, kernel.Approved, p.Outcome, "%s: %s", name, p.Detail)
		require.Equal(t, "03", p.Request.EntryMode[:2])
		require.Equal(t, issuer.OK, p.Report.Cryptogram)
		p, err := o.buy(RemoteSale{Card: name, Amount: 120_00})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, p.Outcome, "%s: %s %+v", name, p.Detail, p.Report)
		require.Equal(t, "81", p.Request.EntryMode[:2])
		require.Equal(t, "59", p.Request.ConditionCode)
		p, err = o.buy(RemoteSale{Card: name, Amount: 3_00, QR: true})
		require.NoError(t, err)
		require.Equal(t, kernel.Approved, p.Outcome, "%s: %s", name, p.Detail)
		require.Equal(t, "03", p.Request.EntryMode[:2])
		o.must(func(p *Phone) error {
			_, err := p.Poll(o.ctx)
			require.NoError(t, err)
			list, err := p.History(name)
			var ways []string
			for _, e := range list {
				ways = append(ways, e.Channel+" "+e.State+" "+e.Amount+" "+e.Currency)
			}
			require.Equal(t, []string{"qr approved 12.50 EUR", "in-app approved 120.00 EUR", "qr approved 3.00 EUR"}, ways)
			return err
		})
	}
	o.must(func(p *Phone) error {
		list, err := p.Bank.Payments(o.ctx, "DEMO-0001")
		count := map[string]int{}
		for _, s := range list {
			count[s.Channel]++
		}
		require.Equal(t, map[string]int{"": 1, "qr": 6, "in-app": 3}, count)
		require.NoError(t, p.Bank.Audit(o.ctx))
		return err
	})
}

// TestCodesAreRefused: a code that is old, was used, was changed, or is taken
// elsewhere pays nothing.
func TestCodesAreRefused(t *testing.T) {
	o := newOwner(t)
	name, other := o.add("4761739001010119"), o.add("5413339001000019")
	text := o.code(name)
	o.now = o.now.Add(61 * time.Second)
	refusedBy(t, o.mustScan(text, 1_00), "63", "the code has expired: it was made 1m1s ago")
	text = o.code(name)
	o.now = o.now.Add(-31 * time.Second)
	refusedBy(t, o.mustScan(text, 1_00), "63", "the code was made 31s after now")
	text = o.code(name)
	o.now = o.now.Add(time.Minute)
	require.Equal(t, kernel.Approved, o.mustScan(text, 1_00).Outcome)
	refusedBy(t, o.mustScan(text, 1_00), "63", "replay")
	refusedBy(t, o.mustScan(text, 2_00), "63", "replay")

	// Every object that the bank reads counts.
	change := func(tag emv.Tag, value []byte) string {
		c, err := qr.ParseConsumer(o.code(name))
		require.NoError(t, err)
		a := &c.Applications[0]
		for _, list := range []*emv.List{&a.Data, &a.Transparent} {
			if old, ok := list.Lookup(tag); ok {
				if value == nil {
					value = append([]byte{}, old...)
					value[len(value)-1] ^= 1
				}
				list.Set(tag, value)
			}
		}
		out, err := c.Text()
		require.NoError(t, err)
		return out
	}
	for _, tag := range []emv.Tag{emv.TagCryptogram, emv.TagIAD, emv.TagATC, emv.TagAIP} {
		refusedBy(t, o.mustScan(change(tag, nil), 1_00), "82", "expected")
	}
	refusedBy(t, o.mustScan(change(emv.TagPANSequence, []byte{0x07}), 1_00), "14", "PAN sequence number 07")

	// The number of another card, of another network.
	c, err := qr.ParseConsumer(o.code(other))
	require.NoError(t, err)
	track, _ := c.Applications[0].Data.Lookup(emv.TagTrack2)
	refusedBy(t, o.mustScan(change(emv.TagTrack2, track), 1_00), "63", "84 names an application of visa, the account number is of mastercard")

	// No code at all.
	raw, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	for n := range raw {
		cut := base64.StdEncoding.EncodeToString(raw[:n])
		_, err := qr.ParseConsumer(cut)
		require.Error(t, err)
	}
	_, err = o.scan("6212345678901234567", 1_00)
	require.ErrorContains(t, err, "only its network knows")
	unknown := change(emv.TagADFName, []byte{0xA0, 0, 0, 9, 0x99, 1})
	p := o.mustScan(unknown, 1_00)
	require.Equal(t, kernel.EndApplication, p.Outcome)
	require.Nil(t, p.Request)
}

// TestForeignDomains: what was made for one way does not pay by another, and a
// token that is not for a way does not pay by it.
func TestForeignDomains(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	send := func(given wallet.Credential, amount int64, commerce bool, edit func(*terminal.HostConfig, *terminal.Credential)) Payment {
		t.Helper()
		var out Payment
		o.must(func(p *Phone) error {
			w := p.world
			m := bookshop
			require.NoError(t, w.openGateway(o.ctx, &m))
			c := terminal.Credential{AID: given.AID, Data: given.Data, Commerce: commerce}
			if edit != nil {
				edit(&w.Terminal.Host, &c)
			}
			var err error
			out, err = w.decide(o.ctx, Request{Amount: amount, Currency: euro(t), Explain: true}, func(r terminal.Request) (terminal.Result, error) {
				return w.term.Present(o.ctx, c, r)
			})
			return err
		})
		return out
	}
	prove := func(amount int64) (c wallet.Credential) {
		o.must(func(p *Phone) (err error) {
			c, err = p.Wallet.PayRemotely(o.ctx, wallet.Sell{Card: name, Amount: amount, Currency: euro(t), Country: 276, Date: o.now})
			return err
		})
		return c
	}
	refusedBy(t, send(prove(5_00), 6_00, true, nil), "63", "field 4 asks for 6.00 EUR, the card was told 9F02 000000000500")
	given := prove(5_00)
	given.Data.Set(emv.TagAmount, []byte{0, 0, 0, 0, 6, 0})
	refusedBy(t, send(given, 6_00, true, nil), "82", "expected")

	// A code's data in an app.
	c, err := qr.ParseConsumer(o.code(name))
	require.NoError(t, err)
	refusedBy(t, send(wallet.Credential{AID: c.Applications[0].AID(), Data: c.Data(0)}, 5_00, true, nil), "63", `field 22 is "810"`)

	// A token whose number was seen, without a cryptogram.
	given = prove(5_00)
	track, _ := given.Data.Lookup(emv.TagTrack2)
	refusedBy(t, send(wallet.Credential{AID: given.AID, Data: emv.List{{Tag: emv.TagTrack2, Value: track}}}, 5_00, true, nil), "30", "has no")

	// A token for taps alone, then for codes alone.
	limit := func(channels ...string) {
		o.must(func(p *Phone) error {
			card, err := p.Find(name)
			require.NoError(t, err)
			return second(p.Bank.ControlToken(o.ctx, issuer.DomainChange{Token: card.Token, Domain: issuer.Domain{Channels: channels}}))
		})
	}
	limit(issuer.ChannelContactless)
	refusedBy(t, o.mustScan(o.code(name), 1_00), "57", "not for payments by qr")
	p, err := o.buy(RemoteSale{Amount: 1_00})
	require.NoError(t, err)
	refusedBy(t, p, "57", "not for payments by in-app")
	limit(issuer.ChannelQR)
	require.Equal(t, kernel.Approved, o.mustScan(o.code(name), 1_00).Outcome)
	tap, _ := o.pay(name, 1_00, nil)
	refusedBy(t, tap, "57", "not for payments by contactless")
}

// TestPhoneDecidesFirst: freezing, passcode and keys count without a reader, too,
// and a coupon is given back when nothing was paid.
func TestPhoneDecidesFirst(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	refuses := func(code string) {
		t.Helper()
		require.Equal(t, code, wallet.Code(o.phone(func(p *Phone) error { return second(p.ShowCode(o.ctx, "")) })))
		_, err := o.buy(RemoteSale{Amount: 1_00})
		require.Equal(t, code, wallet.Code(err), err)
	}
	o.must(func(p *Phone) error { return p.Freeze(o.ctx, name) })
	refuses("card-stopped")
	o.must(func(p *Phone) error { return p.Unfreeze(o.ctx, name) })
	o.must(func(p *Phone) error { return p.SetPasscode(ownPasscode) })
	o.must(func(p *Phone) error { return p.Lock() })
	refuses("wallet-locked")
	o.must(func(p *Phone) error { return second(p.Unlock(ownPasscode, wallet.DefaultWindow)) })
	require.Equal(t, kernel.Approved, o.mustScan(o.code(name), 1_00).Outcome)

	o.must(func(p *Phone) error {
		return second(p.AddCoupon(wallet.Coupon{ID: "two", Merchant: bookshop.Name, Off: 2_00, Currency: "EUR", Until: o.now.AddDate(0, 1, 0)}))
	})
	o.now = o.now.Add(2 * time.Minute)
	_, err := o.buy(RemoteSale{Amount: 10_00, Coupon: "two"})
	require.Equal(t, "wallet-locked", wallet.Code(err))
	o.must(func(p *Phone) error { return second(p.Unlock(ownPasscode, wallet.DefaultWindow)) })
	p, err := o.buy(RemoteSale{Amount: 10_00, Coupon: "two"})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, p.Outcome)
	require.EqualValues(t, 8_00, *p.Request.Amount)
	_, err = o.buy(RemoteSale{Amount: 10_00, Coupon: "two"})
	require.Equal(t, "coupon-spent", wallet.Code(err))

	// Offline the phone shows codes as long as its keys last, then says why not.
	o.now = o.now.AddDate(0, 1, 0)
	options := o.options()
	phone, err := OpenPhone(o.ctx, PhoneOptions{Options: options, Offline: true})
	require.NoError(t, err)
	defer phone.Close()
	_, err = phone.Unlock(ownPasscode, wallet.DefaultWindow)
	require.NoError(t, err)
	_, err = phone.ShowCode(o.ctx, name)
	require.Equal(t, "phone-refused", wallet.Code(err))
	require.ErrorContains(t, err, "the keys have expired")
	_, _, err = phone.PayRemotely(o.ctx, RemoteSale{Amount: 1_00, Currency: euro(t), Merchant: bookshop})
	require.Equal(t, "offline", wallet.Code(err))
}

// TestNothingIsLeftInTheClear: no account number, key or code stands in what
// phone, point of sale and bank keep to explain payments.
func TestNothingIsLeftInTheClear(t *testing.T) {
	o := newOwner(t)
	secrets := []string{"4761739001010119"}
	name := o.add(secrets[0])
	o.must(func(p *Phone) error { return p.SetPasscode(ownPasscode) })
	o.must(func(p *Phone) error { return second(p.Unlock(ownPasscode, wallet.DefaultWindow)) })
	text := o.code(name)
	p := o.mustScan(text, 1_00)
	tap, _ := o.pay(name, 2_00, func(_ *Options, r *Request) { r.Passcode = ownPasscode })
	require.Equal(t, kernel.Approved, tap.Outcome)
	_, err := o.buy(RemoteSale{Amount: 3_00})
	require.NoError(t, err)
	secrets = append(secrets, string(p.PAN), text, ownPasscode)
	files := 0
	require.NoError(t, filepath.WalkDir(o.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, s := range secrets {
			require.NotContains(t, string(data), s, path)
			if bcd, bad := hex.DecodeString(s); bad == nil {
				require.NotContains(t, string(data), string(bcd), path)
			}
		}
		files++
		return err
	}))
	require.Greater(t, files, 5)
	stories := func(id string) (list []Story) {
		o.must(func(p *Phone) (err error) {
			require.NoError(t, second(p.Poll(o.ctx)))
			list, err = p.Stories(o.ctx, id)
			return err
		})
		return list
	}
	for n, channel := range []string{issuer.ChannelQR, issuer.ChannelContactless, issuer.ChannelInApp} {
		list := stories(fmt.Sprintf("%s/%d", name, n+1))
		require.Len(t, list, 1)
		s := list[0]
		require.Equal(t, []string{channel, channel, channel, channel}, []string{s.Look.Channel, s.Entry.Channel, s.Slip.Channel, s.Bank.Channel})
		require.NotEmpty(t, s.Bank.Checks)
		require.True(t, s.Look.Unlocked)
		require.Equal(t, Verdict{Outcome: "approved"}, s.Verdict())
	}
}

// TestLostAnswer: a payment in an app whose answer is lost is undone with the
// next one, gives its coupon back, and its story says so.
func TestLostAnswer(t *testing.T) {
	o := newOwner(t)
	bank, err := issuerconfig.Demo()
	require.NoError(t, err)
	bank.Config.Rules = append(bank.Config.Rules, issuer.Rule{Name: "lost", MTI: "0100", AmountFrom: 5_00, AmountTo: 5_00, Silence: issuer.SilenceAnswer})
	name := o.add("4761739001010119")
	o.must(func(p *Phone) error {
		return second(p.AddCoupon(wallet.Coupon{ID: "two", Merchant: bookshop.Name, Off: 2_00, Currency: "EUR", Until: o.now.AddDate(0, 1, 0)}))
	})
	options := o.options()
	options.Bank = &bank
	phone, err := OpenPhone(o.ctx, PhoneOptions{Options: options})
	require.NoError(t, err)
	p, _, err := phone.PayRemotely(o.ctx, RemoteSale{Amount: 7_00, Currency: euro(t), Merchant: bookshop, Coupon: "two"})
	require.NoError(t, err)
	require.Equal(t, kernel.Declined, p.Outcome)
	require.True(t, p.ReversalPending)
	require.Equal(t, "free", phone.State().Coupons[0].State)
	require.NoError(t, phone.Close())

	verdict := func() (v Verdict) {
		o.must(func(p *Phone) error {
			require.NoError(t, second(p.Poll(o.ctx)))
			list, err := p.Stories(o.ctx, name+"/1")
			require.Len(t, list, 1)
			v = list[0].Verdict()
			return err
		})
		return v
	}
	v := verdict()
	require.Equal(t, []string{"declined", "network", "network"}, []string{v.Outcome, v.Where, v.Cause})
	require.Contains(t, v.Advice, "nothing will be charged")
	p, err = o.buy(RemoteSale{Amount: 1_00})
	require.NoError(t, err)
	require.Equal(t, kernel.Approved, p.Outcome)
	require.Equal(t, "reversed", verdict().Outcome)
}

// TestBadMerchants: whom the message could not name is refused before a key is used
// up, and so pays no code and no coupon.
func TestBadMerchants(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	for what, edit := range map[string]func(*Merchant){
		"no identifier": func(m *Merchant) { m.ID = " " }, "another alphabet": func(m *Merchant) { m.ID = "CAFÉ" },
		"a long identifier": func(m *Merchant) { m.ID = "1234567890123456" }, "no name": func(m *Merchant) { m.Name = "  " },
		"a name of another alphabet": func(m *Merchant) { m.Name = "CAFÉ" }, "a long name": func(m *Merchant) { m.Name = "12345678901234567890123456" },
		"controls": func(m *Merchant) { m.Name = "A\x1b[2J" }, "no category": func(m *Merchant) { m.Category = "" }, "letters": func(m *Merchant) { m.Category = "59A9" },
	} {
		m := bookshop
		edit(&m)
		_, err := o.buy(RemoteSale{Amount: 1_00, Merchant: m})
		require.Equal(t, "bad-merchant", wallet.Code(err), "%s: %v", what, err)
	}
	o.must(func(p *Phone) error {
		list, err := p.History(name)
		require.Empty(t, list)
		return err
	})
}

// TestPaidAgainAfterReversal: a dynamic code whose payment was taken back can be
// paid; one that was paid cannot.
func TestPaidAgainAfterReversal(t *testing.T) {
	o := newOwner(t)
	o.add("4761739001010119")
	amount := int64(4_00)
	text, err := qr.Merchant{
		Initiation: qr.Dynamic, Accounts: []qr.Template{{ID: 26, GUID: qr.NetworkID, Objects: []qr.Object{{ID: 1, Value: "BOOKS-01"}}}},
		Category: "5942", Currency: euro(t), Amount: &amount, Country: "DE", Name: "BOOKS", City: "BERLIN",
	}.Text()
	require.NoError(t, err)
	var sent *iso8583.Message
	pay := func() error {
		return o.phone(func(p *Phone) error {
			bill, err := p.ReadBill(text, "", func(emv.Currency) (wallet.Added, error) { return wallet.Added{}, nil })
			if err != nil {
				return err
			}
			payment, _, err := p.PayRemotely(o.ctx, RemoteSale{Amount: bill.Total, Currency: bill.Currency, QR: true, Code: bill.Code, Merchant: bookshop})
			require.Equal(t, kernel.Approved, payment.Outcome, payment.Detail)
			sent = payment.Request
			return err
		})
	}
	require.NoError(t, pay())
	require.Equal(t, "code-paid", wallet.Code(pay()))
	o.must(func(p *Phone) error {
		m := *sent
		m.MTI, m.ICCData = iso8583.ReversalAdvice, nil
		m.OriginalData = string(sent.MTI) + sent.STAN + sent.TransmissionTime + fmt.Sprintf("%011s", sent.AcquirerID) + "00000000000"
		answer, err := p.Bank.Handle(o.ctx, &m, nil)
		require.NoError(t, err)
		require.Equal(t, "00", answer.Message.ResponseCode)
		return second(p.Poll(o.ctx))
	})
	require.NoError(t, pay())
	require.Equal(t, "code-paid", wallet.Code(pay()))
}

// TestWhatACodeBrings: the point of sale sends on what the code means for the
// bank, and the bank refuses what a code cannot tell.
func TestWhatACodeBrings(t *testing.T) {
	o := newOwner(t)
	name := o.add("4761739001010119")
	edited := func(edit func(*qr.Application)) Payment {
		c, err := qr.ParseConsumer(o.code(name))
		require.NoError(t, err)
		edit(&c.Applications[0])
		text, err := c.Text()
		require.NoError(t, err)
		return o.mustScan(text, 1_00)
	}
	p := edited(func(a *qr.Application) { a.Data.Set(emv.TagCardholderName, []byte("DOE/JANE")) })
	require.Equal(t, kernel.Approved, p.Outcome)
	_, there := emv.Find(p.Request.ICCData, emv.TagCardholderName)
	require.False(t, there)
	for _, tag := range []emv.Tag{emv.TagTrack2, emv.TagPAR, emv.TagADFName} {
		_, there := emv.Find(p.Request.ICCData, tag)
		require.False(t, there, tag)
	}
	p = edited(func(a *qr.Application) { a.Transparent.Set(emv.TagAmount, []byte{0, 0, 0, 0, 1, 0}) })
	refusedBy(t, p, "30", "has no 9F1A, which the cryptogram needs")
	p = edited(func(a *qr.Application) {
		a.Transparent = append(a.Transparent, emv.List{
			{Tag: emv.TagAmount, Value: []byte{0, 0, 0, 0, 1, 0}}, {Tag: emv.TagTerminalCountry, Value: []byte{2, 0x76}}, {Tag: emv.TagTVR, Value: make([]byte, 5)},
			{Tag: emv.TagTransactionCurrency, Value: []byte{9, 0x78}}, {Tag: emv.TagTransactionDate, Value: []byte{0x30, 1, 1}}, {Tag: emv.TagTransactionType, Value: []byte{0}},
		}...)
	})
	refusedBy(t, p, "82", "expected")
}
