package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tapsim/apdu"
	"tapsim/emv"
)

// redactedKey marks a transcript without its cardholder data, in the header of
// a file of ours and as a comment in one of others.
const (
	redactedKey  = "redacted"
	redactedText = "account numbers and names are substitutes; signatures and cryptograms no longer verify"
)

// Redactor takes cardholder data out of transcripts. It gives an account number
// the same substitute wherever it stands, in all transcripts that it sees.
type Redactor struct {
	numbers map[string]string // account numbers and their substitutes
	taken   map[string]int    // substitutes given, by prefix and length
	names   []string          // cardholder names seen, for comments
}

// NewRedactor makes a redactor that has seen nothing.
func NewRedactor() *Redactor {
	return &Redactor{numbers: map[string]string{}, taken: map[string]int{}}
}

// Redaction says what a redaction changed. Nothing is no change.
type Redaction struct {
	Numbers  int               `json:"account_numbers"` // different ones that got a substitute
	Elements []RedactedElement `json:"elements"`
	Comments int               `json:"comments"` // lines of text that held such data
}

// RedactedElement is one kind of element that was changed.
type RedactedElement struct {
	Tag   string `json:"tag,omitempty"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Changed is true when something was replaced.
func (r Redaction) Changed() bool { return len(r.Elements) > 0 || r.Comments > 0 }

func (r Redaction) total() (n int) {
	for _, e := range r.Elements {
		n += e.Count
	}
	return n
}

func (r *Redaction) note(tag, name string) {
	for i := range r.Elements {
		if e := &r.Elements[i]; e.Tag == tag && e.Name == name {
			e.Count++
			return
		}
	}
	r.Elements = append(r.Elements, RedactedElement{tag, name, 1})
}

// Redact is NewRedactor().Redact(t).
func Redact(t *Transcript) (*Transcript, Redaction, error) { return NewRedactor().Redact(t) }

// Redact returns a copy of t without cardholder data. Each account number, also
// one of a test range, becomes a valid number of equal length inside the test
// ranges. Names become a placeholder; discretionary data, certificates,
// signatures and other data of the card or the person become zeros. All lengths
// stay, so TLV data stay whole, and so do expiry dates, counters and
// cryptograms: without the account number they tell nothing, and they decide
// how a transaction goes. The copy says that it was redacted. Redacting it
// again changes nothing.
func (r *Redactor) Redact(t *Transcript) (*Transcript, Redaction, error) {
	out := clone(t)
	before := len(r.numbers)
	var what Redaction
	// What a first pass writes may join with the digits beside it: go on until
	// nothing is found.
	for range maxPasses {
		had := what.total()
		if err := r.pass(out, &what); err != nil {
			return nil, Redaction{}, err
		}
		if what.total() == had {
			break
		}
	}
	r.text(out, &what)
	what.Numbers = len(r.numbers) - before
	if what.Changed() {
		mark(out)
	}
	return out, what, nil
}

// maxPasses bounds how often a transcript is looked through.
const maxPasses = 8

// pass finds all numbers first, since a later answer may name what an earlier
// one hides, and then replaces.
func (r *Redactor) pass(out *Transcript, what *Redaction) (err error) {
	for _, find := range []func(*message, func(string)){taggedNumbers, r.hiddenNumbers} {
		walk(out, func(m *message) {
			find(m, func(number string) { err = errors.Join(err, r.add(number)) })
		})
		if err != nil {
			return err
		}
	}
	walk(out, r.meetName)
	walk(out, func(m *message) { r.message(m, what) })
	return nil
}

// Redacted is true for a transcript that says it was redacted.
func (t *Transcript) Redacted() bool {
	_, ok := t.Remark(redactedKey)
	return ok
}

// mark notes in a transcript that it was redacted.
func mark(t *Transcript) {
	switch {
	case t.Redacted():
	case t.Ours():
		values := map[string]string{redactedKey: redactedText}
		for _, f := range t.Header {
			values[f.Key] = f.Value
		}
		if header, err := NewHeader(values); err == nil { // the fields were in a header before
			t.Header = header
		}
	default:
		t.Lines = slices.Insert(t.Lines, 0, Line{Kind: Comment, Text: " " + redactedKey + ": " + redactedText})
	}
}

// OutsideTestRanges is true when a transcript shows an account number that is
// not one of the test ranges: it must be redacted before anybody else sees it.
func OutsideTestRanges(t *Transcript) bool {
	_, outside := rangesOf(t)
	return outside
}

// ShowsTestCard is true when a transcript shows an account number of the test
// ranges.
func ShowsTestCard(t *Transcript) bool {
	test, _ := rangesOf(t)
	return test
}

// rangesOf says which account numbers a transcript shows: those in tags, and
// those that stand in other data as tags and tracks write them. Digits that
// happen to have a correct check digit, as a tenth of all have, are none here.
func rangesOf(t *Transcript) (test, outside bool) {
	r := NewRedactor()
	check := func(number string) {
		if emv.TestRange(emv.PAN(number)) {
			test = true
		} else {
			outside = true
		}
	}
	walk(clone(t), func(m *message) {
		taggedNumbers(m, check)
		r.eachHidden(m, func(text string, at, n int) {
			if framed(text, at, n) {
				check(text[at : at+n])
			}
		})
	})
	return test, outside
}

// framed is true for a number that is a run of digits as a whole, or all of it
// behind the length byte of tag 5A or the tag and length of track 2.
func framed(text string, at, n int) bool {
	before := text[:at]
	return at+n == len(text) && (before == "" || before == fmt.Sprintf("%02X", (n+1)/2) || len(before) == 4 && before[:2] == "57")
}

func clone(t *Transcript) *Transcript {
	out := &Transcript{Name: t.Name, Header: slices.Clone(t.Header), Lines: slices.Clone(t.Lines)}
	for i := range out.Lines {
		out.Lines[i].Bytes = bytes.Clone(out.Lines[i].Bytes)
	}
	return out
}

// message is a command or the data of an answer, with what its bytes mean. Its
// bytes may be changed, not their number.
type message struct {
	raw     []byte
	parts   []Part
	command bool
	uid     bool // an answer in which a reader gives the serial number of the card
}

// walk visits the commands and answers of a transcript in their order. An
// answer that came in several parts is visited as one.
func walk(t *Transcript, visit func(*message)) {
	e := NewExplainer(false)
	for i := 0; i < len(t.Lines); i++ {
		switch t.Lines[i].Kind {
		case Reset, Tear:
			e.Reset()
		case Command, AnyCommand:
			answers := answersOf(t.Lines, i)
			i = walkExchange(e, t.Lines, i, answers, visit)
		}
	}
}

// answersOf are the indexes of the lines that hold the answer to the command in
// line at: more than one when it came with 61xx and GET RESPONSE fetched the
// rest.
func answersOf(lines []Line, at int) []int {
	var answers []int
	for i := at; i < len(lines); i++ {
		l := lines[i]
		switch l.Kind {
		case Command:
			if i > at && !isGetResponse(l.Bytes) {
				return answers
			}
		case Response:
			answers = append(answers, i)
			data, sw := cutStatus(l.Bytes)
			if sw.SW1() != 0x61 || len(data) == 0 {
				return answers
			}
		case Blank, Comment:
		default:
			if i > at {
				return answers
			}
		}
	}
	return answers
}

// walkExchange visits the command in line at and its answer, whose bytes go
// back to the lines that they came from. It returns the last line that it used.
func walkExchange(e *Explainer, lines []Line, at int, answers []int, visit func(*message)) int {
	var whole []byte
	for n, i := range answers {
		data := lines[i].Bytes
		if n < len(answers)-1 {
			data = data[:len(data)-2]
		}
		whole = append(whole, data...)
	}
	command := lines[at].Bytes
	x := e.Explain(bytes.Clone(command), bytes.Clone(whole))
	if x.Command != nil {
		visit(&message{raw: command, parts: x.Command.Parts, command: true})
	}
	if x.Response == nil {
		return at
	}
	c, err := apdu.ParseCommand(command)
	visit(&message{raw: whole, parts: x.Response.Parts, uid: err == nil && c.CLA == 0xFF && c.INS == insGetData && c.P1 == 0})
	for n, i := range answers {
		keep := len(lines[i].Bytes)
		if n < len(answers)-1 {
			keep -= 2
		}
		whole = whole[copy(lines[i].Bytes[:keep], whole):]
	}
	return answers[len(answers)-1]
}

// eachElement visits the parts that have a tag or nothing inside; value is what
// follows tag and length. visit says whether it is done with the part.
func (m *message) eachElement(visit func(p *Part, tag emv.Tag, value []byte) (done bool)) {
	var level func(parts []Part)
	level = func(parts []Part) {
		for i := range parts {
			p := &parts[i]
			tag, err := emv.ParseTag(p.Tag)
			if err != nil {
				tag = 0
			}
			if !visit(p, tag, m.raw[p.Offset+p.head:p.Offset+p.Size]) {
				level(p.Parts)
			}
		}
	}
	level(m.parts)
}

// message redacts one message.
func (r *Redactor) message(m *message, what *Redaction) {
	if m.uid && len(m.raw) > 2 {
		r.change(what, "", "serial number of the card", m.raw[:len(m.raw)-2], func(v []byte) {
			clear(v)
			v[0] = 0x08 // begins a random identifier (ISO/IEC 14443-3)
		})
		return
	}
	m.eachElement(func(p *Part, tag emv.Tag, value []byte) bool {
		rule := r.rule(p, tag, value)
		if rule == nil {
			return len(p.Parts) == 0
		}
		r.change(what, p.Tag, strings.TrimSpace(p.Name), value, rule)
		return true
	})
	r.change(what, "", "account number in other data", m.raw, r.replaceKnown)
}

// change applies a rule and notes when it changed something.
func (r *Redactor) change(what *Redaction, tag, name string, value []byte, rule func([]byte)) {
	old := bytes.Clone(value)
	rule(value)
	if !bytes.Equal(old, value) {
		what.note(tag, name)
	}
}

// maxNumbers bounds the different account numbers of a redactor.
const maxNumbers = 10_000

// add gives an account number its substitute.
func (r *Redactor) add(number string) (err error) {
	if _, there := r.numbers[number]; there || isSubstitute(number) {
		return nil
	}
	if len(r.numbers) == maxNumbers {
		return fmt.Errorf("redact: more than %d account numbers", maxNumbers)
	}
	r.numbers[number], err = r.substitute(number)
	return err
}
