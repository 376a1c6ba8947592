package iso8583

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// requireNoSecrets looks for anything in a log that could be an account
// number, a track or chip data: no value of a message is as long as that.
func requireNoSecrets(t *testing.T, log string) {
	t.Helper()
	log = regexp.MustCompile(`time=\S+`).ReplaceAllString(log, "")
	require.NotRegexp(t, regexp.MustCompile(`[0-9A-Fa-f]{9,}`), log)
}

func TestClientAndServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 256
		var inside sync.WaitGroup
		inside.Add(many)
		host := serve(t, ServerConfig{MaxInFlight: many, Handler: func(ctx context.Context, m *Message) *Message {
			inside.Done()
			inside.Wait() // nobody is answered before everybody is here
			return approve(ctx, m)
		}})
		client := connect(t, ClientConfig{Dial: host.dial})
		var asking sync.WaitGroup
		for i := range many {
			asking.Go(func() {
				answer, err := client.Exchange(t.Context(), request(i+1))
				require.NoError(t, err)
				require.Equal(t, request(i+1).STAN, answer.AuthorisationCode)
			})
		}
		asking.Wait()
	})
}

func TestFormatErrors(t *testing.T) {
	good := string(mustPack(t, Standard(), request(7)))
	withoutSTAN := request(7)
	withoutSTAN.STAN = ""
	for name, test := range map[string]struct {
		packed string
		stan   string
		log    string
	}{
		"a bad value, echoed around": {strings.Replace(good, "4761739001010119", "4761739001O10119", 1), "000007", "field 2 (primary account number) at byte 20: is not all digits"},
		"cut short behind the trace": {good[:110], "000007", "field 35 (track 2) at byte 98: is cut short: needs 33 bytes, 10 are left"},
		"cut short in front of it":   {good[:50], "", "field 4 (amount, transaction) at byte 44: is cut short: needs 12 bytes, 6 are left"},
		"bytes too many":             {good + "00", "000007", "field 1 (bitmap) at byte 242: announces no field for the bytes that are left"},
		"a field missing":            {string(mustPack(t, Standard(), withoutSTAN)), "", "field 11 (system trace audit number): is missing in 0100 (authorisation request)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logbook{}
				host := serve(t, ServerConfig{Log: log.logger(), Handler: func(context.Context, *Message) *Message { panic("not for the handler") }})
				p := dialPeer(t, host)
				p.sendPacked(test.packed)
				answer := p.receive()
				require.Equal(t, AuthorisationResponse, answer.MTI)
				require.Equal(t, FormatError, answer.ResponseCode)
				require.Equal(t, test.stan, answer.STAN)
				require.NoError(t, Validate(answer))
				synctest.Wait()
				require.Contains(t, log.String(), test.log)
				require.Regexp(t, `remote=\S+ reason=.* field=\d+`, log.String())
				requireNoSecrets(t, log.String())
			})
		})
	}
}

func TestHopelessBytesCloseOnlyTheirConnection(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		log   string
	}{
		"no message type":  {"\x00\x04GET ", "not a message: field 0 (message type) at byte 0: is not all digits"},
		"no bitmap":        {"\x00\x060100XX", "not a message: field 1 (bitmap) at byte 4: is cut short"},
		"a length of zero": {"\x00\x00", "bad length header: a message of 0 bytes"},
		"another dialect":  {"\x00\x0A\x01\x00\x72\x3C\x46\x80\x28\xC0\x82\x00", "is not all digits (read by the table ISO 8583:1987, ASCII)\" field=0 offset=0"},
		"TLS":              {"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", "this is the beginning of TLS, but the connection is plain"},
		"too long":         {"\xFF\xFF0100", "bad length header: a message of 65535 bytes, at most 16384 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logbook{}
				host := serve(t, ServerConfig{Log: log.logger(), Handler: approve})
				bad, good := dialPeer(t, host), dialPeer(t, host)
				bad.conn.Write([]byte(test.bytes)) // may be cut off in the middle
				bad.requireClosed(time.Second)
				good.send(request(1))
				require.Equal(t, Approved, good.receive().ResponseCode)
				synctest.Wait()
				require.Contains(t, log.String(), test.log)
				requireNoSecrets(t, log.String())
			})
		})
	}
}

func TestTruncatedFrameIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, bytes := range []string{"\x00", "\x00\x10", "\x00\x1001"} {
			log := &logbook{}
			host := serve(t, ServerConfig{Log: log.logger(), Handler: approve})
			p := dialPeer(t, host)
			p.sendBytes([]byte(bytes))
			p.conn.Close()
			synctest.Wait()
			require.Contains(t, log.String(), "a message is not complete")
		}
	})
}

func TestHandlerThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), Handler: func(_ context.Context, m *Message) *Message {
			panic("no such card: " + m.PAN)
		}})
		p := dialPeer(t, host)
		for stan := range 3 {
			p.send(request(stan + 1))
			answer := p.receive()
			require.Equal(t, SystemMalfunction, answer.ResponseCode)
			require.Equal(t, request(stan+1).STAN, answer.STAN)
		}
		synctest.Wait()
		require.Contains(t, log.String(), "0100 is answered with a system malfunction: panic: no such card: ************0119")
		requireNoSecrets(t, log.String())
	})
}

func TestAnswersThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), Handler: func(_ context.Context, m *Message) *Message {
			if m.STAN == "000001" {
				return nil
			}
			answer := Response(m, Approved)
			answer.AuthorisationCode = "123456789"
			return answer
		}})
		p := dialPeer(t, host)
		p.send(request(1)) // nothing comes back
		p.send(approve(t.Context(), request(5)))
		p.send(request(2))
		answer := p.receive()
		require.Equal(t, "000002", answer.STAN)
		require.Equal(t, SystemMalfunction, answer.ResponseCode)
		synctest.Wait()
		require.Contains(t, log.String(), "the answer to 0100 cannot be packed: field 38 (authorisation code): has 9 characters, want exactly 6")
		require.Contains(t, log.String(), "0110 is not a request, nothing is answered")
		requireNoSecrets(t, log.String())
	})
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var inside atomic.Int64
		host := serve(t, ServerConfig{MaxInFlight: 4, Handler: func(ctx context.Context, m *Message) *Message {
			inside.Add(1)
			<-release
			return approve(ctx, m)
		}})
		client := connect(t, ClientConfig{Dial: host.dial})
		var asking sync.WaitGroup
		for i := range 10 {
			asking.Go(func() {
				_, err := client.Exchange(t.Context(), request(i+1))
				require.NoError(t, err)
			})
		}
		synctest.Wait()
		require.Equal(t, int64(4), inside.Load())
		close(release)
		asking.Wait()
		require.Equal(t, int64(10), inside.Load())
	})
}

func TestSlowReaderHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), MaxInFlight: 4, WriteTimeout: 10 * time.Second, Handler: approve})
		slow, quick := dialPeer(t, host), dialPeer(t, host)
		go func() { // sends for ever and reads nothing
			frame, _ := Standard().frame(request(1), defaultMaxFrame)
			for {
				if _, err := slow.conn.Write(frame); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		start := time.Now()
		for stan := range 20 {
			quick.send(request(stan + 1))
			require.Equal(t, Approved, quick.receive().ResponseCode)
		}
		require.Zero(t, time.Since(start))
		time.Sleep(10*time.Second + 1)
		synctest.Wait()
		require.Contains(t, log.String(), "writing a message: ", "the slow one is cut off")
	})
}

func TestServerTimeOuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), IdleTimeout: time.Minute, ReadTimeout: 5 * time.Second, Handler: approve})
		idle, slow, mute := dialPeer(t, host), dialPeer(t, host), dialPeer(t, host)
		idle.send(request(1))
		idle.receive()
		start := time.Now()
		slow.sendBytes([]byte("\x00\x10"))
		slow.sendBytes([]byte("01"))
		slow.requireClosed(6 * time.Second)
		require.Equal(t, 5*time.Second, time.Since(start))
		synctest.Wait()
		require.Contains(t, log.String(), "a message is not complete: after 2 of 16 bytes")
		mute.requireClosed(time.Minute)
		require.Equal(t, 30*time.Second, time.Since(start))
		synctest.Wait()
		require.Contains(t, log.String(), "no message came")
		idle.requireClosed(2 * time.Minute)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		release := make(chan struct{})
		host := serve(t, ServerConfig{Log: log.logger(), MaxConnections: 2, Handler: func(ctx context.Context, m *Message) *Message {
			<-release
			return approve(ctx, m)
		}})
		first, second := dialPeer(t, host), dialPeer(t, host)
		first.send(request(1))
		second.sendBytes([]byte("\x00")) // a message that has begun counts, too
		synctest.Wait()
		dialPeer(t, host).requireClosed(time.Second)
		synctest.Wait()
		require.Contains(t, log.String(), "connection refused: too many are at work")
		close(release)
		require.Equal(t, Approved, first.receive().ResponseCode)
		second.conn.Close()
		synctest.Wait()
		third := dialPeer(t, host)
		third.send(request(1))
		require.Equal(t, Approved, third.receive().ResponseCode)
	})
}

// TestIdleConnectionsMakeRoom: who holds a place and says nothing keeps nobody
// out; who has said nothing at all goes first, then the longest idle.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), MaxConnections: 3, FirstTimeout: time.Hour, Handler: approve})
		talk := func(p peer) {
			p.send(request(1))
			require.Equal(t, Approved, p.receive().ResponseCode)
			time.Sleep(time.Second)
		}
		early, late := dialPeer(t, host), dialPeer(t, host)
		talk(early)
		talk(late)
		for range 20 { // silent ones push each other out
			dialPeer(t, host)
			time.Sleep(time.Second)
		}
		talk(late)
		talk(early)
		third := dialPeer(t, host)
		talk(third)
		talk(dialPeer(t, host))
		late.requireClosed(time.Second)
		talk(early)
		talk(third)
		synctest.Wait()
		require.Equal(t, 21, strings.Count(log.String(), "all places were taken, and this connection was the longest idle"))
	})
}

// TestServerEnds: requests in flight get their answers, nothing new is read,
// and a handler that takes too long is told to stop.
func TestServerEnds(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"in time":  {5 * time.Second, ""},
		"too late": {time.Hour, "requests in flight were not answered within 10s and are cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := newPipes()
				stopped := false
				s, err := NewServer(ServerConfig{Handler: func(ctx context.Context, m *Message) *Message {
					select {
					case <-time.After(test.takes):
					case <-ctx.Done():
						stopped = true
					}
					return approve(ctx, m)
				}})
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Serve(ctx, host) }()
				busy, idle := dialPeer(t, host), dialPeer(t, host)
				busy.send(request(1))
				synctest.Wait()
				start := time.Now()
				cancel()
				idle.requireClosed(time.Second)
				require.Zero(t, time.Since(start))
				if test.want == "" {
					require.Equal(t, Approved, busy.receive().ResponseCode)
					require.NoError(t, <-done)
					require.Equal(t, test.takes, time.Since(start))
				} else {
					busy.requireClosed(time.Minute)
					require.EqualError(t, <-done, test.want)
					require.Equal(t, 10*time.Second, time.Since(start))
					synctest.Wait()
					require.True(t, stopped)
				}
				_, err = host.dial(t.Context())
				require.Error(t, err, "the listener is closed")
			})
		})
	}
}

func TestHandlerStopsWhenItsConnectionIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan struct{})
		host := serve(t, ServerConfig{Handler: func(ctx context.Context, m *Message) *Message {
			<-ctx.Done()
			close(stopped)
			return nil
		}})
		p := dialPeer(t, host)
		p.send(request(1))
		p.conn.Write([]byte("\xFF\xFF"))
		<-stopped
	})
}

func TestSignOnAndEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := serve(t, ServerConfig{Handler: WithNetwork(approve)})
		client := connect(t, ClientConfig{Dial: host.dial})
		for stan, code := range []string{SignOn, EchoTest, SignOff} {
			answer, err := client.Exchange(t.Context(), NetworkManagement(code, Stamp{STAN: stan + 1, Time: noon}))
			require.NoError(t, err)
			require.Equal(t, NetworkResponse, answer.MTI)
			require.Equal(t, Approved, answer.ResponseCode)
			require.Equal(t, code, answer.NetworkCode)
		}
		answer, err := client.Exchange(t.Context(), NetworkManagement("161", Stamp{STAN: 4, Time: noon}))
		require.NoError(t, err)
		require.Equal(t, "40", answer.ResponseCode)
		answer, err = client.Exchange(t.Context(), request(5))
		require.NoError(t, err)
		require.Equal(t, "000005", answer.AuthorisationCode)
	})
}

func TestInProcess(t *testing.T) {
	exchange := func(h Handler, m *Message) (*Message, error) { return InProcess(nil, h).Exchange(t.Context(), m) }
	answer, err := exchange(approve, request(1))
	require.NoError(t, err)
	require.Equal(t, approve(t.Context(), request(1)), answer)

	answer, err = exchange(approve, without(request(1), 22))
	require.NoError(t, err)
	require.Equal(t, FormatError, answer.ResponseCode, "the rules hold as on a connection")

	_, err = exchange(approve, with(request(1), 11))
	require.ErrorIs(t, err, ErrNotSent)
	_, err = exchange(approve, approve(t.Context(), request(1)))
	require.EqualError(t, err, "0110 is not a request, nothing is answered")
	_, err = exchange(func(context.Context, *Message) *Message { return nil }, request(1))
	require.ErrorIs(t, err, ErrNoAnswer)
	answer, err = exchange(func(context.Context, *Message) *Message { panic("x") }, request(1))
	require.NoError(t, err)
	require.Equal(t, SystemMalfunction, answer.ResponseCode)
}

func TestListenerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := &failing{pipes: newPipes(), times: 3}
		serveOn(t, host, ServerConfig{Log: log.logger(), Handler: approve})
		p := dialPeer(t, host.pipes)
		p.send(request(1))
		p.receive()
		require.Equal(t, 3, strings.Count(log.String(), "cannot accept a connection"))
	})
	s, err := NewServer(ServerConfig{Handler: approve})
	require.NoError(t, err)
	closed := newPipes()
	closed.Close()
	require.ErrorIs(t, s.Serve(t.Context(), closed), net.ErrClosed)
	_, err = NewServer(ServerConfig{})
	require.EqualError(t, err, "iso8583: a server needs a Handler")
}

// failing is a listener that has trouble at first.
type failing struct {
	*pipes
	times int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.times > 0 {
		f.times--
		return nil, io.ErrNoProgress
	}
	return f.pipes.Accept()
}

// loopback listens on a real socket.
func loopback(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// TestHalfClosed is a request by a shell tool: it sends, closes its side, and
// still gets its answers.
func TestHalfClosed(t *testing.T) {
	l := loopback(t)
	serveOn(t, l, ServerConfig{Handler: approve})
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	p := peer{t, conn}
	for stan := range 3 {
		p.send(request(stan + 1))
	}
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	for range 3 {
		require.Equal(t, Approved, p.receive().ResponseCode)
	}
	p.requireClosed(5 * time.Second)
}

func TestOverTLS(t *testing.T) {
	certificate, pool := selfSigned(t)
	l := loopback(t)
	log := &logbook{}
	serveOn(t, l, ServerConfig{Handler: approve, Log: log.logger(), TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	client := connect(t, ClientConfig{Dial: Dialer(l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost"})})
	var asking sync.WaitGroup
	for i := range 64 {
		asking.Go(func() {
			answer, err := client.Exchange(t.Context(), request(i+1))
			require.NoError(t, err)
			require.Equal(t, request(i+1).STAN, answer.AuthorisationCode)
		})
	}
	asking.Wait()

	plain := connect(t, ClientConfig{Dial: Dialer(l.Addr().String(), nil)})
	_, err := plain.Exchange(t.Context(), request(1))
	require.ErrorIs(t, err, ErrConnectionLost)
	stranger := connect(t, ClientConfig{Dial: Dialer(l.Addr().String(), &tls.Config{ServerName: "localhost"})})
	_, err = stranger.Exchange(t.Context(), request(1))
	require.ErrorIs(t, err, ErrNotSent, "a certificate that nobody vouches for")
	other := loopback(t)
	serveOn(t, other, ServerConfig{Handler: approve, Log: log.logger(), ReadTimeout: time.Hour})
	secure := connect(t, ClientConfig{Dial: Dialer(other.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost"})})
	_, err = secure.Exchange(t.Context(), request(1))
	require.ErrorIs(t, err, ErrNotSent, "a server that does not speak TLS, and says so at once")
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "this is the beginning of TLS") }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return strings.Count(log.String(), "no TLS") == 2 }, 5*time.Second, time.Millisecond)
}

func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, pool
}
