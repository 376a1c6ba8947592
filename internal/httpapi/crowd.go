package httpapi

import (
	"net"
	"net/http"
	"sync"
)

// maxConnections bounds the connections that are open at a time. For a further
// one the one that has waited longest without a request is closed.
const maxConnections = 256

// crowd counts connections. It is the server's ConnState.
type crowd struct {
	most int

	mu      sync.Mutex
	count   uint64
	open    map[net.Conn]bool
	waiting map[net.Conn]uint64 // without a request under way, by when that began
}

func newCrowd(most int) *crowd {
	return &crowd{most: most, open: map[net.Conn]bool{}, waiting: map[net.Conn]uint64{}}
}

// changed takes note of a connection's new state and makes room.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateIdle:
		c.count++
		c.open[conn], c.waiting[conn] = true, c.count
	case http.StateActive:
		delete(c.waiting, conn)
	case http.StateHijacked, http.StateClosed:
		c.forget(conn)
	}
	if state == http.StateNew && len(c.open) > c.most {
		oldest := conn
		for other, since := range c.waiting {
			if since < c.waiting[oldest] {
				oldest = other
			}
		}
		c.forget(oldest)
		_ = oldest.Close() // the server notices, as when the other side had closed it
	}
}

func (c *crowd) forget(conn net.Conn) {
	delete(c.open, conn)
	delete(c.waiting, conn)
}
