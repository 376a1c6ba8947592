package interop

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// labelled is a format in which a line is a whole command or answer behind a
// label. Expressions may name groups: hex the bytes, n how many there are, sw
// the status word when it stands apart, off marks a reset.
type labelled struct {
	name, title     string
	command, answer *regexp.Regexp
	off             *regexp.Regexp
	hidden          bool // an empty command is one that is not known
	later           bool // a second command before the answer takes the place of the first
}

func labelledFormats() []format {
	re := regexp.MustCompile
	table := []labelled{
		{name: "pcscd", title: "pcscd --apdu log (APDU: and SW:)",
			command: re(`(?:^|[\s\]])APDU: ?(?P<hex>.*)$`), answer: re(`(?:^|[\s\]])SW: ?(?P<hex>.*)$`),
			off: re(`Card ATR:|powerState: POWER_STATE_POWERED|Card inserted into|Card Removed`)},
		{name: "devnied", title: "EMV-NFC-Paycard log or fixture (send: and resp:)", hidden: true,
			command: re(`(?:^|[\s-])send: ?(?P<hex>.*)$`), answer: re(`(?:^|[\s-])resp: ?(?P<hex>.*)$`)},
		{name: "android", title: "Android reader log (command length n data, response length n data)",
			command: re(`(?i)\bcommand\s+length:? *(?P<n>\d+) +data:? *(?P<hex>.*)$`),
			answer:  re(`(?i)\bresponse\s+length:? *(?P<n>\d+) +data:? *(?P<hex>.*)$`)},
		{name: "python-emv", title: "python-emv log (Tx: and Rx:)",
			command: re(`\bTx: \[(?P<hex>[^\]]*)\]?`), answer: re(`\bRx: \[(?P<hex>[^\]]*)\], SW1: ?(?P<sw>[0-9A-Fa-f]{2}, SW2: ?[0-9A-Fa-f]{2})`)},
		{name: "emvpt", title: "emvpt session (req and res)",
			command: re(`^\s*-?\s*req:\s*["']?(?P<hex>[^"']*)`), answer: re(`^\s*-?\s*res:\s*["']?(?P<hex>[^"']*)`)},
		{name: "flipper", title: "Flipper Zero log (NFC transmit, NFC response)",
			command: re(`NFC transmit (?P<n>\d+): ?(?P<hex>.*)$`), answer: re(`NFC response (?P<n>\d+): ?(?P<hex>.*)$`)},
		{name: "neapay", title: "terminal and card log (T-->C, T<--C)",
			command: re(`\bT-+>\s?C\b[ :-]*(?P<hex>.*)$`), answer: re(`\bT<-+\s?C\b[ :-]*(?P<hex>.*)$`)},
		{name: "pos-sdk", title: "payment terminal SDK log (SendAPDU data, transceive out)",
			command: re(`SendAPDU data: ?(?P<hex>[^,]*)`), answer: re(`transceive out: ?(?P<hex>.*)$`)},
		{name: "gpshell", title: "GPShell log (Command -->, Response <--)", later: true,
			command: re(`\b(?:Command|Wrapped command) --> ?(?P<hex>.*)$`), answer: re(`\bResponse <-- ?(?P<hex>.*)$`)},
		{name: "c-apdu", title: "log with C-APDU and R-APDU",
			command: re(`(?i)\b(?:c-?apdu|command apdu|apdu command)\b[ :=>-]*(?P<hex>[0-9A-Fa-f].*)$`),
			answer:  re(`(?i)\b(?:r-?apdu|response apdu|apdu response)\b[ :=<-]*(?P<hex>[0-9A-Fa-f].*)$`)},
	}
	list := make([]format, 0, len(table)+1)
	for _, l := range table {
		list = append(list, format{l.name, l.title, l.read})
	}
	return append(list, format{"kormax", "log of ISO7816Command(..) and ISO7816Response(..)", readKormax})
}

func (l labelled) read(in *input, s *session) error {
	commands, answers := 0, 0
	err := in.each(func(n int, line string) error {
		if l.off != nil && l.off.MatchString(line) {
			s.reset()
			return nil
		}
		if m := l.command.FindStringSubmatch(line); m != nil {
			b, err := l.bytes(l.command, m, n)
			if err == nil && (b != nil || l.hidden) {
				commands++
				l.add(s, b)
			}
			return err
		}
		m := l.answer.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		b, err := l.bytes(l.answer, m, n)
		switch {
		case err != nil:
			return err
		case b != nil && (s.open || answers == 0):
			answers++
			s.answer(b)
		}
		return nil
	})
	if err == nil && (commands == 0 || answers == 0) {
		err = isAbsent("%s", l.missing(commands, answers))
	}
	return err
}

func (l labelled) missing(commands, answers int) string {
	switch {
	case commands == 0 && answers == 0:
		return "no such lines"
	case commands == 0:
		return "answers in its form, but no commands"
	}
	return "commands in its form, but no answers"
}

func (l labelled) add(s *session, b []byte) {
	if l.later && s.open {
		s.lines = s.lines[:len(s.lines)-2] // the command and its name
		s.open = false
		s.exchanges--
	}
	s.command(b)
}

// bytes are the bytes in a line, with its status word when that stands apart.
func (l labelled) bytes(re *regexp.Regexp, m []string, line int) ([]byte, error) {
	group := func(name string) string {
		if i := re.SubexpIndex(name); i >= 0 {
			return m[i]
		}
		return ""
	}
	b, err := hexOf(line, group("hex"))
	if err != nil {
		return nil, err
	}
	if want, err := strconv.Atoi(group("n")); err == nil && want != len(b) {
		return nil, wrongLength(line, want, len(b))
	}
	if sw := group("sw"); sw != "" {
		v, err := hex.DecodeString(sw[:2] + sw[len(sw)-2:])
		if err != nil {
			return nil, fmt.Errorf("line %d: no status word", line)
		}
		b = append(b, v...)
	}
	return b, nil
}

var (
	kormaxCommand = regexp.MustCompile(`ISO7816Command\(cla=0x([0-9a-fA-F]{2}); ins=0x([0-9a-fA-F]{2}); p1=0x([0-9a-fA-F]{2}); p2=0x([0-9a-fA-F]{2});(.*)\)`)
	kormaxAnswer  = regexp.MustCompile(`ISO7816Response\(sw1=0x([0-9a-fA-F]{2}); sw2=0x([0-9a-fA-F]{2});?(.*)\)`)
	kormaxData    = regexp.MustCompile(`data=([0-9a-fA-F]*)(\.*)`)
	kormaxNumber  = regexp.MustCompile(`\b(lc|le)=(\d+)`)
)

// readKormax reads logs of objects with named fields.
func readKormax(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		m, answer := kormaxCommand.FindStringSubmatch(line), false
		if m == nil {
			m, answer = kormaxAnswer.FindStringSubmatch(line), true
		}
		if m == nil {
			return nil
		}
		found = true
		tail := m[len(m)-1]
		var data []byte
		if d := kormaxData.FindStringSubmatch(tail); d != nil {
			if d[2] != "" {
				return cutAt(n)
			}
			data, _ = hex.DecodeString(d[1])
		}
		head, _ := hex.DecodeString(strings.Join(m[1:len(m)-1], ""))
		if answer {
			s.answer(append(data, head...))
			return nil
		}
		for _, v := range kormaxNumber.FindAllStringSubmatch(tail, -1) {
			if lc, _ := strconv.Atoi(v[2]); v[1] == "lc" && lc != len(data) {
				return wrongLength(n, lc, len(data))
			}
		}
		if len(data) > 0xFF {
			return fmt.Errorf("line %d: %d bytes of data do not fit a short command", n, len(data))
		}
		if len(data) > 0 {
			head = append(append(head, byte(len(data))), data...)
		}
		for _, v := range kormaxNumber.FindAllStringSubmatch(tail, -1) {
			if le, _ := strconv.Atoi(v[2]); v[1] == "le" {
				head = append(head, byte(le))
			}
		}
		s.command(head)
		return nil
	})
	if err == nil && !found {
		err = isAbsent("no ISO7816Command(..)")
	}
	return err
}
