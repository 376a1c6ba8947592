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
	// Verification and SecondUse are about payments above the limit that need
	// no verification, and about "come again with a PIN".
	Verification VerificationRules
	SecondUse    SecondUseRules
	PIN          PINRules
	TokenService TokenRules
	Currency     uint16 // ISO 4217 numeric: of accounts that name none
	Country      uint16 // ISO 3166-1 numeric: where payments are at home; 0: nowhere
	Exchange     Exchange
	Contactless  Contactless // bounds of accounts that have none of their own, in Currency
	Monitoring   []MonitorRule
	StandIn      StandIn
	// Unverified is the most that the request of one refund may be for which
	// neither a cryptogram nor a payment that it names speaks, in Currency.
	Unverified int64
	// PartialApproval approves what an account has where it is less than what is
	// asked, with 10, to requests without cash.
	PartialApproval bool
	// HoldsExpire is how long a hold waits for its completion; 0: for ever.
	HoldsExpire time.Duration
	// Tolerance is by how many percent an advice may be for more than what was
	// authorised, or than the card approved offline: tips. 0: by none.
	Tolerance int
	// KeptChecks is of how many payments a second the steps of the check are kept
	// although nobody watches, at most MaxKeptChecks; 0: of none.
	KeptChecks int
	// Fallback lets magnetic-stripe fallback and other entries without chip
	// data pass, unchecked: entry modes 80x, 90x, 91x.
	Fallback bool
	// ResetOffline lets a card that is told so by a card status update start
	// counting its offline approvals anew with each online approval.
	ResetOffline bool
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

// masked is the range as reports show it. A longer beginning beside the last four
// digits of a number would leave little of the number to guess.
func (r *Range) masked() string {
	const shown = 6
	if len(r.Prefix) <= shown {
		return r.Prefix
	}
	return r.Prefix[:shown] + strings.Repeat("*", len(r.Prefix)-shown)
}

// Limits bound one payment. Zero is no limit.
type Limits struct {
	MaxAmount int64 // minor units
	// MaxDays is how far the date that the card was told (9A) may be from field
	// 13 and from the bank's clock, in a request.
	MaxDays int
}

// VerificationRules say from which amount on a contactless payment needs
// plausible cardholder verification.
type VerificationRules struct {
	Limit int64 // minor units, of Config.Currency; 0: nothing is checked
	// Response is the code when nobody was verified; "" is 65 for Mastercard, and for
	// the others 70, "PIN needed", or 1A where the terminal takes no PIN. A claim that
	// cannot be true is 63.
	Response Code
}

// SecondUseRules say when a cryptogram may come again after an answer of 65, 70
// or 1A.
type SecondUseRules struct {
	Within     time.Duration // of that answer; 0: never
	WithoutPIN bool          // also without field 52
}

// MaxSecondUse bounds SecondUseRules.Within.
const MaxSecondUse = time.Hour

// CounterRules say how far an application transaction counter may jump.
type CounterRules struct {
	MaxGap    int // above the highest seen, from the second cryptogram on; a longer jump is declined once
	MaxBehind int // below the highest seen, if not seen itself; at most MaxRecentUses-1
}

// LimitedUseRules are the terms of limited-use keys that the bank hands out.
type LimitedUseRules struct {
	Keys     int           // keys in one set
	Uses     int           // cryptograms of one key
	Lifetime time.Duration // of one key
	Amount   int64         // minor units that the payments of one key may add up to; 0 is no limit
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

// Rule overrides the bank's answer to messages that match all its conditions,
// or adds to it; a condition that is zero matches everything. Reversals and
// network messages only know silence and delay.
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
	// Script goes to the card with the answer, where the card's cryptogram was
	// right and its key set has a key for script integrity.
	Script []ScriptCommand
}

// MaxDelay bounds a late answer.
const MaxDelay = 10 * time.Minute

// ConfigError says which part of a configuration is wrong, and why. Field is
// its path in a file, such as "key_sets[0].ac".
type ConfigError struct{ Field, Reason string }

func (e *ConfigError) Error() string { return "issuer configuration: " + e.Field + ": " + e.Reason }

func configError(field, format string, args ...any) error {
	return &ConfigError{field, fmt.Sprintf(format, args...)}
}

// Check finds what is wrong with a configuration. Errors are *ConfigError.
func (c *Config) Check() error {
	if len(c.KeySets) == 0 {
		return configError("key_sets", "at least one key set is needed")
	}
	if len(c.Ranges) == 0 {
		return configError("ranges", "at least one range is needed")
	}
	for n := range c.KeySets {
		if err := c.checkKeySet(n, fmt.Sprintf("key_sets[%d]", n)); err != nil {
			return err
		}
	}
	for n := range c.Ranges {
		if err := c.checkRange(n, fmt.Sprintf("ranges[%d]", n)); err != nil {
			return err
		}
	}
	for n := range c.Rules {
		if reason := c.Rules[n].fault(); reason != "" {
			return configError(fmt.Sprintf("rules[%d]", n), "%s", reason)
		}
	}
	for n := range c.Monitoring {
		if reason := c.Monitoring[n].fault(); reason != "" {
			return configError(fmt.Sprintf("monitoring[%d]", n), "%s", reason)
		}
	}
	if err := c.PIN.check(); err != nil {
		return err
	}
	if err := c.TokenService.check(); err != nil {
		return err
	}
	if err := c.checkBounds(); err != nil {
		return err
	}
	l := c.LimitedUse
	switch {
	case c.Currency == 0 || c.Currency > 999:
		return configError("currency", "%03d is not an ISO 4217 number", c.Currency)
	case c.Limits.MaxAmount < 0 || c.Limits.MaxAmount > emv.MaxAmount:
		return configError("limits.max_amount", "%d is not an amount", c.Limits.MaxAmount)
	case c.Limits.MaxDays < 0 || c.Limits.MaxDays > 366:
		return configError("limits.max_days", "%d, want 0 to 366", c.Limits.MaxDays)
	case c.Verification.Limit < 0 || c.Verification.Limit > emv.MaxAmount:
		return configError("verification.limit", "%d is not an amount", c.Verification.Limit)
	case c.Verification.Response != "" && (!validCode(c.Verification.Response) || c.Verification.Response.approves()):
		return configError("verification.response", "%q is not a code that declines", c.Verification.Response)
	case c.SecondUse.Within < 0 || c.SecondUse.Within > MaxSecondUse:
		return configError("second_use.within", "%s, want 0 to %s", c.SecondUse.Within, MaxSecondUse)
	case c.Counter.MaxGap < 1 || c.Counter.MaxGap > 0xFFFF:
		return configError("counter.max_gap", "%d, want 1 to 65535", c.Counter.MaxGap)
	case c.Counter.MaxBehind < 0 || c.Counter.MaxBehind >= MaxRecentUses:
		return configError("counter.max_behind", "%d, want 0 to %d", c.Counter.MaxBehind, MaxRecentUses-1)
	case l.Keys < 1 || l.Keys > maxKeysAnHour:
		return configError("limited_use_keys.keys", "%d, want 1 to %d", l.Keys, maxKeysAnHour)
	case l.Uses < 1 || l.Uses > 0xFFFF:
		return configError("limited_use_keys.uses", "%d, want 1 to 65535", l.Uses)
	case l.Lifetime < time.Hour || l.Lifetime > 366*24*time.Hour:
		return configError("limited_use_keys.lifetime", "%s, want an hour to a year", l.Lifetime)
	case l.Amount < 0 || l.Amount > emv.MaxAmount:
		return configError("limited_use_keys.amount", "%d is not an amount", l.Amount)
	}
	return nil
}

// checkBounds checks the numbers of the everyday business.
func (c *Config) checkBounds() error {
	switch {
	case c.Country > 999:
		return configError("country", "%d is not an ISO 3166-1 number", c.Country)
	case c.Contactless.Count < 0 || c.Contactless.Amount < 0 || c.Contactless.Amount > emv.MaxAmount:
		return configError("contactless", "number and amount are positive, the amount has at most 12 digits")
	case c.StandIn.MaxAmount < 0 || c.StandIn.MaxAmount > emv.MaxAmount:
		return configError("stand_in.max_amount", "%d is not an amount", c.StandIn.MaxAmount)
	case c.Unverified < 0 || c.Unverified > emv.MaxAmount:
		return configError("refunds.unverified", "%d is not an amount", c.Unverified)
	case c.HoldsExpire < 0 || c.HoldsExpire > 366*24*time.Hour:
		return configError("holds.expire", "%s, want up to a year", c.HoldsExpire)
	case c.Tolerance < 0 || c.Tolerance > maxTolerance:
		return configError("advices.tolerance", "%d percent, want 0 to %d", c.Tolerance, maxTolerance)
	case c.KeptChecks < 0 || c.KeptChecks > MaxKeptChecks:
		return configError("kept_checks", "%d, want 0 to %d", c.KeptChecks, MaxKeptChecks)
	}
	return c.Exchange.check(c.Currency)
}

func (c *Config) checkKeySet(n int, field string) error {
	k := &c.KeySets[n]
	switch {
	case k.Name == "":
		return configError(field+".name", "a key set needs a name")
	case k.Scheme == emv.SchemeUnknown:
		return configError(field+".scheme", "a key set needs a scheme")
	case k.AC == nil:
		return configError(field+".ac", "a key set needs the master key for application cryptograms")
	}
	if _, err := cryptogram.DeriveCardKey(k.AC, k.Method, "4761739001010119", "01"); err != nil {
		return configError(field+".card_key", "%v", err)
	}
	for m := range c.KeySets[:n] {
		if c.KeySets[m].Name == k.Name {
			return configError(field+".name", "the name %q is taken by key_sets[%d]", k.Name, m)
		}
	}
	return nil
}

func (c *Config) checkRange(n int, field string) error {
	r := &c.Ranges[n]
	switch {
	case len(r.Prefix) < 4 || !digitsOnly(r.Prefix):
		return configError(field+".prefix", "want at least 4 digits")
	case r.Length < 12 || r.Length > 19 || r.Length <= len(r.Prefix)+1:
		return configError(field+".length", "%d, want 12 to 19 and room behind the prefix", r.Length)
	case r.Kind != Card && r.Kind != Token:
		return configError(field+".kind", "want card or token")
	case r.Scheme == emv.SchemeUnknown:
		return configError(field+".scheme", "a range needs a scheme")
	case len(r.KeySets) == 0:
		return configError(field+".key_sets", "a range needs a key set")
	}
	seen := map[byte]string{}
	for _, name := range r.KeySets {
		k := c.keySet(name)
		switch {
		case k == nil:
			return configError(field+".key_sets", "there is no key set %q", name)
		case k.Scheme != r.Scheme:
			return configError(field+".key_sets", "key set %q is for %s, the range for %s", name, k.Scheme, r.Scheme)
		case seen[k.DKI] != "":
			return configError(field+".key_sets", "key sets %q and %q have the same derivation key index %02X", seen[k.DKI], name, k.DKI)
		}
		seen[k.DKI] = name
	}
	for m := range c.Ranges[:n] {
		o := &c.Ranges[m]
		if o.Length == r.Length && (strings.HasPrefix(o.Prefix, r.Prefix) || strings.HasPrefix(r.Prefix, o.Prefix)) {
			return configError(field+".prefix", "it overlaps ranges[%d], %s", m, o.Prefix)
		}
	}
	return nil
}

// fault says what is wrong with a rule, "" when nothing is.
func (r *Rule) fault() string {
	switch {
	case r.Response == "" && r.Silence == 0 && r.Delay == 0 && len(r.Script) == 0:
		return "it has no consequence: give a response, a silence, a delay or a script"
	case scriptLength(r.Script) > maxScript:
		return fmt.Sprintf("its script has %d bytes, at most %d fit an answer", scriptLength(r.Script), maxScript)
	case r.Response != "" && !validCode(r.Response):
		return fmt.Sprintf("response %q is not two letters or digits", r.Response)
	case r.Override && r.Response == "":
		return "override needs a response"
	case r.Delay < 0 || r.Delay > MaxDelay:
		return fmt.Sprintf("delay %s, want at most %s", r.Delay, MaxDelay)
	case r.Silence > SilenceRequest:
		return fmt.Sprintf("unknown silence %d", r.Silence)
	case !digitsOnly(r.PANSuffix) || !digitsOnly(r.Currency) || !digitsOnly(r.MTI):
		return "message type, PAN suffix and currency are digits"
	case r.MTI != "" && len(r.MTI) != 4 || r.Currency != "" && len(r.Currency) != 3:
		return "a message type has 4 digits, a currency 3"
	case r.Amount != nil && *r.Amount < 0 || r.AmountFrom < 0 || r.AmountTo < 0 || r.AmountTo != 0 && r.AmountTo < r.AmountFrom:
		return "the amounts match nothing"
	case r.Nth < 0:
		return "nth counts from 1"
	}
	return ""
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
