package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// CheckListen refuses an address that others can reach without TLS and a key.
func CheckListen(address string, secured, keyed bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: want ADDRESS:PORT", address)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	switch {
	case !secured:
		return fmt.Errorf("%s is open to others: that needs TLS and an API key (or listen on 127.0.0.1)", address)
	case !keyed:
		return fmt.Errorf("%s is open to others: that needs an API key (or listen on 127.0.0.1)", address)
	}
	return nil
}

// Serve answers requests until ctx ends, and then those that are under way, for
// at most drain.
func (s *Server) Serve(ctx context.Context, l net.Listener, security *tls.Config, drain time.Duration) error {
	server := &http.Server{
		Handler: s, TLSConfig: security, ReadHeaderTimeout: readTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(maskingHandler{s.config.Log.Handler()}, slog.LevelWarn),
		DisableGeneralOptionsHandler: true, // OPTIONS * is no operation of ours either
		ConnState:                    newCrowd(maxConnections).changed, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxAtOnce},
	}
	ended := make(chan error, 1)
	go func() {
		if security != nil {
			ended <- server.ServeTLS(l, "", "")
			return
		}
		ended <- server.Serve(l)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-ended
	return err
}
