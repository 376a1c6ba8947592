package interop

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// quoted is the text of an echo.
var quoted = regexp.MustCompile(`"[^"]*"`)

var apdutoolByte = regexp.MustCompile(`^0[xX]([0-9A-Fa-f]{1,2})$`)

// readAPDUToolScript reads a script of the Java Card kit's apdutool and of
// jCardSim: bytes as 0xHH, which may go on over lines, up to a semicolon, and
// the words powerup and powerdown.
func readAPDUToolScript(in *input, s *session) error {
	var text strings.Builder
	if err := in.each(func(_ int, line string) error {
		line, _, _ = strings.Cut(quoted.ReplaceAllString(line, ""), "//")
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			text.WriteString(line + " ")
		}
		return nil
	}); err != nil {
		return err
	}
	found := false
	for n, statement := range strings.Split(text.String(), ";") {
		words := strings.Fields(statement)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "powerup", "powerdown", "contacted", "contactless":
			s.reset()
			continue
		case "echo", "delay", "output", "extended", "select", "create", "open", "close":
			continue
		}
		var b []byte
		for _, w := range words {
			m := apdutoolByte.FindStringSubmatch(strings.TrimSuffix(w, ","))
			if m == nil {
				return apdutoolError(found, n+1, "want bytes as 0x00, or a word such as powerup")
			}
			v, _ := strconv.ParseUint(m[1], 16, 8)
			b = append(b, byte(v))
		}
		if len(b) < 4 {
			return apdutoolError(found, n+1, "a command has four bytes at least")
		}
		found = true
		s.command(withoutNeedlessLe(b))
	}
	if !found {
		return isAbsent("no command of bytes as 0x00 with a semicolon behind")
	}
	s.note("a script has no answers; each command has `< !`")
	return nil
}

func apdutoolError(found bool, n int, reason string) error {
	if found {
		return fmt.Errorf("statement %d: %s", n, reason)
	}
	return isAbsent("statement %d: %s", n, reason)
}

// withoutNeedlessLe makes a command of the form CLA INS P1 P2 Lc data Le, in
// which Lc is there even when it is 0: then the byte behind it is Le.
func withoutNeedlessLe(b []byte) []byte {
	if len(b) == 6 && b[4] == 0 {
		return append(b[:4:4], b[5])
	}
	return b
}

var apdutoolLine = regexp.MustCompile(`CLA: ?([0-9a-fA-F]{2}), INS: ?([0-9a-fA-F]{2}), P1: ?([0-9a-fA-F]{2}), P2: ?([0-9a-fA-F]{2}), ` +
	`Lc: ?([0-9a-fA-F]{2,6}),(.*)SW1: ?([0-9a-fA-F]{2}), SW2: ?([0-9a-fA-F]{2})`)

// readAPDUTool reads what those programs print: the command with names, "Le:"
// and the length of the answer, its bytes, and the status word.
func readAPDUTool(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		m := apdutoolLine.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		found = true
		head, _ := hex.DecodeString(m[1] + m[2] + m[3] + m[4])
		sw, _ := hex.DecodeString(m[7] + m[8])
		lc, _ := strconv.ParseUint(m[5], 16, 32)
		sent, received, _ := strings.Cut(m[6], "Le:")
		data, _ := hexRun(sent)
		if int(lc) != len(data) {
			return wrongLength(n, int(lc), len(data))
		}
		command := head
		if len(data) > 0 {
			command = append(append(command, byte(len(data))), data...)
		}
		le, answer, _ := strings.Cut(received, ",")
		got, _ := hexRun(answer)
		if want, err := strconv.ParseUint(strings.TrimSpace(le), 16, 32); err == nil && int(want) != len(got) {
			return wrongLength(n, int(want), len(got))
		}
		s.command(append(command, 0)) // the output does not show the Le that was sent
		s.answer(append(got, sw...))
		return nil
	})
	if err == nil && !found {
		err = isAbsent("no line `CLA: 00, INS: a4, .. SW1: 90, SW2: 00`")
	}
	return err
}
