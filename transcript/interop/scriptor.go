package interop

import (
	"fmt"
	"strings"
)

// readScriptor reads the output of pcsc-tools' scriptor: "> HEX", then "< HEX"
// which goes on in lines without a mark until one has " : " and the meaning of
// the status word. Lines of the script stand between, as an echo.
func readScriptor(in *input, s *session) error {
	var data []byte
	began := 0 // line of an answer that is not at its end
	found := false
	err := in.each(func(n int, line string) error {
		text := strings.TrimSpace(line)
		if began > 0 && found && strings.HasPrefix(text, "> ") { // it never shortens an answer: there was an error
			s.note("%v", s.cutAnswer(began, true))
			began, data = 0, nil
		}
		switch {
		case began > 0:
		case text == "> RESET":
			s.reset()
			found = true
			return nil
		case strings.HasPrefix(text, "< OK:"), strings.HasPrefix(text, "< KO:"):
			found = true
			return nil
		case strings.HasPrefix(text, "> "):
			if b, rest := hexRun(text[2:]); b != nil && rest == "" {
				s.command(b)
			}
			return nil
		case strings.HasPrefix(text, "< "):
			began, text = n, text[2:]
		default:
			return nil
		}
		row, rest := hexRun(text)
		data = append(data, row...)
		switch {
		case strings.HasPrefix(text, ":") || strings.Contains(text, " :"):
			found = true
			s.answer(data)
			began, data = 0, nil
		case (row == nil && text != "" || rest != "") && !found:
			return s.cutAnswer(began, found)
		}
		return nil
	})
	switch {
	case err == nil && began > 0:
		return atEnd(s.cutAnswer(began, found))
	case err == nil && !found:
		return isAbsent("no answer that ends in ` : ` and the meaning of its status word")
	}
	return err
}

func (s *session) cutAnswer(line int, known bool) error {
	if !known {
		return isAbsent("line %d: the answer does not end in ` : ` and the meaning of its status word", line)
	}
	return &cutError{reason: fmt.Sprintf("line %d: the answer ends without ` : ` and the meaning of its status word: the log is cut", line)}
}

// readScriptorScript reads a script for scriptor: a command a line, which a
// backslash continues on the next, comments, "reset" and "exit".
func readScriptorScript(in *input, s *session) error {
	var data []byte
	commands := 0
	err := in.each(func(n int, line string) error {
		text := strings.TrimSpace(line)
		lower := strings.ToLower(text)
		switch {
		case strings.Contains(lower, "exit"):
			return errEnd
		case text == "" || text[0] == '#':
			return nil
		case strings.Contains(lower, "reset"):
			s.reset()
			return nil
		}
		part, more := strings.CutSuffix(text, `\`)
		b, rest := hexRun(part)
		if b == nil || rest != "" {
			return isAbsent("line %d: neither a command in hex, nor reset, exit or a comment", n)
		}
		data = append(data, b...)
		if more {
			return nil
		}
		if !commandLike(data) {
			return isAbsent("line %d: no command", n)
		}
		s.command(data)
		data = nil
		commands++
		return nil
	})
	if err != nil && err != errEnd {
		return err
	}
	if commands == 0 {
		return isAbsent("no command in hex")
	}
	s.note("a script has no answers; each command has `< !`")
	return nil
}

var errEnd = fmt.Errorf("end of the script")
