//go:build pcsc

package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/transcript"
)

// tshark prints fields of each record of a capture, one record a line.
func tshark(t *testing.T, capture []byte, args ...string) [][]string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	require.NoError(t, err, "install tshark")
	file := filepath.Join(t.TempDir(), "o.pcapng")
	require.NoError(t, os.WriteFile(file, capture, 0o600))
	c := exec.Command(program, append([]string{"-r", file, "-T", "fields"}, args...)...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	require.NoError(t, c.Run(), errs.String())
	var rows [][]string
	for _, line := range strings.Split(strings.TrimRight(out.String(), "\n"), "\n") {
		rows = append(rows, strings.Split(line, "\t"))
	}
	return rows
}

// number reads a field of tshark, decimal or with 0x.
func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.ParseInt(s, 0, 32)
	require.NoError(t, err)
	return int(n)
}

var apduFields = []string{"-e", "iso7816.apdu.cla", "-e", "iso7816.apdu.ins", "-e", "iso7816.apdu.p1", "-e", "iso7816.apdu.p2", "-e", "iso7816.apdu.lc",
	"-e", "iso7816.apdu.body", "-e", "iso7816.apdu.sw1", "-e", "iso7816.apdu.sw2", "-e", "_ws.malformed", "-e", "_ws.col.Info"}

// checkAPDU compares what Wireshark made of a command or an answer with its
// bytes.
func checkAPDU(t *testing.T, row []string, raw []byte, command bool) {
	t.Helper()
	require.Empty(t, row[8], "malformed")
	if !command {
		require.Equal(t, int(raw[len(raw)-2]), number(t, row[6]))
		require.Equal(t, int(raw[len(raw)-1]), number(t, row[7]))
		require.Contains(t, row[9], "Response APDU")
		return
	}
	require.Equal(t, int(raw[0]), number(t, row[0]))
	if raw[0]&0x80 != 0 {
		return // Wireshark takes no commands of proprietary classes apart
	}
	for i := range 4 {
		require.Equal(t, int(raw[i]), number(t, row[i]), "byte %d", i)
	}
	if len(raw) > 5 {
		require.Equal(t, int(raw[4]), number(t, row[4]), "Lc")
		require.Equal(t, hexString(raw[5:5+int(raw[4])]), strings.ReplaceAll(row[5], ":", ""))
	}
	switch raw[1] {
	case 0xA4:
		require.Contains(t, row[9], "Select file")
	case 0xB2:
		require.Contains(t, row[9], "Read record")
	}
}

// TestTsharkReadsAPDUs: Wireshark shows the commands and answers of all golden
// transcripts without being told anything.
func TestTsharkReadsAPDUs(t *testing.T) {
	files, err := filepath.Glob("../../testdata/transcripts/golden/*.apdu")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all transcript.Transcript
	for _, file := range files {
		all.Lines = append(all.Lines, golden(t, filepath.Base(file)).Lines...)
	}
	out, err := Export(&all, "pcapng")
	require.NoError(t, err)
	rows := tshark(t, out.Data, apduFields...)
	n := 0
	for _, s := range steps(&all) {
		if s.reset {
			continue
		}
		checkAPDU(t, rows[n], s.command, true)
		if n++; s.response != nil {
			checkAPDU(t, rows[n], s.response, false)
			n++
		}
	}
	require.Len(t, rows, n)
}

// TestTsharkReadsFrames: on the air every checksum is right, every block has its
// kind, chains come together, and the commands inside are those that were sent.
func TestTsharkReadsFrames(t *testing.T) {
	x := golden(t, "mastercard-plastic-cda.apdu")
	long := bytes.Repeat([]byte{0x5A}, 2*maxINF)
	x.Lines = append(x.Lines, transcript.Line{Kind: transcript.Command, Bytes: []byte{0x00, 0xB2, 0x01, 0x0C, 0x00}},
		transcript.Line{Kind: transcript.Response, Bytes: append(long, 0x90, 0x00)})
	out, err := Export(x, "pcapng-iso14443")
	require.NoError(t, err)
	fields := append([]string{"-d", "iso14443.subdissector,iso7816"}, apduFields...)
	rows := tshark(t, out.Data, append(fields, "-e", "iso14443.event", "-e", "iso14443.crc.status", "-e", "iso14443.block_type",
		"-e", "iso14443.i_block_chaining")...)
	var inside [][]string
	chained := 0
	for i, row := range rows {
		event, crc := number(t, row[10]), row[11]
		if event == eventToCard || event == eventFromCard {
			require.Equal(t, "1", crc, "record %d: checksum", i+1)
		}
		require.Empty(t, row[8], "record %d is malformed", i+1)
		switch {
		case row[0] != "" || row[6] != "":
			inside = append(inside, row)
		case strings.Contains(row[9], "Chaining"):
			chained++
		}
	}
	require.Equal(t, 2, chained, "the long answer comes in three blocks")
	for _, name := range []string{"REQA", "ATQA", "Anticollision", "UID", "Select", "SAK", "RATS", "ATS"} {
		require.Condition(t, func() bool {
			for _, row := range rows[:9] {
				if strings.Contains(row[9], name) {
					return true
				}
			}
			return false
		}, name)
	}
	n := 0
	for _, s := range steps(x) {
		checkAPDU(t, inside[n], s.command, true)
		checkAPDU(t, inside[n+1], s.response, false)
		n += 2
	}
	require.Len(t, inside, n)
}
