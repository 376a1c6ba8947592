package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The rows of EMV Book B, 3.3.2.5.
func TestRequestedKernel(t *testing.T) {
	visa := []byte{0xA0, 0, 0, 0, 0x03, 0x10, 0x10}
	for identifier, want := range map[string]uint32{
		"": 3, "00": AnyKernel, "02": 2, "0200000000000000": 2, "08": 8, "1F": 0x1F,
		"40": 0x40, "43": 0x43, "800840": 0x80, "C00840": 0xC0, "810978": 0x810978, "FF097801": 0xFF0978,
	} {
		got, ok := RequestedKernel(unhex(t, identifier), visa)
		require.True(t, ok, identifier)
		require.Equal(t, want, got, identifier)
	}
	for _, short := range []string{"80", "8108", "C0", "FF09"} {
		_, ok := RequestedKernel(unhex(t, short), visa)
		require.False(t, ok, short)
	}
	girocard, ok := RequestedKernel(nil, unhex(t, "A0000003591010028001"))
	require.True(t, ok)
	require.Zero(t, girocard, "an application without a default")
}
