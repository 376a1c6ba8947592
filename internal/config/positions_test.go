package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPositions(t *testing.T) {
	got := Positions([]byte("a: 1\nb:\n  c: x\n  \"d\": [1,\n    2]\ne:\n  - f: 1\n    g: 2\n"))
	require.Equal(t, map[string]int{
		"a": 1, "b": 2, "b.c": 3, "b.d": 4, "b.d[0]": 4, "b.d[1]": 5, "e": 6, "e[0]": 7, "e[0].f": 7, "e[0].g": 8,
	}, got)
	require.Empty(t, Positions([]byte("a: [")))
	require.Empty(t, Positions(nil))
}
