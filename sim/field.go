package sim

import (
	"context"
	"time"

	"tapsim/apdu"
	"tapsim/reader"
	"tapsim/terminal"
	"tapsim/transcript"
	"tapsim/wallet/store"
)

// field is the reader's field with a customer in front of it, who holds the
// card to it when asked, and does something between two taps.
type field struct {
	clock    *Clock
	card     *store.Card
	air      *reader.Field
	recorder *transcript.Recorder
	// between is what the customer does before tapping again; it says whether
	// they come back at all.
	between func() (again bool, err error)
	taps    int
}

// Activate implements terminal.Field.
func (f *field) Activate(context.Context) (apdu.Transceiver, error) {
	f.taps++
	if f.taps > 1 {
		again, err := f.between()
		if err != nil {
			return nil, err
		}
		if !again {
			return nil, terminal.ErrNoCard
		}
		f.recorder.Reset()
	}
	f.air.Insert(f.card)
	return f.recorder, nil
}

// Off implements terminal.Field.
func (f *field) Off(ctx context.Context, d time.Duration) error {
	f.air.Remove()
	if d > 0 {
		f.recorder.Wait(d)
	}
	return f.clock.Sleep(ctx, d)
}
