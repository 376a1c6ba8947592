package transcript

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads a transcript; name is used in errors, which are of type *Error.
// Hex may be in either case with blanks inside. Every command must have its
// answer line before the next one; a comment may stand between them.
func Parse(name string, data []byte) (*Transcript, error) {
	p := parser{t: &Transcript{Name: name}}
	if err := p.parse(data); err != nil {
		err.Name = name
		return nil, err
	}
	return p.t, nil
}

type parser struct {
	t      *Transcript
	line   int
	open   int // line of a command that waits for its answer, 0 for none
	header bool
}

func (p *parser) parse(data []byte) *Error {
	if len(data) > MaxSize {
		return p.fail(1, "%d bytes; a transcript has at most %d", len(data), MaxSize)
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	for len(data) > 0 {
		var raw []byte
		raw, data, _ = bytes.Cut(data, []byte("\n"))
		if p.line++; p.line > MaxLines {
			return p.fail(1, "more than %d lines: split the file", MaxLines)
		}
		if err := p.parseLine(string(bytes.TrimSuffix(raw, []byte("\r")))); err != nil {
			return err
		}
	}
	switch {
	case p.open > 0:
		p.line = p.open
		return p.fail(1, "the command has no answer; write `< !` when none is known")
	case !p.t.Ours() && len(p.t.Exchanges()) == 0:
		return p.fail(1, "no exchange: a transcript has lines of > COMMAND and < ANSWER in hex")
	}
	return nil
}

// fail makes an error at a column, counted in bytes from 1, of the current
// line.
func (p *parser) fail(column int, format string, args ...any) *Error {
	return &Error{Line: max(p.line, 1), Column: column, Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) parseLine(s string) *Error {
	if i := badText(s); i >= 0 {
		return p.fail(i+1, "not plain UTF-8 text; remove or convert the character")
	}
	text := strings.TrimLeft(s, " \t")
	column := len(s) - len(text) + 1
	if !strings.HasPrefix(text, "#") {
		p.header = false
	}
	switch {
	case text == "":
		p.add(Line{Kind: Blank})
		return nil
	case text[0] == '#':
		return p.comment(text[1:], column)
	case text[0] == '>':
		return p.command(text[1:], column+1)
	case text[0] == '<':
		return p.response(text[1:], column+1)
	case text[0] == '!':
		return p.event(text[1:], column)
	default:
		return p.fail(column, "a line starts with > (command), < (answer), # (comment) or ! (event)")
	}
}

// badText finds the first byte that is not printable text, -1 if there is
// none: what a transcript says is shown on terminals.
func badText(s string) int {
	for i, r := range s {
		if r == utf8.RuneError || (r != '\t' && unicode.IsControl(r)) {
			return i
		}
	}
	return -1
}

func (p *parser) add(l Line) { p.t.Lines = append(p.t.Lines, l) }

// comment reads a header field of a file of ours, or a comment. The header
// begins with the first line and ends at the first that is no comment.
func (p *parser) comment(text string, column int) *Error {
	key, value, ok := cutField(text)
	switch {
	case ok && key == versionKey && p.line == 1:
		p.header = true
	case ok && key == versionKey:
		return p.fail(column, "`# %s:` marks a file of ours and must be its first line", versionKey)
	case !p.header:
		p.add(Line{Kind: Comment, Text: text})
		return nil
	case !ok:
		return p.fail(column, "want `# key: value` in the header; a blank line ends it")
	}
	if reason := checkField(p.t.Header, Field{key, value}); reason != "" {
		return p.fail(column+1+strings.Index(text, key), "%s", reason)
	}
	p.t.Header = append(p.t.Header, Field{key, value})
	return nil
}

// cutField splits " key: value". Keys are lower-case words with hyphens.
func cutField(text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(strings.TrimSpace(text), ":")
	if !ok || !isName(key) {
		return "", "", false
	}
	return key, strings.TrimSpace(value), true
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

func (p *parser) command(text string, column int) *Error {
	if p.open > 0 {
		return p.fail(column-1, "the command of line %d has no answer yet; write `< !` when none is known", p.open)
	}
	p.open = p.line
	if strings.TrimSpace(text) == "?" {
		p.add(Line{Kind: AnyCommand})
		return nil
	}
	b, err := p.hex(text, column, "`> ?` stands for a command that is not known")
	if err == nil {
		p.add(Line{Kind: Command, Bytes: b})
	}
	return err
}

func (p *parser) response(text string, column int) *Error {
	if p.open == 0 {
		return p.fail(column-1, "an answer without a command; write `> ?` before it when the command is not known")
	}
	p.open = 0
	if strings.TrimSpace(text) == "!" {
		p.add(Line{Kind: Lost})
		return nil
	}
	b, err := p.hex(text, column, "`< !` stands for an answer that never came")
	if err == nil {
		p.add(Line{Kind: Response, Bytes: b})
	}
	return err
}

// event reads a "!" line. Between a command and its answer nothing else can
// happen.
func (p *parser) event(text string, column int) *Error {
	words := strings.Fields(text)
	switch {
	case !p.t.Ours():
		return p.fail(column, "events need a file that starts with `# %s: %s`", versionKey, version)
	case p.open > 0:
		return p.fail(column, "the command of line %d has no answer yet", p.open)
	case len(words) == 1 && words[0] == "tear":
		p.add(Line{Kind: Tear})
	case len(words) == 1 && words[0] == "reset":
		p.add(Line{Kind: Reset})
	case len(words) == 1 && words[0] == "verify":
		p.add(Line{Kind: Verify})
	case len(words) == 2 && words[0] == "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil || d <= 0 || d > MaxWait {
			return p.fail(column, "want a duration such as 1.3s, at most %s", MaxWait)
		}
		p.add(Line{Kind: Wait, Wait: d})
	default:
		return p.fail(column, "want `! tear`, `! reset`, `! verify` or `! wait DURATION`")
	}
	return nil
}

// hex reads at least one byte; blanks may stand between digits. Errors never
// quote the digits: they may be an account number.
func (p *parser) hex(text string, column int, hint string) ([]byte, *Error) {
	out := make([]byte, 0, len(text)/2)
	half := -1
	for i := 0; i < len(text); i++ {
		c := text[i]
		v := hexValue(c)
		switch {
		case c == ' ' || c == '\t':
			continue
		case v < 0:
			return nil, p.fail(column+i, "not a hex digit; a comment needs its own line")
		case half < 0:
			half = v
			continue
		}
		out, half = append(out, byte(half<<4|v)), -1
	}
	switch {
	case half >= 0:
		return nil, p.fail(column+len(text), "odd number of hex digits: half a byte is missing")
	case len(out) == 0:
		return nil, p.fail(column, "no hex digits; %s", hint)
	case len(out) > MaxBytes:
		return nil, p.fail(column, "%d bytes; an APDU has at most %d", len(out), MaxBytes)
	}
	return out, nil
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c - 'A' + 10)
	case c >= 'a' && c <= 'f':
		return int(c - 'a' + 10)
	}
	return -1
}
