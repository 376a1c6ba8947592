//go:build pcsc || windows

package pcsc

import (
	"errors"
	"time"

	"github.com/ebfe/scard"
)

// Built is true in a program that can talk to readers.
const Built = true

// establish makes a context of the PC/SC service. The library panics on an
// empty list, an empty command and an unknown protocol: none of these leaves
// this file.
func establish() (service, error) {
	c, err := scard.EstablishContext()
	if err != nil {
		return nil, coded(err)
	}
	return scardContext{c}, nil
}

type scardContext struct{ *scard.Context }

func (c scardContext) readers() ([]string, error) {
	names, err := c.ListReaders()
	return names, coded(err)
}

func (c scardContext) status(reader string, known flags, timeout time.Duration) (state, error) {
	states := []scard.ReaderState{{Reader: reader, CurrentState: scard.StateFlag(known &^ flagChanged)}}
	err := c.GetStatusChange(states, timeout)
	return state{flags(states[0].EventState), states[0].Atr}, coded(err)
}

func (c scardContext) cancel() error  { return coded(c.Cancel()) }
func (c scardContext) release() error { return coded(c.Release()) }

func (c scardContext) connect(reader string) (handle, error) {
	card, err := c.Connect(reader, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		return nil, coded(err)
	}
	h := scardHandle{card}
	if !h.speaks() {
		return nil, errors.Join(codeProtocol, coded(card.Disconnect(scard.LeaveCard)))
	}
	return h, nil
}

type scardHandle struct{ card *scard.Card }

// speaks is true for the protocols that the library can transmit in.
func (h scardHandle) speaks() bool {
	p := h.card.ActiveProtocol()
	return p == scard.ProtocolT0 || p == scard.ProtocolT1
}

func (h scardHandle) t0() bool { return h.card.ActiveProtocol() == scard.ProtocolT0 }

// atr asks the connection: what the list of readers says may still be the card
// before.
func (h scardHandle) atr() ([]byte, error) {
	st, err := h.card.Status()
	if err != nil {
		return nil, coded(err)
	}
	return st.Atr, nil
}

func (h scardHandle) transmit(command []byte) ([]byte, error) {
	if len(command) == 0 || !h.speaks() {
		return nil, codeProtocol
	}
	answer, err := h.card.Transmit(command)
	return answer, coded(err)
}

func (h scardHandle) reset() error {
	return coded(h.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard))
}

func (h scardHandle) disconnect(unpower bool) error {
	if !unpower {
		return coded(h.card.Disconnect(scard.LeaveCard))
	}
	return coded(h.card.Disconnect(scard.UnpowerCard))
}

// coded turns the library's errors into ours.
func coded(err error) error {
	var e scard.Error
	if errors.As(err, &e) {
		return code(e)
	}
	return err
}
