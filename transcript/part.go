package transcript

import (
	"strings"
)

// Part is a stretch of bytes of a command or an answer and what it means. The
// parts of a message, and the parts inside a template, follow each other
// without gaps: every byte belongs to one.
type Part struct {
	Tag     string   `json:"tag,omitempty"` // when the bytes are a data object, or the value of one
	Name    string   `json:"name"`
	Offset  int      `json:"offset"`            // first byte, in the message
	Size    int      `json:"size"`              // bytes, with tag and length where they are sent
	Value   string   `json:"value,omitempty"`   // hex of the value, masked where it is sensitive
	Text    string   `json:"text,omitempty"`    // meaning for people
	Details []string `json:"details,omitempty"` // bits that are set, entries of a list
	Unknown bool     `json:"unknown,omitempty"` // the dictionary does not have the tag
	Masked  bool     `json:"masked,omitempty"`
	Problem string   `json:"problem,omitempty"` // why the bytes could not be taken apart
	Parts   []Part   `json:"parts,omitempty"`

	head int // bytes of tag and length before the value
}

// Message is a command or an answer taken apart.
type Message struct {
	Hex   string `json:"hex"` // masked where it is sensitive
	Size  int    `json:"size"`
	Parts []Part `json:"parts"`
}

func newMessage(raw []byte, parts []Part) *Message {
	return &Message{Hex: maskedHex(raw, parts), Size: len(raw), Parts: parts}
}

// maskedHex is the hex of raw in which the values of masked parts are stars,
// or the digits that may be shown.
func maskedHex(raw []byte, parts []Part) string {
	text := []byte(hexOf(raw))
	eachLeaf(parts, func(p *Part) {
		if !p.Masked {
			return
		}
		shown := p.Value
		start, end := 2*(p.Offset+p.head), 2*(p.Offset+p.Size)
		if len(shown) != end-start {
			shown = strings.Repeat("*", end-start)
		}
		copy(text[start:end], shown)
	})
	return string(text)
}

// eachLeaf visits the parts that have no parts of their own.
func eachLeaf(parts []Part, visit func(*Part)) {
	for i := range parts {
		if len(parts[i].Parts) > 0 {
			eachLeaf(parts[i].Parts, visit)
		} else {
			visit(&parts[i])
		}
	}
}

// eachPart visits all parts, containers before what they hold.
func eachPart(parts []Part, visit func(*Part)) {
	for i := range parts {
		visit(&parts[i])
		eachPart(parts[i].Parts, visit)
	}
}

// at finds the innermost part that covers a byte, and the tags on the way to
// it.
func at(parts []Part, offset int) (p *Part, path string) {
	for i := range parts {
		q := &parts[i]
		if offset < q.Offset || offset >= q.Offset+q.Size {
			continue
		}
		if inner, rest := at(q.Parts, offset); inner != nil {
			return inner, strings.Trim(q.Tag+"/"+rest, "/")
		}
		return q, q.Tag
	}
	return nil, ""
}

// cutter cuts a message into parts from its start to its end.
type cutter struct {
	raw   []byte
	pos   int
	base  int // offset of raw in the message
	e     *Explainer
	parts []Part
}

// cut makes the next n bytes a part.
func (c *cutter) cut(n int, name, text string) *Part {
	n = min(n, len(c.raw)-c.pos)
	c.parts = append(c.parts, Part{Name: name, Offset: c.base + c.pos, Size: n, Value: hexOf(c.raw[c.pos : c.pos+n]), Text: text})
	c.pos += n
	return &c.parts[len(c.parts)-1]
}

// rest makes what is left a part with a problem; nothing left is no part.
func (c *cutter) rest(name, problem string) {
	if c.pos < len(c.raw) {
		c.parts = append(c.parts, c.e.plain(name, c.left(), c.base+c.pos, problem))
		c.pos = len(c.raw)
	}
}

func (c *cutter) left() []byte { return c.raw[c.pos:] }

func hexOf(b []byte) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&0xF])
	}
	return string(out)
}
