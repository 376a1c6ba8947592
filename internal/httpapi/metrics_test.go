package httpapi

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The text exposition format, version 0.0.4: HELP and TYPE before the samples of
// a metric, which stand together; histograms are cumulative and end in +Inf.
func TestMetricsText(t *testing.T) {
	m := NewMetrics(`1.0 "x\y`, time.Unix(1700000000, 0))
	m.begin()
	m.end("bank.open", 200, "", 3*time.Millisecond)
	m.begin()
	m.end("bank.open", 409, "account-exists", 20*time.Second)
	m.Message("0100", "00", time.Millisecond)
	m.Message("0100", "00", time.Minute)
	text := string(m.Text())
	for _, line := range []string{
		`tapsim_build_info{version="1.0 \"x\\y"} 1`, "tapsim_start_time_seconds 1700000000", "tapsim_http_requests_in_flight 0",
		`tapsim_http_requests_total{operation="bank.open",status="200"} 1`, `tapsim_http_refusals_total{code="account-exists"} 1`,
		`tapsim_iso8583_messages_total{mti="0100",code="00"} 2`,
		`tapsim_http_request_duration_seconds_bucket{operation="bank.open",le="0.0025"} 0`,
		`tapsim_http_request_duration_seconds_bucket{operation="bank.open",le="0.005"} 1`,
		`tapsim_http_request_duration_seconds_bucket{operation="bank.open",le="+Inf"} 2`,
		`tapsim_http_request_duration_seconds_sum{operation="bank.open"} 20.003`, `tapsim_http_request_duration_seconds_count{operation="bank.open"} 2`,
		`tapsim_iso8583_message_duration_seconds_bucket{le="0.001"} 1`, `tapsim_iso8583_message_duration_seconds_count 2`,
	} {
		require.Contains(t, text, line+"\n")
	}
	sample := regexp.MustCompile(`^([a-z0-9_]+?)(?:_bucket|_sum|_count)?(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? (\S+)$`)
	name := ""
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, _, _ = strings.Cut(rest, " ")
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			require.Regexp(t, "^"+name+" (counter|gauge|histogram)$", rest)
			continue
		}
		found := sample.FindStringSubmatch(line)
		require.NotNil(t, found, line)
		require.True(t, strings.HasPrefix(line, name), line)
		_, err := strconv.ParseFloat(found[len(found)-1], 64)
		require.NoError(t, err, line)
	}
}

// Whatever others send, the number of series is bounded.
func TestMetricsAreBounded(t *testing.T) {
	m := NewMetrics("", time.Time{})
	for n := range 3 * maxSeries {
		m.Message(strconv.Itoa(n), "", 0)
	}
	require.LessOrEqual(t, strings.Count(string(m.Text()), "tapsim_iso8583_messages_total{"), maxSeries+1)
	require.Contains(t, string(m.Text()), `tapsim_iso8583_messages_total{mti="other",code="other"} 2000`)
}

func TestServiceAnswersAboutItself(t *testing.T) {
	s := testServer(t, ServerConfig{})
	_, _, w := ask(s, "GET", "/healthz", "")
	require.JSONEq(t, `{"status":"ok"}`, w.Body.String())
	_, _, w = ask(s, "GET", "/metrics", "")
	require.Equal(t, metricsType, w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), `tapsim_http_requests_total{operation="healthz",status="200"} 1`)
	_, _, w = ask(s, "GET", "/openapi.json", "")
	require.Equal(t, string(OpenAPI()), w.Body.String())
	_, err := ParseDocument(w.Body.Bytes())
	require.NoError(t, err)
}
