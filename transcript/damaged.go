package transcript

import (
	"errors"
	"fmt"

	"tapsim/emv"
)

// restName names the bytes behind a damage. Tags there would be guesses.
const restName = "rest, not taken apart"

// damagedObjects explains TLV data that may be damaged: objects as they are,
// up to the damage, and what is behind it as one part, with the reason. damaged
// says that there was one.
func (e *Explainer) damagedObjects(data []byte, base int, template emv.Tag, depth int) (parts []Part, damaged bool) {
	pos := 0
	s := emv.Scan(data)
	for !damaged && s.Next() {
		o := s.Object()
		parts = appendPadding(parts, data[pos:o.Offset], base+pos)
		pos = o.Offset + len(o.Header) + len(o.Value)
		p := e.object(o.Tag, o.Header, o.Value, base+o.Offset, template)
		switch {
		case o.Tag.Constructed() && depth < emv.MaxDepth:
			p.Parts, damaged = e.damagedObjects(o.Value, base+o.Offset+len(o.Header), o.Tag, depth+1)
		case o.Tag.Constructed():
			p.Problem, damaged = fmt.Sprintf("objects nest deeper than %d levels", emv.MaxDepth), true
		}
		parts = append(parts, p)
	}
	switch {
	case damaged:
		return e.appendBehind(parts, data[pos:], base+pos, template), true
	case s.Err() != nil:
		return e.appendDamage(parts, data[pos:], base+pos, reasonOf(s.Err(), base), template, depth), true
	}
	return appendPadding(parts, data[pos:], base+pos), false
}

// appendBehind appends what follows an object that holds damage. It is taken
// apart when it parses to its end and the dictionary knows all its tags, so
// that the lengths around the damage were right.
func (e *Explainer) appendBehind(parts []Part, data []byte, base int, template emv.Tag) []Part {
	if len(data) == 0 {
		return parts
	}
	if tree, err := emv.Parse(data); err == nil && knownTags(tree.Nodes) {
		ctx := e.context
		ctx.Template = template
		items, _ := emv.Explain(data, ctx, e.shows())
		return append(parts, placed(items, data, base)...)
	}
	p := e.plain(restName, data, base, "")
	p.Text = "behind the damage"
	return append(parts, p)
}

func knownTags(nodes []emv.Node) bool {
	for _, n := range nodes {
		if _, known := emv.Lookup(n.Tag, emv.Context{}); !known || !knownTags(n.Children) {
			return false
		}
	}
	return true
}

// appendDamage appends the rest of data from an object that cannot be read.
// When that is a template which says more bytes than are left, what is left of
// it is taken apart all the same: captures are often cut at their end.
func (e *Explainer) appendDamage(parts []Part, data []byte, base int, reason string, template emv.Tag, depth int) []Part {
	zeros := 0
	for zeros < len(data) && data[zeros] == 0 {
		zeros++
	}
	parts = appendPadding(parts, data[:zeros], base)
	data, base = data[zeros:], base+zeros
	tag, head := templateHeader(data)
	if _, known := emv.Lookup(tag, emv.Context{}); !known || head >= len(data) || depth >= emv.MaxDepth {
		return append(parts, e.plain(restName, data, base, reason))
	}
	p := e.object(tag, data[:head], data[head:], base, template)
	p.Problem = reason
	p.Parts, _ = e.damagedObjects(data[head:], base+head, tag, depth+1)
	return append(parts, p)
}

// maskRest hides in the parts without a tag what is hidden in the hex of all
// the data, since the end of a part may cut an account number in two.
func maskRest(parts []Part, hidden string, base int) {
	eachLeaf(parts, func(p *Part) {
		start := 2 * (p.Offset - base)
		if p.Tag != "" || len(p.Value) != 2*p.Size {
			return
		}
		value := []byte(p.Value)
		for i := range value {
			if hidden[start+i] == '*' {
				value[i], p.Masked = '*', true
			}
		}
		p.Value = string(value)
	})
}

// templateHeader reads tag and length of a template with a one-byte tag; head
// is 0 when data do not begin with one.
func templateHeader(data []byte) (tag emv.Tag, head int) {
	if len(data) < 2 || data[0]&0x20 == 0 || data[0]&0x1F == 0x1F {
		return 0, 0
	}
	switch data[1] {
	case 0x81:
		head = 3
	case 0x82:
		head = 4
	default:
		head = 2
	}
	return emv.Tag(data[0]), head
}

func appendPadding(parts []Part, zeros []byte, offset int) []Part {
	if len(zeros) == 0 {
		return parts
	}
	return append(parts, Part{Name: "padding", Offset: offset, Size: len(zeros), Value: hexOf(zeros)})
}

// reasonOf words a TLV error with its offset in the message.
func reasonOf(err error, base int) string {
	var t *emv.TLVError
	if errors.As(err, &t) {
		return fmt.Sprintf("byte %d: %s", base+t.Offset, t.Reason)
	}
	return err.Error()
}
