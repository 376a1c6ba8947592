package interop

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	spyCall   = regexp.MustCompile(`^SCard?[A-Z]\w+$`) // it writes SCarControl
	spyLength = regexp.MustCompile(`^([io]) b(?:Send|Recv)Length 0x[0-9A-Fa-f]+ \((\d+)\)`)
	spyRow    = regexp.MustCompile(`^([io])  [0-9A-Fa-f]{4,8} (.*)$`)
	spyResult = regexp.MustCompile(`^=> .*\[0x([0-9A-Fa-f]{8})\]`)
)

// spyCallState is one call in a pcsc-spy log.
type spyCallState struct {
	transmit bool
	in, out  []byte
	lengths  map[string]int
	line     int
}

// readSpy reads the log of pcsc-spy: a block for each call of the library, its
// buffers as dumps, its result at the end. Only SCardTransmit carries commands;
// SCardControl looks the same.
func readSpy(in *input, s *session) error {
	call := spyCallState{}
	found := false
	err := in.each(func(n int, line string) error {
		text := strings.TrimLeft(line, " \t")
		if spyCall.MatchString(strings.TrimSpace(text)) {
			name := strings.TrimSpace(text)
			found = found || name == "SCardTransmit"
			if name == "SCardConnect" || name == "SCardReconnect" {
				s.reset()
			}
			call = spyCallState{transmit: name == "SCardTransmit", lengths: map[string]int{}, line: n}
			return nil
		}
		if !call.transmit {
			return nil
		}
		if m := spyLength.FindStringSubmatch(text); m != nil {
			call.lengths[m[1]], _ = strconv.Atoi(m[2])
			return nil
		}
		if m := spyRow.FindStringSubmatch(text); m != nil {
			call.row(m[1], m[2])
			return nil
		}
		if m := spyResult.FindStringSubmatch(text); m != nil {
			call.transmit = false
			return call.end(s, m[1] == "00000000")
		}
		return nil
	})
	switch {
	case err == nil && !found:
		return isAbsent("no call SCardTransmit")
	case err == nil && call.transmit && call.in != nil: // the log ends before the call returned
		s.command(call.in)
	}
	return err
}

func (c *spyCallState) row(direction, text string) {
	buffer := &c.in
	if direction == "o" {
		buffer = &c.out
	}
	limit := -1
	if n, ok := c.lengths[direction]; ok {
		limit = n - len(*buffer)
	}
	if row, ok := dumpRow(text, limit); ok {
		*buffer = append(*buffer, row...)
	}
}

func (c *spyCallState) end(s *session, success bool) error {
	if n, ok := c.lengths["i"]; ok && n != len(c.in) {
		return wrongLength(c.line, n, len(c.in))
	}
	s.command(c.in)
	if !success {
		return nil
	}
	if n, ok := c.lengths["o"]; ok && n != len(c.out) {
		return wrongLength(c.line, n, len(c.out))
	}
	s.answer(c.out)
	return nil
}
