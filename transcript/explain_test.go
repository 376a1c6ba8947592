package transcript

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireTiled asserts that parts cover from..to without gap or overlap, at
// every level.
func requireTiled(t *testing.T, parts []Part, from, to int, where string) {
	t.Helper()
	pos := from
	for _, p := range parts {
		require.Equal(t, pos, p.Offset, "%s: %s %s", where, p.Tag, p.Name)
		pos += p.Size
		if len(p.Parts) > 0 {
			requireTiled(t, p.Parts, p.Offset+p.head, p.Offset+p.Size, where+"/"+p.Tag)
		}
	}
	require.Equal(t, to, pos, "%s: the parts end", where)
}

func requireExplained(t *testing.T, x Explanation, command, response []byte) {
	t.Helper()
	for _, m := range []struct {
		raw []byte
		m   *Message
	}{{command, x.Command}, {response, x.Response}} {
		if m.raw == nil {
			require.Nil(t, m.m)
			continue
		}
		require.Equal(t, len(m.raw), m.m.Size)
		requireTiled(t, m.m.Parts, 0, len(m.raw), x.Name)
		require.Len(t, m.m.Hex, 2*len(m.raw), x.Name)
	}
}

func TestEveryRecordedByteIsExplained(t *testing.T) {
	for _, path := range recordedFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			x := readRecorded(t, filepath.Base(path))
			exchanges := x.Exchanges()
			explained := ExplainSession(x, false).Exchanges
			require.Len(t, explained, len(exchanges))
			for i, e := range explained {
				requireExplained(t, e, exchanges[i].Command, exchanges[i].Response)
			}
		})
	}
}

var _ = json.Marshal
var _ = os.ReadFile
var _ = strings.Contains
