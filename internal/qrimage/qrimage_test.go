package qrimage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rscqr "rsc.io/qr"
	"rsc.io/qr/coding"

	"tapsim/emv"
	"tapsim/emv/qr"
)

func draw(t testing.TB, text string) Code {
	t.Helper()
	c, err := New(text)
	require.NoError(t, err)
	return c
}

func encode(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, p))
	return b.Bytes()
}

// randomMerchant is a code such as shops have, of random length.
func randomMerchant(t testing.TB, r *rand.Rand) string {
	t.Helper()
	word := func(alphabet string, low, top int) string {
		b := make([]rune, low+r.IntN(top-low+1))
		for i := range b {
			b[i] = []rune(alphabet)[r.IntN(len([]rune(alphabet)))]
		}
		return string(b)
	}
	euro, _ := emv.CurrencyByAlpha("EUR")
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz0123456789.-*/"
	m := qr.Merchant{Initiation: qr.Static, Category: word("0123456789", 4, 4), Currency: euro, Country: "DE",
		Name: "N" + word(letters, 0, 24), City: "C" + word(letters, 0, 14),
		Accounts: []qr.Template{{ID: 26, GUID: qr.NetworkID, Objects: []qr.Object{{ID: 1, Value: qr.Value(word(letters, 1, 40))}}}}}
	if r.IntN(2) == 0 {
		amount := 1 + r.Int64N(1_000_000)
		m.Amount = &amount
	}
	if r.IntN(2) == 0 {
		m.Language = qr.Language{Code: "ZH", Name: word("最佳运输北京茶馆äöüß", 1, 25)}
	}
	if r.IntN(2) == 0 {
		m.Additional = qr.Additional{Bill: word(letters, 1, 25), Reference: qr.AskPayer}
	}
	text, err := m.Text()
	require.NoError(t, err)
	return text
}

// randomConsumer is a code such as phones show.
func randomConsumer(t testing.TB, r *rand.Rand) string {
	t.Helper()
	bytes := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.UintN(256))
		}
		return b
	}
	c := qr.Consumer{Applications: []qr.Application{{
		Data:        emv.List{{Tag: emv.TagADFName, Value: bytes(7)}, {Tag: emv.TagApplicationLabel, Value: bytes(1 + r.IntN(16))}},
		Transparent: emv.List{{Tag: emv.TagCryptogram, Value: bytes(8)}, {Tag: emv.TagIAD, Value: bytes(1 + r.IntN(32))}, {Tag: emv.TagATC, Value: bytes(2)}},
	}}}
	text, err := c.Text()
	require.NoError(t, err)
	return text
}

// 300 codes out of one seed come back from PNG as they went.
func TestPNGRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 300))
	for i := range 300 {
		text := randomMerchant(t, r)
		if i%3 == 0 {
			text = randomConsumer(t, r)
		}
		picture, err := draw(t, text).PNG(1 + i%DefaultScale)
		require.NoError(t, err)
		back, err := Read(picture)
		require.NoError(t, err, "code %d: %s", i, text)
		require.Equal(t, text, back, "code %d", i)
	}
}

func TestTextsOfAllSizes(t *testing.T) {
	for _, text := range []string{"1", "HELLO", "ß", strings.Repeat("0", 19), strings.Repeat("a", 512), strings.Repeat("运", 700), strings.Repeat("z", MaxText)} {
		picture, err := draw(t, text).PNG(4)
		require.NoError(t, err)
		back, err := Read(picture)
		require.NoError(t, err, "%d bytes", len(text))
		require.Equal(t, text, back)
	}
	_, err := New("")
	require.ErrorContains(t, err, "no text")
	_, err = New(strings.Repeat("z", MaxText+1))
	require.ErrorContains(t, err, "at most 2331")
	for _, scale := range []int{0, MaxScale + 1} {
		_, err = draw(t, "1").PNG(scale)
		require.ErrorContains(t, err, "want 1 to 40")
	}
}

// rows reads a drawing back: true is a cell in the colour of the letters.
func rows(drawing string) [][]bool {
	var all [][]bool
	for line := range strings.Lines(drawing) {
		var upper, lower []bool
		for _, c := range strings.TrimSuffix(line, "\n") {
			upper = append(upper, c == '▀' || c == '█')
			lower = append(lower, c == '▄' || c == '█')
		}
		all = append(all, upper, lower)
	}
	return all
}

// What is drawn as text is read as a picture, with the colours that the
// terminal would show.
func TestDrawingRoundTrip(t *testing.T) {
	for _, text := range []string{"tapsim", strings.Repeat("drawing ", 30)} {
		c := draw(t, text)
		for style, letters := range map[Style]uint8{ForDark: 0xFF, ForLight: 0, Coloured: 0} {
			drawing := c.Draw(style)
			if style == Coloured {
				require.Equal(t, strings.Count(drawing, "\n"), strings.Count(drawing, colours))
				require.Equal(t, strings.Count(drawing, "\n"), strings.Count(drawing, reset+"\n"))
				drawing = strings.NewReplacer(colours, "", reset, "").Replace(drawing)
			}
			cells := rows(drawing)
			const scale = 3
			p := image.NewGray(image.Rect(0, 0, len(cells[0])*scale, len(cells)*scale))
			for y := range p.Rect.Max.Y {
				for x := range p.Rect.Max.X {
					p.SetGray(x, y, color.Gray{^letters})
					if cells[y/scale][x/scale] {
						p.SetGray(x, y, color.Gray{letters})
					}
				}
			}
			back, err := Read(encode(t, p))
			require.NoError(t, err, "style %d", style)
			require.Equal(t, text, back)
		}
	}
}

func TestSVG(t *testing.T) {
	svg := string(draw(t, "tapsim").SVG())
	require.Contains(t, svg, `viewBox="0 0 29 29"`)
	require.Contains(t, svg, "M4 4h7v1h-7z", "the finder pattern in its corner")
	require.True(t, strings.HasSuffix(svg, "</svg>\n"))
}

// A code is found in a larger picture, turned, light on dark, and on
// transparent ground.
func TestReadOtherPictures(t *testing.T) {
	const text = "000201 a code in a picture"
	c := draw(t, text)
	const scale = 5
	size := c.width() * scale
	for name, p := range map[string]func(dark bool, x, y int) (int, int, color.Color){
		"larger": func(dark bool, x, y int) (int, int, color.Color) { return x + 120, y + 60, shade(dark) },
		"turned": func(dark bool, x, y int) (int, int, color.Color) { return size - 1 - y, x, shade(dark) },
		"light on dark": func(dark bool, x, y int) (int, int, color.Color) {
			return x, y, shade(!dark)
		},
		"transparent": func(dark bool, x, y int) (int, int, color.Color) {
			if dark {
				return x, y, color.Black
			}
			return x, y, color.Transparent
		},
	} {
		picture := image.NewNRGBA(image.Rect(0, 0, size, size))
		if name == "larger" {
			picture = image.NewNRGBA(image.Rect(0, 0, 400, 300))
			for i := range picture.Pix {
				picture.Pix[i] = 0xD0
			}
		}
		for y := range size {
			for x := range size {
				px, py, col := p(c.dark(x/scale, y/scale), x, y)
				picture.Set(px, py, col)
			}
		}
		back, err := Read(encode(t, picture))
		require.NoError(t, err, name)
		require.Equal(t, text, back, name)
	}
}

func shade(dark bool) color.Color {
	if dark {
		return color.Gray{0x20}
	}
	return color.Gray{0xE8}
}

// header is a PNG file that says a size and has no picture.
func header(width, height uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0DIHDR")
	b = binary.BigEndian.AppendUint32(b, width)
	b = binary.BigEndian.AppendUint32(b, height)
	b = append(b, 8, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func TestReadRefuses(t *testing.T) {
	good, err := draw(t, "tapsim").PNG(4)
	require.NoError(t, err)
	white := image.NewGray(image.Rect(0, 0, 50, 50))
	for i := range white.Pix {
		white.Pix[i] = 0xFF
	}
	spoilt := image.NewGray(image.Rect(0, 0, 60, 60))
	for i := range spoilt.Pix {
		spoilt.Pix[i] = byte(i * 37)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "not a PNG file"},
		"another file":  {[]byte("GIF89a"), "not a PNG file but GIF: save it as PNG"},
		"a photograph":  {[]byte("\xFF\xD8\xFF\xE0"), "not a PNG file but JPEG: save it as PNG"},
		"in parts":      {parts(t), "one of several that hold a text together"},
		"cut off":       {good[:len(good)/2], "the PNG file is damaged"},
		"a head only":   {good[:12], "the PNG file is damaged"},
		"huge":          {header(100_000, 100_000), "a picture of 100000 x 100000 pixels, at most 16 million are read"},
		"wide":          {header(0x7FFFFFFF, 0x7FFFFFFF), "the PNG file is damaged: unsupported feature: dimension overflow"},
		"one pixel":     {encode(t, image.NewGray(image.Rect(0, 0, 1, 1))), "no QR code found"},
		"white":         {encode(t, white), "no QR code found"},
		"noise":         {encode(t, spoilt), "no QR code found"},
		"a large file":  {append(bytes.Clone(good), make([]byte, MaxFile)...), "more than 32 MB"},
		"other charset": {latin(t), "not UTF-8"},
	} {
		_, err := Read(c.data)
		require.ErrorContains(t, err, c.want, name)
	}
}

// onePart writes the head of a code that is one of several (structured append,
// ISO/IEC 18004): the second of three, and the parity of the whole text.
type onePart struct{}

func (onePart) Check() error                            { return nil }
func (onePart) Bits(coding.Version) int                 { return 20 }
func (onePart) Encode(b *coding.Bits, _ coding.Version) { b.Write(0b0011_0001_0010_01010101, 20) }

// parts is a code that holds a part of a text.
func parts(t *testing.T) []byte {
	t.Helper()
	plan, err := coding.NewPlan(2, coding.M, 0)
	require.NoError(t, err)
	c, err := plan.Encode(onePart{}, coding.String("6304ABCD"))
	require.NoError(t, err)
	p, err := Code{&rscqr.Code{Bitmap: c.Bitmap, Size: c.Size, Stride: c.Stride, Scale: 8}}.PNG(4)
	require.NoError(t, err)
	return p
}

// TestReadPoorPictures: what a camera makes of a code.
func TestReadPoorPictures(t *testing.T) {
	const text = "00020101021226340011test.tapsim0115TAPSIM-MERCH-01520459995303978540512.505802DE5909TEST SHOP6006BERLIN6304FA7F"
	c := draw(t, text)
	const scale = 8
	size := c.width() * scale
	r := rand.New(rand.NewPCG(7, 1))
	for name, tone := range map[string]func(v float64, x, y int) float64{
		"little contrast": func(v float64, _, _ int) float64 { return 130 + v*30 },
		"noise":           func(v float64, _, _ int) float64 { return v*255 + r.NormFloat64()*80 },
		"dust": func(v float64, _, _ int) float64 {
			if r.IntN(20) == 0 {
				return 255 * float64(r.IntN(2))
			}
			return v * 255
		},
		"a shadow": func(v float64, x, _ int) float64 { return v*76 + 150*float64(x)/float64(size) },
	} {
		p := image.NewGray(image.Rect(0, 0, size, size))
		for y := range size {
			for x := range size {
				v := 1.0
				if c.dark(x/scale, y/scale) {
					v = 0
				}
				p.SetGray(x, y, color.Gray{byte(max(0, min(255, tone(v, x, y))))})
			}
		}
		back, err := Read(encode(t, p))
		require.NoError(t, err, name)
		require.Equal(t, text, back, name)
	}
}

// TestReadPhotographs: the pictures of a camera of 12 million pixels are read.
func TestReadPhotographs(t *testing.T) {
	c := draw(t, "tapsim")
	const scale = 20
	p := image.NewGray(image.Rect(0, 0, 4032, 3024))
	for i := range p.Pix {
		p.Pix[i] = 0xB0
	}
	for y := range c.width() * scale {
		for x := range c.width() * scale {
			p.SetGray(x+2000, y+1000, shade(c.dark(x/scale, y/scale)).(color.Gray))
		}
	}
	back, err := Read(encode(t, p))
	require.NoError(t, err)
	require.Equal(t, "tapsim", back)
}

// latin is a code whose text is not UTF-8.
func latin(t *testing.T) []byte {
	t.Helper()
	p, err := draw(t, "caf\xE9").PNG(4)
	require.NoError(t, err)
	return p
}

// A small file full of corners of codes would keep the library busy for hours.
func TestManyCornersEnd(t *testing.T) {
	c := draw(t, "tapsim")
	const tile = 9
	p := image.NewGray(image.Rect(0, 0, 200*tile, 200*tile))
	for y := range p.Rect.Max.Y {
		for x := range p.Rect.Max.X {
			p.SetGray(x, y, shade(c.dark(quiet+x%tile, quiet+y%tile) && x%tile < 7 && y%tile < 7).(color.Gray))
		}
	}
	start := time.Now()
	_, err := Read(encode(t, p))
	require.ErrorIs(t, err, ErrNoCode)
	require.Less(t, time.Since(start), 30*time.Second)
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"1", "tapsim", strings.Repeat("x", 300)} {
		p, err := draw(f, text).PNG(2)
		require.NoError(f, err)
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Read(data)
		if err == nil && text != "" && len(text) <= MaxText {
			back, err := draw(t, text).PNG(2)
			require.NoError(t, err)
			again, err := Read(back)
			require.NoError(t, err)
			require.Equal(t, text, again)
		}
	})
}

func BenchmarkPNGAndBack(b *testing.B) {
	text := fmt.Sprintf("%0200d", 7)
	b.ReportAllocs()
	for b.Loop() {
		p, err := draw(b, text).PNG(DefaultScale)
		require.NoError(b, err)
		_, err = Read(p)
		require.NoError(b, err)
	}
}
