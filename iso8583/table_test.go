package iso8583

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBinaryHost packs by the example table, against bytes written by hand.
func TestBinaryHost(t *testing.T) {
	c := binaryHost(t)
	require.Equal(t, BCD2Bytes, c.header)
	m := authorisation()
	m.Reserved62 = "01FF"
	packed := mustPack(t, c, m)
	require.Equal(t, strings.ToUpper(strings.Join([]string{
		"0100", "723C468028C08204",
		"16", "4761739001010119", "000000", "000000001250", "0101120000", "000001", "130000", "0101", "4912",
		"5812", "0071", "0001", "00",
		"33", "4761739001010119D4912201000000001F", // left justified, D between the parts, F behind
		hex.EncodeToString([]byte("000112000001TAPSIM01TAPSIM-MERCH-01")), "0978",
		"0034", iccData, "0002", "01FF",
	}, "")), fmt.Sprintf("%X", packed))
	back, err := c.Unpack(packed)
	require.NoError(t, err)
	require.Equal(t, m, back)
	requireTruncationsFail(t, c, packed)

	m.Other = map[int]string{120: "x"}
	_, err = c.Pack(m)
	require.EqualError(t, err, `field 120 (reserved 120): is not in the table "binary host: packed digits, binary bitmap, binary field 55"`)
}

// table wraps fields into a table with message type and bitmap.
func table(fields ...string) string {
	return `{"name": "t", "fields": {
"0": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"},
"1": {"type": "Bitmap", "enc": "HexToASCII", "prefix": "Hex.Fixed"},
` + strings.Join(fields, ",\n") + "}}"
}

func TestWaysToWriteAField(t *testing.T) {
	for name, test := range map[string]struct {
		field string
		m     Message
		wire  string // hex, behind message type and bitmap
	}{
		"chip data as hex digits, digits counted": {`"55": {"type": "String", "length": 510, "enc": "ASCII", "prefix": "ASCII.LLL"}`,
			Message{ICCData: []byte("\x9F\x10\x00")}, hex.EncodeToString([]byte("0069F1000"))},
		"chip data as a composite": {`"55": {"type": "Composite", "length": 255, "prefix": "ASCII.LLL", "tag": {"enc": "BerTLVTag", "sort": "StringsByHex"},
"subfields": {"9F10": {"type": "Binary", "enc": "Binary", "length": 32, "prefix": "BerTLV"}}}`,
			Message{ICCData: []byte("\x9F\x10\x00")}, "3030339f1000"},
		"processing code as a composite of text": {`"3": {"type": "Composite", "length": 6, "prefix": "ASCII.Fixed", "tag": {"sort": "StringsByInt"}, "subfields": {
"1": {"type": "String", "length": 2, "enc": "ASCII", "prefix": "ASCII.Fixed"}, "2": {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"}}}`,
			Message{ProcessingCode: "003000"}, hex.EncodeToString([]byte("003000"))},
		"EBCDIC":                   {`"41": {"type": "String", "length": 8, "enc": "EBCDIC", "prefix": "EBCDIC.Fixed"}`, Message{TerminalID: "TERM01"}, "e3c5d9d4f0f14040"},
		"EBCDIC with a length":     {`"44": {"type": "String", "length": 25, "enc": "EBCDIC1047", "prefix": "EBCDIC.LL"}`, Message{AdditionalResponse: "A1"}, "f0f2c1f1"},
		"a length in binary":       {`"2": {"type": "String", "length": 19, "enc": "ASCII", "prefix": "Binary.L"}`, Message{PAN: "476173"}, "06" + hex.EncodeToString([]byte("476173"))},
		"a length in hex":          {`"2": {"type": "String", "length": 19, "enc": "ASCII", "prefix": "Hex.L"}`, Message{PAN: "476173900101"}, hex.EncodeToString([]byte("0C476173900101"))},
		"an odd number of digits":  {`"2": {"type": "String", "length": 19, "enc": "LBCD", "prefix": "BCD.LL"}`, Message{PAN: "476"}, "034760"},
		"a right justified track":  {`"35": {"type": "Track2", "length": 37, "enc": "BCD", "prefix": "BCD.LL"}`, Message{Track2: "4761=4912"}, "0904761d4912"},
		"digits as binary":         {`"3": {"type": "Binary", "length": 3, "enc": "Binary", "prefix": "Binary.Fixed"}`, Message{ProcessingCode: "003000"}, "003000"},
		"text as binary":           {`"48": {"type": "Hex", "length": 99, "enc": "Binary", "prefix": "BCD.LL"}`, Message{PrivateData: "DEAD"}, "02dead"},
		"PIN block as hex digits":  {`"52": {"type": "String", "length": 8, "enc": "HexToASCII", "prefix": "Hex.Fixed"}`, Message{PINBlock: []byte("\x04\x12\x34\x56\x78\x9A\xBC\xDE")}, hex.EncodeToString([]byte("0412345678" + "9ABCDE"))},
		"an entry mode of four":    {`"22": {"type": "Numeric", "length": 4, "enc": "BCD", "prefix": "BCD.Fixed"}`, Message{EntryMode: "0710"}, "0710"},
		"an amount without zeros":  {`"4": {"type": "Numeric", "length": 12, "enc": "ASCII", "prefix": "ASCII.LL"}`, Message{Amount: minor(7)}, hex.EncodeToString([]byte("12000000000007"))},
		"filled with zeros":        {`"37": {"type": "String", "length": 12, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Left", "pad": "0"}}`, Message{RRN: "000000000007"}, hex.EncodeToString([]byte("000000000007"))},
		"a reference with a space": {`"38": {"type": "String", "length": 6, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Right", "pad": " "}}`, Message{AuthorisationCode: "A12"}, hex.EncodeToString([]byte("A12   "))},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewCodec("t.json", []byte(table(test.field)))
			require.NoError(t, err)
			test.m.MTI = "0100"
			packed := mustPack(t, c, &test.m)
			require.Equal(t, test.wire, hex.EncodeToString(packed[20:]))
			back, err := c.Unpack(packed)
			require.NoError(t, err)
			require.Equal(t, &test.m, back)
			requireTruncationsFail(t, c, packed)
		})
	}
}

func TestAnEmptySecondBitmap(t *testing.T) {
	m, err := Standard().Unpack([]byte("0800" + "80200000000000000000000000000000" + "000001"))
	require.NoError(t, err)
	require.Equal(t, "0800"+"0020000000000000"+"000001", string(mustPack(t, Standard(), m)))
}

func TestBothBitmapsAlways(t *testing.T) {
	text := strings.Replace(table(`"11": {"type": "String", "length": 6, "enc": "ASCII", "prefix": "ASCII.Fixed"}`,
		`"70": {"type": "String", "length": 3, "enc": "ASCII", "prefix": "ASCII.Fixed"}`), `"type": "Bitmap"`, `"type": "Bitmap", "length": 16`, 1)
	c, err := NewCodec("t.json", []byte(text))
	require.NoError(t, err)
	for _, m := range []*Message{{MTI: "0800", STAN: "000001"}, {MTI: "0800", STAN: "000001", NetworkCode: "301"}} {
		packed := mustPack(t, c, m)
		require.Equal(t, byte('0'), packed[4], "bit 1 is not set")
		back, err := c.Unpack(packed)
		require.NoError(t, err)
		require.Equal(t, m, back)
		requireTruncationsFail(t, c, packed)
	}
	_, err = c.Unpack([]byte("0800" + "80200000000000000000000000000000" + "000001"))
	require.EqualError(t, err, "field 1 (bitmap) at byte 20: announces a third bitmap, which is not supported")
}

func TestTablesThatAreRefused(t *testing.T) {
	field := func(s string) string { return table(`"2": ` + s) }
	for name, test := range map[string]struct{ table, want string }{
		"not JSON":            {"fields:\n", "t.json:1: not JSON: invalid character 'i' in literal false (expecting 'a')"},
		"nothing":             {"", "t.json:1: the file ends in the middle"},
		"cut short":           {`{"fields": {`, "t.json:1: not JSON: a closing brace or bracket is missing"},
		"two documents":       {"{}\n{}", "t.json:2: something follows the closing brace"},
		"a list":              {"[]", "t.json:1: want an object with the keys name, header, fields"},
		"too deep":            {strings.Repeat("[", 12), "t.json:1: nested too deep"},
		"no fields":           {"{\n}", `t.json:1: key "fields" is missing`},
		"empty fields":        {"{\n\"fields\": {}}", "t.json:2: field 0, the message type, is missing\nt.json:2: field 1, the bitmap, is missing"},
		"fields in a list":    {`{"fields": []}`, "t.json:1: want an object with a key for each field number"},
		"unknown key":         {strings.Replace(table(), `"name"`, `"nmae"`, 1), `t.json:1: unknown key "nmae", want one of name, header, fields`},
		"unknown header":      {strings.Replace(table(), `"name": "t"`, `"header": "VMLH"`, 1), "t.json:1: unknown header, want Binary2Bytes, ASCII4Bytes or BCD2Bytes"},
		"a name of digits":    {strings.Replace(table(), `"t"`, `7`, 1), "t.json:1: want a text in quotes"},
		"a field twice":       {table(`"0": {}`), `t.json:4: key "0" is there twice`},
		"field 129":           {table(`"129": {}`), `t.json:4: "129" is not a field number from 0 to 128`},
		"field 02":            {table(`"02": {}`), `t.json:4: "02" is not a field number from 0 to 128`},
		"field 65":            {table(`"65": {}`), "t.json:4: field 65 would announce a third bitmap, which is not supported"},
		"a field of text":     {field(`"n..19"`), "t.json:4: want an object with the keys type, length, description, enc, prefix, padding, tag, subfields, bitmap, disableAutoExpand"},
		"unknown field key":   {field(`{"type": "String", "length": 19, "enc": "ASCII",` + "\n" + `"prefx": "ASCII.LL"}`), "t.json:5: unknown key \"prefx\", want one of type, length, description, enc, prefix, padding, tag, subfields, bitmap, disableAutoExpand\nt.json:4: key \"prefix\" is missing"},
		"unknown type":        {field(`{"type": "Integer", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"}`), `t.json:4: unknown type "Integer", want String, Numeric, Binary, Hex, Composite, Track1, Track2 or Track3`},
		"unknown enc":         {field(`{"type": "String", "length": 19, "enc": "UTF8", "prefix": "ASCII.LL"}`), `t.json:4: unknown enc "UTF8", want one of ASCII, BCD, Binary, EBCDIC, EBCDIC1047, HexToASCII, LBCD`},
		"unknown prefix":      {field(`{"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LLLLL"}`), `t.json:4: unknown prefix "ASCII.LLLLL", want ASCII, BCD, Binary, EBCDIC, Hex with .Fixed or .L to .LLLL`},
		"everything left":     {field(`{"type": "String", "length": 19, "enc": "ASCII", "prefix": "None.Fixed"}`), `t.json:4: unknown prefix "None.Fixed", want ASCII, BCD, Binary, EBCDIC, Hex with .Fixed or .L to .LLLL`},
		"bytes in ASCII":      {field(`{"type": "Binary", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"}`), "t.json:4: type Binary needs enc Binary or HexToASCII"},
		"no length":           {field(`{"type": "String", "enc": "ASCII", "prefix": "ASCII.LL"}`), `t.json:4: key "length" is missing`},
		"length 0":            {field(`{"type": "String", "length": 0, "enc": "ASCII", "prefix": "ASCII.LL"}`), "t.json:4: a length is a whole number from 1 to 9999"},
		"half a length":       {field(`{"type": "String", "length": 1.5, "enc": "ASCII", "prefix": "ASCII.LL"}`), "t.json:4: a length is a whole number from 1 to 9999"},
		"fill without end":    {field(`{"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL", "padding": {"type": "Left", "pad": "0"}}`), "t.json:4: only text of fixed length can be filled"},
		"unknown fill":        {field(`{"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Middle", "pad": "0"}}`), `t.json:4: unknown padding type "Middle", want Left, Right or None`},
		"fill of two":         {field(`{"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Left", "pad": "00"}}`), "t.json:4: pad is one character"},
		"a long message type": {strings.Replace(table(), `"length": 4`, `"length": 5`, 1), "t.json:2: field 0, the message type, is not four digits"},
		"a bitmap of text":    {strings.Replace(table(), `"type": "Bitmap"`, `"type": "String"`, 1), "t.json:3: field 1 is not of type Bitmap"},
		"a bitmap in BCD":     {strings.Replace(table(), `"HexToASCII"`, `"BCD"`, 1), "t.json:3: a bitmap has enc Binary or HexToASCII"},
		"a short bitmap":      {strings.Replace(table(), `"type": "Bitmap"`, `"type": "Bitmap", "length": 4`, 1), "t.json:3: a bitmap has length 8 or 16"},
		"only one bitmap":     {strings.Replace(table(), `"type": "Bitmap"`, `"type": "Bitmap", "disableAutoExpand": true`, 1), "t.json:3: without a second bitmap there is no place for field 70 or 90"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(test.table, ",\n}}", "}}", 1)
			c, err := NewCodec("t.json", []byte(text))
			require.EqualError(t, err, test.want)
			require.Nil(t, c)
		})
	}
	_, err := NewCodec("t.json", make([]byte, maxTableSize+1))
	require.EqualError(t, err, fmt.Sprintf("t.json: %d bytes, at most %d are read", maxTableSize+1, maxTableSize))
}

func TestWhatIsSaidOfBadBytes(t *testing.T) {
	for name, test := range map[string]struct{ field, wire, want string }{
		"packed digits":    {`"11": {"type": "String", "length": 6, "enc": "BCD", "prefix": "BCD.Fixed"}`, "\x00\x00\x0A", "is not packed decimal digits"},
		"digits as binary": {`"11": {"type": "Binary", "length": 3, "enc": "Binary", "prefix": "Binary.Fixed"}`, "\x00\x00\x0A", "is not all digits"},
		"EBCDIC":           {`"11": {"type": "String", "length": 3, "enc": "EBCDIC", "prefix": "EBCDIC.Fixed"}`, "\xF0\xF1\xC1", "is not all digits"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewCodec("t.json", []byte(table(test.field)))
			require.NoError(t, err)
			require.Equal(t, "t", c.Name())
			_, err = c.Unpack([]byte("0100" + "0020000000000000" + test.wire))
			require.Equal(t, &FieldError{Field: 11, Offset: 20, Reason: test.want}, err)
		})
	}
	c, err := NewCodec("t.json", []byte(table(`"35": {"type": "Track2", "length": 37, "enc": "LBCD", "prefix": "BCD.LL"}`)))
	require.NoError(t, err)
	_, err = c.Unpack([]byte("0100" + "0000000020000000" + "\x04\x47\x6A"))
	require.EqualError(t, err, "field 35 (track 2) at byte 20: is not all digits and separators")
	_, err = c.Pack(&Message{MTI: "0100", Track2: "4761A"})
	require.EqualError(t, err, "field 35 (track 2): is not all digits and separators")
}
