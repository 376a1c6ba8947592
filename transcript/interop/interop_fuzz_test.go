package interop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/transcript"
)

// FuzzImport: nothing crashes it, and what it accepts is a transcript that can
// be written and read again.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(foreign, "*"))
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(data) < 4000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Import(data, "")
		if err != nil {
			return
		}
		text, err := transcript.Format(got.Transcript)
		require.NoError(t, err, "%s", got.Format)
		again, err := transcript.Parse("x", text)
		require.NoError(t, err)
		require.Equal(t, got.Transcript.Exchanges(), again.Exchanges())
	})
}
