package vpcd

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// maxMessage is what a length of two bytes can carry.
const maxMessage = 65_535

// writeTime is how long the reader may take to accept an answer.
const writeTime = 10 * time.Second

// link carries messages: a length of two bytes, big endian, and as many bytes.
type link struct {
	conn     net.Conn
	in, out  []byte
	quickAck func()
	greeted  bool // a message has come
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, in: make([]byte, 2+maxMessage), out: make([]byte, 0, 2+256), quickAck: quickAck(conn)}
	l.quickAck()
	return l
}

// brokenError is something on the wire that is no message.
type brokenError struct{ reason string }

func (e *brokenError) Error() string { return "virtual reader: " + e.reason }

// read reads a message, which is valid until the next read. The reader sends
// length and body apart and waits for an acknowledgement between them: unless
// the system is told to give it at once, each command takes 44 ms.
func (l *link) read() ([]byte, error) {
	if _, err := io.ReadFull(l.conn, l.in[:2]); err != nil {
		return nil, err
	}
	l.quickAck()
	n := int(binary.BigEndian.Uint16(l.in))
	if n == 0 {
		return nil, &brokenError{"a message without content; is that a virtual reader?"}
	}
	if !l.greeted && n != 1 { // it begins with the question for the ATR; a banner would be a length
		return nil, &brokenError{"what listens there does not speak as one does"}
	}
	l.greeted = true
	body := l.in[2 : 2+n]
	if read, err := io.ReadFull(l.conn, body); err != nil {
		return nil, fmt.Errorf("after %d of %d bytes: %w", read, n, err)
	}
	l.quickAck()
	return body, nil
}

// write sends a message in one piece.
func (l *link) write(body []byte) error {
	l.out = binary.BigEndian.AppendUint16(l.out[:0], uint16(len(body)))
	l.out = append(l.out, body...)
	if err := l.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := l.conn.Write(l.out)
	return err
}
