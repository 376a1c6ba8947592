package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDynamicTrack2(t *testing.T) {
	track := Track2{"4761739001010119", "4912", "201", "1234567890123"}
	got, ok := track.WithDynamic("907", 10042)
	require.True(t, ok)
	require.Equal(t, "1234590700423", got.Discretionary)
	require.Equal(t, "1234567890123", track.Discretionary)
	value, counter, ok := got.Dynamic()
	require.True(t, ok)
	require.Equal(t, "907", value)
	require.Equal(t, uint16(42), counter)
	for _, short := range []string{"", "12345678901", "12345678901x"} {
		_, _, ok = Track2{Discretionary: short}.Dynamic()
		require.False(t, ok, short)
	}
	_, ok = Track2{Discretionary: "12345678901"}.WithDynamic("907", 1)
	require.False(t, ok)
	_, ok = track.WithDynamic("90", 1)
	require.False(t, ok)
}
