package transcript

import (
	"strings"

	"tapsim/emv"
)

// What a tag and its value mean comes from package emv; here it gets its place
// in the message.

// objects takes TLV data apart through all levels; base is the offset of data
// in the message. Damaged data give what can be read, and the rest with the
// reason.
func (e *Explainer) objects(data []byte, base int) []Part {
	if _, err := emv.Parse(data); err != nil {
		parts, _ := e.damagedObjects(data, base, 0, 1)
		if !e.shows() {
			maskRest(parts, emv.MaskedHex(data, nil), base)
		}
		return parts
	}
	items, _ := emv.Explain(data, e.context, e.shows())
	return placed(items, data, base)
}

// placed gives the items of data their places in the message.
func placed(items []emv.Item, data []byte, base int) []Part {
	parts := make([]Part, 0, len(items))
	for _, it := range items {
		p := part(it)
		p.Offset, p.Size = base+it.Offset, it.Length
		if it.Tag == "00" {
			p.Tag = ""
			parts = append(parts, p)
			continue
		}
		s := emv.Scan(data[it.Offset:])
		if s.Next() {
			p.head = len(s.Object().Header)
			p.Size += p.head
		}
		switch {
		case s.Tag().Constructed():
			p.Parts = placed(it.Children, data, base)
		case len(it.Children) > 0:
			p.Parts = values(it.Children, base, p)
		}
		parts = append(parts, p)
	}
	return parts
}

// values are the parts of a primitive value that holds values without tags. A
// value that they do not fill stays whole.
func values(items []emv.Item, base int, whole Part) []Part {
	var parts []Part
	pos := whole.Offset + whole.head
	for _, it := range items {
		p := part(it)
		p.Offset, p.Size = base+it.Offset, it.Length
		if p.Offset != pos {
			return nil
		}
		pos += p.Size
		parts = append(parts, p)
	}
	if pos != whole.Offset+whole.Size {
		return nil
	}
	return parts
}

// part is an item without its place.
func part(it emv.Item) Part {
	return Part{Tag: it.Tag, Name: it.Name, Value: it.Value, Text: it.Text, Details: it.Details, Unknown: !it.Known, Masked: it.Masked}
}

// bare explains a value that is sent without tag and length.
func (e *Explainer) bare(tag emv.Tag, value []byte, offset int) Part {
	p := part(emv.ExplainValue(tag, value, e.context, e.shows()))
	p.Offset, p.Size = offset, len(value)
	return p
}

// object explains a data object of header head and value, at offset, without
// what is inside.
func (e *Explainer) object(tag emv.Tag, head, value []byte, offset int, template emv.Tag) Part {
	ctx := e.context
	ctx.Template = template
	p := Part{Tag: tag.String(), Name: "unknown tag", Unknown: true}
	if tag.Constructed() {
		if entry, ok := emv.Lookup(tag, ctx); ok {
			p.Name, p.Unknown = entry.Title(), false
		}
	} else {
		p = part(emv.ExplainValue(tag, value, ctx, e.shows()))
	}
	p.Offset, p.Size, p.head = offset, len(head)+len(value), len(head)
	return p
}

// plain is a stretch of bytes that have no tag. What looks like an account
// number in it is masked.
func (e *Explainer) plain(name string, data []byte, offset int, problem string) Part {
	p := Part{Name: name, Offset: offset, Size: len(data), Value: hexOf(data), Problem: problem}
	if !e.shows() {
		p.Value = emv.MaskedHex(data, nil)
		p.Masked = strings.Contains(p.Value, "*")
	}
	return p
}
