package cli

import (
	"errors"
	"fmt"
	"strings"

	"tapsim/emv"
	"tapsim/transcript"
)

// A blob file holds published data with their source: comment lines, of which
// "# kind:" says what the "hex:" lines are. See testdata/tlv/README.md.

// looksLikeBlob is true when a line begins with "hex:".
func looksLikeBlob(text string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "hex:") {
			return true
		}
	}
	return false
}

// blob decodes the hex lines of a blob file by its kind.
func (d *decoder) blob(text string) ([]decoded, error) {
	kind := ""
	var values [][]byte
	for n, line := range strings.Split(text, "\n") {
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "# "), ":")
		switch {
		case strings.HasPrefix(line, "#") && key == "kind":
			kind = strings.TrimSpace(value)
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case key == "hex":
			b, err := cleanHex(value)
			if h := (*hexError)(nil); errors.As(err, &h) {
				_, column := h.place()
				return nil, fmt.Errorf("%s:%d:%d: %q is not a hex digit", d.source(), n+1, len(line)-len(value)+column, h.char)
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", d.source(), n+1, err)
			}
			values = append(values, b)
		default:
			return nil, fmt.Errorf("%s:%d: want a comment or hex:", d.source(), n+1)
		}
	}
	return d.blobValues(kind, values)
}

func (d *decoder) blobValues(kind string, values [][]byte) ([]decoded, error) {
	if kind == "exchange" {
		return d.exchanges(values)
	}
	var all []decoded
	for i, b := range values {
		found, err := d.blobValue(kind, b)
		all = append(all, found...)
		if err != nil {
			return all, fmt.Errorf("%w, in hex line %d", err, i+1)
		}
	}
	return all, nil
}

func (d *decoder) blobValue(kind string, b []byte) ([]decoded, error) {
	if tag, ctx, ok := emv.Element(kind); ok {
		inner := *d
		if inner.context.Scheme == 0 && inner.context.Kernel == 0 {
			inner.context = ctx
		}
		return inner.value(tag, b)
	}
	switch kind {
	case "tlv", "damaged", "":
		return d.tlv(b)
	}
	// The value of something that the file's notes name: TLV if it is that,
	// plain bytes otherwise.
	if _, err := emv.Parse(b); err == nil {
		return d.tlv(b)
	}
	return []decoded{{Kind: kind, Size: len(b), Parts: []transcript.Part{{Name: kind, Size: len(b), Value: emv.MaskedHex(b, nil)}}}}, nil
}

// exchanges decodes commands and answers in turn.
func (d *decoder) exchanges(values [][]byte) ([]decoded, error) {
	t := &transcript.Transcript{Name: d.name}
	for i, b := range values {
		kind := transcript.Command
		if i%2 == 1 {
			kind = transcript.Response
		}
		t.Lines = append(t.Lines, transcript.Line{Kind: kind, Bytes: b})
	}
	if len(values)%2 == 1 {
		t.Lines = append(t.Lines, transcript.Line{Kind: transcript.Lost})
	}
	text, err := transcript.Format(t)
	if err != nil {
		return nil, err
	}
	return d.transcript(string(text))
}
