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

// TestDamagedCertificatesStayClosed: what is missing or changed opens nothing,
// and nothing else.
func TestDamagedCertificatesStayClosed(t *testing.T) {
	c, err := testca.Issue(testca.Request{Scheme: emv.SchemeVisa, PAN: "4761739001010119", Expiry: "4912"})
	require.NoError(t, err)
	require.Len(t, certificates(c.Data.Append(nil)), 2)
	for i, o := range c.Data {
		less := append(append(emv.List(nil), c.Data[:i]...), c.Data[i+1:]...)
		found := certificates(less.Append(nil))
		if issuer := o.Tag == emv.TagICCCertificate || o.Tag == emv.TagICCExponent || o.Tag == emv.TagICCRemainder; issuer {
			require.Len(t, found, 1, o.Tag)
		} else {
			require.Empty(t, found, o.Tag)
		}
	}
	other := append(emv.List{{Tag: emv.TagDFName, Value: []byte{0xA0, 0, 0, 0, 4, 0x10, 0x10}}}, c.Data...)
	require.Empty(t, certificates(other.Append(nil)))
	require.Empty(t, certificates())
	require.Empty(t, certificates([]byte{0x90}))
}

// TestROCAIsNamed uses a published modulus of the broken generator.
func TestROCAIsNamed(t *testing.T) {
	modulus, err := hex.DecodeString(rocaModulus)
	require.NoError(t, err)
	k, err := offlineauth.NewKey(modulus, []byte{1, 0, 1})
	require.NoError(t, err)
	c := newCertificate("ICC certificate", "the issuer", k, offlineauth.Expiry{0x12, 0x49}, [3]byte{0, 0, 1})
	require.True(t, c.ROCA)
	text := string(c.appendText(nil, transcript.Style{}))
	require.Contains(t, text, "ICC certificate by the issuer: RSA 512 bits, exponent 010001, valid until 2049-12-31, serial number 000001\n")
	require.Contains(t, text, "WARNING: this key has the ROCA fingerprint")
}

// rocaModulus is case roca-001 of testdata/vectors/roca.json.
const rocaModulus = "944E13208A280C37EFC31C3114485E590192ADBB8E11C87CAD60CDEF0037CE99278330D3F471A2538FA667802ED2A3C44A8B7DEA826E888D0AA341FD664F7FA7"
