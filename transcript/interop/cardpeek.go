package interop

import (
	"fmt"
	"regexp"
	"strings"
)

// readCLF reads cardpeek's replay file: "R:ATR" for a reset, and
// "C:command:SW:data" for an exchange.
func readCLF(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			return nil
		case strings.HasPrefix(line, "R:"):
			b, rest := hexRun(line[2:])
			if b == nil || rest != "" {
				return isAbsent("line %d: no answer to reset behind R:", n)
			}
			s.reset()
			s.remark(fmt.Sprintf("atr: %X", b))
			return nil
		}
		f := strings.Split(line, ":")
		if len(f) != 4 || f[0] != "C" {
			return clfError(found, n, "want R:ATR or C:COMMAND:SW:DATA")
		}
		command, rest := hexRun(f[1])
		sw, rest2 := hexRun(f[2])
		data, rest3 := hexRun(f[3])
		if command == nil || len(sw) != 2 || rest+rest2+rest3 != "" {
			return clfError(found, n, "a command, a status word of four digits and data, all in hex")
		}
		found = true
		s.command(command)
		s.answer(append(data, sw...))
		return nil
	})
	if err == nil && !found {
		err = isAbsent("no line C:COMMAND:SW:DATA")
	}
	return err
}

func clfError(found bool, line int, reason string) error {
	if found {
		return fmt.Errorf("line %d: %s", line, reason)
	}
	return isAbsent("line %d: %s", line, reason)
}

var (
	peekSend = regexp.MustCompile(`\bsend: *([0-9A-Fa-f]{2}.*)$`)
	peekRecv = regexp.MustCompile(`\bRecv: *([0-9A-Fa-f]{4})\b(.*)$`)
)

// readCardpeekLog reads the text of cardpeek's log window: send and Recv, the
// status word first. The window cuts long data and says so with (...).
func readCardpeekLog(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		if m := peekSend.FindStringSubmatch(line); m != nil && s.exchanges < maxExchanges {
			b, err := hexOf(n, m[1])
			if err != nil && !strings.Contains(string(in.raw), "Recv:") {
				return isAbsent("no line with Recv:")
			}
			if err == nil {
				s.command(b)
			}
			return err
		}
		m := peekRecv.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		found = true
		sw, _ := hexRun(m[1])
		data, err := hexOf(n, m[2])
		if err == nil {
			s.answer(append(data, sw...))
		}
		return err
	})
	if err == nil && !found {
		err = isAbsent("no lines with send: and Recv:")
	}
	return err
}
