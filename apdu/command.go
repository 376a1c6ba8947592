package apdu

import (
	"fmt"
)

// Limits of ISO/IEC 7816-4, 5.2: the data field and the expected length.
const (
	MaxShortData    = 255
	MaxShortNe      = 256
	MaxExtendedData = 65535
	MaxExtendedNe   = 65536
)

// Command is a command APDU (ISO/IEC 7816-4, 5.2). Data is the command data
// field, Ne the number of response bytes expected: 0 when the Le field is
// absent, 256 for a short Le of 00, 65536 for an extended Le of 0000.
// Extended asks for extended length fields even where short ones would do.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	Ne               int
	Extended         bool
}

// CommandError says what is wrong with a command and at which byte.
type CommandError struct {
	Offset int
	Reason string
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("command APDU, byte %d: %s", e.Offset, e.Reason)
}

// Case is the case number 1 to 4 of ISO/IEC 7816-4, 5.1.
func (c Command) Case() int {
	switch {
	case len(c.Data) == 0 && c.Ne == 0:
		return 1
	case len(c.Data) == 0:
		return 2
	case c.Ne == 0:
		return 3
	default:
		return 4
	}
}

// Append appends the coded command to dst. It fails when the data field or Ne
// exceeds what an extended length can carry.
func (c Command) Append(dst []byte) ([]byte, error) {
	if len(c.Data) > MaxExtendedData {
		return dst, &CommandError{4, fmt.Sprintf("data field of %d bytes, at most %d fit", len(c.Data), MaxExtendedData)}
	}
	if c.Ne < 0 || c.Ne > MaxExtendedNe {
		return dst, &CommandError{4, fmt.Sprintf("Ne %d is outside 0 to %d", c.Ne, MaxExtendedNe)}
	}
	dst = append(dst, c.CLA, c.INS, c.P1, c.P2)
	if c.Case() > 1 && (c.Extended || len(c.Data) > MaxShortData || c.Ne > MaxShortNe) {
		return c.appendExtended(dst), nil
	}
	if len(c.Data) > 0 {
		dst = append(dst, byte(len(c.Data)))
		dst = append(dst, c.Data...)
	}
	if c.Ne > 0 {
		dst = append(dst, byte(c.Ne)) // 256 wraps to 00
	}
	return dst, nil
}

func (c Command) appendExtended(dst []byte) []byte {
	dst = append(dst, 0)
	if len(c.Data) > 0 {
		dst = append(dst, byte(len(c.Data)>>8), byte(len(c.Data)))
		dst = append(dst, c.Data...)
	}
	if c.Ne > 0 {
		dst = append(dst, byte(c.Ne>>8), byte(c.Ne)) // 65536 wraps to 0000
	}
	return dst
}

// Bytes is the coded command; see Append.
func (c Command) Bytes() ([]byte, error) {
	return c.Append(make([]byte, 0, 4+3+len(c.Data)+2))
}

// ParseCommand reads a command APDU of any case, short or extended. Data
// aliases b. A command that ends early or carries bytes that no length
// accounts for is an error with its offset.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, &CommandError{len(b), fmt.Sprintf("the header needs 4 bytes, only %d are there", len(b))}
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2, short
		c.Ne = shortNe(body[0])
		return c, nil
	case body[0] != 0:
		return parseShort(c, body)
	case len(body) == 2: // 00 xx is neither a short nor an extended length
		return Command{}, &CommandError{5, "Lc is 00 but a byte follows; an extended length needs two bytes"}
	default:
		return parseExtended(c, body)
	}
}

// parseShort reads cases 3 and 4 with a one-byte Lc that is not zero.
func parseShort(c Command, body []byte) (Command, error) {
	lc := int(body[0])
	rest := body[1:]
	switch {
	case len(rest) < lc:
		return Command{}, &CommandError{4, fmt.Sprintf("Lc says %s, %d follow", count(lc, "data byte"), len(rest))}
	case len(rest) > lc+1:
		return Command{}, &CommandError{5 + lc + 1, count(len(rest)-lc-1, "byte") + " after Le"}
	}
	c.Data = rest[:lc:lc]
	if len(rest) == lc+1 {
		c.Ne = shortNe(rest[lc])
	}
	return c, nil
}

// parseExtended reads the extended cases 2, 3 and 4: body[0] is 00.
func parseExtended(c Command, body []byte) (Command, error) {
	c.Extended = true
	n := int(body[1])<<8 | int(body[2])
	rest := body[3:]
	if len(rest) == 0 { // case 2: the two bytes are Le
		c.Ne = extendedNe(n)
		return c, nil
	}
	switch {
	case n == 0:
		return Command{}, &CommandError{5, "extended Lc is 0000 but data follow"}
	case len(rest) == n:
		c.Data = rest[:n:n]
	case len(rest) == n+2:
		c.Data = rest[:n:n]
		c.Ne = extendedNe(int(rest[n])<<8 | int(rest[n+1]))
	case len(rest) < n:
		return Command{}, &CommandError{5, fmt.Sprintf("extended Lc says %s, %d follow", count(n, "data byte"), len(rest))}
	default:
		return Command{}, &CommandError{7 + n, count(len(rest)-n, "byte") + " after the data; an extended Le has 2"}
	}
	return c, nil
}

func shortNe(le byte) int {
	if le == 0 {
		return MaxShortNe
	}
	return int(le)
}

func extendedNe(le int) int {
	if le == 0 {
		return MaxExtendedNe
	}
	return le
}
