// Package apdu holds the command and response pairs of ISO/IEC 7816-4: their
// coding (cases 1 to 4, short and extended), status words, and the two
// one-method interfaces at which a card and a terminal meet. It is bytes only
// and knows nothing of payment.
package apdu

import (
	"context"
	"errors"
)

// Responder is a card: a total function from command bytes to response bytes.
// Every input, even an empty one, gets at least a status word. The caller may
// keep the response, and only reads it: a Responder never touches it again, but may
// give the same one to others. The command is the caller's: a Responder keeps
// nothing of it.
//
// The shape is that of Android's HostApduService.processCommandApdu, so an
// applet that implements it can sit behind one.
type Responder interface {
	Respond(command []byte) (response []byte)
}

// Transceiver is what a terminal talks to: something that carries one command
// to a card and brings the answer back. It returns ErrLost (possibly wrapped)
// when the card left the field, the context's error when it ended first, and
// ErrBusy (possibly wrapped) while another command is under way.
// The command is the caller's again when Transceive returns; the response the
// caller may keep, and only reads.
type Transceiver interface {
	Transceive(ctx context.Context, command []byte) (response []byte, err error)
}

// ErrLost says that the card left the field before its answer arrived: the
// terminal cannot know whether the card has seen the command.
var ErrLost = errors.New("the card left the field")

// ErrBusy says that a second command was sent while the card still worked on
// the first: a card has one command at a time.
var ErrBusy = errors.New("a command is under way; send one at a time, each goroutine to its own card")

// ResponderFunc lets a plain function be a Responder.
type ResponderFunc func(command []byte) []byte

// Respond calls f.
func (f ResponderFunc) Respond(command []byte) []byte { return f(command) }

// TransceiverFunc lets a plain function be a Transceiver.
type TransceiverFunc func(ctx context.Context, command []byte) ([]byte, error)

// Transceive calls f.
func (f TransceiverFunc) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	return f(ctx, command)
}
