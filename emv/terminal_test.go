package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTerminalTypes(t *testing.T) {
	valid := 0
	for i := range 256 {
		if TerminalType(i).Valid() {
			valid++
		}
	}
	require.Equal(t, 15, valid) // 6 + 6 + 3
	for _, c := range []struct {
		t                                 TerminalType
		attended, onlineOnly, offlineOnly bool
	}{{0x11, true, true, false}, {0x22, true, false, false}, {0x23, true, false, true}, {0x14, false, true, false},
		{0x25, false, false, false}, {0x26, false, false, true}, {0x34, false, true, false}, {0x31, false, false, false}} {
		require.Equal(t, c.attended, c.t.Attended(), c.t)
		require.Equal(t, c.onlineOnly, c.t.OnlineOnly(), c.t)
		require.Equal(t, c.offlineOnly, c.t.OfflineOnly(), c.t)
	}
	require.Equal(t, "merchant, attended, offline with online capability", TerminalType(0x22).String())
	require.Equal(t, "no terminal type of the book: 31", TerminalType(0x31).String())

	var cash AdditionalCapabilities
	require.False(t, TerminalType(0x14).CashDispenser(cash))
	cash.Set(AdditionalCash, true)
	require.True(t, TerminalType(0x14).CashDispenser(cash))
	require.False(t, TerminalType(0x24).CashDispenser(cash))
}

func TestTerminalCapabilities(t *testing.T) {
	c := TerminalCapabilities{0xE0, 0xF8, 0xC8}
	require.True(t, c.Has(CapabilityOnlinePIN))
	require.True(t, c.Has(CapabilityCDA))
	require.False(t, c.Has(CapabilityCardCapture))
	c.Set(CapabilityCDA, false)
	require.Equal(t, TerminalCapabilities{0xE0, 0xF8, 0xC0}, c)

	a := AdditionalCapabilities{0x60, 0, 0xF0, 0xA2, 0x01}
	for n, want := range map[int]bool{0: false, 1: true, 2: false, 8: false, 9: false, 10: true, 11: false} {
		require.Equal(t, want, a.CodeTable(n), n)
	}
}
