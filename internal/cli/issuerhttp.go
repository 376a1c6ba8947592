package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"tapsim/internal/httpapi"
	"tapsim/iso8583"
)

// web is the bank's side over HTTP.
type web struct {
	address  string
	security *tls.Config
	config   httpapi.ServerConfig
}

// webOptions are the options of --http, nil without it.
func (a *app) webOptions(f *issuerFlags, security *tls.Config) (*web, error) {
	if f.http == "" {
		if f.httpKeyFile != "" {
			return nil, errors.New("--http-key-file goes with --http")
		}
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(f.http); err != nil {
		return nil, fmt.Errorf("--http %q: want ADDRESS:PORT", f.http)
	}
	w := &web{address: f.http, security: security, config: httpapi.ServerConfig{Now: time.Now}}
	if f.httpKeyFile != "" {
		var err error
		if w.config.Keys, err = a.apiKeys(f.httpKeyFile); err != nil {
			return nil, fmt.Errorf("--http-key-file: %w", err)
		}
	}
	if err := httpapi.CheckListen(f.http, security != nil, len(w.config.Keys) > 0); err != nil {
		return nil, fmt.Errorf("--http %w: --tls-cert, --tls-key, --http-key-file", err)
	}
	return w, nil
}

// apiKeys reads the keys of a service.
func (a *app) apiKeys(file string) ([]httpapi.Key, error) {
	text, err := a.readFile(file, maxKeyFile)
	if err != nil {
		return nil, err
	}
	keys, err := httpapi.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// maxKeyFile bounds a file of a service's keys, in bytes.
const maxKeyFile = 256 << 10

// serveBeside serves HTTP beside another server; when one ends, so does the
// other.
func (w *web) serveBeside(ctx context.Context, errs io.Writer, other func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- other(ctx)
	}()
	err := w.serve(ctx, errs)
	stop()
	return errors.Join(err, <-ended)
}

func (w *web) serve(ctx context.Context, errs io.Writer) error {
	server, err := httpapi.NewServer(w.config)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", w.address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w (choose another --http)", w.address, bare(err))
	}
	scheme := "http"
	if w.security != nil {
		scheme = "https"
	}
	fmt.Fprintf(errs, "tapsim: bank and token service at %s://%s\n", scheme, listener.Addr())
	return server.Serve(ctx, listener, w.security, drain)
}

// requestLog is a line for each request over HTTP; with quiet only for what went
// wrong.
func requestLog(w io.Writer, quiet bool) *slog.Logger {
	if quiet {
		return lineLog(w, slog.LevelWarn)
	}
	return lineLog(w, slog.LevelInfo)
}

// count counts a message and its answer.
func (h *issuerHandler) count(request, response *iso8583.Message, took time.Duration) {
	if h.metrics == nil {
		return
	}
	code := ""
	if response != nil {
		code = response.ResponseCode
	}
	h.metrics.Message(string(request.MTI), code, took)
}
