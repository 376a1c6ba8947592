package transcript

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// outside is a correct account number outside all test ranges.
var (
	outside      = string(emv.WithCheckDigit("492912345678901"))
	outsideAmex  = string(emv.WithCheckDigit("37123456789012"))
	outsideMC    = string(emv.WithCheckDigit("550000123456789"))
	outside19    = string(emv.WithCheckDigit("621700123456789012"))
	outsideShort = string(emv.WithCheckDigit("60123456789"))
)

// live is a session with a number outside the test ranges wherever a card or a
// terminal may put it. %s is the number, %x forms are made by liveSession.
func liveSession(t *testing.T, number string) *Transcript {
	t.Helper()
	track2, err := emv.Track2{PAN: emv.PAN(number), Expiry: "3012", ServiceCode: "201", Discretionary: "123456789"}.Append(nil)
	require.NoError(t, err)
	pan, err := emv.AppendDigits(nil, number, 0)
	require.NoError(t, err)
	track1 := []byte("B" + number + "^MUSTERMANN/ERIKA^3012201123456789")
	record := emv.AppendTLV(nil, emv.TagRecord, emv.List{
		{Tag: emv.TagTrack2, Value: track2}, {Tag: emv.TagPAN, Value: pan}, {Tag: emv.TagTrack1, Value: track1},
		{Tag: emv.TagCardholderName, Value: []byte("MUSTERMANN/ERIKA")},
		{Tag: emv.TagExpirationDate, Value: []byte{0x30, 0x12, 0x31}},
		{Tag: emv.TagCDOL1, Value: []byte{0x9F, 0x37, 0x04, 0x57, byte(len(track2))}},
		{Tag: emv.TagICCCertificate, Value: bytes.Repeat([]byte{0xAB}, 112)},
		{Tag: emv.TagPAR, Value: []byte("V0010013020130320234500176201")},
		{Tag: emv.TagLastFour, Value: []byte{0x12, 0x34}},
	}.Append(nil))
	fci := "6F2A8407A0000000031010A51F500456495341BF0C16" + "9F4D020B0A" + fmt.Sprintf("DF10%02X%X", 14, append([]byte("N:"), bytes.Repeat([]byte{0x20}, 12)...))
	lines := []string{
		"# source: a card of " + number + ", MUSTERMANN/ERIKA",
		"# seen as " + number[:4] + " " + number[4:8] + " " + number[8:],
		"> FFCA000000", "< 041122334455669000",
		"> 00A4040007A000000003101000", "< " + fci + "9000",
		"> 80A8000002830000", fmt.Sprintf("< %X9000", emv.AppendTLV(nil, emv.TagResponseFormat2, emv.List{
			{Tag: emv.TagAIP, Value: []byte{0x20, 0}}, {Tag: emv.TagTrack2, Value: track2}, {Tag: emv.TagCryptogram, Value: []byte{1, 2, 3, 4, 5, 6, 7, 8}}}.Append(nil))),
		"> 00B2010C00", fmt.Sprintf("< %X9000", record),
		fmt.Sprintf("> 80AE8000%02X01020304%X00", 4+len(track2), track2),
		fmt.Sprintf("< %X9000", emv.AppendTLV(nil, emv.TagResponseFormat2, emv.List{
			{Tag: emv.TagCryptogram, Value: []byte{1, 2, 3, 4, 5, 6, 7, 8}}, {Tag: emv.TagSDAD, Value: bytes.Repeat([]byte{0xCD}, 80)}}.Append(nil))),
		"> 0020008008241234FFFFFFFFFF", "< 9000",
		fmt.Sprintf("> 80CA9F3600"), fmt.Sprintf("< 0102%XFF%X9000", pan, track1), // no TLV at all
		fmt.Sprintf("> 80CADF1000"), fmt.Sprintf("< 123%sA9000", strings.TrimRight(fmt.Sprintf("%s0", number)[:len(number)+len(number)%2], "")),
		"> 00B2020C00", fmt.Sprintf("< %X610A", record[:40]), "> 00C000000A", fmt.Sprintf("< %X9000", record[40:]),
		"",
	}
	x, err := Parse("live.txt", []byte(strings.Join(lines, "\n")))
	require.NoError(t, err, strings.Join(lines, "\n"))
	return x
}

// holds says where a number is left in a transcript.
func holds(x *Transcript, number string) string {
	for i, l := range x.Lines {
		text := strings.NewReplacer(" ", "", "-", "").Replace(l.Text)
		if strings.Contains(text, number) || strings.Contains(hex.EncodeToString(l.Bytes), number) || bytes.Contains(l.Bytes, []byte(number)) {
			return fmt.Sprintf("line %d", i+1)
		}
	}
	return ""
}

func TestRedactTakesANumberOutEverywhere(t *testing.T) {
	for _, number := range []string{outside, outsideAmex, outsideMC, outside19} {
		x := liveSession(t, number)
		require.True(t, OutsideTestRanges(x))
		out, what, err := Redact(x)
		require.NoError(t, err)
		require.Equal(t, 1, what.Numbers, "one number has one substitute")
		require.Empty(t, holds(out, number))
		require.False(t, OutsideTestRanges(out))
		require.True(t, out.Redacted())

		text, err := Format(out)
		require.NoError(t, err)
		for _, gone := range []string{"MUSTERMANN", "4D55535445524D414E4E",
			"ABABAB", "CDCDCD", "0010013020130320234500176201", "241234", "1122334455"} {
			require.NotContains(t, string(text), gone)
		}
		require.Contains(t, string(text), "9F26080102030405060708", "a cryptogram stays; the header says what it is worth")
		require.Contains(t, string(text), "5F2403301231", "the expiry stays: it decides how a transaction goes")

		again, what, err := Redact(out)
		require.NoError(t, err)
		require.False(t, what.Changed(), "%+v", what)
		require.Equal(t, out, again)
	}
}

func TestSubstitutesAreValidTestNumbers(t *testing.T) {
	r := NewRedactor()
	seen := map[string]bool{}
	for _, number := range []string{outside, outsideAmex, outsideMC, outside19, outsideShort, "4761739001010119", "4761739001010118", "0000000000000000", "60123456"} {
		s, err := r.substitute(number)
		require.NoError(t, err, number)
		require.Len(t, s, len(number))
		require.True(t, emv.TestRange(emv.PAN(s)), s)
		require.True(t, isSubstitute(s))
		require.False(t, seen[s], "each number has its own")
		seen[s] = true
	}
}

// TestRedactOneRedactorForManyFiles: the same card has the same substitute in
// all files of a folder.
func TestRedactOneRedactorForManyFiles(t *testing.T) {
	r := NewRedactor()
	_, _, err := r.Redact(liveSession(t, outsideMC))
	require.NoError(t, err)
	a, _, err := r.Redact(liveSession(t, outside))
	require.NoError(t, err)
	b, _, err := r.Redact(liveSession(t, outside))
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.NotEmpty(t, holds(a, r.numbers[outside]))
}

func TestRedactRefusesMoreNumbersThanItKeeps(t *testing.T) {
	r := NewRedactor()
	for i := range maxNumbers {
		r.numbers[fmt.Sprint(i)] = ""
	}
	_, _, err := r.Redact(liveSession(t, outside))
	require.ErrorContains(t, err, "more than 10000 account numbers")
}

// TestRedactCorpus: of all recordings and golden transcripts no account number
// is left, lengths and TLV structure stay, and a second redaction changes
// nothing.
func TestRedactCorpus(t *testing.T) {
	files, err := filepath.Glob("../testdata/transcripts/*/*")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		if x, err := Parse(file, data); err == nil {
			n++
			checkRedaction(t, x)
		}
	}
	require.Greater(t, n, 60)
}

func checkRedaction(t *testing.T, x *Transcript) {
	t.Helper()
	var numbers []string
	r := NewRedactor() // knows the numbers in tags when it looks at the others, as Redact does
	for _, find := range []func(*message, func(string)){taggedNumbers, r.hiddenNumbers} {
		walk(clone(x), func(m *message) {
			find(m, func(s string) {
				numbers = append(numbers, s)
				require.NoError(t, r.add(s))
			})
		})
	}
	out, _, err := Redact(x)
	require.NoError(t, err, x.Name)
	for _, number := range numbers {
		if len(number) >= 13 && telling(number) && !isSubstitute(number) {
			require.Empty(t, holds(out, number), "%s %s", x.Name, number)
		}
	}
	walk(clone(out), func(m *message) {
		taggedNumbers(m, func(s string) { require.True(t, isSubstitute(s), "%s %s", x.Name, s) })
	})
	require.False(t, OutsideTestRanges(out), x.Name)
	before, after := x.Exchanges(), out.Exchanges()
	require.Len(t, after, len(before))
	for i := range before {
		require.Len(t, after[i].Command, len(before[i].Command), x.Name)
		require.Len(t, after[i].Response, len(before[i].Response), x.Name)
		if s := shape(before[i].Response); s != "" {
			require.Equal(t, s, shape(after[i].Response), "%s exchange %d", x.Name, i+1)
		}
	}
	again, what, err := Redact(out)
	require.NoError(t, err)
	require.False(t, what.Changed(), "%s: %+v", x.Name, what)
	require.Equal(t, out, again, x.Name)
}

// shape is the tags and lengths of an answer, empty when it is not TLV.
func shape(answer []byte) string {
	data, _ := cutStatus(answer)
	tree, err := emv.Parse(data)
	if err != nil {
		return ""
	}
	var b strings.Builder
	var level func(nodes []emv.Node)
	level = func(nodes []emv.Node) {
		for _, n := range nodes {
			fmt.Fprintf(&b, "%X(", n.Header)
			level(n.Children)
			b.WriteString(")")
		}
	}
	level(tree.Nodes)
	return b.String()
}

// TestOutsideTestRanges: a number counts where a tag or a frame tells of it;
// digits that happen to have a correct check digit, as in the key data of a
// security domain, do not.
func TestOutsideTestRanges(t *testing.T) {
	for _, c := range []struct {
		answer        string
		test, outside bool
	}{
		{"700A5A084929123456789015", false, true},
		{"700A5A084761739001010119", true, false},
		{"4929123456789015", false, true},
		{"FF5A084929123456789015FF", false, true},
		{"FF57134929123456789015D30122010000000000", false, true},
		{"00003266201710218650FF02001825ACCEA6297056E582A1325F085B", false, false},
		{"77099F36020001", false, false},
	} {
		x := readText(t, "> 8050000008BA53AAED5BBD565400\n< "+c.answer+"9000\n")
		require.Equal(t, c.outside, OutsideTestRanges(x), c.answer)
		require.Equal(t, c.test, ShowsTestCard(x), c.answer)
		if out, _, err := Redact(x); c.outside {
			require.NoError(t, err)
			require.Empty(t, holds(out, outside), c.answer)
		}
	}
}

// TestRedactComments: people copy tracks and write names in their own way. Expiry
// and service code stay, as they do in data.
func TestRedactComments(t *testing.T) {
	record := emv.AppendTLV(nil, emv.TagRecord, emv.List{{Tag: emv.TagCardholderName, Value: []byte("SMITH/JOHN A.MR")}}.Append(nil))
	x := readText(t, fmt.Sprintf(`# PAN 4929123456789015 seen, track 4929123456789015D29122010000012300009F, SMITH
# source: .. by john .., Mr Smithson, J. Smith
# 49 29 12 34 56 78 90 15 D2 91 22 01 00 00 12 30 00 09 then 12 apples
# ;4929123456789015=29122010000012300009? %%B4929123456789015^SMITH/JOHN^29122010000012300009?
# 5F200F 534D4954482F4A4F484E20412E4D52
> 00B2010C00
< %X9000
`, record))
	out, _, err := Redact(x)
	require.NoError(t, err)
	text, err := Format(out)
	require.NoError(t, err)
	require.Equal(t, `# redacted: account numbers and names are substitutes; signatures and cryptograms no longer verify
# PAN 4761739900000013 seen, track 4761739900000013D29122010000000000000F, CARDHOLDER
# source: .. by TEST .., Mr Smithson, J. CARDHOLDER
# 47 61 73 99 00 00 00 13 D2 91 22 01 00 00 00 00 00 00 then 12 apples
# ;4761739900000013=29122010000000000000? %B4761739900000013^CARDHOLDER^29122010000000000000?
# 5F200F 43415244484F4C4445522F54455354
`, string(text[:bytes.Index(text, []byte("> "))]))
	again, what, err := Redact(out)
	require.NoError(t, err)
	require.False(t, what.Changed(), "%+v", what)
	require.Equal(t, out, again)
}
