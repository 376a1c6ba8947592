package issuer

import (
	"encoding/json"
	"sync/atomic"
	"time"
)

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
	// MaxKeptChecks bounds Config.KeptChecks.
	MaxKeptChecks = 10_000
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
			bare[n] = Step{Name: s.Name, Result: s.Result, Cause: s.Cause, Text: s.Text}
		}
		b, err = json.Marshal(bare)
	}
	return Sheet{record, b}, err
}

// keepSheet keeps a report, and tells it the record's number.
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

// quota counts what happens in a second: the second above, the count in the lower
// bits.
type quota struct{ state atomic.Uint64 }

// quotaBits are the bits of the count.
const quotaBits = 16

// admits is true for the first so many of a second.
func (q *quota) admits(now time.Time, most int) bool {
	if most == 0 {
		return false
	}
	second := uint64(now.Unix()) << quotaBits
	for {
		was := q.state.Load()
		next := was + 1
		if was>>quotaBits != second>>quotaBits {
			next = second + 1
		}
		if next-second > uint64(most) {
			return false
		}
		if q.state.CompareAndSwap(was, next) {
			return true
		}
	}
}
