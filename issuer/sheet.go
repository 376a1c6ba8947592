package issuer

import "encoding/json"

// Sheet is what the bank keeps of its check of a payment, for people who ask
// later: the steps of the Report, as JSON. It decides nothing.
type Sheet struct {
	Record int64 // Seq of the record
	Steps  []byte
}

// Bounds of what is kept: the sheets of the latest records, each without its
// details where those are long.
const (
	MaxSheets = 1000
	maxSheet  = 12 << 10 // bytes
)

// Slot is the place of a sheet: a later record takes that of an earlier one.
func (s *Sheet) Slot() int64 { return s.Record % MaxSheets }

// sheet is a report as it is kept. Where the details are too long they go, the
// step's text stays.
func (r *Report) sheet(record int64) (Sheet, error) {
	b, err := json.Marshal(r.Steps)
	if err == nil && len(b) > maxSheet {
		bare := make([]Step, len(r.Steps))
		for n, s := range r.Steps {
			bare[n] = Step{Name: s.Name, Result: s.Result, Text: s.Text}
		}
		b, err = json.Marshal(bare)
	}
	return Sheet{record, b}, err
}

// keepSheet keeps a report that somebody asked for, and tells it the record's
// number.
func keepSheet(tx *Tx, r *Report, record int64) error {
	if r == nil {
		return nil
	}
	r.Payment = record
	s, err := r.sheet(record)
	if err == nil {
		tx.PutSheet(s)
	}
	return err
}
