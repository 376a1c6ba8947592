package interop

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

var opensCReceived = regexp.MustCompile(`^Received \(SW1=0x([0-9A-Fa-f]{2}), SW2=0x([0-9A-Fa-f]{2})\)(:?)`)

// readOpenSC reads the output of `opensc-tool -s`: the command in a line, the
// status word in the next, and the data below as a dump.
func readOpenSC(in *input, s *session) error {
	var data, sw []byte
	found, dump := false, false
	flush := func() {
		if sw != nil {
			s.answer(append(data, sw...))
		}
		data, sw, dump = nil, nil, false
	}
	err := in.each(func(n int, line string) error {
		if command, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "Sending: "); ok {
			flush()
			b, err := hexOf(n, command)
			if err == nil {
				s.command(b)
				found = true
			}
			return err
		}
		if m := opensCReceived.FindStringSubmatch(strings.TrimLeft(line, " \t")); m != nil {
			flush()
			sw, _ = hex.DecodeString(m[1] + m[2])
			dump = m[3] != ""
			return nil
		}
		if row, ok := dumpRow(line, -1); ok && dump {
			data = append(data, row...)
			dump = len(row) == 16
			return nil
		}
		dump = false
		return nil
	})
	flush()
	if err == nil && !found {
		err = isAbsent("no line `Sending: ..`")
	}
	return err
}

var opensCBlock = regexp.MustCompile(`^(Outgoing|Incoming) APDU(?: data)? [(\[] ?(\d+) bytes`)

// readOpenSCDebug reads the log that OPENSC_DEBUG=3 makes: dumps of what went
// out and came in, with their lengths.
func readOpenSCDebug(in *input, s *session) error {
	var data []byte
	want, at, out, found := 0, 0, false, false
	done := func() {
		if out {
			s.command(data)
		} else {
			s.answer(data)
		}
		data, want = nil, 0
	}
	err := in.each(func(n int, line string) error {
		if m := opensCBlock.FindStringSubmatch(strings.TrimLeft(line, " \t")); m != nil {
			if want > 0 {
				return wrongLength(at, want, len(data))
			}
			want, _ = strconv.Atoi(m[2])
			at, out, found = n, m[1] == "Outgoing", true
			if want == 0 {
				done()
			}
			return nil
		}
		if want == 0 {
			return nil
		}
		row, ok := dumpRow(line, want-len(data))
		if !ok {
			return wrongLength(at, want, len(data))
		}
		if data = append(data, row...); len(data) == want {
			done()
		}
		return nil
	})
	switch {
	case err == nil && want > 0:
		return atEnd(wrongLength(at, want, len(data)))
	case err == nil && !found:
		return isAbsent("no line `Outgoing APDU (n bytes):`")
	}
	return err
}

// readOpenSCScript reads the commands on a command line of opensc-tool.
func readOpenSCScript(in *input, s *session) error {
	found := false
	var words []string
	err := in.each(func(n int, line string) error {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			return nil
		}
		if strings.Contains(line, "opensc-tool") {
			found = true
		}
		words = append(words, strings.Fields(strings.TrimSuffix(line, `\`))...)
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return isAbsent("no command line of opensc-tool")
	}
	for i, w := range words {
		if (w == "-s" || w == "--send-apdu") && i+1 < len(words) {
			w = words[i+1]
		} else if v, ok := strings.CutPrefix(w, "--send-apdu="); ok {
			w = v
		} else {
			continue
		}
		if b, _ := hexRun(strings.Trim(w, `"'`)); b != nil {
			s.command(b)
		}
	}
	s.note("a script has no answers; each command has `< !`")
	return nil
}
