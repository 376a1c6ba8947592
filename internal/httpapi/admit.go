package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// admit checks the key and its right to a path or, where the service has no keys,
// that the caller meant this machine: a page in a browser that has a name of its own
// for it did not.
func (s *Server) admit(r *http.Request, path string) (Right, error) {
	if len(s.keys) == 0 {
		switch {
		case !loopbackName(r.Host):
			return "", &badRequest{"wrong-host", "the request is for another host"}
		case foreignPage(r.Header):
			return "", &badRequest{"wrong-origin", "the request comes from a page of another host"}
		}
		return RightAll, nil
	}
	scheme, sent, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", &badRequest{"no-key", "the request has no key"}
	}
	right := s.keys.rightOf(sent)
	switch {
	case right == "":
		return "", &badRequest{"wrong-key", "the key is not the service's"}
	case !right.opens(path):
		return right, &badRequest{"not-allowed", "the key's right is " + string(right) + ", which does not open this"}
	}
	return right, nil
}

// foreignPage is true for what a browser sends in the name of a page that is not
// this machine's.
func foreignPage(h http.Header) bool {
	if h.Get("Sec-Fetch-Site") == "cross-site" {
		return true
	}
	for _, origin := range h.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || !loopbackName(u.Host) {
			return true
		}
	}
	return false
}

// loopbackName is true for localhost and loopback addresses, with or without a
// port.
func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}
