package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/sim"
	"tapsim/wallet"
)

// aloneFlags are the flags of payments without a reader.
type aloneFlags struct {
	card, passFile, coupon, expect string
	passcode                       string // as read from passFile
	quiet, reveal                  bool
}

func (f *aloneFlags) register(c *cobra.Command, pays bool) {
	flags := c.Flags()
	flags.StringVar(&f.card, "card", "", "card of the wallet (default its default card)")
	flags.StringVar(&f.passFile, "passcode-file", "", "file with the passcode, or - for standard input: unlock the wallet first")
	if !pays {
		return
	}
	flags.StringVar(&f.coupon, "coupon", "", "coupon of the wallet (see 'tapsim wallet coupon list')")
	flags.StringVar(&f.expect, "expect", "", "exit with status 1 unless the outcome is this one: approved, declined")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print the outcome only")
	flags.BoolVar(&f.reveal, "reveal", false, "show account numbers of test cards")
}

// read reads the passcode, when the user gives it.
func (f *aloneFlags) read(a *app) (err error) {
	if f.passFile != "" {
		f.passcode, err = a.secret("passcode-file", f.passFile, "the wallet's passcode")
	}
	return err
}

// unlock unlocks the wallet when the user gave the passcode.
func (f *aloneFlags) unlock(p *sim.Phone) error {
	if f.passFile == "" {
		return nil
	}
	_, err := p.Unlock(f.passcode, wallet.DefaultWindow)
	return err
}

// walletPayCommands are the payments without a reader.
func (a *app) walletPayCommands(f *walletFlags) []*cobra.Command {
	return []*cobra.Command{a.walletQR(f), a.walletPayQR(f), a.walletPayApp(f)}
}

// codeJSON is the output of `tapsim wallet qr --json`.
type codeJSON struct {
	Card  string    `json:"card"`
	ATC   uint16    `json:"atc"`
	Until time.Time `json:"until"` // the last moment to scan it
	qrJSON
}

func (a *app) walletQR(f *walletFlags) *cobra.Command {
	k, draw := &aloneFlags{}, &qrFlags{}
	c := &cobra.Command{
		Use: "qr", Short: "Show a code that a point of sale scans", Args: cobra.NoArgs,
		Long: `Make a code with the card's token and a cryptogram of its own, and draw it (EMV QR,
consumer-presented mode). It is good for one payment within a minute: 'tapsim pay
--scan'. It needs no connection, but a key of the phone's stock.`,
		Example: "  tapsim wallet qr --png code.png\n  tapsim pay --scan code.png --amount 12.50",
	}
	k.register(c, false)
	draw.register(c)
	c.PreRunE = func(*cobra.Command, []string) error { return k.read(a) }
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withPhone(c.Context(), f, c.Name(), func(p *sim.Phone) error {
			if err := k.unlock(p); err != nil {
				return err
			}
			code, err := p.ShowCode(c.Context(), k.card)
			if err != nil {
				return err
			}
			out := codeJSON{Card: code.Card, ATC: code.ATC, Until: code.Until}
			if out.qrJSON, err = a.drawQR(draw, code.Text); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(out)
			}
			_, err = fmt.Fprintf(a.out, "%s, good for one payment until %s\n", code.Card, code.Until.Format(time.DateTime))
			return err
		})
	}
	return c
}

func (a *app) walletPayQR(f *walletFlags) *cobra.Command {
	k := &aloneFlags{}
	var amount, tip string
	c := &cobra.Command{
		Use: "pay-qr TEXT|FILE.png|-", Short: "Pay the code that a merchant shows", Args: arguments(1, 1, "the text of a merchant's code, or a PNG file with it"),
		Long: `Read a merchant's code strictly (EMV QR, merchant-presented mode) and pay it with a
token cryptogram. A static code has no amount: --amount. --tip only where the code
asks for one. The bank sees a payment by QR code. With --service name the bank's ISO
8583 address, too: --issuer.`,
		Example: "  tapsim qr merchant --name \"TEST SHOP\" --city BERLIN --amount 12.50 --png shop.png\n  tapsim wallet pay-qr shop.png",
	}
	k.register(c, true)
	c.Flags().StringVar(&amount, "amount", "", "amount, where the code has none")
	c.Flags().StringVar(&tip, "tip", "", "tip, where the code asks for one")
	return a.paying(f, c, k, func(p *sim.Phone, args []string) (sim.RemoteSale, error) {
		text, err := a.scanned(args[0])
		if err != nil {
			return sim.RemoteSale{}, err
		}
		bill, err := p.ReadBill(text, k.card, func(c emv.Currency) (wallet.Added, error) { return typedBy(c, amount, tip) })
		if err != nil {
			return sim.RemoteSale{}, err
		}
		fmt.Fprintln(a.errw, "tapsim:", billText(&bill))
		return sim.RemoteSale{
			Card: k.card, Amount: bill.Total, Currency: bill.Currency, QR: true, Code: bill.Code, Coupon: k.coupon, Merchant: sim.Merchant{
				ID: short(bill.MerchantID, 15), Name: bill.Merchant, City: bill.City, Category: bill.Category, Country: bill.Country, Terminal: short(bill.Terminal, 8),
			},
		}, nil
	})
}

// short is a text that fits a field.
func short(s string, most int) string { return strings.TrimSpace(s[:min(len(s), most)]) }

// typedBy is what the payer typed.
func typedBy(c emv.Currency, amount, tip string) (added wallet.Added, err error) {
	for _, t := range []struct {
		flag, text string
		to         **int64
	}{{"amount", amount, &added.Amount}, {"tip", tip, &added.Tip}} {
		if t.text == "" {
			continue
		}
		v, err := c.Parse(t.text)
		if err != nil {
			return added, fmt.Errorf("--%s: %w", t.flag, err)
		}
		*t.to = &v
	}
	return added, nil
}

// billText is what the phone asks its owner to confirm.
func billText(b *wallet.Bill) string {
	name := b.Merchant
	if b.Local != "" {
		name += " (" + shown(b.Local) + ")"
	}
	text := fmt.Sprintf("%s, %s: %s %s", name, b.City, b.Currency.Alpha, b.Currency.Format(b.Amount))
	if b.Tip != 0 {
		text += " and " + b.Currency.Format(b.Tip) + " on top"
	}
	if b.Bill != "" {
		text += ", bill " + b.Bill
	}
	return text
}

func (a *app) walletPayApp(f *walletFlags) *cobra.Command {
	k := &aloneFlags{}
	var m sim.Merchant
	var amount, currency string
	c := &cobra.Command{
		Use: "pay-app --merchant NAME --amount AMOUNT", Short: "Pay in an app or a web shop", Args: cobra.NoArgs,
		Long: `Pay a merchant without a reader: the card's token and a cryptogram over the amount
go through the merchant's gateway. The bank sees electronic commerce, channel in-app.
With --service name the bank's ISO 8583 address, too: --issuer.`,
		Example: "  tapsim wallet pay-app --merchant \"BOOKS ONLINE\" --amount 19.90",
	}
	k.register(c, true)
	flags := c.Flags()
	flags.StringVar(&m.Name, "merchant", "", "merchant's name, at most 25 characters")
	flags.StringVar(&m.ID, "merchant-id", "TAPSIM-SHOP-01", "merchant's identifier, at most 15 characters")
	flags.StringVar(&m.Category, "category", "5999", "merchant category code, four digits")
	flags.StringVar(&m.Country, "country", "DE", "merchant's country, two letters")
	flags.StringVar(&amount, "amount", "", "amount, with the currency's decimals")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 letters")
	_, _ = c.MarkFlagRequired("merchant"), c.MarkFlagRequired("amount")
	return a.paying(f, c, k, func(*sim.Phone, []string) (sim.RemoteSale, error) {
		s := sim.RemoteSale{Card: k.card, Merchant: m, Coupon: k.coupon}
		var ok bool
		if s.Currency, ok = emv.CurrencyByAlpha(strings.ToUpper(currency)); !ok {
			return s, fmt.Errorf("--currency %q: not a currency of ISO 4217", currency)
		}
		var err error
		if s.Amount, err = s.Currency.Parse(amount); err != nil {
			return s, fmt.Errorf("--amount: %w", err)
		}
		s.Merchant.City, s.Merchant.Country = "ONLINE", strings.ToUpper(m.Country)
		return s, nil
	})
}

// paying is a command that pays without a reader and reports as `tapsim pay`
// does.
func (a *app) paying(f *walletFlags, c *cobra.Command, k *aloneFlags, sale func(*sim.Phone, []string) (sim.RemoteSale, error)) *cobra.Command {
	host := &hostFlags{}
	host.register(c)
	c.PreRunE = func(*cobra.Command, []string) error { return k.read(a) }
	c.RunE = func(c *cobra.Command, args []string) error {
		f.host = host
		return a.withPhone(c.Context(), f, c.Name(), func(p *sim.Phone) error {
			if err := k.unlock(p); err != nil {
				return err
			}
			s, err := sale(p, args)
			if err != nil {
				return err
			}
			return a.payRemotely(c.Context(), p, k, s)
		})
	}
	return c
}

func (a *app) payRemotely(ctx context.Context, p *sim.Phone, k *aloneFlags, s sim.RemoteSale) error {
	payment, w, err := p.PayRemotely(ctx, s)
	if err != nil {
		return err
	}
	for _, n := range deliveryNotes(&payment.Delivery) {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	v := view{world: w, request: sim.Request{Amount: payment.Charged, Currency: s.Currency}, payment: payment, channel: issuer.ChannelInApp}
	v.reveal = k.reveal && emv.TestRange(payment.PAN)
	if s.QR {
		v.channel = issuer.ChannelQR
	}
	return a.showPaid(v, k.quiet, k.expect)
}
