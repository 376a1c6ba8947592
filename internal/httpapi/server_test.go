package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/provisioning"
	"tapsim/sim"
)

var (
	bg      = context.Background()
	discard = slog.New(slog.DiscardHandler)
)

// testBank is the demo bank in memory.
func testBank(t testing.TB) *issuer.Issuer {
	t.Helper()
	seed := uint64(1)
	b, err := sim.OpenBank(bg, sim.BankOptions{Seed: &seed, State: sim.Memory, Now: func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b.Issuer
}

// ask sends a request and returns status and refusal.
func ask(s http.Handler, method, target, body string, header ...string) (int, issuer.Refusal, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, "http://127.0.0.1"+target, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n < len(header); n += 2 {
		if header[n] == "Host" {
			r.Host = header[n+1]
			continue
		}
		r.Header.Add(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var out struct{ Refused issuer.Refusal }
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out.Refused, w
}

// What is wrong with a request has a code of its own; nothing is changed, and
// nothing of it is logged.
func TestBadRequests(t *testing.T) {
	log := &syncBuffer{}
	bank := testBank(t)
	s := testServer(t, ServerConfig{Bank: Local{bank}, Log: slog.New(slog.NewTextHandler(log, nil))})
	before, err := bank.Accounts(bg)
	require.NoError(t, err)
	const pan = "4761739001010119"
	for _, c := range []struct {
		name, method, target, body string
		header                     []string
		status                     int
		code, text                 string
	}{
		{"no such operation", "GET", "/v1/bank/" + pan, "", nil, 404, "unknown-operation", ""},
		{"traversal", "GET", "/v1/bank/../bank/accounts", "", nil, 404, "unknown-operation", ""},
		{"written otherwise", "GET", "/v1/bank%2Faccounts", "", nil, 404, "unknown-operation", ""},
		{"written otherwise", "GET", "/v1/%62ank/accounts", "", nil, 404, "unknown-operation", ""},
		{"method", "DELETE", "/v1/bank/accounts", "", nil, 405, "method-not-allowed", "GET"},
		{"another host", "GET", "/v1/bank/accounts", "", []string{"Host", "evil.example"}, 421, "wrong-host", ""},
		{"page of another host", "POST", "/v1/bank/open", `{}`, []string{"Origin", "https://evil.example"}, 403, "wrong-origin", ""},
		{"page in a sandbox", "GET", "/v1/bank/audit", "", []string{"Origin", "null"}, 403, "wrong-origin", ""},
		{"picture on a page", "GET", "/v1/bank/audit", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "wrong-origin", ""},
		{"not JSON", "POST", "/v1/bank/open", "account=" + pan, nil, 400, "bad-json", "not JSON"},
		{"two values", "POST", "/v1/bank/open", `{}{}`, nil, 400, "bad-json", "after the value"},
		{"twice", "POST", "/v1/bank/open", `{"account":"A","account":"` + pan + `"}`, nil, 400, "bad-json", "twice"},
		{"case", "POST", "/v1/bank/open", `{"Account":"` + pan + `"}`, nil, 400, "bad-request", "not known here"},
		{"unknown name", "POST", "/v1/bank/open", `{"account":"A","idempotency":"x"}`, nil, 400, "bad-request", "not known here"},
		{"type", "POST", "/v1/bank/top-up", `{"account":"DEMO-0001","amount":1}`, nil, 400, "bad-request", "/amount: want a string"},
		{"missing", "POST", "/v1/bank/top-up", `{"account":"DEMO-0001"}`, nil, 400, "bad-request", "/amount: is missing"},
		{"null", "POST", "/v1/bank/top-up", `{"account":null,"amount":"1"}`, nil, 400, "bad-request", "/account"},
		{"fraction", "POST", "/v1/bank/refund", `{"payment":1.5}`, nil, 400, "bad-request", "/payment: want a whole number"},
		{"overflow", "POST", "/v1/bank/refund", `{"payment":9223372036854775808}`, nil, 400, "bad-request", "/payment: want a whole number"},
		{"int overflow", "POST", "/v1/phone/keys", `{"device":"","number":1,"signature":"","agreement":"","token":"","atc":65536,"held":0,"last_key":null,"fresh":true}`, nil, 400, "bad-request", "/atc"},
		{"query on POST", "POST", "/v1/bank/open?account=" + pan, `{}`, nil, 400, "bad-request", "query"},
		{"body on GET", "GET", "/v1/bank/accounts", `{}`, nil, 400, "bad-request", "no body"},
		{"query missing", "GET", "/v1/bank/show", "", nil, 400, "bad-request", "account is missing"},
		{"query unknown", "GET", "/v1/bank/show?account=A&pan=" + pan, "", nil, 400, "bad-request", "not known here"},
		{"query twice", "GET", "/v1/bank/show?account=A&account=B", "", nil, 400, "bad-request", "twice"},
		{"query semicolon", "GET", "/v1/bank/statement?account=DEMO-0001;month=2030-01", "", nil, 400, "bad-request", "the query"},
		{"query half understood", "GET", "/v1/bank/statement?account=DEMO-0001&month=%zz", "", nil, 400, "bad-request", "the query"},
		{"query number", "GET", "/v1/bank/payment?payment=x", "", nil, 400, "bad-request", "whole number"},
		{"too long", "POST", "/v1/bank/open", `{"account":"` + strings.Repeat("A", 257) + `"}`, nil, 400, "bad-request", "more than 256"},
		{"too large", "POST", "/v1/bank/open", `{"account":"` + strings.Repeat("A", maxBody) + `"}`, nil, 413, "body-too-large", "65536"},
		{"content type", "POST", "/v1/bank/open", "", []string{"Content-Type", "text/plain"}, 415, "not-json", ""},
		{"charset", "POST", "/v1/bank/open", "", []string{"Content-Type", "application/json; charset=latin1"}, 415, "not-json", "UTF-8"},
		{"content encoding", "POST", "/v1/bank/open", `{}`, []string{"Content-Encoding", "gzip"}, 415, "not-json", "Content-Encoding"},
		{"two keys", "POST", "/v1/bank/open", `{}`, []string{keyHeader, "a", keyHeader, "b"}, 400, "bad-request", keyHeader},
		{"empty key", "POST", "/v1/bank/open", `{}`, []string{keyHeader, ""}, 400, "bad-request", keyHeader},
		{"long key", "POST", "/v1/bank/open", `{}`, []string{keyHeader, strings.Repeat("k", 129)}, 400, "bad-request", keyHeader},
		{"key without change", "GET", "/v1/bank/accounts", "", []string{keyHeader, "k"}, 400, "bad-request", "takes no"},
		{"SQL", "GET", "/v1/bank/show?account=%27%3B+DROP+TABLE+accounts%3B--", "", nil, 404, "unknown-account", ""},
		{"SQL in a change", "POST", "/v1/bank/open", `{"account":"x' OR 1=1 --"}`, nil, 422, "invalid-account-name", ""},
		{"NUL", "POST", "/v1/bank/open", `{"account":"A\u0000"}`, nil, 422, "invalid-account-name", ""},
		{"negative", "POST", "/v1/bank/top-up", `{"account":"DEMO-0001","amount":"-1.00"}`, nil, 422, "invalid-amount", ""},
		{"amount overflow", "POST", "/v1/bank/top-up", `{"account":"DEMO-0001","amount":"99999999999999999999.00"}`, nil, 422, "invalid-amount", ""},
		{"currency", "POST", "/v1/bank/open", `{"account":"A","currency":"XYZ"}`, nil, 422, "unknown-currency", ""},
		{"to self", "POST", "/v1/bank/transfer", `{"from":"DEMO-0001","to":"DEMO-0001","amount":"1"}`, nil, 422, "same-account", ""},
		{"explain everything", "GET", "/v1/bank/explain", "", nil, 400, "bad-request", "by its number"},
		{"explain nothing", "GET", "/v1/bank/explain?payment=0", "", nil, 400, "bad-request", "at least 1"},
		{"explain a long number", "GET", "/v1/bank/explain?stan=" + pan, "", nil, 400, "bad-request", "more than 6"},
		{"adopt without proof", "POST", "/v1/phone/adopt-token", `{"device":"AAAA","number":1,"signature":"AAAA","device_name":"x","token_number":"` + pan + `"}`, nil, 403, "bad-proof", ""},
		{"no such payment", "POST", "/v1/bank/refund", `{"payment":4711}`, nil, 404, "unknown-payment", ""},
		{"exists", "POST", "/v1/bank/open", `{"account":"DEMO-0001"}`, nil, 409, "account-exists", ""},
		{"forged", "POST", "/v1/phone/poll", `{"device":"AAAA","number":1,"signature":"AAAA","tokens":[]}`, nil, 403, "bad-proof", ""},
	} {
		status, refusal, w := ask(s, c.method, c.target, c.body, c.header...)
		require.Equal(t, c.status, status, "%s: %s", c.name, w.Body)
		require.Equal(t, c.code, refusal.Code, c.name)
		require.Contains(t, refusal.Text, c.text, c.name)
		require.NoError(t, theDocument(t).CheckJSON(&Schema{Ref: "#/components/schemas/Refused"}, w.Body.Bytes()), c.name)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Contains(t, log.String(), "refused="+c.code)
	}
	require.NotContains(t, log.String(), pan)
	require.NotContains(t, log.String(), "evil")
	after, err := bank.Accounts(bg)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// With a key nothing but /healthz answers without it.
func TestKey(t *testing.T) {
	const key = "0123456789abcdef"
	s := testServer(t, ServerConfig{Keys: []Key{{RightAll, key}}})
	for pattern, o := range s.document.Operations {
		method, path, _ := strings.Cut(pattern, " ")
		status, refusal, w := ask(s, method, path, "")
		if o.Open {
			require.Equal(t, 200, status)
			continue
		}
		require.Equal(t, 401, status, pattern)
		require.Equal(t, "no-key", refusal.Code)
		require.Equal(t, "Bearer", w.Header().Get("WWW-Authenticate"))
	}
	status, refusal, _ := ask(s, "GET", "/nowhere", "")
	require.Equal(t, 401, status, "what there is, is not told either")
	require.Equal(t, "no-key", refusal.Code)
	for _, wrong := range []string{"Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcdef0"} {
		status, refusal, _ = ask(s, "GET", "/v1/bank/accounts", "", "Authorization", wrong)
		require.Equal(t, 401, status)
		require.Equal(t, "wrong-key", refusal.Code)
	}
	for _, scheme := range []string{"Bearer ", "bearer "} { // RFC 9110, 11.1: in any case
		status, _, _ = ask(s, "GET", "/v1/bank/accounts", "", "Authorization", scheme+key, "Host", "bank.example", "Origin", "https://desk.example")
		require.Equal(t, 200, status)
	}
	for _, bad := range []string{"short", "with blanks in it", strings.Repeat("x", 257)} {
		require.Error(t, CheckKey(bad))
		_, err := NewServer(ServerConfig{Bank: Local{}, Log: discard, Metrics: NewMetrics("", time.Time{}), Now: time.Now, Keys: []Key{{RightAll, bad}}})
		require.Error(t, err)
	}
}

// A key opens what its right names, and /openapi.json.
func TestRights(t *testing.T) {
	keys, err := ParseKeys("phone phone-phone-phone-0\n\nbank\tbank-bank-bank-bank-0\r\nmetrics metrics-metrics-0\nall-all-all-all-all-0\nall all-all-all-all-all-1")
	require.NoError(t, err)
	require.Len(t, keys, 5)
	log := new(bytes.Buffer)
	s := testServer(t, ServerConfig{Keys: keys, Log: slog.New(slog.NewTextHandler(log, nil))})
	for pattern := range s.document.Operations {
		method, path, _ := strings.Cut(pattern, " ")
		for _, k := range keys {
			var opened bool
			switch k.Right {
			case RightAll:
				opened = true
			case RightBank:
				opened = strings.HasPrefix(path, "/v1/bank/")
			case RightPhone:
				opened = strings.HasPrefix(path, "/v1/phone/")
			case RightMetrics:
				opened = path == "/metrics"
			}
			status, refusal, _ := ask(s, method, path, "", "Authorization", "Bearer "+k.Text)
			if opened || path == "/openapi.json" || path == "/healthz" {
				require.NotContains(t, []int{401, 403}, status, "%s %s", k.Right, pattern)
				continue
			}
			require.Equal(t, 403, status, "%s %s", k.Right, pattern)
			require.Equal(t, "not-allowed", refusal.Code)
			require.Contains(t, refusal.Text, string(k.Right))
		}
	}
	for _, path := range []string{"/v1/phone/../bank/accounts", "/v1/phone/%2e%2e/bank/accounts", "/v1/phone//bank/accounts"} {
		status, _, _ := ask(s, "GET", path, "", "Authorization", "Bearer "+keys[0].Text)
		require.Equal(t, 404, status, path)
	}
	for _, path := range []string{"/nowhere", "/v1/bank/nowhere", "/v1/phone", "/V1/PHONE/poll"} {
		status, refusal, _ := ask(s, "GET", path, "", "Authorization", "Bearer "+keys[0].Text)
		require.Equal(t, 403, status, "what else there is, is not told")
		require.Equal(t, "not-allowed", refusal.Code)
	}
	require.Contains(t, log.String(), "right=phone")
	for _, k := range keys {
		require.NotContains(t, log.String(), k.Text)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", k, k, k, k), k.Text)
	}
}

// Errors of a key file name the line, and never a key.
func TestKeyFilesThatAreWrong(t *testing.T) {
	const key = "secret-secret-secret"
	for text, want := range map[string]string{
		"":                                    "there is no key in it",
		" \n\n":                               "there is no key in it",
		key + "\nteller " + key:               "line 2: a key's right is all, bank, metrics or phone",
		key + " phone":                        "line 1: a key's right is",
		"phone " + key + " x":                 "line 1: want a right and a key",
		"phone " + key + "\n\nbank " + key:    "line 3: this key came before",
		"phone short":                         "line 1: an API key has 16",
		"Phone " + key:                        "line 1: a key's right is",
		strings.Repeat("x", maxKey+1):         "line 1: an API key has 16",
		"phone " + key + "\u00e4":             "line 1: an API key has 16",
		strings.Join(manyKeys(maxKeys+1), ""): "1001 keys, at most 1000",
	} {
		_, err := ParseKeys(text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

func manyKeys(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("phone key-of-a-phone-%04d\n", i))
	}
	return lines
}

// The same key with the same request gives the first answer again.
func TestIdempotencyKey(t *testing.T) {
	s := testServer(t, ServerConfig{})
	top := `{"account":"DEMO-0001","amount":"1.00"}`
	_, _, first := ask(s, "POST", "/v1/bank/top-up", top, keyHeader, "k")
	_, _, again := ask(s, "POST", "/v1/bank/top-up", top, keyHeader, "k")
	require.Equal(t, 200, again.Code)
	require.Equal(t, first.Body.String(), again.Body.String())
	status, refusal, _ := ask(s, "POST", "/v1/bank/top-up", `{"account":"DEMO-0001","amount":"2.00"}`, keyHeader, "k")
	require.Equal(t, 409, status)
	require.Equal(t, "idempotency-mismatch", refusal.Code)
	_, _, other := ask(s, "POST", "/v1/bank/top-up", top, keyHeader, "l")
	require.NotEqual(t, first.Body.String(), other.Body.String())
}

// troubled is a bank whose store fails.
type troubled struct{ Bank }

func (troubled) Accounts(context.Context) ([]issuer.AccountState, error) {
	return nil, errors.New("disk full at card 4761739001010119")
}

func (troubled) Rates(context.Context) (issuer.RatesState, error) { panic("4761739001010119") }

// A bank that cannot decide is 500, told in the log without account numbers, and
// to the client an error that is not a refusal.
func TestInternalErrors(t *testing.T) {
	log := &syncBuffer{}
	s := testServer(t, ServerConfig{Bank: troubled{}, Log: slog.New(slog.NewJSONHandler(log, nil))})
	for _, path := range []string{"/v1/bank/accounts", "/v1/bank/rates"} {
		status, refusal, _ := ask(s, "GET", path, "")
		require.Equal(t, 500, status)
		require.Equal(t, "internal", refusal.Code)
	}
	require.Contains(t, log.String(), "disk full at card ****0119")
	require.NotContains(t, log.String(), "4761739001010119")
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := NewClient(ClientConfig{URL: web.URL})
	require.NoError(t, err)
	_, err = c.Accounts(bg)
	require.ErrorContains(t, err, "could not decide")
	var refusal *issuer.Refusal
	require.False(t, errors.As(err, &refusal))
}

// waiting is a bank that answers when it is told to.
type waiting struct {
	Bank
	begun, end chan struct{}
}

func (w waiting) Accounts(context.Context) ([]issuer.AccountState, error) {
	w.begun <- struct{}{}
	<-w.end
	return []issuer.AccountState{}, nil
}

func TestTooManyRequests(t *testing.T) {
	b := waiting{begun: make(chan struct{}), end: make(chan struct{})}
	s := testServer(t, ServerConfig{Bank: b})
	var all sync.WaitGroup
	for range maxAtOnce {
		all.Go(func() { ask(s, "GET", "/v1/bank/accounts", "") })
	}
	for range maxAtOnce {
		<-b.begun
	}
	status, refusal, _ := ask(s, "GET", "/v1/bank/accounts", "")
	require.Equal(t, 503, status)
	require.Equal(t, "busy", refusal.Code)
	require.Contains(t, string(s.config.Metrics.Text()), "tapsim_http_requests_in_flight 64\n")
	for _, own := range []string{"/healthz", "/metrics"} {
		status, _, _ = ask(s, "GET", own, "")
		require.Equal(t, 200, status, "a busy bank is not a dead one")
	}
	close(b.end)
	all.Wait()
}

// Whoever sends slowly, or only connects, keeps nobody else out.
func TestSlowSenders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := testServer(t, ServerConfig{})
	ctx, stop := context.WithCancel(bg)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l, nil, time.Millisecond) }()
	defer func() { stop(); require.NoError(t, <-ended) }()
	connect := func(text string) net.Conn {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		return conn
	}
	for range maxAtOnce + 1 {
		defer connect("POST /v1/bank/open HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{").Close()
	}
	require.Eventually(t, func() bool {
		return strings.Contains(string(s.config.Metrics.Text()), "tapsim_http_requests_in_flight 65\n")
	}, 10*time.Second, time.Millisecond)
	first := connect("")
	defer first.Close()
	for range maxConnections {
		defer connect("").Close()
	}
	c, err := NewClient(ClientConfig{URL: "http://" + l.Addr().String()})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Accounts(bg)
	require.NoError(t, err)
	_, err = first.Read(make([]byte, 1))
	require.Error(t, err, "the one that has waited longest is closed")
}

// A crowd has at most so many members: the one that has waited longest goes, one
// at work stays, and where all are at work the new one goes.
func TestCrowd(t *testing.T) {
	c := newCrowd(2)
	pipe := func() net.Conn { one, _ := net.Pipe(); return one }
	closed := func(conn net.Conn) bool { return conn.SetDeadline(time.Time{}) != nil }
	a, b, d, e := pipe(), pipe(), pipe(), pipe()
	c.changed(a, http.StateNew)
	c.changed(b, http.StateNew)
	c.changed(a, http.StateActive)
	c.changed(d, http.StateNew)
	require.Equal(t, []bool{false, true, false}, []bool{closed(a), closed(b), closed(d)})
	c.changed(d, http.StateActive)
	c.changed(e, http.StateNew)
	require.Equal(t, []bool{false, false, true}, []bool{closed(a), closed(d), closed(e)})
	c.changed(a, http.StateIdle)
	c.changed(b, http.StateClosed)
	c.changed(d, http.StateClosed)
	require.Len(t, c.open, 1)
}

// Server and client over TLS, until the server is told to end.
func TestOverTLS(t *testing.T) {
	pair := httptest.NewTLSServer(nil)
	certificate, roots := pair.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(pair.Certificate())
	pair.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := testServer(t, ServerConfig{Keys: []Key{{RightAll, "0123456789abcdef"}}})
	ctx, stop := context.WithCancel(bg)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Serve(ctx, l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}, time.Second)
	}()
	url := "https://" + l.Addr().String()
	c, err := NewClient(ClientConfig{URL: url, Key: "0123456789abcdef", RootCAs: roots})
	require.NoError(t, err)
	list, err := c.Accounts(bg)
	require.NoError(t, err)
	require.Len(t, list, 1)
	strange, err := NewClient(ClientConfig{URL: url, Key: "0123456789abcdef"})
	require.NoError(t, err)
	_, err = strange.Accounts(bg)
	require.ErrorContains(t, err, "certificate")
	c.Close()
	stop()
	require.ErrorIs(t, <-ended, nil)
	_, err = c.ShowAccount(bg, "4761739001010119")
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), "4761739001010119")
}

func TestCheckListen(t *testing.T) {
	for _, address := range []string{"127.0.0.1:1", "[::1]:1", "localhost:0", "127.8.8.8:1"} {
		require.NoError(t, CheckListen(address, false, false), address)
	}
	for _, address := range []string{"0.0.0.0:1", ":1", "[::]:1", "192.0.2.1:1", "bank.example:1"} {
		require.ErrorContains(t, CheckListen(address, false, true), "needs TLS", address)
		require.ErrorContains(t, CheckListen(address, true, false), "needs an API key", address)
		require.NoError(t, CheckListen(address, true, true), address)
	}
	require.Error(t, CheckListen("nowhere", true, true))
}

func TestClientAddresses(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:1", "http://localhost", "http://LOCALHOST:80", "http://[::1]:80/", "https://bank.example/tapsim/"} {
		_, err := NewClient(ClientConfig{URL: good})
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"", "127.0.0.1:1", "ftp://127.0.0.1", "http://bank.example", "http://u:p@127.0.0.1", "https://bank.example/?x=1", "http://127.0.0.1.evil.example"} {
		_, err := NewClient(ClientConfig{URL: bad})
		require.Error(t, err, bad)
	}
	_, err := NewClient(ClientConfig{URL: "http://localhost", Key: "short"})
	require.Error(t, err)
}

// What answers is not always the service.
func TestStrangeAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"200 <html>": "not what the document says", "404 nothing here": "is it tapsim's?", "302 {}": "is it tapsim's?", "500 {}": "is it tapsim's?",
		`200 {"account":1}`: "not what the document says",
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status, body, _ := strings.Cut(answer, " ")
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(map[string]int{"200": 200, "302": 302, "404": 404, "500": 500}[status])
			_, _ = io.WriteString(w, body)
		}))
		c, err := NewClient(ClientConfig{URL: web.URL})
		require.NoError(t, err)
		_, err = c.ShowAccount(bg, "A")
		require.ErrorContains(t, err, want, answer)
		web.Close()
	}
}

// Operations that no command of the story has.
func TestClientVerbs(t *testing.T) {
	web := httptest.NewServer(testServer(t, ServerConfig{}))
	defer web.Close()
	c, err := NewClient(ClientConfig{URL: web.URL})
	require.NoError(t, err)
	paid, err := c.TopUp(bg, issuer.TopUpRequest{Account: "DEMO-0001", Amount: "5.00", Idempotency: "k"})
	require.NoError(t, err)
	shown, err := c.ShowPayment(bg, paid.ID)
	require.NoError(t, err)
	require.Equal(t, paid, shown)
	card, err := c.IssueFundingCard(bg, CardRequest{CardRequest: issuer.CardRequest{Account: "DEMO-0001", Idempotency: "c"}, Reveal: true})
	require.NoError(t, err)
	require.Len(t, card.Number, 16)
	again, err := c.IssueFundingCard(bg, CardRequest{CardRequest: issuer.CardRequest{Account: "DEMO-0001", Idempotency: "c"}, Reveal: true})
	require.NoError(t, err)
	require.Equal(t, card.CardState, again.CardState)
	require.Empty(t, again.Number, "the bank does not keep it")
	_, err = c.ResendCode(bg, &provisioning.TokenCall{Proof: provisioning.Proof{Device: []byte{1}, Number: 1, Signature: []byte{2}}, Verb: provisioning.VerbResend})
	var refusal *issuer.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "bad-proof", refusal.Code)
	spent, err := c.Spending(bg, issuer.SpendingRequest{Account: "DEMO-0001", By: "month", From: "2029-12", To: "2030-01"})
	require.NoError(t, err)
	require.Equal(t, "2029-12", spent.From)
}

// syncBuffer is a buffer for many goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
