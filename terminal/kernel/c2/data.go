package c2

import "tapsim/emv"

// slot is where a card's data object is kept.
type slot byte

const (
	none slot = iota
	slotAIP
	slotAFL
	slotTrack2
	slotPAN
	slotExpiry
	slotEffective
	slotIssuerCountry
	slotPSN
	slotName
	slotCDOL1
	slotCVMList
	slotAUC
	slotVersion
	slotIACDefault
	slotIACDenial
	slotIACOnline
	slotCurrency
	slotCID
	slotATC
	slotCryptogram
	slotIAD
	slotSDAD
	slotDynamicNumber
	slotCAIndex
	slotIssuerCertificate
	slotIssuerRemainder
	slotIssuerExponent
	slotICCCertificate
	slotICCExponent
	slotICCRemainder
	slotSDATagList
	slotDRDOL
	slotDFName
	slotPDOL
	slotLabel
	slotPreferredName
	slotCodeTable
	slotLanguage
	slotCapabilities // 9F5D, application capabilities information
	slotThirdParty   // 9F6E
	slotInteraction  // DF4B, POS cardholder interaction information
	slotRequestor
	slotPAR
	slotLastFour
	slotTrack1
	slotMagTrack2
	slotCVC3Track1
	slotCVC3Track2
	slotPCVC3Track1
	slotPUNATCTrack1
	slotNATCTrack1
	slotPCVC3Track2
	slotPUNATCTrack2
	slotNATCTrack2
	slotUDOL
	slots
)

// Tags of card data that emv has no name for.
const (
	tagCardVersion   emv.Tag = 0x9F08
	tagIACDefault    emv.Tag = 0x9F0D
	tagIACDenial     emv.Tag = 0x9F0E
	tagIACOnline     emv.Tag = 0x9F0F
	tagDynamicNumber emv.Tag = 0x9F4C
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
	case emv.TagEffectiveDate:
		return slotEffective
	case emv.TagIssuerCountry:
		return slotIssuerCountry
	case emv.TagPANSequence:
		return slotPSN
	case emv.TagCardholderName:
		return slotName
	case emv.TagCDOL1:
		return slotCDOL1
	case emv.TagCVMList:
		return slotCVMList
	case emv.TagAUC:
		return slotAUC
	case tagCardVersion:
		return slotVersion
	case tagIACDefault:
		return slotIACDefault
	case tagIACDenial:
		return slotIACDenial
	case tagIACOnline:
		return slotIACOnline
	case emv.TagApplicationCurrency:
		return slotCurrency
	case emv.TagCID:
		return slotCID
	case emv.TagATC:
		return slotATC
	case emv.TagCryptogram:
		return slotCryptogram
	case emv.TagIAD:
		return slotIAD
	case emv.TagDRDOL:
		return slotDRDOL
	case emv.TagACI:
		return slotCapabilities
	case emv.TagThirdPartyData:
		return slotThirdParty
	case emv.TagPOSCII:
		return slotInteraction
	}
	if s := slotOfODA(tag); s != none {
		return s
	}
	return slotOfMagStripe(tag)
}

// slotOfODA are tags of offline data authentication and of the selected
// application's FCI.
func slotOfODA(tag emv.Tag) slot {
	switch tag {
	case emv.TagSDAD:
		return slotSDAD
	case tagDynamicNumber:
		return slotDynamicNumber
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
	case emv.TagDFName:
		return slotDFName
	case emv.TagPDOL:
		return slotPDOL
	case emv.TagApplicationLabel:
		return slotLabel
	case emv.TagPreferredName:
		return slotPreferredName
	case emv.TagCodeTable:
		return slotCodeTable
	case emv.TagLanguagePreference:
		return slotLanguage
	case emv.TagTokenRequestor:
		return slotRequestor
	case emv.TagPAR:
		return slotPAR
	case emv.TagLastFour:
		return slotLastFour
	}
	return none
}

// slotOfMagStripe are tags of mag-stripe mode.
func slotOfMagStripe(tag emv.Tag) slot {
	switch tag {
	case emv.TagTrack1:
		return slotTrack1
	case emv.TagTrack2MagStripe:
		return slotMagTrack2
	case emv.TagCVC3Track1:
		return slotCVC3Track1
	case emv.TagCVC3Track2:
		return slotCVC3Track2
	case emv.TagPCVC3Track1:
		return slotPCVC3Track1
	case emv.TagPUNATCTrack1:
		return slotPUNATCTrack1
	case emv.TagNATCTrack1:
		return slotNATCTrack1
	case emv.TagPCVC3Track2:
		return slotPCVC3Track2
	case emv.TagPUNATCTrack2:
		return slotPUNATCTrack2
	case emv.TagNATCTrack2:
		return slotNATCTrack2
	case emv.TagUDOL:
		return slotUDOL
	}
	return none
}

// lengths are the shortest and longest value of each object (EMV Book C-2,
// Annex A). Zero means any.
var lengths = [slots]struct{ min, max int }{
	slotAIP: {2, 2}, slotAFL: {4, 248}, slotTrack2: {1, 19}, slotPAN: {1, 10}, slotExpiry: {3, 3}, slotEffective: {3, 3},
	slotIssuerCountry: {2, 2}, slotPSN: {1, 1}, slotCDOL1: {1, 250}, slotCVMList: {8, 250}, slotAUC: {2, 2}, slotVersion: {2, 2},
	slotIACDefault: {5, 5}, slotIACDenial: {5, 5}, slotIACOnline: {5, 5}, slotCurrency: {2, 2}, slotCID: {1, 1}, slotATC: {2, 2},
	slotCryptogram: {8, 8}, slotIAD: {1, 32}, slotDynamicNumber: {2, 8}, slotCAIndex: {1, 1}, slotIssuerExponent: {1, 3},
	slotICCExponent: {1, 3}, slotSDATagList: {0, 250}, slotDRDOL: {0, 250}, slotDFName: {5, 16}, slotPDOL: {0, 240}, slotLanguage: {2, 8},
	slotCapabilities: {3, 3}, slotThirdParty: {5, 32}, slotInteraction: {3, 3}, slotTrack1: {1, 76}, slotMagTrack2: {1, 19},
	slotCVC3Track1: {2, 2}, slotCVC3Track2: {2, 2}, slotPCVC3Track1: {6, 6}, slotPUNATCTrack1: {6, 6}, slotNATCTrack1: {1, 1},
	slotPCVC3Track2: {2, 2}, slotPUNATCTrack2: {2, 2}, slotNATCTrack2: {1, 1}, slotUDOL: {0, 250}, slotCodeTable: {1, 1},
}

// cardData are the data objects of one card, each at most once.
type cardData [slots][]byte

// put keeps an object. A non-empty reason says why the card's data are in
// error: the same tag twice, or a length that the tag cannot have (EMV Book
// C-2, 4.5). Tags that the kernel does not know are passed over.
func (c *cardData) put(tag emv.Tag, value []byte) (reason string) {
	s := slotOf(tag)
	if s == none {
		return ""
	}
	if len(c[s]) > 0 {
		return "the card gave the same data object twice"
	}
	if l := lengths[s]; l.max > 0 && (len(value) < l.min || len(value) > l.max) {
		return "a data object of the card has a wrong length"
	}
	c[s] = value
	return ""
}

// has is true when the card gave the object, and not empty.
func (c *cardData) has(s ...slot) bool {
	for _, one := range s {
		if len(c[one]) == 0 {
			return false
		}
	}
	return true
}

// Lookup makes the card's data a Source, for data object lists and reports.
func (c *cardData) Lookup(tag emv.Tag) ([]byte, bool) {
	v := c[slotOf(tag)]
	return v, v != nil
}

// Lookup makes the run a Source of the kernel's and the terminal's data: what a
// recovered transaction had, what the kernel decided, what the terminal
// answered, what it was given.
func (r *run) Lookup(tag emv.Tag) ([]byte, bool) {
	if v, ok := r.recovered.Lookup(tag); ok {
		return v, true
	}
	switch tag {
	case emv.TagUnpredictableNumber, emv.TagNumericUN:
		if (tag == emv.TagNumericUN) == (r.mode == modeMagStripe) {
			return r.un[:], true
		}
	case emv.TagTerminalCapabilities:
		return r.capabilities[:], true
	case emv.TagCVMResults:
		return r.cvmResults[:], true
	case emv.TagMobileSupport:
		return r.mobile[:], true
	case emv.TagTVR:
		return r.tvr()[:], true
	case emv.TagTerminalVersion:
		return r.set.version[:], true
	}
	if v, ok := r.relay.lookup(tag); ok {
		return v, true
	}
	if v, ok := r.det.Lookup(tag); ok {
		return v, true
	}
	return r.terminal.Lookup(tag)
}

// appendList appends the values that a data object list asks for. False is a
// malformed list, or one that asks for more than a command carries.
func (r *run) appendList(dst, dol []byte) ([]byte, bool) {
	before := len(dst)
	for len(dol) > 0 {
		e, rest, ok := emv.NextDOLEntry(dol)
		if !ok || len(dst)-before+e.Length > emv.MaxDOLData {
			return dst, false
		}
		dst, dol = e.AppendValue(dst, r.sources[:]...), rest
	}
	return dst, true
}
