package iso8583

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections are made by its dial: a network in
// memory, which testing/synctest can wait for.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// logbook is a log that a test reads afterwards.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logbook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(line)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// request is an authorisation with its own trace number.
func request(stan int) *Message {
	m := authorisation()
	m.STAN = fmt.Sprintf("%06d", stan)
	return m
}

// approve is a handler that approves everything; the authorisation code is the
// trace number, so that mixed-up answers show.
func approve(_ context.Context, m *Message) *Message {
	answer := Response(m, Approved)
	answer.AuthorisationCode = m.STAN
	return answer
}

// serve runs a server on a network in memory until the test ends.
func serve(t *testing.T, cfg ServerConfig) *pipes {
	t.Helper()
	p := newPipes()
	serveOn(t, p, cfg)
	return p
}

func serveOn(t testing.TB, listener net.Listener, cfg ServerConfig) {
	t.Helper()
	s, err := NewServer(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// connect makes a client that is closed when the test ends.
func connect(t testing.TB, cfg ClientConfig) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// peer is the bare other end of a connection.
type peer struct {
	t    testing.TB
	conn net.Conn
}

// dialPeer connects to a server by hand.
func dialPeer(t testing.TB, p *pipes) peer {
	t.Helper()
	conn, err := p.dial(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return peer{t, conn}
}

// acceptPeer is a host by hand: the next connection of a client.
func acceptPeer(t testing.TB, p *pipes) peer {
	t.Helper()
	conn, err := p.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return peer{t, conn}
}

func (p peer) send(m *Message) {
	p.t.Helper()
	frame, err := Standard().frame(m, defaultMaxFrame)
	require.NoError(p.t, err)
	p.sendBytes(frame)
}

// sendPacked sends any bytes with a right length in front.
func (p peer) sendPacked(packed string) {
	p.t.Helper()
	p.sendBytes(append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...))
}

func (p peer) sendBytes(frame []byte) {
	p.t.Helper()
	_, err := p.conn.Write(frame)
	require.NoError(p.t, err)
}

func (p peer) receive() *Message {
	p.t.Helper()
	packed, err := Standard().readFrame(p.conn, defaultMaxFrame, func() {})
	require.NoError(p.t, err)
	m, err := Standard().Unpack(packed)
	require.NoError(p.t, err)
	return m
}

// requireClosed waits for the other end to close, after which long at most.
func (p peer) requireClosed(within time.Duration) {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(within))
	_, err := p.conn.Read(make([]byte, 1))
	require.ErrorIs(p.t, err, io.EOF)
}
