package cli

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"

	"tapsim/issuer"
)

// chartFormats draw spending, by the ending of the file's name.
var chartFormats = map[string]func(*issuer.Spending) ([]byte, error){".svg": chartSVG, ".html": chartHTML, ".png": chartPNG}

// Measures of a chart, in pixels.
const (
	chartWidth  = 800
	chartTop    = 84
	chartRow    = 30
	chartLeft   = 270
	chartMargin = 20
	textScale   = 2 // of the letters in a PNG
	letterWidth = glyphAdvance * textScale
	maxBars     = 40 // what comes after is one bar of its own
)

// bars are the groups of a chart, of which there may be too many to draw.
func bars(s *issuer.Spending) []issuer.SpendingGroup {
	if len(s.Groups) <= maxBars || s.By == "month" {
		return s.Groups
	}
	out := append([]issuer.SpendingGroup(nil), s.Groups[:maxBars-1]...)
	rest := issuer.SpendingGroup{Name: fmt.Sprintf("%d others", len(s.Groups)-maxBars+1)}
	for _, g := range s.Groups[maxBars-1:] {
		rest.Minor += g.Minor
		rest.Share += g.Share
	}
	return append(out, rest)
}

// chartTitle is what stands above the bars: whose money and how much, and how it
// was added up.
func chartTitle(s *issuer.Spending) (title, below string) {
	period := s.From
	if s.From != s.To {
		period += " to " + s.To
	}
	below = "by " + s.By + ", " + period
	if len(s.Groups) == 0 {
		below += ": nothing was spent"
	}
	return s.Account + ": " + s.Total + " " + s.Currency, below
}

// barSpace is how long a bar may be, in pixels: what the longest text behind the
// bars leaves.
func barSpace(groups []issuer.SpendingGroup) int {
	longest := 0
	for n := range groups {
		longest = max(longest, len(barText(&groups[n])))
	}
	return chartWidth - chartLeft - 2*chartMargin - longest*letterWidth
}

// barLength is a bar's length in pixels.
func barLength(g *issuer.SpendingGroup, most int64, space int) int {
	return int(float64(max(0, g.Minor)) / float64(most) * float64(space))
}

func chartHeight(n int) int { return chartTop + n*chartRow + chartMargin }

func chartSVG(s *issuer.Spending) ([]byte, error) {
	groups, most := bars(s), largest(s)
	space := barSpace(groups)
	title, below := chartTitle(s)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="system-ui, sans-serif" font-size="14" role="img">`+"\n",
		chartWidth, chartHeight(len(groups)))
	fmt.Fprintf(&b, `<title>%s, %s</title><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", html.EscapeString(title), html.EscapeString(below))
	fmt.Fprintf(&b, `<text x="%d" y="34" font-size="18" fill="#222">%s</text>`+"\n", chartMargin, html.EscapeString(title))
	fmt.Fprintf(&b, `<text x="%d" y="56" fill="#666">%s</text>`+"\n", chartMargin, html.EscapeString(below))
	for n := range groups {
		g := &groups[n]
		y := chartTop + n*chartRow
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="#222">%s</text>`, chartLeft-10, y+19, html.EscapeString(shortened(shown(g.Name), 26)))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="#2b6cb0"/>`, chartLeft, y+4, barLength(g, most, space), chartRow-10)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#222">%s</text>`+"\n", chartLeft+barLength(g, most, space)+8, y+19, html.EscapeString(barText(g)))
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

// barText is amount and share of a bar. What went back has no share.
func barText(g *issuer.SpendingGroup) string {
	if g.Minor <= 0 {
		return g.Amount
	}
	return fmt.Sprintf("%s (%d %%)", g.Amount, g.Share)
}

func shortened(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

func chartHTML(s *issuer.Spending) ([]byte, error) {
	svg, err := chartSVG(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	title, below := chartTitle(s)
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head><body style=\"margin:2rem\">\n%s</body></html>\n",
		html.EscapeString(title+", "+below), svg)
	return b.Bytes(), nil
}

var (
	inkColour   = color.RGBA{0x22, 0x22, 0x22, 0xFF}
	paleColour  = color.RGBA{0x66, 0x66, 0x66, 0xFF}
	barColour   = color.RGBA{0x2B, 0x6C, 0xB0, 0xFF}
	mostLetters = (chartWidth - 2*chartMargin) / letterWidth
)

func chartPNG(s *issuer.Spending) ([]byte, error) {
	groups, most := bars(s), largest(s)
	space := barSpace(groups)
	img := image.NewRGBA(image.Rect(0, 0, chartWidth, chartHeight(len(groups))))
	fill(img, img.Bounds(), color.White)
	title, below := chartTitle(s)
	drawText(img, chartMargin, 20, shortened(plainLetters(title), mostLetters), inkColour)
	drawText(img, chartMargin, 46, shortened(plainLetters(below), mostLetters), paleColour)
	for n := range groups {
		g := &groups[n]
		y, end := chartTop+n*chartRow, chartLeft+barLength(g, most, space)
		name := shortened(plainLetters(shown(g.Name)), (chartLeft-chartMargin)/letterWidth)
		drawText(img, chartLeft-10-len([]rune(name))*letterWidth, y+8, name, inkColour)
		fill(img, image.Rect(chartLeft, y+4, end, y+chartRow-6), barColour)
		drawText(img, end+8, y+8, barText(g), inkColour)
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

func fill(img *image.RGBA, area image.Rectangle, c color.Color) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			img.Set(x, y, c)
		}
	}
}

// drawText writes in the bitmap letters of font.go, scaled up.
func drawText(img *image.RGBA, x, y int, text string, ink color.Color) {
	for _, r := range text {
		for row, bits := range glyph(r) {
			for column := range glyphWidth {
				if bits&(1<<(glyphWidth-1-column)) != 0 {
					left, top := x+column*textScale, y+row*textScale
					fill(img, image.Rect(left, top, left+textScale, top+textScale), ink)
				}
			}
		}
		x += letterWidth
	}
}
