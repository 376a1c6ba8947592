package emv

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// blob is a file of testdata/tlv: what kind its lines are, and the lines.
type blob struct {
	name, kind string
	lines      [][]byte
}

func blobs(t *testing.T) []blob {
	t.Helper()
	files, err := filepath.Glob("../testdata/tlv/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 40)
	var all []blob
	for _, f := range files {
		b := blob{name: filepath.Base(f)}
		for _, line := range textLines(t, f) {
			if kind, found := strings.CutPrefix(line, "# kind: "); found {
				b.kind = kind
			}
			if hex, found := strings.CutPrefix(line, "hex: "); found {
				b.lines = append(b.lines, unhex(t, hex))
			}
		}
		require.NotEmpty(t, b.lines, b.name)
		all = append(all, b)
	}
	return all
}

func textLines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var lines []string
	s := bufio.NewScanner(bytes.NewReader(raw))
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	require.NoError(t, s.Err())
	return lines
}

func TestPublishedBlobs(t *testing.T) {
	kinds := map[string]int{}
	for _, b := range blobs(t) {
		kinds[b.kind]++
		for _, data := range b.lines {
			switch b.kind {
			case "tlv":
				requireExplained(t, b.name, data)
			case "damaged":
				_, err := Explain(data, Context{}, false)
				var damage *TLVError
				require.ErrorAs(t, err, &damage, b.name)
				require.NotEmpty(t, damage.Reason)
			case "issuer-app-data", "terminal-risk-management-data":
				tag, ctx, found := Element(b.kind)
				require.True(t, found)
				item := ExplainValue(tag, data, ctx, false)
				require.True(t, item.Known)
				require.NotEmpty(t, item.Details, b.name)
			}
		}
	}
	require.Equal(t, map[string]int{"tlv": 25, "damaged": 2, "issuer-app-data": 3, "terminal-risk-management-data": 1, "exchange": 3, "value": 5, "atr": 1}, kinds)
}

// requireExplained checks that no byte is lost: the tree gives the data back,
// and the items of each level cover it from end to end.
func requireExplained(t *testing.T, name string, data []byte) []Item {
	t.Helper()
	tree, err := Parse(data)
	require.NoError(t, err, name)
	require.Equal(t, upperHex(data), upperHex(tree.Append(nil)), name)
	items, err := Explain(data, Context{}, false)
	require.NoError(t, err, name)
	requireCovered(t, name, data, items, 0, len(data))
	open, err := Explain(data, Context{}, true)
	require.NoError(t, err, name)
	requireRevealed(t, name, open, data)
	return items
}

func requireCovered(t *testing.T, name string, data []byte, items []Item, from, to int) {
	t.Helper()
	for _, item := range items {
		require.Equal(t, from, item.Offset, "%s: tag %s", name, item.Tag)
		if item.Name == "padding" {
			from += item.Length
			continue
		}
		tag, err := ParseTag(item.Tag)
		require.NoError(t, err)
		require.False(t, item.Known && item.Name == "", name)
		s := Scan(data[item.Offset:])
		require.True(t, s.Next())
		require.Equal(t, tag, s.Tag(), name)
		header := len(s.Object().Header) // need not be the shortest form
		if tag.Constructed() {
			requireCovered(t, name, data, item.Children, from+header, from+header+item.Length)
		} else {
			require.Len(t, item.Value, 2*item.Length, name)
		}
		from += header + item.Length
	}
	require.Equal(t, to, from, name)
}

func requireRevealed(t *testing.T, name string, items []Item, data []byte) {
	t.Helper()
	for _, item := range items {
		require.False(t, item.Masked, name)
		if len(item.Children) > 0 {
			requireRevealed(t, name, item.Children, data)
		} else if item.Value != "" {
			require.Contains(t, upperHex(data[item.Offset:]), item.Value, name)
		}
	}
}

// notTLV lists the answers of the recorded exchanges that are no TLV data, by
// file, with the reason.
var notTLV = map[string]struct {
	count  int
	reason string
}{
	"020-visa-cb-fr-2aids.txt":                  {17, "log records: values without tags, as tag 9F4F lists them"},
	"026-visa-aid-probing.txt":                  {16, "log records: values without tags, as tag 9F4F lists them"},
	"115-mastercard-short-le-truncated-fci.txt": {1, "an FCI cut at Le"},
	"603-discover-ppse-3-entries.txt":           {1, "the outer length is two too many"},
	"711-google-wallet-smarttap-ose-vas.txt":    {4, "NDEF records of the wallet's own protocol"},
	"914-emvutils-tpdu-t0.txt":                  {8, "procedure bytes of T=0 before the data"},
	"920-emvpt-simulated-contact-dda.txt":       {1, "a random number for GET CHALLENGE"},
}

func TestRecordedExchanges(t *testing.T) {
	files, err := filepath.Glob("../testdata/transcripts/recorded/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 40)
	for _, f := range files {
		name, other := filepath.Base(f), 0
		for _, line := range textLines(t, f) {
			hex, found := strings.CutPrefix(line, "< ")
			if !found || hex == "!" {
				continue
			}
			response := unhex(t, hex)
			if len(response) <= 2 {
				continue
			}
			body := response[:len(response)-2]
			if _, err := Parse(body); err != nil {
				other++
				continue
			}
			requireExplained(t, name, body)
		}
		require.Equal(t, notTLV[name].count, other, name)
	}
}
