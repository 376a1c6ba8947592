package transcript

import (
	"errors"
	"fmt"

	"tapsim/emv"
)

// tlvParts takes TLV data apart through all levels. base is the offset of data
// in the message. Damaged data give what could be read and one part with the
// rest and the reason; ok is then false.
func (e *Explainer) tlvParts(data []byte, base int, template emv.Tag, depth int) (parts []Part, ok bool) {
	pos := 0
	ok = true
	s := emv.Scan(data)
	for s.Next() {
		o := s.Object()
		parts = appendPadding(parts, data[pos:o.Offset], base+pos)
		pos = o.Offset + len(o.Header) + len(o.Value)
		p, whole := e.object(o, base+o.Offset, template, depth)
		parts = append(parts, p)
		ok = ok && whole
	}
	if s.Err() == nil {
		return appendPadding(parts, data[pos:], base+pos), ok
	}
	return append(parts, e.damaged(data[pos:], base+pos, reasonOf(s.Err(), base), template, depth)...), false
}

// object explains one data object that is whole itself; what it holds may not
// be.
func (e *Explainer) object(o emv.Object, offset int, template emv.Tag, depth int) (Part, bool) {
	p := e.value(o.Tag, o.Value, template)
	p.Offset, p.Size, p.head = offset, len(o.Header)+len(o.Value), len(o.Header)
	if !o.Tag.Constructed() || len(o.Value) == 0 {
		return p, true
	}
	if depth >= emv.MaxDepth {
		p.Problem = fmt.Sprintf("objects nest deeper than %d levels", emv.MaxDepth)
		return p, false
	}
	whole := true
	p.Parts, whole = e.tlvParts(o.Value, offset+len(o.Header), o.Tag, depth+1)
	p.Value = ""
	return p, whole
}

// damaged explains the rest of data from an object that cannot be read. When
// that is a template which says more bytes than are left, what is left of it
// is taken apart all the same.
func (e *Explainer) damaged(data []byte, base int, reason string, template emv.Tag, depth int) []Part {
	zeros := 0
	for zeros < len(data) && data[zeros] == 0 {
		zeros++
	}
	parts := appendPadding(nil, data[:zeros], base)
	data, base = data[zeros:], base+zeros
	tag, head := templateHeader(data)
	if head == 0 || head == len(data) || depth >= emv.MaxDepth {
		return appendDamage(parts, data, base, reason)
	}
	p := e.value(tag, nil, template)
	p.Offset, p.Size, p.head, p.Problem = base, len(data), head, reason
	p.Parts, _ = e.tlvParts(data[head:], base+head, tag, depth+1)
	return append(parts, p)
}

// templateHeader reads tag and length of a constructed object with a one-byte
// tag; head is 0 when there is none.
func templateHeader(data []byte) (tag emv.Tag, head int) {
	if len(data) < 2 || data[0]&0x20 == 0 || data[0]&0x1F == 0x1F {
		return 0, 0
	}
	switch {
	case data[1] < 0x80:
		return emv.Tag(data[0]), 2
	case data[1] == 0x81 && len(data) > 2:
		return emv.Tag(data[0]), 3
	case data[1] == 0x82 && len(data) > 3:
		return emv.Tag(data[0]), 4
	}
	return 0, 0
}

func appendPadding(parts []Part, zeros []byte, offset int) []Part {
	if len(zeros) == 0 {
		return parts
	}
	return append(parts, Part{Name: "padding", Offset: offset, Size: len(zeros), Value: hexOf(zeros)})
}

func appendDamage(parts []Part, data []byte, offset int, reason string) []Part {
	if len(data) == 0 {
		return parts
	}
	p := Part{Name: "damaged data", Offset: offset, Size: len(data), Value: hexOf(data), Problem: reason}
	return append(parts, p)
}

// reasonOf words a TLV error with its offset in the message.
func reasonOf(err error, base int) string {
	var t *emv.TLVError
	if errors.As(err, &t) {
		return fmt.Sprintf("byte %d: %s", base+t.Offset, t.Reason)
	}
	return err.Error()
}
