package oda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// FuzzCertificates signs arbitrary contents as every kind of object: nothing
// panics, and what is accepted verifies over its own data and no others.
func FuzzCertificates(f *testing.F) {
	s := newSigner(f, 96)
	w := newWorld(f)
	for _, tag := range []emv.Tag{emv.TagIssuerCertificate, emv.TagICCCertificate, emv.TagSSAD} {
		v, _ := w.data.Lookup(tag)
		f.Add(v, []byte{}, []byte{3}, []byte("static"))
	}
	f.Add([]byte{0x02}, []byte{1}, []byte{3}, []byte{})
	f.Fuzz(func(t *testing.T, body, remainder, exponent, more []byte) {
		if len(body) > 96-22 {
			body = body[:96-22]
		}
		today := emv.Date{Year: 2030, Month: 1, Day: 1}
		if c, err := RecoverIssuer(s.Key, s.sign(body, remainder, exponent), remainder, exponent); err == nil {
			require.Equal(t, byte(2), c.Recovered[1])
			require.NotNil(t, c.Key)
			_ = c.Check("4761739001010119", today)
		}
		if c, err := RecoverICC(s.Key, s.sign(body, remainder, exponent, more), remainder, exponent); err == nil {
			require.NoError(t, c.Verify(more))
			require.Error(t, c.Verify(append(more, 0)))
			_ = c.Check("4761739001010119", today)
		}
		signed := s.sign(body, more)
		if r, err := RecoverStatic(s.Key, signed); err == nil {
			require.NoError(t, r.Verify(more))
		}
		for _, format := range []byte{FormatDDA, FormatFDDA} {
			if r, err := RecoverDynamic(s.Key, signed, format); err == nil {
				require.NoError(t, r.Verify(more))
				_, _ = r.DynamicNumber()
			}
		}
		_, _ = VerifyCDA(s.Key, signed, CDAData{UnpredictableNumber: more, Response: body})
		_, _ = VerifyFDDA(s.Key, signed, more, nil, nil, exponent)
		_, _ = WithoutSignature(body)
		_, _ = RecoverIssuer(s.Key, body, remainder, exponent)
		_, _ = NewUnusualKey(body, exponent)
		_ = HasROCAFingerprint(body)
	})
}
