package interop

import (
	"fmt"
	"strings"
	"unicode"

	"tapsim/transcript"
)

// session is what a reader builds: commands and their answers in order.
type session struct {
	lines     []transcript.Line
	exchanges int
	answers   int
	open      bool // a command waits for its answer
	off       bool // the card lost power since the last command
	failed    error
	notes     []string
	whole     *transcript.Transcript // taken over as it is
}

// command adds a command; nil is one that the source hides. One before it that
// has no answer stays without.
func (s *session) command(b []byte) {
	s.lost()
	switch {
	case s.failed != nil:
		return
	case s.exchanges == maxExchanges:
		s.failed = fmt.Errorf("more than %d exchanges", maxExchanges)
		return
	case len(b) > transcript.MaxBytes:
		s.failed = fmt.Errorf("a command of %d bytes; at most %d", len(b), transcript.MaxBytes)
		return
	}
	if s.off && s.exchanges > 0 {
		s.lines = append(s.lines, transcript.Line{Kind: transcript.Blank}, transcript.Line{Kind: transcript.Reset})
	}
	s.off, s.open = false, true
	s.exchanges++
	l := transcript.Line{Kind: transcript.AnyCommand}
	if b != nil {
		l = transcript.Line{Kind: transcript.Command, Bytes: b}
		s.remark(transcript.NewExplainer(false).Explain(b, nil).Name)
	}
	s.lines = append(s.lines, l)
}

// answer adds the answer to the command before it; to none, when the source
// begins in the middle. An empty one is an answer that never came.
func (s *session) answer(b []byte) {
	switch {
	case len(b) == 0:
		s.lost()
		return
	case len(b) > transcript.MaxBytes && s.failed == nil:
		s.failed = fmt.Errorf("an answer of %d bytes; at most %d", len(b), transcript.MaxBytes)
	case !s.open:
		s.command(nil)
	}
	if s.failed != nil {
		return
	}
	s.open = false
	s.answers++
	s.lines = append(s.lines, transcript.Line{Kind: transcript.Response, Bytes: b})
}

// lost ends a command that has no answer.
func (s *session) lost() {
	if s.open {
		s.lines = append(s.lines, transcript.Line{Kind: transcript.Lost})
	}
	s.open = false
}

// reset notes that the card lost power or was reset.
func (s *session) reset() {
	s.lost()
	s.off = true
}

// remark adds a comment.
func (s *session) remark(text string) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	s.lines = append(s.lines, transcript.Line{Kind: transcript.Comment, Text: " " + strings.TrimSpace(text)})
}

// note says what could not be taken over.
func (s *session) note(format string, args ...any) {
	if len(s.notes) < 20 {
		s.notes = append(s.notes, fmt.Sprintf(format, args...))
	}
}

func (s *session) finish() error {
	if s.failed == nil {
		s.stopped()
	}
	s.lost()
	switch {
	case s.failed != nil:
		return s.failed
	case s.whole == nil && s.exchanges == 0:
		return isAbsent("it holds no exchange")
	}
	return nil
}

// transcript is the session as a file of ours.
func (s *session) transcript(f format) (*transcript.Transcript, error) {
	if s.whole != nil {
		return s.whole, nil
	}
	header, err := transcript.NewHeader(map[string]string{"source": "imported: " + f.title})
	if err != nil {
		return nil, err
	}
	t := &transcript.Transcript{Header: header, Lines: append([]transcript.Line{{Kind: transcript.Blank}}, s.lines...)}
	_, err = transcript.Format(t)
	return t, err
}
