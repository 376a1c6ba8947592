package transcript

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// readManifest is the manifest of the recordings.
func readManifest(t testing.TB) []Entry {
	t.Helper()
	name := filepath.Join(recorded, "manifest.tsv")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	entries, err := ParseManifest(name, data)
	require.NoError(t, err)
	return entries
}

func TestEveryRecordingIsInTheManifestAndTheReverse(t *testing.T) {
	var listed, there []string
	for _, e := range readManifest(t) {
		listed = append(listed, e.File)
	}
	for _, path := range recordedFiles(t) {
		there = append(there, filepath.Base(path))
	}
	require.Equal(t, there, listed, "manifest.tsv lists the files in their order, each once")
}

// What is played needs the data that the terminal's side of the recording, or
// the manifest, gives; what the recording gives is not given again.
func TestPlayedRecordingsHaveTheirTerminalData(t *testing.T) {
	played := 0
	for _, e := range readManifest(t) {
		if e.Mode != PlayCard {
			continue
		}
		played++
		apps := Extract(readRecorded(t, e.File))
		if len(apps) == 0 {
			require.Empty(t, e.Data, e.File)
			continue
		}
		a := apps[len(apps)-1]
		for _, want := range a.PDOL {
			_, inFile := a.Lookup(want.Tag)
			_, inManifest := e.Data.Lookup(want.Tag)
			switch want.Tag {
			case emv.TagTTQ, emv.TagAmount, emv.TagTerminalCountry, emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionType:
				require.True(t, inFile != inManifest, "%s: tag %s", e.File, want.Tag)
			}
		}
	}
	require.Equal(t, 17, played)
}

func TestParseManifest(t *testing.T) {
	entries, err := ParseManifest("m", []byte("# comment\n\na.txt\tcard\ttry-again\t9F66=36004000 9A=240101\twhy\r\nb.txt\tdecode-only\t-\t-\tfragment\n"))
	require.NoError(t, err)
	require.Equal(t, []Entry{
		{File: "a.txt", Line: 3, Mode: PlayCard, Expect: "try-again", Reason: "why",
			Data: emv.List{{Tag: emv.TagTTQ, Value: []byte{0x36, 0, 0x40, 0}}, {Tag: emv.TagTransactionDate, Value: []byte{0x24, 1, 1}}}},
		{File: "b.txt", Line: 4, Mode: DecodeOnly, Reason: "fragment"},
	}, entries)
	require.Equal(t, "card", entries[0].Mode.String())
	require.Equal(t, "decode-only", entries[1].Mode.String())
	require.Equal(t, "invalid", Mode(0).String())

	const good = "a.txt\tcard\tapproved\t-\twhy\n"
	for text, want := range map[string]string{
		"a.txt\tcard\n":                           "m:1:1: 2 columns between tabs",
		"a.txt\tplay\tapproved\t-\twhy\n":         `m:1:7: mode "play"`,
		"a.txt\tcard\t-\t-\twhy\n":                "m:1:12: want an outcome",
		"a.txt\tdecode-only\tapproved\t-\twhy\n":  "m:1:19: want an outcome",
		"a.txt\tcard\tAll right\t-\twhy\n":        "m:1:12: want an outcome",
		"a.txt\tcard\tapproved\t\twhy\n":          "m:1:21: an empty column",
		"a.txt\tcard\tapproved\t-\t-\n":           "m:1:23: the reason is missing",
		"a.txt\tcard\tapproved\t9F=00\twhy\n":     `m:1:21: tag "9F"`,
		"a.txt\tcard\tapproved\t9A=2401\t\n":      "m:1:29: an empty column",
		"a.txt\tcard\tapproved\t9A\twhy\n":        "m:1:21: tag 9A: want TAG=HEX",
		"a.txt\tcard\tapproved\t9A=xy\twhy\n":     "m:1:21: tag 9A: want TAG=HEX",
		"a.txt\tdecode-only\t-\t9A=240101\twhy\n": "m:1:21: data for a recording that is not played",
		"../a.txt\tcard\tapproved\t-\twhy\n":      "m:1:1: want the name of a file beside",
		good + good:                               "m:2:1: a.txt is there already, in line 1",
	} {
		_, err := ParseManifest("m", []byte(text))
		require.ErrorContains(t, err, want)
	}
}
