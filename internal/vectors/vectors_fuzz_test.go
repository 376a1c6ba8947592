package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRun spoils files of one real case: whatever they hold, the case passes,
// fails or is refused, and what is refused or fails says where.
func FuzzRun(f *testing.F) {
	names, err := filepath.Glob("../../testdata/vectors/*.json")
	require.NoError(f, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		var file struct {
			Cases []json.RawMessage `json:"cases"`
		}
		require.NoError(f, json.Unmarshal(data, &file))
		f.Add([]byte(`{"cases":[` + string(file.Cases[0]) + `]}`))
	}
	for _, empty := range []string{`"data":"00","":1},"outputs":{"digest":"00"}`, `"data":"00"},"outputs":{"":""}`} { // names that are empty
		f.Add([]byte(`{"cases":[{"id":"1","name":"n","op":"sha-1","inputs":{` + empty + `}]}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Load("f", data)
		if err != nil {
			return
		}
		for _, c := range file.Cases {
			r := Run(c)
			require.Equal(t, !r.Passed, r.Step != "")
			require.NotEmpty(t, r.String())
		}
	})
}

// FuzzInput replaces one input of one real case, which reaches deeper than
// spoiled JSON does.
func FuzzInput(f *testing.F) {
	cases := loadAll(f)
	f.Add(0, 0, "00")
	f.Fuzz(func(t *testing.T, which, input int, text string) {
		if which < 0 || input < 0 {
			return
		}
		c := cases[which%len(cases)]
		names := sortedKeys(c.inputs)
		name := names[input%len(names)]
		v := c.inputs[name]
		v.text = text
		r := Run(altered(c, true, name, &v))
		require.Equal(t, !r.Passed, r.Step != "")
	})
}
