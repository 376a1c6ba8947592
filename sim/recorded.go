package sim

import (
	"context"
	"fmt"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
	"tapsim/transcript"
)

// Recorded is how a published recording went as the card.
type Recorded struct {
	Outcome       kernel.Outcome
	Differences   []string // commands that were not the recorded ones
	Substitutions []transcript.Substitution
}

// PlayRecorded plays a published recording as the card. Our terminal takes
// what the recorded one had, and entry is what the manifest says: further
// terminal data, and the outcome that the card's data demand, "" for any. The
// error names the first command that was not the recorded one, when the entry
// does not let the recording lack some, or the outcome that came.
func PlayRecorded(ctx context.Context, t *transcript.Transcript, entry transcript.Entry, let *transcript.Substitutes) (r Recorded, err error) {
	config, request, err := terminal.ForRecording(recordedData(t, entry))
	if err != nil {
		return r, fmt.Errorf("%s: %w", t.Name, err)
	}
	clock := NewClock(request.Time)
	term, err := terminal.New(config, kernels(clock, testca.CAKeys()), terminal.Env{Now: clock.Now, Rand: stream(0, "recorded")})
	if err != nil {
		return r, fmt.Errorf("%s: %w", t.Name, err)
	}
	card := &lenientField{card: transcript.NewLenientCard(t)}
	card.card.Substitute, card.card.Directory = let, let != nil || entry.Mode == transcript.PlayPart
	tap, err := term.Tap(ctx, card, request)
	r = Recorded{Outcome: tap.Outcome, Differences: card.card.Report().Differences, Substitutions: let.List()}
	if err != nil {
		return r, fmt.Errorf("%s: %w", t.Name, err)
	}
	if len(r.Differences) > 0 && entry.Mode != transcript.PlayPart {
		return r, fmt.Errorf("%s: %s", t.Name, r.Differences[0])
	}
	if got := tap.Outcome.Kind.String(); entry.Expect != "" && got != entry.Expect {
		return r, fmt.Errorf("%s: the outcome is %s, the manifest demands %s: %s", t.Name, got, entry.Expect, tap.Outcome.Reason.Text)
	}
	return r, nil
}

// recordedData is what the recording's terminal knew: what it sent for the list
// of the application that it chose last, what the manifest adds, what it sent in
// other commands, what the header says.
func recordedData(t *transcript.Transcript, entry transcript.Entry) emv.List {
	var data emv.List
	if apps := transcript.Extract(t); len(apps) > 0 {
		data = append(data, apps[len(apps)-1].Data...)
	}
	sent, _ := transcript.Values(t)
	data = append(append(data, entry.Data...), sent...)
	if currency, ok := emv.CurrencyByAlpha(t.Value("currency")); ok {
		if amount, err := currency.Parse(t.Value("amount")); err == nil {
			data = append(data, emv.TLV{Tag: emv.TagAmount, Value: emv.AppendBCD(nil, uint64(amount), 6)},
				emv.TLV{Tag: emv.TagTransactionCurrency, Value: emv.AppendBCD(nil, uint64(currency.Numeric), 2)})
		}
	}
	if now, err := time.Parse(time.RFC3339, t.Value("now")); err == nil {
		y, m, d := now.UTC().Date()
		data = append(data, emv.TLV{Tag: emv.TagTransactionDate, Value: emv.AppendBCD(nil, uint64(y%100*10000+int(m)*100+d), 3)})
	}
	return data
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
