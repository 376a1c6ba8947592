package rules

import (
	"slices"

	"tapsim/emv"
)

// Slot is where a card's data object is kept.
type Slot byte

// The data objects that a kernel has a use for. Kernel 7 alone has a use
// for the last three.
const (
	none Slot = iota
	AIP
	AFL
	Track2
	PAN
	Expiry
	IssuerCountry
	PSN
	Name
	AUC
	IAD
	Cryptogram
	CID
	ATC
	CTQ
	FormFactor
	CardAuth
	AOSA
	Exclusive
	Programme
	Requestor
	PAR
	LastFour
	Track1
	DFName
	PDOL
	// What only cards with offline data authentication give.
	SDAD
	CAIndex
	IssuerCertificate
	IssuerRemainder
	IssuerExponent
	ICCCertificate
	ICCExponent
	ICCRemainder
	SDATagList
	AuthorisationCode // 9F74
	Product           // 9F63
	Balance           // 9F79
	slots
)

// slotOf is the place of a tag; none for tags that the kernels have no use for.
func slotOf(tag emv.Tag) Slot {
	switch tag {
	case emv.TagAIP:
		return AIP
	case emv.TagAFL:
		return AFL
	case emv.TagTrack2:
		return Track2
	case emv.TagPAN:
		return PAN
	case emv.TagExpirationDate:
		return Expiry
	case emv.TagIssuerCountry:
		return IssuerCountry
	case emv.TagPANSequence:
		return PSN
	case emv.TagCardholderName:
		return Name
	case emv.TagAUC:
		return AUC
	case emv.TagIAD:
		return IAD
	case emv.TagCryptogram:
		return Cryptogram
	case emv.TagCID:
		return CID
	case emv.TagATC:
		return ATC
	case emv.TagCTQ:
		return CTQ
	case emv.TagFormFactor:
		return FormFactor
	case emv.TagCardAuthData:
		return CardAuth
	case emv.TagAOSA:
		return AOSA
	case emv.TagCustomerExclusive:
		return Exclusive
	case emv.TagApplicationProgramID:
		return Programme
	case emv.TagDFName:
		return DFName
	case emv.TagPDOL:
		return PDOL
	}
	return slotOfRare(tag)
}

// slotOfRare are tags that only records carry.
func slotOfRare(tag emv.Tag) Slot {
	switch tag {
	case emv.TagTokenRequestor:
		return Requestor
	case emv.TagPAR:
		return PAR
	case emv.TagLastFour:
		return LastFour
	case emv.TagTrack1Discretionary:
		return Track1
	case emv.TagSDAD:
		return SDAD
	case emv.TagCAIndex:
		return CAIndex
	case emv.TagIssuerCertificate:
		return IssuerCertificate
	case emv.TagIssuerRemainder:
		return IssuerRemainder
	case emv.TagIssuerExponent:
		return IssuerExponent
	case emv.TagICCCertificate:
		return ICCCertificate
	case emv.TagICCExponent:
		return ICCExponent
	case emv.TagICCRemainder:
		return ICCRemainder
	case emv.TagSDATagList:
		return SDATagList
	case emv.TagECashCode:
		return AuthorisationCode
	case emv.TagProductInformation:
		return Product
	case emv.TagECashBalance:
		return Balance
	}
	return none
}

// lengths are the shortest and longest value of each object that a kernel
// itself reads (Book C-3, Annex A, for both), when it has any. Zero means any.
var lengths = [slots]struct{ min, max int }{
	AIP: {2, 2}, Track2: {8, 19}, PAN: {4, 10}, Expiry: {3, 3}, IssuerCountry: {2, 2}, PSN: {1, 1},
	AUC: {2, 2}, IAD: {7, 32}, Cryptogram: {8, 8}, CID: {1, 1}, ATC: {2, 2}, CTQ: {2, 2},
	FormFactor: {4, 4}, CardAuth: {5, 16}, AOSA: {6, 6}, CAIndex: {1, 1}, SDATagList: {1, 4}, DFName: {5, 16},
	Exclusive: {1, 32}, IssuerExponent: {1, 3}, ICCExponent: {1, 3}, AuthorisationCode: {6, 6}, Balance: {6, 6},
}

// maxUnknown bounds the tags that the kernel has no use for. It only keeps them
// to notice one that comes twice.
const maxUnknown = 32

// Room for the values of one card.
const (
	// usualRoom holds what a phone gives and the data record made of it.
	usualRoom = 296
	maxRoom   = 0xFFFF
)

// Data are the data objects of one card, each at most once. It has its own
// copy of every value, one behind the other, and remembers places: one small
// block of memory with hardly a pointer in it outlives the tap.
type Data struct {
	values  []byte // begins in room
	unknown []emv.Tag
	places  [slots]place
	room    [usualRoom]byte
}

// place is where a value stands. Values begin at 1, so the zero place is none.
type place struct{ from, to uint16 }

func newData() *Data {
	c := &Data{}
	c.values = c.room[:1]
	return c
}

// put keeps an object. A non-empty reason says why the card's data are in
// error: the same tag twice or a length that the tag cannot have. An
// object without a value is as good as none, whichever it is: what must be
// there is then missing, and nothing else is wrong.
func (c *Data) put(tag emv.Tag, value []byte) (reason string) {
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

func (c *Data) putUnknown(tag emv.Tag) (reason string) {
	if slices.Contains(c.unknown, tag) {
		return "the card gave the same data object twice"
	}
	if len(c.unknown) == maxUnknown {
		return "the card gave too many unknown data objects"
	}
	c.unknown = append(c.unknown, tag)
	return ""
}

// Get is the value in a slot; nil when the card did not give it, or gave it
// without a value.
func (c *Data) Get(s Slot) []byte {
	if !c.Has(s) {
		return nil
	}
	p := c.places[s]
	return c.values[p.from:p.to:p.to]
}

// Has is true when the card gave the object a value.
func (c *Data) Has(s Slot) bool { return c.places[s].to > c.places[s].from }

// Lookup makes the card's data a Source, for reports.
func (c *Data) Lookup(tag emv.Tag) ([]byte, bool) {
	v := c.Get(slotOf(tag))
	return v, v != nil
}
