// Package qrimage draws QR codes, as PNG, as SVG and as text for a terminal,
// and reads them back from PNG. What stands in a code is no matter of this
// package.
package qrimage

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"rsc.io/qr"
)

// MaxText bounds what a code is drawn for, in bytes: what the largest QR code
// holds at the level of error correction used, M.
const MaxText = 2331

// Scales of a picture: pixels for a module.
const (
	DefaultScale = 8
	MaxScale     = 40
)

// quiet is the width of the light margin that a reader needs around a code, in
// modules (ISO/IEC 18004).
const quiet = 4

// Code is a QR code that can be drawn.
type Code struct{ grid *qr.Code }

// New makes the code of a text, in UTF-8, with error correction of level M, as
// codes on screens and paper have it. An empty text and one of more than
// MaxText bytes are errors.
func New(text string) (Code, error) {
	switch {
	case text == "":
		return Code{}, fmt.Errorf("no text for a QR code")
	case len(text) > MaxText:
		return Code{}, fmt.Errorf("a text of %d bytes: a QR code holds at most %d", len(text), MaxText)
	}
	grid, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}, fmt.Errorf("QR code: %w", err)
	}
	return Code{grid}, nil
}

// Size is the number of modules on a side, without the margin.
func (c Code) Size() int { return c.grid.Size }

// Columns is how wide the code is drawn as text.
func (c Code) Columns() int { return c.width() }

// dark is true for dark modules; everything outside is light. The origin is
// the corner of the margin.
func (c Code) dark(x, y int) bool { return c.grid.Black(x-quiet, y-quiet) }

// width is the number of modules on a side with the margin.
func (c Code) width() int { return c.grid.Size + 2*quiet }

// PNG is the code as a PNG file, dark on light with its margin, scale pixels
// for a module.
func (c Code) PNG(scale int) ([]byte, error) {
	if scale < 1 || scale > MaxScale {
		return nil, fmt.Errorf("%d pixels for a module: want 1 to %d", scale, MaxScale)
	}
	width := c.width() * scale
	picture := image.NewPaletted(image.Rect(0, 0, width, width), color.Palette{color.White, color.Black})
	for y := range width {
		for x := range width {
			if c.dark(x/scale, y/scale) {
				picture.Pix[y*picture.Stride+x] = 1
			}
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), err
}

// SVG is the code as an SVG file, one unit for a module.
func (c Code) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, c.width(), c.width())
	b.WriteString(`<path fill="#fff" d="M0 0h` + fmt.Sprintf("%dv%dH0z", c.width(), c.width()) + `"/><path d="`)
	for y := range c.width() {
		for x := 0; x < c.width(); x++ {
			start := x
			for c.dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start, y, x-start, x-start)
			}
		}
	}
	b.WriteString("\"/></svg>\n")
	return b.Bytes()
}

// Style says how a code is drawn as text.
type Style byte

// Styles of drawing. A code has to be dark on light.
const (
	ForDark  Style = iota // blocks are light: for light letters on a dark ground
	ForLight              // blocks are dark: for dark letters on a light ground
	Coloured              // with colours of its own, for any terminal that has 256
)

// colours are black letters on a white ground; reset ends them.
const (
	colours = "\x1b[38;5;16m\x1b[48;5;231m"
	reset   = "\x1b[0m"
)

// Draw is the code as text with its margin, two rows of modules a line.
func (c Code) Draw(s Style) string {
	blocks := [...]string{" ", "▄", "▀", "█"} // upper: 2, lower: 1
	var b strings.Builder
	for y := 0; y < c.width(); y += 2 {
		if s == Coloured {
			b.WriteString(colours)
		}
		for x := range c.width() {
			i := 0
			for _, row := range []int{y, y + 1} {
				i <<= 1
				if inside := row < c.width(); c.dark(x, row) != (s == ForDark) && inside {
					i |= 1
				}
			}
			b.WriteString(blocks[i])
		}
		if s == Coloured {
			b.WriteString(reset)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
