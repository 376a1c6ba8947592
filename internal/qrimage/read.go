package qrimage

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Limits of a picture that is read.
const (
	MaxFile   = 32 << 20   // bytes of the file
	MaxPixels = 16_000_000 // a photograph of a phone
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
		return nil, notPNG(data)
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
	return picture, nil
}

// notPNG says what a file is instead, whatever its name.
func notPNG(data []byte) error {
	for _, other := range []struct{ start, name string }{{"\xFF\xD8\xFF", "JPEG"}, {"GIF8", "GIF"}, {"BM", "BMP"}, {"RIFF", "WebP"}, {"%PDF", "PDF"}, {"<svg", "SVG"}} {
		if bytes.HasPrefix(data, []byte(other.start)) {
			return fmt.Errorf("not a PNG file but %s: save it as PNG", other.name)
		}
	}
	return fmt.Errorf("not a PNG file")
}

func damaged(err error) error {
	return fmt.Errorf("the PNG file is damaged: %s", strings.TrimPrefix(err.Error(), "png: "))
}

// shrinks are by how much a picture is made smaller, one after the other, when no
// code is found in it: that evens out noise, blur and a ground that is darker on
// one side.
var shrinks = [...]int{1, 2, 3, 4, 6}

// find looks for the code: first as if the picture were nothing else, which is
// exact for pictures that programs draw and which searching sometimes misses;
// then as in a photograph; then both with light and dark exchanged. Transparent
// pixels are taken for white paper.
func find(p image.Image) (string, error) {
	whole := gozxing.NewLuminanceSourceFromImage(p)
	pixels := grey{whole.GetMatrix(), whole.GetWidth(), whole.GetHeight()}
	for _, by := range shrinks {
		light, err := pixels.shrunk(by).stretched().source()
		if err != nil {
			break
		}
		for _, source := range []gozxing.LuminanceSource{light, light.Invert()} {
			for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_PURE_BARCODE, gozxing.DecodeHintType_TRY_HARDER} {
				if found := try(source, hint); found != nil {
					return textOf(found)
				}
			}
		}
	}
	return "", ErrNoCode
}

// textOf is what a code holds. One of several that hold a text together has a part
// of it, which is nobody's to act on.
func textOf(found *gozxing.Result) (string, error) {
	if _, part := found.GetResultMetadata()[gozxing.ResultMetadataType_STRUCTURED_APPEND_SEQUENCE]; part {
		return "", fmt.Errorf("the QR code is one of several that hold a text together; only whole ones are read")
	}
	return found.GetText(), nil
}

// maxCandidates bounds the places in a picture that may be a code's corner: the
// library tries every three of them.
const maxCandidates = 500

// try looks for the code in one way. Pictures come from anywhere, and the
// library is not written for those that mean it harm: one that it cannot stand
// has no code.
func try(source gozxing.LuminanceSource, hint gozxing.DecodeHintType) (found *gozxing.Result) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(source))
	if err != nil {
		return nil
	}
	candidates := 0
	found, err = qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		hint:                                 true,
		gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
		gozxing.DecodeHintType_NEED_RESULT_POINT_CALLBACK: gozxing.ResultPointCallback(func(gozxing.ResultPoint) {
			if candidates++; candidates > maxCandidates {
				panic("too many candidates") // the library has no other way to stop it
			}
		}),
	})
	if err != nil {
		return nil
	}
	return found
}
