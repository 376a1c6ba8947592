package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/issuer"
	"tapsim/issuer/store"
	"tapsim/provisioning"
)

var (
	ctx   = context.Background()
	start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
)

func random() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{7}) }

// panKey is the key of the account number index.
var panKey = bytes.Repeat([]byte{0x3C}, store.KeySize)

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Create(dir, panKey)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// stores are all implementations of issuer.Store.
func stores(t *testing.T, test func(t *testing.T, s issuer.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, issuer.NewMemory()) })
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, t.TempDir())) })
}

func update(t testing.TB, s issuer.Store, f func(tx *issuer.Tx)) {
	t.Helper()
	require.NoError(t, s.Update(ctx, nil, func(tx *issuer.Tx) error { f(tx); return nil }))
}

// found unpacks what a reader gives.
func found[T any](t testing.TB) func(row T, ok bool, err error) T {
	return func(row T, ok bool, err error) T {
		t.Helper()
		require.NoError(t, err)
		require.True(t, ok)
		return row
	}
}

func absent[T any](t testing.TB) func(row T, ok bool, err error) {
	return func(row T, ok bool, err error) {
		t.Helper()
		require.NoError(t, err)
		require.False(t, ok)
		require.Zero(t, row)
	}
}

var (
	anAccount    = issuer.Account{ID: "A", Currency: 978, Balance: 0, Held: 17, Status: issuer.StatusSuspended, Internal: true, Opened: start, Disputes: 2}
	anInstrument = issuer.Instrument{
		Index: issuer.PANIndex{1, 2, 3}, Kind: issuer.Token, Masked: "476173******0010", PSN: "01", Expiry: "4912", ServiceCode: "201",
		Status: issuer.StatusLost, Account: "A", Card: issuer.PANIndex{9}, LastFour: "0119", Requestor: "40010030001", PAR: "TSIM1", Bound: true, WrongPINs: 2,
	}
	aUsage = issuer.Usage{Instrument: issuer.PANIndex{1, 2, 3}, Recent: []issuer.Use{
		{ATC: 65535, Cryptogram: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Soft: true, Record: 1 << 40}, {ATC: 1},
	}, Older: []issuer.CounterRange{{From: 1, To: 300}, {From: 302, To: 302}}, Unverified: 3, UnverifiedAmount: 120_00}
	aKey = issuer.IssuedKey{
		Token: issuer.PANIndex{1, 2, 3}, Index: [4]byte{0x09, 0x87, 0x84, 0x99}, Issued: start, NotAfter: start.Add(time.Hour),
		Uses: 10, Used: 3, Withdrawn: true, Amount: 500, Spent: 499,
	}
	aRecord = issuer.Record{
		Seq: 1, Key: "20300101/1", Reference: "R1", Instrument: issuer.PANIndex{1, 2, 3}, Account: "A", Amount: 5, Requested: 6, Currency: 978,
		Time: start, State: issuer.RecordHeld, Flagged: true, Code: "51", Answer: []byte{0, 1, 2},
		Tap: issuer.Tap{1, 13: 9}, Event: issuer.EventPurchase, Related: 7, Billing: 840, Billed: 4, Fee: 3, Refunded: 2, Returned: 1, Merchant: "SHOP", Category: 5999, Country: 276,
		Channel: issuer.ChannelQR,
	}
	someControls = issuer.Controls{
		Account: "A", Limits: []issuer.Limit{{Per: issuer.PerMonth, Category: "travel", Country: 840, Amount: 5}}, Budgets: []issuer.Budget{{Category: "5999", Amount: 6}},
		Contactless: &issuer.Contactless{Count: 5, Amount: 150_00}, Day: 21915, Month: 24360,
		Sums:     []issuer.Sum{{Category: 5999, Country: 276, Day: 1, Month: 1 << 40}, {Month: -1}},
		Attempts: []issuer.Attempt{{Time: start.Unix(), Amount: 1 << 41, Country: 840, Approved: true}, {Time: -1}},
	}
	aDispute = issuer.Dispute{
		ID: 9, Account: "A", Payment: 1, Amount: 5, Billed: 4, State: issuer.DisputeCredited, Reason: "not me", Opened: start, Changed: start.Add(time.Hour),
	}
	anAnswer = issuer.Answered{Key: "k1", Request: issuer.PANIndex{5}, Answer: []byte("{}"), Time: start}
	aNotice  = issuer.Notice{Account: "A", Kind: issuer.NoticeAlert, Rule: "night", Text: "a payment at night", Record: 1, Time: start}
)

// TestRowsComeBack writes a row of each kind with every field set, reads it
// back, changes it, and reads again.
func TestRowsComeBack(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		absent[issuer.Account](t)(s.Account("A"))
		absent[issuer.Instrument](t)(s.Instrument(anInstrument.Index))
		absent[issuer.Usage](t)(s.Usage(anInstrument.Index))
		absent[issuer.IssuedKey](t)(s.Key(aKey.Token, aKey.Index))
		absent[issuer.Record](t)(s.Record("20300101/1"))
		absent[issuer.Record](t)(s.RecordBySequence(1))
		require.Empty(t, byReference(t, s, "R1"))
		require.Empty(t, byReference(t, s, ""))
		for round := range 2 {
			account, instrument, usage, key, record := anAccount, anInstrument, aUsage, aKey, aRecord
			if round == 1 {
				account.Held, instrument.Status, usage.Recent, key.Used, record.State, record.Answer = 0, issuer.StatusActive, usage.Recent[1:], 4, issuer.RecordOrphan, nil
			}
			update(t, s, func(tx *issuer.Tx) {
				tx.PutAccount(account)
				tx.PutInstrument(instrument)
				tx.PutUsage(usage)
				tx.PutKey(key)
				tx.PutRecord(record)
				require.Equal(t, account, found[issuer.Account](t)(tx.Account("A")))
				require.Equal(t, record, found[issuer.Record](t)(tx.Record(record.Key)))
			})
			for _, r := range []issuer.Reader{s, reader(t, s)} {
				require.Equal(t, account, found[issuer.Account](t)(r.Account("A")))
				require.Equal(t, instrument, found[issuer.Instrument](t)(r.Instrument(instrument.Index)))
				require.Equal(t, usage, found[issuer.Usage](t)(r.Usage(usage.Instrument)))
				require.Equal(t, key, found[issuer.IssuedKey](t)(r.Key(key.Token, key.Index)))
				require.Equal(t, record, found[issuer.Record](t)(r.Record(record.Key)))
				require.Equal(t, record, found[issuer.Record](t)(r.RecordBySequence(1)))
				require.Equal(t, []issuer.Record{record}, byReference(t, r, "R1"))
				require.Empty(t, byReference(t, r, ""))
			}
			accounts, err := s.Accounts(ctx)
			require.NoError(t, err)
			require.Equal(t, []issuer.Account{account}, accounts)
			instruments, err := s.Instruments(ctx)
			require.NoError(t, err)
			require.Equal(t, []issuer.Instrument{instrument}, instruments)
			keys, err := s.Keys(ctx, key.Token)
			require.NoError(t, err)
			require.Equal(t, []issuer.IssuedKey{key}, keys)
			records, err := s.Records(ctx, "A")
			require.NoError(t, err)
			require.Equal(t, []issuer.Record{record}, records)
			records, err = s.Records(ctx, "B")
			require.NoError(t, err)
			require.Empty(t, records)
		}
	})
}

// TestBankRowsComeBack does the same for the rows of the bank's everyday
// business.
func TestBankRowsComeBack(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		absent[issuer.Controls](t)(s.Controls("A"))
		absent[issuer.Dispute](t)(s.Dispute(9))
		absent[issuer.Answered](t)(s.Answered("k1"))
		absent[[]byte](t)(s.Setting("mode"))
		for round := range 2 {
			controls, dispute, answer, value := someControls, aDispute, anAnswer, []byte("on")
			if round == 1 {
				controls = issuer.Controls{Account: "A", Day: 1, Month: 2}
				dispute.State, answer.Answer, value = issuer.DisputeRejected, []byte("[]"), []byte("off")
			}
			update(t, s, func(tx *issuer.Tx) {
				tx.PutControls(controls)
				tx.PutDispute(dispute)
				tx.PutAnswered(answer)
				tx.PutSetting("mode", value)
				tx.Notify(aNotice)
				tx.PutSheet(issuer.Sheet{Record: 7, Steps: []byte("[]")})
				tx.PutSheet(issuer.Sheet{Record: 7 + issuer.MaxSheets, Steps: []byte("[1]")})
				require.Equal(t, controls, found[issuer.Controls](t)(tx.Controls("A")))
				require.Equal(t, dispute, found[issuer.Dispute](t)(tx.Dispute(9)))
				require.Equal(t, answer, found[issuer.Answered](t)(tx.Answered("k1")))
				require.Equal(t, value, found[[]byte](t)(tx.Setting("mode")))
			})
			for _, r := range []issuer.Reader{s, reader(t, s)} {
				require.Equal(t, controls, found[issuer.Controls](t)(r.Controls("A")))
				require.Equal(t, dispute, found[issuer.Dispute](t)(r.Dispute(9)))
				require.Equal(t, answer, found[issuer.Answered](t)(r.Answered("k1")))
				require.Equal(t, value, found[[]byte](t)(r.Setting("mode")))
			}
			for _, account := range []string{"A", ""} {
				disputes, err := s.Disputes(ctx, account)
				require.NoError(t, err)
				require.Equal(t, []issuer.Dispute{dispute}, disputes)
				notices, err := s.Notices(ctx, account)
				require.NoError(t, err)
				require.Len(t, notices, round+1)
				require.Equal(t, aNotice, notices[round])
			}
			_, ok, err := s.Sheet(ctx, 7)
			require.NoError(t, err)
			require.False(t, ok, "a later sheet took its place")
			sheet, ok, err := s.Sheet(ctx, 7+issuer.MaxSheets)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, issuer.Sheet{Record: 7 + issuer.MaxSheets, Steps: []byte("[1]")}, sheet)
			notices, err := s.Notices(ctx, "B")
			require.NoError(t, err)
			require.Empty(t, notices)
		}
	})
}

// TestOpenHolds: the oldest by time first, however they came, and none that ended.
func TestOpenHolds(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		hold := func(seq int64, after time.Duration, state issuer.RecordState) issuer.Record {
			r := aRecord
			r.Seq, r.Key, r.Time, r.State = seq, fmt.Sprint("hold/", seq), aRecord.Time.Add(after), state
			return r
		}
		first, second, third := hold(1, time.Hour, issuer.RecordHeld), hold(2, 0, issuer.RecordHeld), hold(3, time.Hour, issuer.RecordHeld)
		update(t, s, func(tx *issuer.Tx) {
			for _, r := range []issuer.Record{first, second, third, hold(4, 0, issuer.RecordPosted), hold(5, 0, issuer.RecordReversed)} {
				tx.PutRecord(r)
			}
		})
		for limit, want := range map[int][]issuer.Record{1: {second}, 2: {second, first}, 9: {second, first, third}} {
			holds, err := s.OpenHolds(ctx, limit)
			require.NoError(t, err)
			require.Equal(t, want, holds)
		}
		second.State = issuer.RecordCaptured
		update(t, s, func(tx *issuer.Tx) { tx.PutRecord(second) })
		holds, err := s.OpenHolds(ctx, 9)
		require.NoError(t, err)
		require.Equal(t, []issuer.Record{first, third}, holds)
	})
}

// reader is the reader that updates of the store run on.
func reader(t testing.TB, s issuer.Store) issuer.Reader {
	return inside{t, s}
}

// inside reads through an update.
type inside struct {
	t testing.TB
	s issuer.Store
}

func through[T any](i inside, read func(*issuer.Tx) (T, bool, error)) (row T, ok bool, err error) {
	require.NoError(i.t, i.s.Update(ctx, nil, func(tx *issuer.Tx) error { row, ok, err = read(tx); return err }))
	return row, ok, err
}

func (i inside) Sequence() (int64, error) { return i.s.Sequence() }

func (i inside) Account(id string) (issuer.Account, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Account, bool, error) { return tx.Account(id) })
}

func (i inside) Instrument(x issuer.PANIndex) (issuer.Instrument, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Instrument, bool, error) { return tx.Instrument(x) })
}

func (i inside) Usage(x issuer.PANIndex) (issuer.Usage, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Usage, bool, error) { return tx.Usage(x) })
}

func (i inside) Key(x issuer.PANIndex, k [4]byte) (issuer.IssuedKey, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.IssuedKey, bool, error) { return tx.Key(x, k) })
}

func (i inside) Record(key string) (issuer.Record, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Record, bool, error) { return tx.Record(key) })
}

func (i inside) RecordBySequence(seq int64) (issuer.Record, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Record, bool, error) { return tx.RecordBySequence(seq) })
}

func (i inside) Controls(a string) (issuer.Controls, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Controls, bool, error) { return tx.Controls(a) })
}

func (i inside) Dispute(id int64) (issuer.Dispute, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Dispute, bool, error) { return tx.Dispute(id) })
}

func (i inside) Answered(k string) (issuer.Answered, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Answered, bool, error) { return tx.Answered(k) })
}

func (i inside) Setting(n string) ([]byte, bool, error) {
	return through(i, func(tx *issuer.Tx) ([]byte, bool, error) { return tx.Setting(n) })
}

func (i inside) RecordsByReference(reference string) (all []issuer.Record, err error) {
	require.NoError(i.t, i.s.Update(ctx, nil, func(tx *issuer.Tx) error { all, err = tx.RecordsByReference(reference); return err }))
	return all, err
}

func (i inside) OpenDisputes(payment int64) (all []issuer.Dispute, err error) {
	require.NoError(i.t, i.s.Update(ctx, nil, func(tx *issuer.Tx) error { all, err = tx.OpenDisputes(payment); return err }))
	return all, err
}

type referenceReader interface {
	RecordsByReference(reference string) ([]issuer.Record, error)
}

// byReference are the records with a reference.
func byReference(t testing.TB, r referenceReader, reference string) []issuer.Record {
	all, err := r.RecordsByReference(reference)
	require.NoError(t, err)
	return all
}

func (i inside) Binding(x issuer.PANIndex) (issuer.Binding, bool, error) {
	return through(i, func(tx *issuer.Tx) (issuer.Binding, bool, error) { return tx.Binding(x) })
}

// TestTokenRowsComeBack writes a binding with every field set, and events, and
// reads them back, in parts.
func TestTokenRowsComeBack(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		token := issuer.PANIndex{1, 2, 3}
		absent[issuer.Binding](t)(s.Binding(token))
		b := issuer.Binding{
			Token: token, Sealed: []byte{1, 2}, Device: []byte{3, 4}, DeviceName: "Anna's phone", FormFactor: "phone", Assurance: "20", Made: start,
			HeldBy: issuer.PartyUser | issuer.PartyBank, Number: 7, Keyed: true, Start: 9,
			Domain: issuer.Domain{Channels: []string{"qr"}, Categories: []string{"5411"}, Countries: []string{"276"}, MaxAmount: 5},
			Code:   issuer.Challenge{Hash: []byte{5}, Until: start, Sent: start, Tries: 2, Resends: 1},
		}
		for n := range 5 {
			update(t, s, func(tx *issuer.Tx) {
				tx.AddTokenEvent(&b, provisioning.Event{Time: start, Party: "user", Verb: provisioning.VerbPay, Payment: &provisioning.PaymentNotice{ATC: uint16(n)}})
				tx.AddTokenEvent(&b, provisioning.Event{Time: start, Party: "bank", Verb: provisioning.VerbSuspend, From: "active", To: "suspended"})
			})
		}
		require.Equal(t, int64(10), b.Events)
		for _, r := range []issuer.Reader{s, reader(t, s)} {
			require.Equal(t, b, found[issuer.Binding](t)(r.Binding(token)))
		}
		all, err := s.Bindings(ctx)
		require.NoError(t, err)
		require.Equal(t, []issuer.Binding{b}, all)
		for _, c := range []struct {
			after  int64
			limit  int
			wanted []int64
		}{{0, 3, []int64{1, 2, 3}}, {8, 3, []int64{9, 10}}, {10, 3, nil}, {-1, 1, []int64{1}}, {99, 3, nil}} {
			events, err := s.TokenEvents(ctx, token, c.after, c.limit)
			require.NoError(t, err)
			var numbers []int64
			for _, e := range events {
				require.Equal(t, token, e.Token)
				require.Equal(t, start, e.Time)
				numbers = append(numbers, e.Number)
			}
			require.Equal(t, c.wanted, numbers)
		}
		pan := emv.PAN("4761739002000010")
		sealed, err := s.SealPAN(pan)
		require.NoError(t, err)
		require.NotContains(t, string(sealed), string(pan))
		opened, err := s.OpenPAN(sealed)
		require.NoError(t, err)
		require.Equal(t, pan, opened)
		_, err = s.OpenPAN(append([]byte{0}, sealed[1:]...))
		require.Error(t, err)
	})
}

// twoAccounts makes accounts A and B in one currency, and one in another.
func twoAccounts(t testing.TB, s issuer.Store) {
	update(t, s, func(tx *issuer.Tx) {
		tx.PutAccount(issuer.Account{ID: "A", Currency: 978, Status: issuer.StatusActive})
		tx.PutAccount(issuer.Account{ID: "B", Currency: 978, Status: issuer.StatusActive})
		tx.PutAccount(issuer.Account{ID: "Y", Currency: 392, Status: issuer.StatusActive})
	})
}

func TestFailedUpdateLeavesNothing(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		twoAccounts(t, s)
		boom := errors.New("boom")
		record := &issuer.Record{Seq: 1, Currency: 978, Time: start}
		for name, c := range map[string]struct {
			f    func(tx *issuer.Tx) error
			want string
		}{
			"its own error":    {func(tx *issuer.Tx) error { return errors.Join(tx.Move(record, "A", "B", 5), boom) }, "boom"},
			"unknown account":  {func(tx *issuer.Tx) error { return tx.Move(record, "A", "Z", 5) }, "no account Z"},
			"another currency": {func(tx *issuer.Tx) error { return tx.Move(record, "A", "Y", 5) }, "is in currency 392"},
			"negative":         {func(tx *issuer.Tx) error { return tx.Move(record, "A", "B", -5) }, "a movement of -5"},
			"overflow": {func(tx *issuer.Tx) error {
				return errors.Join(tx.Move(record, "A", "B", 1<<62), tx.Move(record, "A", "B", 1<<62))
			}, "would overflow"},
		} {
			err := s.Update(ctx, nil, func(tx *issuer.Tx) error {
				tx.PutRecord(issuer.Record{Seq: 1, Key: "k", Time: start, State: issuer.RecordNoted})
				return c.f(tx)
			})
			require.ErrorContains(t, err, c.want, name)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, s.Update(ended, nil, func(*issuer.Tx) error { t.Error("must not run"); return nil }), context.Canceled)
		absent[issuer.Record](t)(s.Record("k"))
		entries, err := s.Entries(ctx, "")
		require.NoError(t, err)
		require.Empty(t, entries)
		require.NoError(t, issuer.Audit(ctx, s))
	})
}

func TestSequenceGoesOn(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		for want := int64(1); want <= 3; want++ {
			update(t, s, func(tx *issuer.Tx) {
				seq, err := tx.NextSequence()
				require.NoError(t, err)
				require.Equal(t, want, seq)
				tx.PutRecord(issuer.Record{Seq: seq, Key: fmt.Sprint("k", seq), Reference: "same", Time: start, State: issuer.RecordNoted})
				require.Equal(t, seq, byReference(t, tx, "same")[0].Seq)
			})
			require.Equal(t, want, byReference(t, s, "same")[0].Seq, "the latest")
			seq, err := s.Sequence()
			require.NoError(t, err)
			require.Equal(t, want, seq)
		}
	})
}

// TestReferences finds what moved money under a reference first, however much did not
// come later.
func TestReferences(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		states := map[int64]issuer.RecordState{2: issuer.RecordHeld, 5: issuer.RecordOrphan}
		put := func(seq int64, state issuer.RecordState) issuer.Record {
			r := issuer.Record{Seq: seq, Key: fmt.Sprint("k", seq), Reference: "same", Time: start, State: cmp.Or(state, issuer.RecordNoted), Code: "51"}
			update(t, s, func(tx *issuer.Tx) { tx.PutRecord(r) })
			return r
		}
		const last = issuer.MaxByReference + 9
		for seq := range int64(last) {
			put(seq+1, states[seq+1])
		}
		check := func(first ...int64) {
			for _, r := range []issuer.Reader{s, reader(t, s)} {
				all := byReference(t, r, "same")
				require.Len(t, all, issuer.MaxByReference)
				for n := range all {
					want := int64(last - n + len(first))
					if n < len(first) {
						want = first[n]
					}
					require.Equal(t, want, all[n].Seq, "place %d", n)
				}
			}
		}
		check(2)
		put(2, issuer.RecordReversed)
		put(4, issuer.RecordPosted)
		check(4, 2)
		update(t, s, func(tx *issuer.Tx) {
			tx.PutRecord(issuer.Record{Seq: last + 1, Key: "new", Reference: "same", Time: start, State: issuer.RecordCredited})
			require.Equal(t, int64(last+1), byReference(t, tx, "same")[0].Seq, "inside the update")
			require.Equal(t, int64(4), byReference(t, tx, "same")[1].Seq)
		})
	})
}

// TestOpenDisputes finds the disputes about one payment that are open.
func TestOpenDisputes(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		d := func(id, payment int64, state issuer.DisputeState) issuer.Dispute {
			return issuer.Dispute{ID: id, Account: "A", Payment: payment, Amount: id, State: state, Opened: start, Changed: start}
		}
		update(t, s, func(tx *issuer.Tx) {
			for _, row := range []issuer.Dispute{d(9, 1, issuer.DisputeCredited), d(7, 1, issuer.DisputeCredited), d(5, 1, issuer.DisputeRejected), d(8, 2, issuer.DisputeCredited)} {
				tx.PutDispute(row)
			}
		})
		open := func(r interface {
			OpenDisputes(payment int64) ([]issuer.Dispute, error)
		}) []issuer.Dispute {
			all, err := r.OpenDisputes(1)
			require.NoError(t, err)
			return all
		}
		for _, r := range []issuer.Reader{s, reader(t, s)} {
			require.Equal(t, []issuer.Dispute{d(7, 1, issuer.DisputeCredited), d(9, 1, issuer.DisputeCredited)}, open(r))
		}
		update(t, s, func(tx *issuer.Tx) {
			tx.PutDispute(d(7, 1, issuer.DisputeSettled))
			require.Equal(t, []issuer.Dispute{d(9, 1, issuer.DisputeCredited)}, open(tx))
		})
		require.Equal(t, []issuer.Dispute{d(9, 1, issuer.DisputeCredited)}, open(s))
	})
}

// TestConcurrentUpdates moves money from many goroutines, some of which fail.
// Each number is given out once, and no movement is lost or half done.
func TestConcurrentUpdates(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		twoAccounts(t, s)
		const workers, each = 16, 40
		refused := errors.New("refused")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var numbers []int64
		for w := range workers {
			wg.Go(func() {
				for n := range each {
					key := fmt.Sprintf("%d/%d", w, n)
					var seq int64
					err := s.Update(ctx, []string{key}, func(tx *issuer.Tx) (err error) {
						if _, there, err := tx.Record(key); err != nil || there {
							return fmt.Errorf("record %s: %t %w", key, there, err)
						}
						if seq, err = tx.NextSequence(); err != nil {
							return err
						}
						r := issuer.Record{Seq: seq, Key: key, Account: "A", Currency: 978, Time: start, State: issuer.RecordPosted}
						tx.PutRecord(r)
						if err := tx.Move(&r, "A", "B", 1); err != nil || n%4 == 3 {
							return errors.Join(err, refused)
						}
						return nil
					})
					if n%4 == 3 {
						if !errors.Is(err, refused) {
							t.Errorf("%s: %v", key, err)
						}
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", key, err)
					}
					mu.Lock()
					numbers = append(numbers, seq)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		const done = workers * each * 3 / 4
		require.Equal(t, int64(-done), found[issuer.Account](t)(s.Account("A")).Balance)
		require.Equal(t, int64(done), found[issuer.Account](t)(s.Account("B")).Balance)
		slices.Sort(numbers)
		require.Len(t, slices.Compact(numbers), done)
		require.NoError(t, issuer.Audit(ctx, s))
		entries, err := s.Entries(ctx, "A")
		require.NoError(t, err)
		require.Len(t, entries, done)
	})
}

func TestPANIndex(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		a, b := s.IndexPAN("4761739001010119"), s.IndexPAN("4761739001010127")
		require.NotEqual(t, a, b)
		require.Equal(t, a, s.IndexPAN(emv.PAN("4761739001010119")))
	})
}

// TestFindRecords finds by number, trace number and cryptogram, and what is about a
// record and booked by it.
func TestFindRecords(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		record := func(seq int64, stan string, cryptogram byte, related int64) issuer.Record {
			r := issuer.Record{
				Seq: seq, Key: fmt.Sprintf("20300101120000%04d%s/12345/T%d/M", 100, stan, seq), Account: "A", Currency: 978, Billing: 978, Time: start,
				State: issuer.RecordHeld, Event: issuer.EventPurchase, Related: related, Code: "00", Answer: []byte{1},
			}
			if cryptogram != 0 {
				r.Tap = issuer.Tap{0, 1, 2, 3, 4, 5, cryptogram, 7, 8, 9, 10, 11, 12, 13}
			}
			return r
		}
		first, second, third, bare := record(1, "000001", 0xA1, 0), record(2, "000002", 0xA2, 1), record(3, "000001", 0xA3, 1), record(4, "000004", 0, 300)
		update(t, s, func(tx *issuer.Tx) {
			for _, r := range []issuer.Record{third, first, bare, second} {
				tx.PutRecord(r)
			}
			tx.PutAccount(issuer.Account{ID: "A", Currency: 978, Status: issuer.StatusActive})
			tx.PutAccount(issuer.Account{ID: "B", Currency: 978, Status: issuer.StatusActive})
			require.NoError(t, tx.Move(&first, "A", "B", 5))
			require.NoError(t, tx.Move(&third, "B", "A", 7))
		})
		const a1, a3 = "A10708090A0B0C0D", "A30708090A0B0C0D"
		for q, want := range map[issuer.PaymentQuery][]issuer.Record{
			{ID: 2}: {second}, {ID: 9}: nil, {STAN: "000001"}: {first, third}, {STAN: "000004"}: {bare}, {STAN: "000009"}: nil, {STAN: "1"}: nil,
			{Cryptogram: a1}: {first}, {Cryptogram: "0000000000000000"}: nil, {Cryptogram: ""}: {first, second, third, bare}, {Cryptogram: "x"}: nil,
			{STAN: "000001", Cryptogram: a3}: {third}, {STAN: "000002", Cryptogram: a3}: nil, {ID: 3, STAN: "000001"}: {third}, {ID: 2, STAN: "000001"}: nil,
		} {
			got, err := s.FindRecords(ctx, q)
			require.NoError(t, err)
			require.Equal(t, want, got, "%+v", q)
		}
		for seq, want := range map[int64][]issuer.Record{1: {second, third}, 300: {bare}, 2: nil, 0: nil} {
			got, err := s.RecordsAbout(ctx, seq)
			require.NoError(t, err)
			require.Equal(t, want, got, seq)
		}
		for seq, want := range map[int64][]int64{1: {-5, 5}, 2: nil, 3: {-7, 7}} {
			entries, err := s.EntriesOf(ctx, seq)
			require.NoError(t, err)
			var got []int64
			for _, e := range entries {
				got = append(got, e.Amount)
			}
			require.Equal(t, want, got, seq)
		}
		for n := range int64(issuer.MaxFound) {
			update(t, s, func(tx *issuer.Tx) { tx.PutRecord(record(10+n, "000001", 0, 0)) })
		}
		got, err := s.FindRecords(ctx, issuer.PaymentQuery{STAN: "000001"})
		require.NoError(t, err)
		require.Len(t, got, issuer.MaxFound)
		require.Equal(t, []int64{10, 9 + issuer.MaxFound}, []int64{got[0].Seq, got[issuer.MaxFound-1].Seq}, "the latest")
	})
}
