package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// decode runs `tapsim decode`.
func decode(t *testing.T, in string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	status = Main(context.Background(), append([]string{"decode"}, args...), strings.NewReader(in), &o, &e)
	return status, o.String(), e.String()
}

// A message is recognised in hex and as text, with each length header in front
// and without one.
func TestDecodeRecognisesMessages(t *testing.T) {
	amount := int64(1250)
	for name, m := range map[string]*iso8583.Message{
		"payment": {MTI: iso8583.AuthorisationRequest, PAN: "4761739001010119", ProcessingCode: "000000", Amount: &amount, STAN: "000001",
			TerminalID: "TAPSIM01", MerchantName: "TAPSIM TEST SHOP, BERLIN/DE", Currency: "978", ICCData: []byte{0x9F, 0x36, 0x02, 0x00, 0x07}},
		"text that is hex, too": {MTI: "0800", TransmissionTime: "1122024907", STAN: "000001", NetworkCode: "301", SettlementDate: "1123", ResponseCode: "00", NetworkID: "001"},
	} {
		packed, err := iso8583.Standard().Pack(m)
		require.NoError(t, err)
		text := string(packed)
		binary := string([]byte{byte(len(text) >> 8), byte(len(text))})
		digits := fmt.Sprintf("%04d", len(text))
		file := filepath.Join(t.TempDir(), "message")
		require.NoError(t, os.WriteFile(file, []byte(digits+text+"\n"), 0o600))
		for _, c := range [][]string{
			{fmt.Sprintf("%x", text)}, {fmt.Sprintf("%x", binary+text)}, {fmt.Sprintf("%X", digits+text)},
			{text}, {digits + text}, {"-", text + "\r\n"}, {"-", binary + text}, {file},
		} {
			in := ""
			if c[0] == "-" {
				in = c[1]
			}
			for _, as := range [][]string{nil, {"--as", "iso8583"}} {
				status, out, errs := decode(t, in, append(as, c[0])...)
				require.Zero(t, status, "%s %q: %s", name, c, errs)
				require.Contains(t, out, string(m.MTI)+" ", "%s %q", name, c)
				require.Contains(t, out, " 11  system trace audit number", "%s %q", name, c)
				require.NotContains(t, out, "4761739001010119")
			}
		}
		require.Equal(t, name == "text that is hex, too", !strings.ContainsAny(text, "GHIJKLMNOPQRSTUVWXYZ ") && len(text)%2 == 0)
	}
}

func TestDecodeTellsStatusWordsFromTags(t *testing.T) {
	for data, want := range map[string]string{
		"9000": "9000 success\n", "6A82": "6A82 file or application not found\n", "6F00": "6F00 no precise diagnosis\n",
		"8200": "82 Application interchange profile (AIP)  empty\n",
	} {
		status, out, _ := decode(t, "", data)
		require.Zero(t, status, data)
		require.Contains(t, out, want)
	}
	status, _, errs := decode(t, "", "9F02")
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "byte 2: data end before a length (tag 9F02)")
}

// Errors say where, and nothing of what the command cannot know.
func TestDecodeErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	bad, blob, odd := file("bad", "# a comment\n9F36 0200\n01 ü9\n"), file("blob", "# kind: tlv\nhex: 9F27 0x\n"), file("odd", "9F3")
	for _, c := range []struct{ in, arg, want string }{
		{"", "xyz", "character 1, 'x', is not a hex digit; give hex, or the name of a file that exists"},
		{"", bad, bad + ":3:4: 'ü' is not a hex digit: this is neither hex nor a transcript"},
		{"9F\n 3g", "-", "standard input:2:3: 'g' is not a hex digit: this is neither hex nor a transcript"},
		{"", blob, blob + ":2:12: 'x' is not a hex digit"},
		{"", odd, odd + ": 3 hex digits: a byte has two, one is missing or too many"},
		{"", "9", "1 hex digit: a byte has two"},
		{"# nothing\n", "-", "standard input: no hex digits"},
		{"", "nowhere.txt", "nowhere.txt: no such file or directory"},
	} {
		status, out, errs := decode(t, c.in, c.arg)
		require.Equal(t, exitUsage, status)
		require.Empty(t, out)
		require.Equal(t, "tapsim: "+c.want+"\n", errs)
	}
}

func TestDecodeSaysWhyRevealShowsNothing(t *testing.T) {
	for data, note := range map[string]bool{
		"5A084761739001010119":          false,
		"70205A084761739001010119":      true, // damaged
		"5A084999990000000003":          true, // another card's
		"9F36020001":                    false,
		"8424000204 11223344":           false, // a PIN is never shown
		"00B2010C00":                    false,
		"700A5A084761739001010119 9000": false,
	} {
		_, _, errs := decode(t, "", "--reveal", data)
		require.Equal(t, note, strings.Contains(errs, "note: not all is shown: --reveal needs an account number of this project's test ranges"), data)
		_, _, errs = decode(t, "", data)
		require.NotContains(t, errs, "note:")
	}
}

// Of a message, too, only a test card's numbers are shown.
func TestDecodeRevealsMessagesOfTestCards(t *testing.T) {
	for pan, shown := range map[string]bool{"4761739001010119": true, "4999990000000003": false} {
		packed, err := iso8583.Standard().Pack(&iso8583.Message{MTI: "0100", PAN: pan, Track2: pan + "=49122010000000000", STAN: "000001"})
		require.NoError(t, err)
		_, out, errs := decode(t, "", "--reveal", string(packed))
		require.Equal(t, shown, strings.Contains(out, pan+"=4912"))
		require.Equal(t, shown, strings.Contains(out, pan))
		require.Equal(t, !shown, strings.Contains(errs, "note:"))
		_, out, _ = decode(t, "", string(packed))
		require.NotContains(t, out, pan)
	}
}

// Raw data that are damaged are refused; a transcript that holds damage tells
// of it.
func TestDecodeOfDamage(t *testing.T) {
	status, out, errs := decode(t, "", "77059F2608112233")
	require.Equal(t, exitUsage, status)
	require.Contains(t, out, "rest, not taken apart")
	require.Contains(t, errs, "byte 4: tag 9F26 says 8 bytes, 2 left")
	status, out, _ = decode(t, "> 00B2010C00\n< 77059F26081122339000\n", "-")
	require.Zero(t, status)
	require.Contains(t, out, "1 exchange, 0 unknown tags, 1 place not taken apart")
}

// A message cannot write to the terminal.
func TestDecodeShowsNoControlCharacters(t *testing.T) {
	packed, err := iso8583.Standard().Pack(&iso8583.Message{MTI: "0100", STAN: "000001", Reserved60: "a!b"})
	require.NoError(t, err)
	_, out, _ := decode(t, strings.Replace(string(packed), "!", "\x1b", 1), "-")
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, "a\uFFFDb")
}

func TestDecodeCounts(t *testing.T) {
	_, out, _ := decode(t, "", "--as", "9C", "00")
	require.Contains(t, out, "\n1 byte, 0 unknown tags\n")
	_, out, _ = decode(t, "", "DF7F0101")
	require.Contains(t, out, "\n4 bytes, 1 unknown tag\n")
}
