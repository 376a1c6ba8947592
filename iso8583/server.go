package iso8583

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// ServerConfig says how a server behaves. Only Handler is required.
type ServerConfig struct {
	Handler        Handler              // answers requests; wrap it with WithNetwork for sign-on and echo
	Codec          *Codec               // nil: Standard
	Validate       func(*Message) error // decides which requests are format errors; nil: Validate
	TLS            *tls.Config          // nil: plain TCP
	MaxConnections int                  // at a time; 256. For a further one the longest idle is closed
	MaxInFlight    int                  // requests of one connection at a time, then it is not read; 64
	MaxFrame       int                  // bytes of a message; 16384
	FirstTimeout   time.Duration        // until the first message of a connection; 30 s
	IdleTimeout    time.Duration        // between messages; 10 min
	ReadTimeout    time.Duration        // of a message that has begun, and of the TLS handshake; 10 s
	WriteTimeout   time.Duration        // of an answer; 10 s
	DrainTimeout   time.Duration        // for requests in flight when the server ends; 10 s
	Log            *slog.Logger         // nil: no log. It never gets a message's values, and not every line of a flood
}

// Server answers requests on many connections. Make it with NewServer.
type Server struct {
	cfg       ServerConfig
	responder responder
	lines     lineLimit // of the log
}

// Lines of the log: so many at once, then so many a second, of one connection
// and of all. Whoever sends rubbish fills nobody's disk.
const (
	lineBurst, lineRate        = 10, 1
	allLinesBurst, allLineRate = 200, 20
)

// warn writes a line about a connection, or about none, to the log, unless there
// were too many. How many are missing is told with the next that is written.
func (s *Server) warn(l *link, message string, attributes ...any) {
	now, missing := time.Now(), 0
	if l != nil {
		var ok bool
		if missing, ok = l.lines.allow(now, 1); !ok {
			return
		}
		attributes = append([]any{"remote", remote(l.conn)}, attributes...)
	}
	before, ok := s.lines.allow(now, 1+missing)
	if !ok {
		return
	}
	if missing += before; missing > 0 {
		attributes = append(attributes, "lines_left_out", missing)
	}
	s.cfg.Log.Warn(message, attributes...)
}

// warnRest tells how many lines about a connection, or about all, are missing in
// the end.
func (s *Server) warnRest(l *link) {
	if l == nil {
		if n := s.lines.rest(); n > 0 {
			s.cfg.Log.Warn("lines of this log were left out", "lines_left_out", n)
		}
		return
	}
	if n := l.lines.rest(); n > 0 {
		if before, ok := s.lines.allow(time.Now(), n); ok {
			s.cfg.Log.Warn("lines about a connection were left out", "remote", remote(l.conn), "lines_left_out", n+before)
		}
	}
}

// NewServer makes a server; Serve runs it.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Handler == nil {
		return nil, errors.New("iso8583: a server needs a Handler")
	}
	if cfg.Codec == nil {
		cfg.Codec = Standard()
	}
	if cfg.Validate == nil {
		cfg.Validate = Validate
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.MaxConnections = or(cfg.MaxConnections, 256)
	cfg.MaxInFlight = or(cfg.MaxInFlight, 64)
	cfg.MaxFrame = or(cfg.MaxFrame, defaultMaxFrame)
	cfg.FirstTimeout = or(cfg.FirstTimeout, 30*time.Second)
	cfg.IdleTimeout = or(cfg.IdleTimeout, 10*time.Minute)
	cfg.ReadTimeout = or(cfg.ReadTimeout, 10*time.Second)
	cfg.WriteTimeout = or(cfg.WriteTimeout, 10*time.Second)
	cfg.DrainTimeout = or(cfg.DrainTimeout, 10*time.Second)
	return &Server{cfg: cfg, responder: responder{cfg.Codec, cfg.Handler, cfg.Validate, cfg.MaxFrame}, lines: lineLimit{burst: allLinesBurst, rate: allLineRate}}, nil
}

// Serve accepts connections on listener, which it closes, until ctx ends. Then
// it reads no more requests, gives those in flight DrainTimeout for their
// answers and cuts off the rest. The error is nil if all were answered.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if s.cfg.TLS != nil {
		listener = tls.NewListener(listener, s.cfg.TLS)
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	defer listener.Close()
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var open sync.WaitGroup
	err := s.accept(ctx, listener, func(l *link) {
		s.serve(ctx, hard, l)
	}, &open)
	drained := make(chan struct{})
	go func() { open.Wait(); close(drained) }()
	defer s.warnRest(nil)
	timer := time.NewTimer(s.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-drained:
		return err
	case <-timer.C:
		return errors.Join(err, fmt.Errorf("requests in flight were not answered within %v and are cut off", s.cfg.DrainTimeout))
	}
}

// errRoom is why a connection ends that did nothing while others wanted in.
var errRoom = errors.New("all places were taken, and this connection was the longest idle")

// accept starts serve for each connection, at most MaxConnections at a time.
func (s *Server) accept(ctx context.Context, listener net.Listener, serve func(*link), open *sync.WaitGroup) error {
	inside := crowd{most: s.cfg.MaxConnections, open: map[*link]struct{}{}}
	pause := 5 * time.Millisecond
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if conn != nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // for example too many open files: it passes
			s.warn(nil, "cannot accept a connection", "reason", err, "pause", pause)
			sleep(ctx, pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		l := newLink(conn, s.cfg.Codec, s.cfg.MaxFrame, s.cfg.MaxInFlight, s.cfg.WriteTimeout)
		l.wrote = func() { l.busy.Add(-1) }
		l.lines.burst, l.lines.rate = lineBurst, lineRate
		leaves, ok := inside.admit(l)
		if !ok {
			s.warn(nil, "connection refused: too many are at work", "remote", remote(conn), "most", s.cfg.MaxConnections)
			conn.Close()
			continue
		}
		if leaves != nil {
			go leaves.close(errRoom) // TLS may take its time to say good-bye
		}
		open.Go(func() { defer inside.leave(l); serve(l) })
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// serve answers the requests of one connection until it ends or soft does;
// hard ends it at once. A connection that is closed for writing by the other
// end still gets the answers that it waits for.
func (s *Server) serve(soft, hard context.Context, l *link) {
	ctx, cancel := context.WithCancel(hard)
	defer cancel()
	defer s.warnRest(l)
	defer context.AfterFunc(hard, func() { l.close(hard.Err()) })()
	if err := s.handshake(ctx, l.conn); err != nil {
		s.warn(l, "connection closed: no TLS", "reason", err)
		l.close(err)
		return
	}
	var writer, handlers sync.WaitGroup
	writer.Go(func() { l.write(); cancel() })
	err := s.requests(soft, ctx, l, &handlers)
	switch idle := errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded); {
	case errors.Is(err, os.ErrDeadlineExceeded) && soft.Err() == nil && !l.heard.Load():
		s.warn(l, "connection closed: no message came", "within", s.cfg.FirstTimeout)
	case l.dead() || !idle:
		l.close(err)
		cancel()
		s.warn(l, "connection closed", reasons(err)...)
	}
	handlers.Wait()
	close(l.out)
	writer.Wait()
	l.close(err)
}

func (s *Server) handshake(ctx context.Context, conn net.Conn) error {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	return secure.HandshakeContext(ctx)
}

// requests reads requests and starts their handlers. The error says why no
// more are read: io.EOF and os.ErrDeadlineExceeded are no faults.
func (s *Server) requests(soft, ctx context.Context, l *link, handlers *sync.WaitGroup) error {
	slots := make(chan struct{}, s.cfg.MaxInFlight)
	defer context.AfterFunc(soft, func() { l.conn.SetReadDeadline(time.Unix(1, 0)) })()
	begun, wait := false, s.cfg.FirstTimeout
	for {
		select {
		case slots <- struct{}{}:
		case <-l.done:
			return l.err
		}
		begun = false
		l.conn.SetReadDeadline(time.Now().Add(wait))
		if soft.Err() != nil {
			return io.EOF
		}
		packed, err := l.read(func() {
			begun = true
			l.busy.Add(1)
			l.conn.SetReadDeadline(time.Now().Add(s.cfg.ReadTimeout))
		})
		switch {
		case l.dead():
			return l.err
		case errors.Is(err, errFrame):
			return err
		case err != nil && begun && soft.Err() == nil:
			return errors.New("a message is not complete: " + err.Error()) // no idleness, whatever it wraps
		case err != nil:
			return err
		}
		l.heard.Store(true)
		wait = s.cfg.IdleTimeout
		handlers.Go(func() {
			defer func() { <-slots }()
			s.respond(ctx, l, packed)
		})
	}
}

// respond answers one request.
func (s *Server) respond(ctx context.Context, l *link, packed []byte) {
	frame, err := s.responder.respond(ctx, packed)
	if errors.Is(err, errHopeless) {
		l.close(err)
		return
	}
	if err != nil {
		s.warn(l, "bad request", reasons(err)...)
	}
	if frame == nil || ctx.Err() != nil { // an answer that was cut off does not slip out in the last moment
		l.busy.Add(-1)
		return
	}
	select {
	case l.out <- frame:
	case <-l.done:
	}
}

// reasons are an error for the log, with number and place of the field that it
// is about.
func reasons(err error) []any {
	list := []any{"reason", err}
	var bad *FieldError
	if errors.As(err, &bad) {
		list = append(list, "field", bad.Field)
		if bad.Offset >= 0 {
			list = append(list, "offset", bad.Offset)
		}
	}
	return list
}
