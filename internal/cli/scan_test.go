package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWideDrawings: a code that most terminals would wrap is told.
func TestWideDrawings(t *testing.T) {
	for text, want := range map[string]string{"tapsim": "", strings.Repeat("x", 1000): "a terminal of 129 columns"} {
		var out, errw strings.Builder
		require.Zero(t, Main(t.Context(), []string{"qr", "show", text}, strings.NewReader(""), &out, &errw))
		require.Contains(t, errw.String(), want)
		require.Equal(t, want == "", errw.Len() == 0)
	}
}

// TestScannedIsTrimmed: what scanners and copying put around a code is not part of
// it, however it comes.
func TestScannedIsTrimmed(t *testing.T) {
	const code = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="
	for _, around := range []string{code, code + "\r\n", code + "\n", code + "\t", "  " + code + " ", "\uFEFF" + code + "\n"} {
		a := &app{in: strings.NewReader(around)}
		for _, arg := range []string{around, "-"} {
			text, err := a.scanned(arg)
			require.NoError(t, err, "%q", around)
			require.Equal(t, code, text, "%q", around)
		}
		require.True(t, looksLikeQR(around), "%q", around)
	}
}
