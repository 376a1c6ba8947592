package qr

// IDs of the first level that the code refers to (EMV QR, merchant-presented
// mode, table of data objects under the root).
const (
	idFormat     ID = 0
	idInitiation ID = 1
	idCategory   ID = 52
	idCurrency   ID = 53
	idAmount     ID = 54
	idTip        ID = 55
	idFixedFee   ID = 56
	idPercentFee ID = 57
	idCountry    ID = 58
	idName       ID = 59
	idCity       ID = 60
	idPostalCode ID = 61
	idAdditional ID = 62
	idCRC        ID = 63
	idLanguage   ID = 64

	firstAccount, firstTemplate, lastAccount ID = 2, 26, 51
	firstReserved, lastReserved              ID = 65, 79

	idGUID ID = 0 // in templates

	idAsk             ID = 9 // in ID 62
	idChannel         ID = 11
	idMobile          ID = 2
	lastLabel         ID = 8
	firstSystemObject ID = 50
)

// charset is which characters a value may have.
type charset byte

const (
	numeric charset = iota + 1 // digits
	special                    // printable ASCII: format ans
	anyText                    // any: format S
)

func (c charset) has(r rune) bool {
	switch c {
	case numeric:
		return r >= '0' && r <= '9'
	case special:
		return r >= ' ' && r <= '~'
	}
	return true
}

// field is the rule for one object: its name for people, its characters and
// how many.
type field struct {
	name     string
	set      charset
	low, top int
}

var rootFields = map[ID]field{
	idFormat:     {"Payload format indicator", numeric, 2, 2},
	idInitiation: {"Point of initiation method", numeric, 2, 2},
	idCategory:   {"Merchant category code", numeric, 4, 4},
	idCurrency:   {"Transaction currency", numeric, 3, 3},
	idAmount:     {"Transaction amount", special, 1, 13},
	idTip:        {"Tip or convenience indicator", numeric, 2, 2},
	idFixedFee:   {"Convenience fee, fixed", special, 1, 13},
	idPercentFee: {"Convenience fee, percentage", special, 1, 5},
	idCountry:    {"Country code", special, 2, 2},
	idName:       {"Merchant name", special, 1, 25},
	idCity:       {"Merchant city", special, 1, 15},
	idPostalCode: {"Postal code", special, 1, 10},
	idAdditional: {"Additional data", anyText, 1, 99},
	idCRC:        {"CRC", special, 4, 4},
	idLanguage:   {"Merchant information in another language", anyText, 1, 99},
}

var additionalFields = map[ID]field{
	1:         {"Bill number", special, 1, 25},
	idMobile:  {"Mobile number", special, 1, 25},
	3:         {"Store label", special, 1, 25},
	4:         {"Loyalty number", special, 1, 25},
	5:         {"Reference label", special, 1, 25},
	6:         {"Customer label", special, 1, 25},
	7:         {"Terminal label", special, 1, 25},
	lastLabel: {"Purpose of transaction", special, 1, 25},
	idAsk:     {"Consumer data asked for", special, 1, 3},
	10:        {"Merchant tax identification", special, 1, 20},
	idChannel: {"Merchant channel", special, 3, 3},
}

var languageFields = map[ID]field{
	0: {"Language", special, 2, 2},
	1: {"Merchant name", anyText, 1, 25},
	2: {"Merchant city", anyText, 1, 15},
}

var (
	guidField      = field{"Globally unique identifier", special, 1, 32}
	networkField   = field{"Data of the payment network", anyText, 1, 99}
	accountField   = field{"Merchant account", special, 1, 99}
	accountTField  = field{"Merchant account", anyText, 1, 99}
	templateField  = field{"Template of a payment network", anyText, 1, 99}
	unreserved     = field{"Unreserved template", anyText, 1, 99}
	reservedField  = field{"Reserved for EMVCo", anyText, 1, 99}
	accountSystems = [...]struct {
		last ID
		name string
	}{{3, "Visa"}, {5, "Mastercard"}, {8, "reserved"}, {10, "Discover"}, {12, "American Express"}, {14, "JCB"}, {16, "UnionPay"}, {25, "reserved"}}
)

// rootField is the rule for an object of the first level.
func rootField(id ID) field {
	switch f, ok := rootFields[id]; {
	case ok:
		return f
	case id < firstTemplate:
		f = accountField
		for _, s := range accountSystems {
			if id <= s.last {
				f.name += ", " + s.name
				break
			}
		}
		return f
	case id <= lastAccount:
		return accountTField
	case id <= lastReserved:
		return reservedField
	}
	return unreserved
}

func additionalField(id ID) field {
	f, ok := additionalFields[id]
	switch {
	case ok:
		return f
	case id >= firstSystemObject:
		return templateField
	}
	return reservedField
}

func languageField(id ID) field {
	if f, ok := languageFields[id]; ok {
		return f
	}
	return reservedField
}

func templateFieldOf(id ID) field {
	if id == idGUID {
		return guidField
	}
	return networkField
}
