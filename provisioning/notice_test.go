package provisioning

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoticeOfOld: the bank's number of a payment is called payment, and what was
// stored when it was called record is read.
func TestNoticeOfOld(t *testing.T) {
	want := PaymentNotice{ATC: 7, Amount: 5, State: "approved", Record: 12}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.Contains(t, string(text), `"payment":12`)
	require.NotContains(t, string(text), "record")
	for _, text := range []string{string(text), `{"atc": 7, "amount": 5, "state": "approved", "record": 12}`} {
		e := Event{}
		require.NoError(t, json.Unmarshal([]byte(`{"payment": `+text+`}`), &e))
		require.Equal(t, &want, e.Payment)
	}
	require.Error(t, json.Unmarshal([]byte(`{"record": "x"}`), new(PaymentNotice)))
}
