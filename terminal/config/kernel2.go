package config

import (
	"fmt"
	"slices"

	"tapsim/emv"
	"tapsim/internal/config"
	"tapsim/terminal"
)

// kernel2 is the configuration of kernel 2 for one application (EMV Book C-2,
// Annex A): each key is one data object. What is absent is the book's default,
// but for the transaction limit, whose default of zero would refuse every
// amount.
type kernel2 struct {
	Configuration            config.Hex     `yaml:"configuration"`               // DF811B
	Version                  config.Hex     `yaml:"version"`                     // 9F09
	CardDataInput            config.Hex     `yaml:"card_data_input"`             // DF8117
	Security                 config.Hex     `yaml:"security"`                    // DF811F
	CVMRequired              config.Hex     `yaml:"cvm_required"`                // DF8118
	NoCVMRequired            config.Hex     `yaml:"no_cvm_required"`             // DF8119
	FloorLimit               string         `yaml:"floor_limit"`                 // DF8123
	TransactionLimit         string         `yaml:"transaction_limit"`           // DF8124
	TransactionLimitOnDevice string         `yaml:"transaction_limit_on_device"` // DF8125; absent: as without
	CVMLimit                 string         `yaml:"cvm_limit"`                   // DF8126
	TACDefault               config.Hex     `yaml:"tac_default"`                 // DF8120
	TACDenial                config.Hex     `yaml:"tac_denial"`                  // DF8121
	TACOnline                config.Hex     `yaml:"tac_online"`                  // DF8122
	RiskManagement           config.Hex     `yaml:"risk_management"`             // 9F1D
	TransactionCategory      config.Hex     `yaml:"transaction_category"`        // 9F53
	MagStripeVersion         config.Hex     `yaml:"mag_stripe_version"`          // 9F6D
	MagStripeCVMRequired     config.Hex     `yaml:"mag_stripe_cvm_required"`     // DF811E
	MagStripeNoCVMRequired   config.Hex     `yaml:"mag_stripe_no_cvm_required"`  // DF812C
	DefaultUDOL              config.Hex     `yaml:"default_udol"`                // DF811A
	TornRecords              *int           `yaml:"torn_records"`                // DF811D
	TornLifetime             *int           `yaml:"torn_lifetime"`               // DF811C, seconds
	Timeout                  *int           `yaml:"timeout"`                     // DF8127, milliseconds
	MessageHold              *int           `yaml:"message_hold"`                // DF812D, 100 ms
	FieldOff                 *int           `yaml:"field_off"`                   // DF8130, 100 ms
	PhoneMessages            []phoneMessage `yaml:"phone_messages"`              // DF8131
	ReadBalanceBefore        bool           `yaml:"read_balance_before"`         // DF8104, empty
	ReadBalanceAfter         bool           `yaml:"read_balance_after"`          // DF8105, empty
	RelayMinGrace            *int           `yaml:"relay_min_grace"`             // DF8132; times in 100 µs
	RelayMaxGrace            *int           `yaml:"relay_max_grace"`             // DF8133
	RelayCommandTime         *int           `yaml:"relay_command_time"`          // DF8134
	RelayResponseTime        *int           `yaml:"relay_response_time"`         // DF8135
	RelayAccuracy            *int           `yaml:"relay_accuracy"`              // DF8136
	RelayMismatch            *int           `yaml:"relay_mismatch"`              // DF8137, per cent
}

// phoneMessage is an entry of the phone message table: for interaction
// information that has value in the bits of mask, message and status are shown.
// The last entry fits all.
type phoneMessage struct {
	Mask    config.Hex `yaml:"mask"`
	Value   config.Hex `yaml:"value"`
	Message config.Hex `yaml:"message"`
	Status  config.Hex `yaml:"status"`
}

// objects codes the configuration as data objects. path is where it stands.
func (k *kernel2) objects(path string, currency emv.Currency) (emv.List, error) {
	var l emv.List
	if k.TransactionLimit == "" {
		return nil, wrong(path, "transaction_limit is required: without it kernel 2 refuses every amount")
	}
	if err := k.bytes(path, &l); err != nil {
		return nil, err
	}
	if err := k.amounts(path, currency, &l); err != nil {
		return nil, err
	}
	if err := k.numbers(path, &l); err != nil {
		return nil, err
	}
	if err := k.messages(path, &l); err != nil {
		return nil, err
	}
	if k.ReadBalanceBefore {
		l = append(l, emv.TLV{Tag: 0xDF8104})
	}
	if k.ReadBalanceAfter {
		l = append(l, emv.TLV{Tag: 0xDF8105})
	}
	return l, nil
}

func (k *kernel2) bytes(path string, l *emv.List) error {
	for _, f := range []struct {
		key      string
		tag      emv.Tag
		value    config.Hex
		min, max int
	}{
		{"configuration", 0xDF811B, k.Configuration, 1, 1}, {"version", emv.TagTerminalVersion, k.Version, 2, 2}, {"card_data_input", 0xDF8117, k.CardDataInput, 1, 1},
		{"security", 0xDF811F, k.Security, 1, 1}, {"cvm_required", 0xDF8118, k.CVMRequired, 1, 1}, {"no_cvm_required", 0xDF8119, k.NoCVMRequired, 1, 1},
		{"tac_default", 0xDF8120, k.TACDefault, 5, 5}, {"tac_denial", 0xDF8121, k.TACDenial, 5, 5}, {"tac_online", 0xDF8122, k.TACOnline, 5, 5},
		{"risk_management", 0x9F1D, k.RiskManagement, 1, 8}, {"transaction_category", 0x9F53, k.TransactionCategory, 1, 1},
		{"mag_stripe_version", 0x9F6D, k.MagStripeVersion, 2, 2}, {"mag_stripe_cvm_required", 0xDF811E, k.MagStripeCVMRequired, 1, 1},
		{"mag_stripe_no_cvm_required", 0xDF812C, k.MagStripeNoCVMRequired, 1, 1}, {"default_udol", 0xDF811A, k.DefaultUDOL, 3, 250},
	} {
		if f.value == nil {
			continue
		}
		if n := len(f.value); n < f.min || n > f.max {
			return wrong(path+"."+f.key, "%d bytes, want %s", n, span(f.min, f.max))
		}
		*l = append(*l, emv.TLV{Tag: f.tag, Value: f.value})
	}
	return nil
}

func span(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

func (k *kernel2) amounts(path string, currency emv.Currency, l *emv.List) error {
	onDevice := k.TransactionLimitOnDevice
	if onDevice == "" {
		onDevice = k.TransactionLimit
	}
	for _, f := range []struct {
		key, text string
		tag       emv.Tag
	}{
		{"floor_limit", k.FloorLimit, 0xDF8123}, {"transaction_limit", k.TransactionLimit, 0xDF8124},
		{"transaction_limit_on_device", onDevice, 0xDF8125}, {"cvm_limit", k.CVMLimit, 0xDF8126},
	} {
		if f.text == "" {
			continue
		}
		v, err := currency.Parse(f.text)
		if err != nil {
			return wrong(path+"."+f.key, "%v", err)
		}
		*l = append(*l, emv.TLV{Tag: f.tag, Value: emv.AppendBCD(nil, uint64(v), 6)})
	}
	return nil
}

func (k *kernel2) numbers(path string, l *emv.List) error {
	for _, f := range []struct {
		key   string
		tag   emv.Tag
		value *int
		bytes int
		bcd   bool
	}{
		{"torn_records", 0xDF811D, k.TornRecords, 1, false}, {"torn_lifetime", 0xDF811C, k.TornLifetime, 2, false}, {"timeout", 0xDF8127, k.Timeout, 2, false},
		{"message_hold", 0xDF812D, k.MessageHold, 3, true}, {"field_off", 0xDF8130, k.FieldOff, 1, false},
		{"relay_min_grace", 0xDF8132, k.RelayMinGrace, 2, false}, {"relay_max_grace", 0xDF8133, k.RelayMaxGrace, 2, false},
		{"relay_command_time", 0xDF8134, k.RelayCommandTime, 2, false}, {"relay_response_time", 0xDF8135, k.RelayResponseTime, 2, false},
		{"relay_accuracy", 0xDF8136, k.RelayAccuracy, 2, false}, {"relay_mismatch", 0xDF8137, k.RelayMismatch, 1, false},
	} {
		if f.value == nil {
			continue
		}
		most := 1<<(8*f.bytes) - 1
		if f.bcd {
			most = 999_999
		}
		if *f.value < 0 || *f.value > most {
			return wrong(path+"."+f.key, "%d: want 0 to %d", *f.value, most)
		}
		*l = append(*l, emv.TLV{Tag: f.tag, Value: coded(*f.value, f.bytes, f.bcd)})
	}
	return nil
}

// coded is a number in binary or in decimal digits.
func coded(v, n int, bcd bool) []byte {
	if bcd {
		return emv.AppendBCD(nil, uint64(v), n)
	}
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i], v = byte(v), v>>8
	}
	return out
}

func (k *kernel2) messages(path string, l *emv.List) error {
	var table []byte
	for i, m := range k.PhoneMessages {
		at := fmt.Sprintf("%s.phone_messages[%d]", path, i)
		if len(m.Mask) != 3 || len(m.Value) != 3 || len(m.Message) != 1 || len(m.Status) != 1 {
			return wrong(at, "want mask and value of 3 bytes, message and status of 1")
		}
		table = slices.Concat(table, m.Mask, m.Value, m.Message, m.Status)
	}
	if table == nil {
		return nil
	}
	last := k.PhoneMessages[len(k.PhoneMessages)-1]
	if [3]byte(last.Mask) != [3]byte{} || [3]byte(last.Value) != [3]byte{} {
		return wrong(fmt.Sprintf("%s.phone_messages[%d]", path, len(k.PhoneMessages)-1), "the last entry must fit all: mask and value 000000")
	}
	*l = append(*l, emv.TLV{Tag: 0xDF8131, Value: table})
	return nil
}

// forKernel2 adds the configuration of kernel 2 to a combination. Its limits and
// decisions are its own: those of the entry point would mislead.
func (a *application) forKernel2(path string, c *terminal.Combination, currency emv.Currency) error {
	if a.Kernel != 2 {
		if a.Kernel2 != nil {
			return wrong(path+".kernel2", "the application has kernel %d", a.Kernel)
		}
		return nil
	}
	for _, f := range []struct {
		key string
		set bool
	}{
		{"ttq", a.TTQ != nil}, {"transaction_limit", a.TransactionLimit != ""}, {"floor_limit", a.FloorLimit != ""}, {"cvm_limit", a.CVMLimit != ""},
		{"terminal_floor_limit", a.TerminalFloor != ""}, {"usage_control", a.UsageControl}, {"exception_file", a.ExceptionFile != nil},
	} {
		if f.set {
			return wrong(path+"."+f.key, "kernel 2 does not know it; what is kernel 2's stands under kernel2")
		}
	}
	if a.Kernel2 == nil {
		return wrong(path, "an application with kernel 2 needs kernel2 with a transaction_limit at least")
	}
	objects, err := a.Kernel2.objects(path+".kernel2", currency)
	if err != nil {
		return err
	}
	c.Data = append(objects, c.Data...)
	return nil
}
