package interop

import (
	"regexp"
	"strings"

	"tapsim/apdu"
)

// commandLike is true for bytes that can be a command of a card: a class that
// cards use and a form that parses.
func commandLike(b []byte) bool {
	if len(b) < 4 || b[0]&0xF0 != 0x00 && b[0]&0xF0 != 0x80 && b[0]&0xF0 != 0x90 && b[0] != 0xFF && b[0] != 0xA0 && b[0] != 0xD0 && b[0]&0xC0 != 0x40 {
		return false
	}
	_, err := apdu.ParseCommand(b)
	return err == nil
}

// answerLike is true for bytes that end in a status word.
func answerLike(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	sw1 := b[len(b)-2]
	return sw1 == 0x90 && b[len(b)-1] == 0 || sw1 >= 0x61 && sw1 <= 0x6F || sw1 >= 0x91 && sw1 <= 0x9F
}

// readDump reads lines of hex that are a command and its answer in turn, with
// comments between: apdu4j's dump format.
func readDump(in *input, s *session) error {
	var all [][]byte
	var at []int
	err := in.each(func(n int, line string) error {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			return nil
		}
		b, rest := hexRun(text)
		if isCut(rest) && b != nil {
			return isAbsent("line %d: the data are cut", n)
		}
		if b == nil || rest != "" || len(all) == 2*maxExchanges {
			return isAbsent("line %d: not only hex", n)
		}
		all, at = append(all, b), append(at, n)
		return nil
	})
	if err != nil {
		return err
	}
	declared := strings.Contains(string(in.raw), "# PROTOCOL:") || strings.Contains(string(in.raw), "# ATR:")
	for i, b := range all {
		if i%2 == 1 && !answerLike(b) {
			return isAbsent("line %d: an answer ends in a status word", at[i])
		}
		if i%2 == 0 && !declared && !commandLike(b) {
			return isAbsent("line %d: no command", at[i])
		}
	}
	switch {
	case len(all) == 0:
		return isAbsent("no lines of hex")
	case len(all)%2 == 1 && declared:
		s.note("line %d: a command without its answer: an odd number of lines", at[len(at)-1])
	case len(all)%2 == 1:
		return isAbsent("an odd number of lines: commands and answers come in turn")
	}
	for i, b := range all {
		if i%2 == 0 {
			s.command(b)
		} else {
			s.answer(b)
		}
	}
	return nil
}

var freeHex = regexp.MustCompile(`(?:\b|[^0-9A-Za-z])((?:[0-9A-Fa-f]{2}[ :]?){2,})(?:\b|$)`)

// readFreeText is the last resort: lines that hold one longer run of hex each,
// which are commands and answers in turn.
func readFreeText(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		b, rest := longest(line)
		switch {
		case b == nil:
			return nil
		case isCut(rest):
			return isAbsent("line %d: the data are cut", n)
		case !s.open && commandLike(b):
			s.command(b)
		case s.open && answerLike(b):
			s.answer(b)
			found = true
		case len(b) >= 4:
			return isAbsent("line %d: hex that is neither a command nor the answer to one", n)
		}
		return nil
	})
	if err == nil && (!found || s.open) {
		err = isAbsent("no commands and answers in turn")
	}
	if err == nil {
		s.note("read as commands and answers in turn: check that the lines are what they seem")
	}
	return err
}

// longest finds the longest run of hex in a line, and what follows it.
func longest(line string) (b []byte, rest string) {
	for _, at := range freeHex.FindAllStringSubmatchIndex(line, 100) {
		run, after := hexRun(line[at[2]:])
		if len(run) > len(b) {
			b, rest = run, after
		}
	}
	return b, rest
}
