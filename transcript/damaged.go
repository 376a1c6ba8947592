package transcript

import (
	"errors"
	"fmt"

	"tapsim/emv"
)

// damagedObjects explains TLV data that do not parse: whole objects as they
// are, then one part with the rest and the reason.
func (e *Explainer) damagedObjects(data []byte, base int, template emv.Tag, depth int) []Part {
	var parts []Part
	pos := 0
	s := emv.Scan(data)
	for s.Next() {
		o := s.Object()
		parts = appendPadding(parts, data[pos:o.Offset], base+pos)
		pos = o.Offset + len(o.Header) + len(o.Value)
		p := e.object(o.Tag, o.Header, o.Value, base+o.Offset, template)
		if o.Tag.Constructed() && depth < emv.MaxDepth {
			p.Parts = e.damagedObjects(o.Value, base+o.Offset+len(o.Header), o.Tag, depth+1)
		} else if o.Tag.Constructed() {
			p.Problem = fmt.Sprintf("objects nest deeper than %d levels", emv.MaxDepth)
		}
		parts = append(parts, p)
	}
	if s.Err() == nil {
		return appendPadding(parts, data[pos:], base+pos)
	}
	return e.appendDamage(parts, data[pos:], base+pos, reasonOf(s.Err(), base), template, depth)
}

// appendDamage appends the rest of data from an object that cannot be read.
// When that is a template which says more bytes than are left, what is left of
// it is taken apart all the same.
func (e *Explainer) appendDamage(parts []Part, data []byte, base int, reason string, template emv.Tag, depth int) []Part {
	zeros := 0
	for zeros < len(data) && data[zeros] == 0 {
		zeros++
	}
	parts = appendPadding(parts, data[:zeros], base)
	data, base = data[zeros:], base+zeros
	tag, head := templateHeader(data)
	if head == 0 || head >= len(data) || depth >= emv.MaxDepth {
		return append(parts, e.plain("damaged data", data, base, reason))
	}
	p := e.object(tag, data[:head], data[head:], base, template)
	p.Problem = reason
	p.Parts = e.damagedObjects(data[head:], base+head, tag, depth+1)
	return append(parts, p)
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
