package store

import (
	"context"
	"encoding/binary"
	"slices"

	"tapsim/issuer"
)

// Reads outside the writer see what is committed: from the cache, or on a pool
// of connections of their own.

// get reads one row.
func get[T any](s *Store, query string, scan func(scanner) (T, error), args ...any) (T, bool, error) {
	v, ok, err := one(s.readers.QueryRowContext(context.Background(), query, args...), scan)
	return v, ok, advise(err)
}

// list reads many rows.
func list[T any](ctx context.Context, s *Store, query string, scan func(scanner) (T, error), args ...any) ([]T, error) {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, advise(err)
	}
	out, err := all(rows, scan)
	return out, advise(err)
}

// ofAccount reads the rows of an account, or all for "", in their order.
func ofAccount[T any](ctx context.Context, s *Store, whole, part string, scan func(scanner) (T, error), account string) ([]T, error) {
	if account == "" {
		return list(ctx, s, whole+" ORDER BY rowid", scan)
	}
	return list(ctx, s, part, scan, account)
}

// Sequence is the highest Record.Seq given out.
func (s *Store) Sequence() (int64, error) {
	var seq int64
	err := s.readers.QueryRowContext(context.Background(), "SELECT coalesce(max(seq), 0) FROM records").Scan(&seq)
	return seq, advise(err)
}

// Account finds an account.
func (s *Store) Account(id string) (issuer.Account, bool, error) {
	c := s.writer.rows
	if a, ok := cached(c, c.accounts, id); ok {
		return a, true, nil
	}
	return get(s, selectAccounts+" WHERE id = ?", scanAccount, id)
}

// Instrument finds a card or token.
func (s *Store) Instrument(index issuer.PANIndex) (issuer.Instrument, bool, error) {
	c := s.writer.rows
	if n, ok := cached(c, c.instruments, index); ok {
		return n, true, nil
	}
	return get(s, selectInstruments+" WHERE pan_index = ?", scanInstrument, index[:])
}

// Usage finds a counter state.
func (s *Store) Usage(index issuer.PANIndex) (issuer.Usage, bool, error) {
	c := s.writer.rows
	if u, ok := cached(c, c.usages, index); ok {
		return u, true, nil
	}
	return get(s, selectUsages+" WHERE instrument = ?", scanUsage, index[:])
}

// Key finds an issued key.
func (s *Store) Key(token issuer.PANIndex, index [4]byte) (issuer.IssuedKey, bool, error) {
	return get(s, selectKeys+" WHERE token = ? AND key_index = ?", scanKey, token[:], index[:])
}

// Record finds a record by its retrieval key.
func (s *Store) Record(key string) (issuer.Record, bool, error) {
	return get(s, selectRecords+" WHERE key = ?", scanRecord, key)
}

// RecordBySequence finds a record by its number.
func (s *Store) RecordBySequence(seq int64) (issuer.Record, bool, error) {
	return get(s, selectRecords+" WHERE seq = ?", scanRecord, seq)
}

// RecordsByReference finds those with that reference.
func (s *Store) RecordsByReference(reference string) ([]issuer.Record, error) {
	return list(context.Background(), s, selectByReference, scanRecord, reference, issuer.MaxByReference)
}

// Controls finds the limits and sums of an account.
func (s *Store) Controls(account string) (issuer.Controls, bool, error) {
	c := s.writer.rows
	if row, ok := cached(c, c.controls, account); ok {
		return row, true, nil
	}
	return get(s, selectControls+" WHERE account = ?", scanControls, account)
}

// Dispute finds a dispute.
func (s *Store) Dispute(id int64) (issuer.Dispute, bool, error) {
	return get(s, selectDisputes+" WHERE id = ?", scanDispute, id)
}

// OpenDisputes are those about a payment, oldest first.
func (s *Store) OpenDisputes(payment int64) ([]issuer.Dispute, error) {
	return list(context.Background(), s, selectOpenDisputes, scanDispute, payment)
}

// Answered finds the first answer under an idempotency key.
func (s *Store) Answered(key string) (issuer.Answered, bool, error) {
	return get(s, selectAnswered+" WHERE key = ?", scanAnswered, key)
}

// Setting finds a state of the whole bank.
func (s *Store) Setting(name string) ([]byte, bool, error) {
	row, ok, err := get(s, selectSettings+" WHERE name = ?", scanSetting, name)
	return row.Value, ok, err
}

// Accounts are all accounts by name.
func (s *Store) Accounts(ctx context.Context) ([]issuer.Account, error) {
	return list(ctx, s, selectAccounts+" ORDER BY id", scanAccount)
}

// Instruments are all cards and tokens by their index.
func (s *Store) Instruments(ctx context.Context) ([]issuer.Instrument, error) {
	return list(ctx, s, selectInstruments+" ORDER BY pan_index", scanInstrument)
}

// Keys are the limited-use keys handed out for a token, oldest first.
func (s *Store) Keys(ctx context.Context, token issuer.PANIndex) ([]issuer.IssuedKey, error) {
	return list(ctx, s, selectKeys+" WHERE token = ? ORDER BY issued, key_index", scanKey, token[:])
}

// Records are those of an account, or all for "", oldest first.
func (s *Store) Records(ctx context.Context, account string) ([]issuer.Record, error) {
	return ofAccount(ctx, s, selectRecords, accountsRecords, scanRecord, account)
}

// FindRecords are the latest that a query fits.
func (s *Store) FindRecords(ctx context.Context, q issuer.PaymentQuery) ([]issuer.Record, error) {
	query, args := findRecords(q)
	all, err := list(ctx, s, query, scanRecord, args...)
	slices.Reverse(all)
	return all, err
}

// RecordsAbout are those about a record.
func (s *Store) RecordsAbout(ctx context.Context, record int64) ([]issuer.Record, error) {
	return list(ctx, s, selectAbout, scanRecord, binary.BigEndian.AppendUint64(nil, uint64(record)))
}

// EntriesOf are those of a record.
func (s *Store) EntriesOf(ctx context.Context, record int64) ([]issuer.Entry, error) {
	return list(ctx, s, selectEntriesOf, scanEntry, record)
}

// OpenHolds are the records that hold money, the oldest first.
func (s *Store) OpenHolds(ctx context.Context, limit int) ([]issuer.Record, error) {
	return list(ctx, s, selectHolds, scanRecord, limit)
}

// Entries are those of an account, or all for "", oldest first.
func (s *Store) Entries(ctx context.Context, account string) ([]issuer.Entry, error) {
	return ofAccount(ctx, s, selectEntries, accountsEntries, scanEntry, account)
}

// Binding finds what the token service knows of a token.
func (s *Store) Binding(token issuer.PANIndex) (issuer.Binding, bool, error) {
	c := s.writer.rows
	if b, ok := cached(c, c.bindings, token); ok {
		return b, true, nil
	}
	return get(s, selectBindings+" WHERE token = ?", scanBinding, token[:])
}

// Bindings are all bindings by their token.
func (s *Store) Bindings(ctx context.Context) ([]issuer.Binding, error) {
	return list(ctx, s, selectBindings+" ORDER BY token", scanBinding)
}

// TokenEvents are those of a token after a number, oldest first.
func (s *Store) TokenEvents(ctx context.Context, token issuer.PANIndex, after int64, limit int) ([]issuer.TokenEvent, error) {
	return list(ctx, s, selectEvents+" WHERE token = ? AND number > ? ORDER BY number LIMIT ?", scanEvent, token[:], after, limit)
}

// Disputes are those of an account, or all for "", oldest first.
func (s *Store) Disputes(ctx context.Context, account string) ([]issuer.Dispute, error) {
	return ofAccount(ctx, s, selectDisputes, accountsDisputes, scanDispute, account)
}

// Sheet finds what was kept of the check of a record.
func (s *Store) Sheet(_ context.Context, record int64) (issuer.Sheet, bool, error) {
	slot := (&issuer.Sheet{Record: record}).Slot()
	return get(s, selectSheets+" WHERE slot = ? AND record = ?", scanSheet, slot, record)
}

// Notices are those for an account, or all for "", oldest first.
func (s *Store) Notices(ctx context.Context, account string) ([]issuer.Notice, error) {
	return ofAccount(ctx, s, selectNotices, accountsNotices, scanNotice, account)
}
