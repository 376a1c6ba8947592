package pcsc

import (
	"sync"
	"time"
)

// service is one context of the PC/SC service. A context does one thing at a
// time - a command waits while it waits for a card - so a Reader has two.
type service interface {
	readers() ([]string, error)
	// status returns when the state of a reader is not known any more, or after
	// the timeout with codeTimeout. Known 0 asks for the state at once.
	status(reader string, known flags, timeout time.Duration) (state, error)
	cancel() error // ends a status that another goroutine waits in
	connect(reader string) (handle, error)
	release() error
}

// handle is a connection to a card, for this program alone.
type handle interface {
	t0() bool // protocol T=0; else T=1
	atr() ([]byte, error)
	transmit(command []byte) ([]byte, error)
	reset() error // warm
	disconnect(unpower bool) error
}

// state is what a reader is like.
type state struct {
	flags flags
	atr   []byte
}

// flags are SCARD_STATE_*: in the upper half a counter of events.
type flags uint32

// States of a reader (PC/SC part 5).
const (
	flagChanged     flags = 0x0002
	flagUnknown     flags = 0x0004
	flagUnavailable flags = 0x0008
	flagEmpty       flags = 0x0010
	flagPresent     flags = 0x0020
	flagExclusive   flags = 0x0080
	flagInUse       flags = 0x0100
	flagMute        flags = 0x0200
)

// claims are the readers that this program waits at.
var claims = struct {
	sync.Mutex
	names map[string]bool
}{names: map[string]bool{}}

// claim takes a reader for one part of this program; false when another has it.
func claim(name string) (release func(), ok bool) {
	claims.Lock()
	defer claims.Unlock()
	if claims.names[name] {
		return nil, false
	}
	claims.names[name] = true
	return func() {
		claims.Lock()
		defer claims.Unlock()
		delete(claims.names, name)
	}, true
}
