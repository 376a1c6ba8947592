package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFLReadsAndWrites(t *testing.T) {
	a, err := ParseAFL(unhex(t, "08010100100102011801020020010200"))
	require.NoError(t, err)
	require.Equal(t, AFL{{1, 1, 1, 0}, {2, 1, 2, 1}, {3, 1, 2, 0}, {4, 1, 2, 0}}, a)
	require.Equal(t, "08010100100102011801020020010200", upperHex(a.Append(nil)))
	require.Equal(t, 7, a.Records())
	for bad, offset := range map[string]int{
		"080101": 0, "0801010010": 4, "00010100": 0, "F8010100": 0, "09010100": 0, "08000100": 0, "08020100": 0, "08010102": 0, "0801010010020100": 4,
	} {
		_, err := ParseAFL(unhex(t, bad))
		var damage *TLVError
		require.ErrorAs(t, err, &damage, bad)
		require.Equal(t, offset, damage.Offset, bad)
	}
}

func TestSchemes(t *testing.T) {
	for s := SchemeVisa; s <= SchemeCCD; s++ {
		again, found := ParseScheme(s.String())
		require.True(t, found)
		require.Equal(t, s, again)
	}
	_, found := ParseScheme("unknown")
	require.False(t, found)
	for aid, want := range map[string]struct {
		scheme Scheme
		kernel byte
	}{
		"A0000000031010": {SchemeVisa, 3}, "A000000333010101": {SchemeUnionPay, 7}, "A0000000043060C123456789": {SchemeMastercard, 2},
		"A0000000980840": {SchemeVisa, 0}, "A0000003241010": {SchemeDiscover, 0}, "A0000001523010": {SchemeDiscover, 6}, "A00000": {}, "": {},
	} {
		require.Equal(t, want.scheme, SchemeOf(unhex(t, aid)), aid)
		require.Equal(t, want.kernel, DefaultKernel(unhex(t, aid)), aid)
	}
}
