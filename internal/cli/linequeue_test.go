package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// tap is a writer that takes something only while it is open.
type tap struct {
	open chan struct{}
	got  lines
}

func (w *tap) Write(b []byte) (int, error) {
	<-w.open
	return w.got.Write(b)
}

// A queue whose other end takes nothing takes all the same, drops what does not
// fit, and tells how much that was.
func TestLineQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &tap{open: make(chan struct{})}
		var told []string
		q := newLineQueue(w, func(text string) { told = append(told, text) })
		fmt.Fprintln(q, "first")
		synctest.Wait() // it hangs in w
		for n := range queueLines + 7 {
			fmt.Fprintln(q, n)
		}
		require.Empty(t, told)
		close(w.open)
		synctest.Wait()
		require.Equal(t, []string{"took nothing for a while: 7 entries were not printed"}, told)
		got := strings.Fields(w.got.String())
		require.Len(t, got, 1+queueLines)
		require.Equal(t, []string{"first", "0", "1"}, got[:3])
		fmt.Fprintln(q, "last")
		q.close()
		require.Len(t, told, 1)
		require.True(t, strings.HasSuffix(w.got.String(), "\nlast\n"))
		fmt.Fprintln(q, "a handler that is late")
	})
}

// Large entries are bounded by their size.
func TestLineQueueOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &tap{open: make(chan struct{})}
		told := ""
		q := newLineQueue(w, func(text string) { told = text })
		for range 10 {
			q.Write(make([]byte, queueBytes/4))
		}
		close(w.open)
		synctest.Wait()
		require.Equal(t, "took nothing for a while: 6 entries were not printed", told)
		require.Equal(t, queueBytes, len(w.got.String()))
		q.close()
	})
}

// The end does not wait for ever, and what was lost is told.
func TestLineQueueEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &tap{open: make(chan struct{})}
		told := ""
		q := newLineQueue(w, func(text string) { told = text })
		for range 5 {
			fmt.Fprintln(q, "x")
		}
		synctest.Wait()
		begun := time.Now()
		q.close()
		require.Equal(t, queueDrain, time.Since(begun))
		require.Equal(t, "takes nothing: 4 entries were not printed", told)
		close(w.open)
	})
}

// A bank whose output nobody reads, or takes, answers.
func TestIssuerWithoutAScreen(t *testing.T) {
	blocked := &tap{open: make(chan struct{})}
	defer close(blocked.open)
	for name, out := range map[string]io.Writer{"blocked": blocked, "closed": fullDisk{}} {
		ctx, stop := context.WithCancel(context.Background())
		log := &lines{}
		done := make(chan int, 1)
		go func() {
			done <- Main(ctx, []string{"issuer", "--listen", "127.0.0.1:0", "--state", ":memory:", "--verbose"}, nil, out, log)
		}()
		log.await(t, "listens on ")
		_, rest, _ := strings.Cut(log.String(), "listens on ")
		address, _, _ := strings.Cut(rest, "\n")
		state := t.TempDir()
		for range 3 {
			require.Equal(t, "approved", paid(t, "--issuer", address, "--state", state)["outcome"], name)
		}
		stop()
		require.Zero(t, <-done, name)
		require.Contains(t, log.String(), map[string]string{
			"blocked": "tapsim: standard output takes nothing: 2 entries were not printed\n",
			"closed":  "tapsim: standard output cannot be written (no space left on device): nothing more is printed there\n",
		}[name])
		require.Equal(t, 1, strings.Count(log.String(), "standard output"), name)
	}
}
