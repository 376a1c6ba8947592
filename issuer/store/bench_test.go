package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/issuer/config"
	"tapsim/issuer/store"
)

// load makes payments of many cards, each with its own cryptogram. The n-th is
// the same in every process.
type load struct {
	cards []emv.PAN
	keys  []*cryptogram.Key
	n     atomic.Int64
}

// loadAmount is what each payment asks for.
const loadAmount = 1_00

// newLoad gives a bank cards that can pay for ever. What is there stays.
func newLoad(iss *issuer.Issuer, imk *cryptogram.Key, cards int) (*load, error) {
	l := new(load)
	var setup issuer.Setup
	for n := range cards {
		pan := emv.WithCheckDigit(fmt.Sprintf("47617390011%04d", n))
		id := fmt.Sprintf("LOAD-%04d", n)
		setup.Accounts = append(setup.Accounts, issuer.NewAccount{ID: id, Balance: emv.MaxAmount})
		setup.Cards = append(setup.Cards, issuer.NewCard{PAN: pan, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: id})
		key, err := cryptogram.DeriveCardKey(imk, cryptogram.OptionA, string(pan), "01")
		if err != nil {
			return nil, err
		}
		l.cards, l.keys = append(l.cards, pan), append(l.keys, key)
	}
	_, err := iss.Install(context.Background(), setup)
	return l, err
}

// next is the number of a new payment.
func (l *load) next() int64 { return l.n.Add(1) - 1 }

// message is the n-th payment.
func (l *load) message(n int64, mti iso8583.MTI) *iso8583.Message {
	cards := int64(len(l.cards))
	card := n % cards
	amount := int64(loadAmount)
	e := cryptogram.Elements{ATC: uint16(n/cards%60000 + 1), IAD: []byte{6, 1, 0x12, 3, 0xA0, 0, 0}, Currency: [2]byte{9, 0x78}, Date: [3]byte{0x30, 1, 1}, Amount: [6]byte{4: 1}}
	r, _ := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
	ac, _ := r.Generate(l.keys[card], &e)
	at := start.Add(time.Duration(n/1000) * time.Second) // a thousand a second
	return &iso8583.Message{
		MTI: mti, PAN: string(l.cards[card]), ProcessingCode: "000000", Amount: &amount, TransmissionTime: at.Format("0102150405"),
		STAN: fmt.Sprintf("%06d", n%999999+1), LocalTime: "130000", LocalDate: "0101", Expiry: "4912", EntryMode: "071", PANSequence: "001",
		AcquirerID: "12345", RRN: fmt.Sprintf("0001%08d", n), TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", Currency: "978",
		ICCData: iccData(&e, ac, emv.ARQC),
	}
}

// bench is a bank under load.
type bench struct {
	b    *testing.B
	bank *issuer.Issuer
	load *load
}

// benchCards is enough that payments of one card rarely meet.
const benchCards = 500

func newBench(b *testing.B, s issuer.Store) *bench {
	b.Helper()
	demo, err := config.Demo()
	require.NoError(b, err)
	iss, err := issuer.New(demo.Config, s, issuer.Env{Now: func() time.Time { return start }, Rand: random()})
	require.NoError(b, err)
	l, err := newLoad(iss, demo.Config.KeySets[0].AC, benchCards)
	require.NoError(b, err)
	w := &bench{b, iss, l}
	w.run(w.messages(iso8583.AuthorisationRequest, benchCards), 16) // keys and rows that a running bank has at hand
	return w
}

func (w *bench) messages(mti iso8583.MTI, count int) []*iso8583.Message {
	out := make([]*iso8583.Message, count)
	for n := range out {
		out[n] = w.load.message(w.load.next(), mti)
	}
	return out
}

// run sends messages with a number of them in flight and returns how long it
// took.
func (w *bench) run(messages []*iso8583.Message, inFlight int) time.Duration {
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range inFlight {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(messages)); n = next.Add(1) - 1 {
				a, err := w.bank.Handle(context.Background(), messages[n], nil)
				if err == nil && a.Message.ResponseCode != "00" {
					err = errors.New("declined with " + a.Message.ResponseCode)
				}
				if err != nil {
					w.b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkDurable is a whole decision with its durable commit: 0100 places a
// hold, 0200 posts two entries.
func BenchmarkDurable(b *testing.B) {
	for _, mti := range []iso8583.MTI{iso8583.AuthorisationRequest, iso8583.FinancialRequest} {
		for _, inFlight := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", mti, inFlight), func(b *testing.B) {
				s, err := store.Create(b.TempDir(), panKey)
				require.NoError(b, err)
				defer s.Close()
				w := newBench(b, s)
				messages := w.messages(mti, b.N)
				b.ReportAllocs()
				b.ResetTimer()
				took := w.run(messages, inFlight)
				b.ReportMetric(float64(b.N)/took.Seconds(), "decisions/s")
			})
		}
	}
}

// BenchmarkGroupCommit measures one at a time against 256 in flight, in turns
// in one process, and reports the medians and their ratio; -benchtime 9x takes
// nine turns.
func BenchmarkGroupCommit(b *testing.B) {
	s, err := store.Create(b.TempDir(), panKey)
	require.NoError(b, err)
	defer s.Close()
	w := newBench(b, s)
	const few, many = 500, 5000
	var alone, together []float64
	for b.Loop() {
		alone = append(alone, few/w.run(w.messages(iso8583.FinancialRequest, few), 1).Seconds())
		together = append(together, many/w.run(w.messages(iso8583.FinancialRequest, many), 256).Seconds())
	}
	slices.Sort(alone)
	slices.Sort(together)
	one, all := alone[len(alone)/2], together[len(together)/2]
	b.ReportMetric(one, "one/s")
	b.ReportMetric(all, "256/s")
	b.ReportMetric(all/one, "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIndexes measures what the indexes for people's questions cost decisions,
// in turns in one process, and reports the medians with and without and the median
// of the ratios; -benchtime 9x takes nine turns.
func BenchmarkIndexes(b *testing.B) {
	for _, mti := range []iso8583.MTI{iso8583.AuthorisationRequest, iso8583.FinancialRequest} {
		b.Run(string(mti), func(b *testing.B) {
			const turn = 4000
			banks := [2]*bench{}
			for n := range banks {
				dir := b.TempDir()
				s, err := store.Create(dir, panKey)
				require.NoError(b, err)
				defer s.Close()
				if n == 1 {
					dropIndexes(b, dir)
				}
				banks[n] = newBench(b, s)
			}
			var speeds [2][]float64
			var ratios []float64
			for turns := 0; b.Loop(); turns++ {
				var now [2]float64
				for n := range banks {
					w := (n + turns) % 2 // each goes first in half of the turns
					now[w] = turn / banks[w].run(banks[w].messages(mti, turn), 256).Seconds()
				}
				speeds[0], speeds[1] = append(speeds[0], now[0]), append(speeds[1], now[1])
				ratios = append(ratios, now[0]/now[1])
			}
			for _, list := range [][]float64{speeds[0], speeds[1], ratios} {
				slices.Sort(list)
			}
			middle := len(ratios) / 2
			b.ReportMetric(speeds[0][middle], "with/s")
			b.ReportMetric(speeds[1][middle], "without/s")
			b.ReportMetric(ratios[middle], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// dropIndexes makes the database what it was before it had them.
func dropIndexes(b *testing.B, dir string) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "issuer.db"))
	require.NoError(b, err)
	defer db.Close()
	for _, name := range []string{
		"records_account", "records_named", "records_related", "entries_account", "notices_account", "disputes_account", "disputes_open",
	} {
		_, err := db.Exec("DROP INDEX " + name)
		require.NoError(b, err)
	}
}
