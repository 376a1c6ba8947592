package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCVMListReadsAndWrites(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want CVMList
	}{
		{"000000000000000042031E031F03", CVMList{Rules: []CVMRule{{0x42, 3}, {0x1E, 3}, {0x1F, 3}}}},
		{"00002710000000005F060200", CVMList{X: 10000, Rules: []CVMRule{{0x5F, 6}, {0x02, 0}}}},
		{"0000000000000000", CVMList{}},
	} {
		l, err := ParseCVMList(unhex(t, c.hex))
		require.NoError(t, err)
		require.Equal(t, c.want, l)
		require.Equal(t, c.hex, upperHex(l.Append(nil)))
	}
	for _, bad := range []string{"", "00000000000000", "000000000000000042", "000000000000000042031E"} {
		_, err := ParseCVMList(unhex(t, bad))
		var damage *TLVError
		require.ErrorAs(t, err, &damage, bad)
	}
	r := CVMRule{0x42, 3}
	require.Equal(t, CVMOnlinePIN, r.Method())
	require.True(t, r.ApplyNext())
	require.Equal(t, "enciphered PIN checked online, if the terminal supports it; otherwise the next rule", r.String())
	require.Equal(t, "no CVM required, if in the application currency and under X; otherwise the next rule", CVMRule{0x5F, 6}.String())
	require.Equal(t, "method 2A of the payment system, reserved condition 0A; otherwise fail", CVMRule{0x2A, 0x0A}.String())
	require.Equal(t, "method 3E of the issuer, condition 80 of the payment system; otherwise fail", CVMRule{0x3E, 0x80}.String())
	require.Equal(t, "reserved method 10, always; otherwise fail", CVMRule{0x10, 0}.String())
}

func TestCVMResults(t *testing.T) {
	require.Equal(t, "enciphered PIN checked online, if the terminal supports it: result unknown to the terminal", CVMResults{0x42, 3, 0}.String())
	require.Equal(t, "no CVM performed, failed", CVMResults{0x3F, 0, 1}.String())
	require.Equal(t, "no CVM required, always: successful", CVMResults{0x1F, 0, 2}.String())
	require.Equal(t, CVMSuccessful, CVMResults{0x1F, 0, 2}.Result())
	require.Equal(t, "fail CVM processing, always: reserved result 07", CVMResults{0, 0, 7}.String())
}
