package terminal

import (
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// recordedAIDs are the applications that a terminal made for a recording
// accepts, with their kernels.
var recordedAIDs = []struct {
	kernel byte
	aid    []byte
}{
	{3, []byte{0xA0, 0, 0, 0, 0x03, 0x10, 0x10}},    // Visa credit and debit
	{3, []byte{0xA0, 0, 0, 0, 0x03, 0x20, 0x10}},    // Visa Electron
	{2, []byte{0xA0, 0, 0, 0, 0x04, 0x10, 0x10}},    // Mastercard credit and debit
	{2, []byte{0xA0, 0, 0, 0, 0x04, 0x30, 0x60}},    // Maestro
	{7, []byte{0xA0, 0, 0, 0x03, 0x33, 0x01, 0x01}}, // UnionPay, all of its applications
}

// recordedKernel2 is the configuration of kernel 2 for a recording: no limits,
// and everything that a contactless terminal can do. What the recording's
// terminal had comes before it.
var recordedKernel2 = emv.List{
	{Tag: emv.TagTerminalType, Value: []byte{0x22}},
	{Tag: tagCardDataInput, Value: []byte{0xE0}}, // manual, stripe, contact
	{Tag: 0xDF8118, Value: []byte{0x60}},         // online PIN, signature
	{Tag: 0xDF8119, Value: []byte{0x08}},         // no CVM
	{Tag: 0xDF811F, Value: []byte{0x08}},         // CDA
	{Tag: 0xDF8123, Value: noLimit}, {Tag: 0xDF8124, Value: noLimit}, {Tag: 0xDF8125, Value: noLimit}, {Tag: 0xDF8126, Value: noLimit},
}

// noLimit is an amount that no other exceeds.
var noLimit = []byte{0x99, 0x99, 0x99, 0x99, 0x99, 0x99}

// recordedTerminal are the terminal's own data objects that a recording may
// tell.
var recordedTerminal = [...]emv.Tag{emv.TagTerminalCountry, emv.TagTerminalType, emv.TagTerminalVersion, 0x9F15, 0x9F1D, tagMerchantCustomData}

// tagMerchantCustomData is what a merchant tells the card (EMV Book C-2).
const tagMerchantCustomData emv.Tag = 0x9F7C

// ForRecording makes the terminal and the sale of a recorded session from the
// data that its terminal had: amounts, currency, country, date, type,
// unpredictable number and TTQ, which goes to the card as it did there,
// dynamic bits and all. What data lack is zero; a TTQ that they lack is online,
// with PIN and signature. Malformed data are an error.
func ForRecording(data emv.Source) (Config, Request, error) {
	r := Request{FixedAmount: true}
	config := Config{Name: "recorded", TerminalID: "TAPSIM01"}
	var currency, date, kind int64
	for _, n := range []struct {
		tag  emv.Tag
		into *int64
	}{
		{emv.TagAmount, &r.Amount}, {emv.TagAmountOther, &r.AmountOther}, {emv.TagTransactionCurrency, &currency},
		{emv.TagTransactionDate, &date}, {emv.TagTransactionType, &kind},
	} {
		v, ok := data.Lookup(n.tag)
		if !ok {
			continue
		}
		digits, err := emv.BCD(v)
		if err != nil {
			return config, r, fmt.Errorf("recorded %s: %w", n.tag, err)
		}
		*n.into = int64(digits)
	}
	clock := 12 * time.Hour
	if v, ok := data.Lookup(emv.TagTransactionTime); ok && len(v) == 3 {
		if n, err := emv.BCD(v); err == nil {
			clock = time.Duration(n/10000)*time.Hour + time.Duration(n/100%100)*time.Minute + time.Duration(n%100)*time.Second
		}
	}
	r.Currency = emv.Currency{Alpha: "XXX", Numeric: uint16(currency), Exponent: 2}
	r.Type = byte(kind/10<<4 | kind%10)
	r.Time = time.Date(2000+int(date/10000), time.Month(date/100%100), int(date%100), 0, 0, 0, 0, time.UTC).Add(clock)
	if v, ok := data.Lookup(emv.TagUnpredictableNumber); ok && len(v) == 4 {
		r.UnpredictableNumber = (*[4]byte)(v)
	}
	for _, tag := range recordedTerminal {
		if v, ok := data.Lookup(tag); ok {
			config.Data = append(config.Data, emv.TLV{Tag: tag, Value: v})
		}
	}
	q := emv.TTQ{0x26, 0x00, 0x40, 0x00}
	if v, ok := data.Lookup(emv.TagTTQ); ok && len(v) == len(q) {
		q = emv.TTQ(v)
	}
	for _, a := range recordedAIDs {
		c := Combination{AID: a.aid, Kernel: a.kernel}
		if a.kernel == 2 {
			c.Data = append(append(append(emv.List{}, config.Data...), recordedLimits(data)...), recordedKernel2...)
		} else {
			c.Settings = kernel.Settings{TTQ: &q}
		}
		config.Combinations = append(config.Combinations, c)
	}
	return config, r, nil
}

// recordedLimits are the limits of kernel 2 that the recorded terminal must have
// had, as far as its decisions tell: a floor limit below the amount (TVR byte 4
// bit 8), verification on the device, or a limit for cardholder verification
// below it (CVM results).
func recordedLimits(data emv.Source) emv.List {
	var limits emv.List
	if tvr, ok := data.Lookup(emv.TagTVR); ok && len(tvr) == 5 && tvr[3]&0x80 != 0 {
		limits = append(limits, emv.TLV{Tag: 0xDF8123, Value: make([]byte, 6)})
	}
	results, ok := data.Lookup(emv.TagCVMResults)
	switch {
	case !ok || len(results) != 3:
	case string(results) == "\x3F\x00\x02":
		limits = append(limits, emv.TLV{Tag: 0xDF811B, Value: []byte{0x20}})
	case results[0]&0x3F != 0x1F && results[0]&0x3F != 0x3F:
		limits = append(limits, emv.TLV{Tag: 0xDF8126, Value: make([]byte, 6)})
	}
	return limits
}
