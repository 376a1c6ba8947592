package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startIssuer runs `tapsim issuer` until the test ends, and returns its
// address.
func startIssuer(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	errs, errw := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, append([]string{"issuer", "--listen", "127.0.0.1:0"}, args...), nil, io.Discard, errw)
		errw.Close()
	}()
	t.Cleanup(func() {
		stop()
		require.Zero(t, <-done)
	})
	line, err := bufio.NewReader(errs).ReadString('\n')
	require.NoError(t, err, line)
	go func() { _, _ = io.Copy(io.Discard, errs) }()
	_, address, found := strings.Cut(strings.TrimSpace(line), "listens on ")
	require.True(t, found, line)
	return address
}

// run is one command line.
func run(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = Main(context.Background(), args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// paid runs `tapsim pay --json` and returns what came out.
func paid(t *testing.T, args ...string) map[string]any {
	t.Helper()
	status, out, errs := run(t, append([]string{"pay", "--json"}, args...)...)
	require.Zero(t, status, errs)
	var p map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	return p
}

// The same cryptogram under another trace number is a replay, even from a phone
// that starts anew; the same message again gets its first answer.
func TestIssuerOverTheNetwork(t *testing.T) {
	address := startIssuer(t, "--state", t.TempDir(), "--now", "2030-01-01T12:00:00Z")
	pay := func(args ...string) map[string]any {
		return paid(t, append([]string{"--issuer", address, "--state", ":memory:", "--seed", "1", "--now", "2030-01-01T12:00:00Z"}, args...)...)
	}
	first := pay("--stan", "1")
	require.Equal(t, "approved", first["outcome"])
	require.Nil(t, first["cryptogram_verified"], "another host's word is not ours")
	require.Equal(t, first["authorisation_code"], pay("--stan", "1")["authorisation_code"], "a repeat gets the first answer")

	second := pay("--stan", "2")
	require.Equal(t, "declined", second["outcome"])
	require.Equal(t, "63", second["response_code"])
	require.Equal(t, first["cryptogram"], second["cryptogram"])
}

// A bank with rules: no answer means a reversal that waits, told to the
// customer, and delivered before the next payment.
func TestSilentIssuer(t *testing.T) {
	demo, out, _ := run(t, "issuer", "--print-config")
	require.Zero(t, demo)
	config := strings.Replace(out, "rules: []", "rules:\n  - name: mute\n    when: {amount: \"6.66\", mti: \"0100\"}\n    then: {silence: answer}\n", 1)
	file := filepath.Join(t.TempDir(), "bank.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	address := startIssuer(t, "--state", ":memory:", "--config", file)
	state := t.TempDir()
	mute := paid(t, "--issuer", address, "--state", state, "--amount", "6.66", "--host-timeout", "200ms")
	require.Equal(t, "declined", mute["outcome"])
	require.Contains(t, mute["detail"], "reversal is queued")
	require.Nil(t, mute["response_code"])
	require.Equal(t, "approved", paid(t, "--issuer", address, "--state", state, "--amount", "5")["outcome"])
}

// Nobody listens: nothing was sent, so nothing is to be reversed.
func TestNoIssuer(t *testing.T) {
	state := t.TempDir()
	p := paid(t, "--issuer", "127.0.0.1:1", "--state", state)
	require.Equal(t, "declined", p["outcome"])
	require.NotContains(t, p["detail"], "reversal")
	require.Equal(t, "approved", paid(t, "--state", state)["outcome"])
}

func TestIssuerRefusals(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--listen 0.0.0.0:0", "needs --tls-cert and --tls-key"},
		{"--listen nowhere", "want ADDRESS:PORT"},
		{"--tls-cert x", "go together"},
		{"--config nowhere.yaml", "nowhere.yaml: no such file"},
		{"--iso-spec nowhere.json", "nowhere.json: no such file"},
	} {
		status, _, errs := run(t, append([]string{"issuer", "--state", ":memory:"}, strings.Fields(c.args)...)...)
		require.Equal(t, exitUsage, status)
		require.Contains(t, errs, c.want)
	}
	address := startIssuer(t, "--state", ":memory:")
	status, _, errs := run(t, "issuer", "--state", ":memory:", "--listen", address)
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "is another issuer running?")
}

// Two processes cannot share a part of the state; the second is told who has
// it.
func TestStateInUse(t *testing.T) {
	state := t.TempDir()
	startIssuer(t, "--state", state)
	status, _, errs := run(t, "pay", "--state", state)
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "tapsim issuer")
}
