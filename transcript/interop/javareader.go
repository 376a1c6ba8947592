package interop

import (
	"regexp"
	"strings"
)

var (
	javaStep   = regexp.MustCompile(`^\[Step \d+\]`)
	javaField  = regexp.MustCompile(`^(response hex|response SW1SW2|response ascii|response parsed|command)\s*:?\s*(.*)$`)
	javaMarker = "response SW1SW2"
)

// readJavaReader reads the log of javaemvreader: a step with its title between
// lines of hyphens, the command in rows of 16 bytes, "response hex" and the
// answer in rows below or behind, "response SW1SW2" and the status word.
func readJavaReader(in *input, s *session) error {
	if !strings.Contains(string(in.raw), javaMarker) {
		return isAbsent("no line `response SW1SW2 :`")
	}
	var command, data []byte
	where := ""
	err := in.each(func(n int, line string) error {
		text := strings.TrimSpace(line)
		if javaStep.MatchString(text) {
			command, data, where = nil, nil, "command"
			return nil
		}
		if m := javaField.FindStringSubmatch(text); m != nil {
			where, text = m[1], strings.TrimSpace(m[2])
		}
		b, rest := hexRun(text)
		switch {
		case where == "command" && rest == "" && b != nil:
			command = append(command, b...)
		case where == "response hex" && rest == "":
			data = append(data, b...)
		case where == "response SW1SW2" && len(b) == 2:
			s.command(command)
			s.answer(append(data, b...))
			command, data, where = nil, nil, "done"
		case isCut(rest) && where != "done" && where != "":
			return cutAt(n)
		}
		return nil
	})
	if command != nil && (err == nil || stops(err)) { // the log ends before the answer
		s.command(command)
	}
	return err
}
