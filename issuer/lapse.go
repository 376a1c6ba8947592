package issuer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Holds that nobody completes in time end. Nothing runs for that: whoever asks the
// bank to decide, or to show what is available, finds those gone that had to go.

// lapses is when the next hold ends.
type lapses struct {
	mu   sync.Mutex   // one release at a time
	next atomic.Int64 // Unix nanoseconds; no open hold ends before. 0: nobody knows
}

// lapsedAtOnce is how many holds one update releases.
const lapsedAtOnce = 100

// lapse releases what has come to its end. When nothing has, it costs a look at the
// clock.
func (i *Issuer) lapse(ctx context.Context) error {
	if i.config.HoldsExpire == 0 || i.closed.Load() != nil || i.now().UnixNano() <= i.lapses.next.Load() {
		return nil
	}
	i.lapses.mu.Lock()
	defer i.lapses.mu.Unlock()
	if i.now().UnixNano() <= i.lapses.next.Load() { // another has done it meanwhile
		return nil
	}
	return i.release(ctx)
}

// release releases the holds that have come to their end, and notes when the next
// one does: holds last equally long, and those to come end later than any of now.
func (i *Issuer) release(ctx context.Context) error {
	now := i.now()
	for {
		holds, err := i.store.OpenHolds(ctx, lapsedAtOnce)
		if err != nil {
			return err
		}
		next := now.Truncate(time.Second) // as records have it
		var due []int64
		for n := range holds {
			if now.Sub(holds[n].Time) <= i.config.HoldsExpire {
				next = holds[n].Time
				break
			}
			due = append(due, holds[n].Seq)
		}
		if len(due) > 0 {
			_, err := once(ctx, i, "expire", "", nil, func(tx *Tx, at time.Time) ([]PaymentState, error) {
				return tx.eachHold(due, func(held *Record) (PaymentState, error) {
					out, err := tx.reverse(held, held.Amount, EventExpiry, at)
					held.State, held.Related = RecordExpired, out.ID
					tx.PutRecord(*held)
					return out, err
				})
			})
			if err != nil {
				return err
			}
		}
		if len(due) < lapsedAtOnce {
			i.lapses.next.Store(next.Add(i.config.HoldsExpire).UnixNano())
			return nil
		}
	}
}
