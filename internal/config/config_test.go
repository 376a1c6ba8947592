package config

import (
	"fmt"
	"strings"
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

// Documents that only an attack looks like end in one line, and soon.
func TestHostileDocuments(t *testing.T) {
	keys := func(n int, key func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(key(i) + ": 1\n")
		}
		return b.String()
	}
	aliases := "a: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		aliases += fmt.Sprintf("a%d: &l%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 10))
	}
	for name, c := range map[string]struct{ text, want string }{
		"many keys":      {keys(20_000, func(i int) string { return fmt.Sprintf("k%d", i) }), "f.yaml:1: a section of 20000 keys, at most 2000 are read"},
		"one key often":  {keys(20_000, func(int) string { return "k" }), "f.yaml:1: a section of 20000 keys"},
		"inside":         {"a:\n  b:\n" + keys(3000, func(i int) string { return fmt.Sprintf("    k%d", i) }), "f.yaml:3: a section of 3000 keys"},
		"unknown keys":   {keys(1000, func(i int) string { return fmt.Sprintf("k%d", i) }), "f.yaml: and 980 more like these"},
		"lists in lists": {"a: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "f.yaml:1: nested deeper than 64 levels"},
		"very deep":      {"a: " + strings.Repeat("[", 50_000), "f.yaml: exceeded max depth"},
		"very deep list": {strings.Repeat("- ", 50_000) + "a", "f.yaml: exceeded max depth"},
		"many aliases":   {aliases, "f.yaml: document contains excessive aliasing"},
		"itself":         {"a: &a [*a]", "f.yaml: anchor 'a' value contains itself"},
		"too long":       {strings.Repeat("#", MaxSize+1), "at most 1048576 are read"},
		"two documents":  {"a: [1]\n---\na: [1]", "f.yaml: more than one YAML document"},
		"nothing":        {"", "f.yaml: the file is empty"},
		"a comment":      {"# a: 1", "f.yaml: the file is empty"},
	} {
		var into struct{ A, A9 []any }
		err := Decode("f.yaml", []byte(c.text), &into)
		require.ErrorContains(t, err, c.want, name)
		require.Less(t, len(err.Error()), 1000, name)
	}
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
