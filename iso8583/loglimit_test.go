package iso8583

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// told is how many lines a log has, and how many it says are missing.
func told(t *testing.T, log string) (lines, leftOut int) {
	t.Helper()
	for _, found := range regexp.MustCompile(`lines_left_out=(\d+)`).FindAllStringSubmatch(log, -1) {
		n, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		leftOut += n
	}
	return strings.Count(log, "\n"), leftOut
}

// badRequest is answered with a format error.
func badRequest() *Message {
	m := request(7)
	m.STAN = ""
	return m
}

// One connection that sends rubbish gets all its answers, and a few lines.
func TestFloodOfBadRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), Handler: approve})
		p := dialPeer(t, host)
		flood := func(n int) {
			for range n {
				p.send(badRequest())
				require.Equal(t, FormatError, p.receive().ResponseCode)
			}
		}
		flood(500)
		lines, leftOut := told(t, log.String())
		require.Equal(t, lineBurst, lines)
		require.Zero(t, leftOut, "nothing was written since")
		time.Sleep(3 * time.Second)
		flood(500)
		lines, leftOut = told(t, log.String())
		require.Equal(t, lineBurst+3, lines)
		require.Equal(t, 500-lineBurst, leftOut)
		p.conn.Close()
		synctest.Wait()
		lines, leftOut = told(t, log.String())
		require.Equal(t, lineBurst+4, lines, log)
		require.Equal(t, 1000-lineBurst-3, leftOut)

		other := dialPeer(t, host)
		other.send(badRequest())
		other.receive()
		lines, _ = told(t, log.String())
		require.Equal(t, lineBurst+5, lines, "another connection has lines of its own")
	})
}

// Many connections do not fill the log either.
func TestFloodOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		host := serve(t, ServerConfig{Log: log.logger(), Handler: approve})
		for range 1000 {
			p := dialPeer(t, host)
			p.conn.Write([]byte("\x00\x04GET "))
			p.requireClosed(time.Second)
		}
		synctest.Wait()
		lines, leftOut := told(t, log.String())
		require.Equal(t, allLinesBurst, lines)
		require.Zero(t, leftOut)
		time.Sleep(time.Second)
		p := dialPeer(t, host)
		p.conn.Write([]byte("\x00\x04GET "))
		p.requireClosed(time.Second)
		synctest.Wait()
		_, leftOut = told(t, log.String())
		require.Equal(t, 1000-allLinesBurst, leftOut)
	})
}
