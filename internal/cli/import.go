package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tapsim/transcript"
	"tapsim/transcript/interop"
)

// importedJSON is the result of `tapsim import --json`.
type importedJSON struct {
	File       string                `json:"file"`
	Format     string                `json:"format"`
	Exchanges  int                   `json:"exchanges"`
	Redaction  *transcript.Redaction `json:"redaction"` // null when the recording is a test card's
	Notes      []string              `json:"notes"`
	Output     string                `json:"output,omitempty"`
	Transcript string                `json:"transcript,omitempty"`
}

func (a *app) importCommand() *cobra.Command {
	var to output
	var name string
	var list bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a transcript of another program's script, log or trace",
		Long: `Make a transcript of what another program wrote: scriptor, opensc-tool, pcsc-spy,
pcscd, GlobalPlatformPro, proxmark3, cardpeek, APDUPlay, jCardSim, Android apps,
captures of ISO 14443 and more. The format is found by itself; an input that fits
none says what was tried and why each failed. A log that stops in the middle is
imported as far as it is complete, with a note. A recording of a card outside the
test ranges is only ever written redacted (see 'tapsim redact').`,
		Example: "  tapsim import proxmark3.log -o tap.apdu\n  tapsim import --list",
		Args: func(c *cobra.Command, args []string) error {
			if list {
				return arguments(0, 0, "no file with --list")(c, args)
			}
			return arguments(1, 1, "one file, or - for standard input")(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if list {
				return a.listFormats()
			}
			return a.importFile(args[0], name, to)
		},
	}
	to.register(c)
	c.Flags().StringVar(&name, "format", "", "the format, when it is not to be found by itself (see --list)")
	c.Flags().BoolVar(&list, "list", false, "list the formats that can be read")
	return c
}

func (a *app) listFormats() error {
	if a.json {
		list := []map[string]string{}
		for _, f := range interop.Formats() {
			list = append(list, map[string]string{"name": f[0], "title": f[1]})
		}
		return a.printJSON(list)
	}
	for _, f := range interop.Formats() {
		fmt.Fprintf(a.out, "%-16s %s\n", f[0], f[1])
	}
	return nil
}

func (a *app) importFile(name, format string, to output) error {
	data, err := a.readFile(name, interop.MaxSize)
	if err != nil {
		return err
	}
	in, err := interop.Import(data, format)
	var unknown *interop.UnknownError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %w\nname the format with --format when it is one of them", name, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t := in.Transcript
	r := importedJSON{File: name, Format: in.Format, Exchanges: len(t.Exchanges()), Notes: append([]string{}, in.Notes...), Output: to.name}
	if transcript.OutsideTestRanges(t) {
		redacted, what, err := transcript.Redact(t)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t, r.Redaction = redacted, &what
		r.Notes = append(r.Notes, "the card is outside the test ranges: written redacted")
	}
	text, err := transcript.Format(t)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if a.json && to.name == "" {
		r.Transcript = string(text)
		return a.printJSON(r)
	}
	if err := a.write(to, text); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.errw, "%s: %s, %s\n", name, in.Title, count(r.Exchanges, "exchange"))
	for _, note := range r.Notes {
		fmt.Fprintf(a.errw, "  %s\n", note)
	}
	return nil
}
