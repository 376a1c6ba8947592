package qr

import (
	"fmt"
	"strconv"
	"strings"

	"tapsim/emv"
)

// sizes are the lengths that elements of a code may have, in bytes (EMV Book 3,
// Annex A). Issuers put what they like into the others.
var sizes = map[emv.Tag]struct{ low, top int }{
	emv.TagADFName:             {5, 16},
	emv.TagApplicationLabel:    {1, 16},
	emv.TagTrack2:              {1, 19},
	emv.TagPAN:                 {1, 10},
	emv.TagCardholderName:      {2, 26},
	emv.TagExpirationDate:      {3, 3},
	emv.TagLanguagePreference:  {2, 8},
	emv.TagPANSequence:         {1, 1},
	emv.TagAIP:                 {2, 2},
	emv.TagIAD:                 {1, 32},
	emv.TagTokenRequestor:      {6, 6},
	emv.TagPAR:                 {29, 29},
	emv.TagLastFour:            {2, 2},
	emv.TagCryptogram:          {8, 8},
	emv.TagCID:                 {1, 1},
	emv.TagATC:                 {2, 2},
	emv.TagUnpredictableNumber: {4, 4},
}

// check holds an object against the rules of its tag.
func (e element) check(doubled bool) error {
	if doubled {
		return e.fail("a tag stands once in its template", "stands a second time")
	}
	size, known := sizes[e.Tag]
	if n := len(e.Value); known && (n < size.low || n > size.top) {
		return e.fail("", "length %d, want %s", n, between(size.low, size.top))
	}
	switch e.Tag {
	case emv.TagTrack2:
		if _, err := emv.ParseTrack2(e.Value); err != nil {
			return e.fail("digits, D, expiry, service code, and F to fill the last byte", "no track 2")
		}
	case emv.TagPAN:
		if d, err := emv.Digits(e.Value); err != nil || len(d) < 8 {
			return e.fail("8 to 19 digits, and F to fill the last byte", "no account number")
		}
	}
	return nil
}

// templateNames are the names that tags have in a consumer-presented code and
// elsewhere have not.
var templateNames = map[emv.Tag]string{
	TagPayloadFormat: "Payload format indicator", TagApplicationTemplate: "Application template", TagCommonData: "Common data template",
	TagTransparent: "Application specific transparent template", TagCommonTransparent: "Common data transparent template",
}

func explainConsumer(text string, reveal bool) ([]emv.Item, error) {
	data, err := decodeBase64(text)
	if err != nil {
		return nil, err
	}
	return ExplainData(data, reveal)
}

// ExplainData explains the data of a consumer-presented code, before base64; see
// Explain.
func ExplainData(b []byte, reveal bool) ([]emv.Item, error) {
	_, err := ParseConsumerData(b)
	items, broken := emv.Explain(b, emv.Context{}, reveal)
	finish(items, reveal)
	if broken != nil {
		at := 0
		s := emv.Scan(b)
		for range items {
			s.Next()
			at = s.Object().Offset + len(s.Object().Header) + len(s.Object().Value)
		}
		// Damage can cut a number out of what tells that it is one.
		x := emv.Item{Name: restName, Offset: at, Length: len(b) - at, Known: true}
		x.Value, x.Masked = showText(fmt.Sprintf("%X", b[at:]), true, false)
		items = append(items, x)
	}
	if err == nil {
		err = broken
	}
	return items, err
}

// finish gives the templates, on all levels, their names in this mode, and
// masks an address or a telephone number that stands in the place of the
// issuer's URL, as some wallets have it.
func finish(items []emv.Item, reveal bool) {
	for i := range items {
		x := &items[i]
		number, _ := strconv.ParseUint(x.Tag, 16, 32)
		tag := emv.Tag(number)
		if name, ok := templateNames[tag]; ok {
			x.Name, x.Known = name, true
		}
		switch {
		case tag == TagPayloadFormat && x.Value == fmt.Sprintf("%X", payloadVersion):
			x.Text = payloadVersion
		case tag == TagIssuerURL && !reveal && (strings.Contains(x.Text, "@") || strings.Contains(x.Text, "tel:")):
			x.Value, x.Text, x.Masked = strings.Repeat("*", len(x.Value)), "masked", true
		}
		finish(x.Children, reveal)
	}
}
