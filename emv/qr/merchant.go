package qr

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tapsim/emv"
)

// MaxMerchantText bounds a merchant-presented code, in characters.
const MaxMerchantText = 512

// AskPayer is the value of an object of Additional that the payer's phone asks
// the payer for.
const AskPayer = "***"

// Initiation says how often a merchant's code can be used, ID 01.
type Initiation byte

// Points of initiation. Zero is a code that does not say.
const (
	Static  Initiation = 11 // the same code for every payment
	Dynamic Initiation = 12 // a code for one payment
)

// String is the initiation in words.
func (i Initiation) String() string {
	switch i {
	case Static:
		return "static: the same code for every payment"
	case Dynamic:
		return "dynamic: a code for one payment"
	}
	return "not told"
}

// Merchant is a merchant-presented code (EMV QR, merchant-presented mode).
// Lists stand in the order of their IDs; a list without objects is nil. What
// is empty is not in the code.
type Merchant struct {
	Initiation Initiation
	Accounts   []Template   // IDs 02 to 51: where the money goes, at least one
	Category   string       // merchant category code, four digits
	Currency   emv.Currency // one of ISO 4217
	Amount     *int64       // in minor units, above zero; nil: the payer types it
	Tip        Tip
	Country    string // two letters of ISO 3166-1
	Name, City string // in Latin letters, at most 25 and 15
	PostalCode string
	Additional Additional
	Language   Language
	Reserved   []Object   // IDs 65 to 79, which EMVCo keeps for later
	Unreserved []Template // IDs 80 to 99
}

// Template is a merchant account or data that a payment network has defined.
type Template struct {
	ID      ID
	Value   Value    // of the accounts 02 to 25, which hold nothing else
	GUID    string   // of all others: whose objects they are; an AID, a UUID or a reversed domain
	Objects []Object // IDs 01 to 99
}

// Additional is the additional data, ID 62. A value may be AskPayer.
type Additional struct {
	Bill, Mobile, Store, Loyalty, Reference, Customer, Terminal, Purpose string // IDs 01 to 08, at most 25 characters

	Ask       string     // ID 09: what the phone shall send, letters out of A (address), M (mobile number), E (e-mail address)
	TaxID     string     // ID 10
	Channel   string     // ID 11, three characters
	Reserved  []Object   // IDs 12 to 49
	Templates []Template // IDs 50 to 99
}

// Language is the merchant's name in another language, ID 64. Values are in
// any alphabet.
type Language struct {
	Code     string // two letters of ISO 639
	Name     string // at most 25 characters
	City     string // at most 15
	Reserved []Object
}

// Account finds a merchant account by its globally unique identifier, whose
// letters may be of either case: it is an AID or a domain.
func (m Merchant) Account(guid string) (Template, bool) {
	i := slices.IndexFunc(m.Accounts, func(t Template) bool { return strings.EqualFold(t.GUID, guid) })
	if i < 0 || guid == "" {
		return Template{}, false
	}
	return m.Accounts[i], true
}

// Object finds an object of a template; "" when it has none with that ID.
func (t Template) Object(id ID) Value {
	for _, o := range t.Objects {
		if o.ID == id {
			return o.Value
		}
	}
	return ""
}

// Format prints who is paid and how much, whatever the verb.
func (m Merchant) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "QR code of %s, %s", strings.Map(visible, m.Name), strings.Map(visible, m.City))
	if m.Amount != nil {
		_, _ = io.WriteString(f, ", "+m.Currency.Format(*m.Amount)+" "+m.Currency.Alpha)
	}
}

// MarshalJSON is the explanation of the code, masked.
func (m Merchant) MarshalJSON() ([]byte, error) {
	text, err := m.Text()
	if err != nil {
		return nil, err
	}
	items, err := Explain(text, false)
	if err != nil {
		return nil, err
	}
	return json.Marshal(items)
}

// ParseMerchant reads a merchant-presented code. It refuses, with an *Error:
// what is no UTF-8 or has control characters, objects out of their limits, a
// first object that is not 00, a last one that is not the CRC, a wrong CRC,
// IDs that are doubled or missing. Reserved objects are kept.
func ParseMerchant(text string) (Merchant, error) {
	if err := checkText(text); err != nil {
		return Merchant{}, err
	}
	nodes, err := split(text, 0, "")
	if err == nil {
		err = checkFrame(text, nodes)
	}
	if err != nil {
		return Merchant{}, err
	}
	p := merchantParser{amounts: map[ID]node{}}
	for _, n := range nodes {
		if err := p.object(n); err != nil {
			return Merchant{}, err
		}
	}
	if err := p.finish(nodes, len(text)); err != nil {
		return Merchant{}, err
	}
	return p.m, nil
}

// checkText looks at the text as a whole.
func checkText(text string) error {
	characters := 0
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Error{KindMerchant, i, "", "not UTF-8", "names in other alphabets stand in ID 64, in UTF-8"}
		case visible(r) != r:
			return &Error{KindMerchant, i, "", fmt.Sprintf("control character %02X", r), "a code ends with the four digits of its CRC"}
		case characters == MaxMerchantText:
			return &Error{KindMerchant, i, "", fmt.Sprintf("more than %d characters", MaxMerchantText), ""}
		}
		characters++
	}
	return nil
}

// checkFrame checks the first object, the last one, and the CRC between them
// (EMV QR, merchant-presented mode).
func checkFrame(text string, nodes []node) error {
	if len(nodes) == 0 || nodes[0].id != idFormat {
		return &Error{KindMerchant, 0, "ID 00", "the payload format indicator is not there", "a code begins with 000201"}
	}
	last := nodes[len(nodes)-1]
	if i := slices.IndexFunc(nodes, func(n node) bool { return n.id == idCRC }); i >= 0 && i < len(nodes)-1 {
		return nodes[i].fail("the CRC covers all other objects and comes last", "objects follow the CRC")
	}
	if last.id != idCRC {
		return &Error{KindMerchant, len(text), "ID 63", "the CRC is missing", "a code ends with 6304 and four hex digits"}
	}
	want := fmt.Sprintf("%04X", checksum(text[:last.start()]))
	switch {
	case last.value == want && nodes[0].value == "01":
		return nil
	case last.value == want:
		return nodes[0].fail("version 01 is the only one defined", "a payload format other than 01")
	case strings.EqualFold(last.value, want):
		return last.fail("write "+want, "the CRC has lower-case letters")
	}
	return last.fail("a character was changed, added or lost", "the CRC does not fit: the text gives %s", want)
}
