package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/sim"
	"tapsim/transcript"
)

// payFlags are the flags of `tapsim pay`.
type payFlags struct {
	world    worldFlags
	host     hostFlags
	amount   string
	cashback string
	currency string
	kind     string
	stan     int
	expect   string
	record   string
	locked   bool
	unlock   bool
	tearAt   int
	quiet    bool
	reveal   bool
}

func (a *app) payCommand() *cobra.Command {
	f := &payFlags{}
	c := &cobra.Command{
		Use:   "pay",
		Short: "One tap, explained: phone, point of sale, issuer",
		Long: `Make one payment and explain it: every byte between card and terminal, what
the kernel decided, the authorisation, how the issuer checked the cryptogram,
the receipt. The first run sets up a demo account, its card and its tokens.

A declined payment is a result (exit status 0). With --expect it is a check.
Account numbers are masked; --reveal shows those of this project's test ranges.`,
		Example: `  tapsim pay --amount 12.50
  tapsim pay --amount 120 --locked --unlock-after-first
  tapsim pay --card visa-plastic --seed 1 --now 2030-01-01T12:00:00Z --state :memory: --json --reveal
  tapsim pay --amount 12.50 --expect approved --quiet
  tapsim pay --issuer 127.0.0.1:8583`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.pay(c.Context(), f) },
	}
	f.register(c)
	return c
}

func (f *payFlags) register(c *cobra.Command) {
	f.world.register(c)
	f.host.register(c)
	flags := c.Flags()
	flags.StringVar(&f.amount, "amount", "1.00", "amount, with the currency's decimals")
	flags.StringVar(&f.cashback, "cashback", "", "part of the amount that is paid out in cash; makes a purchase one with cashback")
	flags.StringVar(&f.currency, "currency", "", "ISO 4217 letters (default the terminal's)")
	flags.StringVar(&f.kind, "type", "purchase", "purchase, cash, cashback, refund or balance")
	flags.IntVar(&f.stan, "stan", 0, "system trace audit number, 1 to 999999 (default the terminal's next)")
	flags.StringVar(&f.expect, "expect", "", "exit with status 1 unless the outcome is this one: approved, declined, try-again ...")
	flags.StringVar(&f.record, "record", "", "write the exchange between card and terminal to this file")
	flags.BoolVar(&f.locked, "locked", false, "the customer has not unlocked the phone")
	flags.BoolVar(&f.unlock, "unlock-after-first", false, "with --locked: they unlock it when told to, and tap again")
	flags.IntVar(&f.tearAt, "tear-at", 0, "the card leaves before the answer of this exchange arrives")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print the outcome only")
	flags.BoolVar(&f.reveal, "reveal", false, "show account numbers of test cards")
}

// outcomes that --expect may name.
var outcomes = []string{"approved", "declined", "try-another-interface", "end-application", "try-again"}

// request checks the flags against the terminal and makes the payment of them.
func (f *payFlags) request(w *sim.World) (r sim.Request, err error) {
	r = sim.Request{
		Currency: w.Terminal.Currency, STAN: f.stan, Locked: f.locked, UnlockAfterFirst: f.unlock, TearAt: f.tearAt,
	}
	if f.currency != "" {
		var ok bool
		if r.Currency, ok = emv.CurrencyByAlpha(strings.ToUpper(f.currency)); !ok {
			return r, fmt.Errorf("--currency %q: not a currency of ISO 4217", f.currency)
		}
	}
	if r.Amount, err = r.Currency.Parse(f.amount); err != nil {
		return r, fmt.Errorf("--amount: %w", err)
	}
	if f.cashback != "" {
		if r.AmountOther, err = r.Currency.Parse(f.cashback); err != nil {
			return r, fmt.Errorf("--cashback: %w", err)
		}
		if f.kind == "purchase" && r.AmountOther > 0 {
			f.kind = "cashback"
		}
	}
	r.Type, err = sim.ParseType(f.kind)
	return r, err
}

// check finds what is wrong with flags that need no world.
func (f *payFlags) check() error {
	switch {
	case f.stan < 0 || f.stan > 999999:
		return fmt.Errorf("--stan %d: want 1 to 999999", f.stan)
	case f.tearAt < 0 || f.tearAt > 1000:
		return fmt.Errorf("--tear-at %d: want the number of an exchange, from 1", f.tearAt)
	case f.unlock && !f.locked:
		return fmt.Errorf("--unlock-after-first goes with --locked")
	case f.expect != "" && !slices.Contains(outcomes, f.expect):
		return fmt.Errorf("--expect %q: want one of %s", f.expect, strings.Join(outcomes, ", "))
	}
	return nil
}

func (a *app) pay(ctx context.Context, f *payFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	o, err := f.world.options("pay")
	if err != nil {
		return err
	}
	host, closeHost, err := f.host.open(a)
	if err != nil {
		return err
	}
	defer closeHost()
	o.Host = host
	w, err := sim.Open(ctx, o)
	if err != nil {
		return err
	}
	p, r, err := f.run(ctx, w)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return a.reportPayment(f, w, r, p)
}

func (f *payFlags) run(ctx context.Context, w *sim.World) (sim.Payment, sim.Request, error) {
	r, err := f.request(w)
	if err != nil {
		return sim.Payment{}, r, err
	}
	r.Explain = true
	p, err := w.Pay(ctx, r)
	return p, r, err
}

// reportPayment prints the payment, writes the recording, and checks --expect.
func (a *app) reportPayment(f *payFlags, w *sim.World, r sim.Request, p sim.Payment) error {
	reveal := f.reveal && emv.TestRange(p.PAN)
	for _, n := range w.Notes {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	if f.reveal && !reveal && p.PAN != "" {
		fmt.Fprintln(a.errw, "tapsim: --reveal shows test cards only; this account number is outside the test ranges")
	}
	v := view{world: w, request: r, payment: p, reveal: reveal}
	var err error
	switch {
	case a.json:
		err = a.printJSON(v.json())
	case f.quiet:
		_, err = fmt.Fprintln(a.out, v.headline())
	default:
		_, err = a.out.Write(v.appendText(nil, a.style()))
	}
	if err == nil && f.record != "" {
		err = writeTranscript(f.record, p.Transcript)
	}
	if err != nil || f.expect == "" || f.expect == p.Outcome.String() {
		return err
	}
	return checkFailed("expected %s, the outcome is %s: %s", f.expect, p.Outcome, p.Detail)
}

// writeTranscript writes a recording whole or not at all.
func writeTranscript(name string, t *transcript.Transcript) error {
	text, err := transcript.Format(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return fileError(name, err)
	}
	return nil
}
