package sim

import (
	"context"
	"fmt"
	"io"
	"strings"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
	"tapsim/wallet"
)

// Scan makes one payment with the code that a customer's phone shows.
func (w *World) Scan(ctx context.Context, code string, r Request) (Payment, error) {
	if err := w.prepare(r); err != nil {
		return Payment{}, err
	}
	p, err := w.decide(ctx, r, func(request terminal.Request) (terminal.Result, error) { return w.term.Scan(ctx, code, request) })
	if err == nil {
		w.keepSlip(&p, issuer.ChannelQR, 0)
	}
	return p, err
}

// decide has the point of sale make a payment without a card in its field.
func (w *World) decide(ctx context.Context, r Request, pay func(terminal.Request) (terminal.Result, error)) (Payment, error) {
	request := terminal.Request{Amount: r.Amount, AmountOther: r.AmountOther, Type: r.Type, Currency: r.Currency, STAN: r.STAN}
	if r.Explain {
		request.Trace = func(kernel.Step) {}
	}
	w.host.want(r.Explain)
	result, err := pay(request)
	p := Payment{Result: result, Charged: r.Amount, Transcript: new(transcript.Transcript)}
	if w.host != nil && result.Request != nil {
		p.Report = w.host.report
	}
	if err == nil && r.Explain {
		p.Why = w.why(ctx, &p, nil)
	}
	return p, err
}

// want says whether the reports of what follows are wanted.
func (h *bankHost) want(reports bool) {
	if h != nil {
		h.wanted = reports
	}
}

// RemoteSale is a payment from phone to merchant without a reader between them.
type RemoteSale struct {
	Card     string // "" is the wallet's default
	Amount   int64  // minor units, in all
	Currency emv.Currency
	Merchant Merchant
	QR       bool   // by the code that a shop shows; else in an app
	Code     string // of that code: wallet.Bill.Code
	Coupon   string // "" is none
}

// Merchant is who is paid without a reader.
type Merchant struct {
	ID, Name, City string
	Category       string // merchant category code
	Country        string // two letters
	Terminal       string // field 41; "" is the gateway's
}

// check refuses a merchant whom the message to the bank could not name, before a
// key is used up for it.
func (m *Merchant) check() error {
	const code = "bad-merchant"
	for _, f := range []struct {
		what, text string
		most       int
	}{{"identifier", m.ID, 15}, {"name", m.Name, 25}, {"city", m.City, 15}} {
		if strings.TrimSpace(f.text) == "" || len(f.text) > f.most || strings.ContainsFunc(f.text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return refusal(code, "write it in Latin letters", "a merchant's %s has 1 to %d letters, digits and signs of ASCII", f.what, f.most)
		}
	}
	if len(m.Category) != 4 || strings.Trim(m.Category, "0123456789") != "" {
		return refusal(code, "", "a merchant category code has four digits")
	}
	return nil
}

// gateway is field 41 of merchants that have no terminal of their own.
const gateway = "TAPSIMGW"

// refusal is what the phone refuses by itself.
func refusal(code, hint, format string, args ...any) error {
	return &provisioning.Refusal{Code: code, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// PayRemotely makes a payment without a reader: the merchant's gateway draws a
// number, the card makes its cryptogram, the gateway asks the bank.
func (p *Phone) PayRemotely(ctx context.Context, s RemoteSale) (Payment, *World, error) {
	w := p.world
	if p.offline {
		return Payment{}, w, refusal("offline", "try again with a connection", "the merchant cannot be reached")
	}
	if w.host == nil && w.options.Host == nil {
		return Payment{}, w, refusal("no-host", "name the bank's ISO 8583 address: --issuer", "the merchant's gateway knows no bank")
	}
	if err := s.Merchant.check(); err != nil {
		return Payment{}, w, err
	}
	card, err := p.Find(s.Card)
	if err != nil {
		return Payment{}, w, err
	}
	if err := w.openGateway(ctx, &s.Merchant); err != nil {
		return Payment{}, w, err
	}
	r := Request{Amount: s.Amount, Currency: s.Currency, Coupon: s.Coupon, Explain: true}
	w.walletCard = card.Name
	if w.Profile, err = walletProfile(card.Scheme, card.Name); err != nil {
		return Payment{}, w, err
	}
	if w.card, err = w.phone.Card(w.Profile); err != nil && card.Enrolled {
		return Payment{}, w, err
	}
	settle, err := w.redeem(&r)
	if err != nil {
		return Payment{}, w, err
	}
	sale := wallet.Sell{
		Card: card.Name, Amount: r.Amount, Currency: s.Currency, Country: w.Terminal.Country, Merchant: s.Merchant.Name, Date: w.Clock.Now().UTC(), QR: s.QR, Code: s.Code,
	}
	if _, err := io.ReadFull(stream(w.seed, "gateway"), sale.Number[:]); err != nil {
		return Payment{}, w, err
	}
	payment, err := w.payRemotely(ctx, r, sale)
	if err == nil || wallet.Code(err) != "" {
		if settled := settle(err == nil && payment.Outcome == kernel.Approved); err == nil {
			err = settled
		}
	}
	return payment, w, err
}

func (w *World) payRemotely(ctx context.Context, r Request, s wallet.Sell) (Payment, error) {
	given, err := w.wallet.PayRemotely(ctx, s)
	if err != nil {
		return Payment{}, err
	}
	c := terminal.Credential{AID: given.AID, Label: given.Label, Data: given.Data, Commerce: !s.QR, Verified: true}
	p, err := w.decide(ctx, r, func(request terminal.Request) (terminal.Result, error) { return w.term.Present(ctx, c, request) })
	if err == nil {
		channel := issuer.ChannelInApp
		if s.QR {
			channel = issuer.ChannelQR
		}
		w.keepSlip(&p, channel, given.Look)
	}
	if err == nil && p.Outcome == kernel.Approved {
		err = w.wallet.Paid(given)
	}
	return p, err
}

// openGateway makes the point of sale that a merchant has in the network.
func (w *World) openGateway(ctx context.Context, m *Merchant) (err error) {
	if w.Terminal, err = LoadTerminal("attended"); err != nil {
		return err
	}
	country, ok := emv.CountryByAlpha(m.Country)
	if !ok {
		return fmt.Errorf("country %q: want two letters of ISO 3166, such as DE", m.Country)
	}
	t := &w.Terminal
	t.Name, t.TerminalID, t.PINKey, t.Host.EntryMode = "gateway", gateway, nil, "072"
	t.MerchantID, t.MerchantName, t.MerchantCity, t.MerchantCategory = m.ID, m.Name, m.City, m.Category
	t.Country, t.CountryAlpha = country.Numeric, m.Country
	if m.Terminal != "" {
		t.TerminalID = m.Terminal
	}
	return w.openTerminal(ctx)
}
