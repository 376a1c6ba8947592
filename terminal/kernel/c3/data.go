package c3

import (
	"slices"

	"tapsim/emv"
)

// slot is where a card's data object is kept.
type slot byte

const (
	none slot = iota
	slotAIP
	slotAFL
	slotTrack2
	slotPAN
	slotExpiry
	slotIssuerCountry
	slotPSN
	slotName
	slotAUC
	slotIAD
	slotCryptogram
	slotCID
	slotATC
	slotCTQ
	slotFormFactor
	slotCardAuth
	slotAOSA
	slotExclusive
	slotProgramme
	slotRequestor
	slotPAR
	slotLastFour
	slotTrack1
	slotDFName
	slotPDOL
	// What only cards with offline data authentication give.
	slotSDAD
	slotCAIndex
	slotIssuerCertificate
	slotIssuerRemainder
	slotIssuerExponent
	slotICCCertificate
	slotICCExponent
	slotICCRemainder
	slotSDATagList
	slots
)

// slotOf is the place of a tag; none for tags that the kernel has no use for.
func slotOf(tag emv.Tag) slot {
	switch tag {
	case emv.TagAIP:
		return slotAIP
	case emv.TagAFL:
		return slotAFL
	case emv.TagTrack2:
		return slotTrack2
	case emv.TagPAN:
		return slotPAN
	case emv.TagExpirationDate:
		return slotExpiry
	case emv.TagIssuerCountry:
		return slotIssuerCountry
	case emv.TagPANSequence:
		return slotPSN
	case emv.TagCardholderName:
		return slotName
	case emv.TagAUC:
		return slotAUC
	case emv.TagIAD:
		return slotIAD
	case emv.TagCryptogram:
		return slotCryptogram
	case emv.TagCID:
		return slotCID
	case emv.TagATC:
		return slotATC
	case emv.TagCTQ:
		return slotCTQ
	case emv.TagFormFactor:
		return slotFormFactor
	case emv.TagCardAuthData:
		return slotCardAuth
	case emv.TagAOSA:
		return slotAOSA
	case emv.TagCustomerExclusive:
		return slotExclusive
	case emv.TagApplicationProgramID:
		return slotProgramme
	case emv.TagDFName:
		return slotDFName
	case emv.TagPDOL:
		return slotPDOL
	}
	return slotOfRare(tag)
}

// slotOfRare are tags that only records carry.
func slotOfRare(tag emv.Tag) slot {
	switch tag {
	case emv.TagTokenRequestor:
		return slotRequestor
	case emv.TagPAR:
		return slotPAR
	case emv.TagLastFour:
		return slotLastFour
	case emv.TagTrack1Discretionary:
		return slotTrack1
	case emv.TagSDAD:
		return slotSDAD
	case emv.TagCAIndex:
		return slotCAIndex
	case emv.TagIssuerCertificate:
		return slotIssuerCertificate
	case emv.TagIssuerRemainder:
		return slotIssuerRemainder
	case emv.TagIssuerExponent:
		return slotIssuerExponent
	case emv.TagICCCertificate:
		return slotICCCertificate
	case emv.TagICCExponent:
		return slotICCExponent
	case emv.TagICCRemainder:
		return slotICCRemainder
	case emv.TagSDATagList:
		return slotSDATagList
	}
	return none
}

// lengths are the shortest and longest value of each object that the kernel
// itself reads (Book C-3, Annex A), when it has any. Zero means any.
var lengths = [slots]struct{ min, max int }{
	slotAIP: {2, 2}, slotTrack2: {8, 19}, slotPAN: {4, 10}, slotExpiry: {3, 3}, slotIssuerCountry: {2, 2}, slotPSN: {1, 1},
	slotAUC: {2, 2}, slotIAD: {7, 32}, slotCryptogram: {8, 8}, slotCID: {1, 1}, slotATC: {2, 2}, slotCTQ: {2, 2},
	slotFormFactor: {4, 4}, slotCardAuth: {5, 16}, slotAOSA: {6, 6}, slotCAIndex: {1, 1}, slotSDATagList: {1, 4}, slotDFName: {5, 16},
	slotExclusive: {1, 32}, slotIssuerExponent: {1, 3}, slotICCExponent: {1, 3},
}

// maxUnknown bounds the tags that the kernel has no use for. It only keeps them
// to notice one that comes twice.
const maxUnknown = 32

// Room for the values of one card.
const (
	// usualRoom holds what a phone gives and the data record made of it.
	usualRoom = 320
	maxRoom   = 0xFFFF
)

// cardData are the data objects of one card, each at most once. It has its own
// copy of every value, one behind the other, and remembers places: one small
// block of memory with hardly a pointer in it outlives the tap.
type cardData struct {
	values  []byte // begins in room
	unknown []emv.Tag
	places  [slots]place
	room    [usualRoom]byte
}

// place is where a value stands. Values begin at 1, so the zero place is none.
type place struct{ from, to uint16 }

func newCardData() *cardData {
	c := &cardData{}
	c.values = c.room[:1]
	return c
}

// put keeps an object. A non-empty reason says why the card's data are in
// error: the same tag twice (5.4.2.2) or a length that the tag cannot have. An
// object without a value is as good as none, whichever it is: what must be
// there is then missing, and nothing else is wrong.
func (c *cardData) put(tag emv.Tag, value []byte) (reason string) {
	s := slotOf(tag)
	if s == none {
		return c.putUnknown(tag)
	}
	if c.places[s] != (place{}) {
		return "the card gave the same data object twice"
	}
	if l := lengths[s]; l.max > 0 && len(value) > 0 && (len(value) < l.min || len(value) > l.max) {
		return "a data object of the card has a wrong length"
	}
	from := len(c.values)
	if from+len(value) > maxRoom {
		return "the card gave more data than the kernel keeps"
	}
	c.values = append(c.values, value...)
	c.places[s] = place{uint16(from), uint16(len(c.values))}
	return ""
}

func (c *cardData) putUnknown(tag emv.Tag) (reason string) {
	if slices.Contains(c.unknown, tag) {
		return "the card gave the same data object twice"
	}
	if len(c.unknown) == maxUnknown {
		return "the card gave too many unknown data objects"
	}
	c.unknown = append(c.unknown, tag)
	return ""
}

// get is the value in a slot; nil when the card did not give it, or gave it
// without a value.
func (c *cardData) get(s slot) []byte {
	if !c.has(s) {
		return nil
	}
	p := c.places[s]
	return c.values[p.from:p.to:p.to]
}

// has is true when the card gave the object a value.
func (c *cardData) has(s slot) bool { return c.places[s].to > c.places[s].from }

// Lookup makes the card's data a Source, for reports.
func (c *cardData) Lookup(tag emv.Tag) ([]byte, bool) {
	v := c.get(slotOf(tag))
	return v, v != nil
}
