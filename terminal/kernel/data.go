package kernel

import "tapsim/emv"

// maxSequence is the largest value of 9F41, n 8.
const maxSequence = 99_999_999

// TransactionData are the terminal's values of one transaction coded as data
// objects: a Source for data object lists and for the data record. What it
// does not have itself comes from the configuration. Values alias it.
type TransactionData struct {
	amount, other [6]byte
	date          [3]byte
	clock         [3]byte
	currency      [2]byte
	sequence      [4]byte
	un            [4]byte
	ttq           [4]byte
	tvr           [5]byte
	kind          [1]byte
	entryMode     [1]byte
	hasTTQ        bool
	tx            *Transaction
	config        *Config
}

// Load codes the values of an activation, but for those that few cards ask for,
// which Lookup codes. Amounts outside n 12 are the
// caller's fault and panic.
func (d *TransactionData) Load(a *Activation) {
	t := &a.Transaction
	emv.AppendBCD(d.amount[:0], uint64(t.Amount), 6)
	emv.AppendBCD(d.other[:0], uint64(t.AmountOther), 6)
	emv.AppendBCD(d.currency[:0], uint64(t.Currency.Numeric), 2)
	year, month, day := t.Time.Date()
	d.date = [3]byte{bcd(year % 100), bcd(int(month)), bcd(day)}
	d.un, d.ttq, d.hasTTQ = t.UnpredictableNumber, a.TTQ, a.Config.Settings.TTQ != nil
	d.kind[0], d.entryMode[0] = t.Type, EntryModeContactless
	d.tx, d.config = t, a.Config
}

// EntryModeContactless is the POS entry mode 9F39 of a contactless chip: the
// first two digits of field 22.
const EntryModeContactless = 0x07

// EntryModeMagStripe is the POS entry mode of a contactless chip that gave
// track data.
const EntryModeMagStripe = 0x91

func bcd(v int) byte { return byte(v/10<<4 | v%10) }

// TVR are the terminal verification results, which a kernel may set.
func (d *TransactionData) TVR() *emv.TVR { return (*emv.TVR)(&d.tvr) }

// TTQ are the terminal transaction qualifiers, in which kernel 7 may ask for
// more than pre-processing did.
func (d *TransactionData) TTQ() *emv.TTQ { return (*emv.TTQ)(&d.ttq) }

// Lookup makes TransactionData a Source.
func (d *TransactionData) Lookup(tag emv.Tag) ([]byte, bool) {
	switch tag {
	case emv.TagAmount:
		return d.amount[:], true
	case emv.TagAmountOther:
		return d.other[:], true
	case emv.TagTransactionDate:
		return d.date[:], true
	case emv.TagTransactionTime:
		hour, minute, second := d.tx.Time.Clock()
		d.clock = [3]byte{bcd(hour), bcd(minute), bcd(second)}
		return d.clock[:], true
	case emv.TagTransactionType:
		return d.kind[:], true
	case emv.TagTransactionCurrency:
		return d.currency[:], true
	case emv.TagUnpredictableNumber:
		return d.un[:], true
	case emv.TagTVR:
		return d.tvr[:], true
	case emv.TagSequenceCounter:
		return emv.AppendBCD(d.sequence[:0], uint64(d.tx.SequenceCounter)%(maxSequence+1), 4), true
	case emv.TagPOSEntryMode:
		return d.entryMode[:], true
	case emv.TagTTQ:
		return d.ttq[:], d.hasTTQ
	}
	return d.config.Data.Lookup(tag)
}
