package emv

import "fmt"

// Item is one data object explained for people. Values are upper-case hex,
// masked unless they were asked for; constructed objects show their children
// instead.
type Item struct {
	Tag      string   `json:"tag"`
	Name     string   `json:"name"`
	Offset   int      `json:"offset"` // of the first tag byte, in the data explained
	Length   int      `json:"length"` // of the value, in bytes
	Value    string   `json:"value,omitempty"`
	Text     string   `json:"text,omitempty"`    // the meaning
	Details  []string `json:"details,omitempty"` // bits that are set, entries of lists
	Known    bool     `json:"known"`
	Masked   bool     `json:"masked,omitempty"`
	Children []Item   `json:"children,omitempty"`
}

// Explain explains TLV data through all levels. Padding between objects is an
// item of its own, named "padding", so that all bytes are accounted for. A tag
// that the dictionary does not know has Known false. Damaged data give the
// items read so far and a *TLVError.
//
// Where ctx names no scheme, an AID in the data does: tag 84, 4F or 9F06 beside
// or above an object.
func Explain(data []byte, ctx Context, reveal bool) ([]Item, error) {
	e := explainer{reveal: reveal, damaged: !wellFormed(data, 1)}
	return e.level(data, 0, 1, e.root(ctx), len(data))
}

// ExplainValue explains one value. A constructed value that is damaged keeps
// the children read so far and says so in Text.
func ExplainValue(tag Tag, value []byte, ctx Context, reveal bool) Item {
	e := explainer{reveal: reveal, damaged: tag.Constructed() && !wellFormed(value, 2)}
	s := e.root(ctx)
	s.objects = List{{tag, value}}
	item, err := e.object(Object{Tag: tag, Value: value}, 1, s, len(value))
	if err != nil {
		item.Text = err.Error()
	}
	return item
}

// ExplainDOL explains data that were sent for a data object list: the values
// of a PDOL, CDOL or DDOL in a command. Offsets are those of the values in
// data. Data of another length than the list asks for is an error.
func ExplainDOL(d DOL, data []byte, ctx Context, reveal bool) ([]Item, error) {
	objects, err := d.Split(data)
	if err != nil {
		return nil, err
	}
	e := explainer{reveal: reveal}
	s := e.root(ctx)
	s.objects = objects
	items := make([]Item, 0, len(objects))
	offset := 0
	for _, o := range objects {
		item, _ := e.object(Object{Tag: o.Tag, Offset: offset, Value: o.Value}, 1, s, len(data))
		s.at++
		items = append(items, item)
		offset += len(o.Value)
	}
	return items, nil
}

// explainer holds what does not change while one piece of data is explained.
type explainer struct {
	reveal  bool
	damaged bool // the data do not parse to the end, so tags may be chance
}

// scope is what is known about the objects around the one explained.
type scope struct {
	ctx     Context
	qr      bool // an EMV QR code's data
	objects List // of this level
	at      int  // index of the object explained
	outer   *scope
}

func (e explainer) root(ctx Context) *scope { return &scope{ctx: ctx} }

// find returns the nearest value with the tag, at this level or further out.
func (s *scope) find(tag Tag) ([]byte, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.objects.Lookup(tag); ok {
			return v, true
		}
	}
	return nil, false
}

// nearest returns the value with the tag that belongs to the object explained
// when several stand at its level: the next one that comes before another
// object like this, or else the last one before it.
func (s *scope) nearest(tag, like Tag) []byte {
	for i := s.at + 1; i < len(s.objects) && s.objects[i].Tag != like; i++ {
		if s.objects[i].Tag == tag {
			return s.objects[i].Value
		}
	}
	for i := min(s.at, len(s.objects)) - 1; i >= 0; i-- {
		if s.objects[i].Tag == tag {
			return s.objects[i].Value
		}
	}
	return nil
}

// inner is the scope of the objects in b, a template's value.
func (s *scope) inner(template Tag, b []byte) *scope {
	n := &scope{ctx: s.ctx, qr: s.qr, outer: s}
	if template != 0 {
		n.ctx.Template = template
	}
	n.objects, _ = ParseList(b)
	if v, ok := n.objects.Lookup(0x85); ok && template == 0 && string(v) == "CPV01" {
		n.qr = true
	}
	if !n.ctx.named() {
		for _, tag := range []Tag{TagDFName, TagADFName, 0x9F06} {
			if aid, ok := n.objects.Lookup(tag); ok && ContextOf(aid).named() {
				n.ctx.Scheme, n.ctx.Other = SchemeOf(aid), ContextOf(aid).Other
			}
		}
	}
	return n
}

// level explains the objects of b, which starts at base in data of total
// bytes.
func (e explainer) level(b []byte, base, depth int, outer *scope, total int) ([]Item, error) {
	return e.objects(b, base, depth, outer.inner(0, b), total)
}

func (e explainer) objects(b []byte, base, depth int, s *scope, total int) ([]Item, error) {
	if depth > MaxDepth {
		return nil, &TLVError{base, fmt.Sprintf("objects nest deeper than %d levels", MaxDepth)}
	}
	var items []Item
	end := base
	scan := scanAt(b, base)
	for scan.Next() {
		o := scan.Object()
		items = appendPadding(items, end, scan.Padding())
		end = o.Offset + len(o.Header) + len(o.Value)
		item, err := e.object(o, depth, s, total)
		s.at++
		items = append(items, item)
		if err != nil {
			return items, err
		}
	}
	if scan.Err() != nil {
		return items, scan.Err()
	}
	return appendPadding(items, end, scan.Padding()), nil
}

func appendPadding(items []Item, offset int, b []byte) []Item {
	if len(b) == 0 {
		return items
	}
	return append(items, Item{Tag: "00", Name: "padding", Offset: offset, Length: len(b), Value: upperHex(b), Known: true})
}

// object explains one object.
func (e explainer) object(o Object, depth int, s *scope, total int) (Item, error) {
	item := Item{Tag: o.Tag.String(), Name: "unknown tag", Offset: o.Offset, Length: len(o.Value)}
	entry, known, shaped := s.entry(o)
	if known {
		item.Name, item.Known = entry.Title(), true
	}
	if o.Tag.Constructed() && !Sensitive(o.Tag) {
		var err error
		at := o.Offset + len(o.Header)
		item.Children, err = e.objects(o.Value, at, depth+1, s.inner(o.Tag, o.Value), total)
		return item, err
	}
	v := value{bytes: o.Value, tag: o.Tag, entry: entry, known: known, scope: s, explainer: e, offset: o.Offset + len(o.Header)}
	v.borrowed = entry.Foreign && s.ctx.named() && !shaped
	v.alone = depth == 1 && o.Offset == 0 && v.offset+len(o.Value) == total
	v.explain(&item)
	return item, nil
}

// entry is the meaning of an object's tag. shaped says that the shape of the
// value settled it.
func (s *scope) entry(o Object) (e Entry, known, shaped bool) {
	e, known = lookup(o.Tag, s.ctx, len(o.Value), s.qr)
	switch {
	case o.Tag == TagFormFactor && e.Foreign && len(o.Value) == 4 && o.Value[0]>>5 != 1:
		// a form factor indicator has version 1; kernel 4's data of the same
		// length begin with the reader's interfaces
		e, _ = lookup(o.Tag, Context{Kernel: 4}, len(o.Value), s.qr)
		e = e.in(s.ctx.owners())
	case o.Tag == TagCardAuthData && isUDOL(o.Value):
		e, _ = lookup(o.Tag, Context{Kernel: 2}, len(o.Value), s.qr)
		e, shaped = e.in(s.ctx.owners()), true
	}
	return e, known, shaped
}

// isUDOL tells kernel 2's data object list in tag 9F69 from the data of other
// kernels, which begin with a version.
func isUDOL(v []byte) bool {
	list, err := ParseDOL(v)
	if err != nil || len(v) == 0 || v[0] <= 0x01 {
		return false
	}
	for _, e := range list {
		if _, known := Lookup(e.Tag, Context{}); !known {
			return false
		}
	}
	return true
}

// wellFormed is true when b parses through all levels.
func wellFormed(b []byte, depth int) bool {
	s := Scan(b)
	for s.Next() {
		if s.Tag().Constructed() && (depth == MaxDepth || !wellFormed(s.Value(), depth+1)) {
			return false
		}
	}
	return s.Err() == nil
}

// value is a primitive value on its way to an Item.
type value struct {
	explainer
	bytes    []byte
	tag      Tag
	entry    Entry
	known    bool
	borrowed bool // the meaning belongs to another kernel than the card's: a name, no more
	scope    *scope
	offset   int  // of the value, in the data explained
	alone    bool // the object is the whole of the data
}

// explain fills in everything that follows from the value.
func (v value) explain(item *Item) {
	sensitive := sensitiveValue(v.tag, v.bytes)
	m := v.mask(sensitive)
	item.Value, item.Masked = m.String(), m.any()
	switch {
	case len(v.bytes) == 0:
		item.Text = "empty"
	case sensitive && !v.reveal:
		item.Text = v.maskedText()
	case item.Masked:
		item.Text = "masked: holds what looks like an account number"
	case !v.known || v.borrowed:
		item.Text = v.unknownText()
	case v.entry.misfit(len(v.bytes)) != "":
		item.Text = v.unknownText()
		if item.Text != "" {
			item.Text += ", "
		}
		item.Text += v.entry.misfit(len(v.bytes))
	default:
		v.meaning(item)
	}
}

// mask marks what may not be shown of the value.
func (v value) mask(sensitive bool) *mask {
	m := newMask(v.bytes)
	switch {
	case v.reveal:
		return m
	case sensitive:
		m.value(v.tag, 0, len(v.bytes))
	case v.damaged:
		m.runs(0, len(v.bytes))
	default:
		m.unnamed(Object{Tag: v.tag, Value: v.bytes}, 0, len(v.bytes), v.alone)
	}
	m.frames(0, len(v.bytes))
	return m
}

// maskedText says of a sensitive value what may be said.
func (v value) maskedText() string {
	switch v.tag {
	case TagPAN:
		if digits, err := Digits(v.bytes); err == nil {
			return PAN(digits).Masked()
		}
	case TagTrack2, 0x9F6B:
		if t, err := ParseTrack2(v.bytes); err == nil {
			return t.String()
		}
	}
	return "masked"
}

// unknownText shows characters where nothing else is known of a value.
func (v value) unknownText() string {
	if len(v.bytes) >= 3 && printable(v.bytes) {
		return quoted(decodeText(v.bytes, 0))
	}
	return ""
}

func quoted(s string) string { return "\"" + s + "\"" }
