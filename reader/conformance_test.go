package reader_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/reader"
	"tapsim/reader/readertest"
)

// memory is the in-memory reader as a terminal's field.
type memory struct {
	air  *reader.Field
	card apdu.Transceiver
}

func (m memory) Activate(context.Context) (apdu.Transceiver, error) {
	if !m.air.Present() {
		return nil, reader.ErrNoCard
	}
	return m.card, nil
}

func (m memory) Off(ctx context.Context, _ time.Duration) error {
	m.air.Reset()
	return ctx.Err()
}

func TestConformance(t *testing.T) {
	readertest.Run(t, func(t *testing.T, steps []readertest.Step) readertest.Subject {
		card := readertest.NewCard(steps)
		card.Leave = func() {}
		var faults []reader.Fault
		for i, s := range steps {
			if s.Leaves {
				faults = append(faults, reader.Fault{Exchange: i + 1, Action: reader.TearAfter})
			}
		}
		air := &reader.Field{}
		air.Insert(card)
		faulty, err := reader.WithFaults(air, nil, faults...)
		require.NoError(t, err)
		return card.Subject(memory{air, faulty}, func() { air.Insert(card) })
	})
}
