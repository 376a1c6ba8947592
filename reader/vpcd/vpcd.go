// Package vpcd puts a card into the virtual reader of vsmartcard, so that any
// PC/SC program can talk to it. The reader is a driver of the PC/SC service that
// listens on a TCP port for each of its slots; the card connects to it. Where a
// program asks the reader itself - for the card's UID - this package answers as
// a contactless reader would.
package vpcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"tapsim/apdu"
	"tapsim/reader"
)

// DefaultAddr is the first slot of a reader as its package configures it.
const DefaultAddr = "127.0.0.1:35963"

// ErrOccupied says that the slot does not take the card: another is in it, or
// what listens there is no virtual reader.
var ErrOccupied = errors.New("the slot takes no card: another card is in it, or what listens there is no virtual reader")

// A slot has room for one card. A second connection waits until the first ends,
// as does every one after it before it is even accepted.
const (
	dialTime = 3 * time.Second // until it is accepted
	// greetTime is how long a slot may take to speak to a card: a virtual reader
	// looks for one each 400 ms.
	greetTime = time.Second
)

// Config is a card and how it shows itself. All but Card may be left empty.
type Config struct {
	Card apdu.Responder // an answer of fewer than two bytes takes it out of the field
	// Deactivated is called when the card loses power, as for reader.Field.
	Deactivated func(reader.Reason)
	// Seen is called with each exchange, also those that the reader answers
	// itself. The bytes are valid during the call.
	Seen func(command, answer []byte)
	UID  []byte // 4, 7 or 10 bytes; empty: a fixed one
	// Historical are the card's historical bytes, at most 15: reader and program
	// see them in ATR and ATS.
	Historical []byte
}

// Slot is a card in a virtual reader.
type Slot struct {
	conn   net.Conn
	link   *link
	config Config
	pseudo pseudo
	on     bool
	met    func() // called when the reader speaks first
	remove sync.Once
}

// Insert brings a card into the slot of a virtual reader, "HOST:PORT". The
// PC/SC service notices within half a second. Serve then answers.
func Insert(ctx context.Context, addr string, c Config) (*Slot, error) {
	p, err := c.prepare()
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTime}
	conn, err := d.DialContext(ctx, "tcp", addr)
	var ne net.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &ne) && ne.Timeout():
		return nil, fmt.Errorf("%s: %w", addr, ErrOccupied)
	case err != nil:
		return nil, err
	}
	return &Slot{conn: conn, link: newLink(conn), config: c, pseudo: p, met: func() {}}, nil
}

// prepare finds what is wrong with a configuration.
func (c *Config) prepare() (pseudo, error) {
	if c.Card == nil {
		return pseudo{}, errors.New("vpcd: a slot needs a card")
	}
	return newPseudo(c.UID, c.Historical)
}

// Remove takes the card out of the slot, also in the middle of a command. The
// card must not be asked to come back for half a second, or the service does not
// notice that it was gone.
func (s *Slot) Remove() { s.remove.Do(func() { _ = s.conn.Close() }) }

// Control messages have one byte. A command of that length looks like one; the
// reader waits for an answer to it.
const (
	controlOff   = 0
	controlOn    = 1
	controlReset = 2
	controlATR   = 4
)

// Serve answers until the card is removed, the context ends or the reader goes
// away, which all are no error; what comes over the wire and is no message is
// one.
func (s *Slot) Serve(ctx context.Context) error {
	defer s.Remove()
	defer s.power(false)
	defer context.AfterFunc(ctx, s.Remove)()
	for first := true; ; first = false {
		message, err := s.link.read()
		if err != nil {
			return s.ended(err)
		}
		if first {
			s.met()
		}
		answer, ok := s.handle(message)
		if !ok {
			return nil
		}
		if answer == nil {
			continue
		}
		if err := s.link.write(answer); err != nil {
			return s.ended(err)
		}
	}
}

// ended is nil for the usual ends of a connection.
func (s *Slot) ended(err error) error {
	var broken *brokenError
	if errors.As(err, &broken) {
		return err
	}
	return nil
}

// handle is the answer to a message, nil when it wants none; false takes the
// card out of the field, since an empty answer would hang the reader.
func (s *Slot) handle(message []byte) (answer []byte, ok bool) {
	if len(message) != 1 {
		return s.respond(message)
	}
	switch message[0] {
	case controlOff:
		s.power(false)
	case controlOn:
		s.power(true)
	case controlReset:
		s.power(false)
		s.power(true)
	case controlATR:
		return s.pseudo.atr, true
	default: // a program's command, which is too short for any card
		answer = apdu.StatusWrongLength.Append(nil)
		s.tell(message, answer)
	}
	return answer, true
}

// power follows the reader's field: what the card keeps for a session goes with
// it.
func (s *Slot) power(on bool) {
	if s.on && s.config.Deactivated != nil {
		s.config.Deactivated(reader.LinkLoss)
	}
	s.on = on
}

func (s *Slot) respond(command []byte) (answer []byte, ok bool) {
	answer = s.pseudo.respond(command)
	if answer == nil {
		s.on = true
		answer = s.config.Card.Respond(command)
	}
	s.tell(command, answer)
	return answer, len(answer) >= 2 && len(answer) <= maxMessage
}

func (s *Slot) tell(command, answer []byte) {
	if s.config.Seen != nil {
		s.config.Seen(command, bytes.Clone(answer))
	}
}
