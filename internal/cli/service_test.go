package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/internal/httpapi"
)

// Environment of the stories that run over HTTP: whether to, and where to write
// what was asked for.
const (
	overService = "TAPSIM_TEST_SERVICE"
	serviceLog  = "TAPSIM_TEST_LOG"
)

// violation begins a line about a message that is not as the document has it.
const violation = "not as the document has it: "

// checkingProxy passes requests on to a service and checks both ways against
// the OpenAPI document; log gets a line for each.
func checkingProxy(service string, log io.Writer) (*httptest.Server, error) {
	d, err := httpapi.ParseDocument(httpapi.OpenAPI())
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		onward, err := http.NewRequestWithContext(r.Context(), r.Method, service+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		onward.Header = r.Header.Clone()
		answer, err := http.DefaultClient.Do(onward)
		if err != nil {
			http.Error(w, "the service went away", http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		fmt.Fprintln(log, checkExchange(d, r, body, answer.StatusCode, text))
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(text)
	})), nil
}

// checkExchange is the operation and the status, or what is wrong with them.
func checkExchange(d *httpapi.Document, r *http.Request, request []byte, status int, answer []byte) string {
	op := d.Operations[r.Method+" "+r.URL.Path]
	if op == nil {
		return violation + "no operation " + r.Method + " " + r.URL.Path
	}
	if op.Body != nil {
		if err := d.CheckJSON(op.Body, request); err != nil {
			return violation + op.ID + " request: " + err.Error()
		}
	}
	schema, ok := op.Answers[fmt.Sprint(status)]
	if !ok {
		schema = op.Answers["default"]
	}
	if err := d.CheckJSON(schema, answer); err != nil {
		return fmt.Sprintf("%s%s answer %d: %v", violation, op.ID, status, err)
	}
	return fmt.Sprintf("%s %d", op.ID, status)
}

// appendFile appends each write to a file, which several processes may do.
type appendFile string

func (name appendFile) Write(b []byte) (int, error) {
	f, err := os.OpenFile(string(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Write(b)
}

// running is a `tapsim issuer --http` of a test.
type running struct {
	iso, url string
	stop     func() int
}

// startService runs an issuer with both sides on free ports.
func startService(log io.Writer, args ...string) (*running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	seen := &lines{}
	done := make(chan int, 1)
	go func() {
		all := append([]string{"issuer", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)
		done <- Main(ctx, all, strings.NewReader(""), log, io.MultiWriter(seen, log))
	}()
	s := &running{stop: func() int { cancel(); return <-done }}
	iso, web := regexp.MustCompile(`issuer listens on (\S+)\n`), regexp.MustCompile(`token service at (\S+)\n`)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		text := seen.String()
		if i, w := iso.FindStringSubmatch(text), web.FindStringSubmatch(text); i != nil && w != nil {
			s.iso, s.url = i[1], w[1]
			return s, nil
		}
		select {
		case status := <-done:
			return nil, fmt.Errorf("the issuer ended with %d: %s", status, text)
		default:
		}
	}
	return nil, fmt.Errorf("the issuer does not start: %s (status %d)", seen, s.stop())
}

// besideService runs a command line that is for a bank in process against a
// service with the same state and clock, started for it.
func besideService(args []string) int {
	run := func(args []string) int { return Main(context.Background(), args, os.Stdin, os.Stdout, os.Stderr) }
	command := args[0]
	if command != "bank" && command != "wallet" && command != "pay" && command != "explain" {
		return run(args)
	}
	state, rest := cutFlag(args, "--state")
	if state == "" {
		return run(args)
	}
	issuer := []string{"--quiet", "--state", state}
	bank, rest := cutFlag(rest, "--bank")
	if bank != "" {
		issuer = append(issuer, "--bank", bank)
		_, args = cutFlag(args, "--bank")
	}
	now, withoutNow := cutFlag(rest, "--now")
	if now != "" {
		issuer = append(issuer, "--now", now)
	}
	log := appendFile(os.Getenv(serviceLog))
	s, err := startService(io.Discard, issuer...)
	if err != nil {
		fmt.Fprintln(log, violation+err.Error())
		return exitUsage
	}
	defer s.stop()
	proxy, err := checkingProxy(s.url, log)
	if err != nil {
		fmt.Fprintln(log, violation+err.Error())
		return exitUsage
	}
	defer proxy.Close()
	switch command {
	case "bank":
		args = append(withoutNow, "--service", proxy.URL)
	case "wallet", "explain":
		args = append(args, "--service", proxy.URL)
		if strings.HasPrefix(args[1], "pay-") {
			args = append(args, "--issuer", s.iso)
		}
	case "pay":
		args = append(args, "--issuer", s.iso, "--service", proxy.URL)
	}
	return run(args)
}

// cutFlag takes a flag with its value out of a command line.
func cutFlag(args []string, name string) (value string, rest []string) {
	for n := 0; n < len(args); n++ {
		if args[n] == name && n+1 < len(args) {
			value = args[n+1]
			n++
			continue
		}
		if text, ok := strings.CutPrefix(args[n], name+"="); ok {
			value = text
			continue
		}
		rest = append(rest, args[n])
	}
	return value, rest
}

// The stories of bank and wallet again, each command against a service: the same
// verbs, the same output, the same exit status; and each request and answer is
// as the document has it.
func TestStoriesOverHTTP(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	log := filepath.Join(t.TempDir(), "service.log")
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Files:               []string{filepath.Join(root, "testdata", "script", "bank.txtar"), filepath.Join(root, "testdata", "script", "wallet.txtar"), filepath.Join(root, "testdata", "script", "reissue.txtar"), filepath.Join(root, "testdata", "script", "story.txtar")},
			RequireUniqueNames:  true,
			RequireExplicitExec: true,
			Cmds:                scriptCommands,
			Setup: func(env *testscript.Env) error {
				env.Setenv("HOME", env.WorkDir)
				env.Setenv("XDG_DATA_HOME", "")
				env.Setenv(overService, "1")
				env.Setenv(serviceLog, log)
				return nil
			},
		})
	})
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.NotContains(t, string(text), violation)
	d, err := httpapi.ParseDocument(httpapi.OpenAPI())
	require.NoError(t, err)
	done := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		id, status, _ := strings.Cut(line, " ")
		done[id] = done[id] || status == "200"
	}
	for _, id := range d.IDs() {
		switch id {
		case "healthz", "metrics", "openapi", "phone.resend-code": // other tests have them
		default:
			if !done[id] {
				t.Errorf("no story does %s", id)
			}
		}
	}
}

// serve LOG [FLAG...] runs `tapsim issuer` with both sides until the script ends.
// ISSUER and SERVICE are its addresses, behind a proxy that checks all messages;
// what it prints goes into the file.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serve LOG [FLAG...]")
	}
	flags := args[1:]
	for n := range flags { // the service runs in the test's own folder
		if n > 0 && (flags[n-1] == "--state" || strings.HasSuffix(flags[n-1], "-file") || flags[n-1] == "--bank") {
			flags[n] = ts.MkAbs(flags[n])
		}
	}
	s, err := startService(appendFile(ts.MkAbs(args[0])), flags...)
	ts.Check(err)
	seen := &lines{}
	proxy, err := checkingProxy(s.url, seen)
	ts.Check(err)
	ts.Setenv("ISSUER", s.iso)
	ts.Setenv("SERVICE", proxy.URL)
	ts.Defer(func() {
		proxy.Close()
		if status := s.stop(); status != 0 {
			ts.Fatalf("the issuer ended with %d", status)
		}
		if strings.Contains(seen.String(), violation) {
			ts.Fatalf("%s", seen)
		}
	})
}

// nosecrets FILE PATH... looks into all files below the paths for account
// numbers of test cards and for the lines of FILE.
func nosecrets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: nosecrets FILE PATH...")
	}
	words := strings.Fields(ts.ReadFile(args[0]))
	looked := 0
	for _, path := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(path), func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			looked++
			if found := secretIn(text, words); found != "" {
				return fmt.Errorf("%s holds %s", name, found)
			}
			return nil
		}))
	}
	if looked == 0 {
		ts.Fatalf("there are no files")
	}
}

var digitRuns = regexp.MustCompile(`[0-9]{13,}`)

// secretIn is what strings would find, and a little more: an account number in the
// open, as text or in hex, or one of the words, which may be digits two in a byte.
func secretIn(text []byte, words []string) string {
	for _, w := range words {
		packed, err := hex.DecodeString(w)
		found := err == nil && len(packed) > 4 && bytes.Contains(text, packed)
		if found || bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(w))) {
			return "a secret of " + fmt.Sprint(len(w)) + " characters"
		}
	}
	for _, run := range digitRuns.FindAll(text, -1) {
		for start := range run {
			for n := 13; n <= 19 && start+n <= len(run); n++ {
				if pan := emv.PAN(run[start : start+n]); emv.TestRange(pan) {
					return "the account number " + pan.Masked()
				}
			}
		}
	}
	return ""
}

func TestSecretsAreFound(t *testing.T) {
	require.NotEmpty(t, secretIn([]byte("x0004761739001010119\x00"), nil))
	require.NotEmpty(t, secretIn([]byte("passcode 271828"), []string{"271828"}))
	require.NotEmpty(t, secretIn([]byte("\x00\x47\x61\x73\x90\x01\x01\x01\x19"), []string{"4761739001010119"}))
	require.Empty(t, secretIn([]byte("476173******0119 20300101120000"), []string{"271828"}))
}

// Over TLS with a key, as other machines must.
func TestServiceOverTLS(t *testing.T) {
	made := httptest.NewTLSServer(nil)
	defer made.Close()
	private, err := x509.MarshalPKCS8PrivateKey(made.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		return name
	}
	certificate := file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate().Raw}))
	secret := file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	key := file("api.key", []byte("k3y-of-this-service\n"))
	log := &lines{}
	s, err := startService(log, "--state", ":memory:", "--tls-cert", certificate, "--tls-key", secret, "--http-key-file", key)
	require.NoError(t, err)
	defer func() { require.Zero(t, s.stop()) }()
	require.Regexp(t, "^https://127", s.url)
	status, out, errs := run(t, "bank", "accounts", "--service", s.url, "--service-ca", certificate, "--service-key-file", key)
	require.Zero(t, status, errs)
	require.Contains(t, out, "DEMO-0001")
	status, _, errs = run(t, "bank", "accounts", "--service", s.url, "--service-key-file", key)
	require.Equal(t, exitUsage, status, "nobody knows the certificate")
	require.Contains(t, errs, "certificate")
	status, _, errs = run(t, "bank", "accounts", "--service", s.url, "--service-ca", key)
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "no certificate in PEM form")
	status, _, errs = run(t, "bank", "accounts", "--service", s.url, "--service-ca", certificate, "--service-key-file", certificate)
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "--service-key-file")
	status, _, errs = run(t, "bank", "accounts", "--service", "http://127.0.0.1:1")
	require.Equal(t, exitUsage, status)
	require.Contains(t, errs, "cannot be reached")
	require.NotContains(t, log.String(), "k3y-of-this-service")
}

func TestPrintOpenAPI(t *testing.T) {
	status, out, _ := run(t, "issuer", "--print-openapi")
	require.Zero(t, status)
	_, err := httpapi.ParseDocument([]byte(out))
	require.NoError(t, err)
}
