package httpapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// metricsType is the content type of Prometheus's text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// maxSeries bounds the series of one metric; what comes later counts as "other".
const maxSeries = 1000

// buckets are the bounds of the histograms, in seconds.
var buckets = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// Metrics counts what the service does, for Prometheus: the text exposition
// format, version 0.0.4. It may be used by many goroutines.
type Metrics struct {
	mu       sync.Mutex
	version  string
	started  time.Time
	underWay int
	requests map[string]uint64 // by labels
	refusals map[string]uint64
	messages map[string]uint64
	times    map[string]*histogram
	answers  histogram // of ISO 8583 messages
}

type histogram struct {
	counts [len(buckets)]uint64
	count  uint64
	sum    float64
}

// NewMetrics starts counting.
func NewMetrics(version string, started time.Time) *Metrics {
	return &Metrics{
		version: version, started: started,
		requests: map[string]uint64{}, refusals: map[string]uint64{}, messages: map[string]uint64{}, times: map[string]*histogram{},
	}
}

// labels writes names and values in turn.
func labels(pairs ...string) string {
	var b strings.Builder
	for n := 0; n < len(pairs); n += 2 {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%s="%s"`, pairs[n], strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(pairs[n+1]))
	}
	return b.String()
}

// count adds one to a series, or to that of what is beyond the bound.
func count(series map[string]uint64, labelled, beyond string) {
	if _, there := series[labelled]; !there && len(series) >= maxSeries {
		labelled = beyond
	}
	series[labelled]++
}

func (h *histogram) observe(took time.Duration) {
	seconds := took.Seconds()
	h.count++
	h.sum += seconds
	for n, bound := range buckets {
		if seconds <= bound {
			h.counts[n]++
		}
	}
}

func (m *Metrics) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay++
}

func (m *Metrics) end(operation string, status int, code string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay--
	count(m.requests, labels("operation", operation, "status", fmt.Sprint(status)), labels("operation", "other", "status", "other"))
	if code != "" {
		count(m.refusals, labels("code", code), labels("code", "other"))
	}
	h := m.times[operation] // operations are those of the document: their number is bounded
	if h == nil {
		h = new(histogram)
		m.times[operation] = h
	}
	h.observe(took)
}

// Message counts an ISO 8583 message with its answer: response code "" where
// none was sent.
func (m *Metrics) Message(mti, code string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count(m.messages, labels("mti", mti, "code", code), labels("mti", "other", "code", "other"))
	m.answers.observe(took)
}

// Text is everything counted so far.
func (m *Metrics) Text() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b bytes.Buffer
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	head("tapsim_build_info", "gauge", "The version that runs.")
	fmt.Fprintf(&b, "tapsim_build_info{%s} 1\n", labels("version", m.version))
	head("tapsim_start_time_seconds", "gauge", "When the service started, Unix time.")
	fmt.Fprintf(&b, "tapsim_start_time_seconds %d\n", m.started.Unix())
	head("tapsim_http_requests_in_flight", "gauge", "HTTP requests under way.")
	fmt.Fprintf(&b, "tapsim_http_requests_in_flight %d\n", m.underWay)
	counters := func(name, help string, series map[string]uint64) {
		head(name, "counter", help)
		for _, l := range sorted(series) {
			fmt.Fprintf(&b, "%s{%s} %d\n", name, l, series[l])
		}
	}
	counters("tapsim_http_requests_total", "HTTP requests by operation and status.", m.requests)
	counters("tapsim_http_refusals_total", "HTTP requests that were refused, by code.", m.refusals)
	counters("tapsim_iso8583_messages_total", "ISO 8583 messages by type and response code.", m.messages)
	head("tapsim_http_request_duration_seconds", "histogram", "Time to answer an HTTP request.")
	for _, operation := range sorted(m.times) {
		m.times[operation].write(&b, "tapsim_http_request_duration_seconds", labels("operation", operation))
	}
	head("tapsim_iso8583_message_duration_seconds", "histogram", "Time to answer an ISO 8583 message.")
	m.answers.write(&b, "tapsim_iso8583_message_duration_seconds", "")
	return b.Bytes()
}

func (h *histogram) write(b *bytes.Buffer, name, labelled string) {
	comma, braced := "", ""
	if labelled != "" {
		comma, braced = ",", "{"+labelled+"}"
	}
	for n, bound := range buckets {
		fmt.Fprintf(b, "%s_bucket{%s%sle=\"%g\"} %d\n", name, labelled, comma, bound, h.counts[n])
	}
	fmt.Fprintf(b, "%s_bucket{%s%sle=\"+Inf\"} %d\n%s_sum%s %g\n%s_count%s %d\n", name, labelled, comma, h.count, name, braced, h.sum, name, braced, h.count)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
