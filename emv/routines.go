package emv

import (
	"fmt"
	"strings"
)

// routine finds the routine of the tag. Where kernels disagree about a tag,
// the owner of the meaning is part of the key.
func (v value) routine() (routine, bool) {
	if f, found := kernelRoutines[kernelTag{v.tag, v.entry.Owner}]; found {
		return f, true
	}
	if !v.entry.general() {
		return nil, false
	}
	f, found := routines[v.tag]
	return f, found
}

type kernelTag struct {
	tag   Tag
	owner string
}

// kernelRoutines are for meanings that kernels or ISO give to a tag, routines
// for EMV's own.
var (
	kernelRoutines map[kernelTag]routine
	routines       map[Tag]routine
)

// The tables are filled here because some routines look tags up themselves.
func init() {
	kernelRoutines = map[kernelTag]routine{
		{TagApplicationProgramID, "K3"}: programIdentifier,
		{TagFormFactor, "K2"}:           thirdPartyData,
		{0x9F71, "K4"}:                  mobileCVMResults,
		{0x9F6B, "K2"}:                  track2Text,
		{TagCTQ, "K2"}:                  version,
		{0x9F6D, "K2"}:                  version,
	}
	routines = map[Tag]routine{
		TagADFName: aid, TagDFName: aid, 0x9F06: aid, 0x9D: aid,
		TagPAN: panText, TagTrack2: track2Text, 0x5F30: serviceCode,
		TagLanguagePreference: languages, TagPreferredName: preferredName, TagCodeTable: codeTable,
		TagPriority: priority, 0x88: shortFile, 0x9F4D: logEntry,
		TagKernelIdentifier: kernelIdentifier, TagAFL: locator, TagResponseFormat1: responseFormat1,
		TagATC: counter, 0x9F13: counter, 0x9F17: counter, 0x9F14: counter, 0x9F23: counter,
		TagIssuerExponent: counter, TagICCExponent: counter, 0x9F2E: counter,
		TagTerminalVersion: version, 0x9F08: version,
		0x81: binaryAmount, 0x9F04: binaryAmount, TagTerminalFloorLimit: binaryAmount, 0x9F3A: binaryAmount,
		0x5F55: countryLetters, TagTransactionTime: clock, 0x9F3B: referenceCurrencies, TagSDATagList: tagList, 0x5C: tagList,
		TagCVMList: cvmList, TagCVMResults: cvmResults, TagTerminalType: terminalType,
		TagCID: cryptogramInformation, TagIAD: issuerApplicationData, TagIssuerAuthData: issuerAuthentication,
		0x86: issuerScript, TagResponseCode: responseCode,
		0x9F0A: registeredItems, 0x8B: pointOfInteraction, 0x9F3E: terminalCategories,
	}
}

// knownAIDs are names for the beginnings of application identifiers, the
// longest first where one begins with another.
var knownAIDs = []struct{ prefix, name string }{
	{"325041592E5359532E4444463031", "PPSE, the contactless directory"},
	{"315041592E5359532E4444463031", "PSE, the contact directory"},
	{"4F53452E5641532E3031", "value added services directory"},
	{"A0000000031010", "Visa credit or debit"}, {"A0000000032010", "Visa Electron"}, {"A0000000032020", "V PAY"},
	{"A0000000038010", "Visa Plus"}, {"A000000003", "Visa"},
	{"A0000000041010", "Mastercard credit or debit"}, {"A0000000043060", "Maestro"}, {"A0000000042203", "Mastercard US Maestro"},
	{"A0000000046000", "Cirrus"}, {"A000000004", "Mastercard"},
	{"A00000002501", "American Express"}, {"A000000025", "American Express"},
	{"A000000333010101", "UnionPay debit"}, {"A000000333010102", "UnionPay credit"},
	{"A000000333010103", "UnionPay quasi-credit"}, {"A000000333010106", "UnionPay electronic cash"}, {"A000000333", "UnionPay"},
	{"A0000000651010", "JCB"}, {"A000000065", "JCB"},
	{"A0000001523010", "Discover"}, {"A0000001524010", "Discover US common debit"}, {"A000000152", "Discover"},
	{"A0000003241010", "Discover ZIP"}, {"A0000002771010", "Interac"}, {"A000000277", "Interac"},
	{"A0000000980840", "Visa US common debit"}, {"A000000042", "Cartes Bancaires"}, {"A000000384", "eftpos Australia"},
	{"A0000003591010028001", "girocard"}, {"A00000005945430100", "girocard electronic cash"}, {"D276000025", "girocard, Geldkarte"},
	{"A000000524", "RuPay"}, {"A000000658", "Mir"}, {"A0000001510000", "GlobalPlatform card manager"},
}

// aid names an application identifier or directory.
func aid(v value, item *Item) bool {
	code := upperHex(v.bytes)
	for _, k := range knownAIDs {
		if strings.HasPrefix(code, k.prefix) {
			item.Text = k.name
			return true
		}
	}
	return true
}

func panText(v value, item *Item) bool {
	digits, err := Digits(v.bytes)
	if err != nil {
		return false
	}
	item.Text = digits
	if !PAN(digits).Valid() {
		item.Text += ", not a correct account number"
	}
	return true
}

func track2Text(v value, item *Item) bool {
	t, err := ParseTrack2(v.bytes)
	if err != nil {
		item.Text = err.Error()
		return true
	}
	item.Text = fmt.Sprintf("account number %s, expiry %s (YYMM), service code %s, discretionary data %s",
		string(t.PAN), t.Expiry, t.ServiceCode, t.Discretionary)
	return true
}

// languageNames are the ISO 639 languages that cards name most.
var languageNames = map[string]string{
	"ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
	"es": "Spanish", "et": "Estonian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
	"hu": "Hungarian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ko": "Korean",
	"lt": "Lithuanian", "lv": "Latvian", "ms": "Malay", "mt": "Maltese", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
	"pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
	"sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}

// languages is tag 5F2D: pairs of letters, the best first. Some cards write
// them as capitals, or fill unused places.
func languages(v value, item *Item) bool {
	if len(v.bytes)%2 != 0 {
		return false
	}
	var names []string
	for i := 0; i < len(v.bytes); i += 2 {
		name, known := languageNames[strings.ToLower(string(v.bytes[i:i+2]))]
		if !known {
			name = "unknown language " + decodeText(v.bytes[i:i+2], 0)
		}
		names = append(names, name)
	}
	item.Text = strings.Join(names, ", ")
	return true
}

// preferredName is tag 9F12, in the code table that tag 9F11 names: the
// nearest that follows, or else the last before it.
func preferredName(v value, item *Item) bool {
	table := 0
	if b := v.scope.nearest(TagCodeTable, TagPreferredName); len(b) == 1 {
		n, _ := BCD(b)
		table = int(n)
	}
	item.Text = quoted(decodeText(v.bytes, table))
	return true
}

// codeTable is tag 9F11 (EMV Book 4, Annex B).
func codeTable(v value, item *Item) bool {
	n, err := BCD(v.bytes)
	if err != nil || n < 1 || n > 10 {
		item.Text = "no code table of EMV"
		return true
	}
	item.Text = fmt.Sprintf("ISO 8859-%d", n)
	return true
}

func priority(v value, item *Item) bool {
	if len(v.bytes) != 1 {
		return false
	}
	item.Text = "no priority"
	if n := v.bytes[0] & 0xF; n != 0 {
		item.Text = fmt.Sprintf("priority %d", n)
	}
	if v.bytes[0]&0x80 != 0 {
		item.Text += ", only with the cardholder's confirmation"
	}
	return true
}

func shortFile(v value, item *Item) bool {
	if len(v.bytes) != 1 {
		return false
	}
	n := v.bytes[0]
	switch {
	case n >= 1 && n <= 10:
		item.Text = fmt.Sprintf("file %d, governed by EMV", n)
	case n >= 11 && n <= 20:
		item.Text = fmt.Sprintf("file %d, of the payment system", n)
	case n >= 21 && n <= 30:
		item.Text = fmt.Sprintf("file %d, of the issuer", n)
	default:
		item.Text = "no short file identifier"
	}
	return true
}

// countryLetters is tag 5F55.
func countryLetters(v value, item *Item) bool {
	c, known := CountryByAlpha(string(v.bytes))
	item.Text = c.Name
	return known
}

func binaryAmount(v value, item *Item) bool {
	if len(v.bytes) != 4 {
		return false
	}
	item.Text = v.amount(int64(bigEndian(v.bytes)))
	return true
}

// counter is a binary number.
func counter(v value, item *Item) bool {
	if len(v.bytes) > 4 {
		return false
	}
	item.Text = fmt.Sprintf("%d", bigEndian(v.bytes))
	return true
}

// version is an application version number of two bytes.
func version(v value, item *Item) bool {
	item.Text = fmt.Sprintf("version %d", bigEndian(v.bytes))
	return len(v.bytes) == 2
}

func clock(v value, item *Item) bool {
	n, err := BCD(v.bytes)
	if err != nil || len(v.bytes) != 3 {
		return false
	}
	h, m, s := n/10000, n/100%100, n%100
	item.Text = fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	if h > 23 || m > 59 || s > 59 {
		item.Text += ", no time of the day"
	}
	return true
}

// locator lists the records that an AFL names.
func locator(v value, item *Item) bool {
	a, err := ParseAFL(v.bytes)
	if err != nil {
		item.Text = "damaged: " + err.Error()
		return true
	}
	item.Text = count(a.Records(), "record") + " to read"
	for _, e := range a {
		records := fmt.Sprintf("records %d to %d", e.First, e.Last)
		if e.First == e.Last {
			records = fmt.Sprintf("record %d", e.First)
		}
		item.Details = append(item.Details, fmt.Sprintf("SFI %d, %s, %s", e.SFI, records, e.signedText()))
	}
	return true
}

// signedText says how many records of a run are part of offline data
// authentication.
func (e AFLEntry) signedText() string {
	switch {
	case e.Signed == 0:
		return "not signed"
	case e.Signed == e.Last-e.First+1:
		return "signed"
	case e.Signed == 1:
		return "the first signed"
	default:
		return fmt.Sprintf("the first %d signed", e.Signed)
	}
}

// cryptogramInformation is tag 9F27: the type in words, and what else is set.
func cryptogramInformation(v value, item *Item) bool {
	b := v.bytes[0]
	item.Text = map[CryptogramType]string{
		AAC: "AAC, declined", TC: "TC, approved offline", ARQC: "ARQC, an online authorisation is asked for",
	}[CryptogramType(b&0xC0)]
	if item.Text == "" {
		item.Text = "reserved type of cryptogram"
	}
	for _, line := range parseLayout(v.entry.Bits).describe([]byte{b & 0x3F}) {
		if !strings.Contains(line, "= 00: type") && !strings.Contains(line, "= 000: reason") {
			item.Details = append(item.Details, line)
		}
	}
	return true
}

func terminalType(v value, item *Item) bool {
	if len(v.bytes) != 1 {
		return false
	}
	item.Text = TerminalType(v.bytes[0]).String()
	return true
}

func logEntry(v value, item *Item) bool {
	if len(v.bytes) != 2 {
		return false
	}
	item.Text = fmt.Sprintf("file %d, %s", v.bytes[0], count(int(v.bytes[1]), "record"))
	return true
}

// tagList names the tags of a list that has no lengths.
func tagList(v value, item *Item) bool {
	for b := v.bytes; len(b) > 0; {
		tag, n, reason := readTag(b)
		if reason != "" {
			item.Text = "damaged: " + reason
			return true
		}
		name := "unknown tag"
		if e, known := Lookup(tag, Context{Scheme: v.scope.ctx.Scheme, Kernel: v.scope.ctx.Kernel}); known {
			name = e.Title()
		}
		item.Details = append(item.Details, tag.String()+" "+name)
		b = b[n:]
	}
	return true
}
