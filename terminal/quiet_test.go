package terminal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

// A tap that nobody traces formats nothing: a directory full of entries that
// are not for this terminal costs no memory.
func TestNobodyLooking(t *testing.T) {
	const visa = "4F07 A0000000031010 9F2A0103"
	tap := func(ppse string) func() {
		f := &always{&canned{unhex(t, ppse), unhex(t, fciVisa), unhex(t, gpoARQC)}}
		term := shop(t, &approving{}, nil)
		return func() {
			tap, err := term.Tap(context.Background(), f, terminal.Request{Amount: 1250, Time: noon})
			if err != nil || tap.Outcome.Kind != kernel.OnlineRequest {
				t.Fatal(tap.Outcome.Kind, err)
			}
		}
	}
	// What a result has of its own: the card's data, and the requests shown.
	require.Equal(t, 2.0, testing.AllocsPerRun(100, tap(ppse(t, visa))))
	others := ppse(t, "4F07 A0000000651010", visa, "4F07 A0000000031010 9F2A0108", "4F07 A0000000031010 9F2A0180")
	require.Equal(t, 2.0, testing.AllocsPerRun(100, tap(others)))
}
