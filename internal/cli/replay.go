package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/sim"
	"tapsim/transcript"
)

// replayJSON is one file of `tapsim replay --json`.
type replayJSON struct {
	File          string                    `json:"file"`
	Passed        bool                      `json:"passed"`
	Outcome       string                    `json:"outcome,omitempty"`
	Played        []string                  `json:"played"`            // card: against our terminal; terminal: against our card; decode: explained only
	Reasons       []string                  `json:"reasons,omitempty"` // what differs, the most exact first, or why a side was not played
	Substitutions []transcript.Substitution `json:"substitutions,omitempty"`

	unreadable error
}

type replayFlags struct {
	mode, card, junit string
	substitute        bool
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay FILE|FOLDER...",
		Short: "Replay transcripts against our terminal and our card, strictly",
		Long: `Replay recordings. One of tapsim's own is played twice: as the card, against our
terminal and our bank, and as the terminal, against our card. A published one is
played as the card; the manifest.tsv beside it, when there is one, says what must
come out: FILE, mode, outcome, data as TAG=HEX or -, reason, with tabs between.
Mode card-part there accepts a recording that lacks commands which our terminal
sends, decode-only one that cannot be played. Wrong bytes, wrong order, exchanges
left over: each fails and is named with its meaning.

--mode card or --mode terminal plays one side only. The second, for a recording
that names no card of ours, needs --card.

--substitute lets values differ that differ from tap to tap - unpredictable
number, date, time, amount, counters, cryptograms - and lists each: it is taken
from the recording, or computed again by the recording's card.

Exit status: 0 all passed, 1 some failed, 2 a file cannot be read.`,
		Example: "  tapsim pay --record tap.apdu && tapsim replay tap.apdu\n  tapsim replay --junit out.xml testdata/transcripts\n" +
			"  tapsim replay --mode terminal --card visa-plastic --substitute probe.apdu",
		Args: arguments(1, maxArgs, "transcripts or folders of them"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.replay(c.Context(), args, f)
		},
	}
	c.Flags().StringVar(&f.mode, "mode", "both", "side that is played: card, terminal or both")
	c.Flags().StringVar(&f.card, "card", "", "our card, against a recorded terminal that names none (see 'tapsim cards')")
	c.Flags().BoolVar(&f.substitute, "substitute", false, "let values differ that differ from tap to tap, and list them")
	c.Flags().StringVar(&f.junit, "junit", "", "write a JUnit report to this file, one case a file")
	return c
}

// options turns the flags into those of package sim.
func (f replayFlags) options() (sim.ReplayOptions, error) {
	o := sim.ReplayOptions{Substitute: f.substitute, Card: f.card}
	switch f.mode {
	case "both":
	case "card":
		o.Side = sim.CardSide
	case "terminal":
		o.Side = sim.TerminalSide
	default:
		return o, fmt.Errorf("--mode %q: want card, terminal or both", f.mode)
	}
	return o, nil
}

func (a *app) replay(ctx context.Context, args []string, f replayFlags) error {
	how, err := f.options()
	if err != nil {
		return err
	}
	files, err := expand(args, ".apdu", ".txt")
	if err != nil {
		return err
	}
	results, failed := []replayJSON{}, 0
	var unreadable error
	for _, name := range files {
		r, err := a.replayNamed(ctx, name, how)
		if err != nil {
			return err
		}
		if !r.Passed {
			failed++
		}
		if unreadable == nil {
			unreadable = r.unreadable
		}
		results = append(results, r)
	}
	if err := a.printReplays(results, failed); err != nil {
		return err
	}
	if f.junit != "" {
		if err := a.writeJUnit(f.junit, results); err != nil {
			return err
		}
	}
	switch {
	case unreadable != nil:
		return unreadable
	case failed > 0:
		return checkFailed("%d of %d recordings failed", failed, len(results))
	}
	return nil
}

// replayNamed replays one file. What is wrong with the file is part of the
// result, so that the others get their turn.
func (a *app) replayNamed(ctx context.Context, name string, how sim.ReplayOptions) (replayJSON, error) {
	t, err := a.readTranscript(name)
	var r replayJSON
	if err == nil {
		r, err = a.replayFile(ctx, t, how)
	}
	if err != nil {
		r = replayJSON{File: name, Played: []string{}, Reasons: []string{err.Error()}, unreadable: err}
	}
	return r, ctx.Err()
}

func (a *app) replayFile(ctx context.Context, t *transcript.Transcript, how sim.ReplayOptions) (replayJSON, error) {
	if t.Ours() && (sim.MadeHere(t) || t.Value("card") != "") {
		r, err := sim.ReplayOwnWith(ctx, t, how)
		return result(t, r), err
	}
	entry, err := a.manifestEntry(t.Name)
	if err != nil {
		return replayJSON{}, err
	}
	if entry.Mode == transcript.DecodeOnly && how.Side == 0 {
		s := transcript.ExplainSession(t, false)
		return replayJSON{File: t.Name, Passed: true, Played: []string{"decode"}, Reasons: []string{fmt.Sprintf("%s (%s)", entry.Reason, s.Summary())}}, nil
	}
	r, err := sim.ReplayForeign(ctx, t, entry, how)
	out := result(t, r)
	if entry.Mode == transcript.PlayPart && r.Card == nil && len(r.Played) > 0 {
		out.Reasons = append([]string{entry.Reason}, out.Reasons...)
	}
	return out, err
}

// result is a replay for people and for machines. A side that was not played is
// no failure, unless it was the only one.
func result(t *transcript.Transcript, r sim.Replay) replayJSON {
	out := replayJSON{File: t.Name, Outcome: r.Outcome, Played: append([]string{}, r.Played...), Substitutions: r.Substitutions}
	out.Passed = r.Card == nil && r.Terminal == nil && len(r.Played) > 0
	for _, difference := range r.Differences() {
		out.Reasons = append(out.Reasons, difference.Error())
	}
	out.Reasons = append(out.Reasons, r.Notes...)
	if r.CardOnly != "" {
		out.Reasons = append(out.Reasons, "not played against our card: "+r.CardOnly)
	}
	return out
}

// manifestEntry finds what the manifest beside a recording says of it. Without
// one, any outcome will do.
func (a *app) manifestEntry(file string) (transcript.Entry, error) {
	whatever := transcript.Entry{File: filepath.Base(file), Mode: transcript.PlayCard}
	name := filepath.Join(filepath.Dir(file), "manifest.tsv")
	data, err := a.readFile(name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return whatever, nil
	}
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
		for _, line := range r.lines() {
			fmt.Fprintf(a.out, "       %s\n", line)
		}
	}
	_, err := fmt.Fprintf(a.out, "%d passed, %d failed\n", len(results)-failed, failed)
	return err
}

// lines are the reasons and the substitutions.
func (r replayJSON) lines() []string {
	lines := append([]string{}, r.Reasons...)
	for _, s := range r.Substitutions {
		where := s.Side
		if s.Exchange > 0 {
			where = fmt.Sprintf("exchange %d, %s", s.Exchange, s.Side)
		}
		values := fmt.Sprintf(" (recorded %s, used %s)", cmp.Or(s.Recorded, "none"), cmp.Or(s.Used, "none"))
		if s.Recorded == s.Used {
			values = " " + s.Used
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("substituted: %s: %s %s%s", where, s.Element, s.How, values)))
	}
	return lines
}
