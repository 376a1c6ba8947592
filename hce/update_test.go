package hce_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
)

// bankOf is the issuer of a card that takes updates: it answers the card's last
// online request.
type bankOf struct {
	t      *testing.T
	recipe cryptogram.Recipe
	key    *cryptogram.Key // of the card
	script *cryptogram.Key
	atc    uint16
	ac     cryptogram.Cryptogram
	sent   int // script commands
}

// requested makes a card ask for an online approval, and its bank.
func requested(t *testing.T, name, selects, command string) (*hce.Card, *bankOf) {
	t.Helper()
	p := load(t, name)
	card := builtIn(t, name, nil)
	b := &bankOf{t: t, key: p.CardKey}
	if p.QPBOC != nil {
		b.script = p.QPBOC.Update.ScriptKey
	} else {
		b.script = p.QVSDC.Update.ScriptKey
	}
	b.request(card, selects, command)
	return card, b
}

func (b *bankOf) request(card *hce.Card, selects, command string) {
	b.t.Helper()
	send(b.t, card, selects)
	sw, answer := send(b.t, card, command)
	require.Equal(b.t, apdu.StatusOK, sw)
	iad := find(b.t, answer, emv.TagIAD)
	scheme := emv.SchemeVisa
	if len(iad) > 7 {
		scheme = emv.SchemeUnionPay
	}
	var err error
	b.recipe, err = cryptogram.RecipeFor(scheme, iad)
	require.NoError(b.t, err)
	b.atc, b.ac, b.sent = card.ATC(), cryptogram.Cryptogram(find(b.t, answer, emv.TagCryptogram)), 0
	card.Deactivated(hce.LinkLoss)
	send(b.t, card, selects)
}

// authenticate is EXTERNAL AUTHENTICATE with an authentic answer.
func (b *bankOf) authenticate(a cryptogram.IssuerAnswer) string {
	b.t.Helper()
	session, err := b.recipe.SessionKey(b.key, &cryptogram.Elements{ATC: b.atc})
	require.NoError(b.t, err)
	data, err := b.recipe.IssuerAuthentication(b.key, session, b.ac, a)
	require.NoError(b.t, err)
	return fmt.Sprintf("00820000%02X%X", len(data), data)
}

func approved() cryptogram.IssuerAnswer {
	return cryptogram.IssuerAnswer{ResponseCode: [2]byte{'0', '0'}, CSU: [4]byte{0, 0x82}}
}

// command is a script command with its MAC, of which so many bytes are sent.
func (b *bankOf) command(header string, data string, mac int) string {
	b.t.Helper()
	rules, ok := b.recipe.Script.Rules()
	require.True(b.t, ok)
	session, err := rules.SessionKey(b.script, b.atc, b.ac, b.sent)
	require.NoError(b.t, err)
	values := unhex(data)
	head := append(unhex(header), byte(len(values)+mac))
	full, err := rules.MAC(session, [5]byte(head), b.atc, b.ac, values)
	require.NoError(b.t, err)
	return fmt.Sprintf("%X%X%X", head, values, full[:mac])
}

const (
	block   = "841E0000"
	unblock = "84180000"
	putCash = "04DA9F79"
)

var online = ask(ttqOnline, "000000001250", "0978", "00", "")

// TestIssuerAnswers: what an authentic answer does to a card that has approved
// much offline, by card status update (cryptogram version 18).
func TestIssuerAnswers(t *testing.T) {
	full := hce.OfflineState{Count: 4, Abroad: 1, Amount: 80_00, OnlineNext: true}
	for name, c := range map[string]struct {
		csu   byte
		lock  hce.Lock
		after hce.OfflineState
	}{
		"no update":         {0x80, hce.LockNone, hce.OfflineState{Count: 4, Abroad: 1, Amount: 80_00}},
		"reset":             {0x82, hce.LockNone, hce.OfflineState{}},
		"up to the limits":  {0x81, hce.LockNone, hce.OfflineState{Count: 5, Abroad: 2, Amount: 100_00}},
		"online next time":  {0x88, hce.LockNone, full},
		"application block": {0xA0, hce.LockBlocked, hce.OfflineState{Count: 4, Abroad: 1, Amount: 80_00}},
		"card block":        {0x40, hce.LockBlocked, hce.OfflineState{Count: 4, Abroad: 1, Amount: 80_00}},
	} {
		t.Run(name, func(t *testing.T) {
			card, b := requested(t, "visa-plastic-offline", selectVisa, online)
			s := card.State()
			s.Offline = full
			require.NoError(t, card.Restore(s))
			before := card.Revision()
			sw, data := send(t, card, b.authenticate(cryptogram.IssuerAnswer{CSU: [4]byte{0, c.csu}}))
			require.Equal(t, apdu.StatusOK, sw)
			require.Empty(t, data)
			require.Equal(t, c.after, card.State().Offline)
			require.Equal(t, c.lock, card.State().Lock)
			require.NotEqual(t, before, card.Revision(), "it must outlive the program")
		})
	}
}

// TestResponseCodes: where the answer has a response code in place of an update,
// an approval resets the counters; a purse keeps its money.
func TestResponseCodes(t *testing.T) {
	for code, resets := range map[string]bool{"00": true, "10": true, "11": true, "05": false, "51": false} {
		card, b := requested(t, "unionpay-plastic-ecash", selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		s := card.State()
		s.Offline = hce.OfflineState{Amount: 70_00, OnlineNext: true}
		require.NoError(t, card.Restore(s))
		sw, _ := send(t, card, b.authenticate(cryptogram.IssuerAnswer{ResponseCode: [2]byte{code[0], code[1]}}))
		require.Equal(t, apdu.StatusOK, sw)
		require.Equal(t, hce.OfflineState{Amount: 70_00, OnlineNext: !resets}, card.State().Offline, code)
	}
}

// TestExternalAuthenticate: one answer for each online request, and none for
// anything else.
func TestExternalAuthenticate(t *testing.T) {
	card, b := requested(t, "visa-plastic-offline", selectVisa, online)
	right := b.authenticate(approved())
	wrong := right[:len(right)-1] + map[bool]string{true: "1", false: "0"}[right[len(right)-1] == '0']
	for _, c := range []struct {
		command string
		want    apdu.Status
	}{
		{"0082000108" + right[10:], 0x6A86}, {"0082010008" + right[10:], 0x6A86}, {"0082000007" + right[10:24], 0x6700},
		{"0082000011" + right[10:] + "000000000000000000", 0x6700}, {"8082" + right[4:], 0x6E00},
	} {
		sw, _ := send(t, card, c.command)
		require.Equal(t, c.want, sw, c.command)
	}
	card.Deactivated(hce.LinkLoss)
	sw, _ := send(t, card, right)
	require.Equal(t, apdu.StatusConditions, sw, "nothing is selected")
	send(t, card, selectVisa)
	torn := card.State()
	sw, _ = send(t, card, right)
	require.Equal(t, apdu.StatusOK, sw)
	sw, _ = send(t, card, right)
	require.Equal(t, apdu.StatusConditions, sw, "once")

	require.NoError(t, card.Restore(torn))
	sw, _ = send(t, card, wrong)
	require.Equal(t, apdu.StatusAuthenticationFailed, sw)
	sw, _ = send(t, card, right)
	require.Equal(t, apdu.StatusConditions, sw, "a wrong one counts")
	b.request(card, selectVisa, online)
	_, answer := send(t, card, online)
	require.Equal(t, unhex("03A00800"), find(t, answer, emv.TagIAD)[3:7], "the card tells that the last answer was not authentic")
	card.Deactivated(hce.LinkLoss)
	send(t, card, selectVisa)
	sw, _ = send(t, card, b.authenticate(approved()))
	require.Equal(t, apdu.StatusAuthenticationFailed, sw, "an answer to the request before this one")

	b.request(card, selectVisa, online)
	send(t, card, gpo(ttqPlain, "0978", "00"))
	card.Deactivated(hce.LinkLoss)
	send(t, card, selectVisa)
	sw, _ = send(t, card, b.authenticate(approved()))
	require.Equal(t, apdu.StatusConditions, sw, "another transaction came between")

	sw, _ = send(t, newPlastic(t, nil), right)
	require.Equal(t, apdu.StatusInstruction, sw, "a card without updates does not know the command")
}

// TestScripts: block, unblock, put money into the purse; each with a MAC.
func TestScripts(t *testing.T) {
	t.Run("block and unblock", func(t *testing.T) {
		card, b := requested(t, "visa-plastic-offline", selectVisa, online)
		sw, _ := send(t, card, b.command(block, "", 8))
		require.Equal(t, apdu.StatusOK, sw)
		sw, fci := send(t, card, selectVisa)
		require.Equal(t, apdu.StatusInvalidated, sw)
		require.NotEmpty(t, fci)
		sw, _ = send(t, card, online)
		require.Equal(t, apdu.StatusConditions, sw)
		sw, _ = send(t, card, b.authenticate(approved()))
		require.Equal(t, apdu.StatusConditions, sw, "a blocked card takes no answer")
		sw, _ = send(t, card, b.command(unblock, "", 4))
		require.Equal(t, apdu.StatusOK, sw, "four bytes of the MAC do")
		sw, _ = send(t, card, selectVisa)
		require.Equal(t, apdu.StatusOK, sw)
		_, answer := send(t, card, online)
		require.Equal(t, unhex("03A00020"), find(t, answer, emv.TagIAD)[3:7], "two script commands")
	})
	t.Run("money for the purse", func(t *testing.T) {
		card, b := requested(t, "unionpay-plastic-ecash", selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		sw, _ := send(t, card, b.command(putCash, "000000050000", 4))
		require.Equal(t, apdu.StatusOK, sw, "up to its limit")
		_, balance := send(t, card, "80CA9F7900")
		require.Equal(t, unhex("9F7906000000050000"), balance)
		for _, amount := range []string{"000000050001", "00000000000A"} {
			sw, _ = send(t, card, b.command(putCash, amount, 4))
			require.Equal(t, apdu.StatusWrongData, sw)
		}
		_, again := send(t, card, "80CA9F7900")
		require.Equal(t, balance, again)
		_, answer := send(t, card, ask("24800080", "000000001250", "0978", "00", "01"))
		require.Equal(t, unhex("03A00038"), find(t, answer, emv.TagIAD)[3:7], "three commands, one of which failed")
	})
	t.Run("refused", func(t *testing.T) {
		card, b := requested(t, "visa-plastic-offline", selectVisa, online)
		right := b.command(block, "", 8)
		for command, want := range map[string]apdu.Status{
			right[:len(right)-2] + map[bool]string{true: "01", false: "00"}[right[len(right)-2:] == "00"]: 0x6982,
			b.command("841E0001", "", 8):          0x6A86,
			b.command(block, "", 3):               0x6700,
			b.command(block, "00", 8):             0x6700,
			"841E0000":                            0x6700,
			b.command(putCash, "000000000100", 4): 0x6A88,
			"04" + right[2:]:                      0x6882,
		} {
			sw, _ := send(t, card, command)
			require.Equal(t, want, sw, command)
			require.Equal(t, hce.LockNone, card.State().Lock)
		}
		fresh := builtIn(t, "visa-plastic-offline", nil)
		sw, _ := send(t, fresh, right)
		require.Equal(t, apdu.StatusConditions, sw, "nothing is selected")
		send(t, fresh, selectVisa)
		sw, _ = send(t, fresh, right)
		require.Equal(t, apdu.StatusConditions, sw, "there was no online request")
	})
}

// TestRepeatedScripts: what an eavesdropper has recorded does nothing more, be it
// at once, on the next tap, or after other payments; a purse is filled once.
func TestRepeatedScripts(t *testing.T) {
	const sale = "000000005000"
	paid := []string{ask("28000080", sale, "0978", "00", "01"), "00B2011C00", "00B2011400", "00B2021400", "00B2031400", lastRecord}
	t.Run("purse", func(t *testing.T) {
		card, b := requested(t, "unionpay-plastic-ecash", selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		load := b.command(putCash, "000000010000", 8)
		sw, _ := send(t, card, load)
		require.Equal(t, apdu.StatusOK, sw)
		for _, repeated := range []string{load, "04DA9F790A" + load[10:30]} { // the second with a shorter MAC
			card.Deactivated(hce.LinkLoss)
			send(t, card, selectDebit)
			sw, _ = send(t, card, repeated)
			require.Equal(t, apdu.StatusSecurity, sw)
		}
		for range 2 {
			card.Deactivated(hce.LinkLoss)
			send(t, card, selectDebit)
			for _, command := range paid {
				sw, _ = send(t, card, command)
				require.Equal(t, apdu.StatusOK, sw)
			}
		}
		require.EqualValues(t, 100_00, card.State().Offline.Amount, "empty")
		for range 2 { // a request of its own does not bring it back to life
			sw, _ = send(t, card, load)
			require.False(t, sw.OK(), sw)
			require.EqualValues(t, 100_00, card.State().Offline.Amount)
			b.request(card, selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		}
		sw, _ = send(t, card, b.command(putCash, "000000020000", 8))
		require.Equal(t, apdu.StatusOK, sw, "the bank can fill it again")
		require.EqualValues(t, -100_00, card.State().Offline.Amount)
	})
	t.Run("a payment ends it", func(t *testing.T) {
		card, b := requested(t, "unionpay-plastic-ecash", selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		load := b.command(putCash, "000000050000", 8)
		send(t, card, paid[0]) // the card has not even been read
		sw, _ := send(t, card, load)
		require.Equal(t, apdu.StatusConditions, sw)
	})
	t.Run("blocked", func(t *testing.T) {
		card, b := requested(t, "visa-plastic-offline", selectVisa, online)
		stop, start := b.command(block, "", 8), b.command(unblock, "", 8)
		sw, _ := send(t, card, stop)
		require.Equal(t, apdu.StatusOK, sw)
		card.Deactivated(hce.LinkLoss)
		send(t, card, selectVisa)
		sw, _ = send(t, card, online)
		require.Equal(t, apdu.StatusConditions, sw, "what a blocked application refuses is no transaction")
		card.Deactivated(hce.LinkLoss)
		send(t, card, selectVisa)
		sw, _ = send(t, card, start)
		require.Equal(t, apdu.StatusOK, sw, "unblocked in a fresh tap")
		for _, repeated := range []string{stop, start} {
			sw, _ = send(t, card, repeated)
			require.Equal(t, apdu.StatusSecurity, sw)
			require.Equal(t, hce.LockNone, card.State().Lock)
		}
		send(t, card, online)
		sw, _ = send(t, card, stop)
		require.Equal(t, apdu.StatusSecurity, sw, "another request")
		send(t, card, selectVisa)
		send(t, card, gpo(ttqPlain, "0978", "00"))
		sw, _ = send(t, card, stop)
		require.Equal(t, apdu.StatusConditions, sw, "an approval without the issuer")
	})
	t.Run("so many", func(t *testing.T) {
		card, b := requested(t, "unionpay-plastic-ecash", selectDebit, ask("24800080", "000000001250", "0978", "00", "01"))
		for n := range 16 {
			sw, _ := send(t, card, b.command(putCash, fmt.Sprintf("%012d", n), 8))
			require.Equal(t, n < 15, sw.OK(), n)
		}
	})
}

// TestScriptsOfAnother: a script belongs to one request of one card.
func TestScriptsOfAnother(t *testing.T) {
	card, b := requested(t, "visa-plastic-offline", selectVisa, online)
	old := b.command(block, "", 8)
	b.request(card, selectVisa, online)
	sw, _ := send(t, card, old)
	require.Equal(t, apdu.StatusSecurity, sw)
	_, answer := send(t, card, online)
	require.Equal(t, unhex("03A00008"), find(t, answer, emv.TagIAD)[3:7], "a script failed")
}
