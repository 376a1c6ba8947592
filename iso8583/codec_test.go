package iso8583

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func ptr(v int64) *int64 { return &v }

// iccData is EMV data with what a TLV library would spoil: an empty object, a
// repeated one, tags out of order, and zeros behind the last object.
var iccData = []byte("\x9F\x26\x08\x01\x02\x03\x04\x05\x06\x07\x08\x9F\x10\x00\x95\x05\x00\x00\x00\x00\x00\x82\x02\x00\x40\x95\x05\x80\x00\x00\x00\x00\x00\x00")

// authorisation has the fields of the published 0100: 2 3 4 7 11-14 18 22 23
// 25 35 37 41 42 49 55.
func authorisation() *Message {
	return &Message{
		MTI: AuthorisationRequest, PAN: "4761739001010119", ProcessingCode: "000000", Amount: ptr(1250),
		TransmissionTime: "0101120000", STAN: "000001", LocalTime: "120000", LocalDate: "0101", Expiry: "4912",
		MerchantCategory: "5812", EntryMode: "071", PANSequence: "001", ConditionCode: "00",
		Track2: "4761739001010119=4912201000000001", RRN: "000112000001", TerminalID: "TAPSIM01",
		MerchantID: "TAPSIM-MERCH-01", Currency: "978", ICCData: iccData,
	}
}

// authorisationOnTheWire is authorisation by hand.
const authorisationOnTheWire = "0100" + "723C468028C08200" +
	"16" + "4761739001010119" + "000000" + "000000001250" + "0101120000" + "000001" + "120000" + "0101" + "4912" +
	"5812" + "071" + "001" + "00" + "33" + "4761739001010119=4912201000000001" + "000112000001" +
	"TAPSIM01" + "TAPSIM-MERCH-01" + "978" +
	"034" + "9F260801020304050607089F100095050000000000820200409505800000000000" + "00"

func TestPackAndUnpack(t *testing.T) {
	c := Standard()
	packed, err := c.Pack(authorisation())
	require.NoError(t, err)
	require.Equal(t, authorisationOnTheWire, string(packed))
	back, err := c.Unpack(packed)
	require.NoError(t, err)
	require.Equal(t, authorisation(), back)
}

func BenchmarkPack(b *testing.B) {
	c, m := Standard(), authorisation()
	m.ICCData = append(m.ICCData, make([]byte, 96)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Pack(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	c, m := Standard(), authorisation()
	m.ICCData = append(m.ICCData, make([]byte, 96)...)
	packed, err := c.Pack(m)
	require.NoError(b, err)
	b.SetBytes(int64(len(packed)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
