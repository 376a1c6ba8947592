package c3

import (
	"context"

	"tapsim/apdu"
	"tapsim/emv"
)

// maxRecords bounds what one AFL may make the kernel read.
const maxRecords = 64

const ruleRead = "EMV Book C-3, read application data"

// readRecords reads what the AFL names, in its order. An answer other than
// 9000, or one that is not exactly one template 70, ends the application.
func (r *run) readRecords(ctx context.Context) (verdict, error) {
	locator := r.card.get(slotAFL)
	if len(locator) == 0 {
		return goOn, nil
	}
	afl, err := emv.ParseAFL(locator)
	if err != nil {
		return r.because(endHere, ruleRead, "the application file locator is malformed"), nil
	}
	if afl.Records() > maxRecords {
		return r.because(endHere, ruleRead, "the application file locator names too many records"), nil
	}
	r.afl = afl
	for _, e := range afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			v, err := r.readRecord(ctx, e, byte(n))
			if v != goOn || err != nil {
				return v, err
			}
		}
	}
	return goOn, nil
}

func (r *run) readRecord(ctx context.Context, e emv.AFLEntry, n byte) (verdict, error) {
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, append(r.a.Buffer[:0], 0x00, 0xB2, n, e.SFI<<3|4, 0x00))
	if err != nil {
		return goOn, err
	}
	if answer.Status != apdu.StatusOK {
		return r.because(endHere, ruleRead, "the card refused READ RECORD"), nil
	}
	s := emv.Scan(answer.Data)
	if !s.Next() || s.Tag() != emv.TagRecord {
		return r.because(endHere, ruleRead, "a record is not a template 70"), nil
	}
	content := s.Value()
	if s.Next() || s.Err() != nil {
		return r.because(endHere, ruleRead, "a record is more than one template"), nil
	}
	if n-e.First < e.Signed {
		r.signed = append(r.signed, record{e.SFI, n, answer.Data})
	}
	return r.readObjects(content), nil
}

// record is a record that the card's certificate covers.
type record struct {
	sfi, number byte
	data        []byte
}

// signedRecord finds one again for oda.StaticData.
func (r *run) signedRecord(sfi, number byte) ([]byte, bool) {
	for i := range r.signed {
		if r.signed[i].sfi == sfi && r.signed[i].number == number {
			return r.signed[i].data, true
		}
	}
	return nil, false
}
