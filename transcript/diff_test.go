package transcript

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func goldenText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../testdata/transcripts/golden/" + name)
	require.NoError(t, err)
	return string(data)
}

func sentences(t *testing.T, a, b string) []string {
	t.Helper()
	var out []string
	for _, d := range Diff(readText(t, a), readText(t, b)) {
		out = append(out, d.Name+", "+d.Side+": "+d.Sentence)
	}
	return out
}

func TestDiffSaysWhatDiffers(t *testing.T) {
	a := goldenText(t, "visa-plastic-online.apdu")
	change := func(old, fresh string) string {
		require.Contains(t, a, old)
		return strings.Replace(a, old, fresh, 1)
	}
	require.Empty(t, sentences(t, a, a))
	require.Empty(t, sentences(t, a, strings.Replace(a, "# seed: 1\n", "# seed: 2\n", 1)), "headers do not count")
	const gpo = "GET PROCESSING OPTIONS, "
	for _, c := range []struct {
		name, b string
		want    []string
	}{
		{"amount", change("000000001250", "000000001251"),
			[]string{gpo + "command: 9F02 Amount authorised, numeric is 000000001250 (12.50 EUR) in A, 000000001251 (12.51 EUR) in B"}},
		{"bits", change("9F6C020000", "9F6C028000"),
			[]string{gpo + "answer: 9F6C Card transaction qualifiers (CTQ) is 0000 (no bit set) in A, 8000 in B; only in B: byte 1 bit 8: online PIN required"}},
		{"another record", a + "> 00B2010C00\n< 6A83\n", []string{"READ RECORD SFI 1 record 1, exchange: only in B"}},
		{"another file name", change("> 00A4040007A0000000031010", "> 00A4040007A0000000031011"),
			[]string{"SELECT A0000000031010, command: file name is A0000000031010 (Visa credit or debit) in A, A0000000031011 (Visa) in B"}},
		{"account number, masked", change("4761739001010119", "4761739001010118"),
			[]string{gpo + "answer: 57 Track 2 equivalent data is 476173******0119D********************* (476173******0119=****) in A, 476173******0118D********************* (476173******0118=****) in B"}},
		{"element gone", change("77478202000057", "7743"+"57"),
			[]string{gpo + "answer: 82 Application interchange profile (AIP) only in A: 0000"}},
		{"status", change("04207000009000", "04207000006283"),
			[]string{gpo + "answer: SW1-SW2 is 9000 (success) in A, 6283 (warning: selected file or application invalidated (blocked)) in B"}},
		{"coding", change("77478202000057", "7781478202000057"), []string{gpo + "answer: the same elements, coded or ordered differently from byte 1 on"}},
		{"no answer", a[:strings.LastIndex(a, "< ")] + "< !\n", []string{gpo + "answer: B has no answer"}},
		{"an exchange more", a + "> 80CA9F3600\n< 9F360200019000\n", []string{"GET DATA 9F36, exchange: only in B"}},
		{"an event", strings.Replace(a, "# GET PROCESSING", "! verify\n# GET PROCESSING", 1), []string{"! verify, exchange: only in B"}},
	} {
		require.Equal(t, c.want, sentences(t, a, c.b), c.name)
	}
}

// TestDiffMasks: no account number gets out, whatever differs.
func TestDiffMasks(t *testing.T) {
	a := goldenText(t, "mastercard-plastic-cda.apdu")
	for _, d := range Diff(readText(t, a), readText(t, goldenText(t, "visa-phone-online.apdu"))) {
		text := d.Sentence + d.ValueA + d.ValueB + d.TextA + d.TextB + strings.Join(append(d.OnlyA, d.OnlyB...), "")
		require.NotContains(t, text, "5413339001000019")
		require.NotContains(t, text, "476173900200001")
	}
}
