package iso8583

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// defaultMaxFrame bounds a message on a connection, in bytes: ten times an
// authorisation with all that is usual.
const defaultMaxFrame = 16 << 10

// link is one connection, of the client's or the server's: frames are read by
// its owner and written by a goroutine of its own, each with a single Write,
// so that whoever has something to send never waits for a slow reader.
type link struct {
	conn         net.Conn
	reader       *bufio.Reader
	codec        *Codec
	limit        int // bytes of a frame
	writeTimeout time.Duration

	out    chan []byte   // frames to write
	done   chan struct{} // closed when the connection is of no more use
	once   sync.Once
	err    error        // why; set before done is closed
	active atomic.Int64 // when a frame last came or went, Unix nanoseconds
	heard  atomic.Bool  // a whole frame has come
	busy   atomic.Int64 // of the server: requests that have begun and are not answered
	wrote  func()       // called after each frame written; may be nil
	lines  lineLimit    // of the server's log about this connection
}

// newLink takes over conn. queue is how many frames may wait to be written.
func newLink(conn net.Conn, codec *Codec, limit, queue int, writeTimeout time.Duration) *link {
	l := &link{
		conn: conn, reader: bufio.NewReaderSize(conn, 4096), codec: codec, limit: limit, writeTimeout: writeTimeout,
		out: make(chan []byte, queue), done: make(chan struct{}),
	}
	l.touch()
	return l
}

// close ends the connection. The first reason stays.
func (l *link) close(reason error) {
	l.once.Do(func() {
		l.err = reason
		close(l.done)
		l.conn.Close() // it is of no more use, whatever it says
	})
}

func (l *link) dead() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *link) lastActive() time.Time { return time.Unix(0, l.active.Load()) }

func (l *link) touch() { l.active.Store(time.Now().UnixNano()) }

// read returns the next packed message.
func (l *link) read(started func()) ([]byte, error) {
	packed, err := l.codec.readFrame(l.reader, l.limit, started)
	if err == nil {
		l.touch()
	}
	return packed, err
}

// write sends frames until out is closed or the connection is.
func (l *link) write() {
	for {
		select {
		case frame, more := <-l.out:
			if !more {
				return
			}
			l.conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
			if _, err := l.conn.Write(frame); err != nil {
				l.close(fmt.Errorf("writing a message: %w", err))
				return
			}
			l.touch()
			if l.wrote != nil {
				l.wrote()
			}
		case <-l.done:
			return
		}
	}
}

// or is value, or the default where it is not set.
func or[T int | time.Duration](value, standard T) T {
	if value <= 0 {
		return standard
	}
	return value
}
