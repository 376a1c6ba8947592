package emv

import "fmt"

// responseCode is tag 8A: two characters, some of them the terminal's own (EMV
// Book 4, Annex A6).
func responseCode(v value, item *Item) bool {
	name, found := parseLayout(v.entry.Bits).valueName(v.bytes)
	switch {
	case v.entry.Owner == "ISO7816":
		return false
	case found:
		item.Text = quoted(string(v.bytes)) + " " + name
	case len(v.bytes) == 2 && printable(v.bytes):
		item.Text = quoted(string(v.bytes)) + " response code of the issuer"
	default:
		return false
	}
	return true
}

// csuLayout is the card status update of ARPC method 2 (EMV Book 3, common
// core definitions).
const csuLayout = "1.8 proprietary authentication data included;1.4-1 PIN try counter;2.8 issuer approves online transaction;" +
	"2.7 card block;2.6 application block;2.5 update PIN try counter;2.4 set go online on next transaction;" +
	"2.3 CSU created by proxy for the issuer;2.2-1 counters 00 not updated,01 set to upper limits,10 reset,11 transaction added"

// issuerAuthentication is tag 91, by its shape: ARPC of 8 bytes and response
// code of 2 (method 1), or ARPC of 4 bytes, card status update of 4 and up to
// 8 more (method 2; EMV Book 2, 8.2).
func issuerAuthentication(v value, item *Item) bool {
	b := v.bytes
	switch {
	case len(b) == 10:
		item.Text = "ARPC by method 1, response code"
		code := upperHex(b[8:])
		if printable(b[8:]) {
			code = quoted(string(b[8:]))
		}
		item.Details = []string{"ARPC " + upperHex(b[:8]), "response code " + code}
	case len(b) >= 8 && len(b) <= 16:
		item.Text = "ARPC by method 2, card status update"
		item.Details = []string{"ARPC " + upperHex(b[:4]), "card status update " + upperHex(b[4:8])}
		for _, line := range parseLayout(csuLayout).describe(b[4:8]) {
			item.Details = append(item.Details, "CSU "+line)
		}
		if len(b) > 8 {
			item.Details = append(item.Details, "proprietary data "+upperHex(b[8:]))
		}
	default:
		item.Text = "no shape of issuer authentication data"
	}
	return true
}

var scriptCommands = map[byte]string{
	0x16: "CARD BLOCK", 0x18: "APPLICATION UNBLOCK", 0x1E: "APPLICATION BLOCK", 0x24: "PIN CHANGE/UNBLOCK",
	0xD2: "UPDATE RECORD", 0xDA: "PUT DATA", 0xDC: "UPDATE RECORD",
}

// issuerScript is tag 86: one command for the card (EMV Book 3, 6.5 for the
// commands of EMV's own).
func issuerScript(v value, item *Item) bool {
	b := v.bytes
	if len(b) < 4 {
		item.Text = "damaged: no whole command header"
		return true
	}
	name, known := scriptCommands[b[1]]
	if !known {
		name = fmt.Sprintf("instruction %02X", b[1])
	}
	item.Text = name
	if b[1] == 0xDA {
		tag := Tag(b[2])<<8 | Tag(b[3])
		switch { // one-byte tags stand in either half
		case b[2] == 0:
			tag = Tag(b[3])
		case b[3] == 0 && b[2]&0x1F != 0x1F:
			tag = Tag(b[2])
		}
		if e, found := Lookup(tag, v.scope.ctx); found {
			item.Text += " " + tag.String() + " " + e.Title()
		}
	}
	if b[0]&0x0C != 0 {
		item.Details = append(item.Details, "with secure messaging")
	}
	if len(b) > 4 {
		item.Details = append(item.Details, fmt.Sprintf("%s of data announced, %d there", count(int(b[4]), "byte"), len(b)-5))
	}
	return true
}

// responseFormat1 is template 80, which has values and no tags. What they are
// depends on the command; the shape tells.
func responseFormat1(v value, item *Item) bool {
	b := v.bytes
	add := func(from int, pieces ...TLV) {
		for _, p := range pieces {
			child, _ := v.object(Object{Tag: p.Tag, Offset: v.offset + from, Value: p.Value}, 2, v.scope.inner(v.tag, nil), -1)
			item.Children = append(item.Children, child)
			from += len(p.Value)
		}
	}
	_, err := ParseAFL(b[min(2, len(b)):])
	switch n := len(b); {
	case n >= 2 && n != 2 && err == nil:
		item.Text = "read as an answer to GET PROCESSING OPTIONS"
		add(0, TLV{TagAIP, b[:2]}, TLV{TagAFL, b[2:]})
	case n >= 11 && n <= 43:
		item.Text = "read as an answer to GENERATE AC"
		add(0, TLV{TagCID, b[:1]}, TLV{TagATC, b[1:3]}, TLV{TagCryptogram, b[3:11]})
		if n > 11 {
			add(11, TLV{TagIAD, b[11:]})
		}
	case n == 10:
		item.Text = "read as an answer to EXCHANGE RELAY RESISTANCE DATA"
		add(0, TLV{0xDF8302, b[:4]}, TLV{0xDF8303, b[4:6]}, TLV{0xDF8304, b[6:8]}, TLV{0xDF8305, b[8:10]})
	case n >= 64:
		item.Text = "read as an answer to INTERNAL AUTHENTICATE"
		add(0, TLV{TagSDAD, b})
	default:
		return false
	}
	return true
}
