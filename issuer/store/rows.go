package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tapsim/issuer"
)

// table is how rows of one kind stand in the database: its columns, the key
// first.
type table struct {
	name    string
	key     int // how many of the columns are the key
	columns []string
	upserts map[int]string // statement by number of rows
}

var (
	instrumentTable = newTable("instruments", 1, "pan_index kind masked psn expiry service_code status account card last_four requestor par wrong_pins bound")
	keyTable        = newTable("keys", 2, "token key_index issued not_after uses used withdrawn amount spent")
	bindingTable    = newTable("bindings", 1, "token body")
	eventTable      = newTable("token_events", 2, "token number body")
	accountTable    = newTable("accounts", 1, "id currency balance held status internal opened disputes")
	usageTable      = newTable("usages", 1, "instrument recent older unverified unverified_amount")
	recordTable     = newTable("records", 1, "seq key reference instrument account amount requested currency time state flagged code answer tap detail merchant channel")
	entryTable      = newTable("entries", 0, "record account currency amount time")
)

func newTable(name string, key int, columns string) table {
	t := table{name, key, strings.Fields(columns), map[int]string{}}
	for _, size := range chunkSizes {
		t.upserts[size] = t.upsert(size)
	}
	return t
}

func (t *table) selection() string {
	return "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name
}

// upsert is the statement that writes a number of rows.
func (t *table) upsert(rows int) string {
	row := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	text := "INSERT OR FAIL INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES " + row + strings.Repeat(", "+row, rows-1)
	if t.key == 0 {
		return text
	}
	sets := make([]string, 0, len(t.columns))
	for _, c := range t.columns[t.key:] {
		sets = append(sets, c+" = excluded."+c)
	}
	return text + " ON CONFLICT (" + strings.Join(t.columns[:t.key], ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

var (
	selectAccounts    = accountTable.selection()
	selectInstruments = instrumentTable.selection()
	selectUsages      = usageTable.selection()
	selectKeys        = keyTable.selection()
	selectRecords     = recordTable.selection()
	selectEntries     = entryTable.selection()
	selectBindings    = bindingTable.selection()
	selectEvents      = eventTable.selection()
	selectByKeys      = selectRecords + " WHERE key IN (?" + strings.Repeat(", ?", prefetchChunk-1) + ")"
)

// prefetchChunk is how many retrieval keys one statement looks up.
const prefetchChunk = 64

// chunkSizes are the numbers of rows that statements are prepared for.
var chunkSizes = [...]int{64, 16, 4, 1}

// write writes the overlay's rows. It stops at the first error: SQLite may have
// rolled back by then, and a further statement would commit by itself.
func (b *overlay) write() error {
	for _, rows := range []func() error{
		func() error { return writeRows(b.writer, &accountTable, rowsOf(b.accounts), appendAccount) },
		func() error { return writeRows(b.writer, &instrumentTable, rowsOf(b.instruments), appendInstrument) },
		func() error { return writeRows(b.writer, &usageTable, rowsOf(b.usages), appendUsage) },
		func() error { return writeRows(b.writer, &keyTable, rowsOf(b.keys), appendKey) },
		func() error { return writeRows(b.writer, &recordTable, b.written, appendRecord) },
		func() error { return writeRows(b.writer, &entryTable, b.entries, appendEntry) },
		func() error { return writeRows(b.writer, &bindingTable, rowsOf(b.bindings), appendBinding) },
		func() error { return writeRows(b.writer, &eventTable, b.events, appendEvent) },
		func() error { return writeRows(b.writer, &controlsTable, rowsOf(b.controls), appendControls) },
		func() error { return writeRows(b.writer, &disputeTable, rowsOf(b.disputes), appendDispute) },
		func() error { return writeRows(b.writer, &answeredTable, rowsOf(b.answered), appendAnswered) },
		func() error { return writeRows(b.writer, &settingTable, rowsOf(b.settings), appendSetting) },
		func() error { return writeRows(b.writer, &noticeTable, b.notices, appendNotice) },
		func() error { return writeRows(b.writer, &sheetTable, rowsOf(b.sheets), appendSheet) },
	} {
		if err := rows(); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf is a map's rows. Their order does not matter to the database; few
// rows of these kinds change in one batch.
func rowsOf[K comparable, T any](m map[K]T) []T {
	out := make([]T, 0, len(m))
	for _, row := range m {
		out = append(out, row)
	}
	return out
}

// writeRows writes rows in as few statements as the prepared sizes allow.
func writeRows[T any](w *writer, t *table, rows []T, appendRow func([]any, *T) []any) error {
	args := make([]any, 0, min(len(rows), chunkSizes[0])*len(t.columns))
	for _, size := range chunkSizes {
		for len(rows) >= size {
			args = args[:0]
			for n := range rows[:size] {
				args = appendRow(args, &rows[n])
			}
			if err := w.execute(t.upserts[size], args...); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			rows = rows[size:]
		}
	}
	return nil
}

// scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

// queryOne reads one row on the writer's connection.
func queryOne[T any](w *writer, query string, scan func(scanner) (T, error), args ...any) (T, bool, error) {
	var zero T
	s, err := w.statement(query)
	if err != nil {
		return zero, false, err
	}
	return one(s.QueryRowContext(context.Background(), args...), scan)
}

func one[T any](row *sql.Row, scan func(scanner) (T, error)) (T, bool, error) {
	v, err := scan(row)
	if err != nil {
		var zero T
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return zero, false, err
	}
	return v, true, nil
}

// queryAll reads all rows on the writer's connection.
func queryAll[T any](w *writer, query string, scan func(scanner) (T, error), args ...any) ([]T, error) {
	s, err := w.statement(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	return all(rows, scan)
}

func all[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func appendAccount(args []any, a *issuer.Account) []any {
	return append(args, a.ID, int64(a.Currency), a.Balance, a.Held, int64(a.Status), a.Internal, a.Opened.Unix(), int64(a.Disputes))
}

func scanAccount(s scanner) (a issuer.Account, err error) {
	var opened int64
	err = s.Scan(&a.ID, &a.Currency, &a.Balance, &a.Held, &a.Status, &a.Internal, &opened, &a.Disputes)
	a.Opened = instant(opened)
	return a, err
}

func appendInstrument(args []any, n *issuer.Instrument) []any {
	return append(args, n.Index[:], int64(n.Kind), n.Masked, n.PSN, n.Expiry, n.ServiceCode, int64(n.Status), n.Account, n.Card[:],
		n.LastFour, n.Requestor, n.PAR, int64(n.WrongPINs), n.Bound)
}

func scanInstrument(s scanner) (n issuer.Instrument, err error) {
	var index, card []byte
	err = s.Scan(&index, &n.Kind, &n.Masked, &n.PSN, &n.Expiry, &n.ServiceCode, &n.Status, &n.Account, &card, &n.LastFour, &n.Requestor, &n.PAR, &n.WrongPINs, &n.Bound)
	copy(n.Index[:], index)
	copy(n.Card[:], card)
	return n, err
}

// useLength is a use in the blob of recent ones: counter, cryptogram, flag,
// record.
const useLength = 2 + 8 + 1 + 8

// rangeLength is a range of older counters: first and last.
const rangeLength = 2 + 2

func appendUsage(args []any, u *issuer.Usage) []any {
	blob := make([]byte, 0, len(u.Recent)*useLength)
	for n := range u.Recent {
		use := &u.Recent[n]
		blob = binary.BigEndian.AppendUint16(blob, use.ATC)
		blob = append(blob, use.Cryptogram[:]...)
		soft := byte(0)
		if use.Soft {
			soft = 1
		}
		blob = append(blob, soft)
		blob = binary.BigEndian.AppendUint64(blob, uint64(use.Record))
	}
	older := make([]byte, 0, len(u.Older)*rangeLength)
	for _, r := range u.Older {
		older = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(older, r.From), r.To)
	}
	return append(args, u.Instrument[:], blob, older, int64(u.Unverified), u.UnverifiedAmount)
}

func scanUsage(s scanner) (u issuer.Usage, err error) {
	var index, blob, older []byte
	if err = s.Scan(&index, &blob, &older, &u.Unverified, &u.UnverifiedAmount); err != nil {
		return u, err
	}
	if len(blob)%useLength != 0 || len(older)%rangeLength != 0 {
		return u, fmt.Errorf("table usages: %d and %d bytes are not whole uses and ranges", len(blob), len(older))
	}
	copy(u.Instrument[:], index)
	for chunk := range slices.Chunk(blob, useLength) {
		u.Recent = append(u.Recent, issuer.Use{
			ATC: binary.BigEndian.Uint16(chunk), Cryptogram: [8]byte(chunk[2:10]), Soft: chunk[10] == 1,
			Record: int64(binary.BigEndian.Uint64(chunk[11:])),
		})
	}
	for chunk := range slices.Chunk(older, rangeLength) {
		u.Older = append(u.Older, issuer.CounterRange{From: binary.BigEndian.Uint16(chunk), To: binary.BigEndian.Uint16(chunk[2:])})
	}
	return u, nil
}

func appendKey(args []any, k *issuer.IssuedKey) []any {
	return append(args, k.Token[:], k.Index[:], k.Issued.Unix(), k.NotAfter.Unix(), int64(k.Uses), int64(k.Used), k.Withdrawn, k.Amount, k.Spent)
}

func scanKey(s scanner) (k issuer.IssuedKey, err error) {
	var token, index []byte
	var issued, notAfter int64
	if err = s.Scan(&token, &index, &issued, &notAfter, &k.Uses, &k.Used, &k.Withdrawn, &k.Amount, &k.Spent); err != nil {
		return k, err
	}
	copy(k.Token[:], token)
	copy(k.Index[:], index)
	k.Issued, k.NotAfter = instant(issued), instant(notAfter)
	return k, nil
}

func appendRecord(args []any, row **issuer.Record) []any {
	r := *row
	return append(args, r.Seq, r.Key, r.Reference, r.Instrument[:], r.Account, r.Amount, r.Requested, int64(r.Currency), r.Time.Unix(),
		int64(r.State), r.Flagged, string(r.Code), r.Answer, r.Tap[:], appendDetail(make([]byte, 0, detailLength), r), r.Merchant, r.Channel)
}

func scanRecord(s scanner) (r issuer.Record, err error) {
	var index, tap, detail []byte
	var at int64
	err = s.Scan(&r.Seq, &r.Key, &r.Reference, &index, &r.Account, &r.Amount, &r.Requested, &r.Currency, &at, &r.State, &r.Flagged, &r.Code, &r.Answer, &tap, &detail, &r.Merchant, &r.Channel)
	copy(r.Instrument[:], index)
	copy(r.Tap[:], tap)
	r.Time = instant(at)
	if err == nil {
		err = readDetail(&r, detail)
	}
	return r, err
}

func appendEntry(args []any, e *issuer.Entry) []any {
	return append(args, e.Record, e.Account, int64(e.Currency), e.Amount, e.Time.Unix())
}

func scanEntry(s scanner) (e issuer.Entry, err error) {
	var at int64
	err = s.Scan(&e.Record, &e.Account, &e.Currency, &e.Amount, &at)
	e.Time = instant(at)
	return e, err
}
