package iso8583

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUnpack: what can be read can be packed, and reads the same again. The
// bytes may differ once: hex digits become capitals, fill is made anew.
func FuzzUnpack(f *testing.F) {
	codecs := []*Codec{Standard(), binaryHost(f)}
	for i, c := range codecs {
		for _, test := range published {
			f.Add(i == 1, mustPack(f, c, test.message))
		}
	}
	f.Add(false, mustPack(f, codecs[0], everyField()))
	f.Fuzz(func(t *testing.T, second bool, wire []byte) {
		c := codecs[0]
		if second {
			c = codecs[1]
		}
		m, err := c.Unpack(wire)
		if m != nil {
			_ = m.String()
			_ = Validate(m)
			_ = Response(m, FormatError)
		}
		if err != nil {
			return
		}
		packed, err := c.Pack(m)
		require.NoError(t, err)
		empty := map[bool]int{false: 16, true: 8}[second] // a second bitmap without a bit is left off
		require.Contains(t, []int{0, empty}, len(wire)-len(packed), "nothing else is lost or added")
		again, err := c.Unpack(packed)
		require.NoError(t, err)
		require.Equal(t, m, again)
		fixed, err := c.Pack(again)
		require.NoError(t, err)
		require.Equal(t, packed, fixed)
	})
}

// FuzzNewCodec: a table that is accepted works for each of its fields, what it
// packs it reads again; any other is an error.
func FuzzNewCodec(f *testing.F) {
	f.Add([]byte(table(`"2": {"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"}`)))
	f.Add([]byte(table(`"35": {"type": "Track2", "length": 37, "enc": "LBCD", "prefix": "BCD.LL"}`)))
	f.Add([]byte(table(`"41": {"type": "String", "length": 8, "enc": "EBCDIC1047", "prefix": "Hex.Fixed", "padding": {"type": "Right", "pad": " "}}`)))
	f.Add([]byte(table(`"55": {"type": "Composite", "length": 255, "prefix": "ASCII.LLL", "tag": {"enc": "BerTLVTag"}, "subfields": {"9F10": {"enc": "Binary"}}}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := NewCodec("t.json", text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for number := 2; number < len(fields); number++ {
			for _, m := range []*Message{with(&Message{MTI: "0100"}, number), {MTI: "0100", Other: map[int]string{number: "0102030405060708"}}} {
				packed, err := c.Pack(m)
				if err != nil {
					continue
				}
				_, err = c.Unpack(packed)
				require.NoError(t, err)
			}
		}
	})
}
