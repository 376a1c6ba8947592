package iso8583

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	moov "github.com/moov-io/iso8583"
	moovfield "github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"
	"github.com/stretchr/testify/require"
)

func minor(v int64) *int64 { return &v }

// iccData is EMV data with what a TLV library would spoil: an empty object, a
// repeated one, tags out of order, and zeros behind the last object.
const iccData = "9F2608" + "0102030405060708" + "9F1000" + "95050000000000" + "82020040" + "95058000000000" + "0000"

func unhexed(digits string) []byte {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return raw
}

// authorisation has the fields of the published 0100.
func authorisation() *Message {
	return &Message{
		MTI: AuthorisationRequest, PAN: "4761739001010119", ProcessingCode: "000000", Amount: minor(1250),
		TransmissionTime: "0101120000", STAN: "000001", LocalTime: "130000", LocalDate: "0101", Expiry: "4912",
		MerchantCategory: "5812", EntryMode: "071", PANSequence: "001", ConditionCode: "00",
		Track2: "4761739001010119=4912201000000001", RRN: "000112000001", TerminalID: "TAPSIM01",
		MerchantID: "TAPSIM-MERCH-01", Currency: "978", ICCData: unhexed(iccData),
	}
}

func answer() *Message {
	m := Response(authorisation(), Approved)
	m.AuthorisationCode, m.ICCData = "A1B2C3", unhexed("910A11223344556677880012")
	return m
}

func reversal() *Message {
	m := Reversal(authorisation(), Stamp{STAN: 2, Time: noon}, "68")
	m.AuthorisationCode = "A1B2C3"
	return m
}

// published are whole messages, written down field by field, with bitmaps that
// were computed elsewhere from the lists of their fields.
var published = []struct {
	name    string
	message *Message
	bitmap  string
	fields  []string
}{
	{"0100 with 2 3 4 7 11-14 18 22 23 25 35 37 41 42 49 55", authorisation(), "723C468028C08200", []string{
		"16", "4761739001010119", "000000", "000000001250", "0101120000", "000001", "130000", "0101", "4912", "5812", "071", "001",
		"00", "33", "4761739001010119=4912201000000001", "000112000001", "TAPSIM01", "TAPSIM-MERCH-01", "978", "034", iccData}},
	{"0110 with 2 3 4 7 11 12 13 37 38 39 41 42 49 55", answer(), "723800000EC08200", []string{
		"16", "4761739001010119", "000000", "000000001250", "0101120000", "000001", "130000", "0101", "000112000001", "A1B2C3", "00",
		"TAPSIM01", "TAPSIM-MERCH-01", "978", "012", "910A11223344556677880012"}},
	{"0400 with those of 0100 and 38 39 90", reversal(), "F23C46802EC082000000004000000000", []string{
		"16", "4761739001010119", "000000", "000000001250", "0101120000", "000002", "130000", "0101", "4912", "5812", "071", "001",
		"00", "33", "4761739001010119=4912201000000001", "000112000001", "A1B2C3", "68", "TAPSIM01", "TAPSIM-MERCH-01", "978",
		"034", iccData, "010000000101011200000000000000000000000000"}},
	{"0800 with 7 11 70", NetworkManagement(EchoTest, Stamp{STAN: 3, Time: noon}), "82200000000000000400000000000000", []string{
		"0101120000", "000003", "301"}},
}

func TestPublishedMessages(t *testing.T) {
	c := Standard()
	for _, test := range published {
		t.Run(test.name, func(t *testing.T) {
			wire := test.name[:4] + test.bitmap + strings.Join(test.fields, "")
			packed, err := c.Pack(test.message)
			require.NoError(t, err)
			require.Equal(t, wire, string(packed))
			back, err := c.Unpack(packed)
			require.NoError(t, err)
			require.Equal(t, test.message, back)
			requireTruncationsFail(t, c, packed)
		})
	}
}

// requireTruncationsFail checks every beginning of a message: an error that
// names a field, and never a message that looks whole.
func requireTruncationsFail(t *testing.T, c *Codec, packed []byte) {
	t.Helper()
	for end := range packed {
		_, err := c.Unpack(packed[:end])
		var field *FieldError
		require.ErrorAs(t, err, &field, "cut at %d", end)
		require.LessOrEqual(t, field.Offset, end)
	}
}

// TestTheLibraryAgrees holds the codec against the library's own messages,
// built from the same table: both read and write the same bytes.
func TestTheLibraryAgrees(t *testing.T) {
	for _, c := range []*Codec{Standard(), binaryHost(t)} {
		spec := librarySpec(c)
		for _, test := range published {
			packed, err := c.Pack(test.message)
			require.NoError(t, err)
			theirs := moov.NewMessage(spec)
			require.NoError(t, theirs.Unpack(packed), test.name)
			again, err := theirs.Pack()
			require.NoError(t, err)
			require.Equal(t, packed, again)
			for number, value := range map[int]string{2: test.message.PAN, 11: test.message.STAN, 55: fmt.Sprintf("%X", test.message.ICCData),
				70: test.message.NetworkCode, 90: test.message.OriginalData} {
				got, err := theirs.GetString(number)
				require.NoError(t, err)
				require.Equal(t, value, got, "%s: field %d", test.name, number)
			}
		}
	}
}

// librarySpec is the codec's table as a specification of the library.
func librarySpec(c *Codec) *moov.MessageSpec {
	spec := &moov.MessageSpec{Fields: map[int]moovfield.Field{
		1: moovfield.NewBitmap(&moovfield.Spec{Length: 8, Enc: c.bitmap.enc, Pref: prefix.ASCII.Fixed}),
	}}
	for number, e := range c.elements {
		if e == nil {
			continue
		}
		row := &moovfield.Spec{Length: e.length, Enc: e.enc, Pref: e.prefix}
		if e.prefix == nil {
			row.Pref = prefix.ASCII.Fixed
		}
		if e.trim {
			row.Pad = e.pad
		}
		if e.bytes {
			spec.Fields[number] = moovfield.NewBinary(row)
		} else {
			spec.Fields[number] = moovfield.NewString(row)
		}
	}
	return spec
}

// everyField is a message with each field that a message can have, with values
// as long as the table allows.
func everyField() *Message {
	var in contents
	for number := range fields {
		if number < 2 || number == 64 || fields[number].name == "" {
			continue
		}
		length := fields[number].length
		value := map[class]string{
			numeric: strings.Repeat("7", length), alphanumeric: strings.Repeat("A", length), special: strings.Repeat("~", length),
			binary: strings.Repeat("\x00", length), track: strings.Repeat("=", length), signed: "D" + strings.Repeat("7", length-1),
		}[fields[number].class]
		in.put(number, value, fields[number].class == binary)
	}
	m := &Message{MTI: "0100"}
	in.spread(m)
	return m
}

func TestEveryFieldMakesTheJourney(t *testing.T) {
	m := everyField()
	require.Equal(t, 80, len(m.Other), "fields without a name")
	packed, err := Standard().Pack(m)
	require.NoError(t, err)
	require.Equal(t, "FFFFFFFFFFFFFFFE7FFFFFFFFFFFFFFF", string(packed[4:36]))
	back, err := Standard().Unpack(packed)
	require.NoError(t, err)
	require.Equal(t, m, back)
	require.Equal(t, m, m.Clone())
}

func TestCloneSharesNothing(t *testing.T) {
	m := everyField()
	c := m.Clone()
	*c.Amount, *c.BillingAmount, c.ICCData[0], c.PINBlock[0], c.MAC[0], c.Other[5] = 1, 1, 1, 1, 1, "x"
	require.Equal(t, everyField(), m)
}

func TestPlaceOfTheMAC(t *testing.T) {
	c, mac := Standard(), []byte("\x01\x02\x03\x04\x05\x06\x07\x08")
	for name, test := range map[string]struct {
		fields string // behind the message type
		want   *Message
	}{
		"one bitmap":                    {"0020000000000001" + "000001" + "0102030405060708", &Message{STAN: "000001", MAC: mac}},
		"two bitmaps":                   {"80200000000000000400000000000001" + "000001" + "301" + "0102030405060708", &Message{STAN: "000001", NetworkCode: "301", MAC: mac}},
		"64 in spite of two bitmaps":    {"80200000000000010400000000000000" + "000001" + "0102030405060708" + "301", &Message{STAN: "000001", NetworkCode: "301", Other: map[int]string{64: "0102030405060708"}}},
		"128 alone in the second":       {"80200000000000000000000000000001" + "000001" + "0102030405060708", &Message{STAN: "000001", Other: map[int]string{128: "0102030405060708"}}},
		"both":                          {"80200000000000010000000000000001" + "000001" + "0102030405060708" + "FFFFFFFFFFFFFFFF", &Message{STAN: "000001", MAC: mac, Other: map[int]string{128: "FFFFFFFFFFFFFFFF"}}},
		"both, with a field in between": {"80200000000000010400000000000001" + "000001" + "0000000000000000" + "301" + "0102030405060708", &Message{STAN: "000001", NetworkCode: "301", MAC: mac, Other: map[int]string{64: "0000000000000000"}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.MTI = "0800"
			m, err := c.Unpack([]byte("0800" + test.fields))
			require.NoError(t, err)
			require.Equal(t, test.want, m)
			packed, err := c.Pack(m)
			require.NoError(t, err)
			require.Equal(t, "0800"+test.fields, string(packed))
		})
	}
}

func TestEmptyFieldsAreKept(t *testing.T) {
	wire := "0100" + "2000000000100200" + "000000" + "00" + "000"
	m, err := Standard().Unpack([]byte(wire))
	require.NoError(t, err)
	require.Equal(t, &Message{MTI: "0100", ProcessingCode: "000000", Other: map[int]string{44: ""}, ICCData: []byte{}}, m)
	packed, err := Standard().Pack(m)
	require.NoError(t, err)
	require.Equal(t, wire, string(packed))
}

func TestSpacesAtTheEndAreFill(t *testing.T) {
	m := &Message{MTI: "0100", TerminalID: "T1", MerchantName: "SHOP"}
	packed, err := Standard().Pack(m)
	require.NoError(t, err)
	require.Equal(t, "0100"+"0000000000A00000"+"T1      "+"SHOP"+strings.Repeat(" ", 36), string(packed))
	back, err := Standard().Unpack(packed)
	require.NoError(t, err)
	require.Equal(t, m, back)

	blank, err := Standard().Unpack([]byte("0100" + "0000000000800000" + "        "))
	require.NoError(t, err)
	require.Equal(t, "        ", blank.TerminalID, "a field of nothing but spaces is there")
}

func TestPackRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Message)
		field  int
		reason string
	}{
		"no message type":       {func(m *Message) { m.MTI = "" }, 0, "has 0 digits, want exactly 4"},
		"message type of words": {func(m *Message) { m.MTI = "echo" }, 0, "is not all digits"},
		"letters in a number":   {func(m *Message) { m.STAN = "00000A" }, 11, "is not all digits"},
		"a short number":        {func(m *Message) { m.STAN = "1" }, 11, "has 1 digit, want exactly 6"},
		"a long number":         {func(m *Message) { m.PAN = strings.Repeat("4", 20) }, 2, "has 20 digits, at most 19 fit"},
		"a negative amount":     {func(m *Message) { m.Amount = minor(-1) }, 4, "is negative; the sign of a payment is its processing code"},
		"too much money":        {func(m *Message) { m.Amount = minor(1e12) }, 4, "has 13 digits, want exactly 12"},
		"a track of letters":    {func(m *Message) { m.Track2 = "4761739001010119E4912" }, 35, "is not all digits and separators"},
		"a long terminal":       {func(m *Message) { m.TerminalID = "TERMINAL1" }, 41, "has 9 characters, want exactly 8"},
		"a character of 8 bits": {func(m *Message) { m.MerchantName = "CAF\xC9" }, 43, "holds a character above 7 bits"},
		"a dash in a code":      {func(m *Message) { m.AuthorisationCode = "A-1234" }, 38, "is not all letters and digits"},
		"too much chip data":    {func(m *Message) { m.ICCData = make([]byte, 256) }, 55, "has 256 bytes, at most 255 fit"},
		"a long PIN block":      {func(m *Message) { m.PINBlock = make([]byte, 16) }, 52, "has 16 bytes, want exactly 8"},
		"a fee without a sign":  {func(m *Message) { m.Other = map[int]string{28: "000000100"} }, 28, "does not start with C or D"},
		"half a byte":           {func(m *Message) { m.Other = map[int]string{96: "012"} }, 96, "is not whole bytes of hex digits"},
		"the bitmap":            {func(m *Message) { m.Other = map[int]string{1: "00"} }, 1, "is not a field that a message can carry by number"},
		"a third bitmap":        {func(m *Message) { m.Other = map[int]string{65: "00"} }, 65, "is not a field that a message can carry by number"},
		"field 129":             {func(m *Message) { m.Other = map[int]string{129: "1"} }, 129, "is not a field that a message can carry by number"},
		"a field twice":         {func(m *Message) { m.Other = map[int]string{2: "4"} }, 2, "is there twice, by name and by number"},
		"a MAC twice":           {func(m *Message) { m.MAC, m.Other = make([]byte, 8), map[int]string{64: "00"} }, 64, "is there twice, by name and by number"},
	} {
		t.Run(name, func(t *testing.T) {
			m := authorisation()
			test.change(m)
			out, err := Standard().Append([]byte("kept"), m)
			require.Equal(t, &FieldError{Field: test.field, Offset: -1, Reason: test.reason}, err)
			require.Equal(t, "kept", string(out))
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		wire   string
		field  int
		offset int
		reason string
	}{
		"nothing":                 {"", 0, 0, "is cut short: needs 4 bytes, 0 are left"},
		"message type of words":   {"ECHO0020000000000000000001", 0, 0, "is not all digits"},
		"half a bitmap":           {"010000200000", 1, 4, "is cut short"},
		"a bitmap of words":       {"0100ABCDEFGHIJKLMNOP", 1, 4, "is not hex digits"},
		"no second bitmap":        {"01008020000000000000", 1, 20, "is cut short"},
		"a third bitmap":          {"0100800000000000000080000000000000000", 65, 36, "announces a third bitmap, which is not supported"},
		"a word for a number":     {"01000020000000000000ABCDEF", 11, 20, "is not all digits"},
		"no length":               {"01004000000000000000", 2, 20, "has no length of up to 19 in front"},
		"a length too long":       {"0100400000000000000020" + strings.Repeat("4", 20), 2, 20, "has no length of up to 19 in front"},
		"a length with a sign":    {"01004000000000000000+14", 2, 20, "has a length in front that is not all digits"},
		"a negative length":       {"01004000000000000000-14", 2, 20, "has no length of up to 19 in front"},
		"a length that lies":      {"01004000000000000000164761", 2, 20, "is cut short: needs 16 bytes, 4 are left"},
		"chip data of words":      {"01000000000000000200002WXYZ", 55, 20, "is not hex digits"},
		"a character of 8 bits":   {"0100000000000010000004CAF\xC9", 44, 20, "holds a character above 7 bits"},
		"bytes behind the fields": {"01000020000000000000000001x", 1, 26, "announces no field for the bytes that are left"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Standard().Unpack([]byte(test.wire))
			require.Equal(t, &FieldError{Field: test.field, Offset: test.offset, Reason: test.reason}, err)
		})
	}
}

// TestABadValueDoesNotHideTheRest is what a format-error answer lives on: the
// trace number stands behind the field that is wrong.
func TestABadValueDoesNotHideTheRest(t *testing.T) {
	wire := strings.Replace(string(mustPack(t, Standard(), authorisation())), "164761739001010119", "16476173900101011X", 1)
	m, err := Standard().Unpack([]byte(wire))
	require.EqualError(t, err, "field 2 (primary account number) at byte 20: is not all digits")
	want := authorisation()
	want.PAN = ""
	require.Equal(t, want, m)

	m, err = Standard().Unpack([]byte(wire[:120]))
	require.Error(t, err, "the first thing that is wrong is told")
	require.Equal(t, "000001", m.STAN)
}

// TestErrorsQuoteNothing breaks a message in every place and looks for digits
// in what is said about it: no part of the message is in there.
func TestErrorsQuoteNothing(t *testing.T) {
	digits := regexp.MustCompile(`[0-9]{4,}`)
	for _, c := range []*Codec{Standard(), binaryHost(t)} {
		packed := mustPack(t, c, reversal())
		for at := range packed {
			for _, flip := range []byte{0x01, 0x10, 0x40, 0xFF} {
				broken := append([]byte(nil), packed...)
				broken[at] ^= flip
				if _, err := c.Unpack(broken); err != nil {
					require.NotRegexp(t, digits, err.Error())
					for e := err; e != nil; e = errors.Unwrap(e) {
						require.IsType(t, &FieldError{}, e, "nothing of the library's hides inside")
					}
				}
			}
		}
	}
}

func mustPack(t testing.TB, c *Codec, m *Message) []byte {
	t.Helper()
	packed, err := c.Pack(m)
	require.NoError(t, err)
	return packed
}

func binaryHost(t testing.TB) *Codec {
	t.Helper()
	table, err := os.ReadFile("../testdata/iso8583/binary-host.json")
	require.NoError(t, err)
	c, err := NewCodec("binary-host.json", table)
	require.NoError(t, err)
	return c
}

// TestWiresharkTable: the table for captures is the standard one, but for the
// length of field 55, which counts digits.
func TestWiresharkTable(t *testing.T) {
	table, err := os.ReadFile("../testdata/iso8583/wireshark.json")
	require.NoError(t, err)
	c, err := NewCodec("wireshark.json", table)
	require.NoError(t, err)
	m := authorisation()
	packed := string(mustPack(t, c, m))
	standard := string(mustPack(t, Standard(), m))
	digits := fmt.Sprintf("%X", m.ICCData)
	require.Equal(t, strings.Replace(standard, fmt.Sprintf("%03d", len(m.ICCData))+digits, fmt.Sprintf("%03d", len(digits))+digits, 1), packed)
	back, err := c.Unpack([]byte(packed))
	require.NoError(t, err)
	require.Equal(t, m, back)
}
