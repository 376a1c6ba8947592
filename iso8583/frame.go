package iso8583

import (
	"errors"
	"fmt"
	"io"
)

// Header is the kind of length header in front of a message on a connection.
// The length does not count the header itself.
type Header byte

// The kinds, by the names that the library gives them.
const (
	Binary2Bytes Header = iota // big endian
	ASCII4Bytes                // four decimal digits
	BCD2Bytes                  // four decimal digits, two to a byte
)

// headers are the kinds by name, as a table file writes them.
var headers = map[string]Header{"Binary2Bytes": Binary2Bytes, "ASCII4Bytes": ASCII4Bytes, "BCD2Bytes": BCD2Bytes}

// size is how many bytes the header takes, most the longest message it can
// announce.
func (h Header) size() (size, most int) {
	switch h {
	case ASCII4Bytes:
		return 4, 9999
	case BCD2Bytes:
		return 2, 9999
	default:
		return 2, 65535
	}
}

// put writes the header for a message of length bytes into the first bytes of
// frame.
func (h Header) put(frame []byte, length int) {
	switch h {
	case ASCII4Bytes:
		copy(frame, fmt.Sprintf("%04d", length))
	case BCD2Bytes:
		frame[0] = byte(length/1000<<4 | length/100%10)
		frame[1] = byte(length/10%10<<4 | length%10)
	default:
		frame[0], frame[1] = byte(length>>8), byte(length)
	}
}

// length reads the header at the start of a frame; false if it is no number.
func (h Header) length(header []byte) (int, bool) {
	switch h {
	case ASCII4Bytes:
		return decimal(header)
	case BCD2Bytes:
		return decimal([]byte(fmt.Sprintf("%x", header)))
	default:
		return int(header[0])<<8 | int(header[1]), true
	}
}

func decimal(digits []byte) (value int, ok bool) {
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		value = value*10 + int(c-'0')
	}
	return value, true
}

// errFrame is a length header that makes no sense: what follows it cannot be
// told apart from the next message, so the connection is of no more use.
var errFrame = errors.New("bad length header")

// frame packs m with its header in front, ready for one Write.
func (c *Codec) frame(m *Message, limit int) ([]byte, error) {
	size, most := c.header.size()
	out, err := c.Append(make([]byte, size, 512), m)
	if err != nil {
		return nil, err
	}
	length := len(out) - size
	if length > min(most, limit) {
		return nil, fmt.Errorf("a message of %d bytes: at most %d fit", length, min(most, limit))
	}
	c.header.put(out, length)
	return out, nil
}

// readFrame reads the next message, still packed. io.EOF means that the other
// end closed between two messages. started is called once the first byte is
// there.
func (c *Codec) readFrame(r io.Reader, limit int, started func()) ([]byte, error) {
	size, _ := c.header.size()
	header := make([]byte, size)
	if _, err := io.ReadFull(r, header[:1]); err != nil {
		return nil, err
	}
	started()
	if _, err := io.ReadFull(r, header[1:]); err != nil {
		return nil, fmt.Errorf("in the length header: %w", cutShort(err))
	}
	length, ok := c.header.length(header)
	switch {
	case beginsTLS(header, r):
		return nil, fmt.Errorf("%w: this is the beginning of TLS, but the connection is plain", errFrame)
	case !ok:
		return nil, fmt.Errorf("%w: not decimal digits", errFrame)
	case length == 0:
		return nil, fmt.Errorf("%w: a message of 0 bytes", errFrame)
	case length > limit:
		return nil, fmt.Errorf("%w: a message of %d bytes, at most %d are read", errFrame, length, limit)
	}
	packed := make([]byte, length)
	if n, err := io.ReadFull(r, packed); err != nil {
		return nil, fmt.Errorf("after %d of %d bytes: %w", n, length, cutShort(err))
	}
	return packed, nil
}

// beginsTLS recognises the record with a client's hello (RFC 8446, 5.1): type
// 22, version 3.x, two bytes of length, handshake type 1. As a length header
// and a message it would be nonsense. A reader that cannot look ahead is not
// asked.
func beginsTLS(header []byte, r io.Reader) bool {
	ahead, ok := r.(interface{ Peek(int) ([]byte, error) })
	if !ok || header[0] != 22 || header[1] != 3 {
		return false
	}
	const hello = 6
	rest, err := ahead.Peek(hello - len(header))
	all := append(append(make([]byte, 0, hello), header...), rest...)
	return err == nil && all[2] <= 4 && all[5] == 1
}

// cutShort keeps an end inside a message from looking like one between two.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
