package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// startIssuer runs `tapsim issuer` until the test ends, and returns its
// address.
func startIssuer(t *testing.T, args ...string) string {
	t.Helper()
	address, _, _ := watchIssuer(t, args...)
	return address
}

// watchIssuer is startIssuer with what it prints.
func watchIssuer(t *testing.T, args ...string) (address string, out, log *lines) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, log = &lines{}, &lines{}
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, append([]string{"issuer", "--listen", "127.0.0.1:0"}, args...), nil, out, log)
	}()
	t.Cleanup(func() {
		stop()
		require.Zero(t, <-done)
	})
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "listens on ") }, 10*time.Second, time.Millisecond, log)
	_, rest, _ := strings.Cut(log.String(), "listens on ")
	address, _, _ = strings.Cut(rest, "\n")
	return address, out, log
}

// lines collects what goroutines print.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// await waits until a text was printed.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(l.String(), text) }, 10*time.Second, time.Millisecond, "%s in %s", text, l)
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

// What the issuer prints of each message: a line, and the checks that failed;
// with --verbose all of them.
func TestIssuerPrintsEachMessage(t *testing.T) {
	const now = "2030-01-01T12:00:00Z"
	for _, verbose := range []bool{false, true} {
		args := []string{"--state", ":memory:", "--now", now}
		if verbose {
			args = append(args, "--verbose")
		}
		address, out, _ := watchIssuer(t, args...)
		pay := func(stan string) {
			paid(t, "--issuer", address, "--state", ":memory:", "--seed", "1", "--now", now, "--amount", "12.50", "--stan", stan)
		}
		pay("1")
		out.await(t, "0100 TAPSIM01 476173******0010 12.50 EUR, trace 000001: 00 approved\n")
		require.Regexp(t, `^2030-01-01 12:00:\d\d 0100 `, out)
		require.Equal(t, verbose, strings.Contains(out.String(), "  ok       limited-use key: key "), out)
		pay("1")
		out.await(t, "the first answer was given again")
		require.Equal(t, !verbose, strings.Contains(out.String(), "  repeat: the first answer was given again\n"), out)
		pay("2")
		out.await(t, "trace 000002: 63 security violation\n")
		require.Contains(t, out.String(), "counter: replay: this cryptogram")
		require.NotContains(t, out.String(), "4761739002000010")
	}
}

func TestIssuerPrintsJSON(t *testing.T) {
	address, out, _ := watchIssuer(t, "--state", ":memory:", "--json")
	paid(t, "--issuer", address, "--state", ":memory:")
	out.await(t, "\n")
	var line servedJSON
	require.NoError(t, json.Unmarshal([]byte(out.String()), &line))
	field55 := func(list []iso8583.Field) string {
		for _, f := range list {
			if f.Number == 55 {
				return f.Value
			}
		}
		return ""
	}
	require.Regexp(t, "^[0-9A-F*]{200,}$", field55(line.Request))
	require.Contains(t, field55(line.Request), "9F3602")
	require.Regexp(t, "^9108[0-9A-F]{16}$", field55(line.Response))
	require.NotEmpty(t, line.Time)
}

// What never gets to the bank is told too: with peer, reason, field and place,
// without values.
func TestIssuerTellsWhatItRejects(t *testing.T) {
	address, out, log := watchIssuer(t, "--state", ":memory:")
	send := func(frame string) net.Conn {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = conn.Write([]byte(frame))
		require.NoError(t, err)
		return conn
	}
	framed := func(text string) string { return string([]byte{byte(len(text) >> 8), byte(len(text))}) + text }
	peer := send(framed("0800" + "8220000000000000" + "0400000000000000" + "0101120000" + "00000X" + "301")).LocalAddr().String()
	log.await(t, "field=11 offset=46")
	require.Regexp(t, `time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ msg="bad request" remote=`+peer+` reason="0800 is answered with a format error: field 11`, log)
	send(framed("0800" + "8220000000000000" + "0400000000000000" + "0101120000" + "000001" + "301"))
	out.await(t, " 0800, trace 000001: 00 approved\n")
	send(framed("0800" + "8220000000000000" + "0400000000000000" + "0101120000" + "000002" + "161"))
	out.await(t, " 0800, trace 000002: 40 ")
	send(framed("0100" + "4000000000000000" + "16" + "4761739001010119"))
	log.await(t, "field 3 (processing code): is missing in 0100")
	send(framed("\x01\x00\x40\x00\x00\x00\x00\x00\x00\x00"))
	log.await(t, "field=0 offset=0")
	send("\xFF\xFF")
	log.await(t, "bad length header: a message of 65535 bytes")
	send("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03")
	log.await(t, "this is the beginning of TLS")
	require.NotContains(t, log.String(), "4761739001010119")
	require.NotContains(t, log.String(), "00000X")
}

// A card that lost its counter: the bank refuses, the operator sets the counter,
// the bank takes the card again.
func TestIssuerSetsACounter(t *testing.T) {
	bank := t.TempDir()
	pay := func(stan string) any {
		ctx, stop := context.WithCancel(context.Background())
		log := &lines{}
		done := make(chan int, 1)
		go func() {
			done <- Main(ctx, []string{"issuer", "--listen", "127.0.0.1:0", "--state", bank}, nil, io.Discard, log)
		}()
		log.await(t, "listens on ")
		_, rest, _ := strings.Cut(log.String(), "listens on ")
		address, _, _ := strings.Cut(rest, "\n")
		p := paid(t, "--issuer", address, "--state", ":memory:", "--card", "visa-plastic", "--stan", stan)
		stop()
		require.Zero(t, <-done)
		return p["response_code"]
	}
	require.Equal(t, "00", pay("1"))
	require.Equal(t, "63", pay("2"), "the card in memory starts again, with the same counter")
	status, _, errs := run(t, "issuer", "--state", bank, "--set-counter", "4761739001010119=0")
	require.Zero(t, status, errs)
	require.Contains(t, errs, "takes 0 as the highest counter of 476173******0119")
	require.Equal(t, "00", pay("3"))
	for _, wrong := range []string{"4761739001010119", "4761739001010118=1", "4761739001010119=65536", "x=1"} {
		status, _, errs := run(t, "issuer", "--state", bank, "--set-counter", wrong)
		require.Equal(t, exitUsage, status)
		require.Contains(t, errs, "want PAN=HIGHEST")
	}
}

// Three wrong PINs block a card's PIN, until the operator lets it be tried again.
func TestPINIsBlocked(t *testing.T) {
	state, wrong := t.TempDir(), filepath.Join(t.TempDir(), "pin")
	require.NoError(t, os.WriteFile(wrong, []byte("4321\n"), 0o600))
	pay := func(args ...string) any {
		return paid(t, append([]string{"--state", state, "--card", "visa-plastic", "--terminal", "atm", "--amount", "50"}, args...)...)["response_code"]
	}
	for range 3 {
		require.Equal(t, "55", pay("--pin-file", wrong))
	}
	require.Equal(t, "75", pay("--pin-file", wrong))
	require.Equal(t, "75", pay(), "the right one is refused, too")
	status, _, errs := run(t, "issuer", "--state", state, "--unblock-pin", "4761739001010119")
	require.Zero(t, status)
	require.Contains(t, errs, "takes PINs of 476173******0119 again")
	require.Equal(t, "00", pay())
	for _, text := range []string{"4761739001010118", "x"} {
		status, _, errs = run(t, "issuer", "--state", state, "--unblock-pin", text)
		require.Equal(t, exitUsage, status)
		require.Contains(t, errs, "--unblock-pin: want an account number")
	}
}

// A configuration that was changed after the first start, and one that cannot
// be set up.
func TestIssuerConfigAfterTheFirstStart(t *testing.T) {
	_, demo, _ := run(t, "issuer", "--print-config")
	file, state := filepath.Join(t.TempDir(), "bank.yaml"), t.TempDir()
	write := func(text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write(demo)
	set := []string{"issuer", "--state", state, "--config", file, "--set-counter", "4761739001010119=0"}
	_, _, errs := run(t, set...)
	require.NotContains(t, errs, "bank.yaml")
	write(strings.Replace(demo, `balance: "100000.00"`, `balance: "7.00"`, 1))
	_, _, errs = run(t, set...)
	require.Regexp(t, `tapsim: \S+bank.yaml:\d+: accounts\[0\].balance: the set-up says 7.00 EUR, the bank started with 100000.00 EUR`, errs)
	write(strings.Replace(demo, "account: DEMO-0001", "account: NOBODY", 1))
	status, _, errs := run(t, "issuer", "--state", ":memory:", "--config", file)
	require.Equal(t, exitUsage, status)
	require.Regexp(t, `bank.yaml:\d+: cards\[0\]: card 476173\*{6}0119: there is no account NOBODY`, errs)
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

// An interrupt while the answer is awaited: the reversal is in the journal and
// on the receipt, and it reaches that bank and no other.
func TestInterruptedPayment(t *testing.T) {
	_, demo, _ := run(t, "issuer", "--print-config")
	file := filepath.Join(t.TempDir(), "bank.yaml")
	config := strings.Replace(demo, "rules: []", "rules:\n  - name: mute\n    when: {amount: \"6.66\", mti: \"0100\"}\n    then: {silence: answer}\n", 1)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	address, bank, _ := watchIssuer(t, "--state", ":memory:", "--config", file)
	state := t.TempDir()
	ctx, interrupt := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, []string{"pay", "--issuer", address, "--state", state, "--amount", "6.66", "--quiet", "--host-timeout", "60s"}, nil, &out, &errs)
	}()
	bank.await(t, "trace 000001: no answer")
	interrupt()
	require.Equal(t, exitOK, <-done)
	require.Contains(t, out.String(), "the host did not answer (interrupted): a reversal is queued")

	status, said, notes := run(t, "pay", "--state", state, "--quiet")
	require.Zero(t, status)
	require.Contains(t, said, "approved")
	require.Contains(t, notes, "earlier messages, 1 of them, wait for "+address)
	require.NotContains(t, bank.String(), " 0400 ")

	status, said, notes = run(t, "pay", "--state", state, "--quiet", "--issuer", address)
	require.Zero(t, status)
	require.Contains(t, bank.String(), " 0400 TAPSIM01 476173******0010 6.66 EUR, trace 000001: 00 approved")
	require.NotContains(t, notes, "earlier messages")
	require.Contains(t, said, "EUR 1.00")
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
		{"--http 0.0.0.0:0", "--http 0.0.0.0:0 is open to others: that needs TLS and an API key"},
		{"--http nowhere", "want ADDRESS:PORT"},
		{"--http-key-file x", "goes with --http"},
		{"--http 127.0.0.1:0 --http-key-file nowhere", "nowhere: no such file"},
		{"--http 256.0.0.1:0", "open to others"},
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
