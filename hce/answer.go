package hce

import (
	"fmt"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// answer is a coded answer to GET PROCESSING OPTIONS, status word and all, with
// the places of what changes from tap to tap; a place of 0 is not there.
type answer struct {
	coded                          []byte
	aip                            [2]byte
	iad, iadLen, ac, cid, atc, ctq int
}

// longest is the length of the longer answer, without status word.
func (s *static) longest() int { return max(len(s.online.coded), len(s.declined.coded)) - 2 }

// fill writes the changing values but the issuer application data, which the
// cryptogram needs first.
func (a *answer) fill(out []byte, ac cryptogram.Cryptogram, v verdict, atc uint16) {
	copy(out[a.ac:], ac[:])
	out[a.atc], out[a.atc+1] = byte(atc>>8), byte(atc)
	if a.cid != 0 {
		out[a.cid] = byte(v.kind)
	}
	if a.ctq != 0 {
		copy(out[a.ctq:], v.ctq[:])
	}
}

// iadCVR is where the card verification results stand in issuer application
// data. Formats 0, 1, 3: length 06, DKI, CVN, CVR of 4 bytes. Formats 2 and 4:
// length 1F, CVN, DKI, CVR of 5 bytes, discretionary data.
const iadCVR = 3

// Bits of the card verification results.
const (
	cvrNoSecondAC        = 0x80 // byte 2, bits 8-7: second cryptogram not requested
	cvrVerifiedOnDevice  = 0x04 // byte 2, bit 3, formats 2 and 4
	cvrVerifiedOnDevice5 = 0x02 // byte 5, bit 2, formats 2 and 4
)

// fillIAD writes card verification results and key index over those of the
// profile.
func (s *static) fillIAD(iad []byte, v verdict, index cryptogram.KeyIndex) {
	cvr := iad[iadCVR:]
	cvr[1] = cvrNoSecondAC | byte(v.kind)>>2 // bits 6-5: AAC 00, TC 01, ARQC 10
	if s.layout != emv.IADVisa24 {
		return
	}
	if v.device != 0 {
		cvr[0] = v.device
	}
	if v.cvm == CVMConsumerDevice {
		cvr[1] |= cvrVerifiedOnDevice
		cvr[4] |= cvrVerifiedOnDevice5
	}
	if s.recipe.Session == cryptogram.SessionLimitedUse {
		index.Put(iad)
	}
}

// newAnswer codes an answer of the profile.
func newAnswer(p *Profile, a Answer, field string) (answer, error) {
	out := answer{aip: a.AIP}
	var body []byte
	for i, tag := range a.Tags {
		value, ok := p.answerValue(a, tag)
		if !ok {
			return out, &ProfileError{field + ".tags", fmt.Sprintf("tag %s has no value", tag)}
		}
		if repeated(a.Tags[:i], tag) {
			return out, &ProfileError{field + ".tags", fmt.Sprintf("tag %s stands twice", tag)}
		}
		body = emv.AppendTLV(body, tag, value)
		if place := out.place(tag); place != nil {
			*place = len(body) - len(value)
		}
	}
	out.coded = emv.AppendTLV(nil, emv.TagResponseFormat2, body)
	if len(out.coded) > apdu.MaxShortNe {
		return out, &ProfileError{field, fmt.Sprintf("the answer has %d bytes, at most %d fit", len(out.coded), apdu.MaxShortNe)}
	}
	shift := len(out.coded) - len(body)
	for _, tag := range []emv.Tag{emv.TagIAD, emv.TagCryptogram, emv.TagATC, emv.TagCID, emv.TagCTQ} {
		if place := out.place(tag); *place != 0 {
			*place += shift
		} else if tag != emv.TagCID { // the IAD tells the type when the CID is not there
			return out, &ProfileError{field + ".tags", fmt.Sprintf("tag %s must be there", tag)}
		}
	}
	for _, tag := range []emv.Tag{emv.TagAIP, emv.TagTrack2} {
		if !repeated(a.Tags, tag) {
			return out, &ProfileError{field + ".tags", fmt.Sprintf("tag %s must be there", tag)}
		}
	}
	if len(a.AFL) > 0 != repeated(a.Tags, emv.TagAFL) {
		return out, &ProfileError{field, "an afl and tag 94 among the tags go together"}
	}
	out.iadLen = len(p.IAD)
	out.coded = apdu.StatusOK.Append(out.coded)
	return out, nil
}

// place is where the offset of a changing value is kept; nil for other tags.
func (a *answer) place(tag emv.Tag) *int {
	switch tag {
	case emv.TagIAD:
		return &a.iad
	case emv.TagCryptogram:
		return &a.ac
	case emv.TagCID:
		return &a.cid
	case emv.TagATC:
		return &a.atc
	case emv.TagCTQ:
		return &a.ctq
	}
	return nil
}

// answerValue is the value of a tag in an answer; changing ones are zeros yet.
func (p *Profile) answerValue(a Answer, tag emv.Tag) ([]byte, bool) {
	switch tag {
	case emv.TagAIP:
		return a.AIP[:], true
	case emv.TagAFL:
		return a.AFL, len(a.AFL) > 0
	case emv.TagIAD:
		return p.IAD, true
	case emv.TagCryptogram:
		return make([]byte, 8), true
	case emv.TagCID:
		return make([]byte, 1), true
	case emv.TagATC:
		return make([]byte, 2), true
	case emv.TagCTQ:
		return make([]byte, 2), true
	}
	return p.value(tag)
}

func repeated(tags []emv.Tag, tag emv.Tag) bool {
	for _, t := range tags {
		if t == tag {
			return true
		}
	}
	return false
}
