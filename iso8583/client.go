package iso8583

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Client.Exchange. Any other error, a time-out included, means that
// the request may have arrived: its outcome is unknown.
var (
	// ErrNotSent means that the request never left: there is nothing to undo.
	ErrNotSent = errors.New("not sent")
	// ErrConnectionLost means that the connection broke before the answer.
	ErrConnectionLost = errors.New("connection lost before the answer")
	// ErrClosed means that the client was closed.
	ErrClosed = errors.New("client is closed")
)

// ClientConfig says how a client behaves. Only Dial is required.
type ClientConfig struct {
	Dial           func(context.Context) (net.Conn, error) // opens a connection, see Dialer
	Codec          *Codec                                  // nil: Standard
	Timeout        time.Duration                           // of a request, its context may set an earlier end; 30 s
	ConnectTimeout time.Duration                           // of Dial; 10 s
	WriteTimeout   time.Duration                           // of one message; 10 s
	BackOff        time.Duration                           // pause after a failed connection, doubled each time; 200 ms
	MaxBackOff     time.Duration                           // the longest pause; 30 s
	Echo           time.Duration                           // send an echo test after so long without traffic; 0 never
	MaxPending     int                                     // requests in flight; 1024
	MaxFrame       int                                     // bytes of a message; 16384
	Late           func(*Message)                          // gets answers that nobody waits for (any more), and must not block; may be nil
	Log            *slog.Logger                            // nil: no log
}

// ClientStats counts what a client saw.
type ClientStats struct {
	Connections int64 // opened
	Late        int64 // answers that nobody waited for: too late, repeated, unknown
	Unexpected  int64 // messages that fit no request, of the wrong type or unreadable
}

// Client sends requests over one connection, many at a time, and matches
// answers by trace number, terminal and transmission time (fields 11, 41, 7);
// what a host leaves out of its answers it does not compare.
// It connects when there is something to send, and again after a break. It is
// an Exchanger.
type Client struct {
	cfg  ClientConfig
	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup

	mu        sync.Mutex
	pending   map[key]*call
	link      *link    // the last one; may be dead; nil: none
	dialing   *dialing // nil: nobody dials
	failures  int      // connections in a row that brought no message
	notBefore time.Time

	echoes                        atomic.Int64
	connections, late, unexpected atomic.Int64
}

// key is what an answer repeats of its request.
type key struct{ stan, terminal, time string }

func keyOf(m *Message) key {
	return key{m.STAN, strings.TrimRight(m.TerminalID, " "), m.TransmissionTime}
}

// call is a request in flight.
type call struct {
	answer MTI
	reply  chan reply // room for one, so that nobody waits to deliver it
}

type reply struct {
	message *Message
	err     error
}

// dialing is one attempt to connect that several requests may wait for.
type dialing struct {
	done chan struct{}
	link *link
	err  error
}

// NewClient makes a client. It does not connect yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.Dial == nil {
		return nil, errors.New("iso8583: a client needs Dial")
	}
	if cfg.Codec == nil {
		cfg.Codec = Standard()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Timeout = or(cfg.Timeout, 30*time.Second)
	cfg.ConnectTimeout = or(cfg.ConnectTimeout, 10*time.Second)
	cfg.WriteTimeout = or(cfg.WriteTimeout, 10*time.Second)
	cfg.BackOff = or(cfg.BackOff, 200*time.Millisecond)
	cfg.MaxBackOff = max(cfg.BackOff, or(cfg.MaxBackOff, 30*time.Second))
	cfg.MaxPending = or(cfg.MaxPending, 1024)
	cfg.MaxFrame = or(cfg.MaxFrame, defaultMaxFrame)
	c := &Client{cfg: cfg, pending: map[key]*call{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Dialer opens TCP connections to address, with TLS if config is not nil.
func Dialer(address string, config *tls.Config) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if config == nil {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
		return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	}
}

// Exchange sends request and waits for its answer until ctx or the client's
// time-out ends. A request whose keys are in flight already is refused. See
// ErrNotSent for the errors after which the outcome is known.
func (c *Client) Exchange(ctx context.Context, request *Message) (*Message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	frame, err := c.cfg.Codec.frame(request, c.cfg.MaxFrame)
	if err != nil {
		return nil, notSent(err)
	}
	waiting := &call{answer: request.MTI.Response(), reply: make(chan reply, 1)}
	id := keyOf(request)
	if err := c.register(id, waiting); err != nil {
		return nil, notSent(err)
	}
	defer c.forget(id, waiting)
	l, err := c.connected(ctx)
	if err != nil {
		return nil, notSent(err)
	}
	select {
	case l.out <- frame:
	case <-l.done:
		return nil, notSent(l.err)
	case <-ctx.Done():
		return nil, notSent(ctx.Err())
	}
	select {
	case r := <-waiting.reply:
		return r.message, r.err
	case <-ctx.Done():
	case <-l.done:
	}
	select {
	case r := <-waiting.reply: // it came in the same moment
		return r.message, r.err
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("no answer to %s with trace number %s: %w", request.MTI, request.STAN, err)
	}
	return nil, fmt.Errorf("%w to %s with trace number %s: %w", ErrConnectionLost, request.MTI, request.STAN, l.err)
}

func notSent(reason error) error { return fmt.Errorf("%w: %w", ErrNotSent, reason) }

// register takes a request into the list of those that wait.
func (c *Client) register(id key, waiting *call) error {
	if waiting.answer == "" {
		return errors.New("the message is not a request")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.isClosed():
		return ErrClosed
	case c.pending[id] != nil:
		return fmt.Errorf("a request with trace number %s, terminal %q and time %s is in flight already", id.stan, id.terminal, id.time)
	case len(c.pending) >= c.cfg.MaxPending:
		return fmt.Errorf("%d requests are in flight, no more are allowed", len(c.pending))
	}
	c.pending[id] = waiting
	return nil
}

// forget ends the waiting of a request, if an answer has not.
func (c *Client) forget(id key, waiting *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[id] == waiting {
		delete(c.pending, id)
	}
}

func (c *Client) isClosed() bool { return c.life.Err() != nil }

// connected is the open connection, a new one if there is none.
func (c *Client) connected(ctx context.Context) (*link, error) {
	c.mu.Lock()
	if c.isClosed() {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if l := c.link; l != nil {
		if !l.dead() {
			c.mu.Unlock()
			return l, nil
		}
		if !l.heard.Load() { // whoever accepts and says nothing is not there yet
			c.failed(l.lastActive())
		}
		c.link = nil
	}
	attempt := c.dialing
	if attempt == nil {
		attempt = &dialing{done: make(chan struct{})}
		c.dialing = attempt
		c.work.Add(1)
		go c.dial(attempt, c.notBefore)
	}
	c.mu.Unlock()
	select {
	case <-attempt.done:
		return attempt.link, attempt.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dial makes one attempt to connect, not before the pause after the last
// failure is over. It does not depend on the request that asked for it: others
// may have joined.
func (c *Client) dial(attempt *dialing, notBefore time.Time) {
	defer c.work.Done()
	conn, err := c.open(notBefore)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialing = nil
	defer close(attempt.done)
	switch {
	case err != nil:
		attempt.err = err
		c.failed(time.Now())
		return
	case c.isClosed():
		conn.Close()
		attempt.err = ErrClosed
		return
	}
	l := newLink(conn, c.cfg.Codec, c.cfg.MaxFrame, 64, c.cfg.WriteTimeout)
	attempt.link, c.link = l, l
	c.connections.Add(1)
	c.work.Add(2)
	go func() { defer c.work.Done(); l.write() }()
	go func() { defer c.work.Done(); c.receive(l) }()
	if c.cfg.Echo > 0 {
		c.work.Add(1)
		go func() { defer c.work.Done(); c.keepAlive(l) }()
	}
}

// failed lengthens the pause between what failed at a moment and the next
// attempt. The caller holds mu.
func (c *Client) failed(at time.Time) {
	pause := c.cfg.MaxBackOff
	if c.failures < 30 {
		pause = min(pause, c.cfg.BackOff<<c.failures)
	}
	c.failures++
	c.notBefore = at.Add(pause)
}

func (c *Client) open(notBefore time.Time) (net.Conn, error) {
	pause := time.NewTimer(time.Until(notBefore))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-c.life.Done():
		return nil, ErrClosed
	}
	ctx, cancel := context.WithTimeout(c.life, c.cfg.ConnectTimeout)
	defer cancel()
	return c.cfg.Dial(ctx)
}

// errHostClosed is the end of a connection without an error.
var errHostClosed = errors.New("the host closed the connection")

// receive delivers what arrives on a connection until it breaks.
func (c *Client) receive(l *link) {
	for {
		packed, err := l.read(func() {})
		if errors.Is(err, io.EOF) {
			err = errHostClosed
		}
		if err != nil {
			l.close(err)
			break
		}
		if !l.heard.Swap(true) {
			c.mu.Lock()
			c.failures, c.notBefore = 0, time.Time{}
			c.mu.Unlock()
		}
		c.deliver(l, packed)
	}
	if !c.isClosed() {
		c.cfg.Log.Info("connection to the host ended", "remote", remote(l.conn), "reason", l.err)
	}
}

// deliver brings one message to the request that waits for it.
func (c *Client) deliver(l *link, packed []byte) {
	m, err := c.cfg.Codec.Unpack(packed)
	if m == nil {
		c.unexpected.Add(1)
		c.cfg.Log.Warn("unreadable message from the host", "bytes", len(packed), "reason", err)
		return
	}
	if m.MTI.Response() != "" {
		c.answer(l, m)
		return
	}
	c.mu.Lock()
	id := c.match(m)
	waiting := c.pending[id]
	fits := waiting != nil && waiting.answer == m.MTI
	if fits {
		delete(c.pending, id)
	}
	c.mu.Unlock()
	switch {
	case fits && err != nil:
		waiting.reply <- reply{err: fmt.Errorf("the answer %s is wrong: %w", m.MTI, err)}
	case fits:
		waiting.reply <- reply{message: m}
	case waiting != nil:
		c.unexpected.Add(1)
		c.cfg.Log.Warn("answer of the wrong type", "mti", string(m.MTI), "want", string(waiting.answer), "stan", m.STAN)
	default:
		c.late.Add(1)
		c.cfg.Log.Info("answer that nobody waits for", "mti", string(m.MTI), "stan", m.STAN, "terminal", m.TerminalID)
		if c.cfg.Late != nil {
			c.cfg.Late(m)
		}
	}
}

// match is the key of the request that m answers. A host that does not repeat
// the terminal or the time is understood as long as only one request can be
// meant. The caller holds mu.
func (c *Client) match(m *Message) key {
	id := keyOf(m)
	if c.pending[id] != nil || id.terminal != "" && id.time != "" {
		return id
	}
	found := id
	for k, waiting := range c.pending {
		if waiting.answer != m.MTI || k.stan != id.stan || id.terminal != "" && k.terminal != id.terminal || id.time != "" && k.time != id.time {
			continue
		}
		if found != id {
			return id // two could be meant
		}
		found = k
	}
	return found
}

// answer answers the host's own network management; other requests have no
// place here.
func (c *Client) answer(l *link, request *Message) {
	if request.MTI.Response() != NetworkResponse {
		c.unexpected.Add(1)
		c.cfg.Log.Warn("request from the host, which is not answered", "mti", string(request.MTI), "stan", request.STAN)
		return
	}
	frame, err := c.cfg.Codec.frame(answerNetwork(request), c.cfg.MaxFrame)
	if err != nil {
		c.cfg.Log.Warn("network management cannot be answered", "reason", err)
		return
	}
	select {
	case l.out <- frame:
	case <-l.done:
	default: // the host does not read; it will ask again
	}
}

// errSilent closes a connection whose other end does not answer an echo test.
var errSilent = errors.New("the echo test was not answered")

// keepAlive sends an echo test whenever the connection was quiet for a while.
func (c *Client) keepAlive(l *link) {
	timer := time.NewTimer(c.cfg.Echo)
	defer timer.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-timer.C:
		}
		quiet := time.Since(l.lastActive())
		if quiet < c.cfg.Echo {
			timer.Reset(c.cfg.Echo - quiet)
			continue
		}
		stan := int(c.echoes.Add(1)-1)%999999 + 1
		_, err := c.Exchange(c.life, NetworkManagement(EchoTest, Stamp{STAN: stan, Time: time.Now()}))
		if errors.Is(err, context.DeadlineExceeded) {
			l.close(errSilent)
			return
		}
		timer.Reset(c.cfg.Echo)
	}
}

// Stats is what the client has seen so far.
func (c *Client) Stats() ClientStats {
	return ClientStats{Connections: c.connections.Load(), Late: c.late.Load(), Unexpected: c.unexpected.Load()}
}

// Close ends the connection and every request in flight, and waits until
// nothing of the client runs any more.
func (c *Client) Close() error {
	c.mu.Lock()
	c.end()
	if c.link != nil {
		c.link.close(ErrClosed)
	}
	c.mu.Unlock()
	c.work.Wait()
	return nil
}

func remote(conn net.Conn) string {
	if a := conn.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}
