package c2

import (
	"context"

	"tapsim/apdu"
	"tapsim/emv"
)

// maxRecords bounds what one AFL may make the kernel read.
const maxRecords = 64

// ownFiles is the highest file whose records are EMV's: those above are of the
// payment system or the issuer and are not taken apart (EMV Book 3, 5.3.2.2).
const ownFiles = 10

// readRecords reads what the AFL names, in its order (EMV Book C-2, S4 and S7).
func (r *run) readRecords(ctx context.Context) (verdict, error) {
	for _, e := range r.afl {
		for n := int(e.First); n <= int(e.Last); n++ {
			if v, err := r.readRecord(ctx, e, byte(n)); v != goOn || err != nil {
				return v, err
			}
		}
	}
	return goOn, nil
}

func (r *run) readRecord(ctx context.Context, e emv.AFLEntry, n byte) (verdict, error) {
	command := append(r.a.Buffer[:0], 0x00, 0xB2, n, e.SFI<<3|4, 0x00)
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, command)
	if err != nil {
		return goOn, err
	}
	if answer.Status != apdu.StatusOK {
		return r.refused(answer.Status, "EMV Book C-2, S4.10", "the card refused READ RECORD"), nil
	}
	if n-e.First < e.Signed {
		r.signed = append(r.signed, record{e.SFI, n, answer.Data})
	}
	if e.SFI > ownFiles {
		return goOn, nil
	}
	tag, content, ok := oneObject(answer.Data)
	if !ok || tag != emv.TagRecord || len(content) == 0 {
		return r.fail(L2ParsingError, "EMV Book C-2, S4.24", "a record is not one template 70"), nil
	}
	if reason := r.keep(content); reason != "" {
		return r.fail(L2ParsingError, "EMV Book C-2, S4.27", reason), nil
	}
	return goOn, nil
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
