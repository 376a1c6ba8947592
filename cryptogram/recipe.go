package cryptogram

import (
	"fmt"

	"tapsim/emv"
)

// Elements are the ten standard data elements of an application cryptogram, in
// their order, and the issuer application data. The first eight are taken as
// the terminal sent them for the PDOL or CDOL, zeros where it sent none.
type Elements struct {
	Amount              [6]byte // 9F02
	AmountOther         [6]byte // 9F03
	TerminalCountry     [2]byte // 9F1A
	TVR                 [5]byte // 95
	Currency            [2]byte // 5F2A
	Date                [3]byte // 9A
	Type                byte    // 9C
	UnpredictableNumber [4]byte // 9F37
	AIP                 [2]byte // 82
	ATC                 uint16  // 9F36
	IAD                 []byte  // 9F10
}

// ElementsFrom collects the elements from sources in order: what the terminal
// sent first, then card data. A value of another length than the element's is
// cut or filled as a data object list would.
func ElementsFrom(sources ...emv.Source) Elements {
	var fixed [33]byte
	tenElements.AppendData(fixed[:0], sources...)
	var e Elements
	copy(e.Amount[:], fixed[0:6])
	copy(e.AmountOther[:], fixed[6:12])
	copy(e.TerminalCountry[:], fixed[12:14])
	copy(e.TVR[:], fixed[14:19])
	copy(e.Currency[:], fixed[19:21])
	copy(e.Date[:], fixed[21:24])
	e.Type = fixed[24]
	copy(e.UnpredictableNumber[:], fixed[25:29])
	copy(e.AIP[:], fixed[29:31])
	e.ATC = uint16(fixed[31])<<8 | uint16(fixed[32])
	for _, s := range sources {
		if v, ok := s.Lookup(emv.TagIAD); ok {
			e.IAD = v
			break
		}
	}
	return e
}

// tenElements is the order of the standard elements as a data object list.
var tenElements = emv.DOL{
	{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagAmountOther, Length: 6}, {Tag: emv.TagTerminalCountry, Length: 2},
	{Tag: emv.TagTVR, Length: 5}, {Tag: emv.TagTransactionCurrency, Length: 2}, {Tag: emv.TagTransactionDate, Length: 3},
	{Tag: emv.TagTransactionType, Length: 1}, {Tag: emv.TagUnpredictableNumber, Length: 4}, {Tag: emv.TagAIP, Length: 2},
	{Tag: emv.TagATC, Length: 2},
}

func (e *Elements) appendTen(dst []byte) []byte {
	dst = append(dst, e.Amount[:]...)
	dst = append(dst, e.AmountOther[:]...)
	dst = append(dst, e.TerminalCountry[:]...)
	dst = append(dst, e.TVR[:]...)
	dst = append(dst, e.Currency[:]...)
	dst = append(dst, e.Date[:]...)
	dst = append(dst, e.Type)
	dst = append(dst, e.UnpredictableNumber[:]...)
	dst = append(dst, e.AIP[:]...)
	return append(dst, byte(e.ATC>>8), byte(e.ATC))
}

// Layout says what a recipe puts into the MAC.
type Layout byte

// Layouts of the MAC input.
const (
	LayoutCVR         Layout = iota + 1 // ten elements and the CVR
	LayoutCVRCounters                   // ten elements, CVR, counters
	LayoutIAD                           // ten elements and the whole issuer application data
	LayoutShort                         // 9F02, 9F37, 9F36 and the second byte of the CVR (Visa CVN 17)
)

// ARPCMethod is how the issuer authenticates its answer.
type ARPCMethod byte

// ARPC methods of EMV Book 2, 8.2. The zero value is none.
const (
	ARPC1Card    ARPCMethod = iota + 1 // method 1 under the card key
	ARPC1Session                       // method 1 under the session key
	ARPC2Session                       // method 2 under the session key
)

// Recipe defines an application cryptogram: which key, which data, which
// padding. Card and issuer choose it by scheme and by the cryptogram version
// number in the issuer application data.
type Recipe struct {
	Name     string // "Visa CVN 18"
	Scheme   emv.Scheme
	CVN      byte // as it stands in 9F10
	Session  SessionMethod
	Layout   Layout
	Padding  Padding
	ARPC     ARPCMethod
	Evidence string // where a published number pins it, or why none does
}

// recipes is the table of crypto.md section 4.
var recipes = []Recipe{
	{"Visa CVN 10", emv.SchemeVisa, 0x0A, SessionNone, LayoutCVR, Padding1, ARPC1Card, "card trace"},
	{"Visa CVN 17", emv.SchemeVisa, 0x11, SessionNone, LayoutShort, Padding1, ARPC1Card, "no published number: two public implementations agree on the input"},
	{"Visa CVN 18", emv.SchemeVisa, 0x12, SessionCSK, LayoutIAD, Padding2, ARPC2Session, "card trace"},
	{"Visa CVN 22", emv.SchemeVisa, 0x22, SessionCSK, LayoutIAD, Padding2, ARPC2Session, "card trace"},
	{"Visa cloud CVN 43", emv.SchemeVisa, 0x43, SessionLimitedUse, LayoutIAD, Padding2, ARPC2Session, "limited-use key published; the MAC input and the ARPC are our own choice"},
	{"Mastercard CVN 10", emv.SchemeMastercard, 0x10, SessionMastercardSKD, LayoutCVR, Padding2, ARPC1Card, "card trace"},
	{"Mastercard CVN 11", emv.SchemeMastercard, 0x11, SessionMastercardSKD, LayoutCVRCounters, Padding2, ARPC1Card, "published test"},
	{"Mastercard CVN 14", emv.SchemeMastercard, 0x14, SessionCSK, LayoutCVR, Padding2, ARPC1Session, "published test"},
	{"Mastercard CVN 15", emv.SchemeMastercard, 0x15, SessionCSK, LayoutCVRCounters, Padding2, ARPC1Session, "published test"},
	{"UnionPay CVN 01", emv.SchemeUnionPay, 0x01, SessionPBOC, LayoutCVR, Padding2, ARPC1Session, "card trace"},
	{"EMV CCD", emv.SchemeCCD, 0xA5, SessionCSK, LayoutIAD, Padding2, ARPC2Session, "EMVCo worked example"},
	{"Interac CVN 133", emv.SchemeInterac, 0x85, SessionMastercardSKD, LayoutIAD, Padding2, ARPC1Session, "published test"},
	{"JCB CVN 01", emv.SchemeJCB, 0x01, SessionNone, LayoutCVR, Padding1, ARPC1Card, "vendor document for the arithmetic; data list by analogy"},
}

// RecipeFor finds the recipe for a scheme and the issuer application data of a
// transaction. The shape of the data decides where it belongs to CCD or
// Interac whatever the scheme.
func RecipeFor(scheme emv.Scheme, iad []byte) (Recipe, error) {
	parsed, err := emv.ParseIAD(scheme, iad)
	if err != nil {
		return Recipe{}, err
	}
	switch parsed.Format {
	case emv.IADCCD:
		scheme = emv.SchemeCCD
	case emv.IADInterac:
		scheme = emv.SchemeInterac
	}
	for _, r := range recipes {
		if r.Scheme == scheme && r.CVN == parsed.CVN {
			return r, nil
		}
	}
	return Recipe{}, fmt.Errorf("no recipe for %s cryptogram version %02X", scheme, parsed.CVN)
}

// AppendInput appends the MAC input, without padding, to dst.
func (r Recipe) AppendInput(dst []byte, e *Elements) ([]byte, error) {
	iad, err := emv.ParseIAD(r.Scheme, e.IAD)
	if err != nil {
		return dst, err
	}
	switch r.Layout {
	case LayoutCVR:
		return append(e.appendTen(dst), iad.CVR...), nil
	case LayoutCVRCounters:
		return append(append(e.appendTen(dst), iad.CVR...), iad.Counters...), nil
	case LayoutIAD:
		return append(e.appendTen(dst), e.IAD...), nil
	case LayoutShort:
		dst = append(dst, e.Amount[:]...)
		dst = append(dst, e.UnpredictableNumber[:]...)
		return append(dst, byte(e.ATC>>8), byte(e.ATC), iad.CVR[1]), nil
	}
	return dst, fmt.Errorf("recipe %s has no layout", r.Name)
}

// Cryptogram is an application cryptogram, tag 9F26.
type Cryptogram [8]byte

// Generate makes the application cryptogram with a card key (or a limited-use
// key, where the recipe takes one).
func (r Recipe) Generate(card *Key, e *Elements) (Cryptogram, error) {
	session, err := SessionKey(card, r.Session, e.ATC, e.UnpredictableNumber)
	if err != nil {
		return Cryptogram{}, err
	}
	return r.GenerateWithSession(session, e)
}

// GenerateWithSession is Generate with the session key derived already.
func (r Recipe) GenerateWithSession(session *Key, e *Elements) (Cryptogram, error) {
	var c Cryptogram
	buf, err := r.AppendInput(make([]byte, 0, 96), e)
	if err != nil {
		return c, err
	}
	if session.Algorithm() == AES {
		return c, fmt.Errorf("recipe %s is not defined for AES", r.Name)
	}
	padded := appendPadding(buf, 0, session.Algorithm().BlockSize(), r.Padding)
	copy(c[:], session.macPadded(padded))
	return c, nil
}
