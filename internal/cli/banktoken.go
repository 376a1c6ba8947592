package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/internal/httpapi"
	"tapsim/issuer"
	"tapsim/provisioning"
)

// bankTokenCommand are the verbs of the token service's desk.
func (a *app) bankTokenCommand(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Tokens on phones: what the bank does with them",
		Long: `The bank's side of the tokens on phones. TOKEN is a reference, its beginning, the
last four digits of the token, or an account, where only one token has them. What is
done here the phone learns at its next poll; payments are refused at once.`,
		Example: "  tapsim bank token list\n  tapsim bank token lost-phone ALICE\n  tapsim bank token suspend 6688",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		a.tokenList(f), a.tokenHistory(f), a.tokenRelink(f), a.tokenControl(f),
		a.tokenPhone(f, "lost-phone", "Suspend all tokens of the phone that holds it", httpapi.Bank.LostPhone),
		a.tokenPhone(f, "found-phone", "The inverse of lost-phone", httpapi.Bank.FoundPhone),
	)
	for _, v := range []struct {
		verb  provisioning.Verb
		short string
	}{
		{provisioning.VerbActivate, "Activate it without the code: the cardholder was identified otherwise"},
		{provisioning.VerbResend, "Send another one-time code"},
		{provisioning.VerbSuspend, "Stop it for a while"},
		{provisioning.VerbResume, "Let it pay again"},
		{provisioning.VerbDelete, "Delete it, for good"},
		{provisioning.VerbRenew, "Give it a new expiry date"},
	} {
		c.AddCommand(a.tokenChange(f, v.verb, v.short))
	}
	return c
}

// oneToken are the arguments of a verb about one token.
func oneToken() cobra.PositionalArgs { return arguments(1, 1, "a token") }

// findToken is the reference of a token that is named as people do: also by its
// account, where that has one alone.
func findToken(ctx context.Context, b httpapi.Bank, name string) (string, error) {
	token, err := b.FindToken(ctx, name)
	var unknown *issuer.Refusal
	if !errors.As(err, &unknown) || unknown.Code != "unknown-token" {
		return token, err
	}
	list, failed := b.Tokens(ctx, name)
	var no *issuer.Refusal
	if failed != nil && !errors.As(failed, &no) {
		return "", failed
	}
	list = slices.DeleteFunc(list, func(t issuer.TokenInfo) bool { return t.Status == issuer.StatusDeactivated.String() })
	switch len(list) {
	case 0:
		return "", err
	case 1:
		return list[0].Token, nil
	}
	return "", &issuer.Refusal{Code: "ambiguous-token", Text: fmt.Sprintf("account %s has %d tokens", name, len(list)), Hint: "name one as 'tapsim bank token list' does"}
}

func (a *app) tokenList(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "list [ACCOUNT]", Short: "List the tokens", Args: arguments(0, 1, "an account, or none for all"), Example: "  tapsim bank token list DEMO-0001"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]issuer.TokenInfo, error) {
		return b.Tokens(ctx, argument(args, 0))
	}, func(list []issuer.TokenInfo) error {
		return a.table(func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "REFERENCE\tTOKEN\tCARD\tACCOUNT\tEXPIRES\tSTATUS\tHELD BY\tDEVICE")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t20%s-%s\t%s\t%s\t%s\n", t.Token[:8], t.Masked, t.LastFour, t.Account, t.Expiry[:2], t.Expiry[2:], t.Status, strings.Join(t.HeldBy, " "), t.DeviceName)
			}
		})
	})
}

func (a *app) tokenHistory(f *bankFlags) *cobra.Command {
	c := &cobra.Command{Use: "history TOKEN", Short: "A token's audit trail", Args: oneToken(), Example: "  tapsim bank token history 6688"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]provisioning.Event, error) {
		token, err := findToken(ctx, b, args[0])
		if err != nil {
			return nil, err
		}
		return b.TokenHistory(ctx, token, 0, 0)
	}, func(list []provisioning.Event) error {
		return a.table(func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "TIME\tPARTY\tVERB\tSTATUS\t")
			for _, e := range list {
				text := e.Text
				if p := e.Payment; p != nil {
					text = fmt.Sprintf("%s, counter %d, %s", p.State, p.ATC, amountText(p.Amount, p.Currency))
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Time.Format(time.DateTime), e.Party, e.Verb, e.To, text)
			}
		})
	})
}

func (a *app) tokenChange(f *bankFlags, verb provisioning.Verb, short string) *cobra.Command {
	change := issuer.TokenChange{Verb: verb}
	c := &cobra.Command{Use: string(verb) + " TOKEN", Short: short, Args: oneToken(), Example: "  tapsim bank token " + string(verb) + " 6688"}
	c.Flags().StringVar(&change.Reason, "reason", "", "why: for the audit trail, and the phone's owner")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (s provisioning.TokenState, err error) {
		change.Idempotency = f.idempotency
		if change.Token, err = findToken(ctx, b, args[0]); err != nil {
			return s, err
		}
		return b.ManageToken(ctx, change)
	}, a.showToken)
}

func (a *app) tokenRelink(f *bankFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "relink TOKEN CARD", Short: "Put another card of the account behind it", Args: arguments(2, 2, "a token, and a card by its last four digits, masked or its reference"),
		Long: `After the plastic was lost ('tapsim bank lost-card'): another card of the same account
stands behind the token; its number, keys and counter stay.`,
		Example: "  tapsim bank token relink ALICE 0127\n  tapsim bank token relink ALICE \"$(tapsim bank card ALICE | cut -d' ' -f3)\"",
	}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (s provisioning.TokenState, err error) {
		r := issuer.Relink{Card: issuer.CardName(args[1]), Idempotency: f.idempotency}
		if r.Token, err = findToken(ctx, b, args[0]); err != nil {
			return s, err
		}
		return b.RelinkToken(ctx, r)
	}, a.showToken)
}

func (a *app) tokenControl(f *bankFlags) *cobra.Command {
	var d issuer.Domain
	var most, currency string
	c := &cobra.Command{
		Use: "control TOKEN", Short: "Set what it may be used for", Args: oneToken(),
		Long:    "Set the token's domain. What is left out is not restricted.",
		Example: "  tapsim bank token control 6688 --channel contactless --category 5411 --country DE --max 50.00",
	}
	flags := c.Flags()
	flags.StringSliceVar(&d.Channels, "channel", nil, "contactless, qr, in-app, other")
	flags.StringSliceVar(&d.Categories, "category", nil, "merchant category codes, four digits")
	flags.StringSliceVar(&d.Countries, "country", nil, "ISO 3166: two letters, or three digits")
	flags.StringVar(&most, "max", "", "most of one payment")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 letters: the bank's currency, of --max; what is paid in others is converted")
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) (s provisioning.TokenState, err error) {
		if most != "" {
			money, ok := emv.CurrencyByAlpha(currency)
			if !ok {
				return s, fmt.Errorf("--currency %q: not a currency of ISO 4217", currency)
			}
			if d.MaxAmount, err = money.Parse(most); err != nil {
				return s, fmt.Errorf("--max: %w", err)
			}
		}
		for n, name := range d.Countries {
			if country, ok := emv.CountryByAlpha(strings.ToUpper(name)); ok {
				d.Countries[n] = fmt.Sprintf("%03d", country.Numeric)
			}
		}
		r := issuer.DomainChange{Domain: d, Idempotency: f.idempotency}
		if r.Token, err = findToken(ctx, b, args[0]); err != nil {
			return s, err
		}
		return b.ControlToken(ctx, r)
	}, a.showToken)
}

func (a *app) tokenPhone(f *bankFlags, name, short string, do func(httpapi.Bank, context.Context, issuer.PhoneRequest) ([]provisioning.TokenState, error)) *cobra.Command {
	c := &cobra.Command{Use: name + " TOKEN", Short: short, Args: oneToken(), Example: "  tapsim bank token " + name + " 6688"}
	return bankVerb(a, f, c, func(ctx context.Context, b httpapi.Bank, args []string) ([]provisioning.TokenState, error) {
		token, err := findToken(ctx, b, args[0])
		if err != nil {
			return nil, err
		}
		return do(b, ctx, issuer.PhoneRequest{Token: token, Idempotency: f.idempotency})
	}, func(list []provisioning.TokenState) error {
		for _, s := range list {
			if err := a.showToken(s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) showToken(s provisioning.TokenState) error {
	held := ""
	if len(s.HeldBy) > 0 {
		held = ", held by " + strings.Join(s.HeldBy, " and ")
	}
	_, err := fmt.Fprintf(a.out, "token %s for the card ending in %s: %s%s, good until the end of %s/20%s\n", s.Masked, s.LastFour, s.Status, held, s.Expiry[2:], s.Expiry[:2])
	return err
}
