package transcript

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/reader/readertest"
)

// TestConformance plays the suite of all readers against the player of
// recordings: what its card does is written down first.
func TestConformance(t *testing.T) {
	readertest.Run(t, func(t *testing.T, steps []readertest.Step) readertest.Subject {
		var b strings.Builder
		b.WriteString("# tapsim: 1\n\n")
		for _, s := range steps {
			if s.Reset {
				b.WriteString("! reset\n")
			}
			if s.Holds {
				b.WriteString("! wait 1s\n")
			}
			fmt.Fprintf(&b, "> %X\n", s.Command)
			if s.Leaves {
				b.WriteString("< !\n! tear\n")
				continue
			}
			fmt.Fprintf(&b, "< %X\n", s.Answer)
		}
		parsed, err := Parse("conformance.apdu", []byte(b.String()))
		require.NoError(t, err)
		working, goOn := make(chan struct{}), make(chan struct{})
		card := NewStrictCard(parsed)
		card.Wait = func(time.Duration) {
			working <- struct{}{}
			<-goOn
		}
		t.Cleanup(func() { require.NoError(t, card.Finish()) })
		return readertest.Subject{Reader: card, Return: func() {}, Working: working, GoOn: goOn}
	})
}
