package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tapsim/internal/statedir"
	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/sim"
)

// issuerFlags are the flags of `tapsim issuer`.
type issuerFlags struct {
	listen, config, state, spec string
	cert, key, now              string
	quiet                       bool
	printConfig                 bool
}

func (a *app) issuerCommand() *cobra.Command {
	f := &issuerFlags{}
	c := &cobra.Command{
		Use:   "issuer",
		Short: "Serve the bank: ISO 8583 over TCP or TLS",
		Long: `Serve the issuer to any number of terminals. It checks each cryptogram on its
own and says, step by step, why one is refused. With --config it has your own
issuer keys, account ranges and answer rules; --print-config writes the demo
bank's, in which every key is explained.

It listens on loopback unless told otherwise, and then only with TLS. It ends
when interrupted, after the requests in flight have their answers.`,
		Example: `  tapsim issuer --listen 127.0.0.1:8583
  tapsim pay --issuer 127.0.0.1:8583
  tapsim issuer --print-config > bank.yaml && tapsim issuer --config bank.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveIssuer(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8583", "address and port; port 0 takes a free one")
	flags.StringVar(&f.config, "config", "", "the bank's configuration (default the demo bank)")
	flags.StringVar(&f.state, "state", "", "folder for what the issuer remembers, or :memory: (default the user's data folder)")
	flags.StringVar(&f.spec, "iso-spec", "", "field table of the messages, as JSON (default our own)")
	flags.StringVar(&f.cert, "tls-cert", "", "PEM file with the server's certificate: serve TLS")
	flags.StringVar(&f.key, "tls-key", "", "PEM file with its key")
	flags.StringVar(&f.now, "now", "", "start the clock at this time, for terminals that do, too")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "do not print each message")
	flags.BoolVar(&f.printConfig, "print-config", false, "print the demo bank's configuration and end")
	return c
}

func (a *app) serveIssuer(ctx context.Context, f *issuerFlags) error {
	if f.printConfig {
		_, err := a.out.Write(issuerconfig.DemoFile())
		return err
	}
	security, err := f.security()
	if err != nil {
		return err
	}
	coding, err := a.codec(f.spec)
	if err != nil {
		return err
	}
	bank, err := a.openBank(ctx, f)
	if err != nil {
		return err
	}
	defer bank.Close()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w (is another issuer running? choose another --listen)", f.listen, bare(err))
	}
	fmt.Fprintf(a.errw, "tapsim: issuer listens on %s\n", listener.Addr())
	h := &issuerHandler{app: a, bank: bank.Issuer, quiet: f.quiet}
	server, err := iso8583.NewServer(iso8583.ServerConfig{Handler: h.handle, Codec: coding, TLS: security})
	if err != nil {
		return err
	}
	return server.Serve(ctx, listener)
}

// security is the TLS configuration, or nil on loopback.
func (f *issuerFlags) security() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: want ADDRESS:PORT", f.listen)
	}
	if (f.cert == "") != (f.key == "") {
		return nil, fmt.Errorf("--tls-cert and --tls-key go together")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s is open to others: that needs --tls-cert and --tls-key (or listen on 127.0.0.1)", f.listen)
	}
	return nil, nil
}

func (a *app) openBank(ctx context.Context, f *issuerFlags) (*sim.Bank, error) {
	start, err := parseNow(f.now)
	if err != nil {
		return nil, err
	}
	o := sim.BankOptions{State: f.state, Holder: "tapsim issuer", Now: clockFrom(start)}
	if f.state == "" {
		if o.State, err = statedir.Default(); err != nil {
			return nil, err
		}
	}
	if o.Bank, err = a.bankFile(f.config); err != nil {
		return nil, err
	}
	return sim.OpenBank(ctx, o)
}

// clockFrom is a clock that starts at a time and runs; the zero time is now.
func clockFrom(start time.Time) func() time.Time {
	if start.IsZero() {
		return time.Now
	}
	begun := time.Now()
	return func() time.Time { return start.Add(time.Since(begun)) }
}

// issuerHandler answers messages and prints what became of each.
type issuerHandler struct {
	app   *app
	bank  *issuer.Issuer
	quiet bool
	mu    sync.Mutex // one line at a time
}

// servedJSON is one line of `tapsim issuer --json`.
type servedJSON struct {
	Request  []iso8583.Field `json:"request"`
	Response []iso8583.Field `json:"response"` // null when nothing is answered
	Report   *issuer.Report  `json:"report"`
}

func (h *issuerHandler) handle(ctx context.Context, request *iso8583.Message) *iso8583.Message {
	var report *issuer.Report
	if !h.quiet {
		report = new(issuer.Report)
	}
	answer, err := h.bank.Handle(ctx, request, report)
	if err != nil {
		fmt.Fprintln(h.app.errw, "tapsim: the bank could not decide:", err)
	}
	if !h.quiet {
		h.print(request, answer.Message, report)
	}
	if answer.Delay > 0 {
		select {
		case <-time.After(answer.Delay):
		case <-ctx.Done():
		}
	}
	return answer.Message
}

func (h *issuerHandler) print(request, response *iso8583.Message, report *issuer.Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.app.json {
		line := servedJSON{Request: iso8583.Describe(request, false), Report: report}
		if response != nil {
			line.Response = iso8583.Describe(response, false)
		}
		_ = json.NewEncoder(h.app.out).Encode(line)
		return
	}
	code := "no answer"
	if response != nil {
		code = response.ResponseCode + " " + report.Meaning
	}
	fmt.Fprintf(h.app.out, "%s STAN %s: %s\n", request.MTI, request.STAN, code)
	for _, s := range report.Steps {
		if s.Result == issuer.Failed {
			fmt.Fprintf(h.app.out, "  %s: %s\n", s.Name, s.Text)
		}
	}
}
