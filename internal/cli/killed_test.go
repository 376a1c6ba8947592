package cli

import (
	"bufio"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/internal/httpapi"
	"tapsim/iso8583"
)

// The programs are killed as kill -9 does, again and again, in the middle of
// their work. More often than CI does it, from another seed:
//
//	go test ./internal/cli -run Killed -rounds 2000 -seed 7
var (
	killRounds = flag.Int("rounds", 0, "kill each program that often; 0: as often as CI does")
	killSeed   = flag.Uint64("seed", 1, "what the programs are asked to do, and when they are killed")
)

// killing is a test that kills.
type killing struct {
	t      *testing.T
	rng    *rand.Rand
	rounds int
}

func newKilling(t *testing.T, rounds int) *killing {
	t.Parallel() // the programs wait for the disk, mostly
	if *killRounds > 0 {
		rounds = *killRounds
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("once more: go test ./internal/cli -run %s -rounds %d -seed %d", t.Name(), rounds, *killSeed)
		}
	})
	return &killing{t, rand.New(rand.NewPCG(*killSeed, 0)), rounds}
}

// program makes this test program "tapsim" in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, args...)
	c.Args[0] = "tapsim" // see TestMain
	return c
}

// bankProcess is a `tapsim issuer` that is going to be killed.
type bankProcess struct {
	command  *exec.Cmd
	iso      *iso8583.Client
	service  *httpapi.Client
	killed   atomic.Bool
	answers  atomic.Int64
	killAt   int64         // after that many answers
	killWait time.Duration // and that much later
	kill     sync.Once
}

var (
	isoAddress     = regexp.MustCompile(`issuer listens on (\S+)`)
	serviceAddress = regexp.MustCompile(`token service at (\S+)`)
)

// startBank starts a bank on a state folder and waits until it serves ISO 8583
// and HTTP.
func (k *killing) startBank(state string) *bankProcess {
	k.t.Helper()
	b := &bankProcess{command: program(k.t, "issuer", "--quiet", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--state", state)}
	out, err := b.command.StderrPipe()
	require.NoError(k.t, err)
	require.NoError(k.t, b.command.Start())
	var text string
	for lines := bufio.NewScanner(out); b.iso == nil || b.service == nil; {
		require.True(k.t, lines.Scan(), "the bank does not start: %s", text)
		text += lines.Text() + "\n"
		if found := isoAddress.FindStringSubmatch(lines.Text()); found != nil {
			b.iso, err = iso8583.NewClient(iso8583.ClientConfig{Dial: iso8583.Dialer(found[1], nil)})
			require.NoError(k.t, err)
		}
		if found := serviceAddress.FindStringSubmatch(lines.Text()); found != nil {
			b.service, err = httpapi.NewClient(httpapi.ClientConfig{URL: found[1]})
			require.NoError(k.t, err)
		}
	}
	return b
}

// answered counts an answer; the one it was waiting for kills the bank.
func (b *bankProcess) answered() {
	if b.answers.Add(1) == b.killAt {
		b.killLater()
	}
}

func (b *bankProcess) killLater() {
	b.kill.Do(func() {
		time.AfterFunc(b.killWait, func() {
			b.killed.Store(true)
			_ = b.command.Process.Kill()
		})
	})
}

// bury waits for the end of a bank that was killed.
func (b *bankProcess) bury(t *testing.T) {
	require.Error(t, b.command.Wait(), "it was killed")
	require.True(t, b.killed.Load(), "it ended by itself")
	b.service.Close()
	_ = b.iso.Close()
}

// TestKilledBank kills a bank that serves terminals, customers and phones at once. What
// it said is there after the restart, once; what it did not get to say is there
// once after the same request came again; and what terminals gave up is undone.
func TestKilledBank(t *testing.T) {
	k := newKilling(t, 12)
	state := t.TempDir()
	k.killBeginning(state)
	b := k.startBank(state)
	var users []user
	for range 2 {
		users = append(users, newCustomer(k, b, len(users)))
	}
	users = append(users, newHolder(k, b))
	for _, card := range []string{"visa-plastic", "mastercard-plastic", "unionpay-plastic"} {
		users = append(users, newShopper(k, card))
	}
	for round := range k.rounds {
		b.killAt, b.killWait = 1+k.rng.Int64N(16), time.Duration(k.rng.IntN(3000))*time.Microsecond
		var all sync.WaitGroup
		for _, u := range users {
			all.Go(func() { u.work(b) })
		}
		all.Wait()
		b.bury(t)
		if t.Failed() {
			return
		}
		b = k.startBank(state)
		for _, u := range users {
			u.recover(b)
		}
		if round%10 == 0 || round == k.rounds-1 {
			audit, err := b.service.Audit(context.Background())
			require.NoError(t, err)
			require.True(t, audit.Agree, audit.Wrong)
		}
	}
	for _, u := range users {
		u.settle(b)
	}
	b.killWait = 0
	b.killLater()
	b.bury(t)
}

// killBeginning kills a bank while it makes its books, again and again over the
// same folder.
func (k *killing) killBeginning(state string) {
	began := time.Now()
	b := k.startBank(k.t.TempDir())
	took := time.Since(began)
	b.killLater()
	b.bury(k.t)
	for range 1 + k.rounds/10 {
		c := program(k.t, "issuer", "--quiet", "--listen", "127.0.0.1:0", "--state", state)
		require.NoError(k.t, c.Start())
		time.AfterFunc(k.within(took), func() { _ = c.Process.Kill() })
		require.ErrorContains(k.t, c.Wait(), "killed")
	}
}

// within is a random part of a time, which depends on the machine.
func (k *killing) within(d time.Duration) time.Duration {
	return time.Duration(k.rng.Int64N(int64(d) + 1))
}

// user is somebody whom the bank serves.
type user interface {
	work(b *bankProcess)    // until the bank is killed
	recover(b *bankProcess) // look at what the next bank knows, and ask again
	settle(b *bankProcess)  // at the end, look at everything
}
