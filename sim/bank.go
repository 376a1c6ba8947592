package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
)

// hostTimeout is how long the point of sale waits for an answer, on the
// world's clock.
const hostTimeout = 30 * time.Second

// ErrNoAnswer says that the host did not answer in time.
var ErrNoAnswer = errors.New("no answer within the time-out")

// openBank opens the bank in process. With a host of the user's it is only the
// token service that the phone got its keys from, and keeps nothing.
func (w *World) openBank(ctx context.Context) error {
	bank, err := issuerconfig.Demo()
	if err != nil {
		return err
	}
	if w.options.Bank != nil {
		bank.Config = *w.options.Bank
	}
	st, err := w.openIssuerStore()
	if err != nil {
		return err
	}
	b, err := issuer.New(bank.Config, st, issuer.Env{Now: w.Clock.Now, Rand: stream(w.options.Seed, "issuer")})
	if err != nil {
		return err
	}
	if err := b.Install(ctx, bank.Setup); err != nil {
		return fmt.Errorf("setting up the demo account: %w", err)
	}
	w.tokens = b
	if w.options.Host == nil {
		w.host = &bankHost{bank: b, codec: iso8583.Standard(), clock: w.Clock}
	}
	return nil
}

func (w *World) openIssuerStore() (issuer.Store, error) {
	return issuer.NewMemory(), nil
}

// bankHost is the bank at the other end of a line that has no length. Messages
// are packed and unpacked on the way, as they would be on a real one.
type bankHost struct {
	bank  *issuer.Issuer
	codec *iso8583.Codec
	clock *Clock
	// report of the last request, when somebody wants it.
	wanted bool
	report *issuer.Report
}

// Exchange implements iso8583.Exchanger.
func (h *bankHost) Exchange(ctx context.Context, request *iso8583.Message) (*iso8583.Message, error) {
	received, err := h.carry(request)
	if err != nil {
		return nil, err
	}
	h.report = nil
	if h.wanted {
		h.report = new(issuer.Report)
	}
	answer, err := h.bank.Handle(ctx, received, h.report)
	if err != nil {
		return nil, fmt.Errorf("the bank could not decide: %w", err)
	}
	if answer.Message == nil || answer.Delay >= hostTimeout {
		return nil, errors.Join(h.clock.Sleep(ctx, hostTimeout), ErrNoAnswer)
	}
	if err := h.clock.Sleep(ctx, answer.Delay); err != nil {
		return nil, err
	}
	return h.carry(answer.Message)
}

// carry takes a message over the line.
func (h *bankHost) carry(m *iso8583.Message) (*iso8583.Message, error) {
	packed, err := h.codec.Pack(m)
	if err != nil {
		return nil, err
	}
	return h.codec.Unpack(packed)
}
