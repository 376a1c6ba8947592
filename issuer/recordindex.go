package issuer

import "slices"

// fewRecords are looked through one after the other. Nearly all updates have no
// more; those that clear or release thousands of holds have an index.
const fewRecords = 16

// recordIndex finds the records of one update, which keep their places, keys and
// numbers. The zero value is ready.
type recordIndex struct {
	indexed int // so many of the records are in the maps
	keys    map[string]int
	numbers map[int64]int
}

// byKey is the place of a record by its retrieval key, -1 for none.
func (x *recordIndex) byKey(records []Record, key string) int {
	if len(records) <= fewRecords {
		return slices.IndexFunc(records, func(r Record) bool { return r.Key == key })
	}
	x.grow(records)
	return place(x.keys, key)
}

// bySequence is the place of a record by its number, -1 for none.
func (x *recordIndex) bySequence(records []Record, seq int64) int {
	if len(records) <= fewRecords {
		return slices.IndexFunc(records, func(r Record) bool { return r.Seq == seq })
	}
	x.grow(records)
	return place(x.numbers, seq)
}

func (x *recordIndex) grow(records []Record) {
	if x.keys == nil {
		x.keys, x.numbers = map[string]int{}, map[int64]int{}
	}
	for ; x.indexed < len(records); x.indexed++ {
		x.keys[records[x.indexed].Key] = x.indexed
		x.numbers[records[x.indexed].Seq] = x.indexed
	}
}

func place[K comparable](places map[K]int, key K) int {
	if n, there := places[key]; there {
		return n
	}
	return -1
}
