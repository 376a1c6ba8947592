package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/sim"
	"tapsim/wallet"
)

// walletHistoryCommands are the verbs about what was paid.
func (a *app) walletHistoryCommands(f *walletFlags) []*cobra.Command {
	return []*cobra.Command{a.walletHistory(f), a.walletNotifications(f), a.walletCoupon(f), a.walletSupport(f)}
}

func (a *app) walletHistory(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "history [CARD]", Short: "What was paid, where, and why not", Args: arguments(0, 1, "a card of the wallet, or none for all"),
		Long: `List what the phone paid, joined with what the bank told of it. 'tapsim explain
payment' takes CARD/COUNTER; PAYMENT is the bank's number, for 'tapsim bank refund'
and 'tapsim bank dispute'.`,
		Example: "  tapsim wallet history\n  tapsim explain payment visa-1/1",
	}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, args []string) ([]wallet.Entry, error) {
		if err := a.poll(ctx, p); err != nil {
			return nil, err
		}
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		return p.History(name)
	}, func(list []wallet.Entry) error {
		return a.table(func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "TIME\tCARD/COUNTER\tPAYMENT\tAMOUNT\tCHANNEL\tMERCHANT\tRESULT\tREASON")
			for _, e := range list {
				number := ""
				if e.Record != 0 {
					number = strconv.FormatInt(e.Record, 10)
				}
				fmt.Fprintf(w, "%s\t%s/%d\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.Format(time.DateTime), e.Card, e.ATC, number,
					strings.TrimSpace(e.Amount+" "+e.Currency), e.Channel, shown(e.Merchant), e.State, shown(e.Reason))
			}
		})
	})
}

func (a *app) walletNotifications(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "notifications", Short: "What the bank told the phone", Args: cobra.NoArgs,
		Long: "What the bank told the phone: payments, refunds, changes of a card. Listing them marks\nthem as read.", Example: "  tapsim wallet notifications"}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, _ []string) ([]wallet.Notice, error) {
		if err := a.poll(ctx, p); err != nil {
			return nil, err
		}
		list, err := p.Notices()
		if list == nil {
			list = []wallet.Notice{}
		}
		return list, err
	}, func(list []wallet.Notice) error {
		return a.table(func(w *tabwriter.Writer) {
			for _, n := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Time.Format(time.DateTime), n.Card, n.Text, mark(!n.Read, "new"))
			}
		})
	})
}

func (a *app) walletCoupon(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "coupon", Short: "Coupons of merchants", Args: cobra.NoArgs,
		Long: `A coupon takes something off the price before the payment is authorised: 'tapsim
pay --coupon ID'. It is spent once; a payment that fails or is reversed gives it
back.`,
		Example: "  tapsim wallet coupon add --merchant TAPSIM-MERCH-01 --off 2.00\n  tapsim pay --amount 12.50 --coupon ID",
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.couponAdd(f), a.couponList(f), a.couponRemove(f))
	return c
}

func (a *app) couponAdd(f *walletFlags) *cobra.Command {
	var k wallet.Coupon
	var off, minimum, until string
	c := &cobra.Command{Use: "add", Short: "Put a coupon into the wallet", Args: cobra.NoArgs, Example: "  tapsim wallet coupon add --merchant TAPSIM-MERCH-01 --off 2.00"}
	flags := c.Flags()
	flags.StringVar(&k.ID, "id", "", "its number (default made up)")
	flags.StringVar(&k.Merchant, "merchant", "", "merchant id or name, as the terminal has it")
	flags.StringVar(&k.Currency, "currency", "EUR", "ISO 4217 letters")
	flags.StringVar(&k.Text, "text", "", "what stands on it")
	flags.StringVar(&off, "off", "", "what it takes off")
	flags.StringVar(&minimum, "minimum", "0", "least price")
	flags.StringVar(&until, "until", "", "when it ends, such as 2030-01-31T00:00:00Z (default in 30 days)")
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, _ []string) (v couponJSON, err error) {
		currency, ok := emv.CurrencyByAlpha(k.Currency)
		if !ok {
			return v, fmt.Errorf("--currency %q: not a currency of ISO 4217", k.Currency)
		}
		if k.Off, err = currency.Parse(off); err != nil {
			return v, fmt.Errorf("--off: %w", err)
		}
		if k.Minimum, err = currency.Parse(minimum); err != nil {
			return v, fmt.Errorf("--minimum: %w", err)
		}
		if k.Until = p.Clock.Now().UTC().AddDate(0, 0, 30).Truncate(time.Second); until != "" {
			if k.Until, err = time.Parse(time.RFC3339, until); err != nil {
				return v, fmt.Errorf("--until %q: want a time such as 2030-01-31T00:00:00Z", until)
			}
		}
		k, err := p.AddCoupon(k)
		return couponOf(&k), err
	}, func(k couponJSON) error { return a.showCoupons([]couponJSON{k}) })
}

// couponJSON is a coupon as it is shown, with amounts in its currency's decimals.
type couponJSON struct {
	ID       string    `json:"id"`
	Merchant string    `json:"merchant"`
	Off      string    `json:"off"`
	Minimum  string    `json:"minimum"` // of the price
	Currency string    `json:"currency"`
	Until    time.Time `json:"until"`
	Text     string    `json:"text,omitempty"`
	State    string    `json:"state"`             // free, reserved, spent
	Card     string    `json:"card,omitempty"`    // that it was reserved for, or paid with
	ATC      uint16    `json:"atc,omitempty"`     // of the payment
	Payment  int64     `json:"payment,omitempty"` // the bank's number of it
}

func couponOf(k *wallet.Coupon) couponJSON {
	c, _ := emv.CurrencyByAlpha(k.Currency)
	return couponJSON{k.ID, k.Merchant, c.Format(k.Off), c.Format(k.Minimum), k.Currency, k.Until, k.Text, k.State, k.Card, k.ATC, k.Payment}
}

func (a *app) couponList(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the coupons", Args: cobra.NoArgs, Example: "  tapsim wallet coupon list"}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, _ []string) ([]couponJSON, error) {
		if err := a.poll(ctx, p); err != nil {
			return nil, err
		}
		list := []couponJSON{}
		for _, k := range p.State().Coupons {
			list = append(list, couponOf(&k))
		}
		return list, nil
	}, a.showCoupons)
}

func (a *app) couponRemove(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "Throw a coupon away", Args: arguments(1, 1, "the number of a coupon"), Example: "  tapsim wallet coupon remove 1a2b3c4d"}
	return walletVerb(a, f, c, func(_ context.Context, p *sim.Phone, args []string) (doneJSON, error) {
		return doneJSON{"the coupon is gone"}, p.RemoveCoupon(args[0])
	}, a.showDone)
}

func (a *app) showCoupons(list []couponJSON) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "ID\tMERCHANT\tOFF\tFROM\tUNTIL\tSTATE")
		for _, k := range list {
			fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\t%s\n", k.ID, shown(k.Merchant), k.Off, k.Currency, k.Minimum, k.Until.Format(time.DateOnly), k.State)
		}
	})
}

func (a *app) walletSupport(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "support CARD/COUNTER", Short: "All that is known of one payment, for the customer service", Args: arguments(1, 2, "a payment as 'tapsim wallet history' lists them, such as visa-1/7"),
		Long:    "Print, as JSON, what is known of one payment. It holds no account number and no key.",
		Example: "  tapsim wallet support visa-1/7 > bundle.json",
	}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, args []string) (wallet.Bundle, error) {
		card, counter, _ := strings.Cut(strings.Join(args, "/"), "/")
		atc, err := strconv.ParseUint(counter, 10, 16)
		if err != nil {
			return wallet.Bundle{}, fmt.Errorf("%q: want a payment as 'tapsim wallet history' lists them, such as visa-1/7", strings.Join(args, " "))
		}
		if err := a.poll(ctx, p); err != nil {
			return wallet.Bundle{}, err
		}
		return p.Support(card, uint16(atc))
	}, func(b wallet.Bundle) error { return a.printJSON(b) })
}
