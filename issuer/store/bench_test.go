package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

var benchTime = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// load makes payments of many cards, each with its own cryptogram.
type load struct {
	cards []emv.PAN
	keys  []*cryptogram.Key
	n     atomic.Int64
}

const loadCards = 500

func newLoad(t testing.TB, iss *issuer.Issuer, imk *cryptogram.Key) *load {
	l := new(load)
	ctx := context.Background()
	for n := range loadCards {
		pan := emv.WithCheckDigit(fmt.Sprintf("47617390011%04d", n))
		id := fmt.Sprintf("LOAD-%04d", n)
		require.NoError(t, iss.OpenAccount(ctx, issuer.NewAccount{ID: id, Balance: emv.MaxAmount}))
		require.NoError(t, iss.IssueCard(ctx, issuer.NewCard{PAN: pan, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: id}))
		key, err := cryptogram.DeriveCardKey(imk, cryptogram.OptionA, string(pan), "01")
		require.NoError(t, err)
		l.cards, l.keys = append(l.cards, pan), append(l.keys, key)
	}
	return l
}

// message is the next payment.
func (l *load) message(mti iso8583.MTI) *iso8583.Message {
	n := l.n.Add(1)
	card := int(n % loadCards)
	amount := int64(100)
	e := cryptogram.Elements{ATC: uint16(n/loadCards + 1), IAD: []byte{6, 1, 0x12, 3, 0xA0, 0, 0}, Currency: [2]byte{9, 0x78}, Amount: [6]byte{4: 1}}
	r, _ := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
	ac, _ := r.Generate(l.keys[card], &e)
	at := benchTime.Add(time.Duration(n/100) * time.Second) // a hundred a second
	return &iso8583.Message{
		MTI: mti, PAN: string(l.cards[card]), ProcessingCode: "000000", Amount: &amount, TransmissionTime: at.Format("0102150405"),
		STAN: fmt.Sprintf("%06d", n%999999+1), LocalTime: "130000", LocalDate: "0101", Expiry: "4912", EntryMode: "071", PANSequence: "001",
		AcquirerID: "12345", RRN: fmt.Sprintf("0001%08d", n), TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", Currency: "978",
		ICCData: emv.List{
			{Tag: emv.TagCryptogram, Value: ac[:]}, {Tag: emv.TagCID, Value: []byte{0x80}}, {Tag: emv.TagIAD, Value: e.IAD},
			{Tag: emv.TagUnpredictableNumber, Value: e.UnpredictableNumber[:]}, {Tag: emv.TagATC, Value: []byte{byte(e.ATC >> 8), byte(e.ATC)}},
			{Tag: emv.TagTVR, Value: e.TVR[:]}, {Tag: emv.TagTransactionDate, Value: e.Date[:]}, {Tag: emv.TagTransactionType, Value: []byte{e.Type}},
			{Tag: emv.TagAmount, Value: e.Amount[:]}, {Tag: emv.TagTransactionCurrency, Value: e.Currency[:]}, {Tag: emv.TagAIP, Value: e.AIP[:]},
			{Tag: emv.TagTerminalCountry, Value: e.TerminalCountry[:]}, {Tag: emv.TagAmountOther, Value: e.AmountOther[:]},
		}.Append(nil),
	}
}

func newBenchIssuer(b testing.TB, s issuer.Store) (*issuer.Issuer, *load) {
	bank, err := config.Demo()
	require.NoError(b, err)
	iss, err := issuer.New(bank.Config, s, issuer.Env{Now: func() time.Time { return benchTime }, Rand: rand.NewChaCha8([32]byte{1})})
	require.NoError(b, err)
	return iss, newLoad(b, iss, bank.Config.KeySets[0].AC)
}

// BenchmarkDurable is a whole decision with its durable commit, at a number of
// messages in flight. Making the messages is not counted.
func BenchmarkDurable(b *testing.B) {
	for _, mti := range []iso8583.MTI{iso8583.AuthorisationRequest, iso8583.FinancialRequest} {
		for _, inFlight := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", mti, inFlight), func(b *testing.B) {
				s, err := store.Open(b.TempDir(), rand.NewChaCha8([32]byte{1}))
				require.NoError(b, err)
				defer s.Close()
				iss, l := newBenchIssuer(b, s)
				for range loadCards { // keys and rows that a running bank has at hand
					_, err := iss.Handle(context.Background(), l.message(mti), nil)
					require.NoError(b, err)
				}
				messages := make([]*iso8583.Message, b.N)
				for n := range messages {
					messages[n] = l.message(mti)
				}
				b.ReportAllocs()
				b.ResetTimer()
				var next atomic.Int64
				var wg sync.WaitGroup
				for range inFlight {
					wg.Go(func() {
						for n := next.Add(1) - 1; n < int64(len(messages)); n = next.Add(1) - 1 {
							a, err := iss.Handle(context.Background(), messages[n], nil)
							if err != nil || a.Message.ResponseCode != "00" {
								b.Errorf("%v %v", a.Message, err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
			})
		}
	}
}
