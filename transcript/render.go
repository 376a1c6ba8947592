package transcript

import (
	"strings"
	"unicode/utf8"
)

// Role is what a piece of text is, for those who paint it.
type Role byte

// The roles.
const (
	RoleTitle   Role = iota + 1 // name of a command
	RoleSent                    // hex of a command
	RoleAnswer                  // hex of an answer
	RoleTag                     // tag of an element
	RoleValue                   // hex of an element
	RoleMeaning                 // what a value means
	RoleGood                    // status 9000
	RoleBad                     // other status words, problems
	RoleDim                     // what is less important
)

// Style is how explanations are laid out. The zero Style is plain text in 100
// columns.
type Style struct {
	Width int                           // columns; 0 is 100, fewer than 60 are 60
	Paint func(r Role, s string) string // adds colours; nil is none
}

const (
	defaultWidth = 100
	minWidth     = 60
	inlineHex    = 16 // bytes of a value that stand beside its name
)

func (s Style) width() int {
	if s.Width == 0 {
		return defaultWidth
	}
	return max(s.Width, minWidth)
}

func (s Style) paint(r Role, text string) string {
	if s.Paint == nil || text == "" {
		return text
	}
	return s.Paint(r, text)
}

// AppendText appends an explanation as text: a title with the status word, the
// bytes sent and received, and below each its elements with their meaning.
//
//	3  GET PROCESSING OPTIONS                                      9000 success
//	   > 80A80000238321...
//	     83 Command template
//	       9F02 Amount, authorised          000000001250  12.50 EUR
//	   < 77658202...
func AppendText(dst []byte, x Explanation, s Style) []byte {
	r := renderer{Style: s, out: dst}
	r.title(x)
	r.message(">", RoleSent, x.Command, "not shown by the source")
	r.message("<", RoleAnswer, x.Response, "no answer: the card was gone or the source is cut")
	return r.out
}

// AppendSession appends a whole transcript as text: what its header and its
// comments say, its exchanges, its events, and a line that counts.
func AppendSession(dst []byte, t *Transcript, reveal bool, s Style) []byte {
	r := renderer{Style: s, out: dst}
	session := ExplainSession(t, reveal)
	for _, f := range t.Header {
		r.text(RoleDim, "# "+f.Key+": "+f.Value, 0, 2)
	}
	n := 0
	var last Kind // of the line shown before
	for _, l := range t.Lines {
		switch l.Kind {
		case Comment:
			if n < len(session.Exchanges) && strings.TrimSpace(l.Text) == session.Exchanges[n].Name {
				continue // the title says it
			}
			r.gap(last != Comment && n > 0)
			r.text(RoleDim, "#"+l.Text, 0, 2)
		case Command, AnyCommand:
			r.gap(last != Comment || n == 0)
			r.out = AppendText(r.out, session.Exchanges[n], s)
			n++
		case Tear, Reset, Wait, Verify:
			r.gap(true)
			r.text(RoleBad, strings.TrimSpace(string(appendLine(nil, l))), 0, 2)
		default:
			continue
		}
		last = l.Kind
	}
	r.gap(true)
	r.text(0, session.Summary(), 0, 0)
	return r.out
}

// gap writes an empty line.
func (r *renderer) gap(want bool) {
	if want {
		r.out = append(r.out, '\n')
	}
}

// Summary counts in one line: exchanges, unknown tags, and places that could
// not be taken apart.
func (s Session) Summary() string {
	text := plural(len(s.Exchanges), "exchange") + ", " + plural(s.Unknown, "unknown tag")
	if s.Problems > 0 {
		text += ", " + plural(s.Problems, "place") + " not taken apart"
	}
	return text
}

// AppendParts appends the elements of a message, each line indented by that
// many columns.
func AppendParts(dst []byte, parts []Part, indent int, s Style) []byte {
	r := renderer{Style: s, out: dst}
	r.parts(parts, indent, r.column(parts, indent))
	return r.out
}

type renderer struct {
	Style
	out []byte
}

// line is one line of text that knows its visible width.
type line struct {
	b     strings.Builder
	width int
}

func (l *line) add(s Style, role Role, text string) {
	l.b.WriteString(s.paint(role, text))
	l.width += utf8.RuneCountInString(text)
}

func (l *line) pad(to int) {
	if n := to - l.width; n > 0 {
		l.b.WriteString(strings.Repeat(" ", n))
		l.width = to
	}
}

func (r *renderer) end(l *line) {
	r.out = append(r.out, strings.TrimRight(l.b.String(), " ")...)
	r.out = append(r.out, '\n')
}

const bodyIndent = 4

func (r *renderer) title(x Explanation) {
	var l line
	number := itoa(x.Number)
	l.pad(bodyIndent - 2 - len(number))
	l.add(r.Style, RoleDim, number)
	l.pad(bodyIndent)
	l.add(r.Style, RoleTitle, x.Name)
	if x.Status == "" {
		r.end(&l)
		return
	}
	role, status := RoleBad, x.Status+" "+x.StatusText
	if x.Status == "9000" {
		role = RoleGood
	}
	at := r.width() - utf8.RuneCountInString(status)
	if at < l.width+2 {
		r.end(&l)
		r.text(role, status, bodyIndent, bodyIndent)
		return
	}
	l.pad(at)
	l.add(r.Style, role, status)
	r.end(&l)
}

// message shows the bytes and the elements of a command or an answer.
func (r *renderer) message(mark string, role Role, m *Message, absent string) {
	if m == nil {
		r.text(RoleDim, mark+" "+absent, bodyIndent, bodyIndent+2)
		return
	}
	r.hex(mark+" ", role, m.Hex, bodyIndent)
	var body []Part
	for _, p := range m.Parts {
		switch p.Name {
		case "CLA", "INS", "P1", "P2", "Lc", "Le", "SW1-SW2": // the title says it
		default:
			body = append(body, p)
		}
	}
	r.parts(body, bodyIndent+2, r.column(body, bodyIndent+2))
}

// hex writes hex digits in lines of the style's width, a whole number of
// bytes in each; the first begins with a mark.
func (r *renderer) hex(mark string, role Role, digits string, indent int) {
	room := (r.width() - indent - len(mark)) &^ 1
	for first := true; first || digits != ""; first = false {
		n := min(room, len(digits))
		var l line
		l.pad(indent)
		if first {
			l.add(r.Style, role, mark)
		}
		l.pad(indent + len(mark))
		l.add(r.Style, role, digits[:n])
		r.end(&l)
		digits = digits[n:]
	}
}

// column is where the values of a tree of elements begin: behind the longest
// name, but not so far right that values have no room.
func (r *renderer) column(parts []Part, indent int) int {
	column := 0
	for i := range parts {
		p := &parts[i]
		if len(p.Parts) == 0 && inline(p) {
			column = max(column, indent+tagWidth(parts)+utf8.RuneCountInString(p.Name)+2)
		}
		column = max(column, r.column(p.Parts, indent+2))
	}
	return min(column, max(r.width()*55/100, r.width()-40))
}

// tagWidth is the room that the tags of neighbours need, with a blank.
func tagWidth(parts []Part) int {
	n := 0
	for i := range parts {
		if t := len(parts[i].Tag); t > 0 {
			n = max(n, t+1)
		}
	}
	return n
}

func inline(p *Part) bool { return len(p.Value) <= 2*inlineHex }

func (r *renderer) parts(parts []Part, indent, column int) {
	tags := tagWidth(parts)
	for i := range parts {
		r.part(&parts[i], indent, tags, column)
	}
}

func (r *renderer) part(p *Part, indent, tags, column int) {
	var l line
	l.pad(indent)
	l.add(r.Style, RoleTag, p.Tag)
	l.pad(indent + tags)
	l.add(r.Style, nameRole(p), cut(p.Name, r.width()-l.width))
	long := !inline(p) || max(column, l.width+2)+len(p.Value) > r.width()
	switch {
	case long || len(p.Parts) > 0:
		r.meaning(&l, p, column, indent)
	default:
		r.valueAndMeaning(&l, p, column, indent)
	}
	if long {
		r.hex("", RoleValue, p.Value, indent+4)
	}
	for _, d := range p.Details {
		r.text(RoleMeaning, "- "+d, indent+4, indent+6)
	}
	if p.Problem != "" {
		r.text(RoleBad, "! "+p.Problem, indent+4, indent+6)
	}
	r.parts(p.Parts, indent+2, column)
}

// cut shortens a name that is wider than its room.
func cut(name string, room int) string {
	if utf8.RuneCountInString(name) <= room {
		return name
	}
	return string([]rune(name)[:max(room-3, 0)]) + "..."
}

func nameRole(p *Part) Role {
	if p.Unknown {
		return RoleBad
	}
	return 0
}

// valueAndMeaning ends the line of an element with a short value.
func (r *renderer) valueAndMeaning(l *line, p *Part, column, indent int) {
	if p.Value == "" {
		r.meaning(l, p, column, indent)
		return
	}
	l.pad(max(column, l.width+2))
	l.add(r.Style, RoleValue, p.Value)
	r.meaning(l, p, l.width+2, indent)
}

// meaning ends the line of an element with its meaning, on a line of its own
// when there is no room.
func (r *renderer) meaning(l *line, p *Part, column, indent int) {
	if p.Text == "" || p.Text == p.Value {
		r.end(l)
		return
	}
	at := max(column, l.width+2)
	if at+utf8.RuneCountInString(p.Text) <= r.width() {
		l.pad(at)
		l.add(r.Style, RoleMeaning, p.Text)
		r.end(l)
		return
	}
	r.end(l)
	r.text(RoleMeaning, p.Text, indent+4, indent+4)
}

// text writes words in lines of the style's width; a word that is longer than
// a line is cut.
func (r *renderer) text(role Role, text string, first, other int) {
	var l line
	l.pad(first)
	start := first
	for _, w := range strings.Fields(text) {
		n := utf8.RuneCountInString(w)
		if l.width > start && l.width+1+n > r.width() {
			r.end(&l)
			l, start = line{}, other
			l.pad(other)
		}
		if l.width > start {
			l.add(r.Style, role, " ")
		}
		for l.width+utf8.RuneCountInString(w) > r.width() {
			room := r.width() - l.width
			l.add(r.Style, role, string([]rune(w)[:room]))
			w = string([]rune(w)[room:])
			r.end(&l)
			l, start = line{}, other
			l.pad(other)
		}
		l.add(r.Style, role, w)
	}
	r.end(&l)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}
