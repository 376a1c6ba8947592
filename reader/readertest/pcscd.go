package readertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// PCSCD is a PC/SC service of a test's own, with one virtual reader of two
// slots. It sees no other service on the machine and is seen by none: its socket
// lies in a mount namespace. Where none may be made, it is the machine's only
// one, and tests of other packages wait for it to end.
type PCSCD struct {
	Socket string    // for PCSCLITE_CSOCK_NAME
	Slots  [2]string // addresses to insert cards at
	Names  [2]string // of the readers

	dir  string
	wait time.Duration // for it to start
	cmd  *exec.Cmd
	stop io.Closer // its end ends the service, also when the test is killed
	log  *bytes.Buffer
}

// Parts that the machine must have, and the Debian packages that have them.
var parts = []struct{ what, found, pkg string }{
	{"pcscd", "", "pcscd"},
	{"unshare", "", "util-linux"}, // and flock
	{"the driver of virtual readers", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "vsmartcard-vpcd"},
}

// namespaces are ways to a mount namespace: as root, and as somebody who may
// become root of one.
var namespaces = [][]string{
	{"unshare", "--mount", "--propagation", "private"},
	{"unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"},
}

// private finds the way that works here; nil when none does.
func private() []string {
	for _, n := range namespaces {
		if exec.Command(n[0], append(n[1:], "mount", "--bind", "/run/pcscd", "/run/pcscd")...).Run() == nil {
			return n
		}
	}
	return nil
}

// script runs the service until its standard input ends. It gets a /run/pcscd of
// its own, or waits for the machine's.
const script = `set -eu
if [ -n "$1" ]; then
  mount --bind "$1" /run/pcscd
else
  exec 9>/run/pcscd/tapsim-test.lock
  flock -w 600 9
fi
: >"$2"
shift 2
pcscd --foreground "$@" </dev/null &
service=$!
cat >/dev/null || true
kill "$service"
wait "$service"
`

// StartPCSCD starts a service. What the machine lacks is an error that names the
// package to install.
func StartPCSCD() (*PCSCD, error) {
	for _, p := range parts {
		_, err := os.Stat(p.found)
		if p.found == "" {
			_, err = exec.LookPath(p.what)
		}
		if err != nil {
			return nil, fmt.Errorf("%s is missing: install the package %s", p.what, p.pkg)
		}
	}
	if err := os.MkdirAll("/run/pcscd", 0o755); err != nil {
		return nil, fmt.Errorf("%w (somebody with the right to must make that folder)", err)
	}
	var err error
	for range 3 { // somebody may take the ports in between
		var p *PCSCD
		if p, err = start(); err == nil {
			return p, nil
		}
	}
	return nil, err
}

func start() (p *PCSCD, err error) {
	p = &PCSCD{wait: startTime, Names: [2]string{"Virtual PCD 00 00", "Virtual PCD 00 01"}, log: &bytes.Buffer{}}
	if p.dir, err = os.MkdirTemp("", "tapsim-pcscd-"); err != nil {
		return nil, err
	}
	port, err := freePair()
	if err == nil {
		err = p.launch(port)
	}
	if err == nil {
		err = p.ready()
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// freePair finds a free port whose neighbour is free as well: the driver takes
// one for each slot.
func freePair() (int, error) {
	for range 50 {
		first, err := net.Listen("tcp", "0.0.0.0:0")
		if err != nil {
			return 0, err
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", port+1))
		_ = first.Close()
		if err == nil {
			return port, second.Close()
		}
	}
	return 0, errors.New("no two free ports side by side")
}

func (p *PCSCD) launch(port int) error {
	run, conf := filepath.Join(p.dir, "run"), filepath.Join(p.dir, "conf")
	p.Socket = filepath.Join(run, "pcscd.comm")
	p.Slots = [2]string{fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", port+1)}
	text := fmt.Sprintf("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n", port, parts[2].found, port)
	namespace := private()
	if namespace == nil {
		p.Socket, run = "/run/pcscd/pcscd.comm", ""
		p.wait = alone
	}
	if err := errors.Join(os.Mkdir(filepath.Join(p.dir, "run"), 0o755), os.Mkdir(conf, 0o755), os.WriteFile(filepath.Join(conf, "vpcd"), []byte(text), 0o644)); err != nil {
		return err
	}
	args := append(append([]string{}, namespace...), "sh", "-c", script, "sh", run, p.turn(), "--config", conf)
	if help, _ := exec.Command("pcscd", "--help").CombinedOutput(); strings.Contains(string(help), "--disable-polkit") {
		args = append(args, "--disable-polkit")
	}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.stop = in
	return p.cmd.Start()
}

// How long the service may take to listen: it needs 10 ms, but without a
// namespace of its own it waits for that of another package's tests to end.
const (
	startTime = 10 * time.Second
	alone     = 10 * time.Minute
)

func (p *PCSCD) ready() error {
	for deadline := time.Now().Add(p.wait); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(p.turn()); err != nil {
			continue // the socket may be another's
		}
		if c, err := net.Dial("unix", p.Socket); err == nil {
			return c.Close()
		}
	}
	return errors.New("pcscd does not start")
}

// turn is a file that is there when it is this service's turn.
func (p *PCSCD) turn() string { return filepath.Join(p.dir, "turn") }

// Stop ends the service; its log is in the error when it ended badly.
func (p *PCSCD) Stop() error {
	defer os.RemoveAll(p.dir)
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	_ = p.stop.Close()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("pcscd: %w\n%s", err, p.log)
		}
		return nil
	case <-time.After(5 * time.Second):
		return errors.Join(errors.New("pcscd does not end"), p.cmd.Process.Kill())
	}
}
