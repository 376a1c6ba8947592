package terminal

import (
	"fmt"
	"time"

	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// recordedAIDs are the applications that a terminal made for a recording
// accepts: those of kernel 3.
var recordedAIDs = [][]byte{
	{0xA0, 0, 0, 0, 0x03, 0x10, 0x10}, // Visa credit and debit
	{0xA0, 0, 0, 0, 0x03, 0x20, 0x10}, // Visa Electron
}

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
	r.Currency = emv.Currency{Alpha: "XXX", Numeric: uint16(currency), Exponent: 2}
	r.Type = byte(kind/10<<4 | kind%10)
	r.Time = time.Date(2000+int(date/10000), time.Month(date/100%100), int(date%100), 12, 0, 0, 0, time.UTC)
	if v, ok := data.Lookup(emv.TagUnpredictableNumber); ok && len(v) == 4 {
		r.UnpredictableNumber = (*[4]byte)(v)
	}
	if v, ok := data.Lookup(emv.TagTerminalCountry); ok {
		config.Data = emv.List{{Tag: emv.TagTerminalCountry, Value: v}}
	}
	q := emv.TTQ{0x26, 0x00, 0x40, 0x00}
	if v, ok := data.Lookup(emv.TagTTQ); ok && len(v) == len(q) {
		q = emv.TTQ(v)
	}
	for _, aid := range recordedAIDs {
		config.Combinations = append(config.Combinations, Combination{AID: aid, Kernel: 3, Settings: kernel.Settings{TTQ: &q}})
	}
	return config, r, nil
}
