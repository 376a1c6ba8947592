package issuer

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"tapsim/emv"
)

// Memory is a Store that forgets everything when the program ends.
type Memory struct {
	mu   sync.RWMutex
	rows memoryRows
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{rows: memoryRows{
		accounts: map[string]Account{}, instruments: map[PANIndex]Instrument{}, usages: map[PANIndex]Usage{},
		keys: map[memoryKey]IssuedKey{}, records: map[string]*Record{}, sequences: map[int64]*Record{}, references: map[string][]int64{},
		bindings: map[PANIndex]Binding{}, events: map[PANIndex][]TokenEvent{},
		controls: map[string]Controls{}, disputes: map[int64]Dispute{}, answered: map[string]Answered{}, settings: map[string][]byte{}, sheets: map[int64]Sheet{},
	}}
}

// memoryRows are the rows without a lock: what an update reads.
type memoryRows struct {
	accounts    map[string]Account
	instruments map[PANIndex]Instrument
	usages      map[PANIndex]Usage
	keys        map[memoryKey]IssuedKey
	records     map[string]*Record
	sequences   map[int64]*Record
	references  map[string][]int64 // Seq of the records, in the order in which they came
	entries     []Entry
	bindings    map[PANIndex]Binding
	events      map[PANIndex][]TokenEvent
	sequence    int64
	controls    map[string]Controls
	disputes    map[int64]Dispute
	answered    map[string]Answered
	settings    map[string][]byte
	notices     []Notice
	sheets      map[int64]Sheet
}

type memoryKey struct {
	token PANIndex
	index [4]byte
}

func (m *memoryRows) Sequence() (int64, error) { return m.sequence, nil }

func (m *memoryRows) Account(id string) (Account, bool, error) {
	a, ok := m.accounts[id]
	return a, ok, nil
}

func (m *memoryRows) Instrument(index PANIndex) (Instrument, bool, error) {
	n, ok := m.instruments[index]
	return n, ok, nil
}

func (m *memoryRows) Usage(instrument PANIndex) (Usage, bool, error) {
	u, ok := m.usages[instrument]
	return u, ok, nil
}

func (m *memoryRows) Key(token PANIndex, index [4]byte) (IssuedKey, bool, error) {
	k, ok := m.keys[memoryKey{token, index}]
	return k, ok, nil
}

func (m *memoryRows) Record(key string) (Record, bool, error) { return deref(m.records[key]) }

func (m *memoryRows) RecordBySequence(seq int64) (Record, bool, error) {
	return deref(m.sequences[seq])
}

func (m *memoryRows) RecordsByReference(reference string) ([]Record, error) {
	var all []Record
	for _, seq := range m.references[reference] {
		all = append(all, *m.sequences[seq])
	}
	return MergeByReference(all, reference, nil), nil
}

func (m *memoryRows) Binding(token PANIndex) (Binding, bool, error) {
	b, ok := m.bindings[token]
	return b, ok, nil
}

func (m *memoryRows) Controls(account string) (Controls, bool, error) {
	c, ok := m.controls[account]
	return c, ok, nil
}

func (m *memoryRows) Dispute(id int64) (Dispute, bool, error) {
	d, ok := m.disputes[id]
	return d, ok, nil
}

func (m *memoryRows) OpenDisputes(payment int64) ([]Dispute, error) {
	return MergeDisputes(nil, payment, slices.Collect(maps.Values(m.disputes))), nil
}

func (m *memoryRows) Answered(key string) (Answered, bool, error) {
	a, ok := m.answered[key]
	return a, ok, nil
}

func (m *memoryRows) Setting(name string) ([]byte, bool, error) {
	v, ok := m.settings[name]
	return v, ok, nil
}

func deref(r *Record) (Record, bool, error) {
	if r == nil {
		return Record{}, false, nil
	}
	return *r, true, nil
}

// apply writes the changes of one update.
func (m *memoryRows) apply(c *Changes) {
	for _, a := range c.Accounts {
		m.accounts[a.ID] = a
	}
	for _, n := range c.Instruments {
		m.instruments[n.Index] = n
	}
	for _, u := range c.Usages {
		m.usages[u.Instrument] = u
	}
	for _, k := range c.Keys {
		m.keys[memoryKey{k.Token, k.Index}] = k
	}
	for _, r := range c.Records {
		if before := m.sequences[r.Seq]; r.Reference != "" && (before == nil || before.Reference == "") { // a record keeps its reference
			m.references[r.Reference] = append(m.references[r.Reference], r.Seq)
		}
		m.records[r.Key], m.sequences[r.Seq] = &r, &r
		m.sequence = max(m.sequence, r.Seq)
	}
	m.entries = append(m.entries, c.Entries...)
	for _, b := range c.Bindings {
		m.bindings[b.Token] = b
	}
	for _, e := range c.TokenEvents {
		m.events[e.Token] = append(m.events[e.Token], e)
	}
	for _, row := range c.Controls {
		m.controls[row.Account] = row
	}
	for _, row := range c.Disputes {
		m.disputes[row.ID] = row
	}
	for _, row := range c.Answered {
		m.answered[row.Key] = row
	}
	for _, row := range c.Settings {
		m.settings[row.Name] = row.Value
	}
	m.notices = append(m.notices, c.Notices...)
	for _, s := range c.Sheets {
		m.sheets[s.Slot()] = s
	}
}

// Update runs f alone.
func (m *Memory) Update(ctx context.Context, _ []string, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := NewTx(&m.rows)
	if err := f(tx); err != nil {
		return err
	}
	changes, err := tx.Changes()
	if err != nil {
		return err
	}
	m.rows.apply(changes)
	return nil
}

// IndexPAN needs no secret: the index never leaves the program.
func (m *Memory) IndexPAN(pan emv.PAN) PANIndex { return IndexPAN(nil, pan) }

// SealPAN needs no secret either.
func (m *Memory) SealPAN(pan emv.PAN) ([]byte, error) { return SealPAN(nil, pan) }

// OpenPAN is the inverse of SealPAN.
func (m *Memory) OpenPAN(sealed []byte) (emv.PAN, error) { return OpenPAN(nil, sealed) }

func view[T any](m *Memory, read func(*memoryRows) (T, bool, error)) (T, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return read(&m.rows)
}

// Sequence is the highest Record.Seq given out.
func (m *Memory) Sequence() (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.rows.sequence, nil
}

// Account finds an account.
func (m *Memory) Account(id string) (Account, bool, error) {
	return view(m, func(r *memoryRows) (Account, bool, error) { return r.Account(id) })
}

// Instrument finds a card or token.
func (m *Memory) Instrument(index PANIndex) (Instrument, bool, error) {
	return view(m, func(r *memoryRows) (Instrument, bool, error) { return r.Instrument(index) })
}

// Usage finds a counter state.
func (m *Memory) Usage(instrument PANIndex) (Usage, bool, error) {
	return view(m, func(r *memoryRows) (Usage, bool, error) { return r.Usage(instrument) })
}

// Key finds an issued key.
func (m *Memory) Key(token PANIndex, index [4]byte) (IssuedKey, bool, error) {
	return view(m, func(r *memoryRows) (IssuedKey, bool, error) { return r.Key(token, index) })
}

// Record finds a record by its retrieval key.
func (m *Memory) Record(key string) (Record, bool, error) {
	return view(m, func(r *memoryRows) (Record, bool, error) { return r.Record(key) })
}

// RecordBySequence finds a record by its number.
func (m *Memory) RecordBySequence(seq int64) (Record, bool, error) {
	return view(m, func(r *memoryRows) (Record, bool, error) { return r.RecordBySequence(seq) })
}

// RecordsByReference finds those with that reference.
func (m *Memory) RecordsByReference(reference string) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.rows.RecordsByReference(reference)
}

// Binding finds what the token service knows of a token.
func (m *Memory) Binding(token PANIndex) (Binding, bool, error) {
	return view(m, func(r *memoryRows) (Binding, bool, error) { return r.Binding(token) })
}

// Bindings are all bindings by their token.
func (m *Memory) Bindings(context.Context) ([]Binding, error) {
	return rows(m, m.rows.bindings, func(a, b Binding) int { return slices.Compare(a.Token[:], b.Token[:]) }, nil)
}

// TokenEvents are those of a token after a number, oldest first.
func (m *Memory) TokenEvents(_ context.Context, token PANIndex, after int64, limit int) ([]TokenEvent, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := m.rows.events[token]
	first := min(max(after, 0), int64(len(all))) // events are numbered from 1, without gaps
	return slices.Clone(all[first:min(first+int64(limit), int64(len(all)))]), nil
}

// Controls finds the limits and sums of an account.
func (m *Memory) Controls(account string) (Controls, bool, error) {
	return view(m, func(r *memoryRows) (Controls, bool, error) { return r.Controls(account) })
}

// Dispute finds a dispute.
func (m *Memory) Dispute(id int64) (Dispute, bool, error) {
	return view(m, func(r *memoryRows) (Dispute, bool, error) { return r.Dispute(id) })
}

// OpenDisputes are those about a payment, oldest first.
func (m *Memory) OpenDisputes(payment int64) ([]Dispute, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.rows.OpenDisputes(payment)
}

// Answered finds the first answer under an idempotency key.
func (m *Memory) Answered(key string) (Answered, bool, error) {
	return view(m, func(r *memoryRows) (Answered, bool, error) { return r.Answered(key) })
}

// Setting finds a state of the whole bank.
func (m *Memory) Setting(name string) ([]byte, bool, error) {
	return view(m, func(r *memoryRows) ([]byte, bool, error) { return r.Setting(name) })
}

// Accounts are all accounts by name.
func (m *Memory) Accounts(context.Context) ([]Account, error) {
	return rows(m, m.rows.accounts, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) }, nil)
}

// Instruments are all cards and tokens by their index.
func (m *Memory) Instruments(context.Context) ([]Instrument, error) {
	return rows(m, m.rows.instruments, func(a, b Instrument) int { return slices.Compare(a.Index[:], b.Index[:]) }, nil)
}

// Keys are the limited-use keys handed out for a token, oldest first.
func (m *Memory) Keys(_ context.Context, token PANIndex) ([]IssuedKey, error) {
	return rows(m, m.rows.keys, compareKeys, func(k IssuedKey) bool { return k.Token == token })
}

// Records are those of an account, or all for "".
func (m *Memory) Records(_ context.Context, account string) ([]Record, error) {
	return m.filterRecords(func(r *Record) bool { return account == "" || r.Account == account }), nil
}

// FindRecords are the latest that a query fits.
func (m *Memory) FindRecords(_ context.Context, q PaymentQuery) ([]Record, error) {
	all := m.filterRecords(q.Fits)
	return all[max(0, len(all)-MaxFound):], nil
}

// RecordsAbout are those about a record.
func (m *Memory) RecordsAbout(_ context.Context, record int64) ([]Record, error) {
	return m.filterRecords(func(r *Record) bool { return record != 0 && r.Related == record }), nil
}

// filterRecords are the records that keep is true for, oldest first.
func (m *Memory) filterRecords(keep func(*Record) bool) []Record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Record
	for _, r := range m.rows.records {
		if keep(r) {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// OpenHolds are the records that hold money, the oldest first.
func (m *Memory) OpenHolds(_ context.Context, limit int) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Record
	for _, r := range m.rows.records {
		if r.State == RecordHeld {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq)) })
	return out[:min(len(out), limit)], nil
}

// Entries are those of an account, or all for "".
func (m *Memory) Entries(_ context.Context, account string) ([]Entry, error) {
	return filter(m, &m.rows.entries, func(e Entry) bool { return account == "" || e.Account == account })
}

// Disputes are those of an account, or all for "".
func (m *Memory) Disputes(_ context.Context, account string) ([]Dispute, error) {
	return rows(m, m.rows.disputes, func(a, b Dispute) int { return cmp.Compare(a.ID, b.ID) },
		func(d Dispute) bool { return account == "" || d.Account == account })
}

// EntriesOf are those of a record.
func (m *Memory) EntriesOf(_ context.Context, record int64) ([]Entry, error) {
	return filter(m, &m.rows.entries, func(e Entry) bool { return e.Record == record })
}

// Notices are those for an account, or all for "".
func (m *Memory) Notices(_ context.Context, account string) ([]Notice, error) {
	return filter(m, &m.rows.notices, func(n Notice) bool { return account == "" || n.Account == account })
}

// Sheet finds what was kept of the check of a record.
func (m *Memory) Sheet(_ context.Context, record int64) (Sheet, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s, ok := m.rows.sheets[(&Sheet{Record: record}).Slot()]
	if !ok || s.Record != record {
		return Sheet{}, false, nil
	}
	return s, true, nil
}

// filter lists the rows of a list that keep is true for.
func filter[T any](m *Memory, from *[]T, keep func(T) bool) ([]T, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []T
	for _, row := range *from {
		if keep(row) {
			out = append(out, row)
		}
	}
	return out, nil
}

// rows lists the rows of a map that keep is true for, in order.
func rows[K comparable, T any](m *Memory, from map[K]T, order func(a, b T) int, keep func(T) bool) ([]T, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []T
	for _, row := range from {
		if keep == nil || keep(row) {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, order)
	return out, nil
}

func compareKeys(a, b IssuedKey) int {
	return cmp.Or(a.Issued.Compare(b.Issued), slices.Compare(a.Index[:], b.Index[:]))
}
