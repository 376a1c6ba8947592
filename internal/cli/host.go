package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"tapsim/iso8583"
)

// maxFile bounds small files that users name: field tables, certificates,
// configurations.
const maxFile = 1 << 20

// hostFlags say which host answers in place of the bank in process.
type hostFlags struct {
	address string
	spec    string
	timeout time.Duration
	tls     bool
	ca      string
}

func (f *hostFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.address, "issuer", "", "HOST:PORT of an ISO 8583 host, such as 'tapsim issuer', instead of the bank in process")
	flags.StringVar(&f.spec, "iso-spec", "", "that host's field table, as JSON (default our own)")
	flags.DurationVar(&f.timeout, "host-timeout", 10*time.Second, "how long to wait for that host's answer")
	flags.BoolVar(&f.tls, "tls", false, "talk TLS to that host")
	flags.StringVar(&f.ca, "tls-ca", "", "PEM file with the certificate authority of that host (default the system's)")
}

// open makes the client of the host, or nil when none is named. It does not
// connect yet.
func (f *hostFlags) open(a *app) (iso8583.Exchanger, func(), error) {
	if f.address == "" {
		if f.spec != "" || f.tls || f.ca != "" {
			return nil, nil, fmt.Errorf("--iso-spec, --tls and --tls-ca go with --issuer")
		}
		return nil, func() {}, nil
	}
	if _, _, err := net.SplitHostPort(f.address); err != nil {
		return nil, nil, fmt.Errorf("--issuer %q: want HOST:PORT", f.address)
	}
	if f.timeout <= 0 {
		return nil, nil, fmt.Errorf("--host-timeout %s: want a time above zero", f.timeout)
	}
	coding, err := a.codec(f.spec)
	if err != nil {
		return nil, nil, err
	}
	security, err := f.tlsConfig(a)
	if err != nil {
		return nil, nil, err
	}
	client, err := iso8583.NewClient(iso8583.ClientConfig{
		Dial: iso8583.Dialer(f.address, security), Codec: coding, Timeout: f.timeout, ConnectTimeout: f.timeout,
	})
	if err != nil {
		return nil, nil, err
	}
	return patient{client, f.timeout}, func() { _ = client.Close() }, nil
}

// patient words a time-out, and the end of the user's patience, for people.
type patient struct {
	iso8583.Exchanger
	timeout time.Duration
}

// Exchange implements iso8583.Exchanger.
func (p patient) Exchange(ctx context.Context, request *iso8583.Message) (*iso8583.Message, error) {
	answer, err := p.Exchanger.Exchange(ctx, request)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) && !errors.Is(err, iso8583.ErrNotSent) {
		return nil, errors.New("interrupted")
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !errors.Is(err, iso8583.ErrNotSent) {
		return nil, fmt.Errorf("no answer within %s", p.timeout)
	}
	return answer, err
}

func (f *hostFlags) tlsConfig(a *app) (*tls.Config, error) {
	if !f.tls && f.ca == "" {
		return nil, nil
	}
	host, _, _ := net.SplitHostPort(f.address)
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if f.ca == "" {
		return c, nil
	}
	pem, err := a.readFile(f.ca, maxFile)
	if err != nil {
		return nil, err
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in PEM form", f.ca)
	}
	return c, nil
}

// codec is the message coding of a table file; without one, our own.
func (a *app) codec(file string) (*iso8583.Codec, error) {
	if file == "" {
		return iso8583.Standard(), nil
	}
	data, err := a.readFile(file, maxFile)
	if err != nil {
		return nil, err
	}
	return iso8583.NewCodec(file, data)
}
