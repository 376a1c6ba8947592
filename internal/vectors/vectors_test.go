package vectors

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func loadAll(t testing.TB) []Case {
	t.Helper()
	names, err := filepath.Glob("../../testdata/vectors/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var all []Case
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := Load(filepath.Base(name), data)
		require.NoError(t, err)
		all = append(all, f.Cases...)
	}
	return all
}

func TestAllPublishedAnswers(t *testing.T) {
	cases := loadAll(t)
	require.GreaterOrEqual(t, len(cases), 464)
	for _, c := range cases {
		if r := Run(c); !r.Passed {
			t.Errorf("%s:%d: %s", c.File, c.Line, r)
		}
	}
}

// alter changes the character at i into another of the same kind.
func alter(s string, i int) string {
	b := []byte(s)
	switch c := b[i]; {
	case c >= '0' && c < '9':
		b[i]++
	case c == '9':
		b[i] = '0'
	case c == 'F':
		b[i] = 'E'
	default:
		b[i]++
	}
	return string(b)
}

// altered is the case with one output or input replaced, removed when v is nil.
func altered(c Case, inputs bool, name string, v *value) Case {
	from := &c.outputs
	if inputs {
		from = &c.inputs
	}
	changed := map[string]value{}
	for k, old := range *from {
		if k != name {
			changed[k] = old
		} else if v != nil {
			changed[k] = *v
		}
	}
	*from = changed
	return c
}

// TestEveryExpectedDigitCounts alters each character of each published output,
// one at a time: the case must fail, and at that output.
func TestEveryExpectedDigitCounts(t *testing.T) {
	count := 0
	for _, c := range loadAll(t) {
		for name, v := range c.outputs {
			for _, wrong := range alternatives(v) {
				r := Run(altered(c, false, name, &wrong))
				require.False(t, r.Passed, "%s %s %s", c.ID, name, wrong.text)
				require.False(t, r.Refused, "%s %s: %s", c.ID, name, r)
				require.Equal(t, name, r.Step, c.ID)
				require.NotEqual(t, r.Got, r.Want)
				count++
			}
		}
	}
	require.Greater(t, count, 20000)
}

func alternatives(v value) []value {
	var out []value
	switch v.kind {
	case jsonBool:
		w := v
		w.yes = !v.yes
		return []value{w}
	default:
		for i := range v.text {
			w := v
			w.text = alter(v.text, i)
			out = append(out, w)
		}
	}
	return out
}

// redundant are inputs that a case may lack because it can be computed without
// them: a second way to the same value, or a fact beside it.
var redundant = map[string]string{
	"application-cryptogram": "9F10 cvr mac_input",
	"arpc-method-1":          "atc r",
	"card-key":               "icc_mk_len odd_parity",
	"dukpt-aes":              "pin pin_field",
	"dukpt-tdes":             "clear_pin_block",
	"icc-certificate":        "afl pan",
	"pin-block":              "pin",
	"script-mac":             "ac atc imk_ac imk_smc mac_input",
	"script-pin-change":      "ac atc imk_ac",
	"session-key":            "ac atc command_number iv odd_parity r",
}

// TestEveryInputIsNeeded removes each input of each case: the case must not
// pass, unless the input is one of the redundant ones.
func TestEveryInputIsNeeded(t *testing.T) {
	for _, c := range loadAll(t) {
		for name := range c.inputs {
			r := Run(altered(c, true, name, nil))
			if slices.Contains(specs[c.Op].always.names, name) {
				require.True(t, r.Refused, "%s %s", c.ID, name)
				require.Equal(t, name, r.Step, c.ID)
				require.Equal(t, "missing input", r.Reason)
				continue
			}
			if r.Passed {
				require.Contains(t, strings.Fields(redundant[c.Op]), name, c.ID)
			}
		}
	}
}

// beside are inputs of which not every digit enters in each case: facts beside
// the computation, or digits that an operation leaves out.
var beside = map[string]string{
	"application-cryptogram":  "9F10",
	"arpc-method-1":           "atc r",         // the card key itself is used
	"card-key":                "imk",           // the case stops before the key
	"cda-signature":           "cdol1",         // the values sent enter
	"cryptogram-input":        "9F10",          // the CVR alone enters
	"dukpt-aes":               "pan pin_field", // no PIN block is published
	"ibm-3624":                "decimalisation_table pad pan",
	"icc-certificate":         "afl",
	"issuer-application-data": "9F10", // not all parts are published
	"issuer-certificate":      "ca_rid ca_index",
	"option-b-decimalise":     "sha1",
	"pin-block":               "pin_block pan", // random fill
	"roca-fingerprint":        "modulus",
	"script-mac":              "imk_ac imk_smc",
	"script-pin-change":       "ac imk_ac mk_ac",
}

// TestEveryInputTells alters a character in the middle of each input of each case:
// the case must fail.
func TestEveryInputTells(t *testing.T) {
	for _, c := range loadAll(t) {
		for name, v := range c.inputs {
			if v.kind != jsonString || v.text == "" || slices.Contains(strings.Fields(beside[c.Op]), name) {
				continue
			}
			v.text = alter(v.text, len(v.text)/2&^1) // of hex a high half: no parity bit
			require.False(t, Run(altered(c, true, name, &v)).Passed, "%s %s", c.ID, name)
		}
	}
}
