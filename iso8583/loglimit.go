package iso8583

import (
	"sync"
	"time"
)

// lineLimit bounds how many lines go to the log: burst at once, then rate a
// second. It counts those that are left out, so that the log can tell. It may be
// used by many goroutines.
type lineLimit struct {
	burst, rate float64

	mu      sync.Mutex
	used    float64 // of burst
	last    time.Time
	leftOut int
}

// allow is true when a line may be written now, and how many were left out
// before it. A line that may not is counted, with lines that it speaks for.
func (l *lineLimit) allow(now time.Time, lines int) (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = max(0, l.used-l.rate*now.Sub(l.last).Seconds())
	l.last = now
	if l.used+1 > l.burst {
		l.leftOut += lines
		return 0, false
	}
	l.used++
	leftOut, l.leftOut = l.leftOut, 0
	return leftOut, true
}

// rest is how many lines were left out since the last that was written.
func (l *lineLimit) rest() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.leftOut
	l.leftOut = 0
	return n
}
