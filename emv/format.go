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

// FormatOf is the format of an element, FormatB for tags it does not know. Of
// a tag that kernels use in different formats it says FormatB, which is how
// their data are filled and cut. It is a fixed table because data object lists
// are filled with it in every tap; a test compares it with the dictionary.
func FormatOf(tag Tag) Format {
	if tag.Constructed() {
		return FormatConstructed
	}
	switch tag {
	case 0x42, 0x59, TagTransactionDate, TagTransactionType, 0xC8, 0xC9, 0xCA, 0xCB, TagExpirationDate, TagEffectiveDate,
		0x5F26, 0x5F27, TagIssuerCountry, TagTransactionCurrency, 0x5F2B, 0x5F2C, 0x5F30, 0x5F32, 0x5F33, TagPANSequence,
		0x5F35, 0x5F36, 0x5F46, 0x5F47, 0x5F57, 0x9F01, TagAmount, TagAmountOther, 0x9F0C, TagCodeTable, 0x9F15,
		TagTokenRequestor, TagTerminalCountry, TagTransactionTime, TagLastFour, TagTerminalType, TagPOSEntryMode, 0x9F3B,
		0x9F3C, 0x9F3D, TagSequenceCounter, TagApplicationCurrency, 0x9F43, 0x9F44, 0x9F57, 0x9F6A, 0x9F7A, 0x9F7B, 0xDF16,
		0xDF17, 0xDF19, 0xDF34, 0xDF71, 0xDF72, 0xDF76, 0xDF77, 0xDF78, 0xDF79, 0x9F820D, 0x9F820E, 0x9F8211, 0xDF8104,
		0xDF8105, 0xDF8123, 0xDF8124, 0xDF8125, 0xDF8126, 0xDF812D:
		return FormatN
	case TagPAN, 0x5F22, 0x5F23, 0x9F20, 0xDF812B:
		return FormatCN
	case 0x5F55, 0x5F56:
		return FormatA
	case 0x85, TagResponseCode, TagLanguagePreference, 0x9F1C, TagIFDSerial, TagPAR:
		return FormatAN
	case TagApplicationLabel, TagTrack1, 0x5B, TagAuthorisationCode, TagCardholderName, 0x5F21, 0x5F42, 0x5F45, 0x5F50,
		0x9F0B, TagPreferredName, 0x9F16, TagTrack1Discretionary, TagMerchantName, 0xDF812A:
		return FormatANS
	}
	return FormatB
}
