package oda

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSignatures: whatever can be signed verifies over the same data, gives back
// what was signed, and does not verify over other data.
func FuzzSignatures(f *testing.F) {
	k := newPrivateKey(f, 128)
	f.Add([]byte{0, 1}, []byte{1, 2, 3, 4}, []byte{0, 0, 0, 0, 0x10, 0}, []byte{9, 0x78}, []byte{1, 2, 3, 4, 5}, byte(0x80))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{1, 2, 3, 4}, []byte{}, []byte{}, []byte{}, byte(0x40))
	f.Fuzz(func(t *testing.T, number, un, amount, currency, related []byte, cid byte) {
		if signed, err := SignFDDA(k, number, un, amount, currency, related); err == nil {
			s, err := VerifyFDDA(k.Public(), signed, un, amount, currency, related)
			require.NoError(t, err)
			got, err := s.DynamicNumber()
			require.NoError(t, err)
			require.Equal(t, number, got)
			_, err = VerifyFDDA(k.Public(), signed, append(un[:len(un):len(un)], 0), amount, currency, related)
			require.Error(t, err)
		}
		data := CDAData{UnpredictableNumber: un, PDOL: amount, CDOL1: currency}
		if signed, err := SignCDA(k, CDA{DynamicNumber: number, CID: cid, More: related}, data); err == nil {
			c, err := VerifyCDA(k.Public(), signed, data)
			require.NoError(t, err)
			require.Equal(t, number, c.DynamicNumber)
			require.Equal(t, cid, c.CID)
			require.Equal(t, string(related), string(c.More))
		}
		if signed, err := SignStatic(k, [2]byte{cid, 1}, un); err == nil {
			s, err := RecoverStatic(k.Public(), signed)
			require.NoError(t, err)
			require.NoError(t, s.Verify(un))
		}
		p, q := related, number
		_, _ = NewPrivateKey(p, q, currency)
	})
}
