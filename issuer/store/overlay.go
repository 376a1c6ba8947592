package store

import (
	"maps"
	"slices"
	"sync"

	"tapsim/issuer"
)

// keyID names an issued key.
type keyID struct {
	token issuer.PANIndex
	index [4]byte
}

// maxCached bounds the rows of each kind that stay in memory; a full cache
// starts again.
const maxCached = 1 << 14

// cache holds committed rows. The writer alone changes it.
type cache struct {
	mu          sync.RWMutex
	accounts    map[string]issuer.Account
	instruments map[issuer.PANIndex]issuer.Instrument
	usages      map[issuer.PANIndex]issuer.Usage
	keys        map[keyID]issuer.IssuedKey
	bindings    map[issuer.PANIndex]issuer.Binding
	controls    map[string]issuer.Controls
}

func newCache() *cache {
	return &cache{
		accounts: map[string]issuer.Account{}, instruments: map[issuer.PANIndex]issuer.Instrument{},
		usages: map[issuer.PANIndex]issuer.Usage{}, keys: map[keyID]issuer.IssuedKey{},
		bindings: map[issuer.PANIndex]issuer.Binding{},
		controls: map[string]issuer.Controls{},
	}
}

// cached gets a row from one of the cache's maps.
func cached[K comparable, T any](c *cache, m map[K]T, id K) (T, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	row, ok := m[id]
	return row, ok
}

// keep puts rows into one of the cache's maps.
func keep[K comparable, T any](c *cache, m map[K]T, rows map[K]T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(m)+len(rows) > maxCached {
		clear(m)
	}
	for id, row := range rows {
		m[id] = row
	}
}

// absorb takes over what a batch wrote.
func (c *cache) absorb(b *overlay) {
	keep(c, c.accounts, b.accounts)
	keep(c, c.instruments, b.instruments)
	keep(c, c.usages, b.usages)
	keep(c, c.keys, b.keys)
	keep(c, c.bindings, b.bindings)
	keep(c, c.controls, b.controls)
}

// overlay is the state of one batch: what it has written so far over the cache
// over the database. It is the issuer.Reader that updates run on.
type overlay struct {
	writer   *writer
	sequence int64

	accounts    map[string]issuer.Account
	instruments map[issuer.PANIndex]issuer.Instrument
	usages      map[issuer.PANIndex]issuer.Usage
	keys        map[keyID]issuer.IssuedKey
	records     map[string]*issuer.Record // by retrieval key; nil: known not to exist
	written     []*issuer.Record          // of those, what to write, oldest first
	entries     []issuer.Entry
	bindings    map[issuer.PANIndex]issuer.Binding
	events      []issuer.TokenEvent
	controls    map[string]issuer.Controls
	disputes    map[int64]issuer.Dispute
	answered    map[string]issuer.Answered
	settings    map[string]issuer.Setting
	notices     []issuer.Notice
	sheets      map[int64]issuer.Sheet // by slot
}

func (b *overlay) empty() bool {
	return len(b.accounts)+len(b.instruments)+len(b.usages)+len(b.keys)+len(b.written)+len(b.entries)+
		len(b.controls)+len(b.disputes)+len(b.answered)+len(b.settings)+len(b.notices)+len(b.bindings)+len(b.events)+len(b.sheets) == 0
}

// add takes over the changes of one update.
func (b *overlay) add(c *issuer.Changes) {
	for n := range c.Accounts {
		set(&b.accounts, c.Accounts[n].ID, c.Accounts[n])
	}
	for n := range c.Instruments {
		set(&b.instruments, c.Instruments[n].Index, c.Instruments[n])
	}
	for n := range c.Usages {
		set(&b.usages, c.Usages[n].Instrument, c.Usages[n])
	}
	for n := range c.Keys {
		set(&b.keys, keyID{c.Keys[n].Token, c.Keys[n].Index}, c.Keys[n])
	}
	for n := range c.Records {
		b.addRecord(&c.Records[n])
	}
	b.entries = append(b.entries, c.Entries...)
	for n := range c.Bindings {
		set(&b.bindings, c.Bindings[n].Token, c.Bindings[n])
	}
	b.events = append(b.events, c.TokenEvents...)
	for n := range c.Controls {
		set(&b.controls, c.Controls[n].Account, c.Controls[n])
	}
	for n := range c.Disputes {
		set(&b.disputes, c.Disputes[n].ID, c.Disputes[n])
	}
	for n := range c.Answered {
		set(&b.answered, c.Answered[n].Key, c.Answered[n])
	}
	for n := range c.Settings {
		set(&b.settings, c.Settings[n].Name, c.Settings[n])
	}
	b.notices = append(b.notices, c.Notices...)
	for n := range c.Sheets {
		set(&b.sheets, c.Sheets[n].Slot(), c.Sheets[n])
	}
}

func (b *overlay) addRecord(r *issuer.Record) {
	if r.Seq > b.sequence { // new
		b.sequence = r.Seq
		b.written = append(b.written, r)
	} else if at := slices.IndexFunc(b.written, func(w *issuer.Record) bool { return w.Seq == r.Seq }); at >= 0 {
		b.written[at] = r
	} else {
		b.written = append(b.written, r)
	}
	set(&b.records, r.Key, r)
}

func set[K comparable, T any](m *map[K]T, id K, row T) {
	if *m == nil {
		*m = make(map[K]T)
	}
	(*m)[id] = row
}

// Sequence is the highest number given out.
func (b *overlay) Sequence() (int64, error) { return b.sequence, nil }

// Account finds an account.
func (b *overlay) Account(id string) (issuer.Account, bool, error) {
	return lookup(b, b.accounts, b.writer.rows.accounts, id, selectAccounts+" WHERE id = ?", scanAccount, id)
}

// Instrument finds a card or token.
func (b *overlay) Instrument(index issuer.PANIndex) (issuer.Instrument, bool, error) {
	return lookup(b, b.instruments, b.writer.rows.instruments, index, selectInstruments+" WHERE pan_index = ?", scanInstrument, index[:])
}

// Usage finds a counter state.
func (b *overlay) Usage(index issuer.PANIndex) (issuer.Usage, bool, error) {
	return lookup(b, b.usages, b.writer.rows.usages, index, selectUsages+" WHERE instrument = ?", scanUsage, index[:])
}

// Key finds an issued key.
func (b *overlay) Key(token issuer.PANIndex, index [4]byte) (issuer.IssuedKey, bool, error) {
	return lookup(b, b.keys, b.writer.rows.keys, keyID{token, index}, selectKeys+" WHERE token = ? AND key_index = ?", scanKey, token[:], index[:])
}

// Binding finds what the token service knows of a token.
func (b *overlay) Binding(token issuer.PANIndex) (issuer.Binding, bool, error) {
	return lookup(b, b.bindings, b.writer.rows.bindings, token, selectBindings+" WHERE token = ?", scanBinding, token[:])
}

// Controls finds the limits and sums of an account.
func (b *overlay) Controls(account string) (issuer.Controls, bool, error) {
	return lookup(b, b.controls, b.writer.rows.controls, account, selectControls+" WHERE account = ?", scanControls, account)
}

// Dispute finds a dispute.
func (b *overlay) Dispute(id int64) (issuer.Dispute, bool, error) {
	return uncached(b, b.disputes, id, selectDisputes+" WHERE id = ?", scanDispute)
}

// OpenDisputes are those about a payment, oldest first.
func (b *overlay) OpenDisputes(payment int64) ([]issuer.Dispute, error) {
	stored, err := queryAll(b.writer, selectOpenDisputes, scanDispute, payment)
	return issuer.MergeDisputes(stored, payment, slices.Collect(maps.Values(b.disputes))), err
}

// Answered finds the first answer under an idempotency key.
func (b *overlay) Answered(key string) (issuer.Answered, bool, error) {
	return uncached(b, b.answered, key, selectAnswered+" WHERE key = ?", scanAnswered)
}

// Setting finds a state of the whole bank.
func (b *overlay) Setting(name string) ([]byte, bool, error) {
	row, ok, err := uncached(b, b.settings, name, selectSettings+" WHERE name = ?", scanSetting)
	return row.Value, ok, err
}

// uncached goes through batch and database, for rows that are seldom read.
func uncached[K comparable, T any](b *overlay, own map[K]T, id K, query string, scan func(scanner) (T, error)) (T, bool, error) {
	if row, ok := own[id]; ok {
		return row, true, nil
	}
	return queryOne(b.writer, query, scan, id)
}

// lookup goes through batch, cache and database. What comes from the database
// stays in the cache.
func lookup[K comparable, T any](b *overlay, own, shared map[K]T, id K, query string, scan func(scanner) (T, error), args ...any) (T, bool, error) {
	if row, ok := own[id]; ok {
		return row, true, nil
	}
	if row, ok := shared[id]; ok { // the writer's own map: no lock to read it
		return row, true, nil
	}
	row, ok, err := queryOne(b.writer, query, scan, args...)
	if ok {
		keep(b.writer.rows, shared, map[K]T{id: row})
	}
	return row, ok, err
}

// Record finds a record by its retrieval key.
func (b *overlay) Record(key string) (issuer.Record, bool, error) {
	if r, known := b.records[key]; known {
		if r == nil {
			return issuer.Record{}, false, nil
		}
		return *r, true, nil
	}
	return queryOne(b.writer, selectRecords+" WHERE key = ?", scanRecord, key)
}

// RecordBySequence finds a record by its number.
func (b *overlay) RecordBySequence(seq int64) (issuer.Record, bool, error) {
	for _, r := range b.written {
		if r.Seq == seq {
			return *r, true, nil
		}
	}
	return queryOne(b.writer, selectRecords+" WHERE seq = ?", scanRecord, seq)
}

// RecordsByReference finds those with that reference.
func (b *overlay) RecordsByReference(reference string) ([]issuer.Record, error) {
	stored, err := queryAll(b.writer, selectByReference, scanRecord, reference, issuer.MaxByReference)
	var changed []issuer.Record
	for _, r := range b.written {
		if r.Reference == reference {
			changed = append(changed, *r)
		}
	}
	return issuer.MergeByReference(stored, reference, changed), err
}

// prefetch looks up, in few statements, the retrieval keys that a batch is
// going to ask for; most of them do not exist.
func (b *overlay) prefetch(batch []*request) error {
	if len(batch) == 1 {
		return nil
	}
	var keys []string
	for _, r := range batch {
		for _, key := range r.keys {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	b.records = make(map[string]*issuer.Record, len(keys))
	for chunk := range slices.Chunk(keys, prefetchChunk) {
		if err := b.fetch(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (b *overlay) fetch(keys []string) error {
	args := make([]any, prefetchChunk) // what is left over stays NULL and matches nothing
	for n, key := range keys {
		args[n] = key
		if _, known := b.records[key]; !known {
			b.records[key] = nil
		}
	}
	found, err := queryAll(b.writer, selectByKeys, scanRecord, args...)
	for n := range found {
		b.records[found[n].Key] = &found[n]
	}
	return err
}
