// Package cli is the command line: one file per subcommand over sim and the
// libraries. Main is a function of its arguments and streams, so scripts can
// test it.
//
// Text rules: what was asked goes to standard output; progress, notes and
// errors go to standard error. Errors start in lower case, say where and what
// is wrong, and end with a hint on what to do, without a full stop.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsim/issuer"
)

// Exit statuses: done; a failed check or an unmet --expect; wrong usage or bad
// input.
const (
	exitOK    = 0
	exitCheck = 1
	exitUsage = 2
)

// checkError is a failed check: the command did its work and the answer is no.
type checkError struct{ text string }

func (e *checkError) Error() string { return e.text }

func checkFailed(format string, args ...any) error {
	return &checkError{fmt.Sprintf(format, args...)}
}

// app is what every subcommand gets: the streams and the flags they share.
type app struct {
	in        io.Reader
	out, errw io.Writer
	json      bool
	// grace is how long the command may take to end once it is interrupted, in
	// nanoseconds.
	grace atomic.Int64
}

// grace is what most commands need to end: a moment.
const grace = 2 * time.Second

// Main runs one command line and returns its exit status. When ctx ends the
// command gets a moment to end cleanly. What hangs then, in a pipe that nobody
// writes to for one, is left behind: the caller is to exit.
func Main(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, errw: errw}
	a.grace.Store(int64(grace))
	ended := make(chan int, 1)
	go func() { ended <- a.run(ctx, args) }()
	select {
	case status := <-ended:
		return status
	case <-ctx.Done():
	}
	late := time.NewTimer(time.Duration(a.grace.Load()))
	defer late.Stop()
	select {
	case status := <-ended:
		return status
	case <-late.C:
		fmt.Fprintln(errw, "tapsim: interrupted")
		return exitUsage
	}
}

// run runs one command line.
func (a *app) run(ctx context.Context, args []string) (status int) {
	in, out, errw := a.in, a.out, a.errw
	defer func() {
		if p := recover(); p != nil {
			// A crash report carries no data: values in a panic may be card
			// numbers.
			fmt.Fprintf(errw, "tapsim: internal error (%T); please report the command line and the version\n", p)
			status = exitUsage
		}
	}()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	help := &checkedWriter{to: out}
	root.SetOut(help)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = help.err
	}
	var check *checkError
	var refusal *issuer.Refusal
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &refusal):
		a.refused(refusal)
		return exitCheck
	case errors.As(err, &check):
		fmt.Fprintln(errw, "tapsim:", check.text)
		return exitCheck
	default:
		fmt.Fprintln(errw, "tapsim:", err)
		return exitUsage
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tapsim",
		Short: "Contactless payments on one machine: phone, point of sale, issuer",
		Long: `tapsim simulates contactless payments: a phone (or card) taps at a point of
sale, which asks the issuer; all three handle the same cryptogram.

Exit status: 0 did what was asked (a declined payment is a result, too),
1 a check failed, --expect was not met, or wallet or bank refused, 2 wrong usage
or bad input.`,
		Example:       "  tapsim pay --amount 12.50\n  tapsim decode 9F2701809F360200019F26081122334455667788",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return noEmptyFlags(c.Flags())
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON on standard output and nothing else")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			if n := unknown.GetSpecifiedShortnames(); strings.Trim(n, "0123456789.,") == "" && n != "" {
				return fmt.Errorf("-%s is a negative number: amounts and numbers have no sign (see '%s --help')", n, c.CommandPath())
			}
		}
		return fmt.Errorf("%w (see '%s --help')", err, c.CommandPath())
	})
	root.Version = version
	root.SetVersionTemplate("tapsim {{.Version}}\n")
	root.SetHelpCommand(helpCommand(root))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.commands()...)
	nameUnknown(root)
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "config" { // what issuer and bank once called it
			name = "bank"
		}
		return pflag.NormalizedName(name)
	})
	return root
}

// nameUnknown has each command that is a group say which of its commands may have
// been meant.
func nameUnknown(c *cobra.Command) {
	if !c.HasSubCommands() {
		return
	}
	c.SuggestionsMinimumDistance = 2 // letters apart
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		meant := strings.Join(c.SuggestionsFor(args[0]), " or ")
		if meant != "" {
			meant = "did you mean " + meant + "? "
		}
		return fmt.Errorf("unknown command %q for %q (%ssee '%s --help')", args[0], c.CommandPath(), meant, c.CommandPath())
	}
	for _, sub := range c.Commands() {
		nameUnknown(sub)
	}
}

// checkedWriter keeps the first error of writing help, which cobra drops.
type checkedWriter struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (w *checkedWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// mayBeEmpty marks a flag whose empty value says something.
const mayBeEmpty = "may be empty"

// noEmptyFlags refuses a text flag that is given and empty. In a script that is
// a variable without a value, and the default in its place would be a surprise.
func noEmptyFlags(flags *pflag.FlagSet) error {
	var empty error
	flags.Visit(func(f *pflag.Flag) {
		if f.Annotations[mayBeEmpty] == nil && empty == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			empty = fmt.Errorf("--%s: its value is empty; leave the flag out for the default", f.Name)
		}
	})
	return empty
}

// helpCommand is cobra's, but an unknown topic is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return fmt.Errorf("no help about %q (see 'tapsim --help')", args)
			}
			return c.Help()
		},
	}
}

// arguments is a check of how many arguments a command takes, that says what
// they are.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return fmt.Errorf("want %s, got %d arguments (see '%s --help')", what, len(args), c.CommandPath())
		}
		return nil
	}
}

// printJSON writes one JSON value.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
