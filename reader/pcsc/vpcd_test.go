//go:build pcsc

package pcsc

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

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
