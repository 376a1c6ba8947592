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
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	// PartialApproval says that whoever attends the terminal can take the rest of
	// a purchase by other means, so that an approval of a part (39 = 10) is taken.
	// Without it a part is reversed and the payment declined.
	PartialApproval bool
}

// Env are the parties around the terminal.
type Env struct {
	Host iso8583.Exchanger // nil: no host; online requests are declined
	// HostName says which host that is. What waits in the journal for one goes to
	// no other.
	HostName string
	Journal  Journal          // required with a host
	PINPad   PINPad           // nil: online PIN is not possible
	Now      func() time.Time // required
	Rand     io.Reader        // required: unpredictable numbers
	Display  func(kernel.UIRequest)
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
// what Normalise refuses, are a *KeyError.
func New(config Config, kernels []kernel.Kernel, env Env) (*Terminal, error) {
	t := &Terminal{config: config, env: env, kernels: kernels}
	t.act = kernel.Activation{Now: env.Now, Rand: env.Rand, Display: t.display, Buffer: t.command[:]}
	if env.Now == nil || env.Rand == nil {
		return nil, errors.New("a terminal needs a clock and a source of randomness")
	}
	if env.Host != nil && env.Journal == nil {
		return nil, errors.New("a terminal with a host needs a journal: a reversal must survive a crash")
	}
	if err := t.config.Normalise(); err != nil {
		return nil, err
	}
	for i := range t.config.Combinations {
		c := &t.config.Combinations[i]
		k := t.kernel(c.Kernel)
		if k == nil {
			return nil, wrongKey(fmt.Sprintf("applications[%d].kernel", i), "there is no kernel %d here, only %s", c.Kernel, identifiers(kernels))
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

// identifiers lists kernels for people.
func identifiers(kernels []kernel.Kernel) string {
	var list []string
	for _, k := range kernels {
		list = append(list, strconv.Itoa(int(k.ID())))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// KeyError says which key of a configuration has a value that does not do, and
// why. Key is a path of the YAML form, such as "applications[0].kernel".
type KeyError struct{ Key, Reason string }

func (e *KeyError) Error() string { return e.Key + ": " + e.Reason }

func wrongKey(key, format string, args ...any) error {
	return &KeyError{key, fmt.Sprintf(format, args...)}
}

// Normalise checks a configuration and fills in the defaults. What does not do
// is a *KeyError.
func (c *Config) Normalise() error {
	switch {
	case len(c.Combinations) == 0:
		return wrongKey("applications", "the terminal accepts no application: want at least one, with aid and kernel")
	case len(c.Combinations) > MaxCombinations:
		return wrongKey("applications", "%d, at most %d", len(c.Combinations), MaxCombinations)
	case len(c.TerminalID) > 8:
		return wrongKey("terminal_id", "%q: field 41 has at most 8 characters", c.TerminalID)
	case len(c.MerchantID) > 15:
		return wrongKey("merchant_id", "%q: field 42 has at most 15 characters", c.MerchantID)
	case c.MaxTaps < 0 || c.MaxTaps > MaxTaps:
		return wrongKey("taps", "%d: want 1 to %d", c.MaxTaps, MaxTaps)
	}
	if err := c.printable(); err != nil {
		return err
	}
	for i := range c.Combinations {
		if n := len(c.Combinations[i].AID); n < 5 || n > 16 {
			return wrongKey(fmt.Sprintf("applications[%d].aid", i), "%d bytes, want 5 to 16", n)
		}
	}
	if c.MaxTaps == 0 {
		c.MaxTaps = defaultTaps
	}
	return c.Host.normalise()
}

// printable refuses control characters in what messages and receipts carry: no
// host takes them.
func (c *Config) printable() error {
	for _, f := range []struct{ key, value string }{
		{"terminal_id", c.TerminalID}, {"merchant_id", c.MerchantID}, {"merchant_name", c.MerchantName}, {"merchant_city", c.MerchantCity},
	} {
		if strings.ContainsFunc(f.value, unicode.IsControl) {
			return wrongKey(f.key, "%q has a control character: want text that can be printed", f.value)
		}
	}
	return nil
}

func (h *HostConfig) normalise() error {
	for _, f := range []struct {
		key     string
		field   *string
		allowed [2]iso8583.MTI // the default first
	}{
		{"request", &h.Request, [2]iso8583.MTI{iso8583.AuthorisationRequest, iso8583.FinancialRequest}},
		{"reversal", &h.Reversal, [2]iso8583.MTI{iso8583.ReversalRequest, iso8583.ReversalAdvice}},
		{"advice", &h.Advice, [2]iso8583.MTI{iso8583.FinancialAdvice, iso8583.AuthorisationAdvice}},
	} {
		switch *f.field {
		case "":
			*f.field = string(f.allowed[0])
		case string(f.allowed[0]), string(f.allowed[1]):
		default:
			return wrongKey("host."+f.key, "message type %q, want %s or %s", *f.field, f.allowed[0], f.allowed[1])
		}
	}
	if h.EntryMode == "" {
		h.EntryMode = "071"
	}
	switch {
	case len(h.EntryMode) != 3:
		return wrongKey("host.entry_mode", "%q: field 22 has three digits, such as 071", h.EntryMode)
	case len(h.AcquirerID) > 11:
		return wrongKey("host.acquirer_id", "%q: field 32 has at most 11 digits", h.AcquirerID)
	case len(h.ForwardingID) > 11:
		return wrongKey("host.forwarding_id", "%q: field 33 has at most 11 digits", h.ForwardingID)
	}
	return nil
}

// Config is the configuration with its defaults filled in.
func (t *Terminal) Config() Config { return t.config }
