package emv

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The layouts that others published (testdata/vectors/iad_layout.json).
func TestIssuerApplicationDataLayouts(t *testing.T) {
	raw, err := os.ReadFile("../testdata/vectors/iad_layout.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			ID              string
			Inputs, Outputs map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.Len(t, file.Cases, 13)
	for _, c := range file.Cases {
		value := unhex(t, c.Inputs["9F10"])
		iad, err := ParseIAD(SchemeUnknown, value)
		require.NoError(t, err, c.ID)
		got := map[string]string{
			"format": iad.Format.String(), "dki": upperHex([]byte{iad.DKI}), "cvn": upperHex([]byte{iad.CVN}), "cci": upperHex([]byte{iad.CVN}),
			"cvr": upperHex(iad.CVR), "dac_idn": upperHex(iad.DACIDN), "counters": upperHex(iad.Counters), "idd": upperHex(iad.IDD),
			"algorithm": upperHex([]byte{iad.Algorithm}),
		}
		for name, want := range c.Outputs {
			require.Contains(t, got, name, c.ID)
			require.Equal(t, want, got[name], "%s %s", c.ID, name)
		}
		item := ExplainValue(TagIAD, value, Context{}, false)
		require.True(t, item.Known)
		require.False(t, item.Masked, c.ID)
		require.NotEmpty(t, item.Details)
	}
}

func TestIssuerApplicationDataShapes(t *testing.T) {
	for hex, want := range map[string]struct {
		format IADFormat
		kind   CryptogramType
	}{
		"06011203A00000":   {IADVisa013, ARQC},
		"06011203900000":   {IADVisa013, TC},
		"06011203800000":   {IADVisa013, AAC},
		"0701010460040280": {IADJCB, ARQC},
		"07000103A0A80201": {IADPBOC, ARQC},
		"1F43FE82A0000000000000000003075300000000000000000000000000000000": {IADVisa24, ARQC},
		"0FA526A83100000000000001500000000F240000000000000000000000000000": {IADCCD, ARQC},
		"0110A04203A20000000000000000000000FF00000000000000FF":             {IADMChip, ARQC},
		"1501850440B100000000B00000000000000000000000":                     {IADInterac, RFU},
	} {
		iad, err := ParseIAD(SchemeUnknown, unhex(t, hex))
		require.NoError(t, err, hex)
		require.Equal(t, want.format, iad.Format, hex)
		kind, known := iad.CryptogramType()
		require.Equal(t, want.kind, kind, hex)
		require.Equal(t, want.format != IADInterac, known)
	}
	for _, bad := range []string{"", "06", "06011203A000", "0FB501A400400000010008000000029069000000000000000000000000000000", "06011204A00000", "0710010203040506"} {
		_, err := ParseIAD(SchemeUnknown, unhex(t, bad))
		require.Error(t, err, bad)
	}
	_, err := ParseIAD(SchemeMastercard, unhex(t, "06011203A00000"))
	require.Error(t, err)
}

// TestLastCryptogramType: a second cryptogram counts where there was one.
func TestLastCryptogramType(t *testing.T) {
	for iad, want := range map[string]CryptogramType{
		"06011203A00000": ARQC, "06011203900000": TC, "06011203800000": AAC, "06011203B00000": RFU,
		"06011203600000": TC, "06011203200000": AAC, "06011203E00000": RFU,
		"0110A04003220000000000000000000000FF": ARQC, "0110604003220000000000000000000000FF": TC,
		"0F A5 00 A038000000 0000000000000000 0F 000000000000000000000000000000": ARQC,
		"07010103A0000001": ARQC, "0701010360000001": TC,
	} {
		parsed, err := ParseIAD(SchemeUnknown, unhex(t, iad))
		require.NoError(t, err, iad)
		got, ok := parsed.LastCryptogramType()
		require.True(t, ok, iad)
		require.Equal(t, want, got, iad)
	}
	_, ok := IAD{Format: IADInterac, CVR: make([]byte, 5)}.LastCryptogramType()
	require.False(t, ok)
}
