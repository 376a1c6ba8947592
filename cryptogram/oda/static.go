package oda

import "tapsim/emv"

// maxStatic bounds the static data of a card, in bytes.
const maxStatic = 16 << 10

// StaticData collects what issuer and ICC certificates sign of a card's data
// (EMV Book 3, 10.3): of each entry of the AFL the signed records, in order, and
// the AIP where the static data authentication tag list (9F4A) asks for it.
// record gives a record as the card sent it. tagList is empty when the card has
// none; a list other than 82 fails.
func StaticData(afl emv.AFL, record func(sfi, number byte) ([]byte, bool), tagList, aip []byte) ([]byte, error) {
	const object = "static data"
	var out []byte
	for _, e := range afl {
		for n := 0; n < int(e.Signed); n++ {
			number := e.First + byte(n)
			data, ok := record(e.SFI, number)
			if !ok {
				return nil, fail(object, FaultMissing, "record %d of file %d was not read", number, e.SFI)
			}
			content, err := recordContent(e.SFI, number, data)
			if err != nil {
				return nil, err
			}
			if out = append(out, content...); len(out) > maxStatic {
				return nil, fail(object, FaultLength, "more than %d bytes", maxStatic)
			}
		}
	}
	switch {
	case len(tagList) == 0:
		return out, nil
	case len(tagList) != 1 || tagList[0] != byte(emv.TagAIP):
		return nil, fail(object, FaultFormat, "tag list %X, only 82 is allowed", tagList)
	}
	return append(out, aip...), nil
}

// recordContent is what of a record is signed: the value of its template 70 in
// files 1 to 10, all of it in the others.
func recordContent(sfi, number byte, data []byte) ([]byte, error) {
	if sfi > 10 {
		return data, nil
	}
	content, ok := emv.Find(data, emv.TagRecord)
	if !ok {
		return nil, fail("static data", FaultFormat, "record %d of file %d is no template 70", number, sfi)
	}
	return content, nil
}
