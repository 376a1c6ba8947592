package cli

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"tapsim/internal/httpapi"
)

// serviceFlags say which service over HTTP answers in place of the bank in
// process.
type serviceFlags struct {
	url, keyFile, ca string
}

func (f *serviceFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "service", "", "address of a running 'tapsim issuer --http', such as http://127.0.0.1:8580, instead of the bank in process")
	flags.StringVar(&f.keyFile, "service-key-file", "", "file with a key of that service, alone, or - for standard input")
	flags.StringVar(&f.ca, "service-ca", "", "PEM file with that service's certificate authority (default the system's)")
}

// unused finds flags that need --service.
func (f *serviceFlags) unused() error {
	if f.url == "" && (f.keyFile != "" || f.ca != "") {
		return fmt.Errorf("--service-key-file and --service-ca go with --service")
	}
	return nil
}

// open makes a client. It does not connect yet.
func (f *serviceFlags) open(a *app) (*httpapi.Client, error) {
	c := httpapi.ClientConfig{URL: f.url}
	var err error
	if f.keyFile != "" {
		if c.Key, err = a.apiKey("service-key-file", f.keyFile); err != nil {
			return nil, err
		}
	}
	if f.ca != "" {
		pem, err := a.readFile(f.ca, maxFile)
		if err != nil {
			return nil, err
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in PEM form", f.ca)
		}
	}
	client, err := httpapi.NewClient(c)
	if err != nil {
		return nil, fmt.Errorf("--service: %w", err)
	}
	return client, nil
}

// apiKey reads a service's key. It is never an argument, which others could see.
func (a *app) apiKey(flag, file string) (string, error) {
	text, err := a.readFile(file, maxSecret)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	key := strings.TrimSpace(string(text))
	if err := httpapi.CheckKey(key); err != nil {
		return "", fmt.Errorf("--%s %s: %w (the key alone, without its right)", flag, file, err)
	}
	return key, nil
}
