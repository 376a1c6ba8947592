package transcript

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tapsim/emv"
)

// versionKey marks a file of ours; version is what this program writes and
// reads.
const (
	versionKey = "tapsim"
	version    = "1"
)

// maxValue bounds a header value.
const maxValue = 200

// A key of the header, with what its value must look like: check returns what
// is wrong, or nothing.
type headerKey struct {
	name  string
	check func(value string) string
}

// headerKeys are all keys of the header of a file of ours, in the order in
// which this program writes them. The header holds no names of people or
// machines and no wall clock: now is the clock of the run.
var headerKeys = []headerKey{
	{versionKey, checkVersion},
	{"title", checkText},
	{"source", checkText},
	{redactedKey, checkText},
	{"card", checkText},
	{"terminal", checkText},
	{"seed", checkSeed},
	{"now", checkTime},
	{"amount", checkAmount},
	{"amount-other", checkAmount},
	{"currency", checkCurrency},
	{"type", checkWord},
	{"verified", checkBool},
	{"atc", checkATC},
	{"key-index", checkKeyIndex},
	{"host", checkWord},
	{"expect", checkWord},
	{"expect-kernel", checkWord},
}

// Keys lists the keys that a header may have, in the order in which they are
// written:
//
//	tapsim         version of the format, 1; always the first line
//	title, source  for people
//	redacted       what was taken out, and what no longer verifies
//	card, terminal names of the built-in card and terminal
//	seed, now      what made the run repeatable: a number, a time (RFC 3339)
//	amount, amount-other, currency, type
//	               the transaction: decimal amounts, ISO 4217 letters, a word
//	verified       true when the phone had verified its user
//	atc            the card's transaction counter before the first tap, hex
//	key-index      the limited-use key of a phone, seven digits
//	host           other when not our bank decided
//	expect         the outcome that the customer gets: approved, declined ...
//	expect-kernel  what the kernel answers: online-request ...
func Keys() []string {
	names := make([]string, len(headerKeys))
	for i, k := range headerKeys {
		names[i] = k.name
	}
	return names
}

// Value is the value of a header key, empty when the header has none.
func (t *Transcript) Value(key string) string {
	for _, f := range t.Header {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// NewHeader makes a header from values by key, in the order of Keys. Empty
// values are left out; an unknown key or a malformed value is an error.
func NewHeader(values map[string]string) ([]Field, error) {
	header := []Field{{versionKey, version}}
	known := 0
	for _, k := range headerKeys {
		value, there := values[k.name]
		if there {
			known++
		}
		if k.name == versionKey || value == "" {
			continue
		}
		f := Field{k.name, value}
		if reason := checkField(header, f); reason != "" {
			return nil, fmt.Errorf("transcript header: %s", reason)
		}
		header = append(header, f)
	}
	if known != len(values) {
		return nil, fmt.Errorf("transcript header: unknown key; known are %s", strings.Join(Keys(), ", "))
	}
	return header, nil
}

// checkField says what is wrong with f after the fields before it.
func checkField(before []Field, f Field) string {
	for _, b := range before {
		if b.Key == f.Key {
			return fmt.Sprintf("the key %s is there twice", f.Key)
		}
	}
	for _, k := range headerKeys {
		if k.name != f.Key {
			continue
		}
		if reason := checkText(f.Value); reason != "" {
			return fmt.Sprintf("%s: %s", f.Key, reason)
		}
		if reason := k.check(f.Value); reason != "" {
			return fmt.Sprintf("%s: %s", f.Key, reason)
		}
		return ""
	}
	return fmt.Sprintf("unknown key %s; known are %s", f.Key, strings.Join(Keys(), ", "))
}

func checkVersion(v string) string {
	if v != version {
		return fmt.Sprintf("version %q of the format; this program reads version %s, a newer one may read it", v, version)
	}
	return ""
}

func checkText(v string) string {
	switch {
	case v == "":
		return "the value is missing"
	case len(v) > maxValue:
		return fmt.Sprintf("%d characters; at most %d", len(v), maxValue)
	case v != strings.TrimSpace(v) || badText(v) >= 0:
		return "want one line of text"
	}
	return ""
}

func checkSeed(v string) string {
	if n, err := strconv.ParseUint(v, 10, 64); err != nil || strconv.FormatUint(n, 10) != v {
		return "want a whole number, such as 1"
	}
	return ""
}

func checkTime(v string) string {
	if _, err := time.Parse(time.RFC3339, v); err != nil {
		return "want a time such as 2030-01-01T12:00:00Z"
	}
	return ""
}

func checkAmount(v string) string {
	whole, fraction, dot := strings.Cut(v, ".")
	if len(v) > 15 || !isDigits(whole) || dot && !isDigits(fraction) {
		return "want an amount such as 12.50"
	}
	return ""
}

func checkCurrency(v string) string {
	if _, ok := emv.CurrencyByAlpha(v); !ok {
		return "want the three letters of a currency, such as EUR"
	}
	return ""
}

func checkWord(v string) string {
	if !isName(v) {
		return "want one lower-case word, such as online-request"
	}
	return ""
}

func checkBool(v string) string {
	if v != "true" && v != "false" {
		return "want true or false"
	}
	return ""
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func checkATC(v string) string {
	if len(v) != 4 || strings.Trim(v, "0123456789ABCDEF") != "" {
		return "want four upper-case hex digits"
	}
	return ""
}

func checkKeyIndex(v string) string {
	if len(v) != 7 || strings.Trim(v, "0123456789") != "" {
		return "want seven digits"
	}
	return ""
}
