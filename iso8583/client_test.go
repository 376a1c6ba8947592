package iso8583

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestManyInFlightAnsweredBackwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 256
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial})
		answers := make([]*Message, many)
		var asking sync.WaitGroup
		for i := range many {
			asking.Go(func() {
				answer, err := client.Exchange(t.Context(), request(i+1))
				require.NoError(t, err)
				answers[i] = answer
			})
		}
		p := acceptPeer(t, host)
		var requests []*Message
		for range many {
			requests = append(requests, p.receive())
		}
		for i := range many {
			p.send(approve(t.Context(), requests[many-1-i]))
		}
		asking.Wait()
		for i, answer := range answers {
			require.Equal(t, fmt.Sprintf("%06d", i+1), answer.AuthorisationCode)
		}
		require.Equal(t, ClientStats{Connections: 1}, client.Stats())
		require.Empty(t, client.pending)
	})
}

func TestOneTraceNumberFromTwoTerminals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial})
		first, second, later := request(1), request(1), request(1)
		second.TerminalID, later.TransmissionTime = "TAPSIM02", "0101120001"
		var asking sync.WaitGroup
		for _, m := range []*Message{first, second, later} {
			asking.Go(func() {
				answer, err := client.Exchange(t.Context(), m)
				require.NoError(t, err)
				require.Equal(t, m.TerminalID+m.TransmissionTime, answer.TerminalID+answer.TransmissionTime)
			})
		}
		p := acceptPeer(t, host)
		requests := []*Message{p.receive(), p.receive(), p.receive()}
		synctest.Wait()

		_, err := client.Exchange(t.Context(), request(1))
		require.ErrorIs(t, err, ErrNotSent)
		require.EqualError(t, err, `not sent: a request with trace number 000001, terminal "TAPSIM01" and time 0101120000 is in flight already`)

		for _, m := range requests {
			p.send(approve(t.Context(), m))
		}
		asking.Wait()
		go func() { p.send(approve(t.Context(), p.receive())) }()
		_, err = client.Exchange(t.Context(), request(1))
		require.NoError(t, err, "once answered the keys may be used again")
	})
}

func TestTimeOutAndLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		var late []*Message
		client := connect(t, ClientConfig{Dial: host.dial, Timeout: 45 * time.Second, Late: func(m *Message) { late = append(late, m) }})
		start := time.Now()
		go client.Exchange(t.Context(), request(9)) // times out beside it
		p := acceptPeer(t, host)
		other := p.receive()
		asked := make(chan *Message, 1)
		go func() { asked <- p.receive() }()
		_, err := client.Exchange(t.Context(), request(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrNotSent)
		require.EqualError(t, err, "no answer to 0100 with trace number 000001: context deadline exceeded")
		require.Equal(t, 45*time.Second, time.Since(start))
		synctest.Wait()
		require.Empty(t, client.pending)

		answer := approve(t.Context(), <-asked)
		p.send(answer)
		p.send(approve(t.Context(), other))
		synctest.Wait()
		require.Len(t, late, 2, "also the one whose request timed out beside it")
		require.Equal(t, answer, late[0])
		require.Equal(t, int64(2), client.Stats().Late)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go p.receive()
		start = time.Now()
		_, err = client.Exchange(ctx, request(2))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start), "the caller's own end counts when it is earlier")
	})
}

// TestHostClosesInTheMomentOfTheTimeOut is where another client hangs: the
// connection ends while requests give up.
func TestHostClosesInTheMomentOfTheTimeOut(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			host := newPipes()
			client := connect(t, ClientConfig{Dial: host.dial, Timeout: time.Second})
			var asking sync.WaitGroup
			for i := range 32 {
				asking.Go(func() {
					_, err := client.Exchange(t.Context(), request(i+1))
					require.Error(t, err)
				})
			}
			p := acceptPeer(t, host)
			for range 16 {
				p.receive()
			}
			time.Sleep(time.Second)
			p.conn.Close()
			asking.Wait()
			require.Empty(t, client.pending)
		})
	}
}

func TestHostClosesWhileRequestsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		log := &logbook{}
		client := connect(t, ClientConfig{Dial: host.dial, Log: log.logger()})
		lost := make(chan error, 1)
		go func() {
			_, err := client.Exchange(t.Context(), request(1))
			lost <- err
		}()
		p := acceptPeer(t, host)
		p.receive()
		p.conn.Close()
		err := <-lost
		require.ErrorIs(t, err, ErrConnectionLost)
		require.EqualError(t, err, "connection lost before the answer to 0100 with trace number 000001: the host closed the connection")

		go func() {
			p := acceptPeer(t, host)
			p.send(approve(t.Context(), p.receive()))
		}()
		_, err = client.Exchange(t.Context(), request(1))
		require.NoError(t, err, "the next request connects again")
		require.Equal(t, int64(2), client.Stats().Connections)
		synctest.Wait()
		require.Contains(t, log.String(), `msg="connection to the host ended"`)
	})
}

func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var attempts []time.Duration
		host := newPipes()
		refuse := 5
		client := connect(t, ClientConfig{BackOff: time.Second, MaxBackOff: 5 * time.Second, Dial: func(ctx context.Context) (net.Conn, error) {
			attempts = append(attempts, time.Since(start))
			if len(attempts) <= refuse {
				return nil, errors.New("connection refused")
			}
			return host.dial(ctx)
		}})
		for range refuse {
			_, err := client.Exchange(t.Context(), request(1))
			require.ErrorIs(t, err, ErrNotSent)
			require.EqualError(t, err, "not sent: connection refused")
		}
		go func() { acceptPeer(t, host).conn.Close() }() // accepts, but says nothing
		_, err := client.Exchange(t.Context(), request(1))
		require.Error(t, err)
		go func() {
			p := acceptPeer(t, host)
			p.send(approve(t.Context(), p.receive()))
			p.conn.Close()
			p = acceptPeer(t, host)
			p.send(approve(t.Context(), p.receive()))
		}()
		for i := range 2 {
			_, err = client.Exchange(t.Context(), request(2+i))
			require.NoError(t, err)
			synctest.Wait()
		}
		s := time.Second
		require.Equal(t, []time.Duration{0, 1 * s, 3 * s, 7 * s, 12 * s, 17 * s, 22 * s, 22 * s}, attempts,
			"0, then 1, 2, 4, 5, 5 s apart; 5 more after the host that kept silent, none after one that answered")
	})
}

func TestCallersDoNotWaitForDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := connect(t, ClientConfig{ConnectTimeout: time.Minute, Dial: func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.Exchange(ctx, request(1))
		require.ErrorIs(t, err, ErrNotSent)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))

		gone := make(chan error, 1)
		go func() {
			_, err := client.Exchange(t.Context(), request(2))
			gone <- err
		}()
		synctest.Wait()
		require.NoError(t, client.Close())
		require.ErrorIs(t, <-gone, ErrNotSent)
		_, err = client.Exchange(t.Context(), request(3))
		require.ErrorIs(t, err, ErrClosed)
	})
}

func TestCloseEndsRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial})
		gone := make(chan error, 1)
		go func() {
			_, err := client.Exchange(t.Context(), request(1))
			gone <- err
		}()
		p := acceptPeer(t, host)
		p.receive()
		require.NoError(t, client.Close())
		err := <-gone
		require.ErrorIs(t, err, ErrConnectionLost)
		require.ErrorIs(t, err, ErrClosed)
	})
}

func TestEchoWhenQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial, Echo: time.Minute, Timeout: 10 * time.Second})
		go client.Exchange(t.Context(), request(1))
		start := time.Now()
		p := acceptPeer(t, host)
		p.send(approve(t.Context(), p.receive()))

		for i := range 2 {
			echo := p.receive()
			require.NoError(t, Validate(echo))
			require.Equal(t, NetworkRequest, echo.MTI)
			require.Equal(t, EchoTest, echo.NetworkCode)
			require.Equal(t, fmt.Sprintf("%06d", i+1), echo.STAN)
			require.Equal(t, time.Duration(i+1)*time.Minute, time.Since(start))
			p.send(answerNetwork(echo))
		}
		p.receive()                         // the third
		p.requireClosed(10*time.Second + 1) // and no answer to it
		require.Empty(t, client.pending)
	})
}

func TestHostAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		log := &logbook{}
		client := connect(t, ClientConfig{Dial: host.dial, Log: log.logger()})
		go client.Exchange(t.Context(), request(1))
		p := acceptPeer(t, host)
		p.receive()
		echo := NetworkManagement(EchoTest, Stamp{STAN: 77, Time: noon})
		p.send(echo)
		require.Equal(t, Response(echo, Approved), p.receive())
		p.send(NetworkManagement("161", Stamp{STAN: 78, Time: noon}))
		require.Equal(t, "40", p.receive().ResponseCode)
		p.send(request(5))
		synctest.Wait()
		require.Contains(t, log.String(), "request from the host, which is not answered")
		require.Equal(t, int64(1), client.Stats().Unexpected)
	})
}

func TestOddAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		log := &logbook{}
		client := connect(t, ClientConfig{Dial: host.dial, Log: log.logger()})
		result := make(chan error, 1)
		ask := func(stan int) {
			go func() {
				_, err := client.Exchange(t.Context(), request(stan))
				result <- err
			}()
		}
		ask(1)
		p := acceptPeer(t, host)
		m := p.receive()
		wrongType := approve(t.Context(), m)
		wrongType.MTI = FinancialResponse
		p.send(wrongType)
		p.sendPacked("hello")
		p.send(approve(t.Context(), m))
		require.NoError(t, <-result)
		p.send(approve(t.Context(), m))
		synctest.Wait()
		require.Equal(t, ClientStats{Connections: 1, Unexpected: 2, Late: 1}, client.Stats(), "a wrong type, no message, a repeat")
		require.Contains(t, log.String(), "answer of the wrong type")

		ask(2)
		answer := approve(t.Context(), p.receive())
		answer.ResponseCode = "0 "
		packed := string(mustPack(t, Standard(), answer))
		p.sendPacked(packed[:len(packed)-3] + "EUR")
		require.EqualError(t, <-result, "the answer 0110 is wrong: field 49 (currency, transaction) at byte 125: is not all digits")

		ask(3)
		p.receive()
		p.sendBytes([]byte{0xFF, 0xFF})
		err := <-result
		require.ErrorIs(t, err, ErrConnectionLost)
		require.ErrorContains(t, err, "a message of 65535 bytes, at most 16384 are read")
		synctest.Wait()
		requireNoSecrets(t, log.String())
	})
}

func TestHostThatEchoesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial, Timeout: time.Second})
		results := make(chan error, 4)
		second := request(2)
		second.TerminalID = "TAPSIM02"
		for _, m := range []*Message{request(1), request(2), second} {
			go func() {
				answer, err := client.Exchange(t.Context(), m)
				if err == nil {
					require.Equal(t, m.STAN, answer.STAN)
				}
				results <- err
			}()
		}
		p := acceptPeer(t, host)
		for range 3 {
			p.receive()
		}
		p.send(&Message{MTI: AuthorisationResponse, STAN: "000001", ResponseCode: "00"})
		require.NoError(t, <-results)
		p.send(&Message{MTI: AuthorisationResponse, STAN: "000002", ResponseCode: "00"})
		synctest.Wait()
		require.Equal(t, int64(1), client.Stats().Late, "two requests could be meant")
		p.send(&Message{MTI: AuthorisationResponse, STAN: "000002", TerminalID: "TAPSIM02", ResponseCode: "00"})
		require.NoError(t, <-results)
		p.send(&Message{MTI: AuthorisationResponse, STAN: "000002", TerminalID: "TAPSIM01", TransmissionTime: "0101120001", ResponseCode: "00"})
		require.ErrorIs(t, <-results, context.DeadlineExceeded, "a time that differs is another request")
	})
}

func TestClientLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial, MaxPending: 2, MaxFrame: 300})
		for stan := range 2 {
			go client.Exchange(t.Context(), request(stan+1))
		}
		synctest.Wait()
		_, err := client.Exchange(t.Context(), request(3))
		require.EqualError(t, err, "not sent: 2 requests are in flight, no more are allowed")
		big := request(4)
		big.ICCData = make([]byte, 255)
		_, err = client.Exchange(t.Context(), big)
		require.EqualError(t, err, "not sent: a message of 684 bytes: at most 300 fit")
		_, err = client.Exchange(t.Context(), approve(t.Context(), big))
		require.EqualError(t, err, "not sent: the message is not a request")
		big.STAN = "1"
		_, err = client.Exchange(t.Context(), big)
		var field *FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, 11, field.Field)
	})
	_, err := NewClient(ClientConfig{})
	require.EqualError(t, err, "iso8583: a client needs Dial")
}

// TestHostThatDoesNotRead fills every buffer of the connection: requests still
// end in time.
func TestHostThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newPipes()
		client := connect(t, ClientConfig{Dial: host.dial, Timeout: 5 * time.Second, WriteTimeout: 20 * time.Second})
		var asking sync.WaitGroup
		start := time.Now()
		for i := range 200 {
			asking.Go(func() {
				_, err := client.Exchange(t.Context(), request(i+1))
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		acceptPeer(t, host)
		asking.Wait()
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}
