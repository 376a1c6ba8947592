package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsim/apdu"
	"tapsim/reader"
	"tapsim/reader/guard"
	"tapsim/reader/pcsc"
	"tapsim/terminal"
)

// readerJSON is one reader of `tapsim readers --json`.
type readerJSON struct {
	Name        string  `json:"name"`
	Card        bool    `json:"card"`
	InUse       bool    `json:"in_use"`
	Mute        bool    `json:"mute"` // a card is there and does not answer
	ATR         *string `json:"atr"`
	Contactless bool    `json:"contactless"`
}

func (a *app) readersCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "readers",
		Short:   "List the PC/SC readers and what is in them",
		Example: "  tapsim readers\n  tapsim readers --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			infos, err := pcsc.Readers()
			if err != nil {
				return readerError(err)
			}
			return a.printReaders(infos)
		},
	}
}

func (a *app) printReaders(infos []pcsc.Info) error {
	list := []readerJSON{}
	for _, i := range infos {
		list = append(list, readerJSON{
			Name: i.Name, Card: i.Present, InUse: i.InUse, Mute: i.Mute, ATR: hexOf(i.ATR), Contactless: pcsc.Contactless(i.ATR),
		})
	}
	if a.json {
		return a.printJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.errw, "tapsim: the PC/SC service knows no reader: plug one in, and see 'tapsim doctor'")
		return nil
	}
	return a.table(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "READER\tCARD\tATR")
		for _, r := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, r.state(), text(r.ATR))
		}
	})
}

func (r *readerJSON) state() string {
	switch {
	case r.InUse:
		return "used by another program"
	case r.Mute:
		return "one that does not answer"
	case r.Card && r.Contactless:
		return "contactless"
	case r.Card:
		return "yes"
	}
	return "none"
}

// text is a value that may be absent.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// readerError adds what to do.
func readerError(err error) error {
	switch {
	case errors.Is(err, pcsc.ErrNotBuilt), errors.Is(err, pcsc.ErrNoService), errors.Is(err, pcsc.ErrNoAccess):
		return fmt.Errorf("%w; 'tapsim doctor' says what is missing and how to get it", err)
	case errors.Is(err, pcsc.ErrInUse), errors.Is(err, pcsc.ErrBlocked):
		return fmt.Errorf("%w: end that program, or use another reader", err)
	}
	return err
}

// interrupted is how a command at a reader ends whose user has stopped it.
func interrupted(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// readerFlags are the flags of commands that use a real reader.
type readerFlags struct {
	name      string
	wait      time.Duration
	allowLive bool
	live      bool // a card came that is not known to be a test card, and it went on
}

func (f *readerFlags) register(c *cobra.Command, needed string) {
	c.Flags().StringVar(&f.name, "reader", "", "PC/SC reader, its name or a part of it (see 'tapsim readers')"+needed)
	c.Flags().DurationVar(&f.wait, "wait", time.Minute, "how long to wait for a card at the reader")
}

func (f *readerFlags) registerLive(c *cobra.Command) {
	c.Flags().BoolVar(&f.allowLive, "allow-live", false, "at a reader: go on with a card that is not known to be a test card")
}

func (f *readerFlags) open() (*pcsc.Reader, error) {
	if f.wait <= 0 {
		return nil, fmt.Errorf("--wait %s: want a time above zero", f.wait)
	}
	r, err := pcsc.Open(f.name)
	if err != nil {
		return nil, readerError(err)
	}
	r.Wait = f.wait
	return r, nil
}

// needed opens the reader that a command cannot do without.
func (f *readerFlags) needed() (*pcsc.Reader, error) {
	if f.name == "" {
		return nil, errors.New("--reader NAME is missing ('tapsim readers' lists them)")
	}
	return f.open()
}

// guardedField is a reader as the field of a terminal, behind the guard: a card
// that is not known to be a test card is not paid with unless the user wants it.
type guardedField struct {
	app    *app
	reader *pcsc.Reader
	flags  *readerFlags
	host   string // that a live card's cryptogram goes to
}

func (f *guardedField) Activate(ctx context.Context) (apdu.Transceiver, error) {
	card, err := f.reader.Activate(ctx)
	switch {
	case errors.Is(err, reader.ErrNoCard):
		return nil, fmt.Errorf("%w within %s", terminal.ErrNoCard, f.reader.Wait)
	case err != nil:
		return nil, readerError(err)
	}
	return guard.New(card, f.decide), nil
}

func (f *guardedField) Off(ctx context.Context, d time.Duration) error { return f.reader.Off(ctx, d) }

// decide says, for a card that is not known to be a test card, what will happen.
func (f *guardedField) decide(reason string) bool {
	if !f.flags.allowLive {
		return false
	}
	f.flags.live = true
	fmt.Fprintf(f.app.errw, `tapsim: this may be somebody's real card: %s.
tapsim: --allow-live: it is asked for a cryptogram now (GET PROCESSING OPTIONS). Its transaction
tapsim: counter rises by one or more, which nothing undoes; it may count the payment against its
tapsim: offline limits. The request goes to %s; no money moves unless that is a real host.
`, reason, f.host)
	return true
}

// liveHint adds what to do to the guard's refusal.
func liveHint(err error) error {
	var live *guard.LiveError
	if !errors.As(err, &live) {
		return err
	}
	return fmt.Errorf("%w. Stopped before GET PROCESSING OPTIONS: nothing in the card has changed ('tapsim probe' reads it; --allow-live goes on)", live)
}
