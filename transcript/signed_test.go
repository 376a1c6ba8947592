package transcript

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// What certificates and signatures cover, out of answers with and without tags:
// the second GENERATE AC keeps the values of the first.
func TestSigned(t *testing.T) {
	tr, err := Parse("x.txt", []byte(`
> 00A4040007A000000003101000
< 6F0E8407A0000000031010A503500141 9000
> 00A4040007A000000003101000
< 6F138407A0000000031010A5089F38059F37049C01 9000
> 80A800000783051A2B3C4D00
< 80062000080101019000
> 00B2010C00
< 70065F24034912319000
> 00B2020C00
< 700D8C039F02068D039F37048F01929000
> 0088000004AABBCCDD
< 8003010203 9000
> 80AE80000600000000125000
< 77079F2701809F4B00 9000
> 80AE4000041122334400
< 770A9F2701409F4B0301020390 00
`))
	require.NoError(t, err)
	all := Signed(tr)
	require.Len(t, all, 2)
	s := all[1]
	require.Equal(t, []byte{0x1A, 0x2B, 0x3C, 0x4D, 0x00}, s.PDOL)
	for tag, want := range map[emv.Tag][]byte{emv.TagAIP: {0x20, 0x00}, emv.TagAFL: {0x08, 0x01, 0x01, 0x01}, emv.TagExpirationDate: {0x49, 0x12, 0x31}, emv.TagCAIndex: {0x92}} {
		v, ok := s.Data.Lookup(tag)
		require.True(t, ok, tag)
		require.Equal(t, want, append([]byte{}, v...), tag)
	}
	amount, _ := s.Sent.Lookup(emv.TagAmount)
	require.Equal(t, []byte{0, 0, 0, 0, 0x12, 0x50}, amount)
	un, _ := s.Sent.Lookup(emv.TagUnpredictableNumber)
	require.Equal(t, []byte{0x1A, 0x2B, 0x3C, 0x4D}, un)
	require.Len(t, s.Records, 2)
	require.Len(t, s.Signatures, 3)
	require.Equal(t, []byte{1, 2, 3}, s.Signatures[0].Signature, "DDA out of format 1")
	require.Equal(t, []byte{0xAA, 0xBB, 0xCC, 0xDD}, s.Signatures[0].Sent)
	first, second := s.Signatures[1], s.Signatures[2]
	require.Equal(t, []byte{0, 0, 0, 0, 0x12, 0x50}, first.CDOL1)
	require.Nil(t, first.CDOL2)
	require.Equal(t, first.CDOL1, second.CDOL1)
	require.Equal(t, []byte{0x11, 0x22, 0x33, 0x44}, second.CDOL2)
	require.Equal(t, []byte{1, 2, 3}, second.Signature)
	require.Equal(t, 8, second.Exchange)
}
