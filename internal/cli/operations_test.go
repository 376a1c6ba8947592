package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/internal/httpapi"
)

// An operation of the bank is a command of the same name, but for those of which
// the document says what they are part of.
func TestOperationsAreCommands(t *testing.T) {
	d, err := httpapi.ParseDocument(httpapi.OpenAPI())
	require.NoError(t, err)
	parts := []string{"token/change", "token/find", "explain"}
	for _, part := range parts {
		require.Contains(t, string(httpapi.OpenAPI()[:2000]), part)
	}
	for _, o := range d.Operations {
		name, ours := strings.CutPrefix(o.Path, "/v1/bank/")
		if !ours || slices.Contains(parts, name) {
			continue
		}
		command, rest, err := (&app{}).root().Find(append([]string{"bank"}, strings.Split(name, "/")...))
		require.NoError(t, err)
		require.Empty(t, rest, o.Path)
		require.Equal(t, "tapsim bank "+strings.ReplaceAll(name, "/", " "), command.CommandPath())
	}
}
