package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// meanwhile is an input that somebody types while another command runs.
type meanwhile struct {
	run  func()
	text io.Reader
}

func (m *meanwhile) Read(b []byte) (int, error) {
	if m.run != nil {
		m.run()
		m.run = nil
	}
	return m.text.Read(b)
}

// TestNothingIsLockedWhileTyping: who types a code or a passcode, or pipes it out
// of the bank's inbox, keeps no other command waiting.
func TestNothingIsLockedWhileTyping(t *testing.T) {
	state := t.TempDir()
	run := func(in io.Reader, line string) (int, string) {
		var said bytes.Buffer
		status := Main(context.Background(), append(strings.Fields(line), "--state", state), in, io.Discard, &said)
		return status, said.String()
	}
	const card = "4761739001010119 4912"
	for _, c := range []struct {
		line, typed string
		status      int
	}{
		{"wallet add --card-file -", card, exitOK},
		{"wallet activate visa-1 --code-file -", "000000", exitCheck},
		{"wallet passcode set --passcode-file -", "271828", exitOK},
		{"wallet unlock --passcode-file -", "314159", exitCheck},
		{"wallet biometric on --passcode-file -", "314159", exitCheck},
		{"wallet qr --passcode-file -", "314159", exitCheck},
		{"wallet pay-app --merchant M --amount 1 --passcode-file -", "314159", exitCheck},
	} {
		in := &meanwhile{text: strings.NewReader(c.typed + "\n"), run: func() {
			for _, other := range []string{"bank inbox DEMO-0001", "wallet list"} {
				status, said := run(strings.NewReader(""), other)
				require.Equal(t, exitOK, status, "%s, while %s reads: %s", other, c.line, said)
			}
		}}
		if c.line == "wallet add --card-file -" {
			in.run = func() {} // the folder is not there yet
		}
		status, said := run(in, c.line)
		require.Equal(t, c.status, status, "%s: %s", c.line, said)
	}
}
