package iso8583

import "sync"

// crowd is the connections of a server: at most so many at a time.
type crowd struct {
	mu   sync.Mutex
	most int
	open map[*link]struct{}
}

// admit takes a connection in. Where all places are taken, the one that leaves
// is the longest idle of those with nothing in flight, and of those first one
// that has never sent a message: whoever only holds a place keeps nobody out.
// It is false when all are at work. The caller closes the one that leaves.
func (c *crowd) admit(l *link) (leaves *link, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		for other := range c.open {
			if other.busy.Load() == 0 && (leaves == nil || other.dispensable(leaves)) {
				leaves = other
			}
		}
		if leaves == nil {
			return nil, false
		}
		delete(c.open, leaves)
	}
	c.open[l] = struct{}{}
	return leaves, true
}

// dispensable is true when l goes rather than other.
func (l *link) dispensable(other *link) bool {
	if l.heard.Load() != other.heard.Load() {
		return other.heard.Load()
	}
	return l.lastActive().Before(other.lastActive())
}

func (c *crowd) leave(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, l)
}
