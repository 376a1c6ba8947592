// Package terminal is the point of sale: the contactless entry point (EMV Book
// A and Book B), which finds the application and starts a kernel, and the
// payment around it: authorisation by the host, reversals and advices that
// wait for it, receipt. It does no input or output of its own: card, host,
// journal, display, clock and randomness are given to it.
package terminal

import (
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/terminal/kernel"
)

// Limits of a configuration.
const (
	// MaxCombinations bounds the combinations of AID and kernel.
	MaxCombinations = 64
	// MaxTaps bounds how often one transaction asks for the card.
	MaxTaps = 10
	// defaultTaps is what a configuration without MaxTaps gets: the first tap,
	// the look at the phone, and two that went wrong.
	defaultTaps = 4
)

// Config is a terminal: who it is and what it accepts. It does not change
// after New.
type Config struct {
	Name             string
	TerminalID       string // 41, up to 8 characters
	MerchantID       string // 42, up to 15 characters
	MerchantName     string // for receipt and field 43
	MerchantCity     string
	MerchantCategory string // 18, n4
	Country          uint16 // ISO 3166 numeric: 9F1A and field 19
	CountryAlpha     string // two letters, for field 43
	Currency         emv.Currency
	// Data are terminal data objects for every combination; a combination's own
	// come first.
	Data         emv.List
	Combinations []Combination
	// MaxTaps is how often one transaction asks for the card; 0 is 4.
	MaxTaps int
	Host    HostConfig
}

// Combination is one {AID, kernel} that the reader supports (EMV Book B, 3.2),
// for the transaction types named; none named is all.
type Combination struct {
	AID      []byte
	Kernel   byte
	Types    []byte // 9C
	Settings kernel.Settings
	Data     emv.List
}

// HostConfig says which messages the host wants.
type HostConfig struct {
	Request      string // message type 0100 (default) or 0200
	Reversal     string // 0400 (default) or 0420
	Advice       string // 0220 (default) or 0120
	EntryMode    string // 22; default 071
	AcquirerID   string // 32
	ForwardingID string // 33
}

// Env are the parties around the terminal.
type Env struct {
	Host    iso8583.Exchanger // nil: no host; online requests are declined
	Journal Journal           // required with a host
	PINPad  PINPad            // nil: online PIN is not possible
	Now     func() time.Time  // required
	Rand    io.Reader         // required: unpredictable numbers
	Display func(kernel.UIRequest)
}

// Terminal is a point of sale. It does one thing at a time: it is not safe for
// concurrent use.
type Terminal struct {
	config  Config
	env     Env
	kernels []kernel.Kernel
	// combos are the combinations of the configuration with their data joined,
	// for which there is a kernel.
	combos []combo
	// What one transaction after the other uses: nothing of it stays in what a
	// tap returns, but the requests shown, of which each tap has its own.
	act        kernel.Activation
	command    [commandRoom]byte
	candidates []candidate // empty, with room for maxCandidates
	shown      []kernel.UIRequest
}

// combo is a Combination as the entry point works with it, and what
// pre-processing left for it in the transaction under way: whether it may be
// used, the indicators and the working copy of the TTQ.
type combo struct {
	*Combination
	config kernel.Config
	kernel kernel.Kernel

	usable     bool
	indicators kernel.Indicators
	ttq        emv.TTQ
}

// New makes a terminal. A combination whose kernel is not among kernels, and
// a configuration that contradicts itself, are errors.
func New(config Config, kernels []kernel.Kernel, env Env) (*Terminal, error) {
	t := &Terminal{config: config, env: env, kernels: kernels}
	t.act = kernel.Activation{Now: env.Now, Rand: env.Rand, Display: t.display, Buffer: t.command[:]}
	if env.Now == nil || env.Rand == nil {
		return nil, errors.New("a terminal needs a clock and a source of randomness")
	}
	if env.Host != nil && env.Journal == nil {
		return nil, errors.New("a terminal with a host needs a journal: a reversal must survive a crash")
	}
	if err := t.config.normalise(); err != nil {
		return nil, fmt.Errorf("terminal %q: %w", config.Name, err)
	}
	for i := range t.config.Combinations {
		c := &t.config.Combinations[i]
		k := t.kernel(c.Kernel)
		if k == nil {
			return nil, fmt.Errorf("terminal %q: combination %X needs kernel %d, which is not there", config.Name, c.AID, c.Kernel)
		}
		data := append(append(emv.List{}, c.Data...), t.config.Data...)
		t.combos = append(t.combos, combo{Combination: c, config: kernel.Config{Data: data, Settings: c.Settings}, kernel: k})
	}
	t.candidates = make([]candidate, 0, maxCandidates)
	return t, nil
}

// kernel finds a kernel by its identifier.
func (t *Terminal) kernel(id byte) kernel.Kernel {
	for _, k := range t.kernels {
		if k.ID() == id {
			return k
		}
	}
	return nil
}

// normalise checks a configuration and fills in the defaults.
func (c *Config) normalise() error {
	switch {
	case len(c.Combinations) == 0:
		return errors.New("no combination of AID and kernel")
	case len(c.Combinations) > MaxCombinations:
		return fmt.Errorf("%d combinations, at most %d", len(c.Combinations), MaxCombinations)
	case len(c.TerminalID) > 8 || len(c.MerchantID) > 15:
		return errors.New("the terminal id has at most 8 characters, the merchant id 15")
	case c.MaxTaps < 0 || c.MaxTaps > MaxTaps:
		return fmt.Errorf("%d taps, at most %d", c.MaxTaps, MaxTaps)
	}
	for _, comb := range c.Combinations {
		if len(comb.AID) < 5 || len(comb.AID) > 16 {
			return fmt.Errorf("AID %X has %d bytes, want 5 to 16", comb.AID, len(comb.AID))
		}
	}
	if c.MaxTaps == 0 {
		c.MaxTaps = defaultTaps
	}
	return c.Host.normalise()
}

func (h *HostConfig) normalise() error {
	for _, f := range []struct {
		field   *string
		allowed [2]iso8583.MTI // the default first
	}{
		{&h.Request, [2]iso8583.MTI{iso8583.AuthorisationRequest, iso8583.FinancialRequest}},
		{&h.Reversal, [2]iso8583.MTI{iso8583.ReversalRequest, iso8583.ReversalAdvice}},
		{&h.Advice, [2]iso8583.MTI{iso8583.FinancialAdvice, iso8583.AuthorisationAdvice}},
	} {
		switch *f.field {
		case "":
			*f.field = string(f.allowed[0])
		case string(f.allowed[0]), string(f.allowed[1]):
		default:
			return fmt.Errorf("message type %q, want %s or %s", *f.field, f.allowed[0], f.allowed[1])
		}
	}
	if h.EntryMode == "" {
		h.EntryMode = "071"
	}
	return nil
}

// Config is the configuration with its defaults filled in.
func (t *Terminal) Config() Config { return t.config }
