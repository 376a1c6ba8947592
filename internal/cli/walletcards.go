package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/provisioning"
	"tapsim/sim"
	"tapsim/wallet"
)

// verification is a one-time code on its way.
type verification = provisioning.Verification

// walletCardCommands are the verbs about the wallet's cards.
func (a *app) walletCardCommands(f *walletFlags) []*cobra.Command {
	return []*cobra.Command{
		a.walletAdd(f), a.walletActivate(f), a.walletResend(f), a.walletList(f), a.walletShow(f), a.walletDefault(f),
		a.walletRenew(f), a.walletRefill(f), a.walletRemove(f), a.walletPoll(f),
	}
}

const cardFileHelp = "one line: number, expiry as YYMM and, where the bank checks it, security code"

func (a *app) walletAdd(f *walletFlags) *cobra.Command {
	var n wallet.NewCard
	var file string
	c := &cobra.Command{
		Use: "add", Short: "Add a bank card; the bank may send a one-time code", Args: cobra.NoArgs,
		Long: `Ask the token service for a token in place of a card. Unless the bank approves at
once, it sends a one-time code to the account's inbox, and 'tapsim wallet
activate' takes it.

A card of your own comes from 'tapsim bank card ACCOUNT --card-file FILE'. The demo
account DEMO-0001 has 4761739001010119 4912 (Visa), 5413339001000019 4912
(Mastercard) and 6250940001000011 4912 (UnionPay).`,
		Example: `  echo "4761739001010119 4912" | tapsim wallet add --card-file -
  tapsim bank card ALICE --card-file - | tapsim wallet add --card-file -`,
	}
	c.Flags().StringVar(&file, "card-file", "", "file with the card's data, or - for standard input: "+cardFileHelp)
	c.Flags().StringVar(&n.Name, "name", "", "name of the card in the wallet (default scheme and number, such as visa-1)")
	c.Flags().StringVar(&n.DeviceName, "device-name", "tapsim phone", "name of the phone, for the bank's messages")
	c.Flags().StringVar(&n.FormFactor, "form-factor", "phone", "phone, watch, tablet, band, card or vehicle")
	c.PreRunE = func(*cobra.Command, []string) (err error) { // before the phone opens: what is piped in may come from its bank
		if err = sim.CheckCardName(n.Name); err == nil {
			n.Data, err = a.cardData(file)
		}
		return err
	}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, _ []string) (v walletCardJSON, err error) {
		card, err := p.Add(ctx, n)
		if err != nil {
			return v, err
		}
		return a.walletCard(p, card.Name)
	}, a.showWalletCard)
}

// cardData reads what stands on the plastic.
func (a *app) cardData(file string) (d provisioning.CardData, err error) {
	line, err := a.secret("card-file", file, cardFileHelp)
	if err != nil {
		return d, err
	}
	fields := strings.Fields(line)
	if len(fields) != 2 && len(fields) != 3 {
		return d, errors.New("--card-file: want " + cardFileHelp)
	}
	d.Number, d.Expiry = fields[0], fields[1]
	if len(fields) == 3 {
		d.SecurityCode = fields[2]
	}
	return d, nil
}

// walletCard is a card as it is now.
func (a *app) walletCard(p *sim.Phone, name string) (walletCardJSON, error) {
	c, err := p.Find(name)
	if err != nil {
		return walletCardJSON{}, err
	}
	return walletCardOf(p, c)
}

// cardVerb is a verb about one card that shows the card afterwards.
func (a *app) cardVerb(f *walletFlags, c *cobra.Command, do func(ctx context.Context, p *sim.Phone, name string) error) *cobra.Command {
	if c.Args == nil {
		c.Args = arguments(1, 1, "a card of the wallet")
	}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, args []string) (walletCardJSON, error) {
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		if err := do(ctx, p, name); err != nil {
			return walletCardJSON{}, err
		}
		return a.walletCard(p, name)
	}, a.showWalletCard)
}

func (a *app) walletActivate(f *walletFlags) *cobra.Command {
	var file, code string
	c := &cobra.Command{
		Use: "activate CARD", Short: "Enter the bank's one-time code",
		Example: "  tapsim bank inbox DEMO-0001 --code | tapsim wallet activate visa-1 --code-file -",
	}
	c.Flags().StringVar(&file, "code-file", "", "file with the code, or - for standard input")
	c.PreRunE = func(*cobra.Command, []string) (err error) { // before the phone opens: what is piped in may come from its bank
		code, err = a.secret("code-file", file, "the bank's one-time code")
		return err
	}
	return a.cardVerb(f, c, func(ctx context.Context, p *sim.Phone, name string) error {
		_, err := p.Enter(ctx, name, strings.TrimSpace(code))
		return err
	})
}

func (a *app) walletResend(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "resend CARD", Short: "Ask the bank for another code", Example: "  tapsim wallet resend visa-1"}
	return a.cardVerb(f, c, func(ctx context.Context, p *sim.Phone, name string) error {
		_, err := p.Resend(ctx, name)
		return err
	})
}

func (a *app) walletList(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the cards", Args: cobra.NoArgs, Example: "  tapsim wallet list --json"}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, _ []string) ([]walletCardJSON, error) {
		if err := a.poll(ctx, p); err != nil {
			return nil, err
		}
		return a.walletCards(p, "")
	}, a.showWalletCards)
}

// walletCards are a card, or for "" all, as they are now.
func (a *app) walletCards(p *sim.Phone, name string) ([]walletCardJSON, error) {
	list := []walletCardJSON{}
	if name != "" {
		v, err := a.walletCard(p, name)
		return append(list, v), err
	}
	for _, card := range p.State().Cards {
		v, err := walletCardOf(p, card)
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (a *app) showWalletCards(list []walletCardJSON) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.out, "the wallet is empty: add a card with 'tapsim wallet add'")
		return err
	}
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "NAME\tSCHEME\tCARD\tTOKEN\tEXPIRES\tSTATUS\tPAYMENTS LEFT\tCANNOT PAY")
		for _, c := range list {
			why := ""
			if c.Stopped != nil {
				why = *c.Stopped
			}
			left := fmt.Sprint(c.Keys.Ready)
			if c.Keys.Sealed > 0 {
				left += fmt.Sprintf(", %d more unlocked", c.Keys.Sealed)
			}
			fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\t20%s-%s\t%s\t%s\t%s\n",
				c.Name, mark(c.Default, "*"), c.Scheme, c.LastFour, c.Masked, c.Expiry[:2], c.Expiry[2:], c.Status, left, why)
		}
	})
}

func (a *app) walletShow(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "show [CARD]", Short: "Show a card", Args: arguments(0, 1, "a card of the wallet, or none for the default"), Example: "  tapsim wallet show visa-1",
	}
	return a.cardVerb(f, c, func(ctx context.Context, p *sim.Phone, _ string) error { return a.poll(ctx, p) })
}

func (a *app) walletDefault(f *walletFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "default [CARD]", Short: "Say, or show, which card pays when none is named",
		Args: arguments(0, 1, "a card of the wallet, or none"), Example: "  tapsim wallet default mastercard-1",
	}
	return a.cardVerb(f, c, func(_ context.Context, p *sim.Phone, name string) error {
		if name == "" {
			return nil
		}
		return p.SetDefault(name)
	})
}

func (a *app) walletRenew(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "renew CARD", Short: "Get a new expiry date; the token's number stays", Example: "  tapsim wallet renew visa-1"}
	return a.cardVerb(f, c, func(ctx context.Context, p *sim.Phone, name string) error {
		_, err := p.Renew(ctx, name)
		return err
	})
}

func (a *app) walletRefill(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "refill [CARD]", Short: "Fetch new keys now", Args: arguments(0, 1, "a card of the wallet, or none for the default"), Example: "  tapsim wallet refill"}
	return a.cardVerb(f, c, func(ctx context.Context, p *sim.Phone, name string) error {
		card, err := p.Find(name)
		if err == nil {
			_, err = p.Refill(ctx, card.Name, true)
		}
		return err
	})
}

func (a *app) walletRemove(f *walletFlags) *cobra.Command {
	all := false
	c := &cobra.Command{
		Use: "remove CARD", Short: "Delete a card for good, or with --all everything",
		Args: arguments(0, 1, "a card of the wallet, or --all"), Example: "  tapsim wallet remove visa-1\n  tapsim wallet remove --all",
	}
	c.Flags().BoolVar(&all, "all", false, "delete all cards, the passcode and the history")
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, args []string) (doneJSON, error) {
		switch {
		case all == (len(args) == 1):
			return doneJSON{}, errors.New("want a card of the wallet, or --all")
		case all:
			return doneJSON{"all cards are deleted, for good"}, p.RemoveAll(ctx)
		}
		return doneJSON{args[0] + " is deleted, for good"}, p.Remove(ctx, args[0])
	}, a.showDone)
}

func (a *app) walletPoll(f *walletFlags) *cobra.Command {
	c := &cobra.Command{Use: "poll", Short: "Ask the token service for news", Args: cobra.NoArgs, Example: "  tapsim wallet poll"}
	return walletVerb(a, f, c, func(ctx context.Context, p *sim.Phone, _ []string) (pollJSON, error) {
		n, err := p.Poll(ctx)
		return pollJSON{n}, err
	}, func(v pollJSON) error {
		text := fmt.Sprint(v.Events, " new events")
		if v.Events == 1 {
			text = "1 new event"
		}
		_, err := fmt.Fprintln(a.out, text)
		return err
	})
}

// pollJSON is the answer to a poll.
type pollJSON struct {
	Events int `json:"events"`
}
