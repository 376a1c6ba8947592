package vectors

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func loadAll(t testing.TB) []Case {
	t.Helper()
	names, err := filepath.Glob("../../testdata/vectors/*.json")
	require.NoError(t, err)
	require.Len(t, names, 21)
	var all []Case
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := Load(filepath.Base(name), data)
		require.NoError(t, err)
		all = append(all, f.Cases...)
	}
	return all
}

func TestAllPublishedAnswers(t *testing.T) {
	cases := loadAll(t)
	require.GreaterOrEqual(t, len(cases), 464)
	for _, c := range cases {
		if r := Run(c); !r.Passed {
			t.Errorf("%s:%d: %s", c.File, c.Line, r)
		}
	}
}
