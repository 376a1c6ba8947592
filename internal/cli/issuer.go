package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tapsim/emv"
	"tapsim/internal/httpapi"
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
	setCounter, unblockPIN      string
	http, httpKeyFile           string
	quiet, verbose              bool
	printConfig, printOpenAPI   bool
}

func (a *app) issuerCommand() *cobra.Command {
	f := &issuerFlags{}
	c := &cobra.Command{
		Use:   "issuer",
		Short: "Serve the bank: ISO 8583 over TCP or TLS, bank and token service over HTTP",
		Long: `Serve the issuer to any number of terminals. It checks each cryptogram on its
own and says, step by step, why one is refused. With --bank it has your own
issuer keys, account ranges and answer rules; --print-config writes the demo
bank's, in which every key is explained.

Each message is a line on standard output, with the checks that failed below.
Where nobody reads them they are dropped and counted; the bank answers all the
same. What does not get as far as the bank - damaged messages, connections that
speak another dialect or TLS - is told on standard error, without its values.

With --http it serves the verbs of 'tapsim bank' and the token service of 'tapsim
wallet' as well, on the same bank: --print-openapi writes the document. There are
/metrics for Prometheus and /healthz, and a line on standard error for each
request, without what came in it.

It listens on loopback unless told otherwise, and then only with TLS and, for
HTTP, a key. It ends when interrupted, after the requests in flight have their answers.

Each line of --http-key-file is a right and a key of 16 characters or more, such as
"phone KEY". A phone's key opens /v1/phone/ only, the right bank opens /v1/bank/ (the
one-time codes in inboxes, too), metrics opens /metrics, and all, or a key alone,
everything. 'tapsim explain' asks the bank: with a phone's key it tells the story
without the bank's part.

A card whose transaction counter jumped ahead is declined once with 63; the next
payment goes on from there. One whose counter started again is declined until
--set-counter PAN=HIGHEST tells the bank the highest counter to take as used (0
for a card that starts again), and ends. In the same way --unblock-pin PAN lets
a card's PIN be tried again after too many wrong ones (declined with 75).`,
		Example: `  tapsim issuer --listen 127.0.0.1:8583
  tapsim pay --issuer 127.0.0.1:8583
  tapsim issuer --http 127.0.0.1:8580
  tapsim issuer --print-config > bank.yaml && tapsim issuer --bank bank.yaml
  tapsim issuer --set-counter 4761739001010119=0`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serveIssuer(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8583", "address and port; port 0 takes a free one")
	flags.StringVar(&f.http, "http", "", "address and port to serve bank and token service on over HTTP, such as 127.0.0.1:8580; port 0 takes a free one")
	flags.StringVar(&f.httpKeyFile, "http-key-file", "", "file with the keys that open the service over HTTP, one a line with its right (phone, bank, metrics, all), or - for standard input")
	flags.BoolVar(&f.printOpenAPI, "print-openapi", false, "print the OpenAPI document of --http and end")
	flags.StringVar(&f.config, "bank", "", "configuration of the bank (default the demo bank)")
	flags.StringVar(&f.state, "state", "", "folder for what the issuer remembers, or :memory: (default the user's data folder)")
	flags.StringVar(&f.spec, "iso-spec", "", "field table of the messages, as JSON (default our own)")
	flags.StringVar(&f.cert, "tls-cert", "", "PEM file with the server's certificate: serve TLS")
	flags.StringVar(&f.key, "tls-key", "", "PEM file with its key")
	flags.StringVar(&f.now, "now", "", "start the clock at this time, for terminals that do, too")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "do not print each message")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print all checks of each message, not only those that failed")
	flags.StringVar(&f.setCounter, "set-counter", "", "PAN=HIGHEST: set the highest transaction counter seen of a card or token, and end")
	flags.StringVar(&f.unblockPIN, "unblock-pin", "", "PAN: forget the wrong PINs of a card, and end")
	flags.BoolVar(&f.printConfig, "print-config", false, "print the demo bank's configuration and end")
	return c
}

func (a *app) serveIssuer(ctx context.Context, f *issuerFlags) error {
	if f.printConfig {
		_, err := a.out.Write(issuerconfig.DemoFile())
		return err
	}
	if f.printOpenAPI {
		_, err := a.out.Write(httpapi.OpenAPI())
		return err
	}
	if f.setCounter != "" {
		return a.setCounter(ctx, f)
	}
	if f.unblockPIN != "" {
		return a.unblockPIN(ctx, f)
	}
	security, err := f.security()
	if err != nil {
		return err
	}
	web, err := a.webOptions(f, security)
	if err != nil {
		return err
	}
	coding, err := a.codec(f.spec)
	if err != nil {
		return err
	}
	a.grace.Store(int64(drain + drain/2))
	defer survivePipes()()
	errs := newLineQueue(a.errw, nil)
	defer errs.close()
	out := newLineQueue(a.out, func(text string) { fmt.Fprintln(errs, "tapsim: standard output", text) })
	defer out.close()
	h := &issuerHandler{json: a.json, out: out, flags: f, log: connectionLog(errs), metrics: httpapi.NewMetrics(version, time.Now())}
	bank, err := a.openBank(ctx, f, h)
	if err != nil {
		return err
	}
	defer bank.Close()
	h.bank = bank.Issuer
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w (is another issuer running? choose another --listen)", f.listen, bare(err))
	}
	fmt.Fprintf(errs, "tapsim: issuer listens on %s\n", listener.Addr())
	server, err := iso8583.NewServer(iso8583.ServerConfig{Handler: h.handle, Codec: coding, TLS: security, DrainTimeout: drain, Log: h.log})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if web == nil {
		return server.Serve(ctx, listener)
	}
	web.config.Bank, web.config.Metrics, web.config.Log = httpapi.Local{Issuer: bank.Issuer}, h.metrics, requestLog(errs, f.quiet)
	return web.serveBeside(ctx, errs, func(ctx context.Context) error { return server.Serve(ctx, listener) })
}

// drain is how long requests in flight have for their answers at the end.
const drain = 10 * time.Second

// survivePipes lets a write to a closed standard output or error be an error, as
// it is for any other file, until the function that it returns is called. A bank
// goes on without its screen.
func survivePipes() (restore func()) {
	signal.Ignore(syscall.SIGPIPE)
	return func() { signal.Reset(syscall.SIGPIPE) }
}

// connectionLog is what goes wrong before a message gets to the bank, a line
// each.
func connectionLog(w io.Writer) *slog.Logger { return lineLog(w, slog.LevelInfo) }

// lineLog writes a line of names and values for each entry.
func lineLog(w io.Writer, least slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.LevelKey:
			return slog.Attr{}
		case slog.TimeKey:
			return slog.String(slog.TimeKey, a.Value.Time().UTC().Format(time.RFC3339))
		}
		return a
	}}))
}

// setCounter tells the bank the highest counter of a card or token.
func (a *app) setCounter(ctx context.Context, f *issuerFlags) error {
	digits, text, found := strings.Cut(f.setCounter, "=")
	highest, err := strconv.ParseUint(text, 10, 16)
	pan := emv.PAN(digits)
	if !found || err != nil || !pan.Valid() {
		return fmt.Errorf("--set-counter: want PAN=HIGHEST, an account number and a decimal counter from 0 to 65535")
	}
	bank, err := a.openBank(ctx, f, &issuerHandler{})
	if err != nil {
		return err
	}
	defer bank.Close()
	if err := bank.SetCounter(ctx, pan, uint16(highest)); err != nil {
		return err
	}
	fmt.Fprintf(a.errw, "tapsim: the bank takes %d as the highest counter of %s\n", highest, pan.Masked())
	return nil
}

// unblockPIN lets a card's PIN be tried again.
func (a *app) unblockPIN(ctx context.Context, f *issuerFlags) error {
	pan := emv.PAN(f.unblockPIN)
	if !pan.Valid() {
		return fmt.Errorf("--unblock-pin: want an account number")
	}
	bank, err := a.openBank(ctx, f, &issuerHandler{})
	if err != nil {
		return err
	}
	defer bank.Close()
	if err := bank.UnblockPIN(ctx, pan); err != nil {
		return err
	}
	fmt.Fprintf(a.errw, "tapsim: the bank takes PINs of %s again\n", pan.Masked())
	return nil
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

// openBank opens the bank with its clock, which the handler shares, and tells
// where its configuration is not what the bank has.
func (a *app) openBank(ctx context.Context, f *issuerFlags, h *issuerHandler) (*sim.Bank, error) {
	start, err := parseNow(f.now)
	if err != nil {
		return nil, err
	}
	h.now = clockFrom(start)
	o := sim.BankOptions{State: f.state, Holder: "tapsim issuer", Now: h.now}
	if f.state == "" {
		if o.State, err = statedir.Default(); err != nil {
			return nil, err
		}
	}
	if o.Bank, err = a.bankFile(f.config); err != nil {
		return nil, err
	}
	bank, err := sim.OpenBank(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, n := range bank.Notes {
		fmt.Fprintln(a.errw, "tapsim:", n)
	}
	return bank, nil
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
	json  bool
	out   io.Writer
	flags *issuerFlags
	bank  *issuer.Issuer
	log   *slog.Logger
	now   func() time.Time

	metrics *httpapi.Metrics
}

// servedJSON is one line of `tapsim issuer --json`.
type servedJSON struct {
	Time     string          `json:"time"` // of the bank's clock, RFC 3339
	Request  []iso8583.Field `json:"request"`
	Response []iso8583.Field `json:"response"` // null when nothing is answered
	Report   *issuer.Report  `json:"report"`
}

func (h *issuerHandler) handle(ctx context.Context, request *iso8583.Message) *iso8583.Message {
	var report *issuer.Report
	if !h.flags.quiet {
		report = new(issuer.Report)
	}
	began := time.Now()
	answer, err := h.bank.Handle(ctx, request, report)
	h.count(request, answer.Message, time.Since(began))
	if err != nil {
		h.log.Error("the bank could not decide", "reason", err)
	}
	if !h.flags.quiet {
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
	now := h.now().UTC()
	if !h.json {
		_, _ = h.out.Write(h.appendText(nil, now, request, response, report))
		return
	}
	line := servedJSON{Time: now.Format(time.RFC3339), Request: servedFields(request), Report: report}
	if response != nil {
		line.Response = servedFields(response)
	}
	_ = json.NewEncoder(h.out).Encode(line)
}

// servedFields are a message's fields, field 55 in hex, all masked.
func servedFields(m *iso8583.Message) []iso8583.Field {
	fields := iso8583.Describe(m, false)
	for i := range fields {
		if fields[i].Number == 55 {
			fields[i].Value = emv.MaskedHex(m.ICCData, nil)
		}
	}
	return fields
}

// appendText is a line about the message - time, type, terminal, card, amount,
// answer - and a line for each check that is to be told.
func (h *issuerHandler) appendText(b []byte, now time.Time, request, response *iso8583.Message, report *issuer.Report) []byte {
	b = fmt.Appendf(b, "%s %s", now.Format(time.DateTime), request.MTI)
	if request.TerminalID != "" {
		b = fmt.Appendf(b, " %s", plain(request.TerminalID))
	}
	for _, f := range iso8583.Describe(request, false) {
		if f.Number == 2 || f.Number == 35 && request.PAN == "" {
			b = fmt.Appendf(b, " %s", f.Value)
		}
	}
	if request.Amount != nil {
		b = fmt.Appendf(b, " %s", amountText(*request.Amount, request.Currency))
	}
	code := "no answer"
	if response != nil {
		code = strings.TrimSpace(response.ResponseCode + " " + iso8583.ResponseText(response.ResponseCode))
	}
	b = fmt.Appendf(b, ", trace %s: %s\n", plain(request.STAN), code)
	if report.Repeated && !h.flags.verbose {
		b = append(b, "  repeat: the first answer was given again\n"...)
	}
	for _, s := range report.Steps {
		switch {
		case h.flags.verbose:
			b = fmt.Appendf(b, "  %-7s  %s: %s\n", s.Result, s.Name, s.Text)
		case s.Result == issuer.Failed:
			b = fmt.Appendf(b, "  %s: %s\n", s.Name, s.Text)
		}
	}
	return b
}

// amountText is an amount with its currency, in minor units where the currency
// is not known.
func amountText(minor int64, currency string) string {
	numeric, err := strconv.ParseUint(currency, 10, 16)
	c, ok := emv.CurrencyByNumeric(uint16(numeric))
	if err != nil || !ok {
		return fmt.Sprintf("%d minor units of %s", minor, plain(currency))
	}
	return c.Format(minor) + " " + c.Alpha
}

// plain quotes what a line could trip over.
func plain(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return strconv.Quote(text)
	}
	return text
}
