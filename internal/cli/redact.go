package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/transcript"
)

// redactedJSON is one file of `tapsim redact --json`.
type redactedJSON struct {
	File   string `json:"file"`
	Output string `json:"output,omitempty"` // the file written
	transcript.Redaction
	Kept       bool   `json:"kept,omitempty"`       // a test card's, left as it is
	Transcript string `json:"transcript,omitempty"` // the text, when no file was written
}

type redactFlags struct {
	output
	keep bool
}

func (a *app) redactCommand() *cobra.Command {
	var f redactFlags
	c := &cobra.Command{
		Use:   "redact FILE|FOLDER",
		Short: "Take cardholder data out of transcripts, consistently",
		Long: `Take cardholder data out of transcripts. An account number gets the same
substitute wherever it stands - in records, track data, commands, bytes that
cannot be taken apart, comments: a valid number of equal length inside the test
ranges. Names become a placeholder; discretionary data, certificates and
signatures become zeros. Lengths stay, so TLV data stay whole. Expiry dates and
cryptograms stay; the header says that they no longer verify. Redacting twice
changes nothing.

One file goes to standard output or to -o. A folder needs -o; the same card has
the same substitute in all its files. No file is replaced without --force.`,
		Example: "  tapsim redact tap.apdu -o public.apdu\n  tapsim redact captures -o public",
		Args:    arguments(1, 1, "one transcript or a folder of them"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.redact(args[0], f) },
	}
	f.register(c)
	c.Flags().BoolVar(&f.keep, "keep-test-cards", false, "leave sessions that show account numbers of the test ranges only as they are")
	return c
}

// register adds -o and --force.
func (o *output) register(c *cobra.Command) {
	c.Flags().StringVarP(&o.name, "output", "o", "", "file to write (default standard output)")
	c.Flags().BoolVar(&o.force, "force", false, "replace a file that is there")
}

func (a *app) redact(arg string, f redactFlags) error {
	redactor := transcript.NewRedactor()
	info, err := os.Stat(arg)
	switch {
	case arg != "-" && err != nil:
		return fileError(arg, err)
	case arg == "-" || !info.IsDir():
		r, err := a.redactFile(redactor, arg, f, f.output)
		if err == nil && a.json {
			err = a.printJSON(r)
		}
		return err
	case f.name == "":
		return fmt.Errorf("%s: a folder; name the folder for the redacted files with -o", arg)
	}
	files, err := filesIn(arg, []string{".apdu", ".txt"})
	if err != nil {
		return err
	}
	results := []redactedJSON{}
	for _, file := range files {
		inside, err := filepath.Rel(arg, file)
		if err != nil {
			return fileError(file, err)
		}
		target := output{filepath.Join(f.name, inside), f.force}
		if err := os.MkdirAll(filepath.Dir(target.name), 0o755); err != nil {
			return fileError(target.name, err)
		}
		r, err := a.redactFile(redactor, file, f, target)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return fmt.Errorf("%s: no file ends in .apdu or .txt", arg)
	}
	if a.json {
		return a.printJSON(results)
	}
	return nil
}

func (a *app) redactFile(redactor *transcript.Redactor, name string, f redactFlags, to output) (redactedJSON, error) {
	r := redactedJSON{File: name}
	t, err := a.readTranscript(name)
	if err != nil {
		return r, err
	}
	if f.keep && !transcript.OutsideTestRanges(t) && transcript.ShowsTestCard(t) {
		r.Kept, r.Elements = true, []transcript.RedactedElement{}
	} else if t, r.Redaction, err = redactor.Redact(t); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	text, err := transcript.Format(t)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	if to.name == "" && a.json {
		r.Transcript = string(text)
		return r, nil
	}
	r.Output = to.name
	if err := a.write(to, text); err != nil || a.json {
		return r, err
	}
	_, err = fmt.Fprintf(a.errw, "%s: %s\n", name, r)
	return r, err
}

// String is what was done, for people.
func (r redactedJSON) String() string {
	switch {
	case r.Kept:
		return "a test card's; left as it is"
	case !r.Changed():
		return "nothing to redact"
	}
	var parts []string
	for _, e := range r.Elements {
		parts = append(parts, fmt.Sprintf("%d x %s", e.Count, strings.TrimSpace(e.Tag+" "+e.Name)))
	}
	if r.Comments > 0 {
		parts = append(parts, fmt.Sprintf("%d x comment", r.Comments))
	}
	return "replaced " + strings.Join(parts, ", ")
}

// readTranscript reads a transcript of ours, or one in the plain form.
func (a *app) readTranscript(name string) (*transcript.Transcript, error) {
	data, err := a.readFile(name, transcript.MaxSize)
	if err != nil {
		return nil, err
	}
	t, err := transcript.Parse(name, data)
	if err != nil {
		return nil, fmt.Errorf("%w (another program's log? see 'tapsim import --help')", err)
	}
	return t, nil
}
