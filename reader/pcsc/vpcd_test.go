//go:build pcsc

package pcsc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/reader"
	"tapsim/reader/readertest"
	"tapsim/reader/vpcd"
)

var daemon *readertest.PCSCD

// TestMain starts a PC/SC service of our own: the library reads where it is
// once, before the first call.
func TestMain(m *testing.M) {
	var err error
	if daemon, err = readertest.StartPCSCD(); err != nil {
		fmt.Fprintln(os.Stderr, "tests with the tag pcsc need a PC/SC service:", err)
		os.Exit(1)
	}
	_ = os.Setenv("PCSCLITE_CSOCK_NAME", daemon.Socket)
	status := m.Run()
	if err := daemon.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// insert puts a card into the first slot for the time of a test.
func insert(t *testing.T, c vpcd.Config) *vpcd.Slot {
	t.Helper()
	slot, err := vpcd.Insert(context.Background(), daemon.Slots[0], c)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- slot.Serve(context.Background()) }()
	t.Cleanup(func() {
		slot.Remove()
		require.NoError(t, <-done)
	})
	return slot
}

func TestConformance(t *testing.T) {
	readertest.Run(t, func(t *testing.T, steps []readertest.Step) readertest.Subject {
		card := readertest.NewCard(steps)
		var slot atomic.Pointer[vpcd.Slot]
		card.Leave = func() { slot.Load().Remove() }
		back := func() { slot.Store(insert(t, vpcd.Config{Card: card})) }
		back()
		r, err := Open(daemon.Names[0])
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, r.Close()) })
		return card.Subject(r, back)
	})
}

// echo answers with the command and 9000.
var echo = apdu.ResponderFunc(func(c []byte) []byte { return append(append([]byte(nil), c...), 0x90, 0) })

func openReader(t *testing.T, name string) *Reader {
	t.Helper()
	r, err := Open(name)
	require.NoError(t, err)
	r.Wait = 5 * time.Second
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestTheReadersAreListed(t *testing.T) {
	infos, err := Readers()
	require.NoError(t, err)
	require.Len(t, infos, 2)
	require.Equal(t, daemon.Names[:], []string{infos[0].Name, infos[1].Name})
	_, err = Open("Virtual PCD 00 07")
	require.ErrorIs(t, err, ErrNoReader)
	require.ErrorContains(t, err, daemon.Names[0])
}

func TestACardIsNotShared(t *testing.T) {
	insert(t, vpcd.Config{Card: echo, UID: []byte{4, 1, 2, 3, 4, 5, 6}, Historical: []byte{0x80, 0x31}})
	r := openReader(t, daemon.Names[0])
	card, err := r.Card(context.Background())
	require.NoError(t, err)
	require.Equal(t, "3b8280018031b2", fmt.Sprintf("%x", card.ATR()))
	uid, err := card.UID(context.Background())
	require.NoError(t, err)
	require.Equal(t, []byte{4, 1, 2, 3, 4, 5, 6}, uid)
	require.NoError(t, card.Reset(context.Background()))

	_, err = Open(daemon.Names[0])
	require.ErrorIs(t, err, ErrInUse, "of this program")
	other, err := establish() // as another program has one
	require.NoError(t, err)
	_, err = other.connect(daemon.Names[0])
	require.ErrorIs(t, explain(err), ErrInUse)
	require.NoError(t, other.release())
}

func TestAnotherProgramHasTheCard(t *testing.T) {
	insert(t, vpcd.Config{Card: echo})
	r := openReader(t, daemon.Names[0])
	_, err := r.Activate(context.Background()) // wait for it, then let go
	require.NoError(t, err)
	require.NoError(t, r.Off(context.Background(), 0))
	other, err := establish()
	require.NoError(t, err)
	h, err := other.connect(daemon.Names[0])
	require.NoError(t, err)
	_, err = r.Activate(context.Background())
	require.ErrorIs(t, err, ErrInUse)
	require.NoError(t, errors.Join(h.disconnect(true), other.release()))
	card, err := r.Activate(context.Background())
	require.NoError(t, err)
	_, err = card.Transceive(context.Background(), []byte{0, 1, 2, 3})
	require.NoError(t, err)
}

func TestNobodyBringsACard(t *testing.T) {
	r := openReader(t, daemon.Names[1])
	r.Wait = 100 * time.Millisecond
	_, err := r.Activate(context.Background())
	require.ErrorIs(t, err, reader.ErrNoCard)

	r.Wait = 0
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = r.Activate(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begun), glance, "the wait was cut short")
	require.NoError(t, r.Removed(context.Background()), "nothing is there")
}

func TestPowerFollowsTheTerminal(t *testing.T) {
	off := make(chan reader.Reason, 16)
	insert(t, vpcd.Config{Card: echo, Deactivated: func(why reader.Reason) { off <- why }})
	r := openReader(t, daemon.Names[0])
	card, err := r.Card(context.Background())
	require.NoError(t, err)
	_, err = card.Transceive(context.Background(), []byte{0, 1, 2, 3})
	require.NoError(t, err)
	for len(off) > 0 { // from the insertion
		<-off
	}
	require.NoError(t, card.Reset(context.Background()))
	<-off
	require.NoError(t, r.Off(context.Background(), 0))
	<-off
	card, err = r.Card(context.Background())
	require.NoError(t, err)
	_, err = card.Transceive(context.Background(), []byte{0, 1, 2, 3})
	require.NoError(t, err)
}

func TestRemovedIsSeen(t *testing.T) {
	slot := insert(t, vpcd.Config{Card: echo})
	r := openReader(t, daemon.Names[0])
	_, err := r.Activate(context.Background())
	require.NoError(t, err)
	require.NoError(t, r.Off(context.Background(), 0))
	slot.Remove()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(t, r.Removed(ctx))
}
