package hce

import (
	"tapsim/cryptogram"
	"tapsim/emv"
)

// template is a coded template with the places of what changes from tap to tap.
type template struct {
	coded  []byte
	holes  []hole
	answer []byte // to READ RECORD, of a record without holes
}

// hole is the place of one value.
type hole struct {
	tag        emv.Tag
	at, length int
}

// add appends a value to the template's content.
func (t *template) add(tag emv.Tag, value []byte) { t.coded = emv.AppendTLV(t.coded, tag, value) }

// addChanging appends a place for a value.
func (t *template) addChanging(tag emv.Tag, length int) {
	t.add(tag, make([]byte, length))
	t.holes = append(t.holes, hole{tag, len(t.coded) - length, length})
}

// enclose puts the content into its template.
func (t *template) enclose(tag emv.Tag) {
	content := len(t.coded)
	t.coded = emv.AppendTLV(nil, tag, t.coded)
	for i := range t.holes {
		t.holes[i].at += len(t.coded) - content
	}
}

// has is true for a template with a place for that tag.
func (t *template) has(tag emv.Tag) bool {
	for i := range t.holes {
		if t.holes[i].tag == tag {
			return true
		}
	}
	return false
}

// values are what changes from tap to tap.
type values struct {
	iad     [32]byte
	ac      cryptogram.Cryptogram
	cid     byte
	atc     [2]byte
	ctq     emv.CTQ
	balance [6]byte  // what may still be spent offline
	related [8]byte  // card authentication related data
	track2  [19]byte // of mag-stripe mode
	sdad    []byte
}

// fill writes the values into their places in out, a copy of the coded template.
func (t *template) fill(out []byte, v *values) {
	for i := range t.holes {
		h := &t.holes[i]
		place := out[h.at : h.at+h.length]
		switch h.tag {
		case emv.TagIAD:
			copy(place, v.iad[:])
		case emv.TagCryptogram:
			copy(place, v.ac[:])
		case emv.TagCID:
			place[0] = v.cid
		case emv.TagATC:
			copy(place, v.atc[:])
		case emv.TagCTQ:
			copy(place, v.ctq[:])
		case emv.TagAOSA:
			copy(place, v.balance[:])
		case emv.TagCardAuthData:
			copy(place, v.related[:])
		case emv.TagTrack2:
			copy(place, v.track2[:])
		case emv.TagSDAD:
			copy(place, v.sdad)
		}
	}
}

// changing is how long the value of a tag is that changes from tap to tap; false
// for others, and where the card has no such value.
func (s *static) changing(p *Profile, tag emv.Tag) (length int, ok bool) {
	q := p.settings()
	if q == nil {
		return 0, false
	}
	switch tag {
	case emv.TagIAD:
		return len(p.IAD), true
	case emv.TagCryptogram:
		return len(cryptogram.Cryptogram{}), true
	case emv.TagCID:
		return 1, true
	case emv.TagATC, emv.TagCTQ:
		return 2, true
	case emv.TagAOSA:
		return 6, p.spends()
	case emv.TagCardAuthData:
		return p.relatedLength(), true
	case emv.TagSDAD:
		if s.signer != nil {
			return s.signer.Len(), true
		}
	}
	return 0, false
}

func repeated(tags []emv.Tag, tag emv.Tag) bool {
	for _, t := range tags {
		if t == tag {
			return true
		}
	}
	return false
}
