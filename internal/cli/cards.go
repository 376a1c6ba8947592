package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tapsim/hce/profile"
	termconfig "tapsim/terminal/config"
)

// cardJSON is one line of `tapsim cards --json`.
type cardJSON struct {
	Name    string   `json:"name"`
	Scheme  string   `json:"scheme"`
	Account string   `json:"account"` // masked
	Expiry  string   `json:"expiry"`  // YYMM
	AIDs    []string `json:"aids"`
	GoodFor string   `json:"good_for"`
}

func (a *app) cardsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "cards",
		Short:   "List the built-in cards and what each is good for",
		Example: "  tapsim cards\n  tapsim cards --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cards := []cardJSON{}
			for _, name := range profile.Names() {
				p, err := profile.Load(name)
				if err != nil {
					return err
				}
				c := cardJSON{Name: p.Name, Scheme: p.Scheme.String(), Account: p.Account.PAN.Masked(), Expiry: p.Account.Expiry, GoodFor: p.GoodFor}
				for _, app := range p.Applications {
					c.AIDs = append(c.AIDs, fmt.Sprintf("%X", app.AID))
				}
				cards = append(cards, c)
			}
			if a.json {
				return a.printJSON(cards)
			}
			return a.table(func(w *tabwriter.Writer) {
				fmt.Fprintln(w, "NAME\tSCHEME\tACCOUNT\tEXPIRES\tGOOD FOR")
				for _, c := range cards {
					fmt.Fprintf(w, "%s\t%s\t%s\t20%s-%s\t%s\n", c.Name, c.Scheme, c.Account, c.Expiry[:2], c.Expiry[2:], c.GoodFor)
				}
			})
		},
	}
}

// terminalJSON is one line of `tapsim terminals --json`.
type terminalJSON struct {
	Name     string   `json:"name"`
	Country  string   `json:"country"`
	Currency string   `json:"currency"`
	AIDs     []string `json:"aids"`
	GoodFor  string   `json:"good_for"`
}

func (a *app) terminalsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "terminals",
		Short:   "List the built-in terminals and what each is good for",
		Example: "  tapsim terminals\n  tapsim terminals --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			terminals := []terminalJSON{}
			for _, name := range termconfig.Names() {
				c, err := termconfig.Load(name)
				if err != nil {
					return err
				}
				t := terminalJSON{Name: c.Name, Country: c.CountryAlpha, Currency: c.Currency.Alpha, GoodFor: c.GoodFor}
				for _, combination := range c.Combinations {
					t.AIDs = append(t.AIDs, fmt.Sprintf("%X", combination.AID))
				}
				terminals = append(terminals, t)
			}
			if a.json {
				return a.printJSON(terminals)
			}
			return a.table(func(w *tabwriter.Writer) {
				fmt.Fprintln(w, "NAME\tCOUNTRY\tCURRENCY\tGOOD FOR")
				for _, t := range terminals {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, t.Country, t.Currency, t.GoodFor)
				}
			})
		},
	}
}

// table writes aligned columns.
func (a *app) table(fill func(*tabwriter.Writer)) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fill(w)
	return w.Flush()
}
