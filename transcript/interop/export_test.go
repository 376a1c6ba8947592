package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/transcript"
)

func golden(t testing.TB, name string) *transcript.Transcript {
	t.Helper()
	file := filepath.Join("../../testdata/transcripts/golden", name)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	x, err := transcript.Parse(file, data)
	require.NoError(t, err)
	return x
}

// TestExportImportsAgain: what is written is read as it was, as far as the
// format can say it.
func TestExportImportsAgain(t *testing.T) {
	files, err := filepath.Glob("../../testdata/transcripts/golden/*.apdu")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	formats := map[string]string{"scriptor": "scriptor-script", "opensc": "opensc-script", "clf": "cardpeek", "dump": "dump", "pcapng": "pcap", "pcapng-iso14443": "pcap"}
	for _, file := range files {
		x := golden(t, filepath.Base(file))
		for _, e := range exporters() {
			out, err := Export(x, e.name)
			require.NoError(t, err)
			back, err := Import(out.Data, "")
			require.NoError(t, err, "%s as %s", file, e.name)
			require.Equal(t, formats[e.name], back.Format)
			want := steps(x)
			got := steps(back.Transcript)
			if e.name != "pcapng-iso14443" {
				want, got = kept(want, e.name), kept(got, e.name)
			}
			require.Equal(t, want, got, "%s as %s", file, e.name)
		}
	}
}

// kept is what a format can say.
func kept(list []step, format string) []step {
	var out []step
	for _, s := range list {
		switch {
		case s.reset && (len(out) == 0 || format == "dump" || format == "pcapng" || format == "opensc"):
		case s.response == nil && !s.reset && (format == "clf" || format == "dump"):
		case format == "scriptor" || format == "opensc":
			out = append(out, step{reset: s.reset, command: s.command})
		default:
			out = append(out, s)
		}
	}
	return out
}

// TestExport14443Chains: what does not fit a block comes in a chain with the
// right numbers and acknowledgements.
func TestExport14443Chains(t *testing.T) {
	long := bytes.Repeat([]byte{0xAB}, 2*maxINF+10)
	x := &transcript.Transcript{Lines: []transcript.Line{
		{Kind: transcript.Command, Bytes: long}, {Kind: transcript.Response, Bytes: long},
		{Kind: transcript.Command, Bytes: []byte{0, 0xB2, 1, 0x0C, 0}}, {Kind: transcript.Lost}}}
	out, err := Export(x, "pcapng-iso14443")
	require.NoError(t, err)
	var pcbs []byte
	require.NoError(t, eachPacket(out.Data, func(p packet) error {
		if f := p.data[4:]; p.data[1] == eventToCard || p.data[1] == eventFromCard {
			require.True(t, hasCRC(f))
			require.LessOrEqual(t, len(f), 256)
			pcbs = append(pcbs, f[0])
		}
		return nil
	}))
	require.Equal(t, []byte{0x93, 0x20, 0xE0, 0x05,
		0x12, 0xA2, 0x13, 0xA3, 0x02, // the command in three blocks
		0x12, 0xA3, 0x13, 0xA2, 0x02, // the answer
		0x03}, pcbs)
	back, err := Import(out.Data, "")
	require.NoError(t, err)
	require.Equal(t, steps(x), steps(back.Transcript))
}

func TestExportNotes(t *testing.T) {
	x := &transcript.Transcript{Lines: []transcript.Line{
		{Kind: transcript.AnyCommand}, {Kind: transcript.Response, Bytes: []byte{0x90, 0}},
		{Kind: transcript.Command, Bytes: []byte{0, 0xB2, 1, 0x0C, 0}}, {Kind: transcript.Lost}}}
	out, err := Export(x, "clf")
	require.NoError(t, err)
	require.Equal(t, []string{noteHidden, noteLost}, out.Notes)
	_, err = Export(x, "telex")
	require.ErrorContains(t, err, `format "telex" cannot be written; want one of scriptor`)
}
