package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/internal/httpapi"
	"tapsim/issuer"
)

// bankAccountCommands are the verbs about accounts and cards.
func (a *app) bankAccountCommands(f *bankFlags) []*cobra.Command {
	return []*cobra.Command{
		a.bankOpen(f), a.bankAccounts(f), a.bankShow(f), a.bankClose(f),
		a.bankFreeze(f, "freeze", "Stop all payments of an account", httpapi.Bank.Freeze),
		a.bankFreeze(f, "unfreeze", "Let a frozen account pay again", httpapi.Bank.Unfreeze),
		a.bankCards(f), a.bankCard(f), a.bankLostCard(f),
	}
}

func (a *app) bankOpen(f *bankFlags) *cobra.Command {
	var r issuer.OpenRequest
	c := &cobra.Command{
		Use: "open [ACCOUNT]", Short: "Open an account", Args: arguments(0, 1, "a name for the account, or none"),
		Example: "  tapsim bank open ALICE --balance 100.00\n  tapsim bank open BOB --currency USD",
	}
	c.Flags().StringVar(&r.Currency, "currency", "", "ISO 4217 letters (default the bank's)")
	c.Flags().StringVar(&r.Balance, "balance", "", "amount that is paid in at once")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.AccountState, error) {
		r.Account, r.Idempotency = argument(args, 0), f.idempotency
		return b.Open(ctx, r)
	}, a.showAccount)
}

func (a *app) bankAccounts(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "accounts", Short: "List the accounts", Args: cobra.NoArgs, Example: "  tapsim bank accounts"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, _ []string) ([]issuer.AccountState, error) {
		return b.Accounts(ctx)
	}, a.showAccounts)
}

func (a *app) bankShow(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "show ACCOUNT", Short: "Show an account", Args: arguments(1, 1, "an account"), Example: "  tapsim bank show DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.AccountState, error) {
		return b.ShowAccount(ctx, args[0])
	}, a.showAccount)
}

func (a *app) bankClose(f *bankFlags) *cobra.Command {
	var r issuer.AccountRequest
	c := &cobra.Command{
		Use: "close ACCOUNT", Short: "Close an account for good", Args: arguments(1, 1, "an account"),
		Long: `Close an account for good: only when no hold and no dispute is open, and nothing is
left on it or the rest is paid out. Its tokens are deleted, and their phones learn it.`,
		Example: "  tapsim bank close ALICE --pay-out",
	}
	c.Flags().BoolVar(&r.PayOut, "pay-out", false, "pay out what is left")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.AccountState, error) {
		r.Account, r.Idempotency = args[0], f.idempotency
		return b.CloseAccount(ctx, r)
	}, a.showAccount)
}

func (a *app) bankFreeze(f *bankFlags, verb, short string, do func(httpapi.Bank, context.Context, issuer.AccountRequest) (issuer.AccountState, error)) *cobra.Command {
	c := &cobra.Command{Use: verb + " ACCOUNT", Short: short, Args: arguments(1, 1, "an account"), Example: "  tapsim bank " + verb + " ALICE"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.AccountState, error) {
		return do(b, ctx, issuer.AccountRequest{Account: args[0], Idempotency: f.idempotency})
	}, a.showAccount)
}

func (a *app) showAccount(s issuer.AccountState) error {
	return a.showAccounts([]issuer.AccountState{s})
}

func (a *app) showAccounts(all []issuer.AccountState) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "ACCOUNT\tSTATUS\tCURRENCY\tBALANCE\tHELD\tAVAILABLE\tOPEN DISPUTES")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", s.Account, s.Status, s.Currency, s.Balance, s.Held, s.Available, s.Disputes)
		}
	})
}

func (a *app) bankCards(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "cards ACCOUNT", Short: "List the cards of an account and their tokens", Args: arguments(1, 1, "an account"), Example: "  tapsim bank cards DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.CardState, error) {
		return b.Cards(ctx, args[0])
	}, a.showCards)
}

func (a *app) showCards(all []issuer.CardState) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "NUMBER\tKIND\tSCHEME\tEXPIRES\tSTATUS\tCARD ENDS IN\tREFERENCE")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t20%s-%s\t%s\t%s\t%s\n", s.Card, s.Kind, s.Scheme, s.Expiry[:2], s.Expiry[2:], s.Status, s.LastFour, s.Reference[:8])
		}
	})
}

func (a *app) bankLostCard(f *bankFlags) *cobra.Command {
	var r issuer.LostCardRequest
	c := &cobra.Command{
		Use: "lost-card ACCOUNT [CARD]", Short: "Report a card lost or stolen", Args: arguments(1, 2, "an account and, where it has several, a card by its last four digits, masked or its reference"),
		Long: `Report a plastic card lost or stolen: it pays no more, for good. Neither do its tokens
on phones, until another card of the account is behind them: 'tapsim bank card', then
'tapsim bank token relink'. For a phone that was lost: 'tapsim bank token lost-phone'.`,
		Example: "  tapsim bank lost-card ALICE\n  tapsim bank lost-card ALICE 476173******0127 --stolen",
	}
	c.Flags().BoolVar(&r.Stolen, "stolen", false, "it is in other hands: the point of sale hears 43 (stolen) instead of 41 (lost)")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (issuer.CardState, error) {
		r.Account, r.Card, r.Idempotency = args[0], issuer.CardName(argument(args, 1)), f.idempotency
		return b.LostCard(ctx, r)
	}, func(s issuer.CardState) error { return a.showCards([]issuer.CardState{s}) })
}

func (a *app) bankCard(f *bankFlags) *cobra.Command {
	var r httpapi.CardRequest
	file, reveal := "", false
	c := &cobra.Command{
		Use: "card ACCOUNT", Short: "Issue a funding card on an account", Args: arguments(1, 1, "an account"),
		Long: `Issue a funding card on an account. The bank does not keep its number: --reveal shows
it, and --card-file writes it for 'tapsim wallet add', now or never. A card that is
to stand behind a token that exists needs neither: 'tapsim bank token relink'.`,
		Example: "  tapsim bank card ALICE --card-file - | tapsim wallet add --card-file -\n  tapsim bank card ALICE --scheme mastercard --reveal",
	}
	c.Flags().StringVar(&r.Scheme, "scheme", "visa", "visa, mastercard or unionpay")
	c.Flags().StringVar(&r.Expiry, "expiry", "", "YYMM (default in four years)")
	c.Flags().BoolVar(&reveal, "reveal", false, "show the number, if it is in this project's test ranges")
	c.Flags().StringVar(&file, "card-file", "", "write number and expiry to this new file, or with - to standard output and nothing else, as 'tapsim wallet add --card-file' reads them")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (httpapi.IssuedCard, error) {
		r.Account, r.Idempotency, r.Reveal = args[0], f.idempotency, reveal || file != ""
		if err := a.checkCardFile(file); err != nil {
			return httpapi.IssuedCard{}, err
		}
		s, err := b.IssueFundingCard(ctx, r)
		if err == nil && file != "" {
			err = a.writeCardFile(file, &s)
		}
		if !reveal {
			s.Number = ""
		}
		return s, err
	}, func(s httpapi.IssuedCard) error {
		if file == "-" {
			return nil
		}
		number := s.Card
		if s.Number != "" {
			number = s.Number
		}
		_, err := fmt.Fprintf(a.out, "%s card %s on account %s, expires 20%s-%s\n", s.Scheme, number, s.Account, s.Expiry[:2], s.Expiry[2:])
		if err == nil && s.Number == "" && file == "" {
			fmt.Fprintln(a.errw, "tapsim: the number was not shown, and nobody keeps it: a card for 'tapsim wallet add' needs --card-file or --reveal")
		}
		return err
	})
}

// checkCardFile refuses a file that is there; "" is none.
func (a *app) checkCardFile(name string) error {
	if name == "" {
		return nil
	}
	if name == "-" {
		if a.json {
			return errors.New("--card-file - and --json both want standard output: name a file")
		}
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("--card-file %s: the file is there; name another", name)
	}
	return nil
}

// writeCardFile writes what stands on a card, for its owner alone.
func (a *app) writeCardFile(name string, s *httpapi.IssuedCard) error {
	if s.Number == "" {
		return fmt.Errorf("--card-file %s: nothing is written: the number is not in this project's test ranges, or it was told before (--idempotency)", name)
	}
	line := s.Number + " " + s.Expiry + "\n"
	if name == "-" {
		_, err := io.WriteString(a.out, line)
		return err
	}
	if err := os.WriteFile(name, []byte(line), 0o600); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, bare(err))
	}
	fmt.Fprintln(a.errw, "tapsim: wrote", name)
	return nil
}
