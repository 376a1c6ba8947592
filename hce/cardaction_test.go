package hce_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
)

// Reference control parameters.
const (
	askAAC  = 0x00
	askTC   = 0x40
	askARQC = 0x80
	withCDA = 0x10
)

// TestCardActions is a row per rule of card action analysis: the card, what it
// remembers, what the terminal asks and sends, and what comes out.
func TestCardActions(t *testing.T) {
	const (
		plastic, offline, phone, noCDA = "mastercard-plastic", "mastercard-plastic-offline", "mastercard-phone", "mastercard-plastic-nocda"
		device                         = "010002" // CVM results: the device has verified
		aac, tc, arqc                  = emv.AAC, emv.TC, emv.ARQC
	)
	amount := func(d terminalData, a string) terminalData { d.amount = a; return d }
	country := func(d terminalData, c string) terminalData { d.country = c; return d }
	currency := func(d terminalData, c string) terminalData { d.currency = c; return d }
	typed := func(d terminalData, k string) terminalData { d.kind = k; return d }
	kind := func(d terminalData, k string) terminalData { d.terminalType = k; return d }
	cvm := func(d terminalData, r string) terminalData { d.cvm = r; return d }
	at := func(count byte, amount int64) func(*hce.State) {
		return func(s *hce.State) { s.Offline.Count, s.Offline.Amount = count, amount }
	}
	always := func(p *hce.Profile) { p.MChip.Device.Required = hce.Always }
	eager := func(p *hce.Profile) { p.MChip.Actions.Online = [3]byte{} }
	d := purchase()
	for _, c := range []struct {
		name     string
		card     string
		edit     func(*hce.Profile)
		state    func(*hce.State)
		verified bool
		p1       byte
		data     terminalData
		want     emv.CryptogramType
		signed   bool
		cvr      string
		poscii   string // of a phone
		reason   hce.Reason
	}{
		{"the card never raises: AAC asked", plastic, nil, nil, false, askAAC, d, aac, false, "800003220000", "", hce.ReasonAsked},
		{"AAC has no signature", plastic, nil, nil, false, askAAC | withCDA, d, aac, false, "800003220000", "", hce.ReasonAsked},
		{"AAC signed where the card says so (9F5D)", offline, nil, nil, false, askAAC | withCDA, d, aac, true, "804003220000", "", hce.ReasonAsked},
		{"ARQC asked", plastic, nil, nil, false, askARQC, d, arqc, false, "A00003220000", "", hce.ReasonNone},
		{"ARQC signed", plastic, nil, nil, false, askARQC | withCDA, d, arqc, true, "A04003220000", "", hce.ReasonNone},
		{"ARQC, a card that cannot sign", noCDA, nil, nil, false, askARQC | withCDA, d, arqc, false, "A00003220000", "", hce.ReasonNone},
		{"abroad", plastic, nil, nil, false, askARQC, country(d, "0840"), arqc, false, "A00003240000", "", hce.ReasonNone},
		{"TC asked, the card wants online", plastic, nil, nil, false, askTC | withCDA, d, arqc, true, "A04003220000", "", hce.ReasonNone},
		{"TC asked, no code speaks against it", plastic, eager, nil, false, askTC | withCDA, d, tc, true, "904003220000", "", hce.ReasonNone},
		{"TC asked at an offline-only terminal, the card wants online", plastic, nil, nil, false, askTC | withCDA, kind(d, "23"), aac, false, "800003220000", "", hce.ReasonRisk},
		{"the same, unattended", plastic, nil, nil, false, askTC | withCDA, kind(d, "26"), aac, false, "800003220000", "", hce.ReasonRisk},
		{"the terminal takes a PIN for right that was not given", plastic, nil, nil, false, askARQC, cvm(d, "410302"), aac, false, "800003230000", "", hce.ReasonRisk},
		{"online PIN is not the card's", plastic, nil, nil, false, askARQC, cvm(d, "420300"), arqc, false, "A00003220000", "", hce.ReasonNone},

		{"offline: the first", offline, nil, nil, false, askTC | withCDA, d, tc, true, "904003220000", "", hce.ReasonNone},
		{"offline: the last below the lower number", offline, nil, at(2, 0), false, askTC, d, tc, false, "900003220000", "", hce.ReasonNone},
		{"offline: over the lower number", offline, nil, at(3, 0), false, askTC, d, arqc, false, "A00003228000", "", hce.ReasonNone},
		{"the same at an offline-only terminal", offline, nil, at(3, 0), false, askTC, kind(d, "23"), tc, false, "900003228000", "", hce.ReasonNone},
		{"offline: over the upper number there", offline, nil, at(5, 0), false, askTC, kind(d, "23"), aac, false, "80000322C000", "", hce.ReasonRisk},
		{"offline: the number stays at its end", offline, nil, at(255, 0), false, askTC, d, arqc, false, "A0000322C000", "", hce.ReasonNone},
		{"offline: up to the lower amount", offline, nil, at(0, 3750), false, askTC, d, tc, false, "900003220000", "", hce.ReasonNone},
		{"offline: a cent over the lower amount", offline, nil, at(0, 3751), false, askTC, d, arqc, false, "A00003222000", "", hce.ReasonNone},
		{"offline: up to the upper amount, offline-only", offline, nil, at(0, 8750), false, askTC, kind(d, "23"), tc, false, "900003222000", "", hce.ReasonNone},
		{"offline: a cent over the upper amount there", offline, nil, at(0, 8751), false, askTC, kind(d, "23"), aac, false, "800003223000", "", hce.ReasonRisk},
		{"offline: up to the amount of one transaction", offline, nil, nil, false, askTC, amount(d, "000000002500"), tc, false, "900003220000", "", hce.ReasonNone},
		{"offline: over the amount of one transaction", offline, nil, nil, false, askTC, amount(d, "000000002501"), arqc, false, "A00003220008", "", hce.ReasonNone},
		{"offline: an amount that is no number", offline, nil, nil, false, askTC, amount(d, "00000000125A"), arqc, false, "A00003220008", "", hce.ReasonNone},
		{"offline: another currency counts in number only", offline, nil, at(0, 3751), false, askTC, currency(d, "0840"), tc, false, "900003220000", "", hce.ReasonNone},
		{"offline: abroad", offline, nil, nil, false, askTC, country(d, "0840"), arqc, false, "A00003240000", "", hce.ReasonNone},
		{"offline: ARQC asked, limits are told all the same", offline, nil, at(5, 0), false, askARQC, d, arqc, false, "A0000322C000", "", hce.ReasonNone},

		{"offline: a refund does not count", offline, nil, at(5, 100_00), false, askTC, typed(d, "20"), tc, false, "900003220000", "", hce.ReasonNone},
		{"offline: cash does", offline, nil, at(3, 0), false, askTC, typed(d, "01"), arqc, false, "A00003228000", "", hce.ReasonNone},
		{"offline: so does cashback", offline, nil, at(3, 0), false, askTC, typed(d, "09"), arqc, false, "A00003228000", "", hce.ReasonNone},
		{"an enquiry is the issuer's to answer", offline, nil, nil, false, askTC, typed(d, "30"), arqc, false, "A00003220000", "", hce.ReasonNone},
		{"the same at an offline-only terminal", offline, nil, nil, false, askTC, kind(typed(d, "30"), "23"), aac, false, "800003220000", "", hce.ReasonOfflineReader},

		{"phone, small amount", phone, nil, nil, false, askARQC | withCDA, d, arqc, true, "A04003220000", "000000", hce.ReasonNone},
		{"phone, verified anyway", phone, nil, nil, true, askARQC | withCDA, d, arqc, true, "A54003020000", "001000", hce.ReasonNone},
		{"phone, verification claimed and given", phone, nil, nil, true, askARQC | withCDA, cvm(d, device), arqc, true, "A54003020000", "001000", hce.ReasonNone},
		{"phone, verification claimed and not given: come again", phone, nil, nil, false, askARQC | withCDA, cvm(d, device), aac, false, "800003230000", "000100", hce.ReasonNotVerified},
		{"phone, the terminal declines anyway: do not come again", phone, nil, nil, false, askAAC, cvm(d, device), aac, false, "800003230000", "000000", hce.ReasonAsked},
		{"phone that always wants its owner", phone, always, nil, false, askARQC, d, aac, false, "800003220000", "000100", hce.ReasonNotVerified},
		{"phone that always wants its owner, verified", phone, always, nil, true, askARQC, d, arqc, false, "A50003020000", "001000", hce.ReasonNone},
		{"phone, TC asked", phone, nil, nil, true, askTC | withCDA, d, arqc, true, "A54003020000", "001000", hce.ReasonNone},
		{"phone at an offline-only terminal", phone, nil, nil, true, askTC | withCDA, kind(d, "23"), aac, false, "850003020000", "001000", hce.ReasonRisk},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := builtIn(t, c.card, c.edit)
			if c.state != nil {
				s := card.State()
				c.state(&s)
				require.NoError(t, card.Restore(s))
			}
			if c.verified {
				card.Verified(now.Add(time.Second))
			}
			before := card.State().Offline
			begin(t, card, c.card == phone)
			sw, answer := send(t, card, genAC(c.p1, c.data.cdol(c.card == phone)))
			require.Equal(t, apdu.StatusOK, sw)
			require.Equal(t, []byte{byte(c.want)}, find(t, answer, emv.TagCID))
			require.Equal(t, unhex(c.cvr), find(t, answer, emv.TagIAD)[2:8])
			_, signed := emv.Find(answer, emv.TagResponseFormat2, emv.TagSDAD)
			_, plain := emv.Find(answer, emv.TagResponseFormat2, emv.TagCryptogram)
			require.Equal(t, c.signed, signed)
			require.NotEqual(t, signed, plain, "the cryptogram stands in one place")
			if c.poscii != "" {
				require.Equal(t, unhex(c.poscii), find(t, answer, emv.TagPOSCII))
			}
			tap, ok := card.Last()
			require.True(t, ok)
			require.Equal(t, c.reason, tap.Reason)
			require.Equal(t, c.want, tap.Cryptogram)
			require.Equal(t, apdu.StatusOK, tap.Status)
			require.Equal(t, uint16(1), tap.ATC)
			after := card.State().Offline
			if c.want != emv.TC || c.data.kind == "20" {
				require.Equal(t, before.Count, after.Count, "only what is approved offline counts")
				require.Equal(t, before.Amount, after.Amount)
			}
			used := card.State().VerifiedUntil.IsZero()
			require.Equal(t, !c.verified || c.want != emv.AAC, used, "a payment uses the verification up, a decline does not")
		})
	}
}

// TestOfflineCounters: the counters count, travel in the application data and in
// the balance, and end the offline payments.
func TestOfflineCounters(t *testing.T) {
	card := builtIn(t, "mastercard-plastic-offline", nil)
	for i, want := range []struct{ cid, counters, balance string }{
		{"40", "000000001250 01 FF", "000000008750"},
		{"40", "000000002500 02 FF", "000000007500"},
		{"40", "000000003750 03 FF", "000000006250"},
		{"80", "000000003750 03 FF", "000000006250"},
		{"80", "000000003750 03 FF", "000000006250"},
	} {
		begin(t, card, false)
		_, answer := send(t, card, genAC(askTC|withCDA, purchase().cdol(false)))
		require.Equal(t, unhex(want.cid), find(t, answer, emv.TagCID), "tap %d", i+1)
		require.Equal(t, unhex(want.counters), find(t, answer, emv.TagIAD)[10:18])
		_, balance := send(t, card, "80CA9F5000")
		require.Equal(t, unhex("9F5006"+want.balance), balance)
	}
}
