package vectors

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// one is a file with one good case; tests spoil it.
const one = `{
 "topic": "t",
 "cases": [
  {
   "id": "a-1",
   "name": "n",
   "op": "sha-1",
   "inputs": { "data": "616263" },
   "outputs": { "digest": "A9993E364706816ABA3E25717850C26C9CD0D89D" }
  }
 ]
}`

func spoil(t *testing.T, old, replacement string) string {
	t.Helper()
	require.Contains(t, one, old)
	return strings.Replace(one, old, replacement, 1)
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ old, replacement, want string }{
		{`"topic": "t",`, `"topic": "t", "Topic": "u",`, `f.json:2: unknown key "Topic", want cases, description, topic`},
		{`"topic": "t",`, `"topic": "t", "topic": "u",`, `f.json:2: key "topic" stands twice`},
		{`"topic": "t",`, `"topic": 1,`, `f.json:2: topic is a number, want a string`},
		{`"name": "n",`, `"name": "n", "comment": "x",`, `f.json:6: unknown key "comment"`},
		{`"name": "n",`, ``, `f.json:4: key "name" is missing`},
		{`"op": "sha-1",`, ``, `key "op" is missing`},
		{`{ "data": "616263" }`, `{ "data": "616263", "data": "616263" }`, `f.json:8: key "data" stands twice`},
		{`{ "data": "616263" }`, `[]`, `inputs and outputs are objects`},
		{`"cases": [`, `"cases": {}, "x": [`, `unknown key "x"`},
		{`"id": "a-1"`, `"id": null`, `id is null, want a string`},
		{"}\n ]", "}\n ,]", `not JSON`},
		{"}\n ]\n}", "}\n ]\n} {}", `something stands after the end`},
		{"}\n ]\n}", "}\n ]", `the file ends too early`},
	} {
		_, err := Load("f.json", []byte(spoil(t, c.old, c.replacement)))
		require.ErrorContains(t, err, c.want)
		require.Regexp(t, `^f\.json:\d+: `, err.Error())
	}
	_, err := Load("f.json", nil)
	require.ErrorContains(t, err, "f.json:1: not JSON")
	_, err = Load("f.json", []byte(`{"topic":"t"}`))
	require.ErrorContains(t, err, `"cases" is missing`)
	_, err = Load("f.json", []byte(`{"cases":[]}`))
	require.ErrorContains(t, err, `at least one case`)
	_, err = Load("f.json", []byte(`{"cases":`+strings.Repeat("[", 50)+strings.Repeat("]", 50)+`}`))
	require.ErrorContains(t, err, "nested deeper")

	twice := strings.Replace(one, "  }\n ]", "  },\n"+one[strings.Index(one, "  {\n   \"id\""):strings.Index(one, "\n ]")]+"\n ]", 1)
	_, err = Load("f.json", []byte(twice))
	require.ErrorContains(t, err, `case id "a-1" stands at line 4 already`)
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct{ old, replacement, step, want string }{
		{`"sha-1"`, `"sha-3"`, "op", `unknown operation "sha-3"`},
		{`"data": "616263"`, ``, "data", "missing input"},
		{`"data": "616263"`, `"data": "616263", "key": "00"`, "key", "not an input of sha-1"},
		{`"data": "616263"`, `"data": "61626"`, "data", "not whole bytes of hex"},
		{`"data": "616263"`, `"data": "61626G"`, "data", "not whole bytes of hex"},
		{`"data": "616263"`, `"data": 616263`, "data", "is a number, want a string"},
		{`"digest": "A9993E364706816ABA3E25717850C26C9CD0D89D"`, ``, "outputs", "expects nothing"},
		{`"digest":`, `"hash":`, "hash", "not an output of sha-1"},
		{`"A9993E364706816ABA3E25717850C26C9CD0D89D"`, `"A9993E364706816ABA3E25717850C26C9CD0D89"`, "digest", "hex"},
	} {
		f, err := Load("f.json", []byte(spoil(t, c.old, c.replacement)))
		require.NoError(t, err)
		r := Run(f.Cases[0])
		require.False(t, r.Passed)
		require.True(t, r.Refused, c.replacement)
		require.Equal(t, c.step, r.Step)
		require.Contains(t, r.Reason, c.want)
	}
}

// TestResultSaysWhatDiffers is what a person and a machine get to see.
func TestResultSaysWhatDiffers(t *testing.T) {
	f, err := Load("f.json", []byte(spoil(t, `D89D"`, `D89E"`)))
	require.NoError(t, err)
	r := Run(f.Cases[0])
	require.Equal(t, "a-1 failed at digest: got A9993E364706816ABA3E25717850C26C9CD0D89D, want A9993E364706816ABA3E25717850C26C9CD0D89E", r.String())
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"a-1","name":"n","op":"sha-1","passed":false,"step":"digest",
		"got":"A9993E364706816ABA3E25717850C26C9CD0D89D","want":"A9993E364706816ABA3E25717850C26C9CD0D89E"}`, string(text))
}

// TestStepIsTheFirstThatDiffers: where a case publishes more than the result,
// the failure is named where it begins.
func TestStepIsTheFirstThatDiffers(t *testing.T) {
	cases := map[string]Case{}
	for _, c := range loadAll(t) {
		cases[c.ID] = c
	}
	text := func(s string) *value { return &value{kind: jsonString, text: s} }
	for _, c := range []struct{ id, input, to, step string }{
		{"ac_visa-002", "9F02", "000000004001", "mac_input"},
		{"ac_visa-002", "imk_ac", "0123456789ABCDEFFEDCBA9876543200", "ac"},
		{"session_key-039", "r", "51DB71A5DCC47F8D", "r"},
		{"hce_luk-001", "cc", "02", "block1"},
		{"icc_master_key-002", "pan", "541333900000006166", "sha1_input"},
		{"icc_master_key-002", "method", "option-b-any-length", ""},
		{"oda-001", "tag_90", "7A" + cases["oda-001"].inputs["tag_90"].text[2:494] + "56", "recovered"},
		{"oda-001", "tag_9F32", "03", "hash"},
		{"oda-003", "aip_if_9F4A", "5901", "hash"},
		{"oda-019", "pan", "4761739001010127", "PAN"},
		{"fdda-001", "tag_9F02", "000000001001", "hash"},
		{"cvv_cvc3_dcvv-030", "icc_mk", "69D9405C8462F4109CB20DC8B99F3BD0", "icc_mk"},
		{"dukpt_tdes-002", "clear_pin_block", "041274EDCBA9876E", "clear_pin_block"},
		{"pin-019", "pan", "432198765432109871", "pin"},
	} {
		r := Run(altered(cases[c.id], true, c.input, text(c.to)))
		require.Equal(t, c.step, r.Step, "%s %s: %s", c.id, c.input, r)
		require.Equal(t, c.step == "", r.Passed)
		require.False(t, r.Refused)
	}
}

// TestREADMEListsTheOperations holds the table of the README against the
// program's, both ways.
func TestREADMEListsTheOperations(t *testing.T) {
	data, err := os.ReadFile("../../testdata/vectors/README.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (.*) \\| (.*) \\| (.*) \\|$").FindAllStringSubmatch(string(data), -1)
	require.Len(t, rows, len(specs))
	list := func(cell string) []string {
		return strings.FieldsFunc(cell, func(c rune) bool { return c == ',' || c == ' ' })
	}
	for _, row := range rows {
		s, ok := specs[row[1]]
		require.True(t, ok, row[1])
		require.ElementsMatch(t, s.always.names, list(row[2]), row[1])
		require.ElementsMatch(t, s.sometimes.names, list(row[3]), row[1])
		require.ElementsMatch(t, s.outputs.names, list(row[4]), row[1])
	}
}

func BenchmarkAllCases(b *testing.B) {
	cases := loadAll(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range cases {
			Run(c)
		}
	}
}
