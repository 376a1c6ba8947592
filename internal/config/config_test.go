package config

import (
	"testing"
	"time"

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

// What the decoder complains about is said in words, without Go's types and
// without the value.
func TestComplaintsAreInWords(t *testing.T) {
	for text, want := range map[string]string{
		"a: secret":               "f.yaml:1: want a whole number, not text",
		"a: [1]":                  "f.yaml:1: want a whole number, not a list",
		"a: 99999999999999999999": "f.yaml:1: want a whole number: this one is out of range",
		"b: 7":                    "f.yaml:1: want true or false, not a number",
		"d: 3":                    `f.yaml:1: want a time with its unit, such as "1.5s" or "200ms", not a number`,
		"s: {a: 1}":               "f.yaml:1: want text, not a section of keys",
		"l: secret":               "f.yaml:1: want a list, not text",
		"u: true":                 "f.yaml:1: want a section of keys, not true or false",
		"b: 7\nx: 1":              "f.yaml:1: want true or false, not a number\nf.yaml:2: unknown key x",
		"- 1":                     "f.yaml:1: want a section of keys, not a list",
		"a: 1\na: 2":              "f.yaml:2: key a stands already in line 1",
		"h: 12":                   "f.yaml:1: hex and digits must stand in quotes, or YAML reads them as numbers",
	} {
		var into struct {
			A int
			B *bool
			D time.Duration
			S string
			L []string
			U struct{ X int }
			H Hex
		}
		require.EqualError(t, Decode("f.yaml", []byte(text), &into), want, text)
	}
}
