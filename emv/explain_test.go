package emv

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainPPSE(t *testing.T) {
	items, err := Explain(unhex(t, ppse), Context{}, false)
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.Equal(t, "FCI template", items[0].Name)
	require.Equal(t, "PPSE, the contactless directory", items[0].Children[0].Text)
	directory := items[0].Children[1].Children[0]
	require.Equal(t, "FCI issuer discretionary data", directory.Name)
	require.Len(t, directory.Children, 2)
	entry := directory.Children[1].Children
	require.Equal(t, Item{Tag: "4F", Name: "ADF name (AID)", Offset: 55, Length: 7, Value: "A0000000031010", Text: "Visa credit or debit", Known: true}, entry[0])
	require.Equal(t, `"Visa"`, entry[1].Text)
	require.Equal(t, "priority 2", entry[2].Text)
	require.Equal(t, "kernel 3", entry[3].Text)
}

// A Visa answer to GET PROCESSING OPTIONS with every kind of value that it may
// hold; the scheme comes from the caller.
func TestExplainVisaAnswer(t *testing.T) {
	data := unhex(t, "7747820200005713 4761739001010119D31122010000000000000F 5F340101 9F100706011203A00000 9F260827552E9226B3CC95"+
		"9F270180 9F36020001 9F6C020080 9F6E04238E0000")
	items, err := Explain(data, Context{Scheme: SchemeVisa}, false)
	require.NoError(t, err)
	got := map[string]Item{}
	for _, i := range items[0].Children {
		got[i.Tag] = i
	}
	require.Equal(t, "476173******0119D*********************", got["57"].Value)
	require.Equal(t, "476173******0119=****", got["57"].Text)
	require.True(t, got["57"].Masked)
	require.Equal(t, "no bit set", got["82"].Text)
	require.Equal(t, "Visa format 1, cryptogram version 12 hex (CVN 18), key index 01", got["9F10"].Text)
	require.Equal(t, "ARQC, an online authorisation is asked for", got["9F27"].Text)
	require.Empty(t, got["9F27"].Details)
	require.Equal(t, "1", got["9F36"].Text)
	require.Equal(t, []string{"byte 2 bit 8: consumer device CVM performed"}, got["9F6C"].Details)
	require.Equal(t, []string{
		"byte 1 bits 8-6 = 001: version 1", "byte 1 bits 5-1 = 00011: form factor mobile phone", "byte 2 bit 8: passcode capable",
		"byte 2 bit 4: two-way messaging", "byte 2 bit 3: cloud based credentials", "byte 2 bit 2: biometric capable", "byte 4 bits 4-1 = 0000: technology contactless ISO 14443",
	}, got["9F6E"].Details)

	open, err := Explain(data, Context{Scheme: SchemeVisa}, true)
	require.NoError(t, err)
	require.Equal(t, "4761739001010119D31122010000000000000F", open[0].Children[1].Value)
	require.Equal(t, "account number 4761739001010119, expiry 3112 (YYMM), service code 201, discretionary data 0000000000000", open[0].Children[1].Text)
}

// The scheme may stand in the data: beside, or above.
func TestExplainFindsTheScheme(t *testing.T) {
	for data, want := range map[string]string{
		"8407A00000000410109F6E0702800000303000": "Third party data",
		"8407A00000000310109F6E04238C0000":       "Form factor indicator (FFI)",
		"9F6E04238C0000":                         "Form factor indicator (FFI) (kernel 3)",
		"9F6E049CD04003":                         "Enhanced contactless reader capabilities (kernel 4)",
	} {
		items, err := Explain(unhex(t, data), Context{}, false)
		require.NoError(t, err)
		require.Equal(t, want, items[len(items)-1].Name, data)
	}
	items, err := Explain(unhex(t, "6F148407A0000000041010A509BF0C069F5D03010300"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "Application capabilities information (ACI)", items[0].Children[1].Children[0].Children[0].Name)
}

func TestExplainQRCode(t *testing.T) {
	// a consumer presented code begins with CPV01; then 61 is its own template
	items, err := Explain(unhex(t, "85054350563031 61134F07A0000000031010 57084761739001010119"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, `"CPV01"`, items[0].Text)
	require.Equal(t, "consumer device", func() string { e, _ := lookup(0x61, Context{}, -1, true); return e.Origin }())
	require.Equal(t, "****************", items[1].Children[1].Value, "a track 2 that ends early shows nothing")
}

func TestExplainValues(t *testing.T) {
	visa, mastercard, amex, other := Context{Scheme: SchemeVisa}, Context{Scheme: SchemeMastercard}, Context{Scheme: SchemeAmex}, Context{Other: true}
	for _, c := range []struct {
		tag     Tag
		value   string
		ctx     Context
		text    string
		details string // joined with |
	}{
		{0x9A, "300101", Context{}, "2030-01-01", ""},
		{0x9A, "301301", Context{}, "date 301301: the calendar has no such day", ""},
		{0x9F21, "235959", Context{}, "23:59:59", ""},
		{0x9F21, "246000", Context{}, "24:60:00, no time of the day", ""},
		{0x5F2A, "0978", Context{}, "EUR, Euro", ""},
		{0x5F2A, "0123", Context{}, "123, no currency of ISO 4217", ""},
		{0x5F55, "5553", Context{}, "United States", ""},
		{0x5F55, "5A5A", Context{}, `"ZZ"`, ""},
		{0x9F1A, "0276", Context{}, "DE, Germany", ""},
		{0x5F28, "0999", Context{}, "999, no country of ISO 3166", ""},
		{0x9F02, "000000001250", Context{}, "1250 in minor units", ""},
		{0x9F02, "00000000125A", Context{}, "not decimal digits", ""},
		{0x9C, "20", Context{}, "refund", ""},
		{0x8A, "5931", Context{}, `"Y1" offline approved`, ""},
		{0x8A, "3035", Context{}, `"05" response code of the issuer`, ""},
		{0x9F35, "22", Context{}, "merchant, attended, offline with online capability", ""},
		{0x9F34, "1F0302", Context{}, "no CVM required, if the terminal supports it: successful", ""},
		{0x94, "10020401", Context{}, "3 records to read", "SFI 2, records 2 to 4, the first signed"},
		{0x94, "080101001001030210020302", Context{}, "6 records to read", "SFI 1, record 1, not signed|SFI 2, records 1 to 3, the first 2 signed|SFI 2, records 2 to 3, signed"},
		{0x94, "100204", Context{}, "damaged: TLV data, byte 0: AFL of 3 bytes is no multiple of 4", ""},
		{0x95, "0000008000", Context{}, "", "byte 4 bit 8: over floor limit"},
		{0x95, "0000000000", Context{}, "no bit set", ""},
		{0x9B, "E800", Context{}, "", "byte 1 bit 8: ODA performed|byte 1 bit 7: cardholder verification performed|byte 1 bit 6: card risk management performed|byte 1 bit 4: terminal risk management performed"},
		{0x9F33, "E0F8C8", Context{}, "", "byte 1 bit 8: manual entry|byte 1 bit 7: magnetic stripe|byte 1 bit 6: IC with contacts|byte 2 bit 8: plaintext offline PIN|" +
			"byte 2 bit 7: enciphered online PIN|byte 2 bit 6: signature|byte 2 bit 5: enciphered offline PIN (RSA)|byte 2 bit 4: no CVM required|byte 3 bit 8: SDA|byte 3 bit 7: DDA|byte 3 bit 4: CDA"},
		{0x9F0E, "0010000000", Context{}, "", "byte 2 bit 5: service not allowed"},
		{0x8E, "00002710000000005F060200", Context{}, "2 rules", "X = 10000 in minor units of the application currency|" +
			"5F06 no CVM required, if in the application currency and under X; otherwise the next rule|0200 enciphered PIN checked online, always; otherwise fail"},
		{0x9F38, "9F66049F0206", visa, "asks for 2 objects, 10 bytes", "9F66 Terminal transaction qualifiers (TTQ), 4 bytes|9F02 Amount authorised, numeric, 6 bytes"},
		{0x9F38, "9F6604DF7E01", visa, "asks for 2 objects, 5 bytes", "9F66 Terminal transaction qualifiers (TTQ), 4 bytes|DF7E unknown tag, 1 byte"},
		{0x9F38, "9F6604DF", visa, "damaged: TLV data, byte 3: data object list: data end inside a tag", ""},
		{0x9F69, "9F6A04", mastercard, "asks for 1 object, 4 bytes", "9F6A Unpredictable number, numeric, 4 bytes"},
		{0x9F69, "01ABCDEF123800", visa, "", "byte 1 = 01: fDDA version 01|bytes 2-5 = ABCDEF12: card unpredictable number|bytes 6-7 = 3800: copy of CTQ"},
		{0x9F4A, "82", Context{}, "", "82 Application interchange profile (AIP)"},
		{0x9F6E, "08400000313400", mastercard, "", "country US, United States|unique identifier 0000|device type 3134, phone, cloud based|proprietary data 00"},
		{0x9F6E, "05280003323100010108400000", mastercard, "", "country NL, Netherlands|unique identifier 0003|device type 3231|proprietary data 00010108400000"},
		{0x9F6E, "0276800001", mastercard, "", "country DE, Germany|unique identifier 8000|proprietary data 01"},
		{0x9F5A, "3109780276", visa, "programme type 31", "currency EUR, Euro|country DE, Germany"},
		{0x9F2A, "03", Context{}, "kernel 3", ""},
		{0x9F2A, "00", Context{}, "any kernel", ""},
		{0x9F2A, "0200000000000000", Context{}, "kernel 2", ""},
		{0x9F2A, "43", Context{}, "kernel identifier 43, of the reserved kind", ""},
		{0x9F2A, "40", Context{}, "kernel identifier 40, of the reserved kind", ""},
		{0x9F2A, "1F", Context{}, "kernel identifier 1F", ""},
		{0x9F2A, "80", Context{}, "a domestic kernel takes 3 bytes: the entry is skipped", ""},
		{0x9F2A, "800840", Context{}, "domestic kernel 80, in EMVCo's format", ""},
		{0x9F2A, "810978", Context{}, "domestic kernel 810978, in EMVCo's format", ""},
		{0x9F2A, "C1097800", Context{}, "domestic kernel C10978, in a format of its own", ""},
		{0x9F0A, "00010502000000 00", Context{}, "", "0001 European Cards Stakeholders Group, product type: 0200000000, credit"},
		{0x9F0A, "0003020400", Context{}, "", "0003 Technical Cooperation ep2 Association, product type: 0400, prepaid"},
		{0x9F0A, "000101", Context{}, "damaged: the last piece is cut off", ""},
		{0x8B, "00010200010001020002", Context{}, "", "terminal categories transit gate|terminal categories loyalty"},
		{0x9F3E, "00010002", Context{}, "transit gate, loyalty", ""},
		{0x5F2D, "6465656E", Context{}, "German, English", ""},
		{0x5F2D, "656EFFFF", Context{}, `English, unknown language \xFF\xFF`, ""},
		{0x5F30, "0201", Context{}, "201, international, chip preferred, normal authorisation, no restrictions", ""},
		{0x9F12, "6173CC", Context{}, `"as\xCC"`, ""},
		{0x9F4D, "0B0A", Context{}, "file 11, 10 records", ""},
		{0x87, "81", Context{}, "priority 1, only with the cardholder's confirmation", ""},
		{0x88, "0B", Context{}, "file 11, of the payment system", ""},
		{0x91, "50FC6205038200003030", Context{}, "ARPC by method 1, response code", `ARPC 50FC620503820000|response code "00"`},
		{0x91, "A584F94900820000", Context{}, "ARPC by method 2, card status update",
			"ARPC A584F949|card status update 00820000|CSU byte 2 bit 8: issuer approves online transaction|CSU byte 2 bits 2-1 = 10: counters reset"},
		{0x91, "A584F949", Context{}, "length 4 does not fit (wants 8-16)", ""},
		{0x86, "04DA9F580900C7356286E3779889", visa, "PUT DATA 9F58 Consecutive transaction counter lower limit", "with secure messaging|9 bytes of data announced, 9 there"},
		{0x86, "8424000210FEBF34F00B7CE770DC61DA847BFB1E59", Context{}, "PIN CHANGE/UNBLOCK", "with secure messaging|16 bytes of data announced, 16 there"},
		{0x9F71, "010002", Context{Scheme: SchemeAmex}, "mobile CVM performed, mobile CVM not required, successful", ""},
		{0x9F1D, "6C7A8000", Context{}, "", "byte 1 bit 7: online PIN contactless|byte 1 bit 6: signature contactless|byte 1 bit 4: no CVM contactless|byte 1 bit 3: CDCVM contactless|" +
			"byte 2 bit 7: online PIN contact|byte 2 bit 6: signature contact|byte 2 bit 5: enciphered offline PIN contact|byte 2 bit 4: no CVM contact|byte 2 bit 2: plaintext offline PIN contact|" +
			"byte 3 bit 8: contactless mag-stripe mode not supported"},
		{0x9F39, "07", Context{}, "contactless EMV", ""},
		{0xDF4B, "001000", mastercard, "", "byte 2 bit 5: on-device CVM successful|byte 1 = 00: version"},
		{0xDF7F, "414243", Context{}, `"ABC"`, ""},
		{0x9F36, "", Context{}, "empty", ""},

		// Numbers that name something keep their zeros.
		{0x9F25, "0119", Context{}, "0119", ""},
		{0x9F19, "001234567890", Context{}, "01234567890", ""},
		{0x9F19, "140010030001", Context{}, "140010030001", ""},
		{0x5F34, "00", Context{}, "00", ""},
		{0x9F15, "0742", Context{}, "0742", ""},
		{0x5F36, "02", Context{}, "2", ""},
		{0x9F41, "00000012", Context{}, "12", ""},
		{0x42, "012345", Context{}, "012345", ""},

		// The version of fDDA stands in the value, and so does a UDOL.
		{0x9F69, "00ABCDEF120000", visa, "", "byte 1 = 00: fDDA version 00|bytes 2-5 = ABCDEF12: card unpredictable number|bytes 6-7 = 0000: copy of CTQ"},
		{0x9F69, "05ABCDEF12", visa, "", "byte 1 = 05: fDDA version|bytes 2-5 = ABCDEF12: card unpredictable number"},
		{0x9F69, "01ABCDEF12380000", Context{Scheme: SchemeUnionPay}, "", "byte 1 = 01: fDDA version 01|bytes 2-5 = ABCDEF12: card unpredictable number|bytes 6-7 = 3800: copy of CTQ"},
		{0x9F69, "9F6A049F0206", visa, "asks for 2 objects, 10 bytes", "9F6A Unpredictable number, numeric (kernel 2), 4 bytes|9F02 Amount authorised, numeric, 6 bytes"},

		// Tag 9F6C is another thing to kernel 2, and to a girocard nothing that
		// is known.
		{0x9F6C, "0001", mastercard, "version 1", ""},
		{0x9F6C, "FFFF", other, "", ""},
		{0x9F6C, "0080", Context{Other: true, Kernel: 3}, "", "byte 2 bit 8: consumer device CVM performed"},
		{0x9F5B, "9F0206", amex, `"\x9F\x02\x06"`, ""},
		{0x9F5B, "313233", amex, `"123"`, ""},
		{0x9F66, "36004000", amex, "", ""},

		// Kernel 2 writes a verification on the device in its own way.
		{0x9F34, "010002", mastercard, "verified on the consumer's device, always: successful", ""},
		{0x9F34, "010302", mastercard, "plaintext PIN checked by the card, if the terminal supports it: successful", ""},
		{0x9F34, "010002", visa, "plaintext PIN checked by the card, always: successful", ""},

		{0x9F5D, "010300", mastercard, "", "byte 1 bits 4-1 = 0001: data storage version 1|byte 2 bit 2: balance reading|byte 2 bit 1: CDA supported over TC, ARQC and AAC|byte 3 = 00: standalone data storage none"},
		{0x9F5D, "000008", mastercard, "", "byte 1 bits 4-1 = 0000: data storage version none|byte 3 = 08: standalone data storage 10 envelopes of 32 bytes (9F78 of 64)"},

		// A value of another length has no bits.
		{0x95, "80", Context{}, "length 1 does not fit (wants 5)", ""},
		{0x9F02, "0000001250", Context{}, "length 5 does not fit (wants 6)", ""},
		{0x9F5D, "010300", visa, "length 3 does not fit (wants 6)", ""},
		{0x9F5D, "000000001000", mastercard, "length 6 does not fit (wants 3)", ""},
		{0x9F66, "3600", visa, "length 2 does not fit (wants 4)", ""},
		{0x9F68, "00000000000000001F00", visa, "length 10 does not fit (wants 4)", ""},
		{0x9F1E, "313233", Context{}, `"123", length 3 does not fit (wants 8)`, ""},

		{0x9F27, "00", Context{}, "AAC, declined", ""},
		{0x9F27, "49", Context{}, "TC, approved offline", "byte 1 bit 4: advice required|byte 1 bits 3-1 = 001: reason service not allowed"},
		{0x9F27, "C0", Context{}, "reserved type of cryptogram", ""},
		{0x9F10, "06011203A00000", amex, "American Express, cryptogram version 12 hex, key index 01", "card verification results 03A00000|CVR byte 2: first cryptogram ARQC; the other bits are not public"},
		{0x9F10, "06011A03A02000", other, "laid out as Visa's, cryptogram version 1A hex, key index 01", "card verification results 03A02000|CVR byte 2: first cryptogram ARQC; the other bits are not public"},
		{0x9F10, "06011003900000", Context{Other: true, Kernel: 3}, "Visa format 1, cryptogram version 10 hex, key index 01",
			"card verification results 03900000|CVR byte 2 bits 8-7 = 10: second cryptogram not requested|CVR byte 2 bits 6-5 = 01: first cryptogram TC"},
	} {
		item := ExplainValue(c.tag, unhex(t, c.value), c.ctx, false)
		require.Equal(t, c.text, item.Text, "%s %s", c.tag, c.value)
		require.Equal(t, c.details, strings.Join(item.Details, "|"), "%s %s", c.tag, c.value)
		require.False(t, item.Masked, "%s %s", c.tag, c.value)
	}
}

func TestExplainAmountsInTheirCurrency(t *testing.T) {
	items, err := Explain(unhex(t, "9F02060000000012505F2A0209789F0306000000000000"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "12.50 EUR", items[0].Text)
	require.Equal(t, "0.00 EUR", items[2].Text)
	items, err = Explain(unhex(t, "9F02060000000012505F2A020392"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "1250 JPY", items[0].Text)
	items, err = Explain(unhex(t, "70139F420202768E0C000027100000000042031F00"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "X = 10000 in minor units of the application currency", items[0].Children[1].Details[0], "276 is a country, no currency")
	items, err = Explain(unhex(t, "70139F420209788E0C000027100000000042031F00"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "X = 100.00 EUR", items[0].Children[1].Details[0])
}

func TestExplainCodeTables(t *testing.T) {
	// each name uses the table that follows it
	items, err := Explain(unhex(t, "9F1201CC9F1101059F1201CC9F110107"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, `"Ь"`, items[0].Text)
	require.Equal(t, "ISO 8859-5", items[1].Text)
	require.Equal(t, `"Μ"`, items[2].Text)
	items, err = Explain(unhex(t, "9F1101019F1201C4"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, `"Ä"`, items[1].Text)
}

func TestExplainFormat1(t *testing.T) {
	for data, want := range map[string]string{
		"800E7C00080103001001050120010100":           "82 94",
		"8013800006B04398D218017BF907000103A0A80201": "9F27 9F36 9F26 9F10",
		"800A11223344000A00140010":                   "DF8302 DF8303 DF8304 DF8305",
	} {
		items, err := Explain(unhex(t, data), Context{}, false)
		require.NoError(t, err)
		var tags []string
		at := 2
		for _, c := range items[0].Children {
			tags = append(tags, c.Tag)
			require.Equal(t, at, c.Offset)
			at += c.Length
		}
		require.Equal(t, want, strings.Join(tags, " "))
		require.Equal(t, len(unhex(t, data)), at)
	}
}

func TestExplainDOLData(t *testing.T) {
	d, err := ParseDOL(unhex(t, visaPDOL))
	require.NoError(t, err)
	data := unhex(t, "36004000 000000001250 000000000000 0276 0000000000 0978 300101 00 1A2B3C4D")
	items, err := ExplainDOL(d, data, Context{Scheme: SchemeVisa}, false)
	require.NoError(t, err)
	require.Len(t, items, 9)
	require.Equal(t, "12.50 EUR", items[1].Text)
	require.Equal(t, 10, items[2].Offset)
	require.Equal(t, "1A2B3C4D", items[8].Value)
	_, err = ExplainDOL(d, data[1:], Context{}, false)
	require.EqualError(t, err, "data object list asks for 33 bytes, 32 came")
}

func TestExplainDamagedDataKeepsWhatWasRead(t *testing.T) {
	items, err := Explain(unhex(t, "9F36020001700782021980940408"), Context{}, false)
	require.EqualError(t, err, "TLV data, byte 12: tag 94 says 4 bytes, 1 left")
	require.Len(t, items, 2)
	require.Equal(t, "1", items[0].Text)
	require.Len(t, items[1].Children, 1)
	item := ExplainValue(0x70, unhex(t, "8202198094"), Context{}, false)
	require.Equal(t, "TLV data, byte 5: data end before a length (tag 94)", item.Text)
	require.Len(t, item.Children, 1)
}

func TestExplainCountsUnknownTags(t *testing.T) {
	items, err := Explain(unhex(t, "DF7F01AA9F36020001"), Context{}, false)
	require.NoError(t, err)
	require.False(t, items[0].Known)
	require.Equal(t, "unknown tag", items[0].Name)
	require.True(t, items[1].Known)
}

func TestItemJSON(t *testing.T) {
	text, err := json.Marshal(ExplainValue(TagATC, []byte{0, 1}, Context{}, false))
	require.NoError(t, err)
	require.JSONEq(t, `{"tag":"9F36","name":"Application transaction counter (ATC)","offset":0,"length":2,"value":"0001","text":"1","known":true}`, string(text))
}

func TestExplainLimitedUseKeyIndex(t *testing.T) {
	item := ExplainValue(TagIAD, unhex(t, "1F430132A0000000 00 00000000 05123407 000000000000000000000000000000"), Context{Scheme: SchemeVisa}, false)
	require.Equal(t, "Visa format 4, cryptogram version 43 hex, key index 01", item.Text)
	require.Contains(t, item.Details, "CVR byte 1 bits 8-5 = 0011: verifying entity application in the secure element")
	require.Contains(t, item.Details, "CVR byte 1 bits 4-1 = 0010: verification finger")
	require.Contains(t, item.Details, "limited-use key index 5123407: year digit 5, hour 1234, counter 07")
}

func BenchmarkExplainPPSE(b *testing.B) {
	data := unhex(b, ppse)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Explain(data, Context{}, false); err != nil {
			b.Fatal(err)
		}
	}
}

// The name that Visa's oldest versions have is decimal, all others are hex.
func TestCryptogramVersionNames(t *testing.T) {
	for value, want := range map[string]string{
		"06010A03A00000": "0A hex (CVN 10)", "06011103A00000": "11 hex (CVN 17)", "06011203A00000": "12 hex (CVN 18)", "06011A03A00000": "1A hex",
		"1F220100A0000000000000000000000000000000000000000000000000000000": "22 hex", "1F430132A0000000000000000000000000000000000000000000000000000000": "43 hex",
		"07010103A0000001": "01 hex", "0110A08003240000000000000000000000FF": "10 hex",
	} {
		require.Contains(t, ExplainValue(TagIAD, unhex(t, value), Context{}, false).Text, ", cryptogram version "+want+", key index ", value)
	}
}

// An application of a scheme that is not known here keeps kernel 3 out.
func TestExplainDoesNotBorrowBits(t *testing.T) {
	items, err := Explain(unhex(t, "840AA0000003591010028001 9F6C02FFFF 9F6604B620C000"), Context{}, false)
	require.NoError(t, err)
	require.Equal(t, "Card transaction qualifiers (CTQ) (kernel 3)", items[1].Name)
	require.Empty(t, items[1].Text)
	require.Empty(t, items[1].Details)
	require.Empty(t, items[2].Details)
	items, err = Explain(unhex(t, "9F6C02FFFF"), Context{}, false)
	require.NoError(t, err)
	require.Len(t, items[0].Details, 16, "nothing is known of the card")
}
