package cli

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	offlineauth "tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/transcript"
)

// TestDamagedCertificatesAreNamed: what is missing or changed opens nothing and
// is named; data without certificates are none of decode's business.
func TestDamagedCertificatesAreNamed(t *testing.T) {
	c, err := testca.Issue(testca.Request{Scheme: emv.SchemeVisa, PAN: "4761739001010119", Expiry: "4912"})
	require.NoError(t, err)
	const issuer, icc = "issuer certificate", "ICC certificate"
	found := func(data emv.List) map[string]string { return states(certificates(data.Append(nil))) }
	require.Equal(t, map[string]string{issuer: "verified", icc: "not checked"}, found(c.Data))
	for i, o := range c.Data {
		less := append(append(emv.List(nil), c.Data[:i]...), c.Data[i+1:]...)
		want := map[string]string{issuer: "failed", icc: "not checked"}
		switch o.Tag {
		case emv.TagICCCertificate:
			want = map[string]string{issuer: "verified"}
		case emv.TagIssuerCertificate:
			want = map[string]string{icc: "not checked"}
		case emv.TagICCExponent, emv.TagICCRemainder:
			want = map[string]string{issuer: "verified", icc: "failed"}
		}
		require.Equal(t, want, found(less), o.Tag)
	}
	other := append(emv.List{{Tag: emv.TagDFName, Value: []byte{0xA0, 0, 0, 0, 4, 0x10, 0x10}}}, c.Data...)
	require.Equal(t, map[string]string{issuer: "failed", icc: "not checked"}, found(other))
	require.Zero(t, certificates())
	require.Zero(t, certificates([]byte{0x90}))
}

// TestROCAIsNamed uses a published modulus of the broken generator.
func TestROCAIsNamed(t *testing.T) {
	modulus, err := hex.DecodeString(rocaModulus)
	require.NoError(t, err)
	k, err := offlineauth.NewKey(modulus, []byte{1, 0, 1})
	require.NoError(t, err)
	c := newCertificate("ICC certificate", "the issuer", k, offlineauth.Expiry{0x12, 0x49}, [3]byte{0, 0, 1})
	require.True(t, c.ROCA)
	c.Verified = true
	text := string(c.appendText(nil, transcript.Style{}))
	require.Contains(t, text, "ICC certificate by the issuer: RSA 512 bits, exponent 010001, valid until 2049-12-31, serial number 000001, verified\n")
	require.Contains(t, text, "WARNING: this key has the ROCA fingerprint")
}

// rocaModulus is case roca-001 of testdata/vectors/roca.json.
const rocaModulus = "944E13208A280C37EFC31C3114485E590192ADBB8E11C87CAD60CDEF0037CE99278330D3F471A2538FA667802ED2A3C44A8B7DEA826E888D0AA341FD664F7FA7"
