package statedir

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestOpenTwice(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first, err := Open(root, "phone", "tapsim card")
		require.NoError(t, err)
		_, err = Open(root, "phone", "tapsim pay")
		require.ErrorIs(t, err, ErrLocked)
		require.ErrorContains(t, err, "tapsim card")
		require.ErrorContains(t, err, "--state DIR")

		other, err := Open(root, "issuer", "tapsim pay") // another party, another lock
		require.NoError(t, err)
		require.NoError(t, other.Close())

		require.NoError(t, first.Close())
		again, err := Open(root, "phone", "tapsim pay")
		require.NoError(t, err)
		require.NoError(t, again.Close())
	})
}

func TestNewerVersionIsRefused(t *testing.T) {
	root := t.TempDir()
	d, err := Open(root, "issuer", "test")
	require.NoError(t, err)
	require.NoError(t, d.Close())
	for content, want := range map[string]string{"2\n": "newer tapsim", "x": "does not hold a number"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "issuer", "version"), []byte(content), 0o600))
		_, err = Open(root, "issuer", "test")
		require.ErrorContains(t, err, want)
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(file, "phone", "test")
	require.ErrorContains(t, err, "--state DIR")
}
