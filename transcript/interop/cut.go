package interop

import (
	"errors"
	"fmt"
	"strings"

	"tapsim/apdu"
	"tapsim/transcript"
)

// Logs stop: a program fails, a terminal window ends, a download breaks off.
// What is complete is imported from all formats, the last command stands
// without an answer, and a note says so. Data that are cut in the middle of a
// log, so that the exchanges behind them are there, are an error: the program
// has abbreviated what it shows, and the session would not be what it was.

// cutError says that data are cut.
type cutError struct {
	reason string
	end    bool // nothing follows in the input
}

func (e *cutError) Error() string { return e.reason }

func cutAt(line int) error {
	return &cutError{reason: fmt.Sprintf("line %d: the data are cut: the source shows only their beginning, so the exchange cannot be imported", line)}
}

func wrongLength(line, said, came int) error {
	if came < said {
		return &cutError{reason: fmt.Sprintf("line %d: %d bytes announced, %d there: the log is cut", line, said, came)}
	}
	return fmt.Errorf("line %d: %d bytes announced, %d there", line, said, came)
}

// atEnd marks an error about cut data as one at the end of the input.
func atEnd(err error) error {
	var cut *cutError
	if errors.As(err, &cut) {
		cut.end = true
	}
	return err
}

// stops is true for an error that says no more than that the log stops.
func stops(err error) bool {
	var cut *cutError
	return errors.As(err, &cut) && cut.end
}

// blank is true when nothing is left of an input.
func blank(lines []string) bool {
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			return false
		}
	}
	return true
}

// stopped ends a session whose log stops in the middle of an exchange: a command
// that is not whole is left out, an answer that is not whole never came.
func (s *session) stopped() {
	if s.open && s.answers > 0 {
		last := len(s.lines) - 1
		if _, err := apdu.ParseCommand(s.lines[last].Bytes); err != nil && s.lines[last].Kind == transcript.Command {
			s.note("exchange %d: the command is cut: left out", s.exchanges)
			s.lines = s.lines[:last-1] // and its name
			s.exchanges--
			s.open = false
		} else {
			s.note("exchange %d: the log ends before the answer: no answer recorded", s.exchanges)
		}
	}
	n, continues := 0, false
	for i := range s.lines {
		switch l := &s.lines[i]; l.Kind {
		case transcript.Command, transcript.AnyCommand:
			n++
		case transcript.Response:
			continued := continues
			continues = fetched(l.Bytes, s.lines[i+1:])
			if !continued && !continues && unfilled(l.Bytes) || n == s.exchanges && !hasStatus(l.Bytes) {
				s.note("exchange %d: the answer is cut: no answer recorded", n)
				*l = transcript.Line{Kind: transcript.Lost}
			}
		}
	}
}

// fetched is true for an answer whose rest the next command fetches.
func fetched(answer []byte, behind []transcript.Line) bool {
	if len(answer) < 2 || answer[len(answer)-2] != 0x61 {
		return false
	}
	for _, l := range behind {
		if l.Kind == transcript.Command || l.Kind == transcript.AnyCommand {
			return l.Bytes == nil || len(l.Bytes) > 1 && l.Bytes[1] == 0xC0 // GET RESPONSE
		}
	}
	return false
}

// unfilled is true for an answer in a template of EMV that announces more bytes
// than there are. One that ends in 9000 is what a card sent: it is damaged, not
// cut.
func unfilled(b []byte) bool {
	if len(b) < 2 || b[len(b)-2] == 0x90 && b[len(b)-1] == 0 {
		return false
	}
	switch b[0] {
	case 0x6F, 0x70, 0x77, 0x80:
	default:
		return false
	}
	n, head := int(b[1]), 2
	switch {
	case b[1] == 0x81 && len(b) > 2:
		n, head = int(b[2]), 3
	case b[1] == 0x82 && len(b) > 3:
		n, head = int(b[2])<<8|int(b[3]), 4
	}
	return head+n+2 > len(b)
}

// hasStatus is true for an answer that can end in a status word: 6X or 9X
// (ISO/IEC 7816-4, 5.6), but for 60.
func hasStatus(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	sw1 := b[len(b)-2]
	return sw1 > 0x60 && sw1 <= 0x6F || sw1 >= 0x90 && sw1 <= 0x9F
}
