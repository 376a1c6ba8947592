package emv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// ppse is an answer to SELECT PPSE with two applications.
const ppse = "6F4B840E325041592E5359532E4444463031A539BF0C36611C4F07A0000000041010500A4D617374657263617264870101" +
	"9F2A010261164F07A00000000310105004566973618701029F2A0103"

func TestParseGivesBackItsBytes(t *testing.T) {
	for _, c := range []string{
		"", "00", "0000", "9F0200", "9F0206000000001250", "820219808201FF",
		"5F2A020978", "BF0C00", "6F00", "8281020000", // a length not in its shortest form
		"770A8202198094040801010100009F360200010000", // padding inside and between
		"DF810600", "BF81FF7F00", "BF82800000",
		"9F27018000FF", "9F270180FFFF00", // fill at the end
		"7081059F36020001", ppse,
	} {
		data := unhex(t, c)
		tree, err := Parse(data)
		require.NoError(t, err, c)
		require.Equal(t, c, upperHex(tree.Append(nil)))
	}
}

func TestDamagedDataSayWhere(t *testing.T) {
	for data, want := range map[string]string{
		"9F":                                   "TLV data, byte 0: data end inside a tag",
		"9F02":                                 "TLV data, byte 2: data end before a length (tag 9F02)",
		"9F0206":                               "TLV data, byte 2: tag 9F02 says 6 bytes, 0 left",
		"820219":                               "TLV data, byte 1: tag 82 says 2 bytes, 1 left",
		"70039F3602":                           "TLV data, byte 4: tag 9F36 says 2 bytes, 0 left",
		"70800000":                             "TLV data, byte 1: indefinite length, which EMV forbids (tag 70)",
		"8283000001AA":                         "TLV data, byte 1: length byte 83: EMV lengths have at most 3 bytes (tag 82)",
		"82820100":                             "TLV data, byte 1: tag 82 says 256 bytes, 0 left",
		"8281":                                 "TLV data, byte 1: data end inside a length (tag 82)",
		"9F8181818100":                         "TLV data, byte 0: tag longer than 4 bytes",
		"8200FF82":                             "TLV data, byte 2: data end inside a tag",
		"70067004720282":                       "TLV data, byte 1: tag 70 says 6 bytes, 5 left",
		"7010700E700C700A70087006700470027000": "TLV data, byte 16: objects nest deeper than 8 levels",
	} {
		_, err := Parse(unhex(t, data))
		require.EqualError(t, err, want, data)
		var damage *TLVError
		require.ErrorAs(t, err, &damage)
	}
}

// Cut anywhere but between objects, TLV data must not parse.
func TestTruncatedDataFail(t *testing.T) {
	whole := unhex(t, ppse)
	for n := 1; n < len(whole); n++ {
		_, err := Parse(whole[:n])
		require.Error(t, err, n)
	}
	record := unhex(t, "9F360200015F3401009F2608FFFFFFFFFFFFFF01")
	for n := 1; n < len(record); n++ {
		_, err := ParseList(record[:n])
		if n == 5 || n == 9 {
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, n)
	}
}

func TestScannerOffsetsAndPadding(t *testing.T) {
	s := Scan(unhex(t, "00009C010000009F3704010203040000"))
	require.True(t, s.Next())
	require.Equal(t, Object{Tag: TagTransactionType, Offset: 2, Header: []byte{0x9C, 1}, Value: []byte{0}}, s.Object())
	require.Len(t, s.Padding(), 2)
	require.True(t, s.Next())
	require.Equal(t, 7, s.Object().Offset)
	require.Equal(t, []byte{1, 2, 3, 4}, s.Value())
	require.False(t, s.Next())
	require.Len(t, s.Padding(), 2)
	require.NoError(t, s.Err())
	require.False(t, s.Next())
}

func TestFind(t *testing.T) {
	data := unhex(t, ppse)
	aid, found := Find(data, TagFCI, TagFCIProprietary, TagFCIDiscretionary, TagApplicationTemplate, TagADFName)
	require.True(t, found)
	require.Equal(t, "A0000000041010", upperHex(aid))
	_, found = Find(data, TagFCI, TagADFName)
	require.False(t, found)
	_, found = Find(unhex(t, "9F36"), TagATC)
	require.False(t, found)
}

func TestListKeepsOrderAndDuplicates(t *testing.T) {
	l, err := ParseList(unhex(t, "9A032212159C01009A03300101"))
	require.NoError(t, err)
	require.Len(t, l, 3)
	v, found := l.Lookup(TagTransactionDate)
	require.True(t, found)
	require.Equal(t, "221215", upperHex(v))
	l.Set(TagTransactionDate, []byte{0x31, 1, 1})
	l.Set(TagATC, []byte{0, 1})
	require.Equal(t, "9A033101019C01009A033001019F36020001", upperHex(l.Append(nil)))
}

func TestLengthForms(t *testing.T) {
	require.Equal(t, "7F", upperHex(AppendLength(nil, 127)))
	require.Equal(t, "8180", upperHex(AppendLength(nil, 128)))
	require.Equal(t, "82FFFF", upperHex(AppendLength(nil, 65535)))
	require.Panics(t, func() { AppendLength(nil, 65536) })
}

func TestParseTagRefuses(t *testing.T) {
	for _, s := range []string{"", "9", "9F", "9F0201", "00", "zz", "9F81", "8200", "9F8181818101"} {
		_, err := ParseTag(s)
		require.Error(t, err, s)
	}
	require.Equal(t, "9F02", Tag(0x9F02).String())
	require.True(t, Tag(0xBF0C).Constructed())
	require.False(t, Tag(0x9F8102).Constructed())
	require.Equal(t, "DF8129", upperHex(Tag(0xDF8129).Append(nil)))
}

func BenchmarkParsePPSE(b *testing.B) {
	data := unhex(b, ppse)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if n := countObjects(data); n != 14 {
			b.Fatal(n)
		}
	}
}

// countObjects walks all levels the way that a kernel does.
func countObjects(data []byte) int {
	n := 0
	for s := Scan(data); s.Next(); {
		n++
		if s.Tag().Constructed() {
			n += countObjects(s.Value())
		}
	}
	return n
}

func TestCoded(t *testing.T) {
	c := Coded(unhex(t, "9F3602000182023900"))
	v, ok := c.Lookup(TagAIP)
	require.True(t, ok)
	require.Equal(t, unhex(t, "3900"), v)
	_, ok = c.Lookup(TagTVR)
	require.False(t, ok)
	_, ok = c[:len(c)-1].Lookup(TagAIP)
	require.False(t, ok, "cut off")
}

func TestParsePPSEAllocatesNothing(t *testing.T) {
	data := unhex(t, ppse)
	require.Zero(t, testing.AllocsPerRun(100, func() { countObjects(data) }))
}

func BenchmarkParseTree(b *testing.B) {
	data := unhex(b, ppse)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
