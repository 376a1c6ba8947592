package sim

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/transcript"
)

// ReplaySide says which side of a recording is played.
type ReplaySide byte

// The sides. Zero is both.
const (
	CardSide     ReplaySide = iota + 1 // the recorded card, against our terminal
	TerminalSide                       // the recorded terminal, against our card
)

// ReplayOptions says how a recording is replayed. The zero value plays both
// sides and lets nothing differ.
type ReplayOptions struct {
	Side       ReplaySide
	Substitute bool   // let values differ that differ from tap to tap
	Card       string // TerminalSide: our card, for a recording that names none
}

// substitutes are transcript.Substitutes, which may be nil, with what a replay
// takes from the recording itself.
type substitutes struct{ *transcript.Substitutes }

func (o ReplayOptions) substitutes() substitutes {
	if o.Substitute {
		return substitutes{&transcript.Substitutes{}}
	}
	return substitutes{}
}

// completed is t with the counter and the key index in its header that its
// answers show.
func (s substitutes) completed(t *transcript.Transcript) *transcript.Transcript {
	if s.Substitutes == nil || t.Value("atc") != "" {
		return t
	}
	values := map[string]string{}
	for _, f := range t.Header {
		values[f.Key] = f.Value
	}
	_, received := transcript.Values(t)
	atc, ok := received.Lookup(emv.TagATC)
	if !ok || len(atc) != 2 || atc[0]|atc[1] == 0 {
		return t
	}
	values["atc"] = fmt.Sprintf("%04X", (uint16(atc[0])<<8|uint16(atc[1]))-1)
	s.taken("9F36 Application transaction counter (ATC)", fmt.Sprintf("%X", atc))
	if iad, ok := received.Lookup(emv.TagIAD); ok && len(iad) == 32 && iad[0] == 0x1F {
		if index, err := cryptogram.ParseKeyIndex(iad[13:17]); err == nil {
			values["key-index"] = index.String()
			s.taken("9F10 key index", index.String())
		}
	}
	header, err := transcript.NewHeader(values)
	if err != nil {
		return t
	}
	return &transcript.Transcript{Name: t.Name, Header: header, Lines: t.Lines}
}

func (s substitutes) taken(element, value string) {
	s.Add(transcript.Substitution{Side: "session", Element: element, Recorded: value, Used: value, How: "taken from the recording"})
}

// MadeHere is true for a recording whose header says how to make all of it
// again.
func MadeHere(t *transcript.Transcript) bool {
	_, _, err := ownRun(t)
	return err == nil
}

// ReplayForeign replays a recording that does not say how to make it again: as
// the card, as PlayRecorded does, and, when the options name a card of ours,
// as the terminal.
func ReplayForeign(ctx context.Context, t *transcript.Transcript, entry transcript.Entry, how ReplayOptions) (Replay, error) {
	var r Replay
	if how.Side != TerminalSide {
		played, err := PlayRecorded(ctx, t, entry, how.substitutes().Substitutes)
		if err != nil && ctx.Err() != nil {
			return r, err
		}
		r.Played, r.Card = append(r.Played, "card"), err
		r.Detail, r.Substitutions = played.Outcome.Reason.Text, played.Substitutions
		if played.Outcome.Kind != 0 {
			r.Outcome = played.Outcome.Kind.String()
		}
		switch {
		case entry.Mode == transcript.PlayPart:
			r.Notes = played.Differences
		case entry.Line == 0 && err != nil && len(played.Differences) > 0:
			r.Notes = append(r.Notes, partNote(t, played))
		}
	}
	if how.Side == TerminalSide || how.Side == 0 && how.Card != "" {
		o := Options{State: Memory, Terminal: "attended", Now: foreignNow(t), Seed: new(uint64)}
		return r, r.asCard(ctx, t, o, how)
	}
	return r, nil
}

// partNote says how to accept a recording that holds only a part of what our
// terminal sends.
func partNote(t *transcript.Transcript, r Recorded) string {
	return fmt.Sprintf("the recording plays only in part (commands of our terminal that are not in it: %d): a line of a manifest.tsv beside it accepts that, "+
		"with tabs between: %s card-part OUTCOME - REASON", len(r.Differences), filepath.Base(t.Name))
}

// foreignNow is noon of the day that the recording's terminal had.
func foreignNow(t *transcript.Transcript) time.Time {
	if now, err := time.Parse(time.RFC3339, t.Value("now")); err == nil {
		return now
	}
	sent, _ := transcript.Values(t)
	if v, ok := sent.Lookup(emv.TagTransactionDate); ok {
		if n, err := emv.BCD(v); err == nil && n >= 101 {
			return time.Date(2000+int(n/10000), time.Month(n/100%100), int(n%100), 12, 0, 0, 0, time.UTC)
		}
	}
	return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
}
