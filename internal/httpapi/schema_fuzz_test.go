package httpapi

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read as JSON is JSON, and comes out the same when it is written and
// read again.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{`{"account":"A","amount":"1.00"}`, `[{"a":null},[true,-0.5e3]]`, `{"a":1,"a":2}`, `{} {}`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := readJSON(text)
		if err != nil {
			return
		}
		require.True(t, json.Valid(text))
		again, err := json.Marshal(v)
		require.NoError(t, err)
		back, err := readJSON(again)
		require.NoError(t, err)
		require.Equal(t, v, back)
	})
}

// Any body at all gets an answer that the document describes.
func FuzzBody(f *testing.F) {
	f.Add("/v1/bank/open", []byte(`{"account":"A","balance":"1.00"}`))
	f.Add("/v1/bank/token/control", []byte(`{"token":"ab","domain":{"channels":["qr"],"max_amount":1}}`))
	f.Add("/v1/phone/keys", []byte(`{"device":"","number":1,"signature":"","agreement":"","token":"","atc":1,"held":0,"last_key":null,"fresh":true}`))
	d, err := document()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		op := d.Operations["POST "+path]
		if op == nil || len(body) == 0 {
			return
		}
		s := testServer(t, ServerConfig{})
		status, _, w := ask(s, "POST", path, string(body))
		require.Less(t, status, 500)
		schema := op.Answers["200"]
		if status != 200 {
			schema = op.Answers["default"]
		}
		require.NoError(t, d.CheckJSON(schema, w.Body.Bytes()))
	})
}

func BenchmarkTopUp(b *testing.B) {
	b.ReportAllocs()
	s := testServer(b, ServerConfig{})
	for b.Loop() {
		if status, _, w := ask(s, "POST", "/v1/bank/top-up", `{"account":"DEMO-0001","amount":"1.00"}`); status != 200 {
			b.Fatal(w.Body)
		}
	}
}
