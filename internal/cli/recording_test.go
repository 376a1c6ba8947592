package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where --record may write: over a recording, through a link, to a device; and
// where not, before anything is paid.
func TestWhereARecordingGoes(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(path("letter"), []byte("dear"), 0o600))
	require.NoError(t, os.WriteFile(path("old"), []byte("# tapsim: 1\n"), 0o600))
	require.NoError(t, os.Symlink("old", path("link")))
	require.NoError(t, os.Symlink("nowhere", path("dangling")))
	for _, name := range []string{"new", "old", "link", "dangling"} {
		status, _, errs := run(t, "pay", "--state", ":memory:", "--record", path(name))
		require.Zero(t, status, errs)
		text, err := os.ReadFile(path(name))
		require.NoError(t, err)
		require.Contains(t, string(text), "# expect: approved\n", name)
	}
	info, err := os.Lstat(path("link"))
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays one")
	for name, want := range map[string]string{"letter": "is no recording", ".": "is a directory", "absent/new": "no such file or directory"} {
		state := t.TempDir()
		status, out, errs := run(t, "pay", "--state", state, "--record", path(name))
		require.Equal(t, exitUsage, status)
		require.Contains(t, errs, want)
		require.Empty(t, out)
		_, text, _ := run(t, "pay", "--state", state, "--json")
		require.Contains(t, text, `"atc": 1,`, "nothing was paid before")
	}
	left, err := filepath.Glob(path(".tapsim-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
