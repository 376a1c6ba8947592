package issuer

import (
	"cmp"
	"slices"
)

// MaxByReference is how many records one reference finds.
const MaxByReference = 16

// movedMoney is true for a record of money that moved or was held, whatever became
// of it since.
func (r *Record) movedMoney() bool { return r.State != RecordNoted && r.State != RecordOrphan }

// MergeByReference puts changed records over those with a reference that were there
// before: at most MaxByReference, those that moved money first, of each sort the
// latest first. Only stores call it.
func MergeByReference(stored []Record, reference string, changed []Record) []Record {
	if reference == "" {
		return nil
	}
	found := slices.Clone(stored)
	for n := range changed {
		if changed[n].Reference == reference {
			put(&found, changed[n], func(r *Record) bool { return r.Seq == changed[n].Seq })
		}
	}
	slices.SortFunc(found, func(a, b Record) int {
		if a.movedMoney() != b.movedMoney() {
			if a.movedMoney() {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Seq, a.Seq)
	})
	return found[:min(len(found), MaxByReference)]
}

// recordByReference is the first record with that reference that keep is true for:
// the latest that moved money, so that no declined one under the same reference
// hides it, or else the latest.
func (t *Tx) recordByReference(reference string, keep func(*Record) bool) (Record, bool, error) {
	found, err := t.RecordsByReference(reference)
	for n := range found {
		if keep(&found[n]) {
			return found[n], true, err
		}
	}
	return Record{}, false, err
}
