// Package qr reads and writes EMV QR codes: the text in the code, not the
// picture. Merchant-presented mode is what a shop shows and a payer's phone
// scans; consumer-presented mode is what a phone shows and a point of sale
// scans. The package knows syntax only: it makes no cryptogram and does not
// pay.
//
// Parsers are strict and account for every character. What they cannot read
// they refuse with its place, the reason and a hint; Explain shows people what
// could be read nevertheless.
package qr

import (
	"fmt"
	"strings"

	"tapsim/emv"
)

// NetworkID is the globally unique identifier under which this simulator's own
// merchants stand in merchant-presented codes: a reversed domain below .test,
// which RFC 6761 keeps free. Object 01 of its template is the merchant's
// identifier.
const NetworkID = "test.tapsim"

// Kind says what a text is.
type Kind byte

// Kinds of texts in QR codes. The zero Kind is a text that is none of them.
const (
	KindMerchant Kind = iota + 1 // EMV merchant-presented mode
	KindConsumer                 // EMV consumer-presented mode, base64
	KindNumeric                  // UnionPay payment code, 19 digits
)

// String is the kind in one word, as it stands in JSON; "text" for the zero
// Kind.
func (k Kind) String() string {
	switch k {
	case KindMerchant:
		return "merchant"
	case KindConsumer:
		return "consumer"
	case KindNumeric:
		return "numeric"
	}
	return "text"
}

// KindOf tells from its beginning what a text is, or from a merchant's CRC at its
// end. That says nothing of the rest.
func KindOf(text string) Kind {
	switch {
	case len(text) >= 6 && strings.HasPrefix(text, "0002") && digits(text[4:6]), endsWithCRC(text):
		return KindMerchant
	case strings.HasPrefix(text, consumerStart):
		return KindConsumer
	case isNumeric(text):
		return KindNumeric
	}
	return 0
}

// endsWithCRC is true for a merchant's code whose first object may be wrong: an ID
// and a length in front, a CRC at the end.
func endsWithCRC(text string) bool {
	n := len(text) - len("6304") - 4
	return n >= 4 && digits(text[:4]) && text[n:n+4] == "6304" && strings.Trim(text[n+4:], "0123456789ABCDEFabcdef") == ""
}

// isNumeric is true for a UnionPay payment code: 19 digits that begin with 62.
// The code stands for a token for about a minute; only the network can tell
// whose.
func isNumeric(text string) bool {
	return len(text) == 19 && strings.HasPrefix(text, "62") && digits(text)
}

// Error says what is wrong with a code, where, and what to do.
type Error struct {
	Kind   Kind
	Offset int    // byte of the text, or of the data that base64 holds
	Object string // "ID 62-03", "tag 61-4F"; "" when none is meant
	Reason string
	Hint   string // "" when the reason says all
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s QR code, byte %d", e.Kind, e.Offset)
	if e.Object != "" {
		fmt.Fprintf(&b, " (%s)", e.Object)
	}
	b.WriteString(": " + e.Reason)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// restName is the name of what stands behind damage.
const restName = "rest, not taken apart"

// Explain explains a code of any kind for people, masked unless revealed: only
// account numbers of the test ranges are revealed. A code that is damaged or
// against the rules gives the items that could be read, the rest as an item
// without a tag, and the *Error. Of a merchant's code Tag is the two-digit ID, Value
// the text, Length counts characters; of a consumer's code they are what emv.Explain
// says of TLV data. A text of no kind is one item without a tag.
func Explain(text string, reveal bool) ([]emv.Item, error) {
	switch KindOf(text) {
	case KindMerchant:
		return explainMerchant(text, reveal)
	case KindConsumer:
		return explainConsumer(text, reveal)
	case KindNumeric:
		return []emv.Item{{Name: "Payment code of UnionPay", Length: len(text), Value: showNumber(text, reveal),
			Text: "single use, good for about a minute; the network knows whose it is", Known: true, Masked: !(reveal && emv.TestRange(emv.PAN(text)))}}, nil
	}
	value, masked := showText(text, true, reveal)
	return []emv.Item{{Name: "Text", Length: len(text), Value: value, Text: "no EMV QR code", Known: true, Masked: masked}}, nil
}
