package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
)

// published is a cryptogram that others published, to be sent as a whole
// message to a bank that holds its key.
type published struct {
	name   string
	scheme emv.Scheme
	imk    string
	pan    emv.PAN
	psn    string
	icc    []byte // field 55
	mti    iso8583.MTI
	code   Code
	answer string // field 55 of the answer, where it was published
}

// workedICC is field 55 of the worked CVN 18 example: purchase of 15.00 USD
// with card 4761739001010119 of the key 0123456789ABCDEFFEDCBA9876543210.
const workedICC = "9F260827552E9226B3CC959F2701809F100706011203A000009F37041A2B3C4D9F36020001950500000000009A032601159C01009F0206000000001500" +
	"5F2A020840820200009F1A0208409F03060000000000009F3303E0F8C89F3501229F1E0830303030303030318407A00000000310109F4104000000079F6E04238E00005F340101"

func worked() published {
	return published{
		"worked example, Visa CVN 18", emv.SchemeVisa, "0123456789ABCDEFFEDCBA9876543210", "4761739001010119", "01",
		unhex(workedICC), iso8583.AuthorisationRequest, Approved, "9108 1BCF65E8 00800000",
	}
}

func workedCVN10() published {
	p := worked()
	icc := strings.Replace(workedICC, "27552E9226B3CC95", "47686F8536A84F66", 1)
	p.name, p.icc, p.answer = "worked example, Visa CVN 10", unhex(strings.Replace(icc, "06011203A00000", "06010A03A00000", 1)), "910A 30F8766890768F56 3030"
	return p
}

// fromVectors builds field 55 of a case of testdata/vectors. iad stands in
// where the case gives the card verification results only: nothing else of it
// is in the MAC.
func fromVectors(t testing.TB, file, id string, scheme emv.Scheme, iad string, cid byte, mti iso8583.MTI, code Code) published {
	t.Helper()
	data, err := os.ReadFile("../testdata/vectors/" + file + ".json")
	require.NoError(t, err)
	var doc struct {
		Cases []struct {
			ID, Name string
			Inputs   map[string]any
			Outputs  map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	for _, c := range doc.Cases {
		if c.ID != id {
			continue
		}
		in := func(name string) string { s, _ := c.Inputs[name].(string); return s }
		if iad == "" {
			iad = in("9F10")
		}
		list := emv.List{{Tag: emv.TagCryptogram, Value: unhex(c.Outputs["ac"])}, {Tag: emv.TagCID, Value: []byte{cid}}, {Tag: emv.TagIAD, Value: unhex(iad)}}
		for _, tag := range mandatoryTags[:10] {
			list = append(list, emv.TLV{Tag: tag, Value: unhex(in(tag.String()))})
		}
		return published{c.Name, scheme, in("imk_ac"), emv.PAN(in("pan")), in("psn"), list.Append(nil), mti, code, ""}
	}
	t.Fatalf("no case %s in %s", id, file)
	return published{}
}

func allPublished(t testing.TB) []published {
	request, advice := iso8583.AuthorisationRequest, iso8583.FinancialAdvice
	return []published{
		worked(), workedCVN10(),
		fromVectors(t, "ac_visa", "ac_visa-014", emv.SchemeVisa, "06010A03A4B800", 0x80, request, Approved),
		fromVectors(t, "ac_visa", "ac_visa-016", emv.SchemeVisa, "", 0x80, request, Approved),
		fromVectors(t, "ac_mastercard", "ac_mastercard-012", emv.SchemeMastercard, "", 0x80, request, Approved),
		fromVectors(t, "ac_mastercard", "ac_mastercard-013", emv.SchemeMastercard, "", 0x00, request, DoNotHonour),
		fromVectors(t, "unionpay_pboc", "unionpay_pboc-008", emv.SchemeUnionPay, "", 0x40, advice, Approved),
	}
}

// bank makes a bank with the published key, and an account and card for it.
func (p published) bank(t testing.TB) *bank {
	t.Helper()
	c, err := parseChip(p.icc)
	require.NoError(t, err)
	iad, err := emv.ParseIAD(p.scheme, c.elements.IAD)
	require.NoError(t, err)
	currency, err := emv.BCD(c.elements.Currency[:])
	require.NoError(t, err)
	config := testConfig()
	config.KeySets = []KeySet{
		{Name: "published", Scheme: p.scheme, DKI: iad.DKI, AC: tdes(p.imk), Method: cryptogram.OptionA},
		{Name: "another", Scheme: p.scheme, DKI: iad.DKI + 1, AC: tdes("00112233445566778899AABBCCDDEEFF"), Method: cryptogram.OptionA},
	}
	config.Ranges = []Range{{Prefix: string(p.pan[:8]), Length: len(p.pan), Scheme: p.scheme, Kind: Card, KeySets: []string{"published", "another"}}}
	b := &bank{t: t, store: NewMemory(), now: testTime}
	b.Issuer, err = New(config, b.store, Env{Now: func() time.Time { return b.now }, Rand: rand.NewChaCha8([32]byte{})})
	require.NoError(t, err)
	_, err = b.Install(context.Background(), Setup{
		Accounts: []NewAccount{{ID: "A", Currency: uint16(currency), Balance: 500_00}},
		Cards:    []NewCard{{PAN: p.pan, PSN: p.psn, Expiry: "4912", ServiceCode: "201", Account: "A"}},
	})
	require.NoError(t, err)
	return b
}

func (p published) message(t testing.TB, stan int) *iso8583.Message {
	t.Helper()
	c, err := parseChip(p.icc)
	require.NoError(t, err)
	amount, err := emv.BCD(c.elements.Amount[:])
	require.NoError(t, err)
	currency, err := emv.BCD(c.elements.Currency[:])
	require.NoError(t, err)
	minor := int64(amount)
	return &iso8583.Message{
		MTI: p.mti, PAN: string(p.pan), ProcessingCode: "000000", Amount: &minor, TransmissionTime: "0101120000", STAN: fmt.Sprintf("%06d", stan),
		EntryMode: "071", PANSequence: "0" + p.psn, TerminalID: "TAPSIM01", MerchantID: "TAPSIM-MERCH-01",
		Currency: fmt.Sprintf("%03d", currency), ICCData: p.icc,
	}
}

func TestPublishedCryptogramsVerify(t *testing.T) {
	for _, p := range allPublished(t) {
		b := p.bank(t)
		answer, report := b.handle(p.message(t, 1))
		step := report.find(stepCryptogram)
		require.Equal(t, OK, step.Result, "%s: %s", p.name, step.Text)
		require.Equal(t, OK, report.Cryptogram, p.name)
		require.Equal(t, string(p.code), answer.ResponseCode, "%s: %+v", p.name, report.Steps)
		if p.answer != "" {
			require.Equal(t, unhex(p.answer), answer.ICCData, p.name)
		}
		b.audit()
	}
}

// TestOneChangedByteIsFound changes one byte of each element of each published
// cryptogram: the check must fail and name the element and the byte.
func TestOneChangedByteIsFound(t *testing.T) {
	for _, p := range allPublished(t) {
		for n, tag := range mandatoryTags[:11] {
			list, err := emv.ParseList(p.icc)
			require.NoError(t, err)
			right, _ := list.Lookup(tag)
			at := len(right) - 1
			if tag == emv.TagIAD {
				at = 4 // in all layouts, part of the card verification results
			}
			wrong := append([]byte(nil), right...)
			wrong[at] ^= 0x29
			changed := p
			changed.icc = replaceValue(t, p.icc, tag, wrong)
			m := p.message(t, 1)
			m.ICCData = changed.icc
			answer, report := p.bank(t).handle(m)
			step := report.find(stepCryptogram)
			where := fmt.Sprintf("%s, %s: %s", p.name, tag, step.Text)
			require.Equal(t, Failed, step.Result, where)
			require.Nil(t, answer.ICCData, where)
			if !kindOf(p.mti).advice {
				require.NotEqual(t, "00", answer.ResponseCode, where)
			}
			require.True(t, named(step.Text, tag, elementNames[n], right), where)
		}
	}
}

// elementNames are what a diagnosis calls the mandatory elements.
var elementNames = [...]string{
	"amount", "other amount", "terminal country", "TVR", "currency", "date", "transaction type", "unpredictable number", "AIP", "counter",
	"issuer application data",
}

// named is true when a diagnosis names the element and its right value. Zeros
// and neighbouring values have names of their own.
func named(text string, tag emv.Tag, name string, right []byte) bool {
	_, diagnosis, _ := strings.Cut(text, "It fits: ")
	for _, words := range []string{
		fmt.Sprintf("%s %X", tag, right), name + " of zeros", tag.String() + " of zeros", "transaction type 00",
	} {
		if strings.HasPrefix(diagnosis, words) {
			return true
		}
	}
	return false
}

func replaceValue(t testing.TB, icc []byte, tag emv.Tag, value []byte) []byte {
	t.Helper()
	list, err := emv.ParseList(icc)
	require.NoError(t, err)
	list = append(emv.List(nil), list...)
	list.Set(tag, value)
	return list.Append(nil)
}

// TestDiagnosisNamesTheDeviation makes cryptograms the way that hosts and cards
// get them wrong; the worked example's card is the right one.
func TestDiagnosisNamesTheDeviation(t *testing.T) {
	p := worked()
	c, err := parseChip(p.icc)
	require.NoError(t, err)
	right, err := cryptogram.RecipeFor(emv.SchemeVisa, c.elements.IAD)
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		imk  string
		psn  string
		make func(*cryptogram.Recipe, *cryptogram.Elements)
		want string
	}{
		{"padding", p.imk, "01", func(r *cryptogram.Recipe, _ *cryptogram.Elements) { r.Padding = cryptogram.Padding1 }, "padding method 1 instead of 2"},
		{"session key", p.imk, "01", func(r *cryptogram.Recipe, _ *cryptogram.Elements) { r.Session = cryptogram.SessionNone }, "session key by method none instead of csk"},
		{"sequence number", p.imk, "00", func(*cryptogram.Recipe, *cryptogram.Elements) {}, "card key for PAN sequence number 00 instead of 01"},
		{"key set", "00112233445566778899AABBCCDDEEFF", "01", func(*cryptogram.Recipe, *cryptogram.Elements) {}, "key set another (derivation key index 02) instead of published"},
		{"key set and padding", "00112233445566778899AABBCCDDEEFF", "01", func(r *cryptogram.Recipe, _ *cryptogram.Elements) { r.Padding = cryptogram.Padding1 },
			"key set another (derivation key index 02) instead of published, padding method 1 instead of 2"},
		{"counter", p.imk, "01", func(_ *cryptogram.Recipe, e *cryptogram.Elements) { e.ATC += 5 }, "9F36 0006 (a later counter) instead of 0001"},
		{"date of field 13", p.imk, "01", func(_ *cryptogram.Recipe, e *cryptogram.Elements) { e.Date = [3]byte{0x30, 0x02, 0x03} }, "9A 300203 (the date of field 13) instead of 260115"},
		{"type of field 3 and zero date", p.imk, "01", func(_ *cryptogram.Recipe, e *cryptogram.Elements) { e.Type, e.Date = 9, [3]byte{} },
			"9C 09 (the type of field 3) instead of 00, 9A 000000 (zeros) instead of 260115"},
		{"country of field 19", p.imk, "01", func(_ *cryptogram.Recipe, e *cryptogram.Elements) { e.TerminalCountry = [2]byte{0x02, 0x76} },
			"9F1A 0276 (the country of field 19) instead of 0840"},
		{"cashback of field 54", p.imk, "01", func(_ *cryptogram.Recipe, e *cryptogram.Elements) { e.AmountOther = [6]byte{4: 0x05} },
			"9F03 000000000500 (the cashback of field 54) instead of 000000000000"},
		{"unknown key", "FFEEDDCCBBAA99887766554433221100", "01", func(*cryptogram.Recipe, *cryptogram.Elements) {}, "No usual mistake"},
	} {
		r, e := right, c.elements
		test.make(&r, &e)
		card, err := cryptogram.DeriveCardKey(tdes(test.imk), cryptogram.OptionA, string(p.pan), test.psn)
		require.NoError(t, err)
		ac, err := r.Generate(card, &e)
		require.NoError(t, err)
		m := p.message(t, 1)
		m.LocalDate, m.ProcessingCode, m.AcquirerCountry, m.AdditionalAmounts = "0203", "090000", "276", "0040840D000000000500"
		m.ICCData = replaceValue(t, p.icc, emv.TagCryptogram, ac[:])
		answer, report := p.bank(t).handle(m)
		require.Equal(t, string(SecurityViolation), answer.ResponseCode, test.name) // field 3 and 9C differ
		require.Equal(t, Failed, report.Cryptogram, test.name)
		require.Contains(t, report.find(stepCryptogram).Text, test.want, test.name)
	}
}

// TestDamagedCryptogram changes a byte of the cryptogram itself.
func TestDamagedCryptogram(t *testing.T) {
	p := worked()
	m := p.message(t, 1)
	m.ICCData = replaceValue(t, p.icc, emv.TagCryptogram, unhex("27552E9226B3CC96"))
	answer, report := p.bank(t).handle(m)
	require.Equal(t, string(WrongCryptogram), answer.ResponseCode)
	require.Contains(t, report.find(stepCryptogram).Text, "byte 8 of 9F26 being 95 instead of 96")
}

// TestWrongRecipeByte changes the byte of the issuer application data that
// names the key, so that the bank does not even know what to compute.
func TestWrongRecipeByte(t *testing.T) {
	p := worked()
	m := p.message(t, 1)
	m.ICCData = replaceValue(t, p.icc, emv.TagIAD, unhex("06771203A00000"))
	_, report := p.bank(t).handle(m)
	step := report.find(stepCryptogram)
	require.Contains(t, step.Text, "derivation key index 77: range 476173** has the key sets published (01), another (02)")
	require.Contains(t, step.Text, "It fits: 9F10 06011203A00000, byte 2 being 01 instead of 77")
}

// TestReportShowsTheCheck pins what the report says about the worked example.
func TestReportShowsTheCheck(t *testing.T) {
	p := worked()
	_, report := p.bank(t).handle(p.message(t, 1))
	details := map[string]string{}
	for _, d := range report.find(stepCryptogram).Details {
		details[d.Name] = d.Value
	}
	require.Equal(t, "published", details["key set"])
	require.Equal(t, "Visa CVN 18", details["recipe"])
	require.Equal(t, "000000001500", details["9F02 amount, authorised"])
	require.Equal(t, "1A2B3C4D", details["9F37 unpredictable number"])
	require.Equal(t, "06011203A00000", details["9F10 issuer application data"])
	require.Equal(t, "27552E9226B3CC95", details["expected"])
	require.Equal(t, "27552E9226B3CC95", details["received"])
	text, err := json.Marshal(report)
	require.NoError(t, err)
	for _, secret := range []string{string(p.pan), p.imk, "80A89B585BBF64C2F12915BF578FABE0", "3819C2D5A7A1A70729B5E923E6A89D7F"} {
		require.NotContains(t, strings.ToUpper(string(text)), secret)
	}
	require.Contains(t, string(text), p.pan.Masked())
	require.NotContains(t, string(text), string(p.pan[:7]), "the range leaves no more to see than the masked number")
}
