package reader

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
)

// counter is a card that answers with the number of commands it has seen since
// it was made.
type counter struct{ seen byte }

func (c *counter) Respond([]byte) []byte {
	c.seen++
	return []byte{c.seen, 0x90, 0x00}
}

func send(t *testing.T, r apdu.Transceiver) byte {
	t.Helper()
	b, err := r.Transceive(context.Background(), []byte{0, 0xA4, 0, 0})
	require.NoError(t, err)
	require.Len(t, b, 3)
	return b[0]
}

func TestPresence(t *testing.T) {
	var deactivated []Reason
	f := &Field{Deactivated: func(r Reason) { deactivated = append(deactivated, r) }}
	require.False(t, f.Present())

	_, err := f.Transceive(context.Background(), []byte{0})
	require.ErrorIs(t, err, apdu.ErrLost)
	var lost *LostError
	require.ErrorAs(t, err, &lost)
	require.False(t, lost.CardSaw())

	first, second := &counter{}, &counter{seen: 100}
	f.Insert(first)
	require.True(t, f.Present())
	require.Empty(t, deactivated, "a card that comes is not deactivated")
	require.Equal(t, byte(1), send(t, f))

	f.Reset()
	require.Equal(t, []Reason{LinkLoss}, deactivated)
	require.Equal(t, byte(2), send(t, f), "the same card is still there")

	f.Insert(second)
	require.Len(t, deactivated, 2, "the card before it left")
	require.Equal(t, byte(101), send(t, f))

	f.Remove()
	f.Remove()
	f.Reset()
	require.Len(t, deactivated, 3, "nothing is there to lose power")
	require.False(t, f.Present())
}

func TestAnEndedContextKeepsTheCommandFromTheCard(t *testing.T) {
	f, card := &Field{}, &counter{}
	f.Insert(card)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := f.Transceive(ctx, []byte{0})
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, apdu.ErrLost)
	require.Zero(t, card.seen)
}

func TestASecondCommandAtOnceIsRefused(t *testing.T) {
	f := &Field{}
	working, finish := make(chan struct{}), make(chan struct{})
	f.Insert(apdu.ResponderFunc(func([]byte) []byte {
		close(working)
		<-finish
		return []byte{0x90, 0}
	}))
	done := make(chan error)
	go func() {
		_, err := f.Transceive(context.Background(), []byte{0})
		done <- err
	}()
	<-working
	_, err := f.Transceive(context.Background(), []byte{0})
	require.ErrorIs(t, err, ErrBusy)
	close(finish)
	require.NoError(t, <-done)
	f.Insert(&counter{})
	require.Equal(t, byte(1), send(t, f), "the field works again")
}

// tap sends three commands and writes down what came of each.
func tap(t *testing.T, faults ...Fault) (outcomes []string, card *counter, field *Field, clock time.Duration) {
	t.Helper()
	field, card = &Field{}, &counter{}
	field.Insert(card)
	r, err := WithFaults(field, func(ctx context.Context, d time.Duration) error {
		clock += d
		return ctx.Err()
	}, faults...)
	require.NoError(t, err)
	for range 3 {
		b, err := r.Transceive(context.Background(), []byte{0})
		var lost *LostError
		switch {
		case err == nil:
			outcomes = append(outcomes, string("0123456789"[b[0]&0x0F]))
		case errors.As(err, &lost) && lost.Seen:
			outcomes = append(outcomes, "lost after")
		case errors.As(err, &lost):
			outcomes = append(outcomes, "lost before")
		default:
			outcomes = append(outcomes, err.Error())
		}
	}
	return outcomes, card, field, clock
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  []Fault
		want    []string
		seen    byte
		present bool
		clock   time.Duration
	}{
		{"none", nil, []string{"1", "2", "3"}, 3, true, 0},
		{"torn before the second", []Fault{{Exchange: 2, Action: TearBefore}}, []string{"1", "lost before", "lost before"}, 1, false, 0},
		{"torn after the second", []Fault{{Exchange: 2, Action: TearAfter}}, []string{"1", "lost after", "lost before"}, 2, false, 0},
		{"one answer lost", []Fault{{Exchange: 2, Action: Drop}}, []string{"1", "lost after", "3"}, 3, true, 0},
		{"slow", []Fault{{Exchange: 1, Action: Delay, Delay: time.Second}, {Exchange: 3, Action: Delay, Delay: time.Minute}},
			[]string{"1", "2", "3"}, 3, true, time.Minute + time.Second},
		{"a bit", []Fault{{Exchange: 1, Action: Corrupt, Flip: 0x08}}, []string{"9", "2", "3"}, 3, true, 0},
		{"from the end", []Fault{{Exchange: 1, Action: Corrupt, Offset: -3, Flip: 0x04}}, []string{"5", "2", "3"}, 3, true, 0},
		{"outside", []Fault{{Exchange: 1, Action: Corrupt, Offset: 3, Flip: 1}},
			[]string{"reader: cannot corrupt byte 3 of exchange 1: the answer has 3 bytes", "2", "3"}, 3, true, 0},
		{"slow, then torn", []Fault{{Exchange: 1, Action: Delay, Delay: time.Second}, {Exchange: 1, Action: TearAfter}},
			[]string{"lost after", "lost before", "lost before"}, 1, false, time.Second},
	} {
		outcomes, card, field, clock := tap(t, c.faults...)
		require.Equal(t, c.want, outcomes, c.name)
		require.Equal(t, c.seen, card.seen, c.name)
		require.Equal(t, c.present, field.Present(), c.name)
		require.Equal(t, c.clock, clock, c.name)
	}
}

func TestCorruptionLeavesTheCardsOwnBytesAlone(t *testing.T) {
	kept := []byte{1, 0x90, 0}
	field := &Field{}
	field.Insert(apdu.ResponderFunc(func([]byte) []byte { return kept }))
	r, err := WithFaults(field, nil, Fault{Exchange: 1, Action: Corrupt, Flip: 0xFF})
	require.NoError(t, err)
	b, err := r.Transceive(context.Background(), []byte{0})
	require.NoError(t, err)
	require.Equal(t, []byte{0xFE, 0x90, 0}, b)
	require.Equal(t, []byte{1, 0x90, 0}, kept)
}

func TestAFaultThatCannotStrikeIsRefused(t *testing.T) {
	for want, f := range map[string]Fault{
		"fault 1: exchange 0":                    {Action: Drop},
		"fault 1: no action":                     {Exchange: 1},
		"fault 1: a delay needs a time above":    {Exchange: 1, Action: Delay, Delay: time.Second},
		"fault 1: a corruption needs bits to fl": {Exchange: 1, Action: Corrupt},
	} {
		_, err := WithFaults(&Field{}, nil, f)
		require.ErrorContains(t, err, want)
	}
}

func BenchmarkTransceive(b *testing.B) {
	f := &Field{}
	answer := bytes.Repeat([]byte{0x90}, 100)
	f.Insert(apdu.ResponderFunc(func([]byte) []byte { return answer }))
	ctx, command := context.Background(), []byte{0, 0xA4, 4, 0}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Transceive(ctx, command); err != nil {
			b.Fatal(err)
		}
	}
}
