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
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what the client reads of an answer.
const maxAnswer = 64 << 20

// ClientConfig says which service to ask.
type ClientConfig struct {
	URL     string         // http on this machine, https elsewhere
	Key     string         // API key; "": none
	RootCAs *x509.CertPool // of https; nil: the system's
	Timeout time.Duration  // of one request; 0: 30 seconds
}

// Client is a bank over the network. It may be used by many goroutines.
type Client struct {
	base string
	key  string
	http *http.Client
}

var _ Bank = (*Client)(nil)

// NewClient makes a client. It does not connect yet.
func NewClient(c ClientConfig) (*Client, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("want the service's address such as http://127.0.0.1:8580")
	case u.Scheme == "http" && !loopbackName(u.Host):
		return nil, fmt.Errorf("%s is not this machine, and card data and keys would travel in the clear: want https", u.Host)
	}
	if c.Key != "" {
		if err := CheckKey(c.Key); err != nil {
			return nil, err
		}
	}
	if c.Timeout == 0 {
		c.Timeout = writeTime
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs}
	return &Client{base: strings.TrimRight(u.String(), "/"), key: c.Key, http: &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close ends the connections that wait.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// exchange asks for an operation and decodes the answer.
func (c *Client) exchange(ctx context.Context, pattern string, body []byte, key string, answer any) error {
	r, err := c.request(ctx, pattern, body)
	if err != nil {
		return err
	}
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("the service at %s cannot be reached: %w", c.base, plainError(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer of %s did not arrive whole: %w", c.base, err)
	case len(text) > maxAnswer:
		return fmt.Errorf("the answer of %s has more than %d bytes", c.base, maxAnswer)
	case response.StatusCode != http.StatusOK:
		return refusalIn(c.base, response.StatusCode, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the answer of %s is not what the document says", c.base)
	}
	return nil
}

func (c *Client) request(ctx context.Context, pattern string, body []byte) (*http.Request, error) {
	method, path, _ := strings.Cut(pattern, " ")
	if method == http.MethodGet {
		query, err := queryOf(body)
		if err != nil {
			return nil, err
		}
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		return http.NewRequestWithContext(ctx, method, c.base+path, nil)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

// plainError is an error of the transport without the address, which has the
// query in it.
func plainError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// refusalIn is what an answer other than 200 says.
func refusalIn(base string, status int, text []byte) error {
	var r refusedJSON
	if err := json.Unmarshal(text, &r); err != nil || r.Refused == nil || r.Refused.Code == "" {
		return fmt.Errorf("%s answers %d %s, and not as the document says: is it tapsim's?", base, status, http.StatusText(status))
	}
	if status >= http.StatusInternalServerError {
		return fmt.Errorf("the service at %s: %w", base, errors.New(r.Refused.Error()))
	}
	return r.Refused
}
