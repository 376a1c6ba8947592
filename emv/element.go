package emv

// elements are the names under which decoders and collections of test data
// know single values.
var elements = map[string]struct {
	tag Tag
	ctx Context
}{
	"aip": {tag: TagAIP}, "afl": {tag: TagAFL}, "auc": {tag: TagAUC}, "cid": {tag: TagCID}, "tvr": {tag: TagTVR}, "tsi": {tag: TagTSI},
	"track2": {tag: TagTrack2}, "mcc": {tag: 0x9F15}, "dol": {tag: TagPDOL}, "tag-list": {tag: 0x5C},
	"cvm-list": {tag: TagCVMList}, "cvm-results": {tag: TagCVMResults}, "issuer-app-data": {tag: TagIAD},
	"issuer-auth-data": {tag: TagIssuerAuthData}, "auth-response-code": {tag: TagResponseCode},
	"term-type": {tag: TagTerminalType}, "term-caps": {tag: TagTerminalCapabilities}, "addl-term-caps": {tag: 0x9F40},
	"pos-entry-mode": {tag: TagPOSEntryMode}, "terminal-risk-management-data": {tag: 0x9F1D},
	"ttq": {TagTTQ, Context{Scheme: SchemeVisa}}, "ctq": {TagCTQ, Context{Scheme: SchemeVisa}}, "visa-ffi": {TagFormFactor, Context{Scheme: SchemeVisa}},
	"mastercard-third-party-data": {TagFormFactor, Context{Scheme: SchemeMastercard}},
	"amex-cl-reader-caps":         {0x9F6D, Context{Scheme: SchemeAmex}}, "amex-enh-cl-reader-caps": {TagFormFactor, Context{Scheme: SchemeAmex}},
}

// Element finds the tag of a single value by the name that decoders use, such
// as "issuer-app-data", or by the tag in hex, with the context in which the
// name makes sense.
func Element(name string) (Tag, Context, bool) {
	if e, found := elements[name]; found {
		return e.tag, e.ctx, true
	}
	tag, err := ParseTag(name)
	return tag, Context{}, err == nil
}
