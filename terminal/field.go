package terminal

import (
	"context"
	"errors"
	"time"

	"tapsim/apdu"
)

// Field is the radio field of the reader. Cards come and go in it: a customer
// takes the phone away, unlocks it and taps again.
type Field interface {
	// Activate turns the field on and waits for a card. ErrNoCard says that
	// none came, ErrCollision that there was more than one.
	Activate(ctx context.Context) (apdu.Transceiver, error)
	// Off turns the field off and keeps it off for d. With d = 0 it stays off
	// until the next Activate.
	Off(ctx context.Context, d time.Duration) error
}

// ErrNoCard says that nobody presented a card. ErrCollision says that several
// cards were in the field.
var (
	ErrNoCard    = errors.New("no card was presented")
	ErrCollision = errors.New("more than one card in the field")
)

// PINPad asks the cardholder for the online PIN and returns the PIN block for
// field 52, enciphered. It never shows the PIN to the terminal.
type PINPad interface {
	PINBlock(ctx context.Context, pan string) ([]byte, error)
}
