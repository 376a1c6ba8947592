package sim

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/transcript"
)

// update rewrites golden transcripts that fail, and only those: read the
// difference before you commit it.
var update = flag.Bool("update", false, "rewrite golden transcripts that fail")

const golden = "../testdata/transcripts/golden"

// TestGolden plays each golden transcript as the card, against our terminal and
// bank, and as the terminal, against our card: one file tests both programs.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden, "*.apdu"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			tr, err := transcript.Parse(file, data)
			require.NoError(t, err)
			r, err := ReplayOwn(context.Background(), tr)
			require.NoError(t, err)
			if *update && (r.Terminal != nil || r.Card != nil) {
				rewrite(t, file, tr)
				return
			}
			require.NoError(t, r.Card)
			require.NoError(t, r.Terminal)
			require.Empty(t, r.CardOnly)
		})
	}
}

func rewrite(t *testing.T, file string, old *transcript.Transcript) {
	fresh, err := RewriteOwn(context.Background(), old)
	require.NoError(t, err)
	text, err := transcript.Golden(file, old, fresh)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o644))
	t.Log("rewritten: run again, and read the difference")
}

// TestOneChangedByteFails changes bytes all over the exchange, one at a time, and
// wants the replay to notice every one.
func TestOneChangedByteFails(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(golden, "visa-phone-online.apdu"))
	require.NoError(t, err)
	for at := range data {
		line := data[lineStart(data, at):]
		if !(line[0] == '>' || line[0] == '<') || at-lineStart(data, at) < 2 || data[at] == '\n' || at%5 != 0 {
			continue
		}
		changed := append([]byte(nil), data...)
		changed[at] = "1032547698BADCFE"[hexValue(data[at])]
		tr, err := transcript.Parse("changed.apdu", changed)
		require.NoError(t, err)
		r, err := ReplayOwn(context.Background(), tr)
		require.NoError(t, err)
		require.False(t, r.Card == nil && r.Terminal == nil, "byte %d of %s", at, line[:min(60, len(line))])
	}
}

func lineStart(data []byte, at int) int {
	for at > 0 && data[at-1] != '\n' {
		at--
	}
	return at
}

func hexValue(c byte) int {
	if c >= 'A' {
		return int(c-'A') + 10
	}
	return int(c - '0')
}
