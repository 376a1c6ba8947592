package hce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
)

const (
	selectDebit = "00A4040008A00000033301010100"
	lastRecord  = "00B2041400"
	ttqCash     = "24000080" // EMV mode, online PIN, fDDA version 01
)

// TestPurse is a row per rule of electronic cash: what was paid before, what the
// reader says, and what comes out. The card is unionpay-plastic-ecash: 100.00 in
// the purse, at most 50.00 at once, online below 20.00.
func TestPurse(t *testing.T) {
	const offlineOnly = "28000080"
	for _, c := range []struct {
		name    string
		paid    int64
		command string
		kind    emv.CryptogramType
		cvr     string
		reason  hce.Reason
	}{
		{"in the purse", 0, ask(ttqCash, "000000001250", "0978", "00", "01"), emv.TC, "03900000", hce.ReasonUnread},
		{"the reader takes no electronic cash", 0, ask(ttqCash, "000000001250", "0978", "00", "00"), emv.ARQC, "03A00000", hce.ReasonNone},
		{"the reader wants to go online", 0, ask("24800080", "000000001250", "0978", "00", "01"), emv.ARQC, "03A00000", hce.ReasonNone},
		{"at the limit of one payment", 0, ask(ttqCash, "000000005000", "0978", "00", "01"), emv.TC, "03900000", hce.ReasonUnread},
		{"above it", 0, ask(ttqCash, "000000005001", "0978", "00", "01"), emv.ARQC, "03A02000", hce.ReasonNone},
		{"above it, the reader cannot go online", 0, ask(offlineOnly, "000000005001", "0978", "00", "01"), emv.AAC, "03802000", hce.ReasonRisk},
		{"what is left reaches the threshold", 60_00, ask(ttqCash, "000000002000", "0978", "00", "01"), emv.TC, "03900000", hce.ReasonUnread},
		{"what is left is below it", 60_00, ask(ttqCash, "000000002001", "0978", "00", "01"), emv.ARQC, "03A02000", hce.ReasonNone},
		{"the same, the reader cannot go online", 60_00, ask(offlineOnly, "000000002001", "0978", "00", "01"), emv.TC, "03900000", hce.ReasonUnread},
		{"the last of it", 60_00, ask(offlineOnly, "000000004000", "0978", "00", "01"), emv.TC, "03900000", hce.ReasonUnread},
		{"more than is in it", 60_00, ask(offlineOnly, "000000004001", "0978", "00", "01"), emv.AAC, "03802000", hce.ReasonRisk},
		{"another currency", 0, ask(ttqCash, "000000001250", "0156", "00", "01"), emv.ARQC, "03A00000", hce.ReasonNone},
		{"cash", 0, ask(ttqCash, "000000001250", "0978", "01", "01"), emv.ARQC, "03A00000", hce.ReasonNone},
		{"nothing to pay", 0, ask(ttqCash, "000000000000", "0978", "00", "01"), emv.ARQC, "03A00000", hce.ReasonNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := builtIn(t, "unionpay-plastic-ecash", nil)
			s := card.State()
			s.Offline.Amount = c.paid
			require.NoError(t, card.Restore(s))
			send(t, card, selectDebit)
			sw, answer := send(t, card, c.command)
			require.Equal(t, apdu.StatusOK, sw)
			tap, _ := card.Last()
			require.Equal(t, c.kind, tap.Cryptogram)
			require.Equal(t, c.reason, tap.Reason)
			iad := find(t, answer, emv.TagIAD)
			require.Equal(t, unhex(c.cvr), iad[3:7])
			require.Equal(t, s.Offline, card.State().Offline, "nothing is paid before the last record is read")
			left := 100_00 - c.paid
			if c.kind == emv.TC {
				amount, _ := emv.BCD(tap.Amount[:])
				left -= int64(amount)
			}
			told := emv.AppendBCD(nil, uint64(left), 6)
			require.Equal(t, told, find(t, answer, emv.TagAOSA), "what is left after this payment")
			require.Equal(t, told[1:], iad[10:15])
		})
	}
}

// TestPaidAtTheLastRecord tears a payment after each exchange: the purse has paid
// if and only if the card has given its last record, once, and each balance says
// the same.
func TestPaidAtTheLastRecord(t *testing.T) {
	exchanges := []string{
		selectPPSE, selectDebit, ask(ttqCash, "000000001250", "0978", "00", "01"),
		"00B2011C00", "00B2011400", "00B2021400", "00B2031400", lastRecord, lastRecord, "00B2031400",
	}
	for n := range len(exchanges) + 1 {
		card := builtIn(t, "unionpay-plastic-ecash", nil)
		before := card.Revision()
		for _, command := range exchanges[:n] {
			sw, _ := send(t, card, command)
			require.Equal(t, apdu.StatusOK, sw)
		}
		card.Deactivated(hce.LinkLoss)
		want := int64(0)
		if n >= 8 {
			want = 12_50
		}
		require.Equal(t, hce.OfflineState{Amount: want}, card.State().Offline, "torn after exchange %d", n)
		require.Equal(t, n >= 3, card.Revision() != before)
		send(t, card, selectDebit)
		for _, get := range []string{"80CA9F5D00", "80CA9F7900"} {
			_, balance := send(t, card, get)
			require.Equal(t, emv.AppendBCD(nil, uint64(100_00-want), 6), balance[3:])
		}
		_, limits := send(t, card, "80CA9F7700")
		require.Equal(t, unhex("9F7706000000050000"), limits)

		// What was paid can be read again; what was not paid cannot.
		sw, again := send(t, card, lastRecord)
		require.Equal(t, want != 0, sw.OK())
		if want != 0 {
			code, _ := emv.Find(again, emv.TagRecord, emv.TagECashCode)
			require.Equal(t, []byte("ECC001"), code)
			related, _ := emv.Find(again, emv.TagRecord, emv.TagCardAuthData)
			require.Equal(t, unhex("01C5C5C5C5004000"), related)
		}
		require.Equal(t, want, card.State().Offline.Amount, "and reading it pays nothing")
		send(t, card, exchanges[2])
		card.Deactivated(hce.LinkLoss)
		send(t, card, selectDebit)
		sw, _ = send(t, card, lastRecord)
		require.Equal(t, apdu.StatusConditions, sw, "the next transaction ends that")
	}
}

// TestShortLe: a record that did not fit the answer was not given.
func TestShortLe(t *testing.T) {
	card := builtIn(t, "unionpay-plastic-ecash", nil)
	send(t, card, selectDebit)
	send(t, card, ask(ttqCash, "000000001250", "0978", "00", "01"))
	sw, _ := send(t, card, "00B2041405")
	require.Equal(t, apdu.StatusWrongLength, sw)
	require.Zero(t, card.State().Offline.Amount)
}

// TestPurseHoldsWhatItCan: a state that the purse could not be in is refused.
func TestPurseHoldsWhatItCan(t *testing.T) {
	card := builtIn(t, "unionpay-plastic-ecash", nil)
	for amount, fine := range map[int64]bool{100_00: true, 100_01: false, -400_00: true, -400_01: false} {
		s := card.State()
		s.Offline.Amount = amount
		require.Equal(t, fine, card.Restore(s) == nil, "%d", amount)
	}
}

// TestPublishedUnionPay: a published example of a UnionPay card's answer. Its
// issuer application data hold a balance of 10.00 and a MAC; the cryptogram is
// published with its key, the MAC is not, but comes out under the MAC key of the
// same test issuer. The published account number has a wrong check digit, and only
// the keys need it.
func TestPublishedUnionPay(t *testing.T) {
	p := load(t, "unionpay-plastic-ecash")
	const pan, psn = "6228000100001", "01"
	p.PDOL = unhex("9F66049F02069F03069F1A0295055F2A029A039C019F3704")
	p.QPBOC.MACKey = derived(t, "12B1AC4AF070CC35612BFE2D30AB600D", pan, psn)
	p.IAD = unhex("07000103004002010A01000000000000000000")
	p.QPBOC.ECash.Balance = 10_00
	p.Online.AIP, p.Offline.AIP, p.Declined.AIP = [2]byte{0x7D}, [2]byte{0x7D}, [2]byte{0x7D}
	key := unionpayKey(t, pan, psn)
	p.CardKey = key
	authenticate(t, &p)
	e := env(hce.CardKey(key)...)
	e.Rand = constant(0)
	card, err := hce.New(p, e)
	require.NoError(t, err)
	s := card.State()
	s.ATC = 0x023F
	require.NoError(t, card.Restore(s))
	send(t, card, selectDebit)
	// A reader that wants to go online: the published one is an ARQC.
	_, answer := send(t, card, "80A8000023 8321 24800000 000000000001 000000000000 0156 0080046000 0156 140701 00 1E78EEBC 00")
	require.Equal(t, unhex("07000103A04002010A010000001000D1F61152"), find(t, answer, emv.TagIAD))
	require.Equal(t, unhex("5D016C91005E7CC2"), find(t, answer, emv.TagCryptogram))
}

// TestPublishedSM4: a published cryptogram under SM4, by a card that uses it when
// the terminal asks for it, and 3DES with its own key index otherwise.
func TestPublishedSM4(t *testing.T) {
	p := load(t, "unionpay-plastic-sm4")
	imk, err := cryptogram.NewKey(cryptogram.SM4, unhex("F23BF4AE92B554C116139D4F67322667"))
	require.NoError(t, err)
	p.QPBOC.SM4.Key, err = cryptogram.DeriveCardKey(imk, cryptogram.OptionSM4, "6214988660100000304", "00")
	require.NoError(t, err)
	p.Online.AIP, p.Declined.AIP = [2]byte{0x7D}, [2]byte{0x7D}
	for asked, want := range map[string]string{"01": "07020103A0000004", "00": "07010103A0000001"} {
		card, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
		require.NoError(t, err)
		send(t, card, "00A4040008A00000033301010200")
		_, answer := send(t, card, "80A8000024 8322 24800000 000000000000 000000000000 0156 0000000800 0156 160518 00 412AB4B6"+asked+"00")
		require.Equal(t, unhex(want), find(t, answer, emv.TagIAD))
		ac := find(t, answer, emv.TagCryptogram)
		require.Equal(t, asked == "01", upper(ac) == "179E0D01A7D1791D", "%X", ac)
	}
}

// TestUnionPayPhone: the phone's single-use key is the session key of its counter,
// and a claim that its owner was verified shows in the qualifiers.
func TestUnionPayPhone(t *testing.T) {
	p := load(t, "unionpay-phone")
	card := builtIn(t, "unionpay-phone", nil)
	command := ask("26404000", "000000001250", "0978", "00", "")
	for n := uint16(1); n <= 3; n++ {
		send(t, card, "00A4040008A00000033301010200")
		sw, _ := send(t, card, command)
		require.Equal(t, apdu.StatusNotAllowed, sw, "see phone")
		card.Verified(now.AddDate(0, 0, 1))
		send(t, card, "00A4040008A00000033301010200")
		_, answer := send(t, card, command)
		require.Equal(t, []byte{0, 0x80}, find(t, answer, emv.TagCTQ))
		e := cryptogram.Elements{
			Amount: [6]byte{4: 0x12, 5: 0x50}, TerminalCountry: [2]byte{2, 0x76}, Currency: [2]byte{9, 0x78}, Date: [3]byte{0x30, 1, 1},
			UnpredictableNumber: [4]byte{0x1A, 0x2B, 0x3C, 0x4D}, AIP: p.Online.AIP, ATC: 2 * n, IAD: find(t, answer, emv.TagIAD),
		}
		recipe, err := cryptogram.RecipeFor(emv.SchemeUnionPay, e.IAD)
		require.NoError(t, err)
		want, err := recipe.Generate(unionpayKey(t, p.Account.PAN, "01"), &e)
		require.NoError(t, err)
		require.Equal(t, want[:], find(t, answer, emv.TagCryptogram))
	}
	require.Equal(t, 20-6, card.Remaining(now), "a refused tap burned its counter, and so its key")
}
