package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const visaPDOL = "9F66049F02069F03069F1A0295055F2A029A039C019F3704"

func TestDOLReadsAndWrites(t *testing.T) {
	for _, s := range []string{
		"", visaPDOL, "9F3704", "9A039C019F37049A03", // a tag twice, as one card has it
		"DF810C01", "910A8A0295059F37049F4C08",
	} {
		d, err := ParseDOL(unhex(t, s))
		require.NoError(t, err)
		require.Equal(t, s, upperHex(d.Append(nil)))
	}
	d, _ := ParseDOL(unhex(t, visaPDOL))
	require.Equal(t, 33, d.Length())
	require.True(t, d.Has(TagTTQ))
	require.False(t, d.Has(TagMerchantName))
}

func TestDOLRefuses(t *testing.T) {
	for s, want := range map[string]int{"9F": 0, "9F02": 0, "9F02069F": 3, "9F02069F03": 3, "9F020682": 3} {
		_, err := ParseDOL(unhex(t, s))
		var damage *TLVError
		require.ErrorAs(t, err, &damage, s)
		require.Equal(t, want, damage.Offset, s)
	}
}

// EMV Book 3, 5.4: which bytes go and which come in.
func TestDOLFillsByFormat(t *testing.T) {
	source := List{
		{TagAmount, unhex(t, "000000001250")}, {TagPAN, unhex(t, "4761739001010119")},
		{TagTTQ, unhex(t, "36004000")}, {TagMerchantName, []byte("TAPSIM")}, {TagFCI, unhex(t, "8400")},
	}
	for _, c := range []struct {
		tag    Tag
		length int
		want   string
	}{
		{TagAmount, 6, "000000001250"},
		{TagAmount, 2, "1250"},                           // numeric keeps the right
		{TagAmount, 8, "0000000000001250"},               // and is filled on the left
		{TagPAN, 4, "47617390"},                          // compressed numeric keeps the left
		{TagPAN, 10, "4761739001010119FFFF"},             // and is filled with F
		{TagTTQ, 2, "3600"}, {TagTTQ, 6, "360040000000"}, // others keep the left, filled with 00
		{TagMerchantName, 4, "54415053"},
		{TagMerchantName, 8, "54415053494D0000"},
		{TagFCI, 3, "000000"}, // constructed
		{0xDF7F, 2, "0000"},   // nobody has it
		{TagAmountOther, 0, ""},
	} {
		got := DOL{{c.tag, c.length}}.AppendData(nil, List{}, source)
		require.Equal(t, c.want, upperHex(got), "%s %d", c.tag, c.length)
	}
	first := List{{TagAmount, unhex(t, "000000009999")}}
	require.Equal(t, "000000009999", upperHex(DOL{{TagAmount, 6}}.AppendData(nil, first, source)))
}

func TestDOLSplitsData(t *testing.T) {
	d, _ := ParseDOL(unhex(t, "9F02069C019F3704"))
	data := unhex(t, "000000001250001A2B3C4D")
	l, err := d.Split(data)
	require.NoError(t, err)
	require.Equal(t, List{{TagAmount, data[:6]}, {TagTransactionType, data[6:7]}, {TagUnpredictableNumber, data[7:]}}, l)
	v, found := d.Value(data, TagUnpredictableNumber)
	require.True(t, found)
	require.Equal(t, data[7:], v)
	_, found = d.Value(data, TagTTQ)
	require.False(t, found)
	_, found = d.Value(data[:8], TagUnpredictableNumber)
	require.False(t, found)
	_, err = d.Split(data[1:])
	require.EqualError(t, err, "data object list asks for 11 bytes, 10 came")
}

func BenchmarkDOLFill(b *testing.B) {
	d, _ := ParseDOL(unhex(b, visaPDOL))
	source := List{
		{TagTTQ, make([]byte, 4)}, {TagAmount, make([]byte, 6)}, {TagAmountOther, make([]byte, 6)}, {TagTerminalCountry, make([]byte, 2)},
		{TagTVR, make([]byte, 5)}, {TagTransactionCurrency, make([]byte, 2)}, {TagTransactionDate, make([]byte, 3)},
		{TagTransactionType, make([]byte, 1)}, {TagUnpredictableNumber, make([]byte, 4)},
	}
	sources := []Source{source}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = d.AppendData(buf[:0], sources...)
	}
}
