package pcsc

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/reader"
)

// fake is a PC/SC service of which a test says what it answers. What the real
// one answers is measured; see vpcd_test.go for those.
type fake struct {
	mu       sync.Mutex
	names    []string
	states   []flags // of the first reader, one after the other; the last stays
	connects []error // likewise
	answers  []result
	resets   []error
	isT0     bool
	sent     [][]byte
	ended    []string // how connections ended
	contexts int
	gone     bool          // the service is not there
	hold     chan struct{} // a command waits for it
	blocked  chan struct{} // likewise a connection, and all that comes after
	waiting  chan struct{} // sent to when somebody waits for a state
	wake     chan struct{}
}

type result struct {
	answer []byte
	err    error
}

func newFake() *fake {
	return &fake{names: []string{"ACME Reader 00 00", "Other Reader 01 00"}, states: []flags{flagPresent | 0x10000},
		wake: make(chan struct{}, 8)}
}

func (f *fake) establish() (service, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return nil, codeNoService
	}
	f.contexts++
	return f, nil
}

func (f *fake) readers() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.gone:
		return nil, codeNoService
	case len(f.names) == 0:
		return nil, codeNoReaders
	}
	return slices.Clone(f.names), nil
}

// first takes the first of a list, and leaves the last one in it.
func first[T any](list *[]T) (v T) {
	if len(*list) > 0 {
		v = (*list)[0]
	}
	if len(*list) > 1 {
		*list = (*list)[1:]
	}
	return v
}

func (f *fake) status(_ string, known flags, timeout time.Duration) (state, error) {
	f.mu.Lock()
	now := first(&f.states)
	f.mu.Unlock()
	if known != 0 && now&^flagChanged == known&^flagChanged && timeout > 0 {
		if f.waiting != nil {
			f.waiting <- struct{}{}
			<-f.wake
			return state{}, codeCancelled
		}
		return state{}, codeTimeout
	}
	return state{now | flagChanged, []byte{0x3B, 0x80, 0x80, 0x01, 0x01}}, nil
}

func (f *fake) cancel() error {
	f.wake <- struct{}{}
	return nil
}

func (f *fake) connect(string) (handle, error) {
	if f.blocked != nil {
		<-f.blocked
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := first(&f.connects); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *fake) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contexts--
	return nil
}

func (f *fake) atr() ([]byte, error) { return []byte{0x3B, 0x80, 0x80, 0x01, 0x01}, nil }

func (f *fake) t0() bool     { return f.isT0 }
func (f *fake) reset() error { return first(&f.resets) }

func (f *fake) disconnect(unpower bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, map[bool]string{true: "unpowered", false: "left"}[unpower])
	return nil
}

func (f *fake) transmit(command []byte) ([]byte, error) {
	if f.hold != nil {
		<-f.hold
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, slices.Clone(command))
	r := first(&f.answers)
	return r.answer, r.err
}

func (f *fake) open(t *testing.T) *Reader {
	t.Helper()
	r, err := open("acme", f.establish)
	require.NoError(t, err)
	require.Equal(t, "ACME Reader 00 00", r.Name())
	return r
}

var (
	background = context.Background()
	hello      = []byte{0, 0xA4, 4, 0}
	ok         = result{[]byte{0x90, 0}, nil}
)

func TestWhatALostCardIs(t *testing.T) {
	for _, c := range []struct {
		name string
		r    result
		lost bool
		text string
	}{
		{"an empty answer", result{nil, nil}, true, "the card was removed"},
		{"one byte", result{[]byte{0x90}, nil}, true, "the card was removed"},
		{"not transacted", result{nil, codeNotTransacted}, true, "the card did not answer"},
		{"removed", result{nil, codeRemoved}, true, "the card was removed"},
		{"reset by another", result{nil, codeReset}, true, "reset by another program"},
		{"no power", result{nil, codeUnpowered}, true, "no power"},
		{"the service ended", result{nil, codeCommunication}, false, "no PC/SC service answers"},
		{"the reader is gone", result{nil, codeReaderUnavailable}, false, "the reader was unplugged"},
		{"something new", result{nil, code(0x80100099)}, false, "PC/SC error 80100099"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			f.answers = []result{c.r, ok}
			r := f.open(t)
			card, err := r.Activate(background)
			require.NoError(t, err)
			_, err = card.Transceive(background, hello)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, c.lost, errors.Is(err, apdu.ErrLost))
			_, err = card.Transceive(background, hello)
			require.Equal(t, c.lost, errors.Is(err, apdu.ErrLost), "what is lost stays lost")
			require.NoError(t, r.Close())
			require.Equal(t, map[bool][]string{true: {"left"}, false: {"unpowered"}}[c.lost], f.ended, "the power of a card that has left is not taken")
			require.Zero(t, f.contexts)
		})
	}
}

func TestCommandsThatMustNotReachTheLibrary(t *testing.T) {
	f := newFake()
	r := f.open(t)
	card, err := r.Activate(background)
	require.NoError(t, err)
	for _, command := range [][]byte{nil, {}, {4}, {0, 0xA4, 4}, make([]byte, maxCommand+1)} {
		_, err := card.Transceive(background, command)
		require.ErrorContains(t, err, "a command has 4 to 65544 bytes")
	}
	require.Empty(t, f.sent)
	require.NoError(t, r.Close())
}

func TestT0HasNoLeBehindData(t *testing.T) {
	f := newFake()
	f.isT0, f.answers = true, []result{ok}
	r := f.open(t)
	card, err := r.Activate(background)
	require.NoError(t, err)
	for _, command := range [][]byte{{0, 0xA4, 4, 0, 1, 0xAA, 0}, {0, 0xB2, 1, 0x0C, 0}, {0, 0xA4, 4, 0, 1, 0xAA}} {
		_, err = card.Transceive(background, command)
		require.NoError(t, err)
	}
	require.Equal(t, [][]byte{{0, 0xA4, 4, 0, 1, 0xAA}, {0, 0xB2, 1, 0x0C, 0}, {0, 0xA4, 4, 0, 1, 0xAA}}, f.sent)
	require.NoError(t, r.Close())
}

func TestACardThatNeverAnswers(t *testing.T) {
	f := newFake()
	f.hold, f.answers = make(chan struct{}), []result{ok}
	r := f.open(t)
	r.Patience = 10 * time.Millisecond
	card, err := r.Activate(background)
	require.NoError(t, err)
	_, err = card.Transceive(background, hello)
	require.ErrorIs(t, err, apdu.ErrLost)
	require.ErrorContains(t, err, "no answer within 10ms")
	require.NoError(t, r.Off(background, 0), "the call is left to itself")
	close(f.hold) // the card lets go: the connection ends by itself
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.ended) == 1
	}, 5*time.Second, time.Millisecond)
	card, err = r.Activate(background)
	require.NoError(t, err)
	_, err = card.Transceive(background, hello)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// TestABlockedReader: another program's command to the card does not come back,
// so neither does the connection.
func TestABlockedReader(t *testing.T) {
	f := newFake()
	f.blocked, f.answers = make(chan struct{}), []result{ok}
	r := f.open(t)
	r.Wait = 10 * time.Millisecond
	_, err := r.Activate(background)
	require.ErrorIs(t, err, ErrBlocked)
	require.ErrorContains(t, err, "ACME Reader 00 00: the reader did not let go of the card in time")
	ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	r.Wait = 0
	_, err = r.Activate(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, r.Close(), "the calls are left to themselves")

	close(f.blocked)
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.ended) == 2 && f.contexts == 0
	}, 5*time.Second, time.Millisecond, "they clean up when they come back")
	r = f.open(t)
	_, err = r.Activate(background)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestASilentServiceIsGivenUp(t *testing.T) {
	answer, late := make(chan struct{}), make(chan int)
	_, err := within(time.Millisecond, func() (int, error) {
		<-answer
		return 7, nil
	}, func(v int, _ error) { late <- v })
	require.ErrorIs(t, err, ErrNoService)
	close(answer)
	require.Equal(t, 7, <-late)
	v, err := within(time.Minute, func() (int, error) { return 8, nil }, nil)
	require.NoError(t, err)
	require.Equal(t, 8, v)
}

func TestTheOldCardIsOfNoUse(t *testing.T) {
	f := newFake()
	f.answers = []result{ok}
	r := f.open(t)
	card, err := r.Card(background)
	require.NoError(t, err)
	require.Equal(t, []byte{0x3B, 0x80, 0x80, 0x01, 0x01}, card.ATR())
	require.NoError(t, card.Reset(background))
	require.NoError(t, r.Off(background, time.Millisecond))
	_, err = card.Transceive(background, hello)
	require.ErrorContains(t, err, "the field was switched off")
	require.ErrorIs(t, card.Reset(background), apdu.ErrLost)
	require.NoError(t, r.Close())
}

func TestACardThatHasJustLeftIsWaitedOut(t *testing.T) {
	f := newFake()
	f.connects = []error{codeUnpowered, codeNoCard, nil}
	r := f.open(t)
	_, err := r.Activate(background)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestAfterALossTheCardIsReset(t *testing.T) {
	f := newFake()
	f.answers = []result{{nil, codeRemoved}, ok}
	f.resets = []error{codeNotTransacted, nil} // the first one goes to the card that has left
	r := f.open(t)
	card, err := r.Activate(background)
	require.NoError(t, err)
	_, err = card.Transceive(background, hello)
	require.ErrorIs(t, err, apdu.ErrLost)
	card, err = r.Activate(background)
	require.NoError(t, err)
	require.Len(t, f.resets, 1)
	_, err = card.Transceive(background, hello)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestWaitingForACard(t *testing.T) {
	f := newFake()
	f.states = []flags{flagEmpty}
	r := f.open(t)
	r.Wait = 20 * time.Millisecond
	_, err := r.Activate(background)
	require.ErrorIs(t, err, reader.ErrNoCard)

	f.waiting = make(chan struct{}, 1)
	r.Wait = 0
	ctx, cancel := context.WithCancel(background)
	done := make(chan error)
	go func() {
		_, err := r.Activate(ctx)
		done <- err
	}()
	<-f.waiting
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)

	f.waiting, f.states = nil, []flags{flagEmpty, flagPresent | flagMute, flagPresent}
	_, err = r.Activate(background)
	require.NoError(t, err, "one that does not answer yet is waited for")
	f.states = []flags{flagPresent, flagEmpty}
	require.NoError(t, r.Removed(background))
	require.NoError(t, r.Close())
}

func TestWhatKeepsAReaderFromBeingUsed(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*fake)
		want  error
	}{
		{"another program", func(f *fake) { f.connects = []error{codeSharing} }, ErrInUse},
		{"unplugged", func(f *fake) { f.states = []flags{flagUnknown} }, ErrReaderGone},
		{"the service ended", func(f *fake) { f.connects = []error{codeServiceStopped} }, ErrNoService},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			r := f.open(t)
			c.spoil(f)
			_, err := r.Activate(background)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, r.Name())
			f.states, f.connects = []flags{flagPresent}, nil
			require.NoError(t, r.Returned(background))
			_, err = r.Activate(background)
			require.NoError(t, err, "it comes back")
			require.NoError(t, r.Close())
			require.Zero(t, f.contexts)
		})
	}
}

// TestTheFieldMustBeClear: the card that lies there when the service comes back
// is seen a moment later, and is no new one.
func TestTheFieldMustBeClear(t *testing.T) {
	f := newFake()
	r := f.open(t)
	r.calm = 5 * time.Millisecond
	f.states = []flags{flagEmpty, flagPresent | 0x10000, flagPresent | 0x10000, flagPresent | 0x10000, flagEmpty | 0x20000}
	require.NoError(t, r.Cleared(background))
	require.Len(t, f.states, 1, "it was taken away")

	f.states = []flags{flagPresent}
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Cleared(ctx), context.DeadlineExceeded, "it lies there still")
	require.NoError(t, r.Close())
}

func TestOpen(t *testing.T) {
	f := newFake()
	for name, want := range map[string]string{
		"reader":            `reader "reader": several readers are called so; there are "ACME Reader 00 00", "Other Reader 01 00"`,
		"nothing":           `reader "nothing": no such reader; there are`,
		"Other Reader 01 0": "",
	} {
		r, err := open(name, f.establish)
		if want == "" {
			require.NoError(t, err)
			_, err = open(name, f.establish)
			require.ErrorIs(t, err, ErrInUse, "one at a time")
			require.NoError(t, r.Close())
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, ErrNoReader)
	}
	f.names = nil
	_, err := open("acme", f.establish)
	require.ErrorContains(t, err, "the service knows no reader")
	require.Zero(t, f.contexts)
	f.gone = true
	_, err = open("acme", f.establish)
	require.ErrorIs(t, err, ErrNoService)
}

func TestListing(t *testing.T) {
	f := newFake()
	f.states = []flags{flagPresent | flagInUse | 0x50000, flagEmpty}
	infos, err := readers(f.establish)
	require.NoError(t, err)
	require.Len(t, infos, 2)
	require.True(t, infos[0].Present)
	require.True(t, infos[0].InUse)
	require.False(t, infos[1].Present)
	f.names = nil
	infos, err = readers(f.establish)
	require.NoError(t, err)
	require.Empty(t, infos)
	f.gone = true
	_, err = readers(f.establish)
	require.ErrorIs(t, err, ErrNoService)
}

func TestUID(t *testing.T) {
	f := newFake()
	f.answers = []result{{[]byte{1, 2, 3, 4, 0x90, 0}, nil}, {[]byte{0x6A, 0x81}, nil}, {nil, codeRemoved}}
	r := f.open(t)
	card, err := r.Card(background)
	require.NoError(t, err)
	uid, err := card.UID(background)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3, 4}, uid)
	_, err = card.UID(background)
	require.ErrorContains(t, err, "tells no UID (6A81")
	_, err = card.UID(background)
	require.ErrorIs(t, err, apdu.ErrLost)
	require.NoError(t, r.Close())
	require.True(t, Contactless(card.ATR()))
	require.False(t, Contactless([]byte{0x3B, 0x65, 0, 0, 0x20, 0x63, 0xCB, 0x68, 0}))
}
