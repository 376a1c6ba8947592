package reader

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Action is what a fault does. The zero value is invalid.
type Action byte

// The actions.
const (
	TearBefore Action = iota + 1 // the card leaves before it sees the command
	TearAfter                    // the card works on the command and leaves; its answer is lost
	Drop                         // the answer is lost, the card stays in the field
	Delay                        // the answer comes late
	Corrupt                      // one byte of the answer changes
)

// Fault disturbs one exchange, by its number from 1 since the faults were set
// up, over all taps. Several may disturb the same one, in their order.
type Fault struct {
	Exchange int
	Action   Action
	Delay    time.Duration // of Delay
	Offset   int           // of Corrupt: the byte of the answer; below 0 counts from its end
	Flip     byte          // of Corrupt: the bits that change
}

// Sleep waits on some clock, virtual or real, until d has passed or the
// context ended, whose error it then returns.
type Sleep func(ctx context.Context, d time.Duration) error

// Faulty is a field with faults. It implements apdu.Transceiver; cards come
// and go at the field that it wraps. The same faults and the same commands
// give the same run.
type Faulty struct {
	field  *Field
	sleep  Sleep
	faults []Fault
	count  int
	busy   atomic.Bool
}

// WithFaults wraps a field. A fault that can never strike, or a delay without
// a clock to wait on, is an error that names it.
func WithFaults(field *Field, sleep Sleep, faults ...Fault) (*Faulty, error) {
	for i, f := range faults {
		if reason := f.check(sleep); reason != "" {
			return nil, fmt.Errorf("reader: fault %d: %s", i+1, reason)
		}
	}
	return &Faulty{field: field, sleep: sleep, faults: append([]Fault(nil), faults...)}, nil
}

func (f Fault) check(sleep Sleep) string {
	switch {
	case f.Exchange < 1:
		return fmt.Sprintf("exchange %d; exchanges count from 1", f.Exchange)
	case f.Action < TearBefore || f.Action > Corrupt:
		return "no action: tear, drop, delay or corrupt"
	case f.Action == Delay && (sleep == nil || f.Delay <= 0):
		return "a delay needs a time above zero and a clock"
	case f.Action == Corrupt && f.Flip == 0:
		return "a corruption needs bits to flip"
	}
	return ""
}

// Transceive carries a command over the field, disturbed as asked.
func (f *Faulty) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if !f.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	defer f.busy.Store(false)
	f.count++
	for _, fault := range f.faults {
		if fault.Exchange == f.count && fault.Action == TearBefore {
			f.field.Remove()
		}
	}
	answer, err := f.field.Transceive(ctx, command)
	if err != nil {
		return nil, err
	}
	for _, fault := range f.faults {
		if fault.Exchange != f.count {
			continue
		}
		if answer, err = f.disturb(ctx, fault, answer); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// disturb applies what happens after the card has answered.
func (f *Faulty) disturb(ctx context.Context, fault Fault, answer []byte) ([]byte, error) {
	switch fault.Action {
	case TearAfter:
		f.field.Remove()
		return nil, &LostError{Seen: true}
	case Drop:
		return nil, &LostError{Seen: true}
	case Delay:
		return answer, f.sleep(ctx, fault.Delay)
	case Corrupt:
		at := fault.Offset
		if at < 0 {
			at += len(answer)
		}
		if at < 0 || at >= len(answer) {
			return nil, fmt.Errorf("reader: cannot corrupt byte %d of exchange %d: the answer has %d bytes", fault.Offset, f.count, len(answer))
		}
		answer = append([]byte(nil), answer...)
		answer[at] ^= fault.Flip
	}
	return answer, nil
}
