package iso8583

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzServer sends any bytes to a server. Whatever they are it closes or
// answers, and another connection is served as ever.
func FuzzServer(f *testing.F) {
	frame, err := Standard().frame(request(1), defaultMaxFrame)
	require.NoError(f, err)
	f.Add(frame)
	f.Add(append([]byte("\x00\x080100ABCD"), frame...))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	host := newPipes()
	log := &logbook{}
	server, err := NewServer(ServerConfig{Log: log.logger(), Handler: WithNetwork(approve)})
	require.NoError(f, err)
	ctx, cancel := context.WithCancel(f.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, host) }()
	f.Cleanup(func() {
		cancel()
		require.NoError(f, <-done)
	})
	other := dialPeer(f, host)
	f.Fuzz(func(t *testing.T, garbage []byte) {
		conn, err := host.dial(t.Context())
		require.NoError(t, err)
		answers := make(chan struct{})
		go func() { defer close(answers); drain(conn) }()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write(garbage) // the server may close in the middle
		conn.Close()
		<-answers
		good := peer{t, other.conn}
		good.send(request(1))
		require.Equal(t, Approved, good.receive().ResponseCode)
	})
}

func drain(conn net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}
