package cryptogram

import "tapsim/emv"

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

// tenElements is the order of the standard elements as a data object list.
var tenElements = emv.DOL{
	{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagAmountOther, Length: 6}, {Tag: emv.TagTerminalCountry, Length: 2},
	{Tag: emv.TagTVR, Length: 5}, {Tag: emv.TagTransactionCurrency, Length: 2}, {Tag: emv.TagTransactionDate, Length: 3},
	{Tag: emv.TagTransactionType, Length: 1}, {Tag: emv.TagUnpredictableNumber, Length: 4}, {Tag: emv.TagAIP, Length: 2},
	{Tag: emv.TagATC, Length: 2},
}

// elementNames are what people call the ten, in the same order.
var elementNames = [...]string{
	"amount, authorised", "amount, other", "terminal country", "terminal verification results",
	"transaction currency", "transaction date", "transaction type", "unpredictable number",
	"application interchange profile", "application transaction counter",
}

// tenLength is the length of the ten in bytes.
const tenLength = 33

// ElementsFrom collects the elements from sources in order: what the terminal
// sent first, then card data. A value of another length than the element's is
// cut or filled as a data object list would.
func ElementsFrom(sources ...emv.Source) Elements {
	var fixed [tenLength]byte
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
