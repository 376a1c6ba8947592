package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/internal/httpapi"
	"tapsim/issuer"
)

// bankLimitCommands are the verbs about what an account may do.
func (a *app) bankLimitCommands(f *bankFlags) []*cobra.Command {
	return []*cobra.Command{a.bankLimits(f), a.bankLimit(f), a.bankBudget(f), a.bankContactless(f), a.bankMaintenance(f), a.bankRates(f)}
}

func (a *app) bankLimits(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "limits ACCOUNT", Short: "Show limits and budgets of an account, and what remains of them", Args: arguments(1, 1, "an account"), Example: "  tapsim bank limits DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.LimitsState, error) {
		return b.Limits(ctx, args[0])
	}, a.showLimits)
}

func (a *app) bankLimit(f *bankFlags) *cobra.Command {
	var r issuer.LimitRequest
	c := &cobra.Command{
		Use: "limit ACCOUNT [AMOUNT]", Short: "Limit what an account pays", Args: arguments(1, 2, "an account and an amount"),
		Long: `Limit what an account pays: per payment, day or month (UTC), in a category or a
country if named. What was spent before counts. Zero blocks.`,
		Example: "  tapsim bank limit ALICE 50.00 --per day\n  tapsim bank limit ALICE 0 --per payment --country US\n  tapsim bank limit ALICE --per day --remove",
	}
	c.Flags().StringVar(&r.Per, "per", "", "payment, day or month")
	c.Flags().StringVar(&r.Category, "category", "", "merchant category code, or a group such as restaurants")
	c.Flags().StringVar(&r.Country, "country", "", "two letters")
	c.Flags().BoolVar(&r.Remove, "remove", false, "remove this limit")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.LimitsState, error) {
		r.Account, r.Amount, r.Idempotency = args[0], argument(args, 1), f.idempotency
		return b.SetLimit(ctx, r)
	}, a.showLimits)
}

func (a *app) bankBudget(f *bankFlags) *cobra.Command {
	var r issuer.BudgetRequest
	c := &cobra.Command{
		Use: "budget ACCOUNT [AMOUNT]", Short: "Set a monthly budget: passing it is told in the inbox", Args: arguments(1, 2, "an account and an amount"),
		Example: "  tapsim bank budget ALICE 200.00 --category restaurants",
	}
	c.Flags().StringVar(&r.Category, "category", "", "merchant category code, or a group such as restaurants")
	c.Flags().BoolVar(&r.Remove, "remove", false, "remove this budget")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.LimitsState, error) {
		r.Account, r.Amount, r.Idempotency = args[0], argument(args, 1), f.idempotency
		return b.SetBudget(ctx, r)
	}, a.showLimits)
}

func (a *app) bankContactless(f *bankFlags) *cobra.Command {
	var r issuer.ContactlessRequest
	c := &cobra.Command{
		Use: "contactless ACCOUNT", Short: "Bound contactless payments that nobody verified", Args: arguments(1, 1, "an account"),
		Long: `Bound the contactless payments of each card in a row that nobody verified, in
number and in sum. One more gets "PIN needed"; a verified one starts anew.`,
		Example: "  tapsim bank contactless ALICE --count 5 --amount 150.00\n  tapsim bank contactless ALICE --remove",
	}
	c.Flags().IntVar(&r.Count, "count", 0, "payments; 0 is no bound")
	c.Flags().StringVar(&r.Amount, "amount", "", "sum; none is no bound")
	c.Flags().BoolVar(&r.Remove, "remove", false, "go back to the bank's bounds")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.LimitsState, error) {
		if flags := c.Flags(); !flags.Changed("count") && !flags.Changed("amount") && !r.Remove { // a look must not take the bounds away
			return issuer.LimitsState{}, fmt.Errorf("want --count, --amount or --remove; 'tapsim bank limits %s' shows the bounds", args[0])
		}
		r.Account, r.Idempotency = args[0], f.idempotency
		return b.SetContactless(ctx, r)
	}, a.showLimits)
}

func (a *app) showLimits(s issuer.LimitsState) error {
	all := func(s string) string { return cmp.Or(s, "all") }
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "LIMIT PER\tCATEGORY\tCOUNTRY\tAMOUNT\tUSED\tREMAINING")
		for _, l := range s.Limits {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s %s\t%s\t%s\n", l.Per, all(l.Category), all(l.Country), l.Amount, s.Currency, l.Used, l.Remaining)
		}
		for _, b := range s.Budgets {
			fmt.Fprintf(w, "budget a month\t%s\tall\t%s %s\t%s\t%s\n", all(b.Category), b.Amount, s.Currency, b.Spent, b.Remaining)
		}
		count, sum := "no bound", "no bound"
		if s.Contactless.Count > 0 {
			count = strconv.Itoa(s.Contactless.Count)
		}
		if strings.Trim(s.Contactless.Amount, "0.") != "" {
			sum = s.Contactless.Amount + " " + s.Currency
		}
		if s.Contactless.Own || count != sum {
			fmt.Fprintf(w, "contactless payments\tall\tall\t%s\t\t\n", count)
			fmt.Fprintf(w, "contactless sum\tall\tall\t%s\t\t\n", sum)
		}
		for _, u := range s.Contactless.Cards {
			if u.Count > 0 {
				fmt.Fprintf(w, "  unverified on %s\t\t\t\t%s in %d\t\n", u.Card, u.Amount, u.Count)
			}
		}
	})
}

func (a *app) bankMaintenance(f *bankFlags) *cobra.Command {
	var text string
	c := &cobra.Command{
		Use: "maintenance [on|off]", Short: "Close the bank for maintenance, or open it", Args: arguments(0, 1, "on, off or nothing"),
		Long: `Close the bank: requests are answered with 91 and leave no trace, but for the
small payments that the configuration lets pass (stand_in). Reversals and
advices are taken. Without an argument it tells how things stand.`,
		Example: "  tapsim bank maintenance on --text \"new software\"\n  tapsim bank maintenance off",
	}
	c.Flags().StringVar(&text, "text", "", "why, for those who are refused")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.Maintenance, error) {
		switch word := argument(args, 0); word {
		case "":
			return b.Maintenance(ctx)
		case "on", "off":
			return b.SetMaintenance(ctx, issuer.MaintenanceRequest{On: word == "on", Text: text, Idempotency: f.idempotency})
		default:
			return issuer.Maintenance{}, fmt.Errorf("%q: want on or off", word)
		}
	}, func(m issuer.Maintenance) error {
		line := "the bank is open"
		if m.On {
			line = "the bank is closed for maintenance since " + m.Since.Format("2006-01-02 15:04")
		}
		if m.Text != "" {
			line += ": " + shown(m.Text)
		}
		_, err := fmt.Fprintln(a.out, line)
		return err
	})
}

func (a *app) bankRates(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "rates", Short: "Show the bank's exchange rates and its fee for payments abroad", Args: cobra.NoArgs, Example: "  tapsim bank rates"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, _ []string) (issuer.RatesState, error) {
		return b.Rates(ctx)
	}, func(r issuer.RatesState) error {
		return a.table(func(w *tabwriter.Writer) {
			fmt.Fprintf(w, "CURRENCY\tONE IS WORTH\n")
			for _, x := range r.Rates {
				fmt.Fprintf(w, "%s\t%s %s\n", x.Currency, x.Rate, r.Currency)
			}
			fmt.Fprintf(w, "fee for payments abroad\t%s %%\n", r.CrossBorderFee)
		})
	})
}
