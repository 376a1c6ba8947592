package cli

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
)

// A picture has room for the largest amounts and names, letters for European
// names, and words where there is nothing to draw.
func TestCharts(t *testing.T) {
	s := &issuer.Spending{Account: "AN-ACCOUNT.WITH-A-NAME-OF-32-LTR", Currency: "EUR", From: "2021-01", To: "2030-12", By: "merchant", Total: "9999999999.99", Groups: []issuer.SpendingGroup{
		{Name: "Grüße & Söhne <Ærøskøbing> with a name that is far too long", Amount: "9999999999.99", Minor: 9999999999_99, Share: 100}, {Name: "gave back", Amount: "-4.00", Minor: -4_00},
	}}
	img := pictureOf(t, s)
	require.Equal(t, image.Rect(0, 0, chartWidth, chartHeight(2)), img.Bounds())
	for y := range img.Bounds().Dy() {
		for _, x := range []int{0, chartMargin - 1, chartWidth - chartMargin, chartWidth - 1} {
			require.Equal(t, color.RGBAModel.Convert(color.White), color.RGBAModel.Convert(img.At(x, y)), "the margin is empty at %d, %d", x, y)
		}
	}
	svg, err := chartSVG(s)
	require.NoError(t, err)
	require.Contains(t, string(svg), "9999999999.99 (100 %)")
	require.Contains(t, string(svg), ">-4.00<", "what went back has no share")
	require.NotContains(t, string(svg), "<Ær")

	empty := &issuer.Spending{Account: "A", Currency: "EUR", From: "2030-01", To: "2030-01", By: "category", Total: "0.00"}
	svg, err = chartSVG(empty)
	require.NoError(t, err)
	require.Contains(t, string(svg), "nothing was spent")
	pictureOf(t, empty)
}

func pictureOf(t *testing.T, s *issuer.Spending) image.Image {
	t.Helper()
	text, err := chartPNG(s)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(text))
	require.NoError(t, err)
	return img
}

// Letters with marks are drawn as those without.
func TestPlainLetters(t *testing.T) {
	for text, want := range map[string]string{
		"Grüße": "GRUSSE", "Café Zoë": "CAFE ZOE", "Ærøskøbing": "AEROSKOBING", "Złoty Łódź": "ZLOTY LODZ", "O’Neill – Ñandú": "O'NEILL - NANDU", "50 %": "50 %", "超市": "??",
	} {
		require.Equal(t, drawn(want), drawn(text), text)
	}
}

func drawn(text string) (out [][7]byte) {
	for _, r := range plainLetters(text) {
		out = append(out, glyph(r))
	}
	return out
}

// What merchants are called is no formula and moves no cursor where a statement
// is opened.
func TestStatementCSVIsText(t *testing.T) {
	s := &issuer.Statement{Currency: "EUR"}
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\x1b[2J=1", "plain, \"quoted\""} {
		s.Lines = append(s.Lines, issuer.StatementLine{Time: time.Unix(0, 0).UTC(), Text: text, Amount: "-1.00"})
	}
	var out bytes.Buffer
	require.NoError(t, statementCSV(&out, s))
	require.Equal(t, `time,payment,event,text,category,country,original,fee,amount,balance,currency,channel
1970-01-01T00:00:00Z,0,,'=1+1,,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,'+1,,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,'-1,,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,'@SUM(A1),,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,?=1,,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,?[2J=1,,,,,-1.00,,EUR,
1970-01-01T00:00:00Z,0,,"plain, ""quoted""",,,,,-1.00,,EUR,
`, out.String())
}
