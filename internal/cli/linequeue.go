package cli

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// Limits of a lineQueue.
const (
	queueLines = 1024
	queueBytes = 4 << 20
	queueDrain = time.Second // for what is still to be written at the end
)

// lineQueue is a writer that never waits: a bank answers whether or not
// somebody reads what it prints. Each Write is one entry. What finds the queue
// full is dropped and counted; once the other end takes something again, or
// fails, tell hears of it. It may be used by many goroutines.
type lineQueue struct {
	to   io.Writer
	tell func(string) // may be nil

	mu      sync.Mutex
	entries chan []byte // nil once closed
	bytes   int         // in entries
	dropped int         // since the last that was told

	done   chan struct{} // closed when all is written
	failed bool          // of the goroutine: to takes no more
}

func newLineQueue(to io.Writer, tell func(string)) *lineQueue {
	q := &lineQueue{to: to, tell: tell, entries: make(chan []byte, queueLines), done: make(chan struct{})}
	go q.work(q.entries)
	return q
}

// Write implements io.Writer. There is no error.
func (q *lineQueue) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.entries == nil || len(q.entries) == cap(q.entries) || q.bytes+len(b) > queueBytes {
		q.dropped++
		return len(b), nil
	}
	q.bytes += len(b)
	q.entries <- bytes.Clone(b)
	return len(b), nil
}

func (q *lineQueue) work(entries <-chan []byte) {
	defer close(q.done)
	for b := range entries {
		if !q.failed {
			q.write(b)
		}
		q.mu.Lock()
		q.bytes -= len(b)
		q.mu.Unlock()
	}
}

func (q *lineQueue) write(b []byte) {
	if _, err := q.to.Write(b); err != nil {
		q.failed = true
		q.say(fmt.Sprintf("cannot be written (%v): nothing more is printed there", bare(err)))
		return
	}
	if n := q.missing(); n > 0 {
		q.say(fmt.Sprintf("took nothing for a while: %d entries were not printed", n))
	}
}

// missing is how many entries were dropped since the last time.
func (q *lineQueue) missing() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped = 0
	return n
}

func (q *lineQueue) say(text string) {
	if q.tell != nil {
		q.tell(text)
	}
}

// close writes what is left, as long as the other end takes it, and tells what
// was lost.
func (q *lineQueue) close() {
	q.mu.Lock()
	close(q.entries)
	left := len(q.entries)
	q.entries = nil
	q.mu.Unlock()
	timer := time.NewTimer(queueDrain)
	defer timer.Stop()
	select {
	case <-q.done:
		left = 0
		if q.failed {
			return // and told
		}
	case <-timer.C:
	}
	if n := q.missing() + left; n > 0 {
		q.say(fmt.Sprintf("takes nothing: %d entries were not printed", n))
	}
}
