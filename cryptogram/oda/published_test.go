package oda

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// blank signs nothing: the block itself is its signature, so that what we
// build can be compared with what others built.
type blank int

func (b blank) Len() int                          { return int(b) }
func (b blank) Sign(block []byte) ([]byte, error) { return block, nil }

type publishedCase struct {
	ID, Op  string
	Inputs  map[string]any
	Outputs map[string]any
	t       *testing.T
}

func (c publishedCase) hex(name string) []byte {
	text, _ := c.Inputs[name].(string)
	b, err := hex.DecodeString(text)
	require.NoError(c.t, err, name)
	return b
}

func (c publishedCase) key(owner string) *Key {
	k, err := NewKey(c.hex(owner+"_modulus"), c.hex(owner+"_exponent"))
	require.NoError(c.t, err)
	return k
}

func (c publishedCase) static() []byte {
	return append(c.hex("records_marked_for_oda"), c.hex("aip_if_9F4A")...)
}

func (c publishedCase) dynamic(format byte) *DynamicSignature {
	s, err := RecoverDynamic(c.key("icc"), c.hex("tag_9F4B"), format)
	require.NoError(c.t, err)
	return s
}

// rebuild makes the block of a case again from the meaning of its parts.
func (c publishedCase) rebuild() (block, remainder []byte, err error) {
	switch c.Op {
	case "issuer-certificate":
		cert, err := RecoverIssuer(c.key("ca"), c.hex("tag_90"), c.hex("tag_92"), c.hex("tag_9F32"))
		require.NoError(c.t, err)
		return SignIssuerCertificate(blank(len(cert.Recovered)), *cert)
	case "icc-certificate":
		cert, err := RecoverICC(c.key("issuer"), c.hex("tag_9F46"), c.hex("tag_9F48"), c.hex("tag_9F47"))
		require.NoError(c.t, err)
		return SignICCCertificate(blank(len(cert.Recovered)), *cert, c.static())
	case "static-signature":
		s, err := RecoverStatic(c.key("issuer"), c.hex("tag_93"))
		require.NoError(c.t, err)
		block, err = SignStatic(blank(len(s.Recovered)), s.DataAuthenticationCode, c.static())
		return block, nil, err
	case "cda-signature":
		s, err := RecoverCDA(c.key("icc"), c.hex("tag_9F4B"))
		require.NoError(c.t, err)
		block, err = SignCDA(blank(len(s.Recovered)), *s, CDAData{
			UnpredictableNumber: c.hex("tag_9F37"), PDOL: c.hex("pdol_values"), CDOL1: c.hex("cdol1_values"), Response: c.hex("response_tlvs_without_9F4B"),
		})
		return block, nil, err
	case "fdda-signature":
		s := c.dynamic(FormatFDDA)
		block, err = SignFDDA(blank(len(s.Recovered)), s.DynamicData[1:], c.hex("tag_9F37"), c.hex("tag_9F02"), c.hex("tag_5F2A"), c.hex("tag_9F69"))
		return block, nil, err
	case "dynamic-signature":
		s := c.dynamic(FormatDDA)
		block, err = SignDDA(blank(len(s.Recovered)), s.DynamicData[1:], c.hex("terminal_dynamic_data"))
		return block, nil, err
	}
	return nil, nil, nil
}

// TestPublishedBlocksAreBuiltAgain makes, byte for byte, what issuers and cards
// that we did not make have signed.
func TestPublishedBlocksAreBuiltAgain(t *testing.T) {
	unusable := map[string]string{
		"oda-019": "static data not published", "oda-021": "static data not published",
		"oda-024": "a combined signature without its transaction data", "oda-025": "raw", "oda-026": "raw",
	}
	built := 0
	for _, file := range []string{"oda.json", "fdda.json"} {
		text, err := os.ReadFile("../../testdata/vectors/" + file)
		require.NoError(t, err)
		var all struct{ Cases []publishedCase }
		require.NoError(t, json.Unmarshal(text, &all))
		for _, c := range all.Cases {
			if unusable[c.ID] != "" {
				continue
			}
			c.t = t
			block, remainder, err := c.rebuild()
			require.NoError(t, err, c.ID)
			want, err := hex.DecodeString(c.Outputs["recovered"].(string))
			require.NoError(t, err)
			require.Equal(t, want, block, c.ID)
			require.Equal(t, append(c.hex("tag_92"), c.hex("tag_9F48")...), append([]byte{}, remainder...), c.ID)
			built++
		}
	}
	require.Equal(t, 15, built)
}
