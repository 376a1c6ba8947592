package transcript

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
)

// requireTiled asserts that parts cover from..to without gap or overlap, at
// every level.
func requireTiled(t *testing.T, parts []Part, from, to int, where string) {
	t.Helper()
	pos := from
	for _, p := range parts {
		require.Equal(t, pos, p.Offset, "%s: %s %s", where, p.Tag, p.Name)
		require.NotEmpty(t, p.Name, where)
		pos += p.Size
		if len(p.Parts) > 0 {
			requireTiled(t, p.Parts, p.Offset+p.head, p.Offset+p.Size, where+"/"+p.Tag)
		}
	}
	require.Equal(t, to, pos, "%s: the parts end", where)
}

// requireExplained asserts that each byte of an exchange belongs to a part and
// that the shown hex differs from the bytes in masked digits only.
func requireExplained(t *testing.T, x Explanation, command, response []byte) {
	t.Helper()
	check := func(raw []byte, m *Message) {
		if raw == nil {
			require.Nil(t, m)
			return
		}
		require.Equal(t, len(raw), m.Size)
		requireTiled(t, m.Parts, 0, len(raw), x.Name)
		require.Len(t, m.Hex, 2*len(raw), x.Name)
		for i, c := range hexOf(raw) {
			require.True(t, m.Hex[i] == byte(c) || m.Hex[i] == '*', "%s: digit %d of %s", x.Name, i, m.Hex)
		}
	}
	check(command, x.Command)
	check(response, x.Response)
}

func TestEveryRecordedByteIsExplained(t *testing.T) {
	total, unknown := 0, 0
	for _, path := range recordedFiles(t) {
		x := readRecorded(t, filepath.Base(path))
		s := ExplainSession(x, false)
		exchanges := x.Exchanges()
		require.Len(t, s.Exchanges, len(exchanges))
		for i, e := range s.Exchanges {
			requireExplained(t, e, exchanges[i].Command, exchanges[i].Response)
			require.Equal(t, exchanges[i].Line, e.Line)
			total += len(exchanges[i].Command) + len(exchanges[i].Response)
		}
		unknown += s.Unknown
	}
	require.Equal(t, 21520, total, "counted by another program")
	require.Equal(t, 7, unknown, "BF63 twice, 14 and what Google's wallet sends")
}

// All that is not taken apart in the recordings, with the reason: anything new
// here is a loss.
func TestWhatIsNotTakenApart(t *testing.T) {
	got := map[string][]string{}
	for _, path := range recordedFiles(t) {
		file := filepath.Base(path)
		for _, e := range ExplainSession(readRecorded(t, file), false).Exchanges {
			for _, p := range e.Problems {
				got[file[:3]] = append(got[file[:3]], fmt.Sprintf("%d %s", e.Number, p))
			}
		}
	}
	const noList, part = "command: no PDOL of the card is known, so the values have no names", "answer: a part of an answer that comes in several"
	const notTLV, tag01 = "not TLV: byte ", ": EMV lengths have at most 3 bytes (tag 01)"
	require.Equal(t, map[string][]string{
		"020": {"5 command: the card's PDOL asks for 33 bytes, none came"},
		"024": {"5 command: the card's PDOL asks for 33 bytes, none came"},
		"031": {"1 command: not in template 83", "2 " + noList},
		"115": {"1 answer: byte 1: tag 6F says 63 bytes, 23 left", "1 answer: byte 12: tag A5 says 52 bytes, 12 left"},
		"603": {"1 answer: byte 1: tag 6F says 108 bytes, 106 left"},
		"711": {
			"2 answer: " + notTLV + "4: length byte DC" + tag01,
			"3 command: " + notTLV + "13: length byte 94" + tag01,
			"3 answer: " + notTLV + "6: length byte 94: EMV lengths have at most 3 bytes (tag 73)",
			"4 command: " + notTLV + "13: length byte 94" + tag01,
			"4 answer: " + notTLV + "6: length byte 94: EMV lengths have at most 3 bytes (tag 73)",
			"5 command: " + notTLV + "13: length byte 94" + tag01,
			"5 answer: " + notTLV + "6: length byte D4: EMV lengths have at most 3 bytes (tag 72)",
		},
		"912": {"3 " + noList, "4 " + noList, "5 " + noList},
		"914": {"24 " + part, "25 " + part, "28 " + part, "29 " + part},
	}, got)
}

// The commands and answers that stand in turn in testdata/tlv.
func TestEveryByteOfTheExchangeBlobsIsExplained(t *testing.T) {
	blobs := 0
	paths, err := filepath.Glob("../testdata/tlv/*.txt")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if !strings.HasPrefix(string(data), "# kind: exchange\n") {
			continue
		}
		blobs++
		e := NewExplainer(false)
		var command []byte
		answers := 0
		for _, line := range strings.Split(string(data), "\n") {
			text, isHex := strings.CutPrefix(line, "hex: ")
			if !isHex {
				continue
			}
			b := fromHex(t, text)
			if c, err := apdu.ParseCommand(b); err == nil && !strings.HasPrefix(commandName(c), "unknown") {
				if command != nil {
					requireExplained(t, e.Explain(command, nil), command, nil)
				}
				command = b
				continue
			}
			x := e.Explain(command, b)
			requireExplained(t, x, command, b)
			require.Empty(t, x.Problems, "%s: %s", path, text)
			command = nil
			answers++
		}
		require.Greater(t, answers, 5, path)
	}
	require.Equal(t, 3, blobs)
}

// find returns the first part with a tag or a name.
func find(t *testing.T, m *Message, what string) Part {
	t.Helper()
	var found *Part
	eachPart(m.Parts, func(p *Part) {
		if found == nil && (p.Tag == what || p.Name == what) {
			found = p
		}
	})
	require.NotNil(t, found, "no %s in %s", what, m.Hex)
	return *found
}

func TestCommandNames(t *testing.T) {
	for command, want := range map[string]string{
		"00A404000E325041592E5359532E444446303100": "SELECT 2PAY.SYS.DDF01",
		"00A4040007A000000003101000":               "SELECT A0000000031010",
		"00A4040205A00000000300":                   "SELECT A000000003, next occurrence",
		"00A4000002DF01":                           "SELECT DF01",
		"80A8000002830000":                         "GET PROCESSING OPTIONS",
		"00B2011400":                               "READ RECORD SFI 2 record 1",
		"80AE0000":                                 "GENERATE AC AAC",
		"80AE5000":                                 "GENERATE AC TC with CDA",
		"80AE9000":                                 "GENERATE AC ARQC with CDA",
		"80AEC000":                                 "GENERATE AC RFU",
		"802A8E800400000001":                       "COMPUTE CRYPTOGRAPHIC CHECKSUM",
		"80EA00000411223344":                       "EXCHANGE RELAY RESISTANCE DATA",
		"80D00000":                                 "RECOVER AC",
		"80CA9F3600":                               "GET DATA 9F36",
		"00CA005A00":                               "GET DATA 5A",
		"84DA9F5808010203040506070800":             "PUT DATA 9F58",
		"00880000041122334400":                     "INTERNAL AUTHENTICATE",
		"0082000008112233445566778 8":              "EXTERNAL AUTHENTICATE",
		"00C0000010":                               "GET RESPONSE",
		"0084000000":                               "GET CHALLENGE",
		"0020008008241234FFFFFFFFFF":               "VERIFY plaintext PIN",
		"0020000000":                               "VERIFY",
		"841E000008":                               "APPLICATION BLOCK",
		"801A000000":                               "SEND POI INFORMATION",
		"FFCA000000":                               "reader: get UID",
		"FFCA010000":                               "reader: get historical bytes",
		"FF00000000":                               "reader: escape command",
		"FFFF000000":                               "unknown command FFFF",
		"90530000":                                 "unknown command 9053",
		"12345678":                                 "unknown command 1234",
		"00":                                       "malformed command",
	} {
		require.Equal(t, want, nameOf(fromHex(t, strings.ReplaceAll(command, " ", ""))), command)
	}
}

func TestHeaderBytes(t *testing.T) {
	text := func(command, part string) string {
		return find(t, NewExplainer(false).Explain(fromHex(t, command), nil).Command, part).Text
	}
	require.Equal(t, "standard", text("00B2011400", "CLA"))
	require.Equal(t, "proprietary", text("80CA9F3600", "CLA"))
	require.Equal(t, "proprietary, secure messaging", text("84DA9F5800", "CLA"))
	require.Equal(t, "standard, channel 2", text("02B2011400", "CLA"))
	require.Equal(t, "for the reader, not the card", text("FFCA000000", "CLA"))
	require.Equal(t, "proprietary", text("90530000", "CLA"))
	require.Equal(t, "standard, further channels or reserved", text("40530000", "CLA"))
	require.Equal(t, "READ RECORD", text("00B2011400", "INS"))
	require.Equal(t, "record 1", text("00B2011400", "P1"))
	require.Equal(t, "SFI 2, record by number", text("00B2011400", "P2"))
	require.Equal(t, "by name", text("00A4040205A00000000300", "P1"))
	require.Equal(t, "next occurrence", text("00A4040205A00000000300", "P2"))
	require.Equal(t, "5 data bytes", text("00A4040205A00000000300", "Lc"))
	require.Equal(t, "all bytes there are", text("00B2011400", "Le"))
	require.Equal(t, "16 bytes expected", text("00B2011410", "Le"))
	require.Equal(t, "tag 9F36", text("80CA9F3600", "P1"))
	require.Equal(t, "enciphered PIN", text("00200088021122", "P2"))

	// Extended lengths.
	extended := fromHex(t, "80A8000000000283000000")
	x := NewExplainer(false).Explain(extended, nil)
	requireExplained(t, x, extended, nil)
	require.Equal(t, 3, find(t, x.Command, "Lc").Size)
	require.Equal(t, 2, find(t, x.Command, "Le").Size)
}

// A session of kernel 2 commands, made up but for the lists and their lengths.
func TestListsOfTheCard(t *testing.T) {
	e := NewExplainer(false)
	explain := func(command, response string) Explanation {
		c, r := fromHex(t, command), fromHex(t, response)
		x := e.Explain(c, r)
		requireExplained(t, x, c, r)
		return x
	}
	explain("00A4040007A000000004101000", "6F108407A0000000041010A50587010150009000")
	explain("00B2010C00", "70"+"23"+"9F69069F6A049F0206"+"8C0B9F02069F37045F2A029A03"+"8D058A029F0206"+"9F49039F3704"+"9000")

	x := explain("802A8E800A00000012000000001250"+"00", "9000")
	require.Equal(t, "00000012", find(t, x.Command, "9F6A").Value)
	require.Equal(t, "000000001250", find(t, x.Command, "9F02").Value)

	x = explain("80AE80000F000000001250010203040978300101"+"00", "8012"+"80"+"0001"+"1122334455667788"+"06010A03A00000"+"9000")
	require.Equal(t, "12.50 EUR", find(t, x.Command, "9F02").Text)
	require.Equal(t, 5, find(t, x.Command, "9F02").Offset)
	require.Equal(t, "1122334455667788", find(t, x.Response, "9F26").Value)
	require.Equal(t, "06010A03A00000", find(t, x.Response, "9F10").Value)
	require.Equal(t, "80", find(t, x.Response, "9F27").Value)

	x = explain("80AE400008"+"3030"+"000000001250"+"00", "6985")
	require.Equal(t, "3030", find(t, x.Command, "8A").Value, "the second GENERATE AC uses CDOL2")

	x = explain("00880000040102030400", "8004112233449000")
	require.Equal(t, "01020304", find(t, x.Command, "9F37").Value)
	require.Equal(t, "11223344", find(t, x.Response, "9F4B").Value)

	x = explain("80EA0000040102030400", "800AAABBCCDD0001000200039000")
	require.Equal(t, "01020304", find(t, x.Command, "DF8301").Value)
	require.Equal(t, "AABBCCDD", find(t, x.Response, "DF8302").Value)
	require.Equal(t, "0003", find(t, x.Response, "DF8305").Value)

	x = explain("80AE800003010203", "9000")
	require.Equal(t, []string{"command: the card's data object list 8D asks for 8 bytes, 3 came"}, x.Problems)
	x = explain("80D00000020102", "9000")
	require.Equal(t, []string{"command: the card's data object list 9F51 is not known, so the values have no names"}, x.Problems)

	x = explain("0084000000", "11223344556677889000")
	require.Equal(t, "1122334455667788", find(t, x.Response, "challenge").Value)
	x = explain("FFCA000000", "04112233445566779000")
	require.Equal(t, "0411223344556677", find(t, x.Response, "data of the reader").Value)
	x = explain("80DA9F5803112233", "9000")
	require.Equal(t, "112233", find(t, x.Command, "9F58").Value)

	// The transaction log, by the format that the card gave.
	explain("80CA9F4F00", "9F4F069F02065F2A029000")
	x = explain("00B2015C00", "00000000125009789000")
	require.Equal(t, "12.50 EUR", find(t, x.Response, "9F02").Text)
	x = explain("00B2015C00", "0102039000")
	require.Len(t, x.Problems, 1)

	// A new selection forgets the lists.
	explain("00A4040007A000000003101000", "6F0B8407A0000000031010A5009000")
	x = explain("80AE8000020102", "9000")
	require.Len(t, x.Problems, 1)
}

func TestTheApplicationGivesTheMeaning(t *testing.T) {
	name := func(aid, ppse string) string {
		e := NewExplainer(false)
		if ppse != "" {
			e.Explain(fromHex(t, "00A404000E325041592E5359532E444446303100"), fromHex(t, ppse))
		}
		fci := emv.AppendTLV(nil, emv.TagFCI, append(emv.AppendTLV(nil, emv.TagDFName, fromHex(t, aid)), 0xA5, 0x00))
		e.Explain(fromHex(t, "00A4040000"), append(fci, 0x90, 0x00))
		x := e.Explain(fromHex(t, "80A8000002830000"), fromHex(t, "77079F6904010203049000"))
		return find(t, x.Response, "9F69").Name
	}
	require.Equal(t, "Card authentication related data", name("A0000000031010", ""))
	require.Contains(t, name("A0000000041010", ""), "UDOL")
	// A scheme of its own whose card names kernel 3.
	require.Contains(t, name("A0000000421010", ""), "kernel")
	require.Equal(t, "Card authentication related data", name("A0000000421010",
		"6F24840E325041592E5359532E4444463031A512BF0C0F610D4F07A00000004210109F2A01039000"))
}

func TestNoAccountNumberIsShown(t *testing.T) {
	found := 0
	for _, path := range recordedFiles(t) {
		x := readRecorded(t, filepath.Base(path))
		s := ExplainSession(x, false)
		asJSON, err := json.Marshal(s)
		require.NoError(t, err)
		var text []byte
		for _, e := range s.Exchanges {
			text = AppendText(text, e, Style{})
		}
		bare := strings.Map(func(r rune) rune {
			if r == ' ' || r == '\n' {
				return -1
			}
			return r
		}, string(text))
		for _, e := range x.Exchanges() {
			data, _ := cutStatus(e.Response)
			for _, pan := range emv.AccountNumbers(data) {
				if len(pan) < 13 {
					continue // masked by its publisher
				}
				found++
				require.False(t, strings.Contains(string(asJSON), string(pan)), path)
				require.False(t, strings.Contains(bare, string(pan)), path)
			}
		}
	}
	require.Greater(t, found, 20)
}

func TestReveal(t *testing.T) {
	x := parseTap(t)
	masked := ExplainSession(x, false).Exchanges[3].Response
	require.Equal(t, "700A5A08476173******01199000", masked.Hex)
	require.True(t, find(t, masked, "5A").Masked)
	shown := ExplainSession(x, true).Exchanges[3].Response
	require.Equal(t, "700A5A0847617390010101199000", shown.Hex)
	require.Equal(t, "4761739001010119", find(t, shown, "5A").Value)

	// Another card's values stay masked, whatever is asked.
	invented := string(emv.WithCheckDigit("499999000000000"))
	other := fromHex(t, "700A5A08"+invented+"9000")
	e := NewExplainer(true)
	require.Equal(t, "700A5A08499999******"+invented[12:]+"9000", e.Explain(nil, other).Response.Hex)
	both := append([]byte{0x70, 0x14}, x.Exchanges()[3].Response[2:12]...)
	both = append(append(both, other[2:12]...), 0x90, 0x00)
	require.NotContains(t, NewExplainer(true).Explain(nil, both).Response.Hex, "90010101")
	named := fromHex(t, "700A5F2007414E4F4E594D559000")
	require.Equal(t, "700A5F2007**************9000", NewExplainer(true).Explain(nil, named).Response.Hex, "nobody knows whose")
	track := fromHex(t, "5713476173900101011"+"9D49122010000000000000F")
	require.Equal(t, hexOf(track), ExplainData(track, emv.Context{}, true).Hex)

	// A PIN is never shown.
	e = NewExplainer(true)
	require.Equal(t, "8424000204********", e.Explain(fromHex(t, "842400020411223344"), nil).Command.Hex)
	require.Equal(t, "0020008008****************", e.Explain(fromHex(t, "0020008008241234FFFFFFFFFF"), nil).Command.Hex)
}

// Damaged data that hold an account number.
func TestDamagedDataAreMasked(t *testing.T) {
	response := fromHex(t, "70205A084761739001010119"+"9000")
	x := NewExplainer(false).Explain(fromHex(t, "00B2010C00"), response)
	requireExplained(t, x, fromHex(t, "00B2010C00"), response)
	require.NotContains(t, x.Response.Hex, "9001010119")
	response = fromHex(t, "57204761739001010119D4912201"+"9000")
	x = NewExplainer(false).Explain(nil, response)
	requireExplained(t, x, nil, response)
	require.NotContains(t, x.Response.Hex, "9001010119")
	require.Len(t, x.Problems, 1)
}

// Behind a damage nothing is taken apart, unless all of it makes sense.
func TestDamageEndsTheGuessing(t *testing.T) {
	texts := func(data string) (lines []string) {
		m := ExplainData(fromHex(t, data), emv.Context{}, false)
		requireTiled(t, m.Parts, 0, m.Size, data)
		eachLeaf(m.Parts, func(p *Part) {
			lines = append(lines, strings.Join(strings.Fields(p.Tag+" "+p.Name+" "+p.Value+" "+p.Text+" "+p.Problem), " "))
		})
		return lines
	}
	require.Equal(t, []string{
		"5F2A Transaction currency code 0840 USD, US Dollar",
		"9F1A Terminal country code 0840 US, United States",
		"9F15 Merchant category code 5999 5999",
		"rest, not taken apart 12 byte 20: data end before a length (tag 12)",
		"rest, not taken apart 3456789ABCDE behind the damage",
		"rest, not taken apart D002DEADFEDC behind the damage",
	}, texts("701870105F2A0208409F1A0208409F15025999123456789ABCDED002DEADFEDC"), "published")
	require.Equal(t, []string{
		"rest, not taken apart 9F3602 byte 6: tag 9F36 says 2 bytes, 0 left",
		"9F15 Merchant category code 5999 5999",
		"padding 00",
		"5F2A Transaction currency code 0978 EUR, Euro",
	}, texts("7010A5039F36029F15025999005F2A020978"), "the lengths around the damage were right")
	require.Equal(t, []string{"rest, not taken apart 340201 byte 1: tag 34 says 2 bytes, 1 left"}, texts("340201"), "no template that is known")
}

// An account number that two parts share stays hidden.
func TestDamagedPartsShareTheirMask(t *testing.T) {
	x := ExplainData(fromHex(t, "700A7005"+"DF4761739001"+"010119DF"), emv.Context{}, false)
	require.Equal(t, "700A7005DF****************DF", x.Hex)
}

// Kernel 2 and a scheme that is not known here have their own tag 9F6C.
func TestTheApplicationKeepsOtherMeaningsOut(t *testing.T) {
	part := func(aid string) Part {
		e := NewExplainer(false)
		fci := emv.AppendTLV(nil, emv.TagFCI, append(emv.AppendTLV(nil, emv.TagDFName, fromHex(t, aid)), 0xA5, 0x00))
		e.Explain(fromHex(t, "00A4040000"), append(fci, 0x90, 0x00))
		return find(t, e.Explain(fromHex(t, "00B2010C00"), fromHex(t, "70059F6C0200019000")).Response, "9F6C")
	}
	require.Equal(t, "Mag-stripe application version number, card", part("A0000000041010").Name)
	require.Equal(t, "version 1", part("A0000000041010").Text)
	girocard := part("A0000003591010028001")
	require.Equal(t, "Card transaction qualifiers (CTQ) (kernel 3)", girocard.Name)
	require.Empty(t, girocard.Text+strings.Join(girocard.Details, ""))
}

func TestExplainData(t *testing.T) {
	data := fromHex(t, "9F02060000000012505F2A0209780000")
	m := ExplainData(data, emv.Context{}, false)
	requireTiled(t, m.Parts, 0, len(data), "")
	require.Equal(t, "12.50 EUR", find(t, m, "9F02").Text)
	require.Equal(t, 9, find(t, m, "9F02").Size)
}

func TestJSONShape(t *testing.T) {
	x := NewExplainer(false).Explain(fromHex(t, "80CA9F3600"), fromHex(t, "9F3602000A9000"))
	b, err := json.Marshal(x)
	require.NoError(t, err)
	require.JSONEq(t, `{"number":1,"name":"GET DATA 9F36","status":"9000","status_text":"success","unknown_tags":0,
		"command":{"hex":"80CA9F3600","size":5,"parts":[
			{"name":"CLA","offset":0,"size":1,"value":"80","text":"proprietary"},
			{"name":"INS","offset":1,"size":1,"value":"CA","text":"GET DATA"},
			{"name":"P1","offset":2,"size":1,"value":"9F","text":"tag 9F36"},
			{"name":"P2","offset":3,"size":1,"value":"36"},
			{"name":"Le","offset":4,"size":1,"value":"00","text":"all bytes there are"}]},
		"response":{"hex":"9F3602000A9000","size":7,"parts":[
			{"tag":"9F36","name":"Application transaction counter (ATC)","offset":0,"size":5,"value":"000A","text":"10"},
			{"name":"SW1-SW2","offset":5,"size":2,"value":"9000","text":"success"}]}}`, string(b))

	b, err = json.Marshal(NewExplainer(false).Explain(nil, nil))
	require.NoError(t, err)
	require.JSONEq(t, `{"number":1,"name":"command not shown","command":null,"response":null,"unknown_tags":0}`, string(b))
}

// What is published here must not be somebody's account: every number with a
// right check digit is a known test card's. A new recording with another one
// fails until somebody has looked at it.
func TestRecordingsHoldNoLiveAccount(t *testing.T) {
	seen := 0
	for _, path := range recordedFiles(t) {
		for _, x := range joined(readRecorded(t, filepath.Base(path))) {
			data, _ := cutStatus(x.Response)
			for _, pan := range emv.AccountNumbers(data) {
				if pan.Valid() {
					require.True(t, emv.TestRange(pan), "%s holds an account number that is no known test card's", path)
					seen++
				}
			}
		}
	}
	require.Equal(t, 17, seen)
}

// An element that begins in one part of an answer and ends in the next is masked
// in both.
func TestPartsOfAnAnswerShareTheirMask(t *testing.T) {
	x := readText(t, "> 00B2010C00\n< 700D5A08476173610A\n> 00C000000A\n< 90010101195F3401006102\n> 00C0000002\n< 9000\n")
	list := ExplainSession(x, false).Exchanges
	require.Equal(t, "700D5A08******610A", list[0].Response.Hex)
	require.Equal(t, "******01195F3401006102", list[1].Response.Hex)
}
