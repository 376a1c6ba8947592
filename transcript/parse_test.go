package transcript

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const recorded = "../testdata/transcripts/recorded"

// recordedFiles are the published exchanges, by name.
func recordedFiles(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(recorded, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no recordings: is testdata complete?")
	return paths
}

func readRecorded(t testing.TB, name string) *Transcript {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recorded, name))
	require.NoError(t, err)
	x, err := Parse(name, data)
	require.NoError(t, err)
	return x
}

func TestRecordedFilesComeBackByteForByte(t *testing.T) {
	for _, path := range recordedFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			x, err := Parse(path, data)
			require.NoError(t, err)
			require.False(t, x.Ours())
			source, ok := x.Remark("source")
			require.True(t, ok, "a recording says where it comes from")
			require.NotEmpty(t, source)
			out, err := Format(x)
			require.NoError(t, err)
			require.Equal(t, string(data), string(out))
		})
	}
}

const ours = `# tapsim: 1
# title: two taps of a locked phone
# card: visa-phone
# terminal: default
# seed: 1
# now: 2030-01-01T12:00:00Z
# amount: 12.50
# currency: EUR
# type: purchase
# verified: false
# expect: approved
# expect-kernel: online-request

# SELECT 2PAY.SYS.DDF01
> 00A404000E325041592E5359532E444446303100
< 6A82

! tear
! wait 1.3s
! verify
! reset
> 80A8000002830000
# the phone thinks
< !
> ?
< 82
`

func TestOurFileBothWays(t *testing.T) {
	x, err := Parse("ours.txt", []byte(ours))
	require.NoError(t, err)
	require.True(t, x.Ours())
	require.Equal(t, "visa-phone", x.Value("card"))
	require.Equal(t, "", x.Value("source"))

	exchanges := x.Exchanges()
	require.Len(t, exchanges, 3)
	require.Equal(t, Exchange{Number: 1, Line: 15, Command: []byte("\x00\xA4\x04\x00\x0E2PAY.SYS.DDF01\x00"), Response: []byte{0x6A, 0x82}}, exchanges[0])
	require.Equal(t, Exchange{Number: 2, Line: 22, Command: []byte{0x80, 0xA8, 0, 0, 2, 0x83, 0, 0}}, exchanges[1])
	require.Equal(t, Exchange{Number: 3, Line: 25, Response: []byte{0x82}}, exchanges[2])

	kinds := []Kind{}
	for _, l := range x.Lines {
		kinds = append(kinds, l.Kind)
	}
	require.Equal(t, []Kind{Blank, Comment, Command, Response, Blank, Tear, Wait, Verify, Reset, Command, Comment, Lost, AnyCommand, Response}, kinds)
	require.Equal(t, 1300*time.Millisecond, x.Lines[6].Wait)

	out, err := Format(x)
	require.NoError(t, err)
	require.Equal(t, ours, string(out))
	again, err := Parse("ours.txt", out)
	require.NoError(t, err)
	require.Equal(t, x, again)
}

func TestTolerated(t *testing.T) {
	want := readText(t, "# a\n> 00A4\n< 9000\n")
	for name, text := range map[string]string{
		"lower case, blanks":           "# a\n> 00 a4\n< 90\t00  \n",
		"no blank after the mark":      "# a\n>00A4\n<9000\n",
		"indented":                     "  # a\n  > 00A4\n\t< 9000\n",
		"carriage returns":             "# a\r\n> 00A4\r\n< 9000\r\n",
		"byte order mark":              "\uFEFF# a\n> 00A4\n< 9000\n",
		"no line end at the very last": "# a\n> 00A4\n< 9000",
	} {
		require.Equal(t, want, readText(t, text), name)
	}
}

func readText(t *testing.T, text string) *Transcript {
	t.Helper()
	x, err := Parse("x", []byte(text))
	require.NoError(t, err)
	return x
}

func TestParseErrorsSayWhereAndWhatToDo(t *testing.T) {
	const start = "# tapsim: 1\n"
	for _, c := range []struct{ text, want string }{
		{"", "f.txt:1:1: no exchange"},
		{"# only\n# comments\n", "f.txt:2:1: no exchange"},
		{"> 00A4\n", "f.txt:1:1: the command has no answer"},
		{"> 00A4\n> 00B2\n< 9000\n", "f.txt:2:1: the command of line 1 has no answer yet"},
		{"< 9000\n", "f.txt:1:1: an answer without a command"},
		{"> 00A\n< 9000\n", "f.txt:1:6: odd number of hex digits"},
		{"> 00G4\n< 9000\n", "f.txt:1:5: not a hex digit"},
		{"> 00A4 # SELECT\n< 9000\n", "f.txt:1:8: not a hex digit; a comment needs its own line"},
		{">\n< 9000\n", "f.txt:1:2: no hex digits; `> ?` stands"},
		{"> ?\n<\n", "f.txt:2:2: no hex digits; `< !` stands"},
		{"> ?\n< ?\n", "f.txt:2:3: not a hex digit"},
		{"> !\n< 9000\n", "f.txt:1:3: not a hex digit"},
		{"> " + strings.Repeat("00", MaxBytes+1) + "\n< 9000\n", "f.txt:1:2: 65545 bytes"},
		{"send: 00A4\n", "f.txt:1:1: a line starts with"},
		{"> 00A4\n< 9000\n! tear\n", "f.txt:3:1: events need a file that starts with `# tapsim: 1`"},
		{"# a\n# tapsim: 1\n", "f.txt:2:1: `# tapsim:` marks a file of ours and must be its first line"},
		{"# caf\xE9\n", "f.txt:1:6: not plain UTF-8 text"},
		{"# \x1b[31m\n", "f.txt:1:3: not plain UTF-8 text"},
		{"# tapsim: 2\n", `f.txt:1:3: tapsim: version "2"`},
		{"# tapsim:\n", "f.txt:1:3: tapsim: the value is missing"},
		{start + "# crad: x\n", "f.txt:2:3: unknown key crad; known are tapsim, title"},
		{start + "# card: x\n# card: y\n", "f.txt:3:3: the key card is there twice"},
		{start + "# just a note\n", "f.txt:2:1: want `# key: value` in the header"},
		{start + "# seed: -1\n", "f.txt:2:3: seed: want a whole number"},
		{start + "# seed: 01\n", "f.txt:2:3: seed: want a whole number"},
		{start + "# now: today\n", "f.txt:2:3: now: want a time"},
		{start + "# amount: 12,50\n", "f.txt:2:3: amount: want an amount"},
		{start + "# amount: 12.\n", "f.txt:2:3: amount: want an amount"},
		{start + "# currency: Euro\n", "f.txt:2:3: currency: want the three letters"},
		{start + "# expect: All right\n", "f.txt:2:3: expect: want one lower-case word"},
		{start + "# verified: yes\n", "f.txt:2:3: verified: want true or false"},
		{start + "# card:\n", "f.txt:2:3: card: the value is missing"},
		{start + "# title: " + strings.Repeat("x", 201) + "\n", "f.txt:2:3: title: 201 characters"},
		{start + "! explode\n", "f.txt:2:1: want `! tear`"},
		{start + "! wait\n", "f.txt:2:1: want `! tear`"},
		{start + "! wait soon\n", "f.txt:2:1: want a duration"},
		{start + "! wait -1s\n", "f.txt:2:1: want a duration"},
		{start + "! wait 25h\n", "f.txt:2:1: want a duration"},
		{start + "> 00A4\n! tear\n< 9000\n", "f.txt:3:1: the command of line 2 has no answer yet"},
		{strings.Repeat("\n", MaxLines+1), "f.txt:50001:1: more than 50000 lines"},
		{strings.Repeat(" ", MaxSize+1), "f.txt:1:1: 8388609 bytes"},
	} {
		x, err := Parse("f.txt", []byte(c.text))
		require.Nil(t, x, c.text)
		require.ErrorContains(t, err, c.want)
		var e *Error
		require.ErrorAs(t, err, &e)
	}
}

// An account number in a broken line must not come out with the error.
func TestParseErrorsQuoteNoDigits(t *testing.T) {
	_, err := Parse("f", []byte("> 5A084761739001010119x\n"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "4761")
}

// A file cut at any byte either fails or loses its end only: nothing before
// the last line changes.
func TestTruncatedFiles(t *testing.T) {
	whole := readText(t, ours)
	failed := 0
	for n := range len(ours) {
		x, err := Parse("x", []byte(ours[:n]))
		if err != nil {
			failed++
			continue
		}
		if len(x.Lines) == 0 {
			last := max(len(x.Header)-1, 0)
			require.Equal(t, whole.Header[:last], append([]Field{}, x.Header[:last]...), "%d bytes", n)
			continue
		}
		require.Equal(t, whole.Header, x.Header, "%d bytes", n)
		require.Equal(t, whole.Lines[:len(x.Lines)-1], append([]Line{}, x.Lines[:len(x.Lines)-1]...), "%d bytes", n)
	}
	require.Greater(t, failed, 80, "cuts inside a command, before an answer, inside a byte")
}

func TestFormatRefusesWhatParseWouldNotReadBack(t *testing.T) {
	head := []Field{{"tapsim", "1"}}
	pair := []Line{{Kind: AnyCommand}, {Kind: Lost}}
	for want, x := range map[string]*Transcript{
		"must come first":                {Header: []Field{{"card", "x"}}},
		"unknown key":                    {Header: []Field{{"tapsim", "1"}, {"shoe-size", "x"}}},
		"twice":                          {Header: []Field{{"tapsim", "1"}, {"tapsim", "1"}}},
		"no header and no exchange":      {},
		"no answer line":                 {Header: head, Lines: []Line{{Kind: AnyCommand}}},
		"before the answer":              {Lines: []Line{{Kind: AnyCommand}, {Kind: AnyCommand}}},
		"an answer without a command":    {Lines: []Line{{Kind: Lost}}},
		"a line of no kind":              {Lines: []Line{{}}},
		"0 bytes":                        {Lines: []Line{{Kind: Command}}},
		"right after the header":         {Header: head, Lines: []Line{{Kind: Comment, Text: " x"}}},
		"one line of text":               {Lines: append([]Line{{Kind: Comment, Text: " x\n> 00"}}, pair...)},
		"the first line of a header":     {Lines: append([]Line{{Kind: Comment, Text: " tapsim: 1"}}, pair...)},
		"an event needs a header":        {Lines: append([]Line{{Kind: Tear}}, pair...)},
		"longer than nothing":            {Header: head, Lines: []Line{{Kind: Wait}}},
		"more than 50000 lines or 83886": {Header: head, Lines: make50000()},
	} {
		_, err := Format(x)
		require.ErrorContains(t, err, want)
	}
}

func make50000() []Line {
	lines := make([]Line, MaxLines)
	for i := range lines {
		lines[i].Kind = Blank
	}
	return lines
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1s", 2 * time.Minute: "2m", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 30 * time.Millisecond: "30ms", 100 * time.Second: "1m40s",
	} {
		require.Equal(t, want, shortDuration(d))
		back, err := time.ParseDuration(want)
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
}

func TestNewHeader(t *testing.T) {
	h, err := NewHeader(map[string]string{"seed": "7", "card": "visa-phone", "title": ""})
	require.NoError(t, err)
	require.Equal(t, []Field{{"tapsim", "1"}, {"card", "visa-phone"}, {"seed", "7"}}, h)
	_, err = NewHeader(map[string]string{"user": "me"})
	require.ErrorContains(t, err, "unknown key")
	_, err = NewHeader(map[string]string{"seed": "x"})
	require.ErrorContains(t, err, "seed: want a whole number")
}
