package cryptogram

import (
	"fmt"

	"tapsim/emv"
)

// recipes is the table of application cryptograms. The byte is the one in
// 9F10: scheme papers write the older numbers in decimal (Visa 10, 17, 18 are
// 0A, 11, 12; Mastercard 16, 17, 20, 21 are 10, 11, 14, 15), the newer ones in
// hex (Visa 22, 43).
var recipes = [...]Recipe{
	{"Visa CVN 10", emv.SchemeVisa, 0x0A, SessionNone, LayoutCVR, Padding1, ARPC1Card, ScriptVisa,
		"card trace"},
	{"Visa CVN 17", emv.SchemeVisa, 0x11, SessionNone, LayoutShort, Padding1, ARPC1Card, ScriptVisa,
		"no published number: public implementations agree on the input"},
	{"Visa CVN 18", emv.SchemeVisa, 0x12, SessionCSK, LayoutIAD, Padding2, ARPC2Session, ScriptVisa,
		"card trace"},
	{"Visa CVN 22", emv.SchemeVisa, 0x22, SessionCSK, LayoutIAD, Padding2, ARPC2Session, ScriptVisaCSK,
		"card trace"},
	{"Visa cloud CVN 43", emv.SchemeVisa, 0x43, SessionLimitedUse, LayoutIAD, Padding2, ARPC2Session, ScriptNone,
		"published number for the limited-use key; the MAC input and the ARPC are this project's choice"},
	{"Mastercard CVN 10", emv.SchemeMastercard, 0x10, SessionMastercardSKD, LayoutCVR, Padding2, ARPC1Card, ScriptMastercard,
		"card trace"},
	{"Mastercard CVN 11", emv.SchemeMastercard, 0x11, SessionMastercardSKD, LayoutCVRCounters, Padding2, ARPC1Card, ScriptMastercard,
		"published test"},
	{"Mastercard CVN 14", emv.SchemeMastercard, 0x14, SessionCSK, LayoutCVR, Padding2, ARPC1Session, ScriptMastercard,
		"published test"},
	{"Mastercard CVN 15", emv.SchemeMastercard, 0x15, SessionCSK, LayoutCVRCounters, Padding2, ARPC1Session, ScriptMastercard,
		"published test"},
	{"UnionPay CVN 01", emv.SchemeUnionPay, 0x01, SessionPBOC, LayoutCVR, Padding2, ARPC1Session, ScriptPBOC,
		"card trace"},
	{"EMV CCD cryptogram version 5", emv.SchemeCCD, 0x05, SessionCSK, LayoutIAD, Padding2, ARPC2Session, ScriptCCD,
		"EMVCo worked example"},
	{"EMV CCD cryptogram version 6", emv.SchemeCCD, 0x06, SessionCSK, LayoutIAD, Padding2, ARPC2Session, ScriptCCD,
		"no published number: AES with option C, the common session key and CMAC"},
	{"Interac CVN 133", emv.SchemeInterac, 0x85, SessionMastercardSKD, LayoutIAD, Padding2, ARPC1Session, ScriptInterac,
		"published test"},
	{"JCB CVN 01", emv.SchemeJCB, 0x01, SessionNone, LayoutCVR, Padding1, ARPC1Card, ScriptNone,
		"vendor document for the arithmetic; data list and ARPC by analogy to Visa CVN 10"},
	{"American Express CVN 01", emv.SchemeAmex, 0x01, SessionNone, LayoutCVR, Padding1, ARPC1Card, ScriptNone,
		"doubtful: no published key and number; data list, padding and ARPC by analogy to Visa CVN 10"},
}

// refusals are cryptogram versions that are known to exist and have no recipe
// here, with the reason.
var refusals = [...]struct {
	scheme      emv.Scheme
	first, last byte
	reason      string
}{
	{emv.SchemeVisa, 0x0C, 0x0C, "the issuer defines it"},
	{emv.SchemeVisa, 0x0E, 0x0E, "public sources contradict each other on its session key"},
	{emv.SchemeVisa, 0x2C, 0x2C, "the issuer defines it"},
	{emv.SchemeVisa, 0x32, 0x3B, "the issuer defines it"},
	{emv.SchemeMastercard, 0x12, 0x13, "reserved for future use"},
	{emv.SchemeMastercard, 0x16, 0x1F, "reserved for future use"},
	{emv.SchemeUnionPay, 0x11, 0x11, "no public source defines its data list"},
	{emv.SchemeJCB, 0x04, 0x04, "no public source defines its data list"},
	{emv.SchemeAmex, 0x02, 0x02, "no public source defines it"},
	{emv.SchemeDiscover, 0x00, 0xFF, "no public source defines Discover cryptograms"},
}

// UnsupportedError says why there is no recipe for a cryptogram version.
type UnsupportedError struct {
	Scheme emv.Scheme
	CVN    byte
	Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("no recipe for %s cryptogram version %02X: %s", e.Scheme, e.CVN, e.Reason)
}

// Recipes is the table of all recipes, in the order of the documentation.
func Recipes() []Recipe { return append([]Recipe(nil), recipes[:]...) }

// RecipeFor finds the recipe for a scheme and the issuer application data of a
// transaction. The shape of the data decides where it belongs to CCD or
// Interac whatever the scheme, and wholly when the scheme is not known. A
// version that has no recipe is an *UnsupportedError.
func RecipeFor(scheme emv.Scheme, iad []byte) (Recipe, error) {
	parsed, err := emv.ParseIAD(scheme, iad)
	if err != nil {
		return Recipe{}, err
	}
	scheme, cvn := family(scheme, parsed)
	for i := range recipes {
		if r := &recipes[i]; r.Scheme == scheme && r.CVN == cvn {
			return *r, nil
		}
	}
	return Recipe{}, unsupported(scheme, parsed.CVN)
}

// family is whose cryptogram version number the data carry, and the number. In
// CCD data it is the low half of the common core identifier, whose high half
// names the layout (EMV Book 3, Annex C).
func family(scheme emv.Scheme, iad emv.IAD) (emv.Scheme, byte) {
	switch {
	case iad.Format == emv.IADCCD:
		return emv.SchemeCCD, iad.CVN & 0x0F
	case iad.Format == emv.IADInterac:
		return emv.SchemeInterac, iad.CVN
	case scheme != emv.SchemeUnknown:
		return scheme, iad.CVN
	}
	switch iad.Format {
	case emv.IADVisa013, emv.IADVisa24:
		scheme = emv.SchemeVisa
	case emv.IADMChip:
		scheme = emv.SchemeMastercard
	case emv.IADPBOC:
		scheme = emv.SchemeUnionPay
	case emv.IADJCB:
		scheme = emv.SchemeJCB
	}
	return scheme, iad.CVN
}

func unsupported(scheme emv.Scheme, cvn byte) error {
	e := &UnsupportedError{Scheme: scheme, CVN: cvn, Reason: "unknown"}
	for _, r := range refusals {
		if r.scheme == scheme && cvn >= r.first && cvn <= r.last {
			e.Reason = r.reason
		}
	}
	return e
}
