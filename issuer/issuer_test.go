package issuer

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
)

const (
	testCard  = emv.PAN("4761739001010119")
	testToken = emv.PAN("4761739002000010")
)

var testTime = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func tdes(s string) *cryptogram.Key {
	k, err := cryptogram.NewKey(cryptogram.TDES, unhex(s))
	if err != nil {
		panic(err)
	}
	return k
}

// testConfig is a bank with the key of the worked example, and the published
// test keys of the brands.
func testConfig() Config {
	return Config{
		KeySets: []KeySet{
			{Name: "visa", Scheme: emv.SchemeVisa, DKI: 1, AC: tdes("0123456789ABCDEFFEDCBA9876543210"), Method: cryptogram.OptionA},
			{Name: "visa-test", Scheme: emv.SchemeVisa, DKI: 2, AC: tdes("2315208C9110AD402315208C9110AD40"), Method: cryptogram.OptionA},
			{Name: "mastercard-other", Scheme: emv.SchemeMastercard, DKI: 2, AC: tdes("0123456789ABCDEFFEDCBA9876543210"), Method: cryptogram.OptionA},
			{Name: "mastercard-test", Scheme: emv.SchemeMastercard, DKI: 1, AC: tdes("9E15204313F7318ACB79B90BD986AD29"), Method: cryptogram.OptionA},
			{Name: "unionpay-test", Scheme: emv.SchemeUnionPay, DKI: 0, AC: tdes("F0C34A8124CEE0A91A0B034AA97D6EAC"), Method: cryptogram.OptionA},
		},
		Ranges: []Range{
			{Prefix: "4761739001", Length: 16, Scheme: emv.SchemeVisa, Kind: Card, KeySets: []string{"visa", "visa-test"}},
			{Prefix: "4761739002", Length: 16, Scheme: emv.SchemeVisa, Kind: Token, KeySets: []string{"visa", "visa-test"}},
			{Prefix: "541333", Length: 16, Scheme: emv.SchemeMastercard, Kind: Card, KeySets: []string{"mastercard-test"}},
			{Prefix: "621094", Length: 16, Scheme: emv.SchemeUnionPay, Kind: Card, KeySets: []string{"unionpay-test"}},
		},
		Limits:     Limits{MaxAmount: 1_000_00},
		Counter:    CounterRules{MaxGap: 50, MaxBehind: 10},
		LimitedUse: LimitedUseRules{Keys: 2, Uses: 3, Lifetime: 24 * time.Hour},
		Currency:   978,
		Tolerance:  20,
	}
}

// bank is an issuer under test with what moves it.
type bank struct {
	*Issuer
	t     testing.TB
	store Store
	now   time.Time
}

func newBank(t testing.TB, change func(*Config)) *bank {
	return newBankOn(t, NewMemory(), change)
}

func newBankOn(t testing.TB, store Store, change func(*Config)) *bank {
	t.Helper()
	c := testConfig()
	if change != nil {
		change(&c)
	}
	b := &bank{t: t, store: store, now: testTime}
	iss, err := New(c, store, Env{Now: func() time.Time { return b.now }, Rand: rand.NewChaCha8([32]byte{1})})
	require.NoError(t, err)
	b.Issuer = iss
	_, err = iss.Install(context.Background(), Setup{
		Accounts: []NewAccount{{ID: "A", Balance: 500_00}},
		Cards:    []NewCard{{PAN: testCard, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A"}},
		Tokens:   []NewToken{{PAN: testToken, PSN: "00", Expiry: "4912", ServiceCode: "201", Requestor: "40010030001", Card: testCard}},
	})
	require.NoError(t, err)
	return b
}

// tap is one payment as the card sees it.
type tap struct {
	pan    emv.PAN
	psn    string
	key    *cryptogram.Key // the master key, or the limited-use key
	iad    []byte
	atc    uint16
	amount int64
	cid    byte
	un     uint32
}

func plasticTap(atc uint16, amount int64) tap {
	return tap{testCard, "01", tdes("0123456789ABCDEFFEDCBA9876543210"), unhex("06011203A00000"), atc, amount, 0x80, 0x1A2B3C4D}
}

// decide makes the card decide for a type, in what it signs and in 9F27.
func (p *tap) decide(t emv.CryptogramType) {
	p.iad = append([]byte(nil), p.iad...)
	p.iad[4] = 0x80 | byte(t)>>2
	p.cid = byte(t)
}

// offlineTap is one that the card approved by itself.
func offlineTap(atc uint16, amount int64) tap {
	p := plasticTap(atc, amount)
	p.decide(emv.TC)
	return p
}

// elements are the data of the tap.
func (p tap) elements() cryptogram.Elements {
	e := cryptogram.Elements{ATC: p.atc, IAD: p.iad, TerminalCountry: [2]byte{0x02, 0x76}, Currency: [2]byte{0x09, 0x78}, Date: [3]byte{0x30, 0x01, 0x01}}
	copy(e.Amount[:], emv.AppendBCD(nil, uint64(p.amount), 6))
	e.UnpredictableNumber = [4]byte{byte(p.un >> 24), byte(p.un >> 16), byte(p.un >> 8), byte(p.un)}
	return e
}

// icc is field 55 with the tap's cryptogram.
func (p tap) icc(t testing.TB) []byte {
	t.Helper()
	e := p.elements()
	return signed(t, p, &e)
}

// signed is field 55 with the cryptogram that the tap's card makes of e.
func signed(t testing.TB, p tap, e *cryptogram.Elements) []byte {
	t.Helper()
	r, err := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(t, err)
	key := p.key
	if r.Session != cryptogram.SessionLimitedUse {
		key, err = cryptogram.DeriveCardKey(p.key, cryptogram.OptionA, string(p.pan), p.psn)
		require.NoError(t, err)
	}
	ac, err := r.Generate(key, e)
	require.NoError(t, err)
	return iccOf(e, ac, p.cid)
}

func iccOf(e *cryptogram.Elements, ac cryptogram.Cryptogram, cid byte) []byte {
	return emv.List{
		{Tag: emv.TagCryptogram, Value: ac[:]}, {Tag: emv.TagCID, Value: []byte{cid}}, {Tag: emv.TagIAD, Value: e.IAD},
		{Tag: emv.TagUnpredictableNumber, Value: e.UnpredictableNumber[:]}, {Tag: emv.TagATC, Value: []byte{byte(e.ATC >> 8), byte(e.ATC)}},
		{Tag: emv.TagTVR, Value: e.TVR[:]}, {Tag: emv.TagTransactionDate, Value: e.Date[:]}, {Tag: emv.TagTransactionType, Value: []byte{e.Type}},
		{Tag: emv.TagAmount, Value: e.Amount[:]}, {Tag: emv.TagTransactionCurrency, Value: e.Currency[:]}, {Tag: emv.TagAIP, Value: e.AIP[:]},
		{Tag: emv.TagTerminalCountry, Value: e.TerminalCountry[:]}, {Tag: emv.TagAmountOther, Value: e.AmountOther[:]},
	}.Append(nil)
}

// message is the tap as the terminal sends it.
func (p tap) message(t testing.TB, mti iso8583.MTI, stan int) *iso8583.Message {
	t.Helper()
	amount := p.amount
	return &iso8583.Message{
		MTI: mti, PAN: string(p.pan), ProcessingCode: "000000", Amount: &amount, TransmissionTime: "0101120000",
		STAN: fmt.Sprintf("%06d", stan), LocalTime: "130000", LocalDate: "0101", Expiry: "4912", EntryMode: "071", PANSequence: "0" + p.psn,
		AcquirerID: "12345", Track2: string(p.pan) + "=4912201", RRN: fmt.Sprintf("000112%06d", stan),
		TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01", Currency: "978", ICCData: p.icc(t),
	}
}

func (b *bank) handle(m *iso8583.Message) (*iso8583.Message, *Report) {
	b.t.Helper()
	report := new(Report)
	a, err := b.Handle(context.Background(), m, report)
	require.NoError(b.t, err)
	for _, s := range report.Steps {
		if s.Result == Failed {
			require.Contains(b.t, Causes(), s.Cause, "%s: %s", s.Name, s.Text)
		}
	}
	return a.Message, report
}

func (b *bank) account() Account {
	b.t.Helper()
	a, ok, err := b.store.Account("A")
	require.NoError(b.t, err)
	require.True(b.t, ok)
	return a
}

func (b *bank) audit() {
	b.t.Helper()
	require.NoError(b.t, Audit(context.Background(), b.store))
}

func (r *Report) find(name string) Step {
	for _, s := range r.Steps {
		if s.Name == name {
			return s
		}
	}
	return Step{}
}

func TestApprovedTap(t *testing.T) {
	b := newBank(t, nil)
	answer, report := b.handle(plasticTap(1, 12_50).message(t, iso8583.AuthorisationRequest, 1))
	require.Equal(t, "00", answer.ResponseCode, "%+v", report)
	require.Equal(t, iso8583.AuthorisationResponse, answer.MTI)
	require.Len(t, answer.AuthorisationCode, 6)
	require.Equal(t, OK, report.Cryptogram)
	require.Equal(t, Account{ID: "A", Currency: 978, Balance: 500_00, Held: 12_50, Status: StatusActive, Opened: testTime}, b.account())
	b.audit()
}
