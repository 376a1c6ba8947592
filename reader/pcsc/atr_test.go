package pcsc

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// ATRs of published lists: contactless (3B 8n 80 01), with and without interface
// and check bytes. The zeros of a buffer go, others stay.
func TestATRWithoutPadding(t *testing.T) {
	for _, text := range []string{
		"3B80800101", "3B8280018031B2", "3B8F8001804F0CA000000306030001000000006A", "3B6500002063CB6800", "3B6800000073C84013009000",
		"3BDA18FF81B1FE751F030031C573C001400090000C", "3F00", "3B00",
	} {
		atr, err := hex.DecodeString(text)
		require.NoError(t, err)
		padded := make([]byte, 33)
		copy(padded, atr)
		require.Equal(t, atr, withoutPadding(padded), text)
		require.Equal(t, atr, withoutPadding(atr), text)
		for n := range atr { // cut off: nothing is lost
			require.Len(t, withoutPadding(atr[:n]), n)
		}
		odd := append(append([]byte{}, atr...), 0x01)
		require.Equal(t, odd, withoutPadding(odd), "no padding")
	}
	require.Nil(t, withoutPadding(nil))
}
