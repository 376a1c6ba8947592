package emv

// Format is the coding of a data element (EMV Book 3, 4.3).
type Format byte

// Formats of EMV Book 3, 4.3.
const (
	FormatB           Format = iota + 1 // binary
	FormatN                             // numeric: BCD, right justified, 00 fill
	FormatCN                            // compressed numeric: BCD, left justified, F fill
	FormatA                             // letters
	FormatAN                            // letters and digits
	FormatANS                           // letters, digits, special characters
	FormatConstructed                   // holds further objects
)

// numericTags are the elements of format n that a data object list may ask
// for; no tag is numeric in one kernel and something else in another.
var numericTags = map[Tag]bool{
	TagAmount: true, TagAmountOther: true, TagTerminalCountry: true, TagTransactionCurrency: true,
	TagTransactionDate: true, TagTransactionType: true, TagTransactionTime: true, TagTerminalType: true,
	TagPOSEntryMode: true, TagSequenceCounter: true, TagExpirationDate: true, TagEffectiveDate: true,
	TagIssuerCountry: true, TagPANSequence: true, TagApplicationCurrency: true,
}

// FormatOf is the format of an element, FormatB for tags it does not know.
func FormatOf(tag Tag) Format {
	switch {
	case tag.Constructed():
		return FormatConstructed
	case numericTags[tag]:
		return FormatN
	case tag == TagPAN:
		return FormatCN
	default:
		return FormatB
	}
}
