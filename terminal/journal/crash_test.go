package journal_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/terminal/journal"
)

// child tells the test program to be the terminal that gets killed.
const child = "TAPSIM_JOURNAL_CHILD"

// TestMain lets the test program run itself as another process.
func TestMain(m *testing.M) {
	if dir := os.Getenv(child); dir != "" {
		work(dir)
		return
	}
	os.Exit(m.Run())
}

// work writes messages for ever and acknowledges each step on standard output
// once the journal has. Every third is marked as sent, every fifth is answered.
func work(dir string) {
	j, err := journal.Create(dir, key)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		id, err := j.Add(bank, message(j.NextSTAN()))
		if err == nil {
			fmt.Println("added", id)
			if n%3 == 0 {
				err = j.Sending(id)
				fmt.Println("sending", id)
			}
		}
		if err == nil && n%5 == 0 {
			err = j.Remove(id)
			fmt.Println("removed", id)
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
}

// kill -9 at any moment: what was acknowledged is there, a message whose
// delivery began is known to have been sent, one that was answered stays away,
// and no number is given out twice.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	added, sent, removed := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	for round := range 8 {
		steps := runUntil(t, dir, 20+7*round)
		for _, s := range steps {
			var id uint64
			switch verb, number, _ := strings.Cut(s, " "); verb {
			case "added":
				fmt.Sscan(number, &id)
				require.False(t, added[id], "identifier %d was given out twice", id)
				added[id] = true
			case "sending":
				fmt.Sscan(number, &id)
				sent[id] = true
			case "removed":
				fmt.Sscan(number, &id)
				removed[id] = true
			default:
				require.Fail(t, s)
			}
		}
		j := open(t, dir)
		there, numbers := map[uint64]bool{}, map[string]bool{}
		for _, e := range pending(t, j) {
			there[e.ID] = true
			require.False(t, numbers[e.Message.STAN], "number %s twice", e.Message.STAN)
			numbers[e.Message.STAN] = true
			require.False(t, removed[e.ID], "%d was answered and is back", e.ID)
			require.True(t, e.Sent || !sent[e.ID], "%d would go out as new although its delivery began", e.ID)
			require.Equal(t, pan, e.Message.PAN)
			added[e.ID] = true // written, but killed before it could say so
		}
		for id := range added {
			if !there[id] && sentLast(steps, id) {
				removed[id] = true // done, but killed before it could say so
			}
			require.True(t, there[id] || removed[id], "message %d is lost", id)
		}
		require.NoError(t, j.Close())
	}
	require.Greater(t, len(added), 100)
}

// sentLast is true when a message was the last thing the child spoke of.
func sentLast(steps []string, id uint64) bool {
	return strings.HasSuffix(steps[len(steps)-1], fmt.Sprintf(" %d", id))
}

// runUntil starts the child and kills it after n lines.
func runUntil(t *testing.T, dir string, n int) []string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), child+"="+dir)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var lines []string
	s := bufio.NewScanner(out)
	for s.Scan() {
		lines = append(lines, s.Text())
		if len(lines) == n {
			require.NoError(t, c.Process.Kill())
		}
	}
	require.Error(t, c.Wait(), "the child ended by itself: %v", lines[max(0, len(lines)-2):])
	require.GreaterOrEqual(t, len(lines), n)
	return lines
}
