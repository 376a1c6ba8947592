package sim

import (
	"context"
	"fmt"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
)

// ReplayRecorded plays a published recording as the card. Our terminal takes
// what the recorded one had, and entry is what the manifest says: further
// terminal data, and the outcome that the card's data demand, "" for any. The error names
// the first command that was not the recorded one, or the outcome that came.
func ReplayRecorded(ctx context.Context, t *transcript.Transcript, entry transcript.Entry) (kernel.Outcome, error) {
	data := entry.Data
	if apps := transcript.Extract(t); len(apps) > 0 {
		data = append(append(emv.List{}, apps[len(apps)-1].Data...), data...)
	}
	config, request, err := terminal.ForRecording(data)
	if err != nil {
		return kernel.Outcome{}, fmt.Errorf("%s: %w", t.Name, err)
	}
	clock := NewClock(request.Time)
	term, err := terminal.New(config, kernels(clock), terminal.Env{Now: clock.Now, Rand: stream(0, "recorded")})
	if err != nil {
		return kernel.Outcome{}, fmt.Errorf("%s: %w", t.Name, err)
	}
	card := &lenientField{card: transcript.NewLenientCard(t)}
	tap, err := term.Tap(ctx, card, request)
	if err != nil {
		return tap.Outcome, fmt.Errorf("%s: %w", t.Name, err)
	}
	if different := card.card.Report().Differences; len(different) > 0 {
		return tap.Outcome, fmt.Errorf("%s: %s", t.Name, different[0])
	}
	if got := tap.Outcome.Kind.String(); entry.Expect != "" && got != entry.Expect {
		return tap.Outcome, fmt.Errorf("%s: the outcome is %s, the manifest demands %s: %s", t.Name, got, entry.Expect, tap.Outcome.Reason.Text)
	}
	return tap.Outcome, nil
}

// lenientField is a field with a recorded card that does not come back.
type lenientField struct {
	card *transcript.LenientCard
	gone bool
}

// Activate implements terminal.Field.
func (f *lenientField) Activate(context.Context) (apdu.Transceiver, error) {
	if f.gone {
		return nil, terminal.ErrNoCard
	}
	f.gone = true
	return f.card, nil
}

// Off implements terminal.Field.
func (f *lenientField) Off(ctx context.Context, _ time.Duration) error { return ctx.Err() }
