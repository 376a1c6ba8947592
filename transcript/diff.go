package transcript

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tapsim/emv"
)

// Difference is one thing in which two transcripts differ.
type Difference struct {
	A        int      `json:"exchange_a,omitempty"` // number of the exchange, 0 when A has none
	B        int      `json:"exchange_b,omitempty"`
	Name     string   `json:"name"`                // of the command, or of the event
	Side     string   `json:"side"`                // exchange, command or answer
	Path     string   `json:"path,omitempty"`      // tags on the way to the element: 77/9F26
	Element  string   `json:"element,omitempty"`   // 9F26 Application cryptogram
	ValueA   string   `json:"a,omitempty"`         // hex, masked where it is sensitive
	ValueB   string   `json:"b,omitempty"`         // the same of B
	TextA    string   `json:"a_text,omitempty"`    // meaning for people
	TextB    string   `json:"b_text,omitempty"`    // the same of B
	OnlyA    []string `json:"only_in_a,omitempty"` // names of bits that are set in A only
	OnlyB    []string `json:"only_in_b,omitempty"`
	Masked   bool     `json:"masked,omitempty"`
	Sentence string   `json:"sentence"` // all of it in words

	tag        emv.Tag // of an element that both sides have
	rawA, rawB []byte
}

// maxDifferences bounds what Diff tells.
const maxDifferences = 10_000

// maxAligned bounds the exchanges that are matched with those of the other side
// wherever they stand; longer sessions are compared in order.
const maxAligned = 2_000

// Diff compares two sessions exchange by exchange and element by element.
// Headers, comments and waits do not count.
func Diff(a, b *Transcript) []Difference {
	d := differ{a: itemsOf(a), b: itemsOf(b)}
	d.align()
	return d.out
}

// item is an exchange or an event of a session.
type item struct {
	key      string // what it is, without the data
	number   int
	explain  Explanation
	command  []byte
	response []byte
}

func itemsOf(t *Transcript) []item {
	session := ExplainSession(t, false)
	exchanges := t.Exchanges()
	var items []item
	n := 0
	for _, l := range t.Lines {
		switch l.Kind {
		case Tear, Reset, Verify:
			text := strings.TrimSpace(string(appendLine(nil, l)))
			items = append(items, item{key: text, explain: Explanation{Name: text}})
		case Command, AnyCommand:
			x := exchanges[n]
			items = append(items, item{session.Exchanges[n].Name, x.Number, session.Exchanges[n], x.Command, x.Response})
			n++
		}
	}
	return items
}

type differ struct {
	a, b []item
	out  []Difference
}

// align walks both sessions side by side: what both have is compared, what only
// one has is named.
func (d *differ) align() {
	if len(d.a) > maxAligned || len(d.b) > maxAligned {
		for i := range max(len(d.a), len(d.b)) {
			d.step(i, i)
		}
		return
	}
	// common[i][j] is how many items a[i:] and b[j:] have in common, in order.
	common := make([][]int32, len(d.a)+1)
	for i := range common {
		common[i] = make([]int32, len(d.b)+1)
	}
	for i := len(d.a) - 1; i >= 0; i-- {
		for j := len(d.b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); d.a[i].key == d.b[j].key {
				common[i][j] = max(common[i][j], common[i+1][j+1]+1)
			}
		}
	}
	i, j := 0, 0
	for i < len(d.a) || j < len(d.b) {
		switch {
		case i < len(d.a) && j < len(d.b) && d.a[i].key == d.b[j].key && common[i][j] == common[i+1][j+1]+1:
			d.compare(d.a[i], d.b[j])
			i, j = i+1, j+1
		case i < len(d.a) && j < len(d.b) && common[i][j] == common[i+1][j+1] && sameInstruction(d.a[i], d.b[j]):
			d.compare(d.a[i], d.b[j]) // the same command for something else
			i, j = i+1, j+1
		case j == len(d.b) || i < len(d.a) && common[i+1][j] >= common[i][j+1]:
			d.only(d.a[i], true)
			i++
		default:
			d.only(d.b[j], false)
			j++
		}
	}
}

func sameInstruction(a, b item) bool {
	return len(a.command) >= 4 && len(b.command) >= 4 && bytes.Equal(a.command[:2], b.command[:2])
}

// step compares two items that have the same place.
func (d *differ) step(i, j int) {
	switch {
	case i >= len(d.a):
		d.only(d.b[j], false)
	case j >= len(d.b):
		d.only(d.a[i], true)
	case d.a[i].key != d.b[j].key:
		d.only(d.a[i], true)
		d.only(d.b[j], false)
	default:
		d.compare(d.a[i], d.b[j])
	}
}

func (d *differ) add(x Difference) {
	if len(d.out) < maxDifferences {
		d.out = append(d.out, x)
	}
}

func (d *differ) only(x item, inA bool) {
	diff := Difference{Name: x.explain.Name, Side: "exchange", A: x.number, Sentence: "only in A"}
	if !inA {
		diff.A, diff.B, diff.Sentence = 0, x.number, "only in B"
	}
	d.add(diff)
}

func (d *differ) compare(a, b item) {
	base := Difference{A: a.number, B: b.number, Name: a.explain.Name}
	d.messages(base, "command", side{a.command, a.explain.Command}, side{b.command, b.explain.Command})
	d.messages(base, "answer", side{a.response, a.explain.Response}, side{b.response, b.explain.Response})
}

// side is one of two messages that are compared.
type side struct {
	raw     []byte
	message *Message
}

// leaf is an element without others inside.
type leaf struct {
	path  string
	part  *Part
	value []byte
}

// leaves are the elements of a message in their order. Those of one path are
// told apart by a number.
func (s side) leaves() []leaf {
	if s.message == nil {
		return nil
	}
	var out []leaf
	seen := map[string]int{}
	var level func(parts []Part, path string)
	level = func(parts []Part, path string) {
		for i := range parts {
			p := &parts[i]
			name := p.Tag
			if name == "" {
				name = p.Name
			}
			at := strings.TrimPrefix(path+"/"+name, "/")
			if len(p.Parts) > 0 {
				level(p.Parts, at)
				continue
			}
			if seen[at]++; seen[at] > 1 {
				at = fmt.Sprintf("%s #%d", at, seen[at])
			}
			out = append(out, leaf{at, p, s.raw[p.Offset+p.head : p.Offset+p.Size]})
		}
	}
	level(s.message.Parts, "")
	return out
}

func (d *differ) messages(base Difference, name string, a, b side) {
	base.Side = name
	switch {
	case bytes.Equal(a.raw, b.raw):
		return
	case a.message == nil || b.message == nil:
		base.Sentence = fmt.Sprintf("A has no %s", name)
		if b.message == nil {
			base.Sentence = fmt.Sprintf("B has no %s", name)
		}
		d.add(base)
		return
	}
	before := len(d.out)
	ours, theirs := a.leaves(), b.leaves()
	for _, x := range ours {
		if i := slices.IndexFunc(theirs, func(y leaf) bool { return y.path == x.path }); i < 0 {
			d.oneSided(base, x, true)
		} else if !bytes.Equal(x.value, theirs[i].value) {
			d.element(base, x, theirs[i])
		}
	}
	for _, y := range theirs {
		if !slices.ContainsFunc(ours, func(x leaf) bool { return y.path == x.path }) {
			d.oneSided(base, y, false)
		}
	}
	if len(d.out) == before && len(d.out) < maxDifferences {
		base.Sentence = fmt.Sprintf("the same elements, coded or ordered differently from byte %d on", firstDifference(a.raw, b.raw))
		d.add(base)
	}
}

// oneSided is an element that only one message has.
func (d *differ) oneSided(base Difference, x leaf, inA bool) {
	base.Path, base.Element, base.Masked = x.path, elementName(x.part), x.part.Masked
	if inA {
		base.ValueA, base.TextA, base.Sentence = shortHex(x.part.Value), x.part.Text, "only in A"
	} else {
		base.ValueB, base.TextB, base.Sentence = shortHex(x.part.Value), x.part.Text, "only in B"
	}
	base.Sentence = base.Element + " " + base.Sentence
	if v := base.ValueA + base.ValueB; v != "" {
		base.Sentence += ": " + v
	}
	d.add(base)
}

// element is one that both messages have, with different values.
func (d *differ) element(base Difference, x, y leaf) {
	base.Path, base.Element, base.Masked = x.path, elementName(x.part), x.part.Masked || y.part.Masked
	base.ValueA, base.ValueB = around(x, y), around(y, x)
	base.TextA, base.TextB = x.part.Text, y.part.Text
	base.tag, _ = emv.ParseTag(x.part.Tag) // 0 for parts that are no data object
	base.rawA, base.rawB = x.value, y.value
	base.OnlyA, base.OnlyB = without(x.part.Details, y.part.Details), without(y.part.Details, x.part.Details)
	switch {
	case base.Masked && base.ValueA == base.ValueB:
		base.Sentence = base.Element + " differs; its value is masked"
	default:
		base.Sentence = fmt.Sprintf("%s is %s in A, %s in B", base.Element, valueText(base.ValueA, base.TextA), valueText(base.ValueB, base.TextB))
	}
	for _, bit := range base.OnlyA {
		base.Sentence += "; only in A: " + bit
	}
	for _, bit := range base.OnlyB {
		base.Sentence += "; only in B: " + bit
	}
	d.add(base)
}

// around is the value of x for people; of a long one what is around the place
// in which it differs from y.
func around(x, y leaf) string {
	if x.part.Masked || len(x.part.Value) != 2*len(x.value) {
		return shortHex(x.part.Value)
	}
	return x.part.shown(x.value, firstDifference(x.value, y.value))
}

func shortHex(hex string) string {
	const most = 80
	if len(hex) > most {
		return hex[:most] + "..."
	}
	return hex
}

func valueText(value, text string) string {
	if value == "" {
		value = "empty"
	}
	if text != "" && len(text) <= 80 && text != value {
		return value + " (" + text + ")"
	}
	return value
}

func without(list, others []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(others, s) {
			out = append(out, s)
		}
	}
	return out
}
