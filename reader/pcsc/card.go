package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tapsim/apdu"
	"tapsim/reader"
)

// Limits of a command. One byte would be taken for a control message by a
// virtual reader.
const (
	minCommand = 4
	maxCommand = 65_544 // an extended command with all its data
)

// Card is a card in the field of a reader. It is an apdu.Transceiver until the
// reader's next Activate or Off.
type Card struct {
	r      *Reader
	handle handle
	atr    []byte
	lost   atomic.Pointer[lostError] // from the first command on that found it gone
}

// ATR is what the reader says of the card: for a contactless one, made by the
// reader from the card's historical bytes (PC/SC part 3, 3.1.3.2.3).
func (c *Card) ATR() []byte { return bytes.Clone(c.atr) }

// Contactless is true for an ATR as readers make it for contactless cards of
// ISO 14443-4 or 14443-3 (PC/SC part 3): 3B 8n 80 01.
func Contactless(atr []byte) bool {
	return len(atr) >= 4 && atr[0] == 0x3B && atr[1]&0xF0 == 0x80 && atr[2] == 0x80 && atr[3] == 0x01
}

// UID asks the reader for the card's UID (PC/SC part 3, 3.2.2.1.3). A contact
// reader, and a reader without that function, is an error.
func (c *Card) UID(ctx context.Context) ([]byte, error) {
	r, err := apdu.ExchangeBytes(ctx, c, []byte{0xFF, 0xCA, 0, 0, 0})
	switch {
	case err != nil:
		return nil, err
	case r.Status != apdu.StatusOK:
		return nil, fmt.Errorf("the reader tells no UID (%s)", r.Status)
	}
	return r.Data, nil
}

// Reset resets the card: it is freshly powered and has forgotten the session.
func (c *Card) Reset(ctx context.Context) error {
	if err := c.present(); err != nil {
		return err
	}
	return c.outcome(ctx, c.r.call(ctx, c.handle.reset, nil))
}

// Transceive carries one command. A card that left is an apdu.ErrLost, and so
// is one that works longer than the reader's patience. A call into the service
// cannot be cut short: when the context ends, Transceive returns at once, but
// until the card answers further commands are reader.ErrBusy.
func (c *Card) Transceive(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(command) < minCommand || len(command) > maxCommand {
		return nil, fmt.Errorf("a command has %d to %d bytes, not %d", minCommand, maxCommand, len(command))
	}
	if err := c.present(); err != nil {
		return nil, err
	}
	select {
	case c.r.busy <- struct{}{}:
	default:
		return nil, reader.ErrBusy
	}
	sent := c.coded(command)
	var answer []byte
	t := time.NewTimer(c.r.Patience)
	defer t.Stop()
	if err := c.r.run(ctx, t.C, func() (err error) {
		a, err := c.handle.transmit(sent)
		if err == nil && len(a) < 2 {
			err = codeRemoved // a card that leaves in mid command is an empty answer and no error
		}
		answer = a
		return err
	}, nil); err != nil {
		return nil, c.outcome(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err // too late
	}
	return answer, nil
}

// present is an error for a card that the reader has turned away from.
func (c *Card) present() error {
	if lost := c.lost.Load(); lost != nil {
		return lost
	}
	if c.r.card != c {
		return &lostError{"the field was switched off"}
	}
	return nil
}

// outcome is what became of a call.
func (c *Card) outcome(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case errors.Is(err, errStuck):
		return c.gone(fmt.Sprintf("no answer within %s", c.r.Patience))
	case cardGone(err):
		return c.gone(err.Error())
	}
	return fmt.Errorf("%s: %w", c.r.name, explain(err))
}

func (c *Card) gone(why string) error {
	lost := &lostError{why}
	c.lost.Store(lost)
	return lost
}

// coded is the command as the protocol wants it, and a copy: T=0 has no Le
// behind data, GET RESPONSE fetches the answer instead (ISO/IEC 7816-3).
func (c *Card) coded(command []byte) []byte {
	out := bytes.Clone(command)
	if !c.handle.t0() {
		return out
	}
	if parsed, err := apdu.ParseCommand(out); err == nil && parsed.Case() == 4 && !parsed.Extended {
		return out[:len(out)-1]
	}
	return out
}
