package transcript

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse asserts that whatever parses formats into text that parses into
// the same transcript, and that such text is a fixed point.
func FuzzParse(f *testing.F) {
	f.Add([]byte(ours))
	f.Add([]byte("> 00a4 04\n< !\n"))
	for _, path := range recordedFiles(f) {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse("x", data)
		if err != nil {
			return
		}
		text, err := Format(x)
		require.NoError(t, err)
		again, err := Parse("x", text)
		require.NoError(t, err)
		require.Equal(t, x, again)
		twice, err := Format(again)
		require.NoError(t, err)
		require.Equal(t, text, twice)
	})
}
