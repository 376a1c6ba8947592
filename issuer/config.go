package issuer

import (
	"fmt"
	"strings"
	"time"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// Config is everything about the bank that is not state. Keys live here and
// never in the store.
type Config struct {
	KeySets    []KeySet
	Ranges     []Range
	Rules      []Rule // the first that matches counts
	Limits     Limits
	Counter    CounterRules
	LimitedUse LimitedUseRules
	Currency   uint16 // ISO 4217 numeric: of accounts that name none
	// Fallback lets magnetic-stripe fallback and other entries without chip
	// data pass, unchecked: entry modes 80x, 90x, 91x.
	Fallback bool
}

// KeySet is an issuer's master keys under one derivation key index.
type KeySet struct {
	Name   string
	Scheme emv.Scheme
	DKI    byte
	AC     *cryptogram.Key // application cryptograms
	SMI    *cryptogram.Key // script integrity; may be nil
	SMC    *cryptogram.Key // script confidentiality; may be nil
	Method cryptogram.CardKeyMethod
}

// Range is a range of account numbers with the same first digits.
type Range struct {
	Prefix  string
	Length  int // digits of a whole number
	Scheme  emv.Scheme
	Kind    Kind
	KeySets []string // by name; the derivation key index in a cryptogram selects
}

// Limits bound one payment. Zero is no limit.
type Limits struct {
	MaxAmount int64 // minor units
}

// CounterRules say how far an application transaction counter may jump.
type CounterRules struct {
	MaxGap    int // above the highest seen, from the second cryptogram on
	MaxBehind int // below the highest seen, if not seen itself; at most MaxRecentUses-1
}

// LimitedUseRules are the terms of limited-use keys that the bank hands out.
type LimitedUseRules struct {
	Keys     int           // keys in one set
	Uses     int           // cryptograms of one key
	Lifetime time.Duration // of one key
	// AcceptUnissued takes keys that another token service handed out under the
	// same master key: their time of issue is read from the key index, and
	// Uses and Lifetime apply from there.
	AcceptUnissued bool
}

// Silence is an answer that does not come.
type Silence byte

// Silences. The zero value is an answer as usual.
const (
	SilenceAnswer  Silence = iota + 1 // decided, recorded, and the answer lost
	SilenceRequest                    // the request lost: nothing happens
)

// Rule overrides the bank's answer to messages that match all its conditions;
// a condition that is zero matches everything. Reversals and network messages
// only know silence and delay.
type Rule struct {
	Name string

	// conditions
	MTI        string // such as "0100"; repeats count as their originals
	Amount     *int64 // exactly, minor units
	AmountFrom int64  // at least
	AmountTo   int64  // at most; 0 is no bound
	PANSuffix  string // last digits
	Merchant   string // DE42
	Terminal   string // DE41
	Currency   string // DE49
	Nth        int    // only the n-th message that meets the other conditions

	// consequences
	Response Code    // in place of the decision by limits and balance
	Override bool    // Response also in place of what the security checks say
	Silence  Silence // no answer
	Delay    time.Duration
}

// MaxDelay bounds a late answer.
const MaxDelay = 10 * time.Minute

// Check finds what is wrong with a configuration.
func (c *Config) Check() error {
	if len(c.KeySets) == 0 || len(c.Ranges) == 0 {
		return fmt.Errorf("issuer configuration: at least one key set and one range are needed")
	}
	for n := range c.KeySets {
		if err := c.checkKeySet(n); err != nil {
			return fmt.Errorf("issuer configuration: key set %q: %w", c.KeySets[n].Name, err)
		}
	}
	for n := range c.Ranges {
		if err := c.checkRange(n); err != nil {
			return fmt.Errorf("issuer configuration: range %q: %w", c.Ranges[n].Prefix, err)
		}
	}
	for n := range c.Rules {
		if err := c.Rules[n].check(); err != nil {
			return fmt.Errorf("issuer configuration: rule %q: %w", c.Rules[n].Name, err)
		}
	}
	l := c.LimitedUse
	switch {
	case c.Currency == 0 || c.Currency > 999:
		return fmt.Errorf("issuer configuration: currency %03d is not an ISO 4217 number", c.Currency)
	case c.Limits.MaxAmount < 0 || c.Limits.MaxAmount > emv.MaxAmount:
		return fmt.Errorf("issuer configuration: limit %d is not an amount", c.Limits.MaxAmount)
	case c.Counter.MaxGap < 1 || c.Counter.MaxGap > 0xFFFF:
		return fmt.Errorf("issuer configuration: counter gap %d, want 1 to 65535", c.Counter.MaxGap)
	case c.Counter.MaxBehind < 0 || c.Counter.MaxBehind >= MaxRecentUses:
		return fmt.Errorf("issuer configuration: counter behind by %d, want 0 to %d", c.Counter.MaxBehind, MaxRecentUses-1)
	case l.Keys < 1 || l.Keys > 100 || l.Uses < 1 || l.Uses > 0xFFFF || l.Lifetime < time.Hour || l.Lifetime > 366*24*time.Hour:
		return fmt.Errorf("issuer configuration: limited-use keys: want 1 to 100 keys of 1 to 65535 uses for an hour to a year")
	}
	return nil
}

func (c *Config) checkKeySet(n int) error {
	k := &c.KeySets[n]
	if k.Name == "" || k.Scheme == emv.SchemeUnknown || k.AC == nil {
		return fmt.Errorf("name, scheme and the application cryptogram key are needed")
	}
	if _, err := cryptogram.DeriveCardKey(k.AC, k.Method, "4761739001010119", "01"); err != nil {
		return err
	}
	for m := range c.KeySets[:n] {
		if c.KeySets[m].Name == k.Name {
			return fmt.Errorf("the name is taken twice")
		}
	}
	return nil
}

func (c *Config) checkRange(n int) error {
	r := &c.Ranges[n]
	switch {
	case len(r.Prefix) < 4 || !digitsOnly(r.Prefix):
		return fmt.Errorf("the prefix must be at least 4 digits")
	case r.Length < 12 || r.Length > 19 || r.Length <= len(r.Prefix)+1:
		return fmt.Errorf("length %d: want 12 to 19 and room behind the prefix", r.Length)
	case r.Kind != Card && r.Kind != Token:
		return fmt.Errorf("the kind must be card or token")
	case r.Scheme == emv.SchemeUnknown || len(r.KeySets) == 0:
		return fmt.Errorf("a scheme and a key set are needed")
	}
	seen := map[byte]string{}
	for _, name := range r.KeySets {
		k := c.keySet(name)
		if k == nil {
			return fmt.Errorf("there is no key set %q", name)
		}
		if k.Scheme != r.Scheme {
			return fmt.Errorf("key set %q is for %s, the range for %s", name, k.Scheme, r.Scheme)
		}
		if other := seen[k.DKI]; other != "" {
			return fmt.Errorf("key sets %q and %q have the same derivation key index %02X", other, name, k.DKI)
		}
		seen[k.DKI] = name
	}
	for m := range c.Ranges[:n] {
		o := &c.Ranges[m]
		if o.Length == r.Length && (strings.HasPrefix(o.Prefix, r.Prefix) || strings.HasPrefix(r.Prefix, o.Prefix)) {
			return fmt.Errorf("it overlaps range %q", o.Prefix)
		}
	}
	return nil
}

func (r *Rule) check() error {
	switch {
	case r.Response == "" && r.Silence == 0 && r.Delay == 0:
		return fmt.Errorf("it has no consequence: give a response, a silence or a delay")
	case r.Response != "" && !validCode(r.Response):
		return fmt.Errorf("response %q is not two letters or digits", r.Response)
	case r.Override && r.Response == "":
		return fmt.Errorf("override needs a response")
	case r.Delay < 0 || r.Delay > MaxDelay:
		return fmt.Errorf("delay %s, want at most %s", r.Delay, MaxDelay)
	case r.Silence > SilenceRequest:
		return fmt.Errorf("unknown silence %d", r.Silence)
	case !digitsOnly(r.PANSuffix) || !digitsOnly(r.Currency) || !digitsOnly(r.MTI):
		return fmt.Errorf("message type, PAN suffix and currency are digits")
	case r.MTI != "" && len(r.MTI) != 4 || r.Currency != "" && len(r.Currency) != 3:
		return fmt.Errorf("a message type has 4 digits, a currency 3")
	case r.Amount != nil && *r.Amount < 0 || r.AmountFrom < 0 || r.AmountTo < 0 || r.AmountTo != 0 && r.AmountTo < r.AmountFrom:
		return fmt.Errorf("the amounts match nothing")
	case r.Nth < 0:
		return fmt.Errorf("nth counts from 1")
	}
	return nil
}

func validCode(c Code) bool {
	if len(c) != 2 {
		return false
	}
	for i := range 2 {
		if (c[i] < '0' || c[i] > '9') && (c[i] < 'A' || c[i] > 'Z') {
			return false
		}
	}
	return true
}

func (c *Config) keySet(name string) *KeySet {
	for i := range c.KeySets {
		if c.KeySets[i].Name == name {
			return &c.KeySets[i]
		}
	}
	return nil
}

// rangeOf finds the range of a PAN, nil when it is in none.
func (c *Config) rangeOf(pan emv.PAN) *Range {
	for i := range c.Ranges {
		if r := &c.Ranges[i]; len(pan) == r.Length && strings.HasPrefix(string(pan), r.Prefix) {
			return r
		}
	}
	return nil
}

// keySetFor finds the range's key set with that derivation key index.
func (c *Config) keySetFor(r *Range, dki byte) *KeySet {
	for _, name := range r.KeySets {
		if k := c.keySet(name); k.DKI == dki {
			return k
		}
	}
	return nil
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
