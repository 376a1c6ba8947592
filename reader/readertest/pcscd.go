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
// lies in a mount namespace.
type PCSCD struct {
	Socket string    // for PCSCLITE_CSOCK_NAME
	Slots  [2]string // addresses to insert cards at
	Names  [2]string // of the readers

	dir  string
	cmd  *exec.Cmd
	stop io.Closer // its end ends the service, also when the test is killed
	log  *bytes.Buffer
}

// Parts that the machine must have, and the Debian packages that have them.
var parts = []struct{ what, found, pkg string }{
	{"pcscd", "", "pcscd"},
	{"unshare", "", "util-linux"},
	{"the driver of virtual readers", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "vsmartcard-vpcd"},
}

// script gives the service a /run/pcscd of its own. It ends with its standard
// input.
const script = `set -eu
mount --bind "$1" /run/pcscd
shift
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
	p = &PCSCD{Names: [2]string{"Virtual PCD 00 00", "Virtual PCD 00 01"}, log: &bytes.Buffer{}}
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
	if err := errors.Join(os.Mkdir(run, 0o755), os.Mkdir(conf, 0o755), os.WriteFile(filepath.Join(conf, "vpcd"), []byte(text), 0o644)); err != nil {
		return err
	}
	args := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	args = append(args, "sh", "-c", script, "sh", run, "--config", conf)
	if help, _ := exec.Command("pcscd", "--help").CombinedOutput(); strings.Contains(string(help), "--disable-polkit") {
		args = append(args, "--disable-polkit")
	}
	p.cmd = exec.Command("unshare", args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.stop = in
	return p.cmd.Start()
}

// startTime is how long the service may take to listen; it needs 10 ms.
const startTime = 10 * time.Second

func (p *PCSCD) ready() error {
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if c, err := net.Dial("unix", p.Socket); err == nil {
			return c.Close()
		}
	}
	return errors.New("pcscd does not start")
}

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
