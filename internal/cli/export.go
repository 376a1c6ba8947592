package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/transcript"
	"tapsim/transcript/interop"
)

// exportFlags are the flags of export: --format NAME, or the name as a flag of
// its own.
type exportFlags struct {
	output
	format                     string
	pcapng, iso14443, scriptor bool
}

// exportedJSON is the result of `tapsim export --json`.
type exportedJSON struct {
	File      string                `json:"file"`
	Format    string                `json:"format"`
	Output    string                `json:"output"`
	Bytes     int                   `json:"bytes"`
	Redaction *transcript.Redaction `json:"redaction"` // null when the recording is a test card's
	Notes     []string              `json:"notes"`
}

func (a *app) exportCommand() *cobra.Command {
	var f exportFlags
	var formats strings.Builder
	for _, e := range interop.ExportFormats() {
		fmt.Fprintf(&formats, "  %-16s %s\n", e[0], e[1])
	}
	c := &cobra.Command{
		Use:   "export --format FORMAT FILE [OUT]",
		Short: "Write a transcript in another program's format",
		Long: `Write a transcript in the format of another program:

` + formats.String() + `
--pcapng alone holds the APDUs, as Wireshark shows them without any setting;
--pcapng --iso14443 holds what is on the air. There the APDUs need
-d iso14443.subdissector,iso7816. A recording of a card outside the test ranges
is only ever written redacted.`,
		Example: "  tapsim export --pcapng tap.apdu tap.pcapng && tshark -r tap.pcapng\n  tapsim export --format scriptor tap.apdu | scriptor",
		Args:    arguments(1, 2, "a transcript, and the file to write (default standard output)"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.export(args, f) },
	}
	f.register(c)
	c.Flags().StringVar(&f.format, "format", "", "one of the formats above")
	c.Flags().BoolVar(&f.pcapng, "pcapng", false, "the same as --format pcapng")
	c.Flags().BoolVar(&f.iso14443, "iso14443", false, "with --pcapng: frames of ISO 14443 instead of APDUs")
	c.Flags().BoolVar(&f.scriptor, "scriptor", false, "the same as --format scriptor")
	return c
}

// name is the format that the flags ask for.
func (f *exportFlags) chosen() (string, error) {
	name := f.format
	for flag, given := range map[string]bool{"pcapng": f.pcapng || f.iso14443, "scriptor": f.scriptor} {
		switch {
		case given && name != "" && name != flag:
			return "", fmt.Errorf("one format at a time: --%s or %s", flag, name)
		case given:
			name = flag
		}
	}
	switch {
	case name == "":
		return "", errors.New("want --format, --pcapng or --scriptor (see 'tapsim export --help')")
	case f.iso14443 && name == "pcapng":
		name = "pcapng-iso14443"
	}
	return name, nil
}

func (a *app) export(args []string, f exportFlags) error {
	name, err := f.chosen()
	if err != nil {
		return err
	}
	if len(args) == 2 {
		if f.name != "" && f.name != args[1] {
			return fmt.Errorf("two files to write: %s and %s", f.name, args[1])
		}
		f.name = args[1]
	}
	if a.json && f.name == "" {
		return errors.New("--json needs a file to write, as the second argument or -o")
	}
	t, err := a.readTranscript(args[0])
	if err != nil {
		return err
	}
	r := exportedJSON{File: args[0], Format: name, Output: f.name, Notes: []string{}}
	if transcript.OutsideTestRanges(t) {
		redacted, what, err := transcript.Redact(t)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		t, r.Redaction = redacted, &what
		r.Notes = append(r.Notes, "the card is outside the test ranges: written redacted")
	}
	out, err := interop.Export(t, name)
	if err != nil {
		return err
	}
	if err := a.write(f.output, out.Data); err != nil {
		return err
	}
	r.Bytes, r.Notes = len(out.Data), append(r.Notes, out.Notes...)
	if a.json {
		return a.printJSON(r)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(a.errw, "%s: %s\n", args[0], note)
	}
	return nil
}
