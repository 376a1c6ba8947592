package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/issuer"
	"tapsim/issuer/store"
	"tapsim/provisioning"
)

// puts write a row of each kind, with every field set; by the name of the field
// of issuer.Changes. Each but entries can be done in an update of its own.
var puts = map[string]func(tx *issuer.Tx) error{
	"Accounts":    func(tx *issuer.Tx) error { tx.PutAccount(anAccount); return nil },
	"Instruments": func(tx *issuer.Tx) error { tx.PutInstrument(anInstrument); return nil },
	"Usages":      func(tx *issuer.Tx) error { tx.PutUsage(aUsage); return nil },
	"Keys":        func(tx *issuer.Tx) error { tx.PutKey(aKey); return nil },
	"Records":     func(tx *issuer.Tx) error { tx.PutRecord(aRecord); return nil },
	"Entries": func(tx *issuer.Tx) error {
		tx.PutAccount(issuer.Account{ID: "C", Currency: 978, Status: issuer.StatusActive})
		tx.PutAccount(issuer.Account{ID: "D", Currency: 978, Status: issuer.StatusActive})
		return tx.Move(&aRecord, "C", "D", 7)
	},
	"Bindings": func(tx *issuer.Tx) error { tx.PutBinding(aBinding); return nil },
	"TokenEvents": func(tx *issuer.Tx) error {
		b := issuer.Binding{Token: aBinding.Token}
		tx.AddTokenEvent(&b, provisioning.Event{
			Time: start, Party: "bank", Verb: provisioning.VerbPay, From: "active", To: "suspended", Text: "a text", Payment: &provisioning.PaymentNotice{ATC: 7, Amount: 5},
		})
		return nil
	},
	"Controls": func(tx *issuer.Tx) error { tx.PutControls(someControls); return nil },
	"Disputes": func(tx *issuer.Tx) error { tx.PutDispute(aDispute); return nil },
	"Answered": func(tx *issuer.Tx) error { tx.PutAnswered(anAnswer); return nil },
	"Settings": func(tx *issuer.Tx) error { tx.PutSetting("mode", []byte("on")); return nil },
	"Notices":  func(tx *issuer.Tx) error { tx.Notify(aNotice); return nil },
	"Sheets":   func(tx *issuer.Tx) error { tx.PutSheet(issuer.Sheet{Record: 1, Steps: []byte("[]")}); return nil },
}

// names are rows that a look at a store asks for by name.
type names struct {
	accounts, keys, references, answered, settings []string
	instruments                                    []issuer.PANIndex
	indexes                                        [][4]byte
	records                                        []int64
}

// theNames are those of the rows above, and of rows that are not there.
var theNames = names{
	accounts: []string{"A", "C", "Z"}, keys: []string{aRecord.Key, "", "z"}, references: []string{"R1", "", "z"}, answered: []string{"k1", "z"}, settings: []string{"mode", "z"},
	instruments: []issuer.PANIndex{anInstrument.Index, {7}}, indexes: [][4]byte{aKey.Index, {7}}, records: []int64{1, 9, 1 + issuer.MaxSheets},
}

// finds ask for rows one by one; by the name of the method of issuer.Reader.
var finds = map[string]func(w *whole, r issuer.Reader, n *names){
	"Sequence":           func(w *whole, r issuer.Reader, _ *names) { seq, err := r.Sequence(); w.note("", seq, true, err) },
	"Account":            func(w *whole, r issuer.Reader, n *names) { each(w, n.accounts, r.Account) },
	"Instrument":         func(w *whole, r issuer.Reader, n *names) { each(w, n.instruments, r.Instrument) },
	"Usage":              func(w *whole, r issuer.Reader, n *names) { each(w, n.instruments, r.Usage) },
	"Record":             func(w *whole, r issuer.Reader, n *names) { each(w, n.keys, r.Record) },
	"RecordBySequence":   func(w *whole, r issuer.Reader, n *names) { each(w, n.records, r.RecordBySequence) },
	"RecordsByReference": func(w *whole, r issuer.Reader, n *names) { all(w, n.references, r.RecordsByReference) },
	"OpenDisputes":       func(w *whole, r issuer.Reader, n *names) { all(w, n.records, r.OpenDisputes) },
	"Binding":            func(w *whole, r issuer.Reader, n *names) { each(w, n.instruments, r.Binding) },
	"Controls":           func(w *whole, r issuer.Reader, n *names) { each(w, n.accounts, r.Controls) },
	"Dispute":            func(w *whole, r issuer.Reader, n *names) { each(w, n.records, r.Dispute) },
	"Answered":           func(w *whole, r issuer.Reader, n *names) { each(w, n.answered, r.Answered) },
	"Setting":            func(w *whole, r issuer.Reader, n *names) { each(w, n.settings, r.Setting) },
	"Key": func(w *whole, r issuer.Reader, n *names) {
		for _, token := range n.instruments {
			each(w, n.indexes, func(index [4]byte) (issuer.IssuedKey, bool, error) { return r.Key(token, index) })
		}
	},
}

// lists ask for many rows; by the name of the method of issuer.Lister.
var lists = map[string]func(w *whole, l issuer.Lister, n *names){
	"Accounts": func(w *whole, l issuer.Lister, _ *names) {
		all(w, nil, func(struct{}) ([]issuer.Account, error) { return l.Accounts(ctx) })
	},
	"Instruments": func(w *whole, l issuer.Lister, _ *names) {
		all(w, nil, func(struct{}) ([]issuer.Instrument, error) { return l.Instruments(ctx) })
	},
	"Bindings": func(w *whole, l issuer.Lister, _ *names) {
		all(w, nil, func(struct{}) ([]issuer.Binding, error) { return l.Bindings(ctx) })
	},
	"Keys":     func(w *whole, l issuer.Lister, n *names) { all(w, n.instruments, of(l.Keys)) },
	"Records":  func(w *whole, l issuer.Lister, n *names) { all(w, andAll(n.accounts), of(l.Records)) },
	"Entries":  func(w *whole, l issuer.Lister, n *names) { all(w, andAll(n.accounts), of(l.Entries)) },
	"Disputes": func(w *whole, l issuer.Lister, n *names) { all(w, andAll(n.accounts), of(l.Disputes)) },
	"Notices":  func(w *whole, l issuer.Lister, n *names) { all(w, andAll(n.accounts), of(l.Notices)) },
	"FindRecords": func(w *whole, l issuer.Lister, n *names) {
		all(w, n.records, func(record int64) ([]issuer.Record, error) {
			return l.FindRecords(ctx, issuer.PaymentQuery{ID: record})
		})
	},
	"RecordsAbout": func(w *whole, l issuer.Lister, n *names) { all(w, n.records, of(l.RecordsAbout)) },
	"EntriesOf":    func(w *whole, l issuer.Lister, n *names) { all(w, n.records, of(l.EntriesOf)) },
	"OpenHolds": func(w *whole, l issuer.Lister, _ *names) {
		all(w, nil, func(struct{}) ([]issuer.Record, error) { return l.OpenHolds(ctx, 1<<20) })
	},
	"Sheet": func(w *whole, l issuer.Lister, n *names) {
		each(w, n.records, func(record int64) (issuer.Sheet, bool, error) { return l.Sheet(ctx, record) })
	},
	"TokenEvents": func(w *whole, l issuer.Lister, n *names) {
		all(w, n.instruments, func(token issuer.PANIndex) ([]issuer.TokenEvent, error) { return l.TokenEvents(ctx, token, 0, 1<<20) })
	},
}

// whole is all that a store says, as text.
type whole struct {
	t    testing.TB
	text strings.Builder
}

func (w *whole) note(name, row any, ok bool, err error) {
	require.NoError(w.t, err)
	if ok {
		text, err := json.Marshal(row)
		require.NoError(w.t, err)
		fmt.Fprintf(&w.text, "  %v: %s\n", name, text)
	}
}

func each[K, T any](w *whole, names []K, find func(K) (T, bool, error)) {
	for _, name := range names {
		row, ok, err := find(name)
		if !ok {
			require.Zero(w.t, row)
		}
		w.note(fmt.Sprint(name), row, ok, err)
	}
}

func all[K, T any](w *whole, names []K, list func(K) ([]T, error)) {
	if names == nil {
		names = make([]K, 1)
	}
	for _, name := range names {
		rows, err := list(name)
		require.NoError(w.t, err)
		for _, row := range rows {
			w.note(fmt.Sprint(name), row, true, nil)
		}
	}
}

func andAll(accounts []string) []string { return append([]string{""}, accounts...) }

func of[K, T any](list func(context.Context, K) ([]T, error)) func(K) ([]T, error) {
	return func(name K) ([]T, error) { return list(ctx, name) }
}

// wholeOf is all that a store says, by its own methods or by another reader's.
func wholeOf(t testing.TB, s issuer.Store, r issuer.Reader, n *names) string {
	w := &whole{t: t}
	for _, name := range slices.Sorted(keysOf(finds)) {
		w.text.WriteString(name + "\n")
		finds[name](w, r, n)
	}
	for _, name := range slices.Sorted(keysOf(lists)) {
		w.text.WriteString(name + "\n")
		lists[name](w, s, n)
	}
	return w.text.String()
}

func keysOf[T any](m map[string]T) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// dump is all that a store holds, each row once: lists, and what has none.
func dump(t testing.TB, s issuer.Store) string {
	n := names{settings: []string{"maintenance"}}
	accounts, err := s.Accounts(ctx)
	require.NoError(t, err)
	for _, a := range accounts {
		n.accounts = append(n.accounts, a.ID)
	}
	instruments, err := s.Instruments(ctx)
	require.NoError(t, err)
	for _, i := range instruments {
		n.instruments = append(n.instruments, i.Index)
	}
	w := &whole{t: t}
	for _, name := range []string{"Sequence", "Usage", "Controls", "Setting"} {
		finds[name](w, s, &n)
	}
	n.accounts = nil
	for _, name := range slices.Sorted(keysOf(lists)) {
		lists[name](w, s, &n)
	}
	return w.text.String()
}

// TestTheSuiteIsWhole holds the suite against the interface: what a store has to
// keep and to tell is in the tables above.
func TestTheSuiteIsWhole(t *testing.T) {
	for _, c := range []struct {
		of    reflect.Type
		names []string
	}{
		{reflect.TypeFor[issuer.Reader](), slices.Sorted(keysOf(finds))},
		{reflect.TypeFor[issuer.Lister](), slices.Sorted(keysOf(lists))},
		{reflect.TypeFor[issuer.Changes](), slices.Sorted(keysOf(puts))},
	} {
		var want []string
		if c.of.Kind() == reflect.Interface {
			for n := range c.of.NumMethod() {
				want = append(want, c.of.Method(n).Name)
			}
		} else {
			for n := range c.of.NumField() {
				want = append(want, c.of.Field(n).Name)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, c.names, c.of)
	}
	for _, row := range []any{anAccount, anInstrument, aUsage, aKey, aRecord, someControls, aDispute, anAnswer, aNotice, aBinding} {
		v := reflect.ValueOf(row)
		for n := range v.NumField() {
			if name := v.Type().Field(n).Name; v.Field(n).IsZero() && v.Type() != reflect.TypeFor[issuer.Account]() || v.Field(n).IsZero() && name != "Balance" {
				t.Errorf("the test's %s leaves %s at zero", v.Type(), name)
			}
		}
	}
}

// TestEachKindOfRow writes one row of each kind after the other: both stores say
// the same of it, inside the update, after it, in the next one, and when the
// database is opened anew; and an update that fails leaves no trace of it.
func TestEachKindOfRow(t *testing.T) {
	failed := errors.New("failed")
	dir := t.TempDir()
	sqlite, err := store.Create(dir, panKey)
	require.NoError(t, err)
	var told [2][]string
	for n, s := range []issuer.Store{issuer.NewMemory(), sqlite} {
		for _, kind := range slices.Sorted(keysOf(puts)) {
			before := wholeOf(t, s, s, &theNames)
			require.ErrorIs(t, s.Update(ctx, nil, func(tx *issuer.Tx) error { return errors.Join(puts[kind](tx), failed) }), failed)
			require.Equal(t, before, wholeOf(t, s, s, &theNames), "%s: an update that failed", kind)
			update(t, s, func(tx *issuer.Tx) {
				require.NoError(t, puts[kind](tx))
				told[n] = append(told[n], kind+" inside", foundIn(t, tx))
			})
			after := wholeOf(t, s, s, &theNames)
			require.NotEqual(t, before, after, kind)
			update(t, s, func(tx *issuer.Tx) { told[n] = append(told[n], kind+" in the next update", foundIn(t, tx)) })
			told[n] = append(told[n], kind+" afterwards", after)
		}
	}
	require.Equal(t, told[0], told[1])
	require.NoError(t, sqlite.Close())
	s := open(t, dir)
	require.Equal(t, told[0][len(told[0])-1], wholeOf(t, s, s, &theNames), "from the disk")
}

// foundIn is what an update finds.
func foundIn(t testing.TB, tx *issuer.Tx) string {
	w := &whole{t: t}
	for _, name := range slices.Sorted(keysOf(finds)) {
		if name != "Sequence" {
			finds[name](w, readable{tx, nil}, &theNames)
		}
	}
	return w.text.String()
}

// readable is an update as a reader.
type readable struct {
	*issuer.Tx
	store issuer.Reader
}

func (r readable) Sequence() (int64, error) { return r.store.Sequence() }

var aBinding = issuer.Binding{
	Token: anInstrument.Index, Sealed: []byte{1, 2}, Device: []byte{3, 4}, DeviceName: "Anna's phone", FormFactor: "phone", Assurance: "20", Made: start,
	HeldBy: issuer.PartyUser | issuer.PartyBank, Number: 7, Events: 3, Keyed: true, Start: 9, Successor: "00112233445566778899aabbccddeeff",
	Domain: issuer.Domain{Channels: []string{"qr"}, Categories: []string{"5411"}, Countries: []string{"276"}, MaxAmount: 5},
	Code:   issuer.Challenge{Hash: []byte{5}, Until: start, Sent: start, Tries: 2, Resends: 1},
}
