package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An update finds its own records, few or many, as they were written last.
func TestRecordsOfAnUpdate(t *testing.T) {
	b := newBank(t, nil)
	require.NoError(t, b.store.Update(bg, nil, func(tx *Tx) error {
		var all []Record
		for n := range 5 * fewRecords {
			r, err := tx.newRecord(EventTopUp, "A", 978, int64(n), testTime)
			require.NoError(t, err)
			tx.PutRecord(r)
			all = append(all, r)
			all[n/2].Merchant = decimalText(int64(n))
			tx.PutRecord(all[n/2])
			for m := range all {
				byKey, ok, err := tx.Record(all[m].Key)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, all[m], byKey)
				bySeq, ok, err := tx.RecordBySequence(all[m].Seq)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, all[m], bySeq)
			}
			_, ok, err := tx.RecordBySequence(r.Seq + 1)
			require.NoError(t, err)
			require.False(t, ok)
		}
		require.Len(t, tx.changes.Records, 5*fewRecords)
		return nil
	}))
}

// BenchmarkClear is the end of a day with many holds: its time for each hold is
// to grow little with their number.
func BenchmarkClear(b *testing.B) {
	for _, many := range []int{100, 10_000} {
		b.Run(decimalText(int64(many)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				bank := newBank(b, nil)
				require.NoError(b, bank.store.Update(bg, nil, func(tx *Tx) error {
					for range many {
						r, err := tx.newRecord(EventPurchase, "A", 978, 1, testTime)
						require.NoError(b, err)
						r.State = RecordHeld
						tx.PutRecord(r)
					}
					return tx.hold("A", int64(many))
				}))
				b.StartTimer()
				_, err := bank.Clear(bg, ClearRequest{})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*many), "ns/hold")
		})
	}
}
