package qr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"tapsim/emv"
)

// MaxConsumerData bounds a consumer-presented code, in bytes before base64
// (EMV QR, consumer-presented mode).
const MaxConsumerData = 512

// Tags of consumer-presented codes. In other places of EMV they mean other
// things.
const (
	TagPayloadFormat       emv.Tag = 0x85
	TagApplicationTemplate         = emv.TagApplicationTemplate
	TagCommonData          emv.Tag = 0x62
	TagTransparent         emv.Tag = 0x63 // in an application template
	TagCommonTransparent   emv.Tag = 0x64 // in the common data
	TagIssuerURL           emv.Tag = 0x5F50
)

// payloadVersion is the value of tag 85.
const payloadVersion = "CPV01"

// consumerStart is how base64 begins of 85 05 "CPV0": what all versions share.
const consumerStart = "hQVDUFYw"

// Consumer is a consumer-presented code (EMV QR, consumer-presented mode): one
// or more payment applications, in the order in which the phone would have them
// tried, and data that all of them share. A list without objects is nil.
type Consumer struct {
	Applications []Application
	Common       emv.List // of template 62, without template 64
	Transparent  emv.List // of template 64
	Other        emv.List // objects of the first level that the specification does not know
}

// Application is an application template, tag 61.
type Application struct {
	Data        emv.List // without template 63
	Transparent emv.List // of template 63: what goes to the issuer unread, cryptogram and counter
}

// AID is the application's identifier, tag 4F.
func (a Application) AID() []byte {
	aid, _ := a.Data.Lookup(emv.TagADFName)
	return aid
}

// Data is everything that goes with one application: its own objects first,
// then the common ones that it has not itself.
func (c Consumer) Data(i int) emv.List {
	var all emv.List
	for _, l := range []emv.List{c.Applications[i].Data, c.Applications[i].Transparent, c.Common, c.Transparent} {
		for _, o := range l {
			if _, has := all.Lookup(o.Tag); !has {
				all = append(all, o)
			}
		}
	}
	return all
}

// Format prints the code as hex, masked where it is sensitive.
func (c Consumer) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "QR code "+emv.MaskedHex(c.append(nil), nil))
}

// MarshalJSON is the explanation of the code, masked.
func (c Consumer) MarshalJSON() ([]byte, error) {
	items, err := ExplainData(c.append(nil), false)
	if err != nil {
		return nil, err
	}
	return json.Marshal(items)
}

// ParseConsumer reads a consumer-presented code as it stands in the QR code, in
// base64. What it refuses: see ParseConsumerData.
func ParseConsumer(text string) (Consumer, error) {
	data, err := decodeBase64(text)
	if err != nil {
		return Consumer{}, err
	}
	return ParseConsumerData(data)
}

func decodeBase64(text string) ([]byte, error) {
	if len(text) > base64.StdEncoding.EncodedLen(MaxConsumerData) {
		return nil, &Error{KindConsumer, base64.StdEncoding.EncodedLen(MaxConsumerData), "", fmt.Sprintf("more than %d bytes", MaxConsumerData), ""}
	}
	for i := range len(text) {
		if text[i] == '\r' || text[i] == '\n' {
			return nil, &Error{KindConsumer, i, "", "a line break in the base64", "the code is one line"}
		}
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if at := base64.CorruptInputError(0); errors.As(err, &at) {
		return nil, &Error{KindConsumer, int(at), "", "no base64",
			"letters, digits, + and /, padded with = to a multiple of four; is the end missing?"}
	}
	return data, err
}

// ParseConsumerData reads the data of a consumer-presented code. Values alias
// b. It refuses, with an *Error: a first object that is not 85 with CPV01, data
// without an application template, padding between objects, a tag that is
// doubled in its template, values of an impossible length.
func ParseConsumerData(b []byte) (c Consumer, err error) {
	if len(b) > MaxConsumerData {
		return c, &Error{KindConsumer, MaxConsumerData, "", fmt.Sprintf("more than %d bytes", MaxConsumerData), ""}
	}
	root, err := level(b, 0, "", TagApplicationTemplate)
	if err != nil {
		return c, err
	}
	if len(root) == 0 || root[0].Tag != TagPayloadFormat || string(root[0].Value) != payloadVersion {
		return c, &Error{KindConsumer, 0, "tag 85", "the payload format indicator is not there", "the data begin with 8505 and CPV01"}
	}
	for _, o := range root[1:] {
		switch o.Tag {
		case TagApplicationTemplate:
			var a Application
			if a.Data, a.Transparent, err = template(o, TagTransparent); err == nil && a.AID() == nil {
				err = o.fail("tag 4F says whose application it is", "an application template without an AID")
			}
			c.Applications = append(c.Applications, a)
		case TagCommonData:
			c.Common, c.Transparent, err = template(o, TagCommonTransparent)
		default:
			c.Other = append(c.Other, o.tlv())
		}
		if err != nil {
			return Consumer{}, err
		}
	}
	if len(c.Applications) == 0 {
		return Consumer{}, &Error{KindConsumer, len(b), "tag 61", "no application template", "at least one must be there"}
	}
	// Templates of issuers, which are kept as they stand, must hold objects, too.
	var broken *emv.TLVError
	if _, err := emv.Parse(b); errors.As(err, &broken) {
		return Consumer{}, &Error{KindConsumer, broken.Offset, "", broken.Reason, ""}
	}
	return c, nil
}

// element is an object with its place in the whole data.
type element struct {
	emv.Object
	path string // "61-4F"
}

func (e element) tlv() emv.TLV { return emv.TLV{Tag: e.Tag, Value: e.Value} }

func (e element) start() int { return e.Offset + len(e.Header) }

// fail is an error about the object. It never quotes the value.
func (e element) fail(hint, reason string, args ...any) error {
	return &Error{KindConsumer, e.Offset, "tag " + e.path, fmt.Sprintf(reason, args...), hint}
}

// level reads the objects of one level. Only the tags named may be doubled.
func level(b []byte, base int, parent string, many ...emv.Tag) ([]element, error) {
	var list []element
	seen := map[emv.Tag]bool{}
	s := emv.Scan(b)
	for s.Next() {
		e := element{s.Object(), parent + s.Tag().String()}
		if n := len(s.Padding()); n > 0 {
			return nil, padding(base+e.Offset-n, parent)
		}
		e.Offset += base
		if err := e.check(seen[e.Tag] && !slices.Contains(many, e.Tag)); err != nil {
			return nil, err
		}
		seen[e.Tag] = true
		list = append(list, e)
	}
	var broken *emv.TLVError
	if errors.As(s.Err(), &broken) {
		return nil, &Error{KindConsumer, base + broken.Offset, inside(parent), broken.Reason, ""}
	}
	if n := len(s.Padding()); n > 0 {
		return nil, padding(base+len(b)-n, parent)
	}
	return list, nil
}

func padding(offset int, parent string) error {
	return &Error{KindConsumer, offset, inside(parent), "padding", "objects stand one behind the other"}
}

func inside(parent string) string {
	if parent == "" {
		return ""
	}
	return "in tag " + parent[:len(parent)-1]
}

// template reads a template: its objects, and those of the template inside it.
func template(o element, inner emv.Tag) (data, transparent emv.List, err error) {
	elements, err := level(o.Value, o.start(), o.path+"-")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range elements {
		if e.Tag != inner {
			data = append(data, e.tlv())
			continue
		}
		nested, err := level(e.Value, e.start(), e.path+"-")
		if err != nil {
			return nil, nil, err
		}
		if len(nested) == 0 {
			return nil, nil, e.fail("leave it out", "an empty template")
		}
		for _, n := range nested {
			transparent = append(transparent, n.tlv())
		}
	}
	return data, transparent, nil
}

// Bytes is the data of the code, and reads them again: ParseConsumerData gives
// back the same Consumer. What the rules do not allow is an *Error.
func (c Consumer) Bytes() ([]byte, error) {
	b := c.append(nil)
	back, err := ParseConsumerData(b)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(back, c) {
		return nil, &Error{Kind: KindConsumer, Offset: len(b), Reason: "the code would not be read as it was written",
			Hint: "templates 63 and 64 have lists of their own; an empty list is nil"}
	}
	return b, nil
}

// Text is the code as it stands in the QR code: Bytes in base64.
func (c Consumer) Text() (string, error) {
	b, err := c.Bytes()
	return base64.StdEncoding.EncodeToString(b), err
}

func (c Consumer) append(dst []byte) []byte {
	dst = emv.AppendTLV(dst, TagPayloadFormat, []byte(payloadVersion))
	for _, a := range c.Applications {
		dst = appendData(dst, TagApplicationTemplate, a.Data, TagTransparent, a.Transparent)
	}
	if len(c.Common)+len(c.Transparent) > 0 {
		dst = appendData(dst, TagCommonData, c.Common, TagCommonTransparent, c.Transparent)
	}
	return c.Other.Append(dst)
}

func appendData(dst []byte, tag emv.Tag, data emv.List, inner emv.Tag, transparent emv.List) []byte {
	value := data.Append(nil)
	if len(transparent) > 0 {
		value = emv.AppendTLV(value, inner, transparent.Append(nil))
	}
	return emv.AppendTLV(dst, tag, value)
}
