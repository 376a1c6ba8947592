// Package reader is where card and terminal meet in memory: a field into which
// a card is brought, over which a terminal sends commands, and which can fail
// on purpose: tear, delay, corrupt, drop. Readers made of hardware live in the
// packages below it.
package reader

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"tapsim/apdu"
)

// ErrBusy is apdu.ErrBusy.
var ErrBusy = apdu.ErrBusy

// ErrNoCard says that nobody brought a card into the field in time.
var ErrNoCard = errors.New("no card was presented")

// Reason says why a card lost power. The values are those of Android's
// HostApduService.onDeactivated.
type Reason int

// Reasons for a deactivation.
const (
	LinkLoss   Reason = 0 // the card left the field, or the field went off
	Deselected Reason = 1 // the reader turned to another application
)

// LostError is apdu.ErrLost with what an in-memory reader knows and a real one
// does not: whether the card saw the command.
type LostError struct{ Seen bool }

func (e *LostError) Error() string {
	if e.Seen {
		return "the card left the field: it saw the command, its answer is lost"
	}
	return "the card left the field: it did not see the command"
}

// Unwrap makes the error an apdu.ErrLost.
func (e *LostError) Unwrap() error { return apdu.ErrLost }

// CardSaw is true when the card worked on the command before it was lost. A
// recorder asks for it, to write down what really happened.
func (e *LostError) CardSaw() bool { return e.Seen }

// Field is a reader without hardware. It implements apdu.Transceiver. The zero
// value is an empty field. One goroutine sends commands; Insert, Remove and
// Reset may come from another and wait for the command that is under way.
type Field struct {
	// Deactivated, when not nil, is called when the card in the field loses
	// power. It must not call the field. Set it before the first Insert.
	Deactivated func(Reason)

	busy atomic.Bool
	mu   sync.Mutex
	card apdu.Responder
}

// Insert brings a card into the field and powers it; nil is no card. A card
// that was there before leaves first.
func (f *Field) Insert(card apdu.Responder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deactivate(LinkLoss)
	f.card = card
}

// Remove takes the card out of the field. It loses power and what it kept for
// the session.
func (f *Field) Remove() { f.Insert(nil) }

// Reset switches the field off and on: the card stays where it is and starts
// anew, as for the second tap of a transaction.
func (f *Field) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deactivate(LinkLoss)
}

// Present is true when a card is in the field.
func (f *Field) Present() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.card != nil
}

// deactivate tells the card in the field, if there is one, that its power is
// gone.
func (f *Field) deactivate(r Reason) {
	if f.card != nil && f.Deactivated != nil {
		f.Deactivated(r)
	}
}

// Transceive hands a command to the card in the field. Without a card it is a
// *LostError; a context that has ended, or another command under way, keep the
// command from the card. A card cannot be interrupted: when the context ends
// meanwhile, its answer is dropped.
func (f *Field) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !f.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	defer f.busy.Store(false)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.card == nil {
		return nil, &LostError{}
	}
	answer := f.card.Respond(command)
	if err := ctx.Err(); err != nil {
		return nil, err // too late: nobody waits for it any more
	}
	return answer, nil
}
