package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

// Limits of the server.
const (
	maxBody    = 64 << 10 // of a request
	maxHeader  = 16 << 10
	maxAtOnce  = 64 // requests that are worked on; further ones are refused
	minKey     = 16 // characters of an API key
	maxKey     = 256
	workTime   = 20 * time.Second // of one request
	readTime   = 10 * time.Second
	writeTime  = 30 * time.Second
	idleTime   = 2 * time.Minute
	keyHeader  = "Idempotency-Key"
	maxKeyText = 128 // of an idempotency key, as the bank has it
)

// ServerConfig says what to serve.
type ServerConfig struct {
	Bank    Bank
	Keys    []Key // none: none is asked for
	Log     *slog.Logger
	Metrics *Metrics
	Now     func() time.Time // to measure with
}

// Server is the HTTP side of a bank. It is an http.Handler.
type Server struct {
	config   ServerConfig
	document *Document
	routes   map[string]route // by pattern
	paths    map[string]string
	keys     keyring
	slots    chan struct{}
}

// CheckKey finds what is wrong with an API key.
func CheckKey(key string) error {
	if len(key) < minKey || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("an API key has %d to %d letters, digits and signs without blanks", minKey, maxKey)
	}
	return nil
}

// NewServer makes a server of the operations that the document has.
func NewServer(c ServerConfig) (*Server, error) {
	if c.Bank == nil || c.Log == nil || c.Metrics == nil || c.Now == nil {
		return nil, errors.New("httpapi: bank, log, metrics and clock are required")
	}
	keys, err := newKeyring(c.Keys)
	if err != nil {
		return nil, err
	}
	d, err := document()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, document: d, routes: map[string]route{}, paths: map[string]string{}, keys: keys, slots: make(chan struct{}, maxAtOnce)}
	all := append(routes(), s.ownRoutes()...)
	for _, r := range all {
		if d.Operations[r.pattern] == nil {
			return nil, fmt.Errorf("httpapi: %s is not in the document", r.pattern)
		}
		s.routes[r.pattern] = r
		method, path, _ := strings.Cut(r.pattern, " ")
		s.paths[path] = strings.TrimPrefix(s.paths[path]+", "+method, ", ")
	}
	return s, nil
}

// text is an answer that is not JSON of ours.
type text struct {
	kind string
	body []byte
}

// ownRoutes are about the service itself.
func (s *Server) ownRoutes() []route {
	answer := func(pattern string, f func() any) route {
		return route{pattern: pattern, do: func(context.Context, Bank, []byte, string) (any, error) { return f(), nil }}
	}
	return []route{
		answer("GET /healthz", func() any { return map[string]string{"status": "ok"} }),
		answer("GET /openapi.json", func() any { return text{"application/json", openAPI} }),
		answer("GET /metrics", func() any { return text{metricsType, s.config.Metrics.Text()} }),
	}
}

// seen is what is told of a request: nothing of what came in it.
type seen struct {
	operation string
	status    int
	code      string
	right     Right // of the caller's key
	began     time.Time
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	it := seen{operation: "none", status: http.StatusOK, began: s.config.Now()}
	s.config.Metrics.begin()
	defer func() {
		if p := recover(); p != nil {
			s.config.Log.Error("http request failed", "panic", fmt.Sprintf("%T", p), "stack", masked(string(debug.Stack())))
			it.status, it.code = http.StatusInternalServerError, "internal"
			s.refuse(w, &it, errors.New("panic"))
		}
		took := s.config.Now().Sub(it.began)
		s.config.Metrics.end(it.operation, it.status, it.code, took)
		s.tell(r, &it, took)
	}()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	answer, err := s.answer(w, r, &it)
	if err != nil {
		s.refuse(w, &it, err)
		return
	}
	if t, ok := answer.(text); ok {
		w.Header().Set("Content-Type", t.kind)
		_, _ = w.Write(t.body)
		return
	}
	s.write(w, http.StatusOK, answer)
}

// tell writes a line about a request.
func (s *Server) tell(r *http.Request, it *seen, took time.Duration) {
	level := slog.LevelInfo
	if it.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("operation", it.operation), slog.Int("status", it.status)}
	if it.code != "" {
		attrs = append(attrs, slog.String("refused", it.code))
	}
	if len(s.keys) > 0 && it.right != "" {
		attrs = append(attrs, slog.String("right", string(it.right)))
	}
	attrs = append(attrs, slog.Duration("took", took.Round(time.Microsecond)), slog.String("remote", r.RemoteAddr))
	s.config.Log.LogAttrs(r.Context(), level, "http request", attrs...)
}

func (s *Server) refuse(w http.ResponseWriter, it *seen, err error) {
	status, refusal := refusalOf(err)
	if refusal.Code == "internal" {
		s.config.Log.Error("the bank could not decide", "reason", masked(err.Error()))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	it.status, it.code = status, refusal.Code
	s.write(w, status, refusedJSON{refusal})
}

func (s *Server) write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.config.Log.Error("an answer cannot be written", "reason", masked(err.Error()))
		status, body = http.StatusInternalServerError, []byte(`{"refused":{"code":"internal","text":"the answer cannot be written"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// answer does what is asked.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, it *seen) (any, error) {
	path := r.URL.EscapedPath() // as it came: there is one way to write a path of ours
	pattern := r.Method + " " + path
	do, known := s.routes[pattern]
	op := s.document.Operations[pattern]
	if known {
		it.operation = op.ID
	}
	if !known || !op.Open {
		var err error
		if it.right, err = s.admit(r, path); err != nil {
			return nil, err
		}
	}
	if !known {
		if allowed := s.paths[path]; allowed != "" {
			w.Header().Set("Allow", allowed)
			return nil, &badRequest{"method-not-allowed", "this operation is asked for with " + allowed}
		}
		return nil, &badRequest{"unknown-operation", "there is no such operation"}
	}
	request, key, err := s.read(w, r, op)
	if err != nil {
		return nil, err
	}
	if do.in != nil { // what asks after the service itself gets in while the bank is busy
		select {
		case s.slots <- struct{}{}: // only now, or slow senders would keep the others out
			defer func() { <-s.slots }()
		default:
			return nil, &badRequest{"busy", fmt.Sprintf("the service is working on %d requests", maxAtOnce)}
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), workTime)
	defer cancel()
	return do.do(ctx, s.config.Bank, request, key)
}

// read gives the request as JSON that is as the document wants it.
func (s *Server) read(w http.ResponseWriter, r *http.Request, op *Operation) (request []byte, key string, err error) {
	if key, err = idempotencyOf(r, op); err != nil {
		return nil, "", err
	}
	query, err := url.ParseQuery(r.URL.RawQuery) // all of it: a part that is not understood is not left out
	if err != nil {
		return nil, "", &badRequest{"bad-request", "the query is not written as queries are"}
	}
	if op.Body == nil {
		if r.ContentLength != 0 {
			return nil, "", &badRequest{"bad-request", "this operation takes no body"}
		}
		if request, err = s.document.queryJSON(op, query); err != nil {
			return nil, "", &badRequest{"bad-request", err.Error()}
		}
		return request, key, nil
	}
	if r.URL.RawQuery != "" {
		return nil, "", &badRequest{"bad-request", "this operation takes no query parameters"}
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch charset := parameters["charset"]; {
	case err != nil, kind != "application/json", charset != "" && !strings.EqualFold(charset, "utf-8"):
		return nil, "", &badRequest{"not-json", "the body is to be application/json, in UTF-8"}
	case r.Header.Get("Content-Encoding") != "":
		return nil, "", &badRequest{"not-json", "the body is to come as it is, without Content-Encoding"}
	}
	if request, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return nil, "", bodyError(err)
	}
	v, err := readJSON(request)
	if err != nil {
		return nil, "", &badRequest{"bad-json", "the body: " + err.Error()}
	}
	if err := s.document.Check(op.Body, v); err != nil {
		return nil, "", &badRequest{"bad-request", err.Error()}
	}
	return request, key, nil
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return &badRequest{"body-too-large", fmt.Sprintf("the body has more than %d bytes", maxBody)}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &badRequest{"bad-json", "the body ends too early"}
	}
	return &badRequest{"too-slow", "the body did not arrive"}
}

// idempotencyOf is the key under which a change happens once.
func idempotencyOf(r *http.Request, op *Operation) (string, error) {
	values := r.Header.Values(keyHeader)
	switch {
	case len(values) == 0:
		return "", nil
	case !op.Keyed:
		return "", &badRequest{"bad-request", "this operation takes no " + keyHeader}
	case len(values) > 1 || values[0] == "" || len(values[0]) > maxKeyText:
		return "", &badRequest{"bad-request", fmt.Sprintf("want one %s of 1 to %d characters", keyHeader, maxKeyText)}
	}
	return values[0], nil
}
