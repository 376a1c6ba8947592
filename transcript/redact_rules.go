package transcript

import (
	"slices"
	"strings"

	"tapsim/emv"
)

// What becomes of a value, by its tag. Tags of data about the card or its
// issuer, which no other rule covers, become zeros.
const (
	tagName                emv.Tag = 0x9F0B // cardholder name, extended
	tagTrack1Other         emv.Tag = 0x5F21
	tagTrack2Other         emv.Tag = 0x5F22
	tagTrack2Discretionary emv.Tag = 0x9F20
	tagPINCertificate      emv.Tag = 0x9F2D
	tagPINRemainder        emv.Tag = 0x9F2E
	tagStorageID           emv.Tag = 0x9F5E // made of the account number in kernel 2
	tagProductionData      emv.Tag = 0x9F7F // serial numbers of the chip
)

// rule finds how a part is redacted; nil is not at all.
func (r *Redactor) rule(p *Part, tag emv.Tag, value []byte) func([]byte) {
	switch tag {
	case emv.TagPAN:
		return r.accountNumber
	case emv.TagTrack2, tagTrack2MagStripe, tagTrack2Other:
		if tag != tagTrack2MagStripe || p.Masked {
			return r.track2
		}
	case emv.TagTrack1, tagTrack1Other:
		return r.track1
	case emv.TagCardholderName, tagName:
		return r.name
	case emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagSSAD, emv.TagICCCertificate, emv.TagICCRemainder,
		emv.TagSDAD, tagPINCertificate, tagPINRemainder, emv.TagLastFour, tagProductionData:
		return func(v []byte) { clear(v) }
	case emv.TagPAR:
		return accountReference
	}
	switch {
	case p.Name == pinData:
		return pinBlock
	case len(p.Parts) > 0 || !p.Masked:
		return nil
	case emv.Sensitive(tag) && tag != tagStorageID:
		return neutral
	}
	return func(v []byte) { r.net(p, v) }
}

// accountNumber is tag 5A: digits with F fill.
func (r *Redactor) accountNumber(v []byte) {
	n := leadingDigits(v)
	d := nibblesOf(v, 0, n)
	switch {
	case n > 19:
		d.write(0, strings.Repeat("0", n))
	case n >= 8:
		d.write(0, r.replacement(d.text()))
	}
}

// leadingDigits counts the decimal nibbles at the start of v.
func leadingDigits(v []byte) int {
	n := 0
	for n < 2*len(v) && nibbleAt(v, n) <= 9 {
		n++
	}
	return n
}

// track2 is tag 57: the account number, D, expiry and service code, which stay,
// and discretionary data, which hold verification values.
func (r *Redactor) track2(v []byte) {
	n := leadingDigits(v)
	if d := nibblesOf(v, 0, n); n >= 8 && n <= 19 {
		d.write(0, r.replacement(d.text()))
	}
	separator := n
	for separator < 2*len(v) && nibbleAt(v, separator) != 0xD {
		separator++
	}
	for i := separator + 8; i < 2*len(v); i++ {
		if nibbleAt(v, i) <= 9 {
			setNibble(v, i, 0)
		}
	}
}

// track1 is tag 56: B, the account number, the name between carets, expiry and
// service code, which stay, and discretionary data.
func (r *Redactor) track1(v []byte) {
	fields := strings.SplitN(string(v), "^", 3)
	if len(fields) < 3 {
		neutral(v)
		return
	}
	number, ok := track1Number(fields[0])
	if ok {
		copy(v[len(fields[0])-len(number):], r.replacement(number))
	}
	r.name(v[len(fields[0])+1:][:len(fields[1])])
	if rest := v[len(v)-len(fields[2]):]; len(rest) > 7 {
		neutral(rest[7:])
	}
}

// track1Number is the account number in the first field of track 1.
func track1Number(field string) (string, bool) {
	number := strings.TrimLeft(field, "%B ")
	return number, isDigits(number) && len(number) >= 8 && len(number) <= 19
}

// placeholder stands for a cardholder name.
const placeholder = "CARDHOLDER/TEST"

// minName is how long a name must be to be known outside of its element.
const minName = 5

// name puts the placeholder in the place of a name, cut or filled with blanks.
func (r *Redactor) name(v []byte) {
	if hasLetter(string(v)) {
		copy(v, nameOfLength(len(v)))
	}
}

// meetName keeps a name, which may stand elsewhere too.
func (r *Redactor) meetName(m *message) {
	m.eachElement(func(p *Part, tag emv.Tag, v []byte) bool {
		name := strings.TrimSpace(string(v))
		if tag == emv.TagTrack1 || tag == tagTrack1Other {
			_, name, _ = strings.Cut(name, "^")
			name, _, _ = strings.Cut(name, "^")
			name = strings.TrimSpace(name)
		} else if tag != emv.TagCardholderName && tag != tagName {
			return false
		}
		if hasLetter(name) && !strings.HasPrefix(placeholder, name) && !slices.Contains(r.names, name) && len(r.names) < maxNumbers {
			r.names = append(r.names, name)
		}
		return true
	})
}

func nameOfLength(n int) string {
	if n <= len(placeholder) {
		return placeholder[:n]
	}
	return placeholder + strings.Repeat(" ", n-len(placeholder))
}

func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
}

// accountReference keeps the four characters that name who gave the number,
// and makes the rest of a PAR zeros.
func accountReference(v []byte) {
	for i := 4; i < len(v); i++ {
		v[i] = '0'
	}
}

// pinBlock keeps the form of a plaintext PIN block and makes its digits zeros.
// All else becomes zeros.
func pinBlock(v []byte) {
	if len(v) != 8 || v[0]>>4 != 2 {
		clear(v)
		return
	}
	for i := 2; i < 16; i++ {
		if nibbleAt(v, i) <= 9 {
			setNibble(v, i, 0)
		}
	}
}

// neutral makes text of zeros and X, and anything else zeros. Fill stays.
func neutral(v []byte) {
	text := true
	for _, c := range v {
		text = text && c >= 0x20 && c < 0x7F
	}
	for i, c := range v {
		switch {
		case text && c >= '0' && c <= '9':
			v[i] = '0'
		case text && hasLetter(string(c)):
			v[i] = 'X'
		case !text && c != 0xFF:
			v[i] = 0
		}
	}
}

// net replaces the account numbers in a value of which only its digits tell.
func (r *Redactor) net(p *Part, v []byte) {
	eachRun(v, hiddenIn(p), func(d digits) {
		text := d.text()
		r.eachAccount(text, func(at, n int) { d.write(at, r.replacement(text[at:at+n])) })
	})
}

// hiddenIn says in which runs of nibbles something of a part's value is
// hidden - of an account number some digits may be shown; nil is all.
func hiddenIn(p *Part) func(from, to int) bool {
	if len(p.Value) != 2*(p.Size-p.head) {
		return nil
	}
	return func(from, to int) bool { return strings.Contains(p.Value[from:to], "*") }
}

// taggedNumbers finds the account numbers of a message by their tags.
func taggedNumbers(m *message, found func(number string)) {
	m.eachElement(func(p *Part, tag emv.Tag, v []byte) bool {
		switch {
		case tag == emv.TagTrack1 || tag == tagTrack1Other:
			field, _, _ := strings.Cut(string(v), "^")
			if number, ok := track1Number(field); ok {
				found(number)
			}
		case tag == emv.TagPAN, tag == emv.TagTrack2, tag == tagTrack2Other, tag == tagTrack2MagStripe && p.Masked:
			if n := leadingDigits(v); n >= 8 && n <= 19 {
				found(nibblesOf(v, 0, n).text())
			}
		default:
			return false
		}
		return true
	})
}

// hiddenNumbers finds the account numbers of a message in other values, those
// that would be masked for their digits.
func (r *Redactor) hiddenNumbers(m *message, found func(number string)) {
	r.eachHidden(m, func(text string, at, n int) { found(text[at : at+n]) })
}

// eachHidden is hiddenNumbers with the run of digits around each number.
func (r *Redactor) eachHidden(m *message, found func(text string, at, n int)) {
	m.eachElement(func(p *Part, tag emv.Tag, v []byte) bool {
		if len(p.Parts) > 0 || !p.Masked || numbered(tag) {
			return false
		}
		eachRun(v, hiddenIn(p), func(d digits) {
			text := d.text()
			r.eachAccount(text, func(at, n int) { found(text, at, n) })
		})
		return true
	})
}

// numbered is true for the tags whose values taggedNumbers or a rule knows.
func numbered(tag emv.Tag) bool { return tag != tagStorageID && emv.Sensitive(tag) }
