package qrimage

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Limits of a picture that is read.
const (
	MaxFile   = 8 << 20    // bytes of the file
	MaxPixels = 12_000_000 // a photograph of a phone
)

// ErrNoCode is a picture in which no QR code was found.
var ErrNoCode = errors.New("no QR code found in the picture; is it sharp, whole, with a light margin?")

// IsPNG is true for what begins like a PNG file.
func IsPNG(data []byte) bool { return bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) }

// Read finds the QR code in a PNG file and returns its text. What is no PNG
// file, too large, without a code (ErrNoCode) or with a code that holds no
// UTF-8 is an error. Of several codes it reads one.
func Read(data []byte) (string, error) {
	picture, err := open(data)
	if err != nil {
		return "", err
	}
	text, err := find(picture)
	switch {
	case err != nil:
		return "", err
	case !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError):
		return "", fmt.Errorf("the QR code holds bytes that are not UTF-8")
	}
	return text, nil
}

// open decodes a PNG file after a look at its size: a small file can hold a
// huge picture.
func open(data []byte) (image.Image, error) {
	if !IsPNG(data) {
		return nil, fmt.Errorf("not a PNG file")
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("a PNG file of more than %d MB", MaxFile>>20)
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(err)
	}
	if int64(c.Width)*int64(c.Height) > MaxPixels {
		return nil, fmt.Errorf("a picture of %d x %d pixels, at most %d million are read; cut it to the code", c.Width, c.Height, MaxPixels/1_000_000)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(err)
	}
	return grey(picture), nil
}

func damaged(err error) error {
	return fmt.Errorf("the PNG file is damaged: %s", strings.TrimPrefix(err.Error(), "png: "))
}

// grey is the picture on white paper, which is what transparent pixels stand
// for.
func grey(p image.Image) *image.Gray {
	b := p.Bounds()
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, gr, bl, a := p.At(b.Min.X+x, b.Min.Y+y).RGBA()
			paper := 0xFFFF - a
			c := color.RGBA64{uint16(r + paper), uint16(gr + paper), uint16(bl + paper), 0xFFFF}
			g.Pix[y*g.Stride+x] = color.GrayModel.Convert(c).(color.Gray).Y
		}
	}
	return g
}

// find looks for the code: first as if the picture were nothing else, which is
// exact for pictures that programs draw and which searching sometimes misses;
// then as in a photograph; then both with light and dark exchanged.
func find(p image.Image) (text string, err error) {
	defer func() {
		// Pictures come from anywhere, and the library is not written for those
		// that mean it harm.
		if recover() != nil {
			text, err = "", ErrNoCode
		}
	}()
	light := gozxing.NewLuminanceSourceFromImage(p)
	for _, source := range []gozxing.LuminanceSource{light, light.Invert()} {
		for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_PURE_BARCODE, gozxing.DecodeHintType_TRY_HARDER} {
			bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(source))
			if err != nil {
				return "", ErrNoCode
			}
			found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"})
			if err == nil {
				return found.GetText(), nil
			}
		}
	}
	return "", ErrNoCode
}
