package hce_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/hce"
)

// TestDecisions is a row per rule: what the card is, what the reader says, and
// what comes out.
func TestDecisions(t *testing.T) {
	phone := func(edit func(*hce.QVSDC)) func(*testing.T) *hce.Card {
		return func(t *testing.T) *hce.Card {
			return newPhone(t, 5, func(p *hce.Profile) {
				if edit != nil {
					edit(p.QVSDC)
				}
			})
		}
	}
	plastic := func(edit func(*hce.QVSDC)) func(*testing.T) *hce.Card {
		return func(t *testing.T) *hce.Card {
			return newPlastic(t, func(p *hce.Profile) {
				if edit != nil {
					edit(p.QVSDC)
				}
			})
		}
	}
	for _, c := range []struct {
		name     string
		card     func(*testing.T) *hce.Card
		verified bool
		command  string
		want     apdu.Status
		ctq, cvr string // of an answer
		reason   hce.Reason
		cvm      hce.CVM
	}{
		{"phone, small amount", phone(nil), false, gpo(ttqPlain, "0978", "00"), 0x9000, "0000", "00A0000000", hce.ReasonNone, hce.CVMNone},
		{"phone, verified anyway", phone(nil), true, gpo(ttqPlain, "0978", "00"), 0x9000, "0080", "51A4000002", hce.ReasonNone, hce.CVMConsumerDevice},
		{"phone, verification required", phone(nil), false, gpo(ttqCVM, "0978", "00"), 0x6986, "", "", hce.ReasonNotVerified, hce.CVMNone},
		{"phone, required and given", phone(nil), true, gpo(ttqCVM, "0978", "00"), 0x9000, "0080", "51A4000002", hce.ReasonNone, hce.CVMConsumerDevice},
		{"phone, reader takes PIN only", phone(nil), true, gpo(ttqCVMOnlyPIN, "0978", "00"), 0x9000, "0000", "0080000000", hce.ReasonNoCommonCVM, hce.CVMNone},
		{"phone that can use the contact interface", phone(func(q *hce.QVSDC) { q.NoCommonCVM = hce.ReactUseContact }), true, gpo(ttqContact, "0978", "00"), 0x6984, "", "", hce.ReasonNoCommonCVM, hce.CVMNone},
		{"phone, offline-only reader", phone(nil), true, gpo(ttqOffline, "0978", "00"), 0x6985, "", "", hce.ReasonOfflineReader, hce.CVMNone},
		{"phone, offline-only reader, declines", phone(func(q *hce.QVSDC) { q.OfflineOnlyReader = hce.ReactDecline }), false, gpo(ttqOffline, "0978", "00"), 0x9000, "0000", "0080000000", hce.ReasonOfflineReader, hce.CVMNone},
		{"phone that always wants its owner", phone(func(q *hce.QVSDC) { q.Device.Required = hce.Always }), false, gpo(ttqPlain, "0978", "00"), 0x6986, "", "", hce.ReasonNotVerified, hce.CVMNone},
		{"phone that takes a PIN too", phone(func(q *hce.QVSDC) {
			q.CVM, q.OnlinePIN = []hce.CVM{hce.CVMOnlinePIN, hce.CVMConsumerDevice}, hce.Everywhere
		}), false, gpo(ttqCVM, "0978", "00"), 0x9000, "8000", "6EA0000000", hce.ReasonNone, hce.CVMOnlinePIN},
		{"phone that takes a signature too", phone(func(q *hce.QVSDC) { q.CVM = []hce.CVM{hce.CVMSignature, hce.CVMConsumerDevice} }), false, gpo(ttqCVM, "0978", "00"), 0x9000, "4000", "6DA0000000", hce.ReasonNone, hce.CVMSignature},

		{"plastic, small amount", plastic(nil), false, gpo(ttqPlain, "0978", "00"), 0x9000, "0000", "03A00000", hce.ReasonNone, hce.CVMNone},
		{"plastic has no device", plastic(nil), true, gpo(ttqPlain, "0978", "00"), 0x9000, "0000", "03A00000", hce.ReasonNone, hce.CVMNone},
		{"plastic, PIN before signature", plastic(nil), false, gpo(ttqCVM, "0978", "00"), 0x9000, "8000", "03A00000", hce.ReasonNone, hce.CVMOnlinePIN},
		{"plastic, PIN at home only: at home", plastic(func(q *hce.QVSDC) { q.OnlinePIN = hce.Domestic }), false, gpo(ttqCVM, "0978", "00"), 0x9000, "8000", "03A00000", hce.ReasonNone, hce.CVMOnlinePIN},
		{"plastic, PIN at home only: abroad", plastic(func(q *hce.QVSDC) { q.OnlinePIN = hce.Domestic }), false, gpo(ttqCVM, "0840", "00"), 0x9000, "4000", "03A00000", hce.ReasonNone, hce.CVMSignature},
		{"plastic, PIN abroad only: at home", plastic(func(q *hce.QVSDC) { q.OnlinePIN = hce.International }), false, gpo(ttqCVM, "0978", "00"), 0x9000, "4000", "03A00000", hce.ReasonNone, hce.CVMSignature},
		{"plastic, PIN abroad only: abroad", plastic(func(q *hce.QVSDC) { q.OnlinePIN = hce.International }), false, gpo(ttqCVM, "0840", "00"), 0x9000, "8000", "03A00000", hce.ReasonNone, hce.CVMOnlinePIN},
		{"plastic, reader takes devices only", plastic(nil), false, gpo(ttqCVMDevice, "0978", "00"), 0x9000, "0000", "03800000", hce.ReasonNoCommonCVM, hce.CVMNone},
		{"plastic, nothing in common, but contacts", plastic(nil), false, gpo(ttqContact, "0978", "00"), 0x6984, "", "", hce.ReasonNoCommonCVM, hce.CVMNone},
		{"plastic, nothing in common, no contacts", plastic(nil), false, gpo(ttqNothing, "0978", "00"), 0x9000, "0000", "03800000", hce.ReasonNoCommonCVM, hce.CVMNone},
		{"plastic, refund", plastic(nil), false, gpo(ttqPlain, "0978", "20"), 0x9000, "0000", "03A00000", hce.ReasonNone, hce.CVMNone},
		{"plastic, refund, declines", plastic(func(q *hce.QVSDC) { q.Refund = hce.ReactDecline }), false, gpo(ttqCVM, "0978", "20"), 0x9000, "0000", "03800000", hce.ReasonRefund, hce.CVMNone},
		{"plastic, other bits of the CTQ stay", plastic(func(q *hce.QVSDC) { q.CTQ = emv.CTQ{0x16, 0} }), false, gpo(ttqCVM, "0978", "00"), 0x9000, "9600", "03A00000", hce.ReasonNone, hce.CVMOnlinePIN},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := c.card(t)
			if c.verified {
				card.Verified(now.Add(time.Second))
			}
			send(t, card, selectVisa)
			sw, data := send(t, card, c.command)
			require.Equal(t, c.want, sw)
			tap, ok := card.Last()
			require.True(t, ok)
			require.Equal(t, c.reason, tap.Reason)
			require.Equal(t, c.cvm, tap.CVM)
			require.Equal(t, sw, tap.Status)
			require.Equal(t, uint16(1), card.ATC(), "a refused tap burns a value too")
			if !sw.OK() {
				require.Empty(t, data)
				return
			}
			checkAnswer(t, data, c.ctq, c.cvr)
		})
	}
}

// checkAnswer compares CTQ and CVR, and the type of the cryptogram in CID and
// CVR with each other.
func checkAnswer(t *testing.T, data []byte, ctq, cvr string) {
	t.Helper()
	body, ok := emv.Find(data, emv.TagResponseFormat2)
	require.True(t, ok)
	list, err := emv.ParseList(body)
	require.NoError(t, err)
	got, _ := list.Lookup(emv.TagCTQ)
	require.Equal(t, unhex(ctq), got)
	raw, _ := list.Lookup(emv.TagIAD)
	iad, err := emv.ParseIAD(emv.SchemeVisa, raw)
	require.NoError(t, err)
	require.Equal(t, unhex(cvr), iad.CVR)
	kind, ok := iad.CryptogramType()
	require.True(t, ok)
	cid, _ := list.Lookup(emv.TagCID)
	require.Equal(t, []byte{byte(kind)}, cid)
	_, hasAFL := list.Lookup(emv.TagAFL)
	require.Equal(t, kind == emv.ARQC && iad.Format == emv.IADVisa24, hasAFL, "a phone names its record, unless it declines")
}

func TestVerificationWindow(t *testing.T) {
	for _, c := range []struct {
		window hce.Window
		second apdu.Status
	}{{hce.SingleUse, apdu.StatusNotAllowed}, {hce.Timed, apdu.StatusOK}} {
		clock := now
		p := load(t, "visa-phone")
		p.QVSDC.Device.Window = c.window
		e := env(limitedUse(t, 1, 9, now.AddDate(0, 0, 1)))
		e.Now = func() time.Time { return clock }
		card, err := hce.New(p, e)
		require.NoError(t, err)
		tap := func() apdu.Status {
			send(t, card, selectVisa)
			sw, _ := send(t, card, gpo(ttqCVM, "0978", "00"))
			return sw
		}
		require.Equal(t, apdu.StatusNotAllowed, tap(), "see phone")
		card.Verified(clock.Add(30 * time.Second))
		clock = clock.Add(29 * time.Second)
		require.Equal(t, apdu.StatusOK, tap())
		require.Equal(t, c.second, tap())
		card.Verified(clock.Add(30 * time.Second))
		clock = clock.Add(30 * time.Second)
		require.Equal(t, apdu.StatusNotAllowed, tap(), "the time is over")
		card.Verified(clock.Add(time.Hour))
		card.Verified(time.Time{})
		require.Equal(t, apdu.StatusNotAllowed, tap(), "taken back")
		require.Equal(t, uint16(5), card.ATC())
	}
}

// TestPhoneCryptogram computes the phone's cryptogram from its own answer. The
// limited-use key is a published one; the MAC input is this project's choice.
func TestPhoneCryptogram(t *testing.T) {
	c := newPhone(t, 5, nil)
	c.Verified(now.Add(time.Minute))
	send(t, c, selectVisa)
	command := gpo(ttqCVM, "0978", "00")
	_, data := send(t, c, command)
	body, _ := emv.Find(data, emv.TagResponseFormat2)
	list, err := emv.ParseList(body)
	require.NoError(t, err)
	iad, _ := list.Lookup(emv.TagIAD)
	require.Equal(t, unhex("1F4301 51A4000002 00 00000000 00570201 000000000000000000000000000000"), iad)

	key, err := cryptogram.NewKey(cryptogram.TDES, unhex("3EA78DED27B7BB01F9069B8E34C443BC"))
	require.NoError(t, err)
	sent := unhex(command)[7:40]
	input := append(append([]byte(nil), sent[4:]...), unhex("0040 0001")...)
	mac, err := key.MAC(append(input, iad...), cryptogram.Padding2)
	require.NoError(t, err)
	ac, _ := list.Lookup(emv.TagCryptogram)
	require.Equal(t, mac, ac)
}

func TestShortPDOL(t *testing.T) {
	// The list that some Visa cards show: what it does not ask for is zero in
	// the cryptogram, and what stands twice counts once.
	for pdol, data := range map[string]string{
		"9F66049F02065F2A029F3704":         "36004000 000000001250 0978 1A2B3C4D",
		"9F66049F02065F2A029F37049A039A03": "36004000 000000001250 0978 1A2B3C4D 300101 991231",
	} {
		p := load(t, "visa-plastic")
		p.PDOL = unhex(pdol)
		c, err := hce.New(p, env(hce.CardKey(p.CardKey)...))
		require.NoError(t, err)
		send(t, c, selectVisa)
		values := unhex(data)
		command := append([]byte{0x80, 0xA8, 0, 0, byte(len(values) + 2), 0x83, byte(len(values))}, append(values, 0)...)
		answer := c.Respond(command)
		ac, ok := emv.Find(answer[:len(answer)-2], emv.TagResponseFormat2, emv.TagCryptogram)
		require.True(t, ok)
		e := cryptogram.Elements{
			Amount: [6]byte{4: 0x12, 5: 0x50}, Currency: [2]byte{9, 0x78}, UnpredictableNumber: [4]byte{0x1A, 0x2B, 0x3C, 0x4D},
			ATC: 1, IAD: unhex("06011203A00000"),
		}
		if len(values) > 16 {
			e.Date = [3]byte{0x30, 1, 1}
		}
		r, err := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
		require.NoError(t, err)
		want, err := r.Generate(p.CardKey, &e)
		require.NoError(t, err)
		require.Equal(t, want[:], ac)
	}
}
