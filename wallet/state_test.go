package wallet_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/provisioning"
	"tapsim/wallet"
)

// TestPaymentIsReadBack: time and notice, also of a wallet that called the bank's
// number record.
func TestPaymentIsReadBack(t *testing.T) {
	want := wallet.Payment{Time: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), PaymentNotice: provisioning.PaymentNotice{ATC: 7, State: "approved", Record: 12}}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	for _, text := range []string{string(text), `{"time": "2030-01-01T12:00:00Z", "atc": 7, "state": "approved", "record": 12}`} {
		var got wallet.Payment
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		require.Equal(t, want, got)
	}
	for _, text := range []string{`{"time": 1}`, `{"time": "2030-01-01T12:00:00Z", "atc": "x"}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(wallet.Payment)))
	}
}
