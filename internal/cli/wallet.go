package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/sim"
	"tapsim/wallet"
)

// walletFlags are the flags that all verbs of `tapsim wallet` share.
type walletFlags struct {
	seed, now, state, bank string
	offline                bool
	service                serviceFlags
	host                   *hostFlags // of verbs that pay a merchant; nil of others
	spare                  bool       // the bank may be another program's
}

func (a *app) walletCommand() *cobra.Command {
	f := &walletFlags{}
	c := &cobra.Command{
		Use:   "wallet",
		Short: "The phone's wallet: cards, passcode, keys, history",
		Long: `What a phone's owner does before, between and after taps: add a card with the
bank's one-time code, set a passcode, freeze, renew, remove, look at what was
paid. 'tapsim pay' pays with the wallet's default card, or with --card NAME. While
the wallet is empty 'tapsim pay' pays with visa-phone, a card of the demo account.

With --service the token service is a running 'tapsim issuer --http'.

Codes, passcodes and card data come from a file or, with -, from standard input,
never from arguments. The bank's codes arrive in 'tapsim bank inbox'. What wallet
or bank refuse has a code, exit status 1, and changes nothing but the tries that
are left.`,
		Example: `  tapsim bank card DEMO-0001 --card-file - | tapsim wallet add --card-file -
  tapsim bank inbox DEMO-0001 --code | tapsim wallet activate visa-1 --code-file -
  tapsim pay --amount 12.50
  tapsim wallet history`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := c.PersistentFlags()
	flags.StringVar(&f.seed, "seed", "", "number that makes the run repeatable: all randomness comes from it")
	flags.StringVar(&f.now, "now", "", "the phone's and the bank's clock, such as 2030-01-01T12:00:00Z, instead of now")
	flags.StringVar(&f.state, "state", "", "folder for what phone and bank remember, or :memory: (default the user's data folder)")
	flags.StringVar(&f.bank, "bank", "", "configuration of the bank (default the demo bank)")
	flags.BoolVar(&f.offline, "offline", false, "the phone has no connection: the bank is left alone")
	f.service.register(flags)
	c.AddCommand(a.walletCardCommands(f)...)
	c.AddCommand(a.walletLockCommands(f)...)
	c.AddCommand(a.walletHistoryCommands(f)...)
	c.AddCommand(a.walletPayCommands(f)...)
	return c
}

// withPhone opens the phone for one verb.
func (a *app) withPhone(ctx context.Context, f *walletFlags, verb string, run func(*sim.Phone) error) error {
	shared := worldFlags{seed: f.seed, now: f.now, state: f.state}
	options, err := shared.options("wallet " + verb)
	if err != nil {
		return err
	}
	if options.Bank, err = a.bankFile(f.bank); err != nil {
		return err
	}
	if f.service.url == "" {
		err = f.service.unused()
	} else {
		err = f.connect(a, &options)
	}
	if err != nil {
		return err
	}
	if f.host != nil {
		var closeHost func()
		if options.Host, closeHost, err = f.host.open(a); err != nil {
			return err
		}
		defer closeHost()
		options.HostName = strings.ToLower(f.host.address)
	}
	p, err := sim.OpenPhone(ctx, sim.PhoneOptions{Options: options, Offline: f.offline, Spare: f.spare})
	if err != nil {
		return err
	}
	for _, n := range p.Notes {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	return errors.Join(run(p), p.Close())
}

// connect makes a service the phone's.
func (f *walletFlags) connect(a *app, o *sim.Options) error {
	if f.bank != "" {
		return errors.New("--bank is the service's: with --service leave it out")
	}
	client, err := f.service.open(a)
	if err == nil {
		o.Service = client
	}
	return err
}

// walletVerb is a command that opens the phone, does one thing, and shows the
// answer. What the user still has to type is read before, in PreRunE: phone and
// bank are locked while the command is at work.
func walletVerb[R any](a *app, f *walletFlags, c *cobra.Command, do func(ctx context.Context, p *sim.Phone, args []string) (R, error), show func(R) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.withPhone(c.Context(), f, c.Name(), func(p *sim.Phone) error {
			answer, err := do(c.Context(), p, args)
			return present(a, answer, err, show)
		})
	}
	return c
}

// poll asks the service for news, unless it cannot be reached.
func (a *app) poll(ctx context.Context, p *sim.Phone) error {
	if !p.Online {
		return nil
	}
	_, err := p.Poll(ctx)
	switch wallet.Code(err) {
	case "":
		return err
	case "unknown-token":
		fmt.Fprintln(a.errw, "tapsim: this token service does not know the phone's cards (name the one they were added at: --service URL, or none for the bank in process)")
	default:
		fmt.Fprintln(a.errw, "tapsim:", err)
	}
	return nil
}

// maxSecret bounds files with a code, a passcode or card data.
const maxSecret = 1 << 10

// secretLines reads lines of a file, or of standard input for -.
func (a *app) secretLines(flag, name string, lines int, what string) ([]string, error) {
	if name == "" {
		return nil, fmt.Errorf("--%s FILE, or - for standard input: %s", flag, what)
	}
	text, err := a.readFile(name, maxSecret)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	got := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	if len(got) != lines || got[0] == "" {
		return nil, fmt.Errorf("--%s: want %d line(s): %s", flag, lines, what)
	}
	return got, nil
}

func (a *app) secret(flag, name, what string) (string, error) {
	lines, err := a.secretLines(flag, name, 1, what)
	if err != nil {
		return "", err
	}
	return lines[0], nil
}

// walletCardJSON is a card of the wallet as it is shown. It holds no account
// number.
type walletCardJSON struct {
	Name     string `json:"name"`
	Default  bool   `json:"default"`
	Scheme   string `json:"scheme"`
	Token    string `json:"token"`     // reference at the token service
	Masked   string `json:"masked"`    // the token's number
	LastFour string `json:"last_four"` // of the card behind it
	Status   string `json:"status"`
	// Stopped says why it cannot pay; null when it can.
	Stopped      *string      `json:"stopped"`
	HeldBy       []string     `json:"held_by"`
	Frozen       bool         `json:"frozen"`
	Expiry       string       `json:"expiry"` // YYMM
	PAR          string       `json:"par"`
	Assurance    string       `json:"assurance"`
	Verification any          `json:"verification"` // null when no code is awaited
	Keys         wallet.Stock `json:"keys"`
	Added        time.Time    `json:"added"`
}

func walletCardOf(p *sim.Phone, c wallet.Card) (walletCardJSON, error) {
	v := walletCardJSON{
		Name: c.Name, Default: p.State().Default == c.Name, Scheme: c.Scheme, Token: c.Token, Masked: c.Masked, LastFour: c.LastFour, Status: c.Status,
		HeldBy: append([]string{}, c.HeldBy...), Frozen: c.Frozen, Expiry: c.Expiry, PAR: c.PAR, Assurance: c.Assurance, Added: c.Added,
	}
	if why := p.Stopped(c.Name); why != "" {
		v.Stopped = &why
	}
	if c.Verification != nil {
		v.Verification = c.Verification
	}
	var err error
	v.Keys, err = p.Keys(c.Name)
	if v.Stopped == nil && v.Keys.Ready+v.Keys.Sealed == 0 {
		v.Stopped = some("no keys are left")
	}
	return v, err
}

// showCard writes a card for people.
func (a *app) showWalletCard(c walletCardJSON) error {
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "card\t%s%s\n", c.Name, mark(c.Default, ", the default"))
		fmt.Fprintf(w, "scheme\t%s\n", c.Scheme)
		fmt.Fprintf(w, "token\t%s, good until the end of %s/20%s\n", c.Masked, c.Expiry[2:], c.Expiry[:2])
		fmt.Fprintf(w, "card behind it\tending in %s\n", c.LastFour)
		fmt.Fprintf(w, "status\t%s\n", c.Status)
		if c.Stopped != nil {
			fmt.Fprintf(w, "cannot pay\t%s\n", *c.Stopped)
		}
		if v, ok := c.Verification.(*verification); ok {
			fmt.Fprintf(w, "code\tsent to %s, good until %s: tapsim wallet activate %s --code-file -\n", v.SentTo, v.Until.Format(time.DateTime), c.Name)
		}
		fmt.Fprintf(w, "keys\tgood for %d payments, %d more when unlocked\n", c.Keys.Ready, c.Keys.Sealed)
		fmt.Fprintf(w, "reference\t%s\n", c.Token)
	})
}

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

// doneJSON is the answer of a verb that has nothing else to say.
type doneJSON struct {
	Done string `json:"done"`
}

func (a *app) showDone(d doneJSON) error {
	_, err := fmt.Fprintln(a.out, d.Done)
	return err
}
