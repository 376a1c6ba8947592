package hce_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram/oda"
	"tapsim/cryptogram/oda/testca"
	"tapsim/emv"
	"tapsim/hce"
)

// ask is GET PROCESSING OPTIONS for the PDOL of the built-in cards, with more
// values behind it.
func ask(ttq, amount, currency, txType, more string) string {
	values := unhex(ttq + amount + "000000000000 0276 0000000000" + currency + "300101" + txType + "1A2B3C4D" + more)
	return fmt.Sprintf("80A80000%02X83%02X%X00", len(values)+2, len(values), values)
}

// ttqOnline asks for an online cryptogram; the others are in hce_test.go.
const ttqOnline = "36804000"

// TestRisk is a row per rule of card risk management: what was approved before,
// what the reader says, and what comes out. The card's limits are those of
// visa-plastic-offline.
func TestRisk(t *testing.T) {
	used := func(count byte, amount int64) hce.OfflineState { return hce.OfflineState{Count: count, Amount: amount} }
	next, abroad := hce.OfflineState{OnlineNext: true}, hce.OfflineState{Abroad: 2, Amount: 10_00, Count: 1}
	none := hce.OfflineState{}
	for _, c := range []struct {
		name    string
		before  hce.OfflineState
		command string
		status  apdu.Status
		kind    emv.CryptogramType
		ctq     string
		cvr     string
		after   hce.OfflineState
		reason  hce.Reason
	}{
		{"within the limits", none, ask(ttqPlain, "000000001250", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(1, 12_50), hce.ReasonNone},
		{"the reader wants to go online", none, ask(ttqOnline, "000000001250", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"the issuer wants to see the next one", next, ask(ttqPlain, "000000001250", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A00000", next, hce.ReasonNone},
		{"the same, the reader cannot", next, ask(ttqOffline, "000000001250", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03800000", next, hce.ReasonOfflineReader},
		{"one transaction, at the limit", none, ask(ttqPlain, "000000002500", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(1, 25_00), hce.ReasonNone},
		{"one transaction, above it", none, ask(ttqPlain, "000000002501", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A02000", none, hce.ReasonNone},
		{"the same, the reader cannot go online", none, ask(ttqOffline, "000000002501", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03802000", none, hce.ReasonRisk},
		{"number, at the lower limit", used(2, 2), ask(ttqPlain, "000000000001", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(3, 3), hce.ReasonNone},
		{"number, above the lower limit", used(3, 3), ask(ttqPlain, "000000000001", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A02000", used(3, 3), hce.ReasonNone},
		{"the same, the reader cannot go online", used(3, 3), ask(ttqOffline, "000000000001", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(4, 4), hce.ReasonNone},
		{"number, above the upper limit", used(5, 5), ask(ttqOffline, "000000000001", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03802000", used(5, 5), hce.ReasonRisk},
		{"number, the highest that counts", used(255, 5), ask(ttqOffline, "000000000001", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03802000", used(255, 5), hce.ReasonRisk},
		{"amount, at the lower limit", used(1, 37_50), ask(ttqPlain, "000000001250", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(2, 50_00), hce.ReasonNone},
		{"amount, above the lower limit", used(1, 37_51), ask(ttqPlain, "000000001250", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A02000", used(1, 37_51), hce.ReasonNone},
		{"the same, the reader cannot go online", used(1, 37_51), ask(ttqOffline, "000000001250", "0978", "00", ""), 0x9000, emv.TC, "2840", "03900000", used(2, 50_01), hce.ReasonNone},
		{"amount, above the upper limit", used(1, 87_51), ask(ttqOffline, "000000001250", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03802000", used(1, 87_51), hce.ReasonRisk},
		{"nothing to pay", none, ask(ttqPlain, "000000000000", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"an amount that is no number", none, ask(ttqPlain, "00000000125A", "0978", "00", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"cash", none, ask(ttqPlain, "000000001250", "0978", "01", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"cashback", none, ask(ttqPlain, "000000001250", "0978", "09", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"refund", none, ask(ttqPlain, "000000001250", "0978", "20", ""), 0x9000, emv.ARQC, "2840", "03A00000", none, hce.ReasonNone},
		{"abroad, above the lower limit", none, ask(ttqPlain, "000000001250", "0840", "00", ""), 0x9000, emv.ARQC, "2840", "03A02000", none, hce.ReasonNone},
		{"abroad, the reader cannot go online", none, ask(ttqOffline, "000000999999", "0840", "00", ""), 0x9000, emv.TC, "2840", "03900000", hce.OfflineState{Abroad: 1}, hce.ReasonNone},
		{"abroad, above the upper limit", abroad, ask(ttqOffline, "000000001250", "0840", "00", ""), 0x9000, emv.AAC, "2840", "03802000", abroad, hce.ReasonRisk},
		{"a PIN is for the issuer", none, ask(ttqCVM, "000000001250", "0978", "00", ""), 0x9000, emv.ARQC, "A840", "03A00000", none, hce.ReasonNone},
		{"a signature is not", none, ask("32404000", "000000001250", "0978", "00", ""), 0x9000, emv.TC, "6840", "03900000", used(1, 12_50), hce.ReasonNone},
		{"a PIN that cannot be asked for, then a signature", none, ask("2E404000", "000000001250", "0978", "00", ""), 0x9000, emv.TC, "6840", "03900000", used(1, 12_50), hce.ReasonNone},
		{"no verification in common, but contacts", none, ask("38404000", "000000001250", "0978", "00", ""), 0x6984, 0, "", "", none, hce.ReasonNoCommonCVM},
		{"no verification in common", none, ask("28404000", "000000001250", "0978", "00", ""), 0x9000, emv.AAC, "2840", "03800000", none, hce.ReasonNoCommonCVM},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := builtIn(t, "visa-plastic-offline", nil)
			s := card.State()
			s.Offline = c.before
			require.NoError(t, card.Restore(s))
			send(t, card, selectVisa)
			sw, answer := send(t, card, c.command)
			require.Equal(t, c.status, sw)
			tap, _ := card.Last()
			require.Equal(t, c.reason, tap.Reason)
			require.Equal(t, c.after, card.State().Offline)
			if !sw.OK() {
				return
			}
			require.Equal(t, c.kind, tap.Cryptogram)
			require.Equal(t, []byte{byte(c.kind)}, find(t, answer, emv.TagCID))
			require.Equal(t, unhex(c.ctq), find(t, answer, emv.TagCTQ))
			require.Equal(t, unhex(c.cvr), find(t, answer, emv.TagIAD)[3:7])
			balance, _ := emv.BCD(find(t, answer, emv.TagAOSA))
			require.Equal(t, uint64(max(0, 100_00-c.after.Amount)), balance)
		})
	}
}

// genuine reads what an answer names, walks from the test CA's key to the card's
// and verifies the signature over a purchase of 12.50.
func genuine(t *testing.T, c *hce.Card, p *hce.Profile, answer []byte, version byte) {
	t.Helper()
	data := emv.List{}
	objects := func(template []byte, tag emv.Tag) {
		body, ok := emv.Find(template, tag)
		require.True(t, ok)
		list, err := emv.ParseList(body)
		require.NoError(t, err)
		for _, o := range list {
			_, twice := data.Lookup(o.Tag)
			require.False(t, twice, "%s stands twice", o.Tag)
			data = append(data, o)
		}
	}
	if body, ok := emv.Find(answer, emv.TagResponseFormat1); ok {
		data = emv.List{{Tag: emv.TagAIP, Value: body[:2]}, {Tag: emv.TagAFL, Value: body[2:]}}
	} else {
		objects(answer, emv.TagResponseFormat2)
	}
	value := func(tag emv.Tag) []byte { v, _ := data.Lookup(tag); return v }
	afl, err := emv.ParseAFL(value(emv.TagAFL))
	require.NoError(t, err)
	read := func(sfi, n byte) ([]byte, bool) {
		sw, record := send(t, c, fmt.Sprintf("00B2%02X%02X00", n, sfi<<3|4))
		return record, sw.OK()
	}
	for _, e := range afl {
		for n := e.First; n <= e.Last; n++ {
			record, ok := read(e.SFI, n)
			require.True(t, ok)
			objects(record, emv.TagRecord)
		}
	}
	static, err := oda.StaticData(afl, read, value(emv.TagSDATagList), value(emv.TagAIP))
	require.NoError(t, err)
	chain := oda.Card{RID: [5]byte(p.Applications[0].AID), PAN: string(p.Account.PAN), Data: data, Static: static, Today: emv.DateOf(now)}
	issuer, err := chain.IssuerKey(testca.CAKeys())
	require.NoError(t, err)
	icc, err := chain.ICCKey(issuer)
	require.NoError(t, err)
	related := value(emv.TagCardAuthData)
	require.Equal(t, version, related[0])
	if version == 1 {
		require.Equal(t, append([]byte{1, 0xC5, 0xC5, 0xC5, 0xC5}, value(emv.TagCTQ)...), related[:7], "version, the card's number, a copy of the CTQ")
	}
	un, amount, currency := unhex("1A2B3C4D"), unhex("000000001250"), unhex("0978")
	got, err := oda.VerifyFDDA(icc, value(emv.TagSDAD), un, amount, currency, related)
	require.NoError(t, err)
	require.Equal(t, append([]byte{2}, value(emv.TagATC)...), got.DynamicData)
	amount[5]++
	_, err = oda.VerifyFDDA(icc, value(emv.TagSDAD), un, amount, currency, related)
	require.Equal(t, version == 1, err != nil, "version 01 signs the amount, 00 does not")
	un[0]++
	_, err = oda.VerifyFDDA(icc, value(emv.TagSDAD), un, unhex("000000001250"), currency, related)
	require.Error(t, err)
}

// TestSignatures: every card that signs passes for genuine, with certificates of
// the test CA, in each way in which it answers.
func TestSignatures(t *testing.T) {
	const odaOnline = "37804000"
	selectDebit := "00A4040008A00000033301010100"
	for _, c := range []struct {
		card, selects, command string
		version                byte
	}{
		{"visa-plastic-offline", selectVisa, ask(ttqPlain, "000000001250", "0978", "00", ""), 1},
		{"visa-plastic-offline", selectVisa, ask(odaOnline, "000000001250", "0978", "00", ""), 1},
		{"visa-plastic-expired", selectVisa, ask(ttqOffline, "000000001250", "0978", "00", ""), 1},
		{"visa-plastic-fdda", selectVisa, ask(odaOnline, "000000001250", "0978", "00", ""), 1},
		{"unionpay-plastic-ecash", selectDebit, ask("28000080", "000000001250", "0978", "00", "01"), 1},
		{"unionpay-plastic-ecash", selectDebit, ask("28000000", "000000001250", "0978", "00", "01"), 0},
	} {
		t.Run(c.card+" "+c.command[14:22], func(t *testing.T) {
			p := load(t, c.card)
			card := builtIn(t, c.card, func(p *hce.Profile) { // the certificates of one that has expired would have, too
				p.Account.Expiry, p.Account.Track2.Expiry = "4912", "4912"
			})
			send(t, card, c.selects)
			sw, answer := send(t, card, c.command)
			require.Equal(t, apdu.StatusOK, sw)
			genuine(t, card, &p, answer, c.version)
		})
	}
}

// TestRecordsOfATransaction: a record with values of the transaction is there
// from GET PROCESSING OPTIONS on, the same however often it is read, until the
// card is selected again or loses the reader.
func TestRecordsOfATransaction(t *testing.T) {
	const related, certificate = "00B2041400", "00B2011400"
	card := builtIn(t, "visa-plastic-offline", nil)
	send(t, card, selectVisa)
	sw, _ := send(t, card, related)
	require.Equal(t, apdu.StatusConditions, sw)
	sw, _ = send(t, card, certificate)
	require.Equal(t, apdu.StatusOK, sw, "others may be read before")
	send(t, card, gpo(ttqPlain, "0978", "00"))
	_, first := send(t, card, related)
	_, second := send(t, card, related)
	require.Equal(t, first, second)
	require.NotEmpty(t, first)
	send(t, card, selectVisa)
	sw, _ = send(t, card, related)
	require.Equal(t, apdu.StatusConditions, sw)
	send(t, card, ask(ttqOnline, "000000001250", "0978", "00", ""))
	sw, _ = send(t, card, related)
	require.Equal(t, apdu.StatusConditions, sw, "the online answer names no records")
}

// TestCannotSign: a key that fails ends in 6F00, and nothing was approved.
func TestCannotSign(t *testing.T) {
	p := load(t, "visa-plastic-offline")
	authenticate(t, &p)
	p.Authentication.Signer = failing{p.Authentication.Signer}
	card, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
	require.NoError(t, err)
	send(t, card, selectVisa)
	for _, rand := range []string{"no randomness", "no signature"} {
		s := card.State()
		sw, data := send(t, card, gpo(ttqPlain, "0978", "00"))
		require.Equal(t, apdu.StatusUnknown, sw, rand)
		require.Empty(t, data)
		require.Equal(t, s.Offline, card.State().Offline)
		tap, _ := card.Last()
		require.Equal(t, hce.ReasonFault, tap.Reason)
		e := env(hce.CardKey(p.CardKey)...)
		e.Rand = constant(1)
		card, err = hce.New(p, e)
		require.NoError(t, err)
		send(t, card, selectVisa)
	}
}

type failing struct{ oda.Signer }

func (failing) Sign([]byte) ([]byte, error) { return nil, fmt.Errorf("no") }
