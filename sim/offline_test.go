package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	issuerconfig "tapsim/issuer/config"
	"tapsim/terminal/kernel"
)

var newYear = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// ledger is the demo bank at the other end of the line, with its books open.
type ledger struct {
	bank  *issuer.Issuer
	books *issuer.Memory
	heard []*iso8583.Message
	last  *issuer.Report
}

func newLedger(t *testing.T, rules ...issuer.Rule) *ledger {
	t.Helper()
	demo, err := issuerconfig.Demo()
	require.NoError(t, err)
	demo.Config.Rules = rules
	l := &ledger{books: issuer.NewMemory()}
	l.bank, err = issuer.New(demo.Config, l.books, issuer.Env{Now: func() time.Time { return newYear }, Rand: rand.NewChaCha8([32]byte{1})})
	require.NoError(t, err)
	_, err = l.bank.Install(context.Background(), demo.Setup)
	require.NoError(t, err)
	return l
}

// Exchange implements iso8583.Exchanger.
func (l *ledger) Exchange(ctx context.Context, m *iso8583.Message) (*iso8583.Message, error) {
	l.heard, l.last = append(l.heard, m), new(issuer.Report)
	answer, err := l.bank.Handle(ctx, m, l.last)
	return answer.Message, err
}

// paid is what the demo account has paid, or promised.
func (l *ledger) paid(t *testing.T) int64 {
	t.Helper()
	a, ok, err := l.books.Account("DEMO-0001")
	require.NoError(t, err)
	require.True(t, ok)
	return 100_000_00 - a.Balance + a.Held
}

// said is what the bank's last report says in a step.
func (l *ledger) said(t *testing.T, name string) issuer.Step {
	t.Helper()
	for _, s := range l.last.Steps {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "no step "+name)
	return issuer.Step{}
}

func at(t *testing.T, card, terminal string, l *ledger) *World {
	t.Helper()
	seed := uint64(1)
	w, err := Open(context.Background(), Options{Seed: &seed, Now: newYear, State: Memory, Card: card, Terminal: terminal, Host: l})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func pay(t *testing.T, w *World, r Request) Payment {
	t.Helper()
	r.Currency, _ = emv.CurrencyByAlpha("EUR")
	p, err := w.Pay(context.Background(), r)
	require.NoError(t, err)
	return p
}

// TestAdvices: what a card approved offline reaches the bank as an advice, whose
// cryptogram is checked, and moves the money once.
func TestAdvices(t *testing.T) {
	for _, card := range []string{"visa-plastic-offline", "unionpay-plastic-ecash", "mastercard-plastic-offline"} {
		t.Run(card, func(t *testing.T) {
			l := newLedger(t)
			w := at(t, card, "offline-only", l)
			for n := int64(1); n <= 3; n++ {
				p := pay(t, w, Request{Amount: 5_00})
				require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
				require.Equal(t, kernel.ODAVerified, p.Tap.Outcome.ODA)
				require.Equal(t, 5_00*(n-1), l.paid(t), "the bank knows nothing yet")
				sent, err := w.term.Deliver(context.Background())
				require.NoError(t, err)
				require.Equal(t, 1, sent.Taken)
				require.Equal(t, iso8583.MTI("0220"), l.heard[len(l.heard)-1].MTI)
				step := l.said(t, "cryptogram")
				require.Equal(t, issuer.OK, step.Result, step.Text)
				require.Contains(t, step.Text, "the TC, computed again, is equal")
				require.Equal(t, issuer.OK, l.said(t, "posting").Result)
				require.Equal(t, 5_00*n, l.paid(t))
			}
		})
	}
}

// TestTornEverywhere: whichever answer gets lost, the customer pays what the
// terminal says, once, and nothing otherwise; no transaction counter comes twice.
func TestTornEverywhere(t *testing.T) {
	for _, c := range []struct{ card, terminal string }{
		{"visa-plastic-offline", "offline-only"}, {"visa-plastic-offline", "unattended"}, {"visa-plastic-fdda", "transit"},
		{"visa-plastic", "attended"}, {"visa-phone", "attended"}, {"unionpay-plastic-ecash", "offline-only"}, {"unionpay-plastic", "attended"},
		{"unionpay-phone", "attended"}, {"co-badged", "attended"}, {"mastercard-plastic-offline", "offline-only"}, {"mastercard-phone", "attended"},
	} {
		t.Run(c.card+" at "+c.terminal, func(t *testing.T) {
			for n := 1; n <= 14; n++ {
				l := newLedger(t)
				w := at(t, c.card, c.terminal, l)
				for tap := int64(1); tap <= 2; tap++ {
					r := Request{Amount: 12_50}
					if before := l.paid(t); tap == 1 {
						require.Zero(t, before)
						r.TearAt = n
					}
					before := l.paid(t)
					p := pay(t, w, r)
					_, err := w.term.Deliver(context.Background())
					require.NoError(t, err)
					want := int64(0)
					if p.Outcome == kernel.Approved {
						want = 12_50
					}
					require.Equal(t, want, l.paid(t)-before, "exchange %d, payment %d: %s, %s", n, tap, p.Outcome, p.Detail)
					require.True(t, tap == 1 || p.Outcome == kernel.Approved, "exchange %d: %s", n, p.Detail)
				}
				counters := map[uint16]bool{}
				for _, e := range w.card.History() {
					require.False(t, counters[e.ATC], "counter %d came twice", e.ATC)
					counters[e.ATC] = true
				}
			}
		})
	}
}

// TestPurseAgrees: whichever answer gets lost, the purse has lost what the
// terminal got.
func TestPurseAgrees(t *testing.T) {
	for n := 1; n <= 9; n++ {
		l := newLedger(t)
		w := at(t, "unionpay-plastic-ecash", "offline-only", l)
		p := pay(t, w, Request{Amount: 12_50, TearAt: n})
		require.Equal(t, kernel.Approved, p.Outcome, "exchange %d: %s", n, p.Detail)
		w.card.Respond(unhex(t, "00A4040008A00000033301010100"))
		require.Equal(t, unhex(t, "9F7906000000008750 9000"), w.card.Respond(unhex(t, "80CA9F7900")), "exchange %d", n)
	}
}

// TestDeclineLeavesThePurse: a card that the reader does not want pays nothing,
// neither from its purse nor from its account.
func TestDeclineLeavesThePurse(t *testing.T) {
	for _, place := range []string{"unattended", "offline-only", "transit"} {
		l, seed := newLedger(t), uint64(1)
		w, err := Open(context.Background(), Options{
			Seed: &seed, Now: newYear.AddDate(20, 0, 0), State: Memory, Card: "unionpay-plastic-ecash", Terminal: place, Host: l,
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, w.Close()) })
		p := pay(t, w, Request{Amount: 4_50})
		require.Equal(t, kernel.Declined, p.Outcome, place)
		require.Equal(t, kernel.Declined, p.KernelOutcome)
		require.Contains(t, p.Detail, "expired")
		require.Empty(t, l.heard)
		w.card.Respond(unhex(t, "00A4040008A00000033301010100"))
		require.Equal(t, unhex(t, "9F7906000000010000 9000"), w.card.Respond(unhex(t, "80CA9F7900")))
	}
}

// TestCountersStartAnew: the card approves three payments at the machine, asks
// the bank about the fourth, and takes its answer on a second tap for leave to
// go on.
func TestCountersStartAnew(t *testing.T) {
	l := newLedger(t)
	w := at(t, "visa-plastic-offline", "unattended", l)
	for n := 1; n <= 8; n++ {
		p := pay(t, w, Request{Amount: 4_50})
		require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
		want := kernel.Approved
		if n%4 == 0 {
			want = kernel.OnlineRequest
			require.NotNil(t, p.Update, "the second tap")
			require.Equal(t, kernel.Approved, p.Update.Kind)
		}
		require.Equal(t, want, p.KernelOutcome, "payment %d", n)
	}
}

// TestBlockedByScript: the bank's script blocks the card on the second tap; what
// became of it reaches the bank, and the next payment finds no application.
func TestBlockedByScript(t *testing.T) {
	l := newLedger(t, issuer.Rule{Name: "block", MTI: "0100", Response: "05", Script: []issuer.ScriptCommand{{Header: [4]byte{0x84, 0x1E}}}})
	w := at(t, "visa-plastic-offline", "unattended", l)
	p := pay(t, w, Request{Amount: 12_50})
	require.Equal(t, kernel.Declined, p.Outcome)
	require.NotNil(t, p.Update)
	results, ok := p.Update.DataRecord.Lookup(emv.TagIssuerScriptResults)
	require.True(t, ok)
	require.Equal(t, unhex(t, "20 00000000"), results, "performed, as the card says")
	_, err := w.term.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, iso8583.MTI("0120"), l.heard[len(l.heard)-1].MTI)
	require.Zero(t, l.paid(t))
	p = pay(t, w, Request{Amount: 4_50})
	require.Equal(t, kernel.EndApplication, p.Outcome)
	require.Contains(t, p.Detail, "6283", "the user sees why")
	require.Equal(t, "blocked", w.card.Info().Lock)
}

// TestTwoCiphers: the bank checks the card's cryptogram under the cipher that the
// terminal asked for.
func TestTwoCiphers(t *testing.T) {
	for terminal, cipher := range map[string]string{"unattended": "SM4 CBC-MAC", "attended": "3DES retail MAC"} {
		l := newLedger(t)
		p := pay(t, at(t, "unionpay-plastic-sm4", terminal, l), Request{Amount: 12_50})
		require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
		require.Contains(t, fmt.Sprint(l.said(t, "cryptogram").Details), cipher)
	}
}

// TestWhichApplication: the terminal takes the application that priorities,
// kernel identifiers and extended selection make it take.
func TestWhichApplication(t *testing.T) {
	for _, c := range []struct{ card, terminal, aid, pan string }{
		{"co-badged", "attended", "A0000000041010", "5413339001000068"},
		{"co-badged-equal", "attended", "A0000000031010", "4761739001010093"},
		{"co-badged-extended", "attended", "A000000003101001", "4761739001010077"},
		{"co-badged-extended", "unattended", "A000000003101002", "4761739001010085"},
		{"visa-plastic-kernel8", "attended", "A0000000031010", "4761739001010127"},
		{"visa-plastic-kernel8-only", "attended", "", ""},
	} {
		t.Run(fmt.Sprintf("%s at %s", c.card, c.terminal), func(t *testing.T) {
			l := newLedger(t)
			p := pay(t, at(t, c.card, c.terminal, l), Request{Amount: 12_50})
			if c.aid == "" {
				require.Equal(t, kernel.EndApplication, p.Outcome)
				require.Empty(t, l.heard)
				return
			}
			require.Equal(t, kernel.Approved, p.Outcome, p.Detail)
			require.Equal(t, c.pan, l.heard[0].PAN)
			name, _ := emv.Find(l.heard[0].ICCData, emv.TagDFName)
			require.Equal(t, unhex(t, c.aid), name)
		})
	}
}
