package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/reader/guard"
	"tapsim/reader/pcsc"
	"tapsim/sim"
	"tapsim/terminal"
)

func (a *app) terminalCommand() *cobra.Command {
	f := &payFlags{set: func(string) bool { return false }}
	c := &cobra.Command{
		Use:   "terminal --reader NAME",
		Short: "A point of sale at a real reader: tap after tap",
		Long: `Stay open at a PC/SC reader and take payments. Each line of standard input is an
amount: present the card for it. With --amount all payments have that one: take the
card away between them. It ends with the input, or when interrupted.

A card that is not known to be a test card is read and not paid with, unless
--allow-live is given. With --json each payment is one line of JSON, as of
'tapsim pay --json', or {"error": ...}.`,
		Example: `  tapsim terminal --reader ACR122
  printf '5.00\n120.00\n' | tapsim terminal --reader "Virtual PCD 00 00" --json
  tapsim terminal --reader ACR122 --amount 2.20 --terminal transit`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveTerminal(c.Context(), f) },
	}
	f.world.registerTerminal(c)
	f.host.register(c)
	f.reader.register(c, "; required")
	f.reader.registerLive(c)
	f.registerSale(c)
	c.Flags().StringVar(&f.amount, "amount", "", "take this amount from each card, and nothing from standard input")
	return c
}

func (a *app) serveTerminal(ctx context.Context, f *payFlags) error {
	if f.amount == "" && f.pinFile == "-" {
		return errors.New("--pin-file -: the amounts come from standard input; use a file for the PIN")
	}
	if err := a.readPIN(f); err != nil {
		return fmt.Errorf("--pin-file: %w", err)
	}
	w, r, done, err := a.openAtReader(ctx, f, "terminal")
	if err != nil {
		return err
	}
	s := &shop{app: a, flags: f, world: w, reader: r}
	err = s.serve(ctx)
	if ctx.Err() != nil {
		err = nil // interrupted: that is how it ends
	}
	return errors.Join(err, done())
}

// openAtReader opens a world whose field is a real reader.
func (a *app) openAtReader(ctx context.Context, f *payFlags, command string) (w *sim.World, r *pcsc.Reader, done func() error, err error) {
	o, closeHost, err := a.payOptions(f, command)
	if err != nil {
		return nil, nil, nil, err
	}
	if r, err = f.reader.needed(); err != nil {
		closeHost()
		return nil, nil, nil, err
	}
	host := "the bank in this program"
	if f.host.address != "" {
		host = f.host.address
	}
	o.Field = &guardedField{app: a, reader: r, flags: &f.reader, host: host}
	if w, err = sim.Open(ctx, o); err != nil {
		closeHost()
		return nil, nil, nil, errors.Join(err, r.Close())
	}
	return w, r, func() error {
		defer closeHost()
		return errors.Join(w.Close(), r.Close())
	}, nil
}

// shop is an open point of sale.
type shop struct {
	app    *app
	flags  *payFlags
	world  *sim.World
	reader *pcsc.Reader
	bad    int // lines that are no amount
}

// serve takes payments until the amounts end.
func (s *shop) serve(ctx context.Context) error {
	for _, n := range s.world.Notes {
		fmt.Fprintln(s.app.errw, "tapsim:", n)
	}
	if s.flags.amount != "" {
		return s.sameAmount(ctx)
	}
	lines := readLines(ctx, s.app.in)
	for n := 1; ; n++ {
		fmt.Fprintf(s.app.errw, "tapsim: amount in %s?\n", s.world.Terminal.Currency.Alpha)
		select {
		case <-ctx.Done():
			return nil
		case line, open := <-lines:
			if !open {
				return s.farewell()
			}
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			s.flags.amount, s.flags.from = line, fmt.Sprintf("standard input, line %d", n)
		}
		if err := s.payment(ctx); err != nil {
			return err
		}
	}
}

func (s *shop) farewell() error {
	if s.bad > 0 {
		return fmt.Errorf("%d of the amounts could not be read", s.bad)
	}
	return nil
}

// sameAmount takes the same from each card that comes.
func (s *shop) sameAmount(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.payment(ctx); err != nil {
			return err
		}
		if s.bad > 0 {
			return s.farewell()
		}
		err := s.reader.Removed(ctx)
		if readerLost(err) {
			err = s.cleared(ctx, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readerLost is true when the reader or its service may come back.
func readerLost(err error) bool {
	return errors.Is(err, pcsc.ErrReaderGone) || errors.Is(err, pcsc.ErrNoService)
}

// cleared waits until the reader is back and empty: nobody can tell whether the
// card that lies there then is the one that has paid.
func (s *shop) cleared(ctx context.Context, lost error) error {
	if err := s.tell(fmt.Errorf("%w: waiting for it to come back; take away the card", lost)); err != nil {
		return err
	}
	return s.reader.Cleared(ctx)
}

// payment takes one. What goes wrong with the card is told, and the shop stays
// open.
func (s *shop) payment(ctx context.Context) error {
	r, err := s.flags.request(s.world)
	if err != nil {
		s.bad++
		return s.tell(err)
	}
	r.Explain = true
	fmt.Fprintf(s.app.errw, "tapsim: %s %s: present the card at %s\n", r.Currency.Alpha, r.Currency.Format(r.Amount), s.reader.Name())
	for {
		p, err := s.world.Pay(ctx, r)
		var live *guard.LiveError
		switch {
		case err == nil:
			return s.show(r, p)
		case errors.Is(err, terminal.ErrNoCard), errors.As(err, &live):
			return s.tell(liveHint(err))
		case readerLost(err):
			if err := s.cleared(ctx, err); err != nil {
				return err
			}
			fmt.Fprintf(s.app.errw, "tapsim: present the card at %s\n", s.reader.Name())
		default:
			return err
		}
	}
}

// show prints a payment.
func (s *shop) show(r sim.Request, p sim.Payment) error {
	v := view{world: s.world, request: r, payment: p, reader: s.reader.Name(), reveal: s.flags.reveal && emv.TestRange(p.PAN)}
	var err error
	switch {
	case s.app.json:
		err = s.app.printLine(v.json())
	case s.flags.quiet:
		_, err = fmt.Fprintln(s.app.out, v.headline())
	default:
		_, err = s.app.out.Write(append(v.appendText(nil, s.app.style()), '\n'))
	}
	return err
}

// tell reports what kept a payment from being made.
func (s *shop) tell(err error) error {
	if s.app.json {
		return s.app.printLine(map[string]string{"error": err.Error()})
	}
	_, err = fmt.Fprintln(s.app.errw, "tapsim:", err)
	return err
}

// printLine writes one JSON value on a line.
func (a *app) printLine(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// maxLine bounds a line of standard input.
const maxLine = 1024

// readLines reads lines until the input ends. Reading cannot be cut short, so it
// is left to itself when ctx ends.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(make([]byte, maxLine), maxLine)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
