// Package config reads terminals from YAML: who a terminal is, what it accepts
// and how it talks to its host. The built-in terminals are files beside this
// one.
package config

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
	"tapsim/internal/config"
	"tapsim/terminal"
	"tapsim/terminal/kernel"
)

//go:embed terminals/*.yaml
var builtin embed.FS

// Default is the built-in terminal that is used when none is named.
const Default = "attended"

// Terminal is a terminal configuration with what it is good for, in a line.
type Terminal struct {
	terminal.Config
	GoodFor string
	// PINKey is the zone PIN key, 3DES, under which PIN blocks leave the PIN pad;
	// nil is a terminal without one.
	PINKey Secret
	// CAKeys are the public keys of the certification authorities that the terminal
	// trusts, and Revoked what these took back. Nil is those that tapsim comes with.
	CAKeys  []oda.CAKey
	Revoked []oda.Revocation
	// Type is the transaction (9C) that the terminal is for, when the customer
	// says nothing else.
	Type byte

	file string
	text []byte
}

// Secret is a key. It does not show itself.
type Secret []byte

// String hides the key.
func (Secret) String() string { return "****" }

// GoString hides the key.
func (Secret) GoString() string { return "****" }

// MarshalText hides the key.
func (Secret) MarshalText() ([]byte, error) { return []byte("****"), nil }

// Locate points an error that speaks of a key, as terminal.New returns, into
// the file that the terminal was read from. Other errors it returns as they
// are.
func (t *Terminal) Locate(err error) error {
	var bad *terminal.KeyError
	if t.file == "" || !errors.As(err, &bad) {
		return err
	}
	lines := config.Positions(t.text)
	for key := bad.Key; key != ""; key = parent(key) {
		if line, ok := lines[key]; ok {
			return fmt.Errorf("%s:%d: %w", t.file, line, bad)
		}
	}
	return fmt.Errorf("%s: %w", t.file, bad)
}

// parent is the path of what a key stands in: a key that is absent, or comes
// from elsewhere in the file, has no line of its own.
func parent(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

// file is the YAML form. Amounts are strings in units of the currency.
type file struct {
	Name             string                        `yaml:"name"`
	GoodFor          string                        `yaml:"good_for"`
	TerminalID       string                        `yaml:"terminal_id"`
	MerchantID       string                        `yaml:"merchant_id"`
	MerchantName     string                        `yaml:"merchant_name"`
	MerchantCity     string                        `yaml:"merchant_city"`
	MerchantCategory config.Digits                 `yaml:"merchant_category"`
	Country          config.Digits                 `yaml:"country"`
	CountryAlpha     string                        `yaml:"country_alpha"`
	Currency         string                        `yaml:"currency"`
	TransactionType  transactionType               `yaml:"transaction_type"`
	Taps             int                           `yaml:"taps"`
	Data             map[config.TagName]config.Hex `yaml:"data"`
	PINKey           config.Hex                    `yaml:"pin_key"`
	CAKeys           []caKey                       `yaml:"ca_keys"`
	CAKeysFile       string                        `yaml:"ca_keys_file"`
	Revoked          []revocation                  `yaml:"revoked"`
	Host             host                          `yaml:"host"`
	Applications     []application                 `yaml:"applications"`
}

type host struct {
	Request      config.Digits `yaml:"request"`
	Reversal     config.Digits `yaml:"reversal"`
	Advice       config.Digits `yaml:"advice"`
	EntryMode    config.Digits `yaml:"entry_mode"`
	AcquirerID   config.Digits `yaml:"acquirer_id"`
	ForwardingID config.Digits `yaml:"forwarding_id"`

	PartialApproval bool `yaml:"partial_approval"`
}

// application is one combination of AID and kernel. A limit that is absent is
// not zero.
type application struct {
	AID               config.Hex                    `yaml:"aid"`
	Kernel            int                           `yaml:"kernel"`
	Types             []transactionType             `yaml:"types"`
	TTQ               config.Hex                    `yaml:"ttq"`
	StatusCheck       bool                          `yaml:"status_check"`
	ZeroAmount        *bool                         `yaml:"zero_amount"`
	TransactionLimit  string                        `yaml:"transaction_limit"`
	FloorLimit        string                        `yaml:"floor_limit"`
	CVMLimit          string                        `yaml:"cvm_limit"`
	TerminalFloor     string                        `yaml:"terminal_floor_limit"`
	ExtendedSelection bool                          `yaml:"extended_selection"`
	UsageControl      bool                          `yaml:"usage_control"`
	ExceptionFile     []config.Digits               `yaml:"exception_file"`
	Kernel2           *kernel2                      `yaml:"kernel2"`
	Kernel3           *kernel3                      `yaml:"kernel3"`
	Kernel7           *kernel7                      `yaml:"kernel7"`
	Data              map[config.TagName]config.Hex `yaml:"data"`
}

// Names are the built-in terminals, in alphabetical order.
func Names() []string {
	entries, err := builtin.ReadDir("terminals")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Load reads a built-in terminal by name, or a file when the name ends in
// .yaml or .yml.
func Load(name string) (Terminal, error) {
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		data, err := config.ReadFile(name)
		if err != nil {
			return Terminal{}, err
		}
		return Parse(name, data)
	}
	data, err := builtin.ReadFile("terminals/" + name + ".yaml")
	if err != nil {
		return Terminal{}, fmt.Errorf("there is no terminal %q: the built-in ones are %s; a file's name ends in .yaml", name, strings.Join(Names(), ", "))
	}
	return Parse(name+".yaml", data)
}

// Parse reads a terminal from YAML. name stands for the file in errors.
func Parse(name string, data []byte) (Terminal, error) {
	var f file
	if err := config.Decode(name, data, &f); err != nil {
		return Terminal{}, err
	}
	t, err := f.terminal(name)
	t.file, t.text = name, data
	if err == nil {
		err = t.Config.Normalise()
	}
	if err != nil {
		return Terminal{}, t.Locate(err)
	}
	return t, nil
}

func wrong(path, format string, args ...any) error {
	return &terminal.KeyError{Key: path, Reason: fmt.Sprintf(format, args...)}
}

func (f *file) terminal(name string) (t Terminal, err error) {
	currency, ok := emv.CurrencyByAlpha(f.Currency)
	if !ok {
		return t, wrong("currency", "%q is not one of ISO 4217: want three letters such as EUR", f.Currency)
	}
	country, err := f.country()
	if err != nil {
		return t, err
	}
	for _, required := range [...]struct{ key, value string }{{"name", f.Name}, {"terminal_id", f.TerminalID}, {"merchant_id", f.MerchantID}} {
		if required.value == "" {
			return t, wrong(required.key, "is required")
		}
	}
	if len(f.MerchantCategory) != 0 && len(f.MerchantCategory) != 4 {
		return t, wrong("merchant_category", "%q: want four digits", f.MerchantCategory)
	}
	if t.Type, err = f.TransactionType.one("transaction_type"); err != nil {
		return t, err
	}
	if n := len(f.PINKey); f.PINKey != nil && n != 16 && n != 24 {
		return t, wrong("pin_key", "%d bytes: a 3DES key has 16 or 24", n)
	}
	if err := f.authorities(name, &t); err != nil {
		return t, err
	}
	t.GoodFor, t.PINKey = f.GoodFor, Secret(f.PINKey)
	t.Config = terminal.Config{
		Name: f.Name, TerminalID: f.TerminalID, MerchantID: f.MerchantID, MerchantName: f.MerchantName, MerchantCity: f.MerchantCity,
		MerchantCategory: string(f.MerchantCategory), Country: country.Numeric, CountryAlpha: country.Alpha,
		Currency: currency, MaxTaps: f.Taps, Host: f.Host.config(), Data: list(f.Data),
	}
	t.Data.Set(emv.TagTerminalCountry, emv.AppendBCD(nil, uint64(country.Numeric), 2))
	for i := range f.Applications {
		c, err := f.Applications[i].combination(fmt.Sprintf("applications[%d]", i), currency)
		if err != nil {
			return t, err
		}
		t.Combinations = append(t.Combinations, c)
	}
	return t, nil
}

// country reads the number; the letters, where they stand too, must be those of
// the same country.
func (f *file) country() (c emv.Country, err error) {
	number, err := strconv.ParseUint(string(f.Country), 10, 16)
	c, known := emv.CountryByNumeric(uint16(number))
	switch {
	case err != nil || len(f.Country) != 3 || !known:
		return c, wrong("country", "%q is not one of ISO 3166-1: want three digits such as \"276\"", f.Country)
	case f.CountryAlpha != "" && f.CountryAlpha != c.Alpha:
		return c, wrong("country_alpha", "%q: the letters of country %s are %s; the key can be left out", f.CountryAlpha, f.Country, c.Alpha)
	}
	return c, nil
}

// transactionType is a value of 9C.
type transactionType struct{ config.Hex }

// one is the type; absent is 00, a purchase.
func (t transactionType) one(path string) (byte, error) {
	switch len(t.Hex) {
	case 0:
		return 0, nil
	case 1:
		return t.Hex[0], nil
	}
	return 0, wrong(path, "%X: a transaction type has one byte", []byte(t.Hex))
}

func (h *host) config() terminal.HostConfig {
	return terminal.HostConfig{
		Request: string(h.Request), Reversal: string(h.Reversal), Advice: string(h.Advice),
		EntryMode: string(h.EntryMode), AcquirerID: string(h.AcquirerID), ForwardingID: string(h.ForwardingID), PartialApproval: h.PartialApproval,
	}
}

// list puts the data objects of a map in the order of their tags.
func list(m map[config.TagName]config.Hex) emv.List {
	l := make(emv.List, 0, len(m)+1)
	for tag, value := range m {
		l = append(l, emv.TLV{Tag: emv.Tag(tag), Value: value})
	}
	slices.SortFunc(l, func(a, b emv.TLV) int { return int(a.Tag) - int(b.Tag) })
	return l
}

func (a *application) combination(path string, currency emv.Currency) (terminal.Combination, error) {
	c := terminal.Combination{AID: a.AID, Kernel: byte(a.Kernel), Data: list(a.Data), Settings: kernel.Settings{
		StatusCheck: a.StatusCheck, ZeroAmountAllowed: a.ZeroAmount, ExtendedSelection: a.ExtendedSelection, AUCCheck: a.UsageControl,
	}}
	if len(a.AID) < 5 || len(a.AID) > 16 {
		return c, wrong(path+".aid", "%d bytes, want 5 to 16", len(a.AID))
	}
	if a.Kernel < 1 || a.Kernel > 0xFF {
		return c, wrong(path+".kernel", "%d: want 1 to 255", a.Kernel)
	}
	for i, t := range a.Types {
		kind, err := t.one(fmt.Sprintf("%s.types[%d]", path, i))
		if err != nil {
			return c, err
		}
		c.Types = append(c.Types, kind)
	}
	for i, pan := range a.ExceptionFile {
		if !emv.PAN(pan).Valid() {
			return c, wrong(fmt.Sprintf("%s.exception_file[%d]", path, i), "want an account number of 8 to 19 digits with a correct check digit")
		}
		c.Settings.ExceptionFile = append(c.Settings.ExceptionFile, emv.PAN(pan))
	}
	if err := a.forKernel2(path, &c, currency); err != nil {
		return c, err
	}
	if err := a.forKernel7(path, &c, currency); err != nil {
		return c, err
	}
	if err := a.qualifiers(path, &c.Settings); err != nil {
		return c, err
	}
	if err := a.forKernel3(path, &c); err != nil {
		return c, err
	}
	return c, a.limits(path, &c.Settings, currency)
}

// qualifiers reads the TTQ, without which a card of kernel 3 or 7 cannot know
// what the reader can do.
func (a *application) qualifiers(path string, s *kernel.Settings) error {
	switch {
	case a.TTQ == nil && (a.Kernel == 3 || a.Kernel == 7):
		return wrong(path+".ttq", "is required with kernel %d: four bytes, such as \"36004000\"", a.Kernel)
	case a.TTQ == nil:
		return nil
	case len(a.TTQ) != 4:
		return wrong(path+".ttq", "%d bytes, want 4", len(a.TTQ))
	}
	ttq := emv.TTQ(a.TTQ)
	s.TTQ = &ttq
	return nil
}

// limits reads the amounts; what is absent stays nil.
func (a *application) limits(path string, s *kernel.Settings, currency emv.Currency) error {
	for _, l := range []struct {
		key, text string
		into      **int64
	}{
		{"transaction_limit", a.TransactionLimit, &s.TransactionLimit},
		{"floor_limit", a.FloorLimit, &s.FloorLimit},
		{"cvm_limit", a.CVMLimit, &s.CVMLimit},
		{"terminal_floor_limit", a.TerminalFloor, &s.TerminalFloor},
	} {
		if l.text == "" {
			continue
		}
		v, err := currency.Parse(l.text)
		if err != nil {
			return wrong(path+"."+l.key, "%v", err)
		}
		*l.into = &v
	}
	return nil
}
