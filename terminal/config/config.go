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
}

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
	Taps             int                           `yaml:"taps"`
	Data             map[config.TagName]config.Hex `yaml:"data"`
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
}

// application is one combination of AID and kernel. A limit that is absent is
// not zero.
type application struct {
	AID               config.Hex                    `yaml:"aid"`
	Kernel            int                           `yaml:"kernel"`
	Types             []config.Hex                  `yaml:"types"`
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
	t, err := f.terminal()
	if err == nil {
		return t, nil
	}
	var bad *keyError
	if !errors.As(err, &bad) {
		return Terminal{}, fmt.Errorf("%s: %w", name, err)
	}
	if line, ok := config.Positions(data)[bad.path]; ok {
		return Terminal{}, fmt.Errorf("%s:%d: %w", name, line, err)
	}
	return Terminal{}, fmt.Errorf("%s: %w", name, err)
}

// keyError says which key has a value that does not do, and why.
type keyError struct{ path, reason string }

func (e *keyError) Error() string { return e.path + ": " + e.reason }

func wrong(path, format string, args ...any) error {
	return &keyError{path, fmt.Sprintf(format, args...)}
}

func (f *file) terminal() (Terminal, error) {
	currency, ok := emv.CurrencyByAlpha(f.Currency)
	if !ok {
		return Terminal{}, wrong("currency", "%q is not one of ISO 4217: want three letters such as EUR", f.Currency)
	}
	country, err := strconv.ParseUint(string(f.Country), 10, 16)
	if err != nil || country > 999 {
		return Terminal{}, wrong("country", "%q: want a three-digit ISO 3166 number such as \"276\"", f.Country)
	}
	switch {
	case f.Name == "" || f.TerminalID == "" || f.MerchantID == "":
		return Terminal{}, errors.New("name, terminal_id and merchant_id are required")
	case len(f.MerchantCategory) != 0 && len(f.MerchantCategory) != 4:
		return Terminal{}, wrong("merchant_category", "%q: want four digits", f.MerchantCategory)
	case len(f.CountryAlpha) != 0 && len(f.CountryAlpha) != 2:
		return Terminal{}, wrong("country_alpha", "%q: want two letters", f.CountryAlpha)
	}
	t := Terminal{GoodFor: f.GoodFor, Config: terminal.Config{
		Name: f.Name, TerminalID: f.TerminalID, MerchantID: f.MerchantID, MerchantName: f.MerchantName, MerchantCity: f.MerchantCity,
		MerchantCategory: string(f.MerchantCategory), Country: uint16(country), CountryAlpha: f.CountryAlpha,
		Currency: currency, MaxTaps: f.Taps, Host: f.Host.config(),
	}}
	t.Data = list(f.Data)
	t.Data.Set(emv.TagTerminalCountry, emv.AppendBCD(nil, country, 2))
	for i := range f.Applications {
		c, err := f.Applications[i].combination(fmt.Sprintf("applications[%d]", i), currency)
		if err != nil {
			return Terminal{}, err
		}
		t.Combinations = append(t.Combinations, c)
	}
	return t, nil
}

func (h *host) config() terminal.HostConfig {
	return terminal.HostConfig{
		Request: string(h.Request), Reversal: string(h.Reversal), Advice: string(h.Advice),
		EntryMode: string(h.EntryMode), AcquirerID: string(h.AcquirerID), ForwardingID: string(h.ForwardingID),
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
	for _, t := range a.Types {
		if len(t) != 1 {
			return c, wrong(path+".types", "%X: a transaction type has one byte", []byte(t))
		}
		c.Types = append(c.Types, t[0])
	}
	if a.TTQ != nil {
		if len(a.TTQ) != 4 {
			return c, wrong(path+".ttq", "%d bytes, want 4", len(a.TTQ))
		}
		ttq := emv.TTQ(a.TTQ)
		c.Settings.TTQ = &ttq
	}
	for _, pan := range a.ExceptionFile {
		c.Settings.ExceptionFile = append(c.Settings.ExceptionFile, emv.PAN(pan))
	}
	if err := a.forKernel2(path, &c, currency); err != nil {
		return c, err
	}
	return c, a.limits(path, &c.Settings, currency)
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
