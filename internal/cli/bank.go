package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tapsim/internal/httpapi"
	"tapsim/internal/statedir"
	"tapsim/issuer"
	"tapsim/sim"
)

// bankFlags are the flags that all verbs of `tapsim bank` share.
type bankFlags struct {
	state, config, now, idempotency string
	service                         serviceFlags
}

func (a *app) bankCommand() *cobra.Command {
	f := &bankFlags{}
	c := &cobra.Command{
		Use:   "bank",
		Short: "The customer's and the clerk's side of the bank",
		Long: `What happens at the bank besides taps: accounts, money in and out, refunds,
limits, disputes, statements. It works on the same books as 'tapsim pay' and
'tapsim issuer', which must not run on the same state folder meanwhile; with
--service it asks a running 'tapsim issuer --http'.

Payments have the numbers that 'tapsim bank payments' lists. A tap holds money;
'tapsim bank clear' is the merchants' end of day, which turns holds into
payments. What the bank refuses has a code, exit status 1, and changes nothing.`,
		Example: `  tapsim bank open ALICE --balance 100.00
  tapsim bank transfer DEMO-0001 ALICE 25.00
  tapsim pay --amount 12.50 --quiet && tapsim bank clear
  tapsim bank statement DEMO-0001
  tapsim bank spending DEMO-0001 --chart spending.svg`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVar(&f.state, "state", "", "folder for what the bank remembers, or :memory: (default the user's data folder)")
	flags.StringVar(&f.config, "bank", "", "configuration of the bank (default the demo bank)")
	flags.StringVar(&f.now, "now", "", "the bank's clock, such as 2030-01-01T12:00:00Z, instead of now")
	flags.StringVar(&f.idempotency, "idempotency", "", "a key under which this change happens once, however often it is asked for")
	f.service.register(flags)
	c.AddCommand(a.bankAccountCommands(f)...)
	c.AddCommand(a.bankMoneyCommands(f)...)
	c.AddCommand(a.bankLimitCommands(f)...)
	c.AddCommand(a.bankReportCommands(f)...)
	c.AddCommand(a.bankTokenCommand(f))
	return c
}

// withBank opens the bank for one verb.
func (a *app) withBank(ctx context.Context, f *bankFlags, verb string, run func(httpapi.Bank) error) error {
	bank, done, err := a.reachBank(ctx, f, verb)
	if err != nil {
		return err
	}
	return errors.Join(run(bank), done())
}

// reachBank opens the bank in process, or makes a client of a service.
func (a *app) reachBank(ctx context.Context, f *bankFlags, verb string) (httpapi.Bank, func() error, error) {
	if f.service.url != "" {
		if f.state != "" || f.config != "" || f.now != "" {
			return nil, nil, errors.New("--state, --bank and --now are the service's: with --service leave them out")
		}
		client, err := f.service.open(a)
		if err != nil {
			return nil, nil, err
		}
		return client, func() error { client.Close(); return nil }, nil
	}
	if err := f.service.unused(); err != nil {
		return nil, nil, err
	}
	start, err := parseNow(f.now)
	if err != nil {
		return nil, nil, err
	}
	o := sim.BankOptions{State: f.state, Holder: "tapsim bank " + verb, Now: clockFrom(start)}
	if f.state == "" {
		if o.State, err = statedir.Default(); err != nil {
			return nil, nil, err
		}
	}
	if o.Bank, err = a.bankFile(f.config); err != nil {
		return nil, nil, err
	}
	bank, err := sim.OpenBank(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range bank.Notes {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	return httpapi.Local{Issuer: bank.Issuer}, bank.Close, nil
}

// bankVerb is a command that opens the bank, does one thing, and shows the
// answer.
func bankVerb[R any](a *app, f *bankFlags, c *cobra.Command, do func(ctx context.Context, b httpapi.Bank, args []string) (R, error), show func(R) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.withBank(c.Context(), f, c.Name(), func(b httpapi.Bank) error {
			answer, err := do(c.Context(), b, args)
			return present(a, answer, err, show)
		})
	}
	return c
}

// present shows what a verb answered, as JSON where that was asked for.
func present[R any](a *app, answer R, err error, show func(R) error) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(answer)
	}
	return show(answer)
}

// refused prints what the bank or the token service refused.
func (a *app) refused(r *issuer.Refusal) {
	if a.json {
		_ = a.printJSON(struct {
			Refused *issuer.Refusal `json:"refused"`
		}{r})
	}
	fmt.Fprintf(a.errw, "tapsim: refused (%s): %v\n", r.Code, r)
}

// paymentNumber reads the number of a payment.
func paymentNumber(text string) (int64, error) { return number(text, "payments") }

// number reads a number that a verb lists.
func number(text, verb string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q: want a number, as 'tapsim bank %s ACCOUNT' lists them", text, verb)
	}
	return n, nil
}

// argument is the n-th argument, "" when there are fewer.
func argument(args []string, n int) string {
	if n < len(args) {
		return args[n]
	}
	return ""
}
