package cli

import (
	"bytes"
	"encoding/base64"
	"strings"

	"tapsim/emv"
	"tapsim/emv/qr"
	"tapsim/internal/qrimage"
	"tapsim/transcript"
)

// qrTitles are the first lines of explained QR codes.
var qrTitles = map[qr.Kind]string{
	qr.KindMerchant: "EMV QR code, merchant-presented",
	qr.KindConsumer: "EMV QR code, consumer-presented",
	qr.KindNumeric:  "payment code",
	0:               "text",
}

// looksLikeQR is true for text that begins like a code's and for a picture.
// Digits that could be TLV data in hex, too, are a merchant's code only when it
// begins as one and a CRC ends them.
func looksLikeQR(text string) bool {
	if qrimage.IsPNG([]byte(text)) {
		return true
	}
	text = trimmed(text)
	kind := qr.KindOf(text)
	if _, err := cleanHex(text); kind == qr.KindMerchant && err == nil {
		return len(text) > 8 && text[:4] == "0002" && text[len(text)-8:len(text)-4] == "6304"
	}
	return kind != 0
}

// isConsumerData is true for the data of a consumer's code, before base64.
func isConsumerData(b []byte) bool { return bytes.HasPrefix(b, []byte("\x85\x05CPV")) }

// oneLine is text without the line end that files and pipes add.
func oneLine(text string) string { return strings.TrimRight(text, "\r\n") }

// trimmed is the text of a code without what scanners, files and copying put around
// it: blanks, line ends, a byte order mark. No code begins or ends with those.
func trimmed(text string) string { return strings.Trim(text, " \t\r\n\uFEFF") }

// qrCode explains a code: as text, as a picture, or, with --as qr, the data of a
// consumer's code in hex.
func (d *decoder) qrCode(text string) ([]decoded, error) {
	if qrimage.IsPNG([]byte(text)) || d.flags.as == "png" {
		read, err := qrimage.Read([]byte(text))
		if err != nil {
			return nil, d.located(err)
		}
		return d.qrText(read)
	}
	text = trimmed(text)
	if b, err := cleanHex(withoutComments(text)); err == nil && qr.KindOf(text) == 0 {
		return d.qrData(b)
	}
	return d.qrText(text)
}

// qrText explains the text of a code.
func (d *decoder) qrText(text string) ([]decoded, error) {
	items, err := qr.Explain(text, d.flags.reveal)
	kind := qr.KindOf(text)
	size := len(text)
	if kind == qr.KindConsumer {
		size = base64.StdEncoding.DecodedLen(len(text)) - strings.Count(text, "=")
	}
	return d.qrFound(kind, items, size), d.located(err)
}

// qrData explains the data of a consumer's code, before base64.
func (d *decoder) qrData(b []byte) ([]decoded, error) {
	items, err := qr.ExplainData(b, d.flags.reveal)
	return d.qrFound(qr.KindConsumer, items, len(b)), d.located(err)
}

func (d *decoder) qrFound(kind qr.Kind, items []emv.Item, size int) []decoded {
	if len(items) == 0 {
		return nil
	}
	found := decoded{Kind: "qr-" + kind.String(), Size: size, Parts: partsOf(items, size), title: qrTitles[kind]}
	found.Unknown = countUnknown(found.Parts)
	return []decoded{found}
}

// partsOf lays explained objects out as parts of a message that ends at end.
func partsOf(items []emv.Item, end int) []transcript.Part {
	var parts []transcript.Part
	for i, x := range items {
		next := end
		if i+1 < len(items) {
			next = items[i+1].Offset
		}
		parts = append(parts, transcript.Part{Tag: x.Tag, Name: x.Name, Offset: x.Offset, Size: next - x.Offset, Value: x.Value, Text: x.Text,
			Details: x.Details, Unknown: !x.Known, Masked: x.Masked, Parts: partsOf(x.Children, next)})
	}
	return parts
}

// drawing draws a code on the terminal, when there is one with its own colours.
func (a *app) drawing(c qrimage.Code, light bool) string {
	switch {
	case light:
		return c.Draw(qrimage.ForLight)
	case a.style().Paint != nil:
		return c.Draw(qrimage.Coloured)
	}
	return c.Draw(qrimage.ForDark)
}
