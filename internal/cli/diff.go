package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tapsim/transcript"
)

// diffJSON is the result of `tapsim diff --json`.
type diffJSON struct {
	A           string                  `json:"a"`
	B           string                  `json:"b"`
	Equal       bool                    `json:"equal"`
	Differences []transcript.Difference `json:"differences"`
}

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two transcripts in the words of EMV",
		Long: `Compare two transcripts exchange by exchange and element by element: which tag
differs, its value and meaning on both sides, the names of the bits that only one
has. Exchanges that only one side has do not put the rest out of step. Headers,
comments and waits do not count; sensitive values are masked.

Exit status: 0 the same, 1 they differ, 2 a file cannot be read.`,
		Example: "  tapsim diff yesterday.apdu today.apdu",
		Args:    arguments(2, 2, "two transcripts"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.diff(args[0], args[1]) },
	}
}

func (a *app) diff(first, second string) error {
	x, err := a.readTranscript(first)
	if err != nil {
		return err
	}
	y, err := a.readTranscript(second)
	if err != nil {
		return err
	}
	differences := transcript.Diff(x, y)
	r := diffJSON{A: first, B: second, Equal: len(differences) == 0, Differences: append([]transcript.Difference{}, differences...)}
	if a.json {
		err = a.printJSON(r)
	} else {
		err = a.printDiff(r)
	}
	if err == nil && !r.Equal {
		err = checkFailed("%s and %s differ: %s", first, second, count(len(differences), "difference"))
	}
	return err
}

func (a *app) printDiff(r diffJSON) error {
	if r.Equal {
		_, err := fmt.Fprintln(a.out, "the same")
		return err
	}
	fmt.Fprintf(a.out, "A %s\nB %s\n", r.A, r.B)
	title := ""
	for _, d := range r.Differences {
		if t := placeOf(d); t != title {
			title = t
			fmt.Fprintf(a.out, "%s\n", title)
		}
		side := d.Side + ": "
		if d.Side == "exchange" {
			side = ""
		}
		if _, err := fmt.Fprintf(a.out, "  %s%s\n", side, d.Sentence); err != nil {
			return err
		}
	}
	return nil
}

// placeOf names the exchange of a difference, with its number on both sides.
func placeOf(d transcript.Difference) string {
	switch {
	case d.A == 0 && d.B == 0:
		return d.Name
	case d.A == d.B, d.B == 0:
		return fmt.Sprintf("%d %s", d.A, d.Name)
	case d.A == 0:
		return fmt.Sprintf("%d %s", d.B, d.Name)
	}
	return fmt.Sprintf("%d and %d %s", d.A, d.B, d.Name)
}
