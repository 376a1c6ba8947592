package store_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/issuer"
	"tapsim/issuer/config"
	"tapsim/provisioning"
)

// world is a bank with two cards on one account, and a model of what its money
// must be after any history of messages.
type world struct {
	t      testing.TB
	rng    *rand.Rand
	store  issuer.Store
	bank   *issuer.Issuer
	imk    *cryptogram.Key
	device *cryptogram.Key
	luk    *cryptogram.Key
	index  [4]byte
	atc    [2]uint16
	stan   int
	sent   []*attempt
	now    time.Time
}

// attempt is a payment message and what became of it.
type attempt struct {
	message  *iso8583.Message
	answer   *iso8583.Message
	reversed bool     // before or after
	first    *attempt // the first attempt with the same cryptogram, itself or another
	wrong    bool     // a cryptogram that does not verify
}

const (
	worldCard  = emv.PAN("4761739001010119")
	worldToken = emv.PAN("4761739002000010")
	opening    = 100_000_00
)

func newWorld(t testing.TB, s issuer.Store, rng *rand.Rand) *world {
	t.Helper()
	b, err := config.Demo()
	require.NoError(t, err)
	w := &world{t: t, rng: rng, store: s, imk: b.Config.KeySets[0].AC, now: start}
	b.Config.Limits.MaxAmount, b.Config.Verification.Limit = 0, 0
	b.Config.Limits.MaxDays, b.Config.LimitedUse.Uses = 0, 60000
	w.bank, err = issuer.New(b.Config, s, issuer.Env{Now: func() time.Time { return w.now }, Rand: random()})
	require.NoError(t, err)
	_, err = w.bank.Install(ctx, b.Setup)
	require.NoError(t, err)
	w.device, err = cryptogram.NewKey(cryptogram.AES, []byte("device key 16 by"))
	require.NoError(t, err)
	set, err := w.bank.Replenish(ctx, provisioning.Request{Token: worldToken}, w.device)
	require.NoError(t, err)
	w.luk, err = w.device.UnwrapKey(cryptogram.TDES, set.Keys[0].Wrapped)
	require.NoError(t, err)
	w.index = set.Keys[0].Index
	return w
}

// secrets are byte strings that must not be on the disk.
func (w *world) secrets() map[string][]byte {
	out := map[string][]byte{
		"card number": []byte(worldCard), "token number": []byte(worldToken),
		"master key": w.imk.Reveal(), "limited-use key": w.luk.Reveal(), "device key": w.device.Reveal(),
	}
	for _, pan := range []emv.PAN{worldCard, worldToken} {
		packed, err := hex.DecodeString(string(pan))
		require.NoError(w.t, err)
		out["packed "+pan.LastFour()] = packed
	}
	for name, key := range map[string][]byte{"master key": w.imk.Reveal(), "limited-use key": w.luk.Reveal()} {
		out[name+" in hex"] = fmt.Appendf(nil, "%X", key)
		out[name+" in lower-case hex"] = fmt.Appendf(nil, "%x", key)
	}
	return out
}

// payment makes a fresh message, by card or by phone.
func (w *world) payment() *attempt {
	mti := []iso8583.MTI{"0100", "0200", "0200", "0120", "0220"}[w.rng.IntN(5)]
	amount := w.rng.Int64N(3_000_00)
	if w.rng.IntN(10) == 0 {
		amount = w.rng.Int64N(2 * opening)
	}
	decision := emv.ARQC
	if mti[2] == '2' || w.rng.IntN(3) == 0 {
		decision = emv.TC
	}
	phone := w.rng.IntN(2)
	w.atc[phone] += uint16(1 + w.rng.IntN(3))
	e := cryptogram.Elements{ATC: w.atc[phone], Currency: [2]byte{0x09, 0x78}, Date: [3]byte{0x30, 1, 1}, IAD: []byte{6, 1, 0x12, 3, 0x80 | byte(decision)>>2, 0, 0}}
	copy(e.Amount[:], emv.AppendBCD(nil, uint64(amount), 6))
	pan, key := worldCard, w.imk
	var err error
	if phone == 1 {
		pan, key, e.IAD = worldToken, w.luk, make([]byte, 32)
		copy(e.IAD, []byte{0x1F, 0x43, 0x01, 0, 0x80 | byte(decision)>>2})
		copy(e.IAD[13:], w.index[:])
	} else {
		key, err = cryptogram.DeriveCardKey(w.imk, cryptogram.OptionA, string(pan), "01")
		require.NoError(w.t, err)
	}
	r, err := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(w.t, err)
	ac, err := r.Generate(key, &e)
	require.NoError(w.t, err)
	wrong := w.rng.IntN(10) == 0
	if wrong {
		ac[0] ^= 1
	}
	w.stan++
	a := &attempt{wrong: wrong, message: &iso8583.Message{
		MTI: mti, PAN: string(pan), ProcessingCode: "000000", Amount: &amount, TransmissionTime: "0101120000", STAN: fmt.Sprintf("%06d", w.stan),
		EntryMode: "071", AcquirerID: "12345", RRN: fmt.Sprintf("000112%06d", w.stan), TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01",
		Currency: "978", ICCData: iccData(&e, ac, decision),
	}}
	a.first = a
	return a
}

func iccData(e *cryptogram.Elements, ac cryptogram.Cryptogram, decision emv.CryptogramType) []byte {
	return emv.List{
		{Tag: emv.TagCryptogram, Value: ac[:]}, {Tag: emv.TagCID, Value: []byte{byte(decision)}}, {Tag: emv.TagIAD, Value: e.IAD},
		{Tag: emv.TagUnpredictableNumber, Value: e.UnpredictableNumber[:]}, {Tag: emv.TagATC, Value: []byte{byte(e.ATC >> 8), byte(e.ATC)}},
		{Tag: emv.TagTVR, Value: e.TVR[:]}, {Tag: emv.TagTransactionDate, Value: e.Date[:]}, {Tag: emv.TagTransactionType, Value: []byte{e.Type}},
		{Tag: emv.TagAmount, Value: e.Amount[:]}, {Tag: emv.TagTransactionCurrency, Value: e.Currency[:]}, {Tag: emv.TagAIP, Value: e.AIP[:]},
		{Tag: emv.TagTerminalCountry, Value: e.TerminalCountry[:]}, {Tag: emv.TagAmountOther, Value: e.AmountOther[:]},
	}.Append(nil)
}

func (w *world) handle(m *iso8583.Message) *iso8583.Message {
	w.t.Helper()
	a, err := w.bank.Handle(context.Background(), m, nil)
	require.NoError(w.t, err)
	return a.Message
}

// step sends one message: a payment, a repeat, a replay under another trace
// number, a reversal of something sent or of something still to come.
func (w *world) step() {
	switch n := w.rng.IntN(10); {
	case n < 4 || len(w.sent) == 0:
		a := w.payment()
		if w.rng.IntN(8) == 0 { // its reversal overtakes it
			a.reversed = true
			w.handle(w.reversal(a))
		}
		a.answer = w.handle(a.message)
		w.sent = append(w.sent, a)
	case n < 6: // the same again
		a := w.sent[w.rng.IntN(len(w.sent))]
		m := *a.message
		if w.rng.IntN(2) == 0 {
			m.MTI = m.MTI[:3] + "1"
		}
		require.Equal(w.t, a.answer, w.handle(&m))
	case n < 8: // the same cryptogram in another message, perhaps as an advice
		old := w.sent[w.rng.IntN(len(w.sent))]
		m := *old.message
		w.stan++
		m.STAN, m.RRN = fmt.Sprintf("%06d", w.stan), fmt.Sprintf("000112%06d", w.stan)
		if w.rng.IntN(3) == 0 {
			m.MTI = "0220"
		}
		a := &attempt{message: &m, first: old.first, wrong: old.wrong}
		a.answer = w.handle(&m)
		if m.MTI[2] == '0' {
			require.NotEqual(w.t, "00", a.answer.ResponseCode, "replay")
		}
		w.sent = append(w.sent, a)
	default:
		a := w.sent[w.rng.IntN(len(w.sent))]
		a.reversed = true
		w.handle(w.reversal(a))
	}
}

func (w *world) reversal(a *attempt) *iso8583.Message {
	w.stan++
	m := a.message
	amount := *m.Amount
	return &iso8583.Message{
		MTI: []iso8583.MTI{"0400", "0420", "0401", "0421"}[w.rng.IntN(4)], PAN: m.PAN, ProcessingCode: m.ProcessingCode, Amount: &amount,
		TransmissionTime: "0101120030", STAN: fmt.Sprintf("%06d", w.stan), AcquirerID: m.AcquirerID, RRN: m.RRN, TerminalID: m.TerminalID,
		MerchantID: m.MerchantID, Currency: m.Currency,
		OriginalData: string(m.MTI) + m.STAN + m.TransmissionTime + fmt.Sprintf("%011s", m.AcquirerID) + "00000000000",
	}
}

// check compares the books with what was answered: an account holds what was
// approved and not reversed, each payment once, replays never.
func (w *world) check() {
	w.t.Helper()
	require.NoError(w.t, issuer.Audit(ctx, w.store))
	records, err := w.store.Records(ctx, "DEMO-0001")
	require.NoError(w.t, err)
	moved := map[string]int64{}
	var held, posted int64
	for _, r := range records {
		switch r.State {
		case issuer.RecordHeld:
			held += r.Amount
		case issuer.RecordPosted:
			posted += r.Amount
		}
		if r.Reference != "" {
			moved[r.Reference[:12]] += r.Amount
		}
	}
	account := found[issuer.Account](w.t)(w.store.Account("DEMO-0001"))
	require.Equal(w.t, held, account.Held)
	require.Equal(w.t, int64(opening), account.Balance+posted-opening, "what was paid in is there or was posted") // the opening is a posted record itself
	together, undone := map[*attempt]int64{}, map[*attempt]bool{}
	for _, a := range w.sent {
		got := moved[a.message.RRN]
		require.Contains(w.t, []int64{0, *a.message.Amount}, got, "%s %s", a.message.MTI, a.message.STAN)
		if a.reversed || a.answer.ResponseCode != "00" {
			require.Zero(w.t, got, "%s %s", a.message.MTI, a.message.STAN)
		}
		together[a.first] += got
		undone[a.first] = undone[a.first] || a.reversed
	}
	for first, got := range together {
		switch want := *first.message.Amount; {
		case first.wrong:
			require.Zero(w.t, got, "the wrong cryptogram of %s %s paid", first.message.MTI, first.message.STAN)
		case first.answer.ResponseCode != "00":
			require.Zero(w.t, got, "the declined cryptogram of %s %s paid", first.message.MTI, first.message.STAN)
		case !undone[first]:
			require.Equal(w.t, want, got, "the cryptogram of %s %s paid once", first.message.MTI, first.message.STAN)
		default:
			require.LessOrEqual(w.t, got, want, "the cryptogram of %s %s paid at most once", first.message.MTI, first.message.STAN)
		}
	}
}

// TestRandomHistories is the law of the ledger: whatever comes in whatever
// order, money is conserved and nothing moves twice.
func TestRandomHistories(t *testing.T) {
	stores(t, func(t *testing.T, s issuer.Store) {
		w := newWorld(t, s, rand.New(rand.NewPCG(2, 2)))
		for range 20 {
			for range 50 {
				w.step()
			}
			w.check()
		}
	})
}

// TestStoresAgree runs one history on both stores: same answers, same books.
func TestStoresAgree(t *testing.T) {
	memory, sqlite := newWorld(t, issuer.NewMemory(), rand.New(rand.NewPCG(3, 3))), newWorld(t, open(t, t.TempDir()), rand.New(rand.NewPCG(3, 3)))
	for range 300 {
		memory.step()
		sqlite.step()
	}
	require.Equal(t, len(memory.sent), len(sqlite.sent))
	for n := range memory.sent {
		require.Equal(t, memory.sent[n].answer, sqlite.sent[n].answer)
	}
	for _, account := range []string{"DEMO-0001", issuer.SettlementAccount(978)} {
		require.Equal(t, found[issuer.Account](t)(memory.store.Account(account)), found[issuer.Account](t)(sqlite.store.Account(account)))
	}
}
