package interop

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	pn532Write = regexp.MustCompile(`(?i)\bwrite:\s+((?:[0-9a-f]{1,2}\s+)*[0-9a-f]{1,2})\s*$`)
	pn532Read  = regexp.MustCompile(`(?i)\bread:\s+((?:[0-9a-f]{1,2}\s+)*[0-9a-f]{1,2})\s*$`)
)

// Codes of the PN532 (NXP user manual, 7.3.8).
const (
	pn532Exchange = 0x40
	pn532Answer   = 0x41
)

// readPN532 reads what libraries for the PN532 print: InDataExchange with the
// number of the card and the command, its answer with a status byte in front;
// bytes without leading zeros.
func readPN532(in *input, s *session) error {
	found := false
	err := in.each(func(n int, line string) error {
		if m := pn532Write.FindStringSubmatch(line); m != nil {
			if b := looseBytes(m[1]); len(b) >= 6 && b[0] == pn532Exchange {
				s.command(b[2:])
			}
			return nil
		}
		m := pn532Read.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		switch b := looseBytes(m[1]); {
		case len(b) < 2 || b[0] != pn532Answer:
		case b[1] != 0: // the card is gone, or the like
			s.lost()
		default:
			found = true
			s.answer(b[2:])
		}
		return nil
	})
	if err == nil && !found {
		err = isAbsent("no lines write: 40 .. and read: 41 ..")
	}
	return err
}

// looseBytes reads bytes that may lack a leading zero.
func looseBytes(text string) []byte {
	var b []byte
	for _, word := range strings.Fields(text) {
		v, _ := strconv.ParseUint(word, 16, 8)
		b = append(b, byte(v))
	}
	return b
}
