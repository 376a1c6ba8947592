package emv

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func allEntries(t testing.TB) []Entry {
	t.Helper()
	entries, errs := parseDictionary(tagTable)
	require.Empty(t, errs)
	return entries
}

// The first test: every tag of the dictionary goes through the TLV code and
// comes back.
func TestEveryTagRoundTrips(t *testing.T) {
	for _, e := range allEntries(t) {
		for _, value := range [][]byte{{}, {0x00}, make([]byte, 127), make([]byte, 128), make([]byte, 256)} {
			if e.Tag.Constructed() && len(value) > 0 {
				value = AppendTLV(nil, 0x5A, value)
			}
			coded := AppendTLV(nil, e.Tag, value)
			tree, err := Parse(coded)
			require.NoError(t, err, e.Tag)
			require.Len(t, tree.Nodes, 1)
			require.Equal(t, e.Tag, tree.Nodes[0].Tag)
			require.Equal(t, value, append([]byte{}, tree.Nodes[0].Value...))
			require.Equal(t, coded, tree.Append(nil))
		}
		parsed, err := ParseTag(e.Tag.String())
		require.NoError(t, err)
		require.Equal(t, e.Tag, parsed)
	}
}

func TestDictionaryRows(t *testing.T) {
	entries := allEntries(t)
	require.Len(t, entries, 572)
	seen := map[string]bool{}
	symbolic := []string{"", "var", "NCA", "NI", "NIC", "NI-NCA+36", "NIC-NI+42", "NPE-NI+42", "NPE or NIC"}
	for _, e := range entries {
		key := e.Tag.String() + e.Owner + slicesString(e.Templates)
		require.False(t, seen[key], "%s stands twice", key)
		seen[key] = true
		require.Equal(t, e.Tag.Constructed(), e.Format == FormatConstructed, "%s: format and bit 6 of the tag disagree", e.Tag)
		if _, exact := fitsLength(e.Length, 0); !exact {
			require.Contains(t, symbolic, e.Length, "%s: length column", e.Tag)
		}
		for _, item := range strings.Split(e.Bits, ";") {
			l := parseLayout(item)
			if len(item) > 2 && item[0] >= '1' && item[0] <= '8' && item[1] == '.' {
				require.Len(t, l.bits, 1, "%s: %q", e.Tag, item)
				require.NotContains(t, l.bits[0].name, "byte", "%s: %q", e.Tag, item)
			}
		}
	}
}

func slicesString(tags []Tag) string {
	var s strings.Builder
	for _, t := range tags {
		s.WriteString(t.String() + ",")
	}
	return s.String()
}

func TestBadRowsSayWhere(t *testing.T) {
	head := "tag\tname\tscheme\torigin\tformat\tlength\ttemplate\tbits\tconfidence\n"
	for row, want := range map[string]string{
		"9F02\tAmount":                          "tags.tsv:2: 2 columns, want 9",
		"9F\tx\tEMV\tcard\tb\t1\t\t\tsure":      `tags.tsv:2: tag "9F": not one whole tag`,
		"82\tx\tEMV\tcard\tq 3\t1\t\t\tsure":    `tags.tsv:2: unknown format "q 3"`,
		"82\tx\tK9\tcard\tb\t1\t\t\tsure":       `tags.tsv:2: tag 82: unknown owner "K9"`,
		"82\tx\tEMV\tcard\tb\t1\t\t\tperhaps":   "tags.tsv:2: tag 82: want a name, and sure, likely or doubt in the last column",
		"82\tx\tEMV\tcard\tb\t1\t77,zz\t\tsure": `tags.tsv:2: tag "zz": not hex`,
	} {
		_, errs := parseDictionary(head + row + "\n")
		require.Len(t, errs, 1)
		require.EqualError(t, errs[0], want)
	}
}

func TestLookupDependsOnContext(t *testing.T) {
	for _, c := range []struct {
		tag   Tag
		ctx   Context
		title string
	}{
		{0x9F6E, Context{Scheme: SchemeVisa}, "Form factor indicator (FFI)"},
		{0x9F6E, Context{Scheme: SchemeMastercard}, "Third party data"},
		{0x9F6E, Context{Scheme: SchemeAmex}, "Enhanced contactless reader capabilities"},
		{0x9F6E, Context{}, "Form factor indicator (FFI) (kernel 3)"},
		{0x9F6C, Context{Scheme: SchemeMastercard}, "Mag-stripe application version number, card"},
		{0x9F6C, Context{Other: true}, "Card transaction qualifiers (CTQ) (kernel 3)"},
		{0x9F5B, Context{Scheme: SchemeAmex}, "Product membership number"},
		{0x9F5A, Context{Scheme: SchemeAmex}, "Membership product identifier"},
		{0x9F5D, Context{Scheme: SchemeMastercard}, "Application capabilities information (ACI)"},
		{0x9F5D, Context{Kernel: 3}, "Available offline spending amount (AOSA)"},
		{0x9F5D, Context{Scheme: SchemeInterac}, "Terminal contactless receipt required limit"},
		{0x9F66, Context{Scheme: SchemeUnionPay}, "Terminal transaction qualifiers, UnionPay use"},
		{0x9F66, Context{Scheme: SchemeMastercard}, "PUNATC track 2 bitmap"},
		{0x9F69, Context{Scheme: SchemeMastercard}, "UDOL"},
		{0x9F69, Context{Scheme: SchemeVisa}, "Card authentication related data"},
		{0x9F63, Context{Scheme: SchemeVisa, Template: TagRecord}, "Offline counter initial value"},
		{0x9F63, Context{Scheme: SchemeUnionPay}, "Card product identification information"},
		{0xDF61, Context{Scheme: SchemeMastercard}, "DS digest H"},
		{0xDF61, Context{Scheme: SchemeUnionPay}, "Segmented charge application identifier / extended application flags"},
		{0x82, Context{}, "Application interchange profile (AIP)"},
		{0x82, Context{Template: 0x62}, "File descriptor byte"},
		{0x82, Context{Template: 0x77}, "Application interchange profile (AIP)"},
		{0x84, Context{Template: 0x62}, "DF name"},
		{0x80, Context{Template: 0x62}, "File size without structure"},
		{0x80, Context{}, "Response template format 1"},
		{0x61, Context{}, "Application template"},
		{0x90, Context{Template: 0xA1}, "Biometric solution ID"},
		{0x90, Context{Template: 0x70}, "Issuer public key certificate"},
		{0xDF50, Context{Template: 0xBF4D}, "Preferred facial attempts"},
		{0xDA, Context{Kernel: 8, Scheme: SchemeMastercard, Template: 0x70}, "Encrypted record data"},
		{0xDA, Context{Scheme: SchemeMastercard}, "Static CVC3 track 1"},
		{0xC3, Context{}, "Card issuer action code - decline (contact) (M/Chip perso)"},
		{0x9F02, Context{Scheme: SchemeJCB}, "Amount authorised, numeric"},
	} {
		e, known := Lookup(c.tag, c.ctx)
		require.True(t, known)
		require.Equal(t, c.title, e.Title(), "%s in %+v", c.tag, c.ctx)
	}
	_, known := Lookup(0xDF7F, Context{})
	require.False(t, known)
}

func TestLookupByLength(t *testing.T) {
	e, _ := lookup(0x9F6E, Context{}, 11, false)
	require.Equal(t, "K2", e.Owner)
	e, _ = lookup(0x9F66, Context{}, 2, false)
	require.Equal(t, "K2", e.Owner)
	e, _ = lookup(0x9F7F, Context{}, 42, false)
	require.Equal(t, "GlobalPlatform", e.Owner)
	e, _ = lookup(0x61, Context{}, 2, true)
	require.Equal(t, "QR-CPM", e.Owner)
}

// FormatOf is a table of its own, for speed; this is what keeps it right.
func TestFormatOfAgreesWithTheDictionary(t *testing.T) {
	for tag, rows := range dictionary() {
		if tag.Constructed() {
			require.Equal(t, FormatConstructed, FormatOf(tag))
			continue
		}
		if i := slices.IndexFunc(rows, func(e Entry) bool { return e.Owner == "EMV" || e.Owner == "EP" }); i >= 0 {
			require.Equal(t, rows[i].Format, FormatOf(tag), tag)
			continue
		}
		want := rows[0].Format
		for _, e := range rows {
			if e.Format != want {
				want = FormatB
			}
		}
		require.Equal(t, want, FormatOf(tag), tag)
	}
	require.Equal(t, FormatB, FormatOf(0xDF7F))
}

// Bits that the code names must be where the dictionary has them.
func TestBitNamesAgreeWithTheDictionary(t *testing.T) {
	for _, c := range []struct {
		tag  Tag
		ctx  Context
		bit  uint16
		name string
	}{
		{TagTTQ, Context{Scheme: SchemeVisa}, uint16(TTQCVMRequired), "CVM required"},
		{TagTTQ, Context{Scheme: SchemeVisa}, uint16(TTQConsumerDevice), "consumer device CVM supported"},
		{TagTTQ, Context{Scheme: SchemeVisa}, uint16(TTQFDDA1), "fDDA v1.0"},
		{TagCTQ, Context{Scheme: SchemeVisa}, uint16(CTQNotValidAtATM), "not valid for contactless ATM"},
		{TagCTQ, Context{Scheme: SchemeVisa}, uint16(CTQIssuerUpdate), "issuer update"},
		{TagAIP, Context{}, uint16(AIPOnDeviceCVM), "on-device"},
		{TagAIP, Context{}, uint16(AIPRelayResistance), "relay resistance"},
		{TagTVR, Context{}, uint16(TVROnlinePINEntered), "online PIN entered"},
		{TagTVR, Context{}, uint16(TVRScriptFailedAfterAC), "script failed after final"},
		{TagTSI, Context{}, uint16(TSITerminalRiskManagement), "terminal risk management performed"},
		{TagAUC, Context{}, uint16(AUCElsewhere), "valid elsewhere than ATMs"},
		{TagAUC, Context{}, uint16(AUCInternationalCashback), "international cashback"},
		{TagTerminalCapabilities, Context{}, uint16(CapabilityCDA), "CDA"},
		{TagTerminalCapabilities, Context{}, uint16(CapabilityNoCVM), "no CVM required"},
		{0x9F40, Context{}, uint16(AdditionalCash), "cash"},
		{0x9F40, Context{}, uint16(AdditionalShowCustomer), "display cardholder"},
		{0x9F40, Context{}, uint16(AdditionalCodeTable1), "table 1"},
		{TagFormFactor, Context{Scheme: SchemeVisa}, uint16(FFICloudCredentials), "cloud based credentials"},
		{TagFormFactor, Context{Scheme: SchemeVisa}, uint16(FFIBiometric), "biometric"},
	} {
		e, known := Lookup(c.tag, c.ctx)
		require.True(t, known)
		v := make([]byte, 5)
		setBit(v, c.bit, true)
		lines := parseLayout(e.Bits).describe(v)
		require.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, c.name) }), "%s %04X: %q", c.tag, c.bit, lines)
	}
}

func TestLayoutNotation(t *testing.T) {
	for _, c := range []struct {
		bits, value string
		want        []string
	}{
		{"2.7 CVM required", "0040", []string{"byte 2 bit 7: CVM required"}},
		{"1.8-7 type 00 AAC,01 TC,10 ARQC", "80", []string{"byte 1 bits 8-7 = 10: type ARQC"}},
		{"1.8-7 type 00 AAC,01 TC,10 ARQC", "C0", []string{"byte 1 bits 8-7 = 11: type"}},
		{"1.5-1 form 0 card,3 phone", "03", []string{"byte 1 bits 5-1 = 00011: form phone"}},
		{"4.4-1 online F n/a", "000000F0", []string{"byte 4 bit 8: reserved, but set", "byte 4 bit 7: reserved, but set", "byte 4 bit 6: reserved, but set", "byte 4 bit 5: reserved, but set"}},
		{"byte3 00 unknown,01 failed", "000001", []string{"byte 3 = 01: failed"}},
		{"bytes2-3 copy;rest RFU", "01ABCD", []string{"bytes 2-3 = ABCD: copy"}},
		{"TVR layout", "8000000000", []string{"byte 1 bit 8: ODA not performed"}},
		{"layout of 9F33 byte2", "40", []string{"byte 1 bit 7: enciphered online PIN"}},
		{"some note", "40", nil},
		{"3.8 too far", "40", nil},
	} {
		require.Equal(t, c.want, parseLayout(c.bits).describe(unhex(t, c.value)), c.bits)
	}
	name, found := parseLayout("values 00 purchase;01 cash").valueName([]byte{1})
	require.True(t, found)
	require.Equal(t, "cash", name)
	name, found = parseLayout("values Y1 offline approved;other = whatever").valueName([]byte("Y1"))
	require.True(t, found)
	require.Equal(t, "offline approved", name)
}

func BenchmarkLookup(b *testing.B) {
	Lookup(TagTTQ, Context{})
	b.ReportAllocs()
	for b.Loop() {
		Lookup(TagTTQ, Context{Scheme: SchemeVisa})
	}
}

func BenchmarkReadDictionary(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		parseDictionary(tagTable)
	}
}

func TestElements(t *testing.T) {
	for name, e := range elements {
		entry, known := Lookup(e.tag, e.ctx)
		require.True(t, known, name)
		require.False(t, entry.Foreign, name)
	}
	tag, _, found := Element("cvm-list")
	require.True(t, found)
	require.Equal(t, TagCVMList, tag)
	tag, _, found = Element("9F34")
	require.True(t, found)
	require.Equal(t, TagCVMResults, tag)
	for _, bad := range []string{"", "tlv", "atr", "9F"} {
		_, _, found = Element(bad)
		require.False(t, found, bad)
	}
}

// Of an application a registered name tells the scheme, or that it is none of
// those that are known here; the names of directories tell nothing.
func TestContextOf(t *testing.T) {
	for aid, want := range map[string]Context{
		"A0000000031010":               {Scheme: SchemeVisa},
		"A0000000421010":               {Other: true},
		"D27600002547410100":           {Other: true},
		"325041592E5359532E4444463031": {},
		"A000":                         {},
		"":                             {},
	} {
		require.Equal(t, want, ContextOf(unhex(t, aid)), aid)
	}
}
