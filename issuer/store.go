package issuer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"tapsim/emv"
	"tapsim/provisioning"
)

// Reader looks at committed rows, or, inside an update, at those and the
// changes so far. The boolean is false when there is no such row; an error
// means that the store could not tell.
type Reader interface {
	// Sequence is the highest Record.Seq given out.
	Sequence() (int64, error)
	Account(id string) (Account, bool, error)
	Instrument(index PANIndex) (Instrument, bool, error)
	Usage(instrument PANIndex) (Usage, bool, error)
	Key(token PANIndex, index [4]byte) (IssuedKey, bool, error)
	// Record finds by retrieval key.
	Record(key string) (Record, bool, error)
	RecordBySequence(seq int64) (Record, bool, error)
	// RecordsByReference finds those with that reference, none for "": at most
	// MaxByReference, those that moved money first, of each sort the latest first.
	RecordsByReference(reference string) ([]Record, error)
	Binding(token PANIndex) (Binding, bool, error)
	// Controls finds the limits and sums of an account.
	Controls(account string) (Controls, bool, error)
	Dispute(id int64) (Dispute, bool, error)
	// OpenDisputes are those about a payment with state DisputeCredited, oldest
	// first.
	OpenDisputes(payment int64) ([]Dispute, error)
	// Answered finds the first answer under an idempotency key.
	Answered(key string) (Answered, bool, error)
	// Setting finds a state of the whole bank by name.
	Setting(name string) ([]byte, bool, error)
}

// Lister reads many rows, for people and for audits.
type Lister interface {
	Accounts(ctx context.Context) ([]Account, error)
	Instruments(ctx context.Context) ([]Instrument, error)
	Keys(ctx context.Context, token PANIndex) ([]IssuedKey, error)
	// Records are those of an account, or all for "", oldest first.
	Records(ctx context.Context, account string) ([]Record, error)
	// FindRecords are the latest MaxFound that a query fits, oldest first.
	FindRecords(ctx context.Context, q PaymentQuery) ([]Record, error)
	// RecordsAbout are those whose Related is a record, oldest first.
	RecordsAbout(ctx context.Context, record int64) ([]Record, error)
	// EntriesOf are those of a record, oldest first.
	EntriesOf(ctx context.Context, record int64) ([]Entry, error)
	// OpenHolds are the records with state RecordHeld, the oldest by time first, at
	// most limit.
	OpenHolds(ctx context.Context, limit int) ([]Record, error)
	// Entries are those of an account, or all for "", oldest first.
	Entries(ctx context.Context, account string) ([]Entry, error)
	Bindings(ctx context.Context) ([]Binding, error)
	// TokenEvents are those of a token after a number, oldest first, at most
	// limit.
	TokenEvents(ctx context.Context, token PANIndex, after int64, limit int) ([]TokenEvent, error)
	// Disputes are those of an account, or all for "", oldest first.
	Disputes(ctx context.Context, account string) ([]Dispute, error)
	// Notices are those for an account, or all for "", oldest first.
	Notices(ctx context.Context, account string) ([]Notice, error)
	// Sheet finds what was kept of the check of a record.
	Sheet(ctx context.Context, record int64) (Sheet, bool, error)
}

// Store keeps the bank's state. Updates happen one after the other; each is
// durable, whole, before Update returns nil, or has left no trace when it
// returns an error.
type Store interface {
	Reader
	Lister
	// IndexPAN is the PAN's stand-in in this store.
	IndexPAN(pan emv.PAN) PANIndex
	// SealPAN and OpenPAN keep a PAN under a key of this store.
	SealPAN(pan emv.PAN) ([]byte, error)
	OpenPAN(sealed []byte) (emv.PAN, error)
	// Update runs f on a transaction and commits its changes. f must do nothing
	// but read and write the transaction and set its own results: a store may
	// run it a second time. keys are retrieval keys that f is going to look up;
	// a store may fetch them ahead. ctx counts until f starts.
	Update(ctx context.Context, keys []string, f func(*Tx) error) error
}

// Changes are rows to write: all of one update.
type Changes struct {
	Accounts    []Account
	Instruments []Instrument
	Usages      []Usage
	Keys        []IssuedKey
	Records     []Record
	Entries     []Entry
	Bindings    []Binding
	TokenEvents []TokenEvent
	Controls    []Controls
	Disputes    []Dispute
	Answered    []Answered
	Settings    []Setting
	Notices     []Notice
	Sheets      []Sheet
}

// Setting is a state of the whole bank.
type Setting struct {
	Name  string
	Value []byte
}

// Tx is one update: it reads through its changes to the rows below.
type Tx struct {
	base     Reader
	changes  Changes
	sequence int64 // last given out, once one was
	records  recordIndex
}

// NewTx makes an update over base. Only stores call it.
func NewTx(base Reader) *Tx { return &Tx{base: base} }

// Changes are the rows to write, each at most once. An update whose entries do
// not sum to zero in each currency is an error, and its store must drop it.
func (t *Tx) Changes() (*Changes, error) {
	var sums []Entry // one for each currency, of which there are few
	for _, e := range t.changes.Entries {
		n := slices.IndexFunc(sums, func(s Entry) bool { return s.Currency == e.Currency })
		if n < 0 {
			n, sums = len(sums), append(sums, Entry{Currency: e.Currency})
		}
		sums[n].Amount += e.Amount
	}
	for _, s := range sums {
		if s.Amount != 0 {
			return nil, fmt.Errorf("issuer: entries of one update sum to %d in currency %03d, not to zero", s.Amount, s.Currency)
		}
	}
	return &t.changes, nil
}

// NextSequence gives out a number for a new record.
func (t *Tx) NextSequence() (int64, error) {
	if t.sequence == 0 {
		var err error
		if t.sequence, err = t.base.Sequence(); err != nil {
			return 0, err
		}
	}
	t.sequence++
	return t.sequence, nil
}

// Account finds an account.
func (t *Tx) Account(id string) (Account, bool, error) {
	for i := range t.changes.Accounts {
		if t.changes.Accounts[i].ID == id {
			return t.changes.Accounts[i], true, nil
		}
	}
	return t.base.Account(id)
}

// PutAccount writes an account.
func (t *Tx) PutAccount(a Account) {
	put(&t.changes.Accounts, a, func(b *Account) bool { return b.ID == a.ID })
}

// Instrument finds a card or token.
func (t *Tx) Instrument(index PANIndex) (Instrument, bool, error) {
	for i := range t.changes.Instruments {
		if t.changes.Instruments[i].Index == index {
			return t.changes.Instruments[i], true, nil
		}
	}
	return t.base.Instrument(index)
}

// PutInstrument writes a card or token.
func (t *Tx) PutInstrument(n Instrument) {
	put(&t.changes.Instruments, n, func(b *Instrument) bool { return b.Index == n.Index })
}

// Usage finds the counter state of a card or token.
func (t *Tx) Usage(instrument PANIndex) (Usage, bool, error) {
	for i := range t.changes.Usages {
		if t.changes.Usages[i].Instrument == instrument {
			return t.changes.Usages[i], true, nil
		}
	}
	return t.base.Usage(instrument)
}

// PutUsage writes a counter state.
func (t *Tx) PutUsage(u Usage) {
	put(&t.changes.Usages, u, func(b *Usage) bool { return b.Instrument == u.Instrument })
}

// Key finds an issued limited-use key.
func (t *Tx) Key(token PANIndex, index [4]byte) (IssuedKey, bool, error) {
	for i := range t.changes.Keys {
		if k := &t.changes.Keys[i]; k.Token == token && k.Index == index {
			return *k, true, nil
		}
	}
	return t.base.Key(token, index)
}

// PutKey writes an issued key.
func (t *Tx) PutKey(k IssuedKey) {
	put(&t.changes.Keys, k, func(b *IssuedKey) bool { return b.Token == k.Token && b.Index == k.Index })
}

// Record finds a record by its retrieval key.
func (t *Tx) Record(key string) (Record, bool, error) {
	if n := t.records.byKey(t.changes.Records, key); n >= 0 {
		return t.changes.Records[n], true, nil
	}
	return t.base.Record(key)
}

// RecordBySequence finds a record by its number.
func (t *Tx) RecordBySequence(seq int64) (Record, bool, error) {
	if n := t.records.bySequence(t.changes.Records, seq); n >= 0 {
		return t.changes.Records[n], true, nil
	}
	return t.base.RecordBySequence(seq)
}

// RecordsByReference finds those with that reference.
func (t *Tx) RecordsByReference(reference string) ([]Record, error) {
	stored, err := t.base.RecordsByReference(reference)
	return MergeByReference(stored, reference, t.changes.Records), err
}

// PutRecord writes a record.
func (t *Tx) PutRecord(r Record) {
	if n := t.records.byKey(t.changes.Records, r.Key); n >= 0 {
		t.changes.Records[n] = r
		return
	}
	t.changes.Records = append(t.changes.Records, r)
}

// Binding finds what the token service knows of a token.
func (t *Tx) Binding(token PANIndex) (Binding, bool, error) {
	for i := range t.changes.Bindings {
		if t.changes.Bindings[i].Token == token {
			return t.changes.Bindings[i], true, nil
		}
	}
	return t.base.Binding(token)
}

// PutBinding writes what the token service knows of a token.
func (t *Tx) PutBinding(b Binding) {
	put(&t.changes.Bindings, b, func(c *Binding) bool { return c.Token == b.Token })
}

// AddTokenEvent adds a line to the history of a token and numbers it, in its
// binding too.
func (t *Tx) AddTokenEvent(b *Binding, e provisioning.Event) {
	b.Events++
	e.Number = b.Events
	t.changes.TokenEvents = append(t.changes.TokenEvents, TokenEvent{b.Token, e})
	t.PutBinding(*b)
}

// Controls finds the limits and sums of an account.
func (t *Tx) Controls(account string) (Controls, bool, error) {
	for i := range t.changes.Controls {
		if t.changes.Controls[i].Account == account {
			return t.changes.Controls[i], true, nil
		}
	}
	return t.base.Controls(account)
}

// PutControls writes the limits and sums of an account.
func (t *Tx) PutControls(c Controls) {
	put(&t.changes.Controls, c, func(b *Controls) bool { return b.Account == c.Account })
}

// Dispute finds a dispute.
func (t *Tx) Dispute(id int64) (Dispute, bool, error) {
	for i := range t.changes.Disputes {
		if t.changes.Disputes[i].ID == id {
			return t.changes.Disputes[i], true, nil
		}
	}
	return t.base.Dispute(id)
}

// OpenDisputes are those about a payment, oldest first.
func (t *Tx) OpenDisputes(payment int64) ([]Dispute, error) {
	stored, err := t.base.OpenDisputes(payment)
	return MergeDisputes(stored, payment, t.changes.Disputes), err
}

// MergeDisputes puts changed disputes over the open ones about a payment that were
// there before, and leaves those that are open. Only stores call it.
func MergeDisputes(stored []Dispute, payment int64, changed []Dispute) []Dispute {
	open := slices.Clone(stored)
	for _, d := range changed {
		if d.Payment == payment {
			put(&open, d, func(o *Dispute) bool { return o.ID == d.ID })
		}
	}
	open = slices.DeleteFunc(open, func(d Dispute) bool { return d.State != DisputeCredited })
	slices.SortFunc(open, func(a, b Dispute) int { return cmp.Compare(a.ID, b.ID) })
	return open
}

// PutDispute writes a dispute.
func (t *Tx) PutDispute(d Dispute) {
	put(&t.changes.Disputes, d, func(b *Dispute) bool { return b.ID == d.ID })
}

// Answered finds the first answer under an idempotency key.
func (t *Tx) Answered(key string) (Answered, bool, error) {
	for i := range t.changes.Answered {
		if t.changes.Answered[i].Key == key {
			return t.changes.Answered[i], true, nil
		}
	}
	return t.base.Answered(key)
}

// PutAnswered writes the first answer under an idempotency key.
func (t *Tx) PutAnswered(a Answered) {
	put(&t.changes.Answered, a, func(b *Answered) bool { return b.Key == a.Key })
}

// Setting finds a state of the whole bank.
func (t *Tx) Setting(name string) ([]byte, bool, error) {
	for i := range t.changes.Settings {
		if t.changes.Settings[i].Name == name {
			return t.changes.Settings[i].Value, true, nil
		}
	}
	return t.base.Setting(name)
}

// PutSetting writes a state of the whole bank.
func (t *Tx) PutSetting(name string, value []byte) {
	put(&t.changes.Settings, Setting{name, value}, func(b *Setting) bool { return b.Name == name })
}

// Notify adds a notice.
func (t *Tx) Notify(n Notice) { t.changes.Notices = append(t.changes.Notices, n) }

// PutSheet keeps the check of a record.
func (t *Tx) PutSheet(s Sheet) {
	put(&t.changes.Sheets, s, func(b *Sheet) bool { return b.Slot() == s.Slot() })
}

// Move takes amount from one account and gives it to another, as two entries
// of the record. Accounts must exist and share a currency, which need not be the
// record's. A negative amount, or one that would overflow, is an error.
func (t *Tx) Move(record *Record, from, to string, amount int64) error {
	if amount < 0 {
		return fmt.Errorf("issuer: a movement of %d", amount)
	}
	if amount == 0 {
		return nil
	}
	currency := uint16(0)
	for n, side := range [2]struct {
		account string
		amount  int64
	}{{from, -amount}, {to, amount}} {
		a, ok, err := t.Account(side.account)
		if n == 0 {
			currency = a.Currency
		}
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("issuer: no account %s to post to", side.account)
		case a.Currency != currency:
			return fmt.Errorf("issuer: account %s is in currency %03d, the posting in %03d", a.ID, a.Currency, currency)
		case side.amount > 0 && a.Balance > math.MaxInt64-side.amount || side.amount < 0 && a.Balance < math.MinInt64-side.amount:
			return fmt.Errorf("issuer: the balance of account %s would overflow", a.ID)
		}
		a.Balance += side.amount
		t.PutAccount(a)
		t.changes.Entries = append(t.changes.Entries, Entry{record.Seq, a.ID, a.Currency, side.amount, record.Time})
	}
	return nil
}

// put replaces the row that same finds, or appends.
func put[T any](rows *[]T, row T, same func(*T) bool) {
	for i := range *rows {
		if same(&(*rows)[i]) {
			(*rows)[i] = row
			return
		}
	}
	*rows = append(*rows, row)
}
