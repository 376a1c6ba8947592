package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"tapsim/internal/statedir"
	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	issuerstore "tapsim/issuer/store"
)

// hostTimeout is how long the point of sale waits for an answer, on the
// world's clock.
const hostTimeout = 30 * time.Second

// BankOptions say which bank to open.
type BankOptions struct {
	Seed   *uint64
	State  string             // folder, or Memory
	Holder string             // what others are told while the folder is locked
	Bank   *issuerconfig.Bank // nil: the demo bank
	Now    func() time.Time
}

// Bank is an issuer with its state.
type Bank struct {
	*issuer.Issuer
	// Notes tell where the configuration differs from what the bank started
	// with: one line each.
	Notes   []string
	store   issuer.Store
	closers []io.Closer
}

// OpenBank opens a bank and creates what its configuration starts with.
func OpenBank(ctx context.Context, o BankOptions) (*Bank, error) {
	config := o.Bank
	if config == nil {
		demo, err := issuerconfig.Demo()
		if err != nil {
			return nil, err
		}
		config = &demo
	}
	b := &Bank{}
	if err := b.open(ctx, o, config); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bank) open(ctx context.Context, o BankOptions, config *issuerconfig.Bank) error {
	st, err := b.openStore(o)
	if err != nil {
		return err
	}
	b.store = st
	b.Issuer, err = issuer.New(config.Config, st, issuer.Env{Now: o.Now, Rand: secrets(o.Seed, "issuer"), Certify: certify})
	if err != nil {
		return err
	}
	notes, err := b.Install(ctx, config.Setup)
	if err != nil {
		return config.Locate(err)
	}
	for _, n := range notes {
		b.Notes = append(b.Notes, config.Where(n.Field)+": "+n.Text)
	}
	return nil
}

func (b *Bank) openStore(o BankOptions) (issuer.Store, error) {
	if o.State == Memory {
		return issuer.NewMemory(), nil
	}
	dir, err := statedir.Open(o.State, "issuer", o.Holder)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, dir)
	key := filepath.Join(o.State, "keys", "pan.key")
	if err := moveKey(filepath.Join(dir.Path, "pan.key"), key); err != nil {
		return nil, err
	}
	st, err := keyed[*issuerstore.Store]{
		key: key, size: issuerstore.KeySize, source: secrets(o.Seed, "issuer store"),
		create:  func(key []byte) (*issuerstore.Store, error) { return issuerstore.Create(dir.Path, key) },
		open:    func(key []byte) (*issuerstore.Store, error) { return issuerstore.Open(dir.Path, key) },
		missing: issuerstore.ErrMissing,
	}.get()
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, st)
	return st, nil
}

// Close releases the bank's state.
func (b *Bank) Close() error { return closeAll(&b.closers) }

// closeAll closes the last opened first.
func closeAll(closers *[]io.Closer) error {
	var err error
	for i := len(*closers) - 1; i >= 0; i-- {
		err = errors.Join(err, (*closers)[i].Close())
	}
	*closers = nil
	return err
}

// openBank opens the bank in process. With a host of the user's it is only the
// token service that the phone gets its keys from, and keeps nothing; with a service
// of the user's as well there is none.
func (w *World) openBank(ctx context.Context) error {
	if w.options.Service != nil && w.options.Host != nil {
		w.tokens = setUpTokens{w}
		return nil
	}
	state := w.options.State
	if w.options.Host != nil {
		state = Memory
	}
	b, err := w.openTokens(ctx, state)
	if err != nil {
		return err
	}
	if w.options.Host == nil {
		w.host = newBankHost(b.Issuer, w.Clock)
	}
	return nil
}

// openTokens opens the bank as the token service.
func (w *World) openTokens(ctx context.Context, state string) (*Bank, error) {
	o := BankOptions{Seed: w.options.Seed, State: state, Holder: w.options.Holder, Bank: w.options.Bank, Now: w.Clock.Now}
	b, err := OpenBank(ctx, o)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, b)
	w.Notes = append(w.Notes, b.Notes...)
	w.tokens, w.bank = b, b
	return b, nil
}

// bankHost is the bank at the other end of a line that has no length. Messages
// are packed, unpacked and checked on the way, as they would be on a real one.
type bankHost struct {
	bank  *issuer.Issuer
	line  iso8583.Exchanger
	clock *Clock
	// report of the last request, when somebody wants it.
	wanted bool
	report *issuer.Report
	delay  time.Duration // of the last answer
	failed error         // the bank's store, at the last request
}

func newBankHost(bank *issuer.Issuer, clock *Clock) *bankHost {
	h := &bankHost{bank: bank, clock: clock}
	h.line = iso8583.InProcess(iso8583.Standard(), h.handle)
	return h
}

func (h *bankHost) handle(ctx context.Context, request *iso8583.Message) *iso8583.Message {
	if h.wanted {
		h.report = new(issuer.Report)
	}
	answer, err := h.bank.Handle(ctx, request, h.report)
	h.delay, h.failed = answer.Delay, err
	return answer.Message
}

// Exchange implements iso8583.Exchanger.
func (h *bankHost) Exchange(ctx context.Context, request *iso8583.Message) (*iso8583.Message, error) {
	h.report, h.delay, h.failed = nil, 0, nil
	answer, err := h.line.Exchange(ctx, request)
	switch {
	case h.failed != nil:
		return nil, fmt.Errorf("the bank could not decide: %w", h.failed)
	case errors.Is(err, iso8583.ErrNoAnswer) || h.delay >= hostTimeout:
		return nil, errors.Join(h.clock.Sleep(ctx, hostTimeout), iso8583.ErrNoAnswer)
	case err != nil:
		return nil, err
	}
	return answer, h.clock.Sleep(ctx, h.delay)
}
