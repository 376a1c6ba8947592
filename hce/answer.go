package hce

import (
	"bytes"

	"tapsim/apdu"
	"tapsim/emv"
)

// answers are those to GET PROCESSING OPTIONS.
type answers struct {
	online, onlineODA, offline, declined, magStripe answer

	longest int // without status word
}

// answer is a coded answer to GET PROCESSING OPTIONS, status word and all, and
// what the records that it names hold of the transaction.
type answer struct {
	template
	aip     emv.AIP
	signs   bool    // the answer or a record has a place for a signature
	related bool    // the same for card authentication related data, which makes it fDDA version 01
	records []place // with places for values
	last    place   // record that its AFL names last; zero is none
}

// place is where a record stands.
type place struct{ sfi, number byte }

// buildAnswers codes the answers of a profile.
func (s *static) buildAnswers(p *Profile) error {
	a := &s.answers
	online := p.OnlineODA
	if online.absent() {
		online = p.Online
	}
	for _, one := range []struct {
		to    *answer
		from  Answer
		field string
		used  bool
		needs []emv.Tag
	}{
		{&a.online, p.Online, "answers.online", true, mandatory},
		{&a.onlineODA, online, "answers.online_oda", true, mandatory},
		{&a.offline, p.Offline, "answers.offline", p.spends(), mandatory},
		{&a.declined, p.Declined, "answers.declined", true, mandatory},
		{&a.magStripe, p.MSD, "answers.msd", !p.MSD.absent(), onlyTrack},
	} {
		if !one.used {
			if !one.from.absent() {
				return fault(one.field, "the card approves nothing offline: there are no limits")
			}
			continue
		}
		var err error
		if *one.to, err = s.newAnswer(p, one.from, one.field, one.needs); err != nil {
			return err
		}
		a.longest = max(a.longest, len(one.to.coded)-2)
	}
	return s.checkSignatures(p)
}

// absent is true for an answer that the profile does not give.
func (a *Answer) absent() bool { return len(a.AFL) == 0 && len(a.Tags) == 0 }

// mandatory are the tags that every transaction needs (EMV Book C-3, 5.4.2.1;
// the cryptogram's type may be told by the issuer application data alone);
// onlyTrack is all that mag-stripe mode has.
var (
	mandatory = []emv.Tag{emv.TagAIP, emv.TagTrack2, emv.TagIAD, emv.TagCryptogram, emv.TagATC, emv.TagCTQ}
	onlyTrack = []emv.Tag{emv.TagTrack2}
)

// newAnswer codes an answer of the profile with the tags that it needs.
func (s *static) newAnswer(p *Profile, a Answer, field string, needs []emv.Tag) (answer, error) {
	out := answer{aip: a.AIP}
	afl, err := emv.ParseAFL(a.AFL)
	if err != nil {
		return out, fault(field+".afl", "%v", err)
	}
	if len(a.Tags) == 0 {
		out.coded = emv.AppendTLV(nil, emv.TagResponseFormat1, append(append([]byte(nil), a.AIP[:]...), a.AFL...))
	} else if err := s.codeAnswer(p, a, field, &out); err != nil {
		return out, err
	}
	if len(out.coded) > apdu.MaxShortNe {
		return out, fault(field, "the answer has %d bytes, at most %d fit", len(out.coded), apdu.MaxShortNe)
	}
	out.coded = apdu.StatusOK.Append(out.coded)
	given := append([]emv.Tag(nil), a.Tags...)
	for _, e := range afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			at := place{e.SFI, byte(n)}
			out.addRecord(at, &s.files[e.SFI][n-1])
			given = append(given, p.recordTags(at)...)
			out.last = at
		}
	}
	out.signs, out.related = repeated(given, emv.TagSDAD), repeated(given, emv.TagCardAuthData)
	for _, tag := range needs {
		if !repeated(given, tag) && (tag != emv.TagAIP || len(a.Tags) > 0) {
			return out, fault(field+".tags", "tag %s must be there, or in a record that the afl names", tag)
		}
	}
	return out, nil
}

// addRecord notes a record that holds something of the transaction.
func (a *answer) addRecord(at place, record *template) {
	if len(record.holes) > 0 {
		a.records = append(a.records, at)
	}
}

// codeAnswer codes template 77.
func (s *static) codeAnswer(p *Profile, a Answer, field string, out *answer) error {
	if !repeated(a.Tags, emv.TagAIP) {
		return fault(field+".tags", "tag 82 must be there")
	}
	if len(a.AFL) > 0 != repeated(a.Tags, emv.TagAFL) {
		return fault(field+".tags", "an afl and tag 94 among the tags go together: tag 94 has no value, or no place")
	}
	for i, tag := range a.Tags {
		if repeated(a.Tags[:i], tag) {
			return fault(field+".tags", "tag %s stands twice", tag)
		}
		length, changes := s.changing(p, tag)
		value, ok := p.value(tag)
		switch {
		case tag == emv.TagAIP:
			out.add(tag, a.AIP[:])
		case tag == emv.TagAFL:
			out.add(tag, a.AFL)
		case changes:
			out.addChanging(tag, length)
		case ok:
			out.add(tag, value)
		case !p.mayMiss(tag):
			return fault(field+".tags", "tag %s has no value", tag)
		}
	}
	out.enclose(emv.TagResponseFormat2)
	return nil
}

// recordTags are the tags of a record.
func (p *Profile) recordTags(at place) []emv.Tag {
	for i := range p.Records {
		if r := &p.Records[i]; r.SFI == at.sfi && r.Number == at.number {
			return r.Tags
		}
	}
	return nil
}

// checkSignatures refuses what could not be signed, or not be verified.
func (s *static) checkSignatures(p *Profile) error {
	switch a := &s.answers; {
	case a.declined.signs:
		return fault("answers.declined", "a decline is not signed: 9F4B does not belong there")
	case p.QVSDC != nil && a.onlineODA.aip.Has(emv.AIPDDA) && !a.onlineODA.signs:
		return fault("answers.online_oda", "with dynamic data authentication in its aip, an answer to a reader that authenticates online requests must be signed (EMV Book C-3)")
	case p.spends() && !a.offline.signs:
		return fault("answers.offline", "an offline approval must be signed: 9F4B belongs into the answer, or into a record that the afl names")
	case !p.Signs():
		return nil
	}
	for _, tag := range []emv.Tag{emv.TagUnpredictableNumber, emv.TagAmount, emv.TagTransactionCurrency} {
		if list, _ := emv.ParseDOL(p.PDOL); !list.Has(tag) {
			return fault("pdol", "a card that signs must ask for %s", tag)
		}
	}
	var first []byte
	for i, one := range p.signed() {
		if err := s.checkSigned(p, one); err != nil {
			return err
		}
		data, err := s.staticData(p, one.AIP, one.AFL)
		if err != nil {
			return fault("answers", "%v", err)
		}
		if i > 0 && !bytes.Equal(first, data) {
			return fault("answers", "the answers with a signature differ in AIP or signed records: the card has one certificate")
		}
		first = data
	}
	return nil
}

// signed are the answers with a signature in them or in a record that they name.
func (p *Profile) signed() []*Answer {
	var out []*Answer
	for _, a := range []*Answer{&p.Offline, &p.OnlineODA, &p.Online} {
		afl, _ := emv.ParseAFL(a.AFL) // newAnswer checks it
		found := repeated(a.Tags, emv.TagSDAD)
		for _, e := range afl {
			for n := int(e.First); n <= int(e.Last); n++ {
				found = found || repeated(p.recordTags(place{e.SFI, byte(n)}), emv.TagSDAD)
			}
		}
		if found {
			out = append(out, a)
		}
	}
	return out
}

// checkSigned refuses signed records that change from tap to tap or hold the
// certificate that signs them.
func (s *static) checkSigned(p *Profile, a *Answer) error {
	afl, err := emv.ParseAFL(a.AFL)
	if err != nil {
		return err // newAnswer has seen it
	}
	for _, e := range afl {
		for n := range e.Signed {
			at := place{e.SFI, e.First + n}
			if len(s.files[at.sfi][at.number-1].holes) > 0 || repeated(p.recordTags(at), emv.TagICCCertificate) {
				return fault("answers", "record %d of file %d is marked as signed, and changes or holds 9F46", at.number, at.sfi)
			}
		}
	}
	return nil
}
