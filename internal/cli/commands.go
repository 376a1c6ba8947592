package cli

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tapsim/internal/statedir"
	issuerconfig "tapsim/issuer/config"
	"tapsim/sim"
	"tapsim/transcript"
)

// commands are the subcommands in the order of the help text.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.payCommand(), a.cardsCommand(), a.terminalsCommand(), a.decodeCommand(), a.replayCommand(),
		a.redactCommand(), a.importCommand(), a.exportCommand(), a.diffCommand(),
		a.vectorsCommand(), a.cryptogramCommand(), a.caCommand(), a.qrCommand(), a.issuerCommand(), a.walletCommand(), a.bankCommand(), a.explainCommand(), a.cardCommand(), a.terminalCommand(), a.journalCommand(),
		a.readersCommand(), a.probeCommand(), a.doctorCommand(), a.versionCommand(),
	}
}

// worldFlags are the flags of commands that open a world.
type worldFlags struct {
	seed, now, state string
	card, terminal   string
	bank             string
}

func (f *worldFlags) register(c *cobra.Command) {
	f.registerCard(c)
	f.registerPlace(c)
}

// registerTerminal is for commands without a card of ours.
func (f *worldFlags) registerTerminal(c *cobra.Command) {
	f.registerCommon(c)
	f.registerPlace(c)
}

// registerCard is for commands without a terminal.
func (f *worldFlags) registerCard(c *cobra.Command) {
	f.registerCommon(c)
	c.Flags().StringVar(&f.card, "card", "", "built-in card (see 'tapsim cards'), card of the wallet, or profile file (default the wallet's, or visa-phone)")
}

func (f *worldFlags) registerPlace(c *cobra.Command) {
	c.Flags().StringVar(&f.terminal, "terminal", "attended", "built-in terminal (see 'tapsim terminals') or configuration file")
}

func (f *worldFlags) registerCommon(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.seed, "seed", "", "number that makes the run repeatable: all randomness comes from it")
	flags.StringVar(&f.now, "now", "", "start the clock at this time, such as 2030-01-01T12:00:00Z, instead of now")
	flags.StringVar(&f.state, "state", "", "folder for what phone, terminal and issuer remember, or :memory: (default the user's data folder)")
	flags.StringVar(&f.bank, "bank", "", "configuration of the bank in process (default the demo bank; see 'tapsim issuer --print-config')")
}

// options turns the flags into a world's options.
func (f *worldFlags) options(command string) (o sim.Options, err error) {
	o = sim.Options{Card: f.card, Terminal: f.terminal, State: f.state, Holder: "tapsim " + command}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 10, 64)
		if err != nil {
			return o, fmt.Errorf("--seed %q: want a whole number from 0 to 18446744073709551615", f.seed)
		}
		o.Seed = &seed
	}
	if o.Now, err = parseNow(f.now); err != nil {
		return o, err
	}
	if f.state == "" {
		o.State, err = statedir.Default()
	}
	return o, err
}

// bankFile reads a bank's configuration; "" is nil, the demo bank.
func (a *app) bankFile(name string) (*issuerconfig.Bank, error) {
	if name == "" {
		return nil, nil
	}
	data, err := a.readFile(name, maxFile)
	if err != nil {
		return nil, err
	}
	bank, err := issuerconfig.Parse(name, data)
	return &bank, err
}

// parseNow reads --now; "" is the zero time.
func parseNow(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	now, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return now, fmt.Errorf("--now %q: want a time such as 2030-01-01T12:00:00Z", s)
	}
	if y := now.UTC().Year(); y < 2000 || y > 2049 {
		return now, fmt.Errorf("--now %q: want a year from 2000 to 2049; EMV dates have two digits", s)
	}
	return now, nil
}

// style lays text out for where it goes: as wide as the terminal, painted there
// only, and not where NO_COLOR is set.
func (a *app) style() transcript.Style {
	f, ok := a.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return transcript.Style{}
	}
	s := transcript.Style{}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.Width = min(width, 140)
	}
	if os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		s.Paint = paint
	}
	return s
}

var colours = map[transcript.Role]string{
	transcript.RoleTitle: "1", transcript.RoleSent: "36", transcript.RoleAnswer: "35", transcript.RoleTag: "33",
	transcript.RoleGood: "32", transcript.RoleBad: "31", transcript.RoleDim: "2",
}

func paint(r transcript.Role, s string) string {
	if code, ok := colours[r]; ok {
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	return s
}

// readFile reads a file with a bound on its size; "-" is standard input.
func (a *app) readFile(name string, limit int64) ([]byte, error) {
	return readLimited(a.in, name, limit)
}
