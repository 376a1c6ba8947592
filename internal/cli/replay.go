package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tapsim/sim"
	"tapsim/transcript"
)

// replayJSON is one file of `tapsim replay --json`.
type replayJSON struct {
	File    string   `json:"file"`
	Passed  bool     `json:"passed"`
	Outcome string   `json:"outcome,omitempty"`
	Played  []string `json:"played"`            // card: against our terminal; terminal: against our card; decode: explained only
	Reasons []string `json:"reasons,omitempty"` // what differs, the most exact first, or why a side was not played
}

func (a *app) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE|FOLDER...",
		Short: "Replay transcripts against our terminal and our card, strictly",
		Long: `Replay recordings. One of tapsim's own is played twice: as the card, against our
terminal and our bank, and as the terminal, against our card. A published one is
played as the card where the manifest.tsv beside it says so. Wrong bytes, wrong
order, exchanges left over: each fails and is named with its meaning.

Exit status: 0 all passed, 1 some failed, 2 a file cannot be read.`,
		Example: "  tapsim pay --record tap.apdu && tapsim replay tap.apdu\n  tapsim replay testdata/transcripts/golden",
		Args:    arguments(1, maxArgs, "transcripts or folders of them"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.replay(c.Context(), args)
		},
	}
}

func (a *app) replay(ctx context.Context, args []string) error {
	files, err := expand(args, ".apdu", ".txt")
	if err != nil {
		return err
	}
	results, failed := []replayJSON{}, 0
	for _, name := range files {
		data, err := a.readFile(name, transcript.MaxSize)
		if err != nil {
			return err
		}
		t, err := transcript.Parse(name, data)
		if err != nil {
			return err
		}
		r, err := a.replayFile(ctx, t)
		if err != nil {
			return err
		}
		if !r.Passed {
			failed++
		}
		results = append(results, r)
	}
	if err := a.printReplays(results, failed); err != nil {
		return err
	}
	if failed > 0 {
		return checkFailed("%d of %d recordings failed", failed, len(results))
	}
	return nil
}

func (a *app) replayFile(ctx context.Context, t *transcript.Transcript) (replayJSON, error) {
	if !t.Ours() {
		return a.replayRecorded(ctx, t)
	}
	out := replayJSON{File: t.Name, Played: []string{"card"}}
	r, err := sim.ReplayOwn(ctx, t)
	if err != nil {
		return out, err
	}
	out.Outcome, out.Passed = r.Outcome, r.Card == nil && r.Terminal == nil
	if r.CardOnly != "" {
		out.Reasons = append(out.Reasons, r.CardOnly)
	} else {
		out.Played = append(out.Played, "terminal")
	}
	for _, difference := range r.Differences() {
		out.Reasons = append(out.Reasons, difference.Error())
	}
	return out, nil
}

// replayRecorded plays a published recording as the manifest beside it says. One
// that no manifest knows demands nothing, so there is nothing to pass.
func (a *app) replayRecorded(ctx context.Context, t *transcript.Transcript) (replayJSON, error) {
	out := replayJSON{File: t.Name, Played: []string{"card"}}
	entry, err := a.manifestEntry(t.Name)
	if err != nil {
		return out, err
	}
	if entry.Mode == transcript.DecodeOnly {
		s := transcript.ExplainSession(t, false)
		out.Played, out.Passed, out.Reasons = []string{"decode"}, true, []string{fmt.Sprintf("%s (%s)", entry.Reason, s.Summary())}
		return out, nil
	}
	outcome, err := sim.ReplayRecorded(ctx, t, entry)
	if err != nil {
		out.Reasons = []string{err.Error()}
		return out, ctx.Err()
	}
	out.Outcome, out.Passed = outcome.Kind.String(), true
	return out, nil
}

// manifestEntry finds what the manifest beside a recording says of it.
func (a *app) manifestEntry(file string) (transcript.Entry, error) {
	name := filepath.Join(filepath.Dir(file), "manifest.tsv")
	if _, err := os.Stat(name); err != nil {
		return transcript.Entry{}, fmt.Errorf("%s is no recording of tapsim's, and no manifest.tsv beside it says what must come out (see testdata/transcripts/recorded)", file)
	}
	data, err := a.readFile(name, maxFile)
	if err != nil {
		return transcript.Entry{}, err
	}
	entries, err := transcript.ParseManifest(name, data)
	if err != nil {
		return transcript.Entry{}, err
	}
	for _, e := range entries {
		if e.File == filepath.Base(file) {
			return e, nil
		}
	}
	return transcript.Entry{}, fmt.Errorf("%s: the manifest has no line for %s", name, filepath.Base(file))
}

func (a *app) printReplays(results []replayJSON, failed int) error {
	if a.json {
		return a.printJSON(results)
	}
	for _, r := range results {
		mark := "ok    "
		if !r.Passed {
			mark = "FAILED"
		}
		fmt.Fprintf(a.out, "%s %s  %s\n", mark, r.File, r.Outcome)
		for _, reason := range r.Reasons {
			fmt.Fprintf(a.out, "       %s\n", reason)
		}
	}
	_, err := fmt.Fprintf(a.out, "%d passed, %d failed\n", len(results)-failed, failed)
	return err
}
