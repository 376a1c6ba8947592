// Package config reads a bank's configuration from YAML, and holds the demo
// bank that tapsim starts with. demo.yaml explains every key.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/internal/config"
	"tapsim/issuer"
)

//go:embed demo.yaml
var demo []byte

// Bank is a configuration and what the bank starts with.
type Bank struct {
	Config issuer.Config
	Setup  issuer.Setup

	name  string         // of the file
	lines map[string]int // of its keys
}

// Locate puts file and line in front of an error about part of the file; other
// errors stay as they are.
func (b *Bank) Locate(err error) error {
	var where *issuer.ConfigError
	if !errors.As(err, &where) {
		return err
	}
	return errors.New(b.Where(where.Field) + ": " + where.Reason)
}

// Where is file, line and key of a part of the file, such as
// "bank.yaml:12: cards[0].expiry".
func (b *Bank) Where(field string) string {
	if line, ok := b.lines[field]; ok {
		return fmt.Sprintf("%s:%d: %s", b.name, line, field)
	}
	return b.name + ": " + field
}

// DemoFile is the demo bank as a file, to start one's own from.
func DemoFile() []byte { return append([]byte(nil), demo...) }

// Demo is the built-in bank: public test keys, one account, its card and its
// token.
func Demo() (Bank, error) {
	d, err := demoDocument()
	if err != nil {
		return Bank{}, err
	}
	return d.bank()
}

// demoDocument reads demo.yaml once: a replay of a folder opens the demo bank
// hundreds of times.
var demoDocument = sync.OnceValues(func() (document, error) { return read("demo.yaml", demo) })

// Parse reads a bank from YAML. Errors name the file, the line and what to do.
func Parse(name string, data []byte) (Bank, error) {
	d, err := read(name, data)
	if err != nil {
		return Bank{}, err
	}
	return d.bank()
}

// document is a file as it was read. It does not change.
type document struct {
	name  string
	file  file
	lines map[string]int
}

func read(name string, data []byte) (d document, err error) {
	d.name = name
	if err = config.Decode(name, data, &d.file); err == nil {
		d.lines = config.Positions(data)
	}
	return d, err
}

// bank makes the bank of the document, which shares nothing that anybody writes.
func (d *document) bank() (Bank, error) {
	bank, err := d.file.bank()
	bank.name, bank.lines = d.name, d.lines
	if err == nil {
		err = bank.Config.Check()
	}
	if err != nil {
		return Bank{}, bank.Locate(err)
	}
	return bank, nil
}

// file is the YAML document.
type file struct {
	Currency string       `yaml:"currency"`
	Fallback bool         `yaml:"fallback"`
	Reset    bool         `yaml:"reset_offline_counters"`
	Limits   limits       `yaml:"limits"`
	Verify   verifying    `yaml:"verification"`
	Second   secondUse    `yaml:"second_use"`
	PIN      pins         `yaml:"pin"`
	Counter  counter      `yaml:"counter"`
	Limited  limitedUse   `yaml:"limited_use_keys"`
	Service  tokenService `yaml:"token_service"`
	KeySets  []keySet     `yaml:"key_sets"`
	Ranges   []scope      `yaml:"ranges"`
	Accounts []account    `yaml:"accounts"`
	Cards    []card       `yaml:"cards"`
	Tokens   []token      `yaml:"tokens"`
	Rules    []rule       `yaml:"rules"`

	Country     config.Digits `yaml:"country"`
	Exchange    exchange      `yaml:"exchange"`
	Contactless contactless   `yaml:"contactless"`
	Monitoring  []monitor     `yaml:"monitoring"`
	StandIn     standIn       `yaml:"stand_in"`
	Refunds     refunds       `yaml:"refunds"`
	Partial     bool          `yaml:"partial_approval"`
	KeptChecks  *int          `yaml:"kept_checks"`
	Holds       holds         `yaml:"holds"`
	Advices     advices       `yaml:"advices"`
}

type limits struct {
	MaxAmount string `yaml:"max_amount"`
	MaxDays   int    `yaml:"max_days"`
}

type verifying struct {
	Limit    string `yaml:"limit"`
	Response string `yaml:"response"`
}

type secondUse struct {
	Within     time.Duration `yaml:"within"`
	WithoutPIN bool          `yaml:"without_pin"`
}

type pins struct {
	ZoneKey         config.Hex `yaml:"zone_key"`
	VerificationKey config.Hex `yaml:"verification_key"`
	KeyIndex        int        `yaml:"key_index"`
	Tries           int        `yaml:"tries"`
}

type counter struct {
	MaxGap    int `yaml:"max_gap"`
	MaxBehind int `yaml:"max_behind"`
}

type limitedUse struct {
	Keys           int           `yaml:"keys"`
	Uses           int           `yaml:"uses"`
	Lifetime       time.Duration `yaml:"lifetime"`
	AcceptUnissued bool          `yaml:"accept_unissued"`
	Amount         string        `yaml:"amount"`
}

type keySet struct {
	Name    string     `yaml:"name"`
	Scheme  string     `yaml:"scheme"`
	DKI     config.Hex `yaml:"dki"`
	Cipher  string     `yaml:"cipher"`
	CardKey string     `yaml:"card_key"`
	AC      config.Hex `yaml:"ac"`
	SMI     config.Hex `yaml:"smi"`
	SMC     config.Hex `yaml:"smc"`
}

type scope struct {
	Prefix  config.Digits `yaml:"prefix"`
	Length  int           `yaml:"length"`
	Scheme  string        `yaml:"scheme"`
	Kind    string        `yaml:"kind"`
	KeySets []string      `yaml:"key_sets"`
}

type account struct {
	ID       string `yaml:"id"`
	Currency string `yaml:"currency"`
	Balance  string `yaml:"balance"`
}

type card struct {
	PAN         config.Digits `yaml:"pan"`
	PSN         config.Digits `yaml:"psn"`
	Expiry      config.Digits `yaml:"expiry"`
	ServiceCode config.Digits `yaml:"service_code"`
	Account     string        `yaml:"account"`
	PAR         string        `yaml:"par"`
	PVV         config.Digits `yaml:"pvv"`
	Status      string        `yaml:"status"`
}

type token struct {
	PAN         config.Digits `yaml:"pan"`
	PSN         config.Digits `yaml:"psn"`
	Expiry      config.Digits `yaml:"expiry"`
	ServiceCode config.Digits `yaml:"service_code"`
	Requestor   config.Digits `yaml:"requestor"`
	Card        config.Digits `yaml:"card"`
	Status      string        `yaml:"status"`
}

type rule struct {
	Name string `yaml:"name"`
	When when   `yaml:"when"`
	Then then   `yaml:"then"`
}

type when struct {
	MTI        config.Digits `yaml:"mti"`
	Amount     string        `yaml:"amount"`
	AmountFrom string        `yaml:"amount_from"`
	AmountTo   string        `yaml:"amount_to"`
	PANSuffix  config.Digits `yaml:"pan_suffix"`
	Merchant   string        `yaml:"merchant"`
	Terminal   string        `yaml:"terminal"`
	Currency   string        `yaml:"currency"`
	Nth        int           `yaml:"nth"`
}

type then struct {
	Response string        `yaml:"response"`
	Override bool          `yaml:"override"`
	Silence  string        `yaml:"silence"`
	Delay    time.Duration `yaml:"delay"`
	Script   []config.Hex  `yaml:"script"`
}

func fault(field, format string, args ...any) error {
	return &issuer.ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// bank turns names and texts into values.
func (f *file) bank() (Bank, error) {
	currency, err := currencyOf("currency", f.Currency)
	if err != nil {
		return Bank{}, err
	}
	b := Bank{Config: issuer.Config{
		Currency: currency.Numeric, Fallback: f.Fallback, ResetOffline: f.Reset,
		Counter: issuer.CounterRules{MaxGap: f.Counter.MaxGap, MaxBehind: f.Counter.MaxBehind},
		LimitedUse: issuer.LimitedUseRules{
			Keys: f.Limited.Keys, Uses: f.Limited.Uses, Lifetime: f.Limited.Lifetime, AcceptUnissued: f.Limited.AcceptUnissued,
		},
		Limits:       issuer.Limits{MaxDays: f.Limits.MaxDays},
		Verification: issuer.VerificationRules{Response: issuer.Code(f.Verify.Response)},
		SecondUse:    issuer.SecondUseRules{Within: f.Second.Within, WithoutPIN: f.Second.WithoutPIN},
	}}
	if b.Config.Limits.MaxAmount, err = amountOf("limits.max_amount", currency, f.Limits.MaxAmount); err != nil {
		return Bank{}, err
	}
	if b.Config.Verification.Limit, err = amountOf("verification.limit", currency, f.Verify.Limit); err != nil {
		return Bank{}, err
	}
	if b.Config.LimitedUse.Amount, err = amountOf("limited_use_keys.amount", currency, f.Limited.Amount); err != nil {
		return Bank{}, err
	}
	if b.Config.TokenService, err = f.Service.rules(); err != nil {
		return Bank{}, err
	}
	if err := f.everyday(&b.Config, currency); err != nil {
		return Bank{}, err
	}
	for n := range f.KeySets {
		k, err := f.KeySets[n].keySet(fmt.Sprintf("key_sets[%d]", n))
		if err != nil {
			return Bank{}, err
		}
		b.Config.KeySets = append(b.Config.KeySets, k)
	}
	for n, r := range f.Ranges {
		field := fmt.Sprintf("ranges[%d]", n)
		scheme, ok := emv.ParseScheme(r.Scheme)
		if !ok {
			return Bank{}, fault(field+".scheme", "there is no scheme %q; try visa, mastercard or unionpay", r.Scheme)
		}
		kind, ok := issuer.ParseKind(r.Kind)
		if !ok {
			return Bank{}, fault(field+".kind", "%q, want card or token", r.Kind)
		}
		b.Config.Ranges = append(b.Config.Ranges, issuer.Range{
			Prefix: string(r.Prefix), Length: r.Length, Scheme: scheme, Kind: kind, KeySets: r.KeySets,
		})
	}
	for n := range f.Rules {
		r, err := f.Rules[n].rule(fmt.Sprintf("rules[%d]", n), currency)
		if err != nil {
			return Bank{}, err
		}
		b.Config.Rules = append(b.Config.Rules, r)
	}
	if b.Config.PIN, err = f.pins(); err != nil {
		return Bank{}, err
	}
	b.Setup, err = f.setup(currency)
	return b, err
}

// pins reads how the bank verifies PINs, and what it knows of each card's.
func (f *file) pins() (issuer.PINRules, error) {
	r := issuer.PINRules{KeyIndex: byte(f.PIN.KeyIndex), Tries: f.PIN.Tries}
	if f.PIN.KeyIndex < 0 || f.PIN.KeyIndex > 9 {
		return r, fault("pin.key_index", "%d, want 0 to 9", f.PIN.KeyIndex)
	}
	for _, key := range [...]struct {
		name string
		raw  config.Hex
		into **cryptogram.Key
	}{{"zone_key", f.PIN.ZoneKey, &r.Zone}, {"verification_key", f.PIN.VerificationKey, &r.Verification}} {
		if key.raw == nil {
			continue
		}
		var err error
		if *key.into, err = cryptogram.NewKey(cryptogram.TDES, key.raw); err != nil {
			return r, fault("pin."+key.name, "%v", err)
		}
	}
	for n, c := range f.Cards {
		if c.PVV == "" {
			continue
		}
		if len(c.PVV) != 4 {
			return r, fault(fmt.Sprintf("cards[%d].pvv", n), "want the four digits of a PIN verification value")
		}
		r.Values = append(r.Values, issuer.PINValue{PAN: emv.PAN(c.PAN), Value: string(c.PVV)})
	}
	return r, nil
}

var ciphers = map[string]cryptogram.Algorithm{"": cryptogram.TDES, "3des": cryptogram.TDES, "aes": cryptogram.AES, "sm4": cryptogram.SM4}

func (k *keySet) keySet(field string) (issuer.KeySet, error) {
	out := issuer.KeySet{Name: k.Name}
	cipher, ok := ciphers[k.Cipher]
	if !ok {
		return out, fault(field+".cipher", "%q, want 3des, aes or sm4", k.Cipher)
	}
	if out.Scheme, ok = emv.ParseScheme(k.Scheme); !ok {
		return out, fault(field+".scheme", "there is no scheme %q; try visa, mastercard or unionpay", k.Scheme)
	}
	if len(k.DKI) != 1 {
		return out, fault(field+".dki", "want one byte in hex, such as \"01\"")
	}
	out.DKI = k.DKI[0]
	out.Method = cryptogram.DefaultCardKeyMethod(cipher)
	if k.CardKey != "" {
		var err error
		if out.Method, err = cryptogram.ParseCardKeyMethod(k.CardKey); err != nil {
			return out, fault(field+".card_key", "%v", err)
		}
	}
	for _, key := range []struct {
		name string
		raw  config.Hex
		to   **cryptogram.Key
	}{{"ac", k.AC, &out.AC}, {"smi", k.SMI, &out.SMI}, {"smc", k.SMC, &out.SMC}} {
		if key.raw == nil {
			continue
		}
		var err error
		if *key.to, err = cryptogram.NewKey(cipher, key.raw); err != nil {
			return out, fault(field+"."+key.name, "%v", err)
		}
	}
	return out, nil
}

var silences = map[string]issuer.Silence{"": 0, "answer": issuer.SilenceAnswer, "request": issuer.SilenceRequest}

// rule reads amounts in the rule's own currency where it names one.
func (r *rule) rule(field string, currency emv.Currency) (issuer.Rule, error) {
	w := r.When
	out := issuer.Rule{
		Name: r.Name, MTI: string(w.MTI), PANSuffix: string(w.PANSuffix), Merchant: w.Merchant, Terminal: w.Terminal, Nth: w.Nth,
		Response: issuer.Code(r.Then.Response), Override: r.Then.Override, Delay: r.Then.Delay,
	}
	var ok bool
	if out.Silence, ok = silences[r.Then.Silence]; !ok {
		return out, fault(field+".then.silence", "%q, want answer or request", r.Then.Silence)
	}
	for n, c := range r.Then.Script {
		var command issuer.ScriptCommand
		if len(c) < len(command.Header) {
			return out, fault(fmt.Sprintf("%s.then.script[%d]", field, n), "%d bytes, want CLA INS P1 P2 and the data, if any", len(c))
		}
		copy(command.Header[:], c)
		command.Data = c[len(command.Header):]
		out.Script = append(out.Script, command)
	}
	var err error
	if w.Currency != "" {
		if currency, err = currencyOf(field+".when.currency", w.Currency); err != nil {
			return out, err
		}
		out.Currency = fmt.Sprintf("%03d", currency.Numeric)
	}
	if w.Amount != "" {
		amount, err := amountOf(field+".when.amount", currency, w.Amount)
		if err != nil {
			return out, err
		}
		out.Amount = &amount
	}
	if out.AmountFrom, err = amountOf(field+".when.amount_from", currency, w.AmountFrom); err != nil {
		return out, err
	}
	out.AmountTo, err = amountOf(field+".when.amount_to", currency, w.AmountTo)
	return out, err
}

func (f *file) setup(currency emv.Currency) (issuer.Setup, error) {
	var s issuer.Setup
	for n, a := range f.Accounts {
		field := fmt.Sprintf("accounts[%d]", n)
		own := currency
		var err error
		if a.Currency != "" {
			if own, err = currencyOf(field+".currency", a.Currency); err != nil {
				return s, err
			}
		}
		balance, err := amountOf(field+".balance", own, a.Balance)
		if err != nil {
			return s, err
		}
		s.Accounts = append(s.Accounts, issuer.NewAccount{ID: a.ID, Currency: own.Numeric, Balance: balance})
	}
	for n, c := range f.Cards {
		status, err := statusOf(fmt.Sprintf("cards[%d].status", n), c.Status)
		if err != nil {
			return s, err
		}
		s.Cards = append(s.Cards, issuer.NewCard{
			PAN: emv.PAN(c.PAN), PSN: string(c.PSN), Expiry: string(c.Expiry), ServiceCode: string(c.ServiceCode), Account: c.Account, PAR: c.PAR, Status: status,
		})
	}
	for n, t := range f.Tokens {
		field := fmt.Sprintf("tokens[%d]", n)
		status, err := statusOf(field+".status", t.Status)
		if err != nil {
			return s, err
		}
		if t.PAN == "" {
			return s, fault(field+".pan", "a token in a file needs its number, or each start would make another")
		}
		s.Tokens = append(s.Tokens, issuer.NewToken{
			PAN: emv.PAN(t.PAN), PSN: string(t.PSN), Expiry: string(t.Expiry), ServiceCode: string(t.ServiceCode),
			Requestor: string(t.Requestor), Card: emv.PAN(t.Card), Status: status,
		})
	}
	return s, nil
}

func currencyOf(field, alpha string) (emv.Currency, error) {
	c, ok := emv.CurrencyByAlpha(alpha)
	if !ok {
		return c, fault(field, "%q is not a currency of ISO 4217, such as EUR", alpha)
	}
	return c, nil
}

// amountOf reads an amount; "" is zero.
func amountOf(field string, currency emv.Currency, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := currency.Parse(s)
	if err != nil {
		return 0, fault(field, "%v", err)
	}
	return v, nil
}

func statusOf(field, name string) (issuer.Status, error) {
	if name == "" {
		return 0, nil // active at first
	}
	s, ok := issuer.ParseStatus(name)
	if !ok {
		return 0, fault(field, "%q, want inactive, active, suspended, deactivated, lost or stolen", name)
	}
	return s, nil
}
