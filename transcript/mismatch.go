package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"tapsim/apdu"
)

// Mismatch says where a replay left its recording, and what differs there.
type Mismatch struct {
	File     string // of the recording
	Exchange int    // from 1
	Line     int    // of the recorded command; 0 when the recording has no such exchange
	Name     string // of the recorded command: GET PROCESSING OPTIONS
	Offset   int    // first byte of the command or answer that differs, from 0; -1 when it is not about bytes
	Path     string // tags on the way to the byte: 77/9F26
	Element  string // the element that differs: 9F26 Application cryptogram
	Got      string // its value now, masked where it is sensitive
	Want     string // its value in the recording
	Reason   string // in words, when it is not about one element
}

func (m *Mismatch) Error() string {
	var b strings.Builder
	if m.File != "" {
		fmt.Fprintf(&b, "%s", m.File)
		if m.Line > 0 {
			fmt.Fprintf(&b, ":%d", m.Line)
		}
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "exchange %d", m.Exchange)
	if m.Name != "" {
		b.WriteString(" " + m.Name)
	}
	if m.Offset >= 0 {
		fmt.Fprintf(&b, ", byte %d", m.Offset)
	}
	if m.Reason != "" {
		return b.String() + ": " + m.Reason
	}
	fmt.Fprintf(&b, ": %s ", m.Element)
	if m.Got == masked {
		return b.String() + "differs; its value is masked"
	}
	fmt.Fprintf(&b, "is %s, recorded %s", m.Got, m.Want)
	return b.String()
}

// First is the difference that comes first in a recording, of those that its
// replays found: nil when there is none, and what is no Mismatch last.
func First(differences ...error) error {
	var first error
	at := 0
	for _, d := range differences {
		exchange := math.MaxInt
		var m *Mismatch
		if errors.As(d, &m) {
			exchange = m.Exchange
		}
		if d != nil && (first == nil || exchange < at) {
			first, at = d, exchange
		}
	}
	return first
}

// commandMismatch explains how a command differs from the recorded one of
// exchange n, counted from 0.
func commandMismatch(t *Transcript, exchanges []Exchange, n int, got []byte) *Mismatch {
	m := mismatchAt(t, exchanges, n)
	want := exchanges[n].Command
	m.Offset = firstDifference(got, want)
	if other := indexOfCommand(exchanges, n+1, got); other >= 0 {
		m.Reason = fmt.Sprintf("%s came, which is recorded later, as exchange %d", nameOf(got), other+1)
		return m
	}
	explained := explainTo(t, n)
	if first := nameOf(got); first != explained.Name && !bytes.Equal(got[:min(2, len(got))], want[:min(2, len(want))]) {
		m.Reason = fmt.Sprintf("another command came: %s", first)
		return m
	}
	m.locate(explained.Command.Parts, got, want)
	return m
}

// responseMismatch explains how an answer differs from the recorded one.
func responseMismatch(t *Transcript, exchanges []Exchange, n int, got []byte) *Mismatch {
	m := mismatchAt(t, exchanges, n)
	if want := exchanges[n].Response; min(len(got), len(want)) == 2 && len(got) != len(want) {
		m.Offset, m.Element = firstDifference(got, want), statusName // one has data, the other none: their bytes do not compare
		m.Got, m.Want = statusWith(t, n, got), statusWith(t, n, want)
		return m
	}
	m.locate(explainTo(t, n).Response.Parts, got, exchanges[n].Response)
	if behind := len(got) - 2; m.Element == statusName && behind > m.Offset {
		_, sw := cutStatus(got)
		m.Got = fmt.Sprintf("%s behind %s", sw, plural(behind, "byte"))
	}
	return m
}

// statusWith is the status word of an answer to the command of exchange n in
// words, and what it comes with.
func statusWith(t *Transcript, n int, answer []byte) string {
	data, sw := cutStatus(answer)
	text := sw.String()
	if name := sw.Text(); name != "" && sw != apdu.StatusOK {
		text += " (" + name + ")"
	}
	if len(data) == 0 {
		return text
	}
	parts := NewExplainer(false).Explain(t.Exchanges()[n].Command, answer).Response.Parts
	return fmt.Sprintf("%s with %s (%s)", text, elementName(&parts[0]), plural(len(data), "byte"))
}

func mismatchAt(t *Transcript, exchanges []Exchange, n int) *Mismatch {
	x := exchanges[n]
	return &Mismatch{File: t.Name, Exchange: x.Number, Line: x.Line, Name: explainTo(t, n).Name}
}

// explainTo explains exchange n, counted from 0, with what those before it
// tell. It runs only when something differs.
func explainTo(t *Transcript, n int) Explanation { return ExplainSession(t, false).Exchanges[n] }

// nameOf names a command out of context.
func nameOf(command []byte) string { return NewExplainer(false).Explain(command, nil).Name }

func indexOfCommand(exchanges []Exchange, from int, command []byte) int {
	for i := from; i < len(exchanges); i++ {
		if exchanges[i].Command != nil && bytes.Equal(exchanges[i].Command, command) {
			return i
		}
	}
	return -1
}

// locate finds the first byte in which got differs from want, whose parts are
// given, and the element that it belongs to.
func (m *Mismatch) locate(parts []Part, got, want []byte) {
	m.Offset = firstDifference(got, want)
	p, path := at(parts, m.Offset)
	m.Path = path
	switch {
	case m.Offset >= len(want):
		m.Element, m.Got, m.Want = "its end", plural(len(got)-len(want), "byte")+" later", "after "+plural(len(want), "byte")
	case m.Offset >= len(got):
		m.Element, m.Got, m.Want = elementName(p), "missing: only "+plural(len(got), "byte"), plural(len(want), "byte")
	case m.Offset < p.Offset+p.head:
		m.Element = "tag or length of " + elementName(p)
		m.Got, m.Want = hexOf(got[p.Offset:min(p.Offset+p.head, len(got))]), hexOf(want[p.Offset:p.Offset+p.head])
	default:
		m.Element = elementName(p)
		from, to := p.Offset+p.head, p.Offset+p.Size
		m.Got, m.Want = p.shown(got[from:min(to, len(got))], m.Offset-from), p.shown(want[from:to], m.Offset-from)
	}
}

// firstDifference is the first byte in which two messages differ; the end of
// the shorter one counts.
func firstDifference(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// masked stands for a value that must not be shown.
const masked = "masked"

// shown is a value of the part for a message; of a long one what is around the
// byte at.
func (p *Part) shown(value []byte, at int) string {
	const whole, around = 40, 8
	switch {
	case p.Masked:
		return masked
	case len(value) <= whole:
		return hexOf(value)
	}
	from, to := max(0, at-around), min(len(value), at+around)
	text := hexOf(value[from:to])
	if from > 0 {
		text = "..." + text
	}
	if to < len(value) {
		text += "..."
	}
	return text
}

func elementName(p *Part) string {
	if p.Tag == "" || p.Tag == p.Name {
		return p.Name
	}
	return p.Tag + " " + p.Name
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
