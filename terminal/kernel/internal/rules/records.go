package rules

import (
	"context"

	"tapsim/apdu"
	"tapsim/emv"
)

// maxRecords bounds what one AFL may make a kernel read.
const maxRecords = 64

// ReadRecords reads what the AFL names, in its order, but for the last so many
// records; called again it goes on where it was. An answer other than 9000, or
// one that is not exactly one template 70, ends the application. When the card
// leaves, Unread tells how far it came.
func (r *Run) ReadRecords(ctx context.Context, but int) (Verdict, error) {
	if r.AFL == nil {
		if v := r.locate(); v != GoOn {
			return v, nil
		}
	}
	read := r.AFL.Records() - r.Unread
	for _, e := range r.AFL {
		for n := int(e.First); n <= int(e.Last) && r.Unread > but; n++ {
			if read--; read >= 0 {
				continue
			}
			answer, err := r.AskRecord(ctx, e, byte(n))
			if err != nil {
				return GoOn, err
			}
			if answer.Status != apdu.StatusOK {
				return r.Because(EndHere, r.Book.Records, "the card refused READ RECORD"), nil
			}
			if v := r.KeepRecord(e, byte(n), answer.Data); v != GoOn {
				return v, nil
			}
			r.Unread--
		}
	}
	return GoOn, nil
}

// locate reads the AFL.
func (r *Run) locate() Verdict {
	afl, err := emv.ParseAFL(r.Card.Get(AFL))
	if err != nil {
		return r.Because(EndHere, r.Book.Records, "the application file locator is malformed")
	}
	if r.Unread = afl.Records(); r.Unread > maxRecords {
		return r.Because(EndHere, r.Book.Records, "the application file locator names too many records")
	}
	r.AFL = afl
	return GoOn
}

// signedRead is true when all records are read that the card's certificate
// covers.
func (r *Run) signedRead() bool {
	n := 0
	for _, e := range r.AFL {
		n += int(e.Signed)
	}
	return len(r.Signed) == n
}

// AskRecord is READ RECORD for record n of an AFL entry.
func (r *Run) AskRecord(ctx context.Context, e emv.AFLEntry, n byte) (apdu.Response, error) {
	return apdu.ExchangeBytes(ctx, r.A.Card, append(r.A.Buffer[:0], 0x00, 0xB2, n, e.SFI<<3|4, 0x00))
}

// KeepRecord keeps the objects of record n, which must be one template 70.
func (r *Run) KeepRecord(e emv.AFLEntry, n byte, data []byte) Verdict {
	s := emv.Scan(data)
	if !s.Next() || s.Tag() != emv.TagRecord {
		return r.Because(EndHere, r.Book.Records, "a record is not a template 70")
	}
	content := s.Value()
	if s.Next() || s.Err() != nil {
		return r.Because(EndHere, r.Book.Records, "a record is more than one template")
	}
	if n-e.First < e.Signed {
		r.Signed = append(r.Signed, Record{e.SFI, n, data})
	}
	return r.readObjects(content)
}

// Record is a record as the card gave it.
type Record struct {
	sfi, number byte
	data        []byte
}

// signedRecord finds one again for oda.StaticData.
func (r *Run) signedRecord(sfi, number byte) ([]byte, bool) {
	for i := range r.Signed {
		if r.Signed[i].sfi == sfi && r.Signed[i].number == number {
			return r.Signed[i].data, true
		}
	}
	return nil, false
}
