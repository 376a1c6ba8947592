package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/wallet"
	"tapsim/wallet/store"
)

// TestWalletFile: what was kept comes back; nobody reads it without the phone's
// key; every changed or missing byte is noticed.
func TestWalletFile(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir).Wallet()
	state, err := m.LoadWallet()
	require.NoError(t, err)
	require.Equal(t, wallet.State{}, state, "a new phone has an empty wallet")
	state = wallet.State{
		Number: 7, Default: "visa-1", Frozen: true, TapAndGo: &wallet.TapAndGo{PerTap: 1, Cumulative: 2, Count: 3},
		Cards:   []wallet.Card{{Name: "visa-1", Scheme: "visa", Added: now, Payments: []wallet.Payment{{Time: now}}}},
		Notices: []wallet.Notice{{Time: now, Text: "BAKERY"}}, Coupons: []wallet.Coupon{{ID: "1", Until: now}},
		Passcode: wallet.Passcode{Public: []byte{1}, Fails: 3, Until: now},
	}
	require.NoError(t, m.SaveWallet(&state))
	again, err := open(t, dir).Wallet().LoadWallet()
	require.NoError(t, err)
	require.Equal(t, state, again)

	path := filepath.Join(dir, "wallet.sealed")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), "BAKERY")
	for at := range data {
		damaged := append([]byte(nil), data...)
		damaged[at] ^= 1
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		_, err := m.LoadWallet()
		require.Error(t, err, "byte %d", at)
		require.NoError(t, os.WriteFile(path, data[:at], 0o600))
		_, err = m.LoadWallet()
		require.Error(t, err, "%d bytes", at)
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	o := options(t)
	o.DeviceKey = deviceKey(t, 0xD1)
	other, err := store.Open(dir, o)
	require.NoError(t, err)
	_, err = other.Wallet().LoadWallet()
	require.ErrorContains(t, err, "another device key")
}
