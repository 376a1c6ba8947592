package issuer

import (
	"fmt"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// stepTrack is the step of the report.
const stepTrack = "track 2"

// checkTrack verifies the dynamic card verification value (dCVV) in track 2 of a
// Visa card that was read in contactless mag-stripe mode (field 22: 91). It is
// made with the card key for cryptograms over the counter's digits as they stand
// in the track. No field says which key set that key comes from: any of the
// range's will do. The counter is not kept, so a track can be used again.
func (i *Issuer) checkTrack(p *payment, report *Report) {
	if !strings.HasPrefix(p.request.EntryMode, "91") || p.scope.Scheme != emv.SchemeVisa || p.instrument.Kind != Card {
		return
	}
	t, ok := trackOf(p.request.Track2)
	value, counter, dynamic := t.Dynamic()
	if !ok || !dynamic {
		p.refuse(WrongCryptogram)
		report.step(stepTrack, Failed, "field 35 has no dynamic verification value (dCVV)")
		return
	}
	for _, name := range p.scope.KeySets {
		card, err := i.keys.card(i.config.keySet(name), p.pan, p.sequence())
		if err != nil { // no sequence number: contradictionOf says so
			continue
		}
		want, err := cryptogram.DCVV(card, string(p.pan), t.Expiry, t.ServiceCode, counter, cryptogram.ATCDecimal)
		if err == nil && want == value {
			if report != nil {
				report.step(stepTrack, OK, fmt.Sprintf("the verification value (dCVV) in field 35 is right for counter %04d and key set %s", counter, name))
			}
			return
		}
	}
	p.refuse(WrongCryptogram)
	if report != nil {
		report.step(stepTrack, Failed, fmt.Sprintf("the verification value (dCVV) in field 35 is wrong for counter %04d under each key set of the range", counter))
	}
}

// trackOf takes field 35 apart.
func trackOf(field string) (t emv.Track2, ok bool) {
	pan, rest, found := strings.Cut(strings.Replace(field, "D", "=", 1), "=")
	if !found || len(rest) < 7 {
		return t, false
	}
	return emv.Track2{PAN: emv.PAN(pan), Expiry: rest[:4], ServiceCode: rest[4:7], Discretionary: rest[7:]}, true
}
