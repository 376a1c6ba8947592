// Package readertest is what every reader must do, as a suite of tests: the one
// in memory, those of PC/SC, the player of recordings. It also starts a PC/SC
// service of its own with virtual readers, for tests of the real thing.
package readertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
)

// Step is one exchange of a session that a card must play.
type Step struct {
	Command, Answer []byte
	Reset           bool // the field goes off and on before it
	Leaves          bool // the card leaves on this command: no answer comes
	Holds           bool // the card works on it until it is told to go on
}

// Field is a reader's field as a terminal uses it.
type Field interface {
	Activate(ctx context.Context) (apdu.Transceiver, error)
	Off(ctx context.Context, d time.Duration) error
}

// Subject is a reader under test, with a card in its field that plays a session.
type Subject struct {
	Reader Field
	// Return brings the card back into the field after it left.
	Return func()
	// Working is sent to when the card begins a step that holds, and GoOn ends
	// it.
	Working <-chan struct{}
	GoOn    chan<- struct{}
}

// Run runs the suite. make makes a fresh subject whose card plays the steps; it
// cleans up by itself.
func Run(t *testing.T, make func(t *testing.T, steps []Step) Subject) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			s := make(t, c.steps)
			card, err := s.Reader.Activate(ctx)
			require.NoError(t, err)
			c.run(ctx, t, s, card, c.steps)
			require.NoError(t, s.Reader.Off(context.Background(), 0))
		})
	}
}

type runner func(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step)

var cases = []struct {
	name  string
	steps []Step
	run   runner
}{
	{"answers come in the order of the commands", many(20), inOrder},
	{"status words are answers, not errors", []Step{
		{Command: command(1, 0), Answer: []byte{0x6A, 0x82}},
		{Command: command(2, 0), Answer: []byte{0x6F, 0x00, 0x62, 0x83}},
		{Command: command(3, 0), Answer: []byte{0x61, 0x10}},
		{Command: command(4, 0), Answer: []byte{0x6C, 0x10}},
	}, inOrder},
	{"long commands and answers pass untouched", []Step{
		{Command: command(1, 255), Answer: answer(1, 256)},
		{Command: extended(2, 256), Answer: answer(2, 257)},
		{Command: extended(3, 4000), Answer: answer(3, 4096)},
		{Command: extended(4, 60_000), Answer: answer(4, 60_000)},
	}, inOrder},
	{"a card that leaves is lost until it is activated again", []Step{
		{Command: command(1, 0), Answer: answer(1, 10)},
		{Command: command(2, 0), Leaves: true},
		{Command: command(3, 0), Answer: answer(3, 10), Reset: true},
	}, torn},
	{"the field goes off and on", []Step{
		{Command: command(1, 0), Answer: answer(1, 10)},
		{Command: command(2, 0), Answer: answer(2, 10), Reset: true},
	}, offAndOn},
	{"an ended context keeps the command from the card", many(2), ended},
	{"a context that ends meanwhile", []Step{
		{Command: command(1, 0), Answer: answer(1, 10), Holds: true},
		{Command: command(2, 0), Answer: answer(2, 10)},
	}, endsMeanwhile},
	{"a deadline that passes meanwhile", []Step{
		{Command: command(1, 0), Answer: answer(1, 10), Holds: true},
		{Command: command(2, 0), Answer: answer(2, 10)},
	}, deadline},
	{"a second command at once is refused", []Step{
		{Command: command(1, 0), Answer: answer(1, 10), Holds: true},
		{Command: command(2, 0), Answer: answer(2, 10)},
	}, concurrent},
}

// command is a command with n bytes of data.
func command(number byte, n int) []byte {
	c := []byte{0x80, 0x10, number, 0}
	if n > 0 {
		c = append(append(c, byte(n)), pattern(number, n)...)
	}
	return append(c, 0)
}

func extended(number byte, n int) []byte {
	c := append([]byte{0x80, 0x10, number, 0, 0, byte(n >> 8), byte(n)}, pattern(number, n)...)
	return append(c, 0, 0)
}

func answer(number byte, n int) []byte { return append(pattern(number+100, n), 0x90, 0x00) }

func pattern(seed byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i*7)
	}
	return b
}

func many(n int) []Step {
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = Step{Command: command(byte(i), i), Answer: answer(byte(i), 3*i)}
	}
	return steps
}

func send(ctx context.Context, t *testing.T, card apdu.Transceiver, s Step) {
	t.Helper()
	got, err := card.Transceive(ctx, s.Command)
	require.NoError(t, err)
	require.Equal(t, s.Answer, got)
}

func inOrder(ctx context.Context, t *testing.T, _ Subject, card apdu.Transceiver, steps []Step) {
	for _, s := range steps {
		sent := bytes.Clone(s.Command)
		send(ctx, t, card, s)
		require.Equal(t, sent, s.Command, "the command is the caller's and stays as it is")
	}
}

func torn(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step) {
	send(ctx, t, card, steps[0])
	_, err := card.Transceive(ctx, steps[1].Command)
	require.ErrorIs(t, err, apdu.ErrLost)
	for range 3 {
		_, err = card.Transceive(ctx, steps[2].Command)
		require.ErrorIs(t, err, apdu.ErrLost)
	}
	require.NoError(t, s.Reader.Off(ctx, 0))
	s.Return()
	card, err = s.Reader.Activate(ctx)
	require.NoError(t, err)
	send(ctx, t, card, steps[2])
}

func offAndOn(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step) {
	send(ctx, t, card, steps[0])
	require.NoError(t, s.Reader.Off(ctx, time.Millisecond))
	card, err := s.Reader.Activate(ctx)
	require.NoError(t, err)
	send(ctx, t, card, steps[1])
}

func ended(ctx context.Context, t *testing.T, _ Subject, card apdu.Transceiver, steps []Step) {
	send(ctx, t, card, steps[0])
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := card.Transceive(over, steps[1].Command)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, apdu.ErrLost)
	send(ctx, t, card, steps[1])
}

// next sends the next command when the reader has done with the one that nobody
// waits for any more.
func next(ctx context.Context, t *testing.T, card apdu.Transceiver, s Step) {
	t.Helper()
	for {
		got, err := card.Transceive(ctx, s.Command)
		if errors.Is(err, apdu.ErrBusy) {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, s.Answer, got)
		return
	}
}

func endsMeanwhile(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step) {
	over, cancel := context.WithCancel(ctx)
	result := make(chan error, 1)
	go func() {
		_, err := card.Transceive(over, steps[0].Command)
		result <- err
	}()
	<-s.Working
	cancel()
	s.GoOn <- struct{}{}
	require.ErrorIs(t, <-result, context.Canceled)
	next(ctx, t, card, steps[1])
}

func deadline(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step) {
	over, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := card.Transceive(over, steps[0].Command)
		result <- err
	}()
	<-s.Working
	<-over.Done()
	s.GoOn <- struct{}{}
	require.ErrorIs(t, <-result, context.DeadlineExceeded)
	next(ctx, t, card, steps[1])
}

func concurrent(ctx context.Context, t *testing.T, s Subject, card apdu.Transceiver, steps []Step) {
	result := make(chan error, 1)
	go func() {
		got, err := card.Transceive(ctx, steps[0].Command)
		if err == nil && !bytes.Equal(got, steps[0].Answer) {
			err = fmt.Errorf("the answer is %X", got)
		}
		result <- err
	}()
	<-s.Working
	_, err := card.Transceive(ctx, steps[1].Command)
	require.ErrorIs(t, err, apdu.ErrBusy)
	s.GoOn <- struct{}{}
	require.NoError(t, <-result)
	next(ctx, t, card, steps[1])
}

// Card plays the steps of a session for readers that want an apdu.Responder. A
// command that is not the next one is 6F00. It must not be copied.
type Card struct {
	// Leave is called for a step that leaves.
	Leave func()

	working, goOn chan struct{}

	mu    sync.Mutex
	steps []Step
}

// NewCard makes a card that plays the steps.
func NewCard(steps []Step) *Card {
	return &Card{steps: steps, working: make(chan struct{}), goOn: make(chan struct{})}
}

// Subject is a subject with this card behind a reader.
func (c *Card) Subject(r Field, back func()) Subject {
	return Subject{Reader: r, Return: back, Working: c.working, GoOn: c.goOn}
}

// Respond implements apdu.Responder.
func (c *Card) Respond(command []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.steps) == 0 || !bytes.Equal(c.steps[0].Command, command) {
		return apdu.StatusUnknown.Append(nil)
	}
	s := c.steps[0]
	c.steps = c.steps[1:]
	if s.Holds {
		c.working <- struct{}{}
		<-c.goOn
	}
	if s.Leaves {
		c.Leave()
		return nil
	}
	return s.Answer
}
