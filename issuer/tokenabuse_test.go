package issuer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// wrongCode is none of the codes that were sent.
func wrongCode(t testing.TB, b *bank) string {
	if inbox(t, b) == "000000" {
		return "000001"
	}
	return "000000"
}

// TestCodesAreNotGuessed: to ask for the token again is no way to more tries and
// more codes, from whatever phone; the next day is, and the cardholder is told.
func TestCodesAreNotGuessed(t *testing.T) {
	b := newBank(t, func(c *Config) { c.TokenService.RequestsPerDay = 4 })
	p := newPhone(t, b, 1)
	for n := range byte(4) {
		q := p
		if n%2 == 1 {
			q = newPhone(t, b, 10+n)
		}
		grant, err := q.request(nil)
		require.NoError(t, err, n)
		require.Equal(t, "wrong-code", refusalOf(t, second(q.enter(grant.Token, wrongCode(t, b)))))
		if n == 2 {
			alerts, err := b.Inbox(context.Background(), "A", NoticeAlert)
			require.NoError(t, err)
			require.Empty(t, alerts)
		}
	}
	alerts, err := b.Inbox(context.Background(), "A", NoticeAlert)
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	require.Contains(t, alerts[0].Text, "asked 4 times today to add your card ending in 0119")
	require.Equal(t, "too-many-requests", refusalOf(t, second(p.request(nil))))
	require.Equal(t, "too-many-requests", refusalOf(t, second(newPhone(t, b, 99).request(nil))))
	b.now = b.now.AddDate(0, 0, 1)
	grant, err := p.request(nil)
	require.NoError(t, err)
	require.NoError(t, second(p.enter(grant.Token, inbox(t, b))))
}

// TestCardDataAreNotGuessed: what stands on the card is a request each, too, and
// right data do not show among too many wrong ones.
func TestCardDataAreNotGuessed(t *testing.T) {
	b := newBank(t, func(c *Config) { c.TokenService.RequestsPerDay = 4 })
	p := newPhone(t, b, 1)
	wrong := func(r *provisioning.TokenRequest) { r.Card.Expiry = "4811" }
	for range 3 {
		require.Equal(t, "wrong-expiry", refusalOf(t, second(p.request(wrong))))
	}
	grant, err := p.request(nil)
	require.NoError(t, err)
	require.Equal(t, "too-many-requests", refusalOf(t, second(p.request(wrong))))
	require.Equal(t, "too-many-requests", refusalOf(t, second(p.request(nil))))
	require.NoError(t, second(p.enter(grant.Token, inbox(t, b))), "the cardholder is there")
	for range 3 { // who adds and removes their own card is not stopped
		require.NoError(t, second(p.call(grant.Token, provisioning.VerbDelete)))
		grant, err = p.request(nil)
		require.NoError(t, err)
		require.NoError(t, second(p.enter(grant.Token, inbox(t, b))))
	}
	for range 4 {
		require.Equal(t, "wrong-expiry", refusalOf(t, second(newPhone(t, b, 9).request(wrong))))
	}
	require.Equal(t, "too-many-requests", refusalOf(t, second(newPhone(t, b, 9).request(wrong))))
}

// TestTextOfOthers: what a phone or a customer wrote is shown to others.
func TestTextOfOthers(t *testing.T) {
	b := newBank(t, nil)
	p := newPhone(t, b, 1)
	for _, name := range []string{"a\nCode 123456 is right", "\x1b[2J", "\xff", "a\u202Eb"} {
		require.Equal(t, "bad-device-name", refusalOf(t, second(p.request(func(r *provisioning.TokenRequest) { r.DeviceName = name }))))
	}
	grant, err := p.request(func(r *provisioning.TokenRequest) { r.DeviceName = "Jürgens 手机" })
	require.NoError(t, err)
	for _, reason := range []string{"a\nb", "\x1b[31m", strings.Repeat("x", 201)} {
		require.Equal(t, "bad-request", refusalOf(t, second(b.ManageToken(context.Background(), TokenChange{Token: grant.Token, Verb: "delete", Reason: reason}))))
	}
}

// TestMerchantsNameIsShown: it goes to the phone and onto statements, so it holds
// nothing that draws there (ISO 8583: field 43 is printable).
func TestMerchantsNameIsShown(t *testing.T) {
	b := newBank(t, nil)
	p, _ := activeToken(t, b, 1)
	for _, name := range []string{"SHOP\x1b[31m", "SHOP\nfake", "\x7f"} {
		answer, report := p.pay(1_00, func(m *iso8583.Message) { m.MerchantName = name })
		require.Equal(t, "30", answer.ResponseCode, "%+v", report.Steps)
	}
	answer, _ := p.pay(1_00, func(m *iso8583.Message) { m.MerchantName = "CAF\xC9" })
	require.Equal(t, "00", answer.ResponseCode, "letters of another alphabet are none")
}

// TestLostPhoneGetsNothing: a phone that was reported lost gets no other token,
// not even after it deleted what it had; nobody on the phone takes that back.
func TestLostPhoneGetsNothing(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	require.NoError(t, second(b.LostPhone(ctx, PhoneRequest{Token: token})))
	require.Equal(t, "phone-lost", refusalOf(t, second(p.request(nil))))
	require.NoError(t, second(p.call(token, provisioning.VerbDelete)))
	require.Equal(t, "phone-lost", refusalOf(t, second(p.request(nil))))
	require.NoError(t, second(newPhone(t, b, 2).request(nil)), "another phone")
	states, err := b.FoundPhone(ctx, PhoneRequest{Token: token})
	require.NoError(t, err)
	require.Empty(t, states, "the token stays deleted")
	require.Equal(t, "token-deleted", refusalOf(t, second(b.FoundPhone(ctx, PhoneRequest{Token: token}))), "it was found already")
	grant, err := p.request(nil)
	require.NoError(t, err)
	require.NotEqual(t, token, grant.Token)
}

// TestDeniedPaymentStopsTheToken: where no other token takes its place, the phone
// that paid cannot take the bank's stop back, and it is in the token's history.
func TestDeniedPaymentStopsTheToken(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	answer, _ := p.pay(10_00, nil)
	require.Equal(t, "00", answer.ResponseCode)
	list, err := b.Payments(ctx, "A")
	require.NoError(t, err)
	require.NoError(t, b.SetStatus(ctx, testCard, StatusStolen))
	d, err := b.Dispute(ctx, DisputeRequest{Payment: list[len(list)-1].ID, Block: true})
	require.NoError(t, err)
	require.NotEmpty(t, d.Blocked)
	state, err := b.TokenState(token)
	require.NoError(t, err)
	require.Equal(t, []any{"suspended", []string{"bank"}}, []any{state.Status, state.HeldBy})
	require.Equal(t, "suspended-by-bank", refusalOf(t, second(p.call(token, provisioning.VerbResume))))
	require.NoError(t, second(p.call(token, provisioning.VerbSuspend)))
	state, err = p.call(token, provisioning.VerbResume)
	require.NoError(t, err)
	require.Equal(t, "suspended", state.Status)
	answer, _ = p.pay(10_00, nil)
	require.Equal(t, "62", answer.ResponseCode)
	events, err := b.TokenHistory(ctx, token, 0, 100)
	require.NoError(t, err)
	require.Equal(t, []any{"bank", provisioning.VerbSuspend, "active", "suspended"}, []any{events[4].Party, events[4].Verb, events[4].From, events[4].To})
	require.Contains(t, events[4].Text, "was denied")
}

// TestRelinkKeepsTheScheme: a token is of the network of its card, and has its
// payment account reference.
func TestRelinkKeepsTheScheme(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	_, token := activeToken(t, b, 1)
	other, fresh := emv.WithCheckDigit("541333900101777"), emv.WithCheckDigit("476173900101777")
	for _, pan := range []emv.PAN{other, fresh} {
		require.NoError(t, b.IssueCard(ctx, NewCard{PAN: pan, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A"}))
	}
	require.Equal(t, "other-scheme", refusalOf(t, second(b.RelinkToken(ctx, Relink{Token: token, Card: CardName(other.LastFour())}))))
	state, err := b.RelinkToken(ctx, Relink{Token: token, Card: CardName(fresh.LastFour())})
	require.NoError(t, err)
	card, _, err := b.store.Instrument(b.store.IndexPAN(fresh))
	require.NoError(t, err)
	require.Equal(t, card.PAR, state.PAR)
}

// TestStoppedCardBehind: between request and code, and before a renewal, the card
// may have been stopped.
func TestStoppedCardBehind(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p := newPhone(t, b, 1)
	grant, err := p.request(nil)
	require.NoError(t, err)
	code := inbox(t, b)
	require.NoError(t, b.SetStatus(ctx, testCard, StatusStolen))
	require.Equal(t, "card-not-active", refusalOf(t, second(p.enter(grant.Token, code))))
	require.Equal(t, "card-not-active", refusalOf(t, second(b.ManageToken(ctx, TokenChange{Token: grant.Token, Verb: "activate"}))))
	require.NoError(t, b.SetStatus(ctx, testCard, StatusActive))
	require.NoError(t, second(p.enter(grant.Token, code)), "no try was lost")
	require.NoError(t, b.SetStatus(ctx, testCard, StatusLost))
	require.Equal(t, "card-not-active", refusalOf(t, second(p.call(grant.Token, provisioning.VerbRenew))))
	require.Equal(t, "card-not-active", refusalOf(t, second(b.ManageToken(ctx, TokenChange{Token: grant.Token, Verb: "renew"}))))
}

// TestNotNewTwice: a phone whose memory was set back to before it had the token is
// no phone that has not had it.
func TestNotNewTwice(t *testing.T) {
	b := newBank(t, nil)
	p, token := activeToken(t, b, 1)
	answer, _ := p.pay(1_00, nil)
	require.Equal(t, "00", answer.ResponseCode)
	p.set, p.atc = provisioning.KeySet{}, 0
	require.Equal(t, "rolled-back", refusalOf(t, p.keys(token)))
}

// TestOperatorAndTheTable: an operator's change of a token's status is in its
// history, and takes back nobody's stop.
func TestOperatorAndTheTable(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	pan := p.set.Token.PAN
	require.NoError(t, second(b.LostPhone(ctx, PhoneRequest{Token: token})))
	require.ErrorContains(t, b.SetStatus(ctx, pan, StatusActive), "suspended by lost-phone")
	require.NoError(t, b.SetStatus(ctx, pan, StatusStolen))
	events, err := b.TokenHistory(ctx, token, 0, 100)
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, []any{"bank", provisioning.VerbStatus, "suspended", "stolen"}, []any{last.Party, last.Verb, last.From, last.To})
}

// TestKeysOfAnotherService: a token on a phone has all its keys from here.
func TestKeysOfAnotherService(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.AcceptUnissued = true })
	p, _ := activeToken(t, b, 1)
	elsewhere := newBank(t, nil)
	elsewhere.now = b.now.Add(time.Hour)
	set, err := elsewhere.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	answer, report := b.handle(phoneTap(t, set, 0, 1, 1_00).message(t, "0100", 1))
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)

	pan := p.set.Token.PAN
	n, _, err := b.store.Instrument(b.store.IndexPAN(pan))
	require.NoError(t, err)
	p.set, err = b.wrapKeys(b.config.rangeOf(pan), pan, &n, []IssuedKey{{Index: keyIndexAt(b.now.Add(-time.Hour), 0).BCD(), Uses: 10}}, deviceKey(t))
	require.NoError(t, err)
	answer, report = p.pay(1_00, nil)
	require.Equal(t, "63", answer.ResponseCode, "%+v", report.Steps)
	require.Contains(t, report.firstFailure().Text, "was never handed out")
}

// TestPhoneIsToldOfTheDesk: what the bank's own people give back comes to the
// phone, with what is left.
func TestPhoneIsToldOfTheDesk(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	p.pay(10_00, nil)
	p.pay(20_00, func(m *iso8583.Message) { m.MTI = "0100" })
	list, err := b.Payments(ctx, "A")
	require.NoError(t, err)
	paid, held := list[len(list)-2].ID, list[len(list)-1].ID
	require.NoError(t, second(b.Refund(ctx, RefundRequest{Payment: paid, Amount: "4.00"})))
	require.NoError(t, second(b.Refund(ctx, RefundRequest{Payment: paid})))
	require.NoError(t, second(b.Reverse(ctx, PaymentRequest{Payment: held, Amount: "5.00"})))
	completed, err := b.Complete(ctx, PaymentRequest{Payment: held, Amount: "15.00"})
	require.NoError(t, err)
	require.NoError(t, second(b.Reverse(ctx, PaymentRequest{Payment: completed.ID})))
	events, err := b.TokenHistory(ctx, token, 5, 100)
	require.NoError(t, err)
	var got []provisioning.PaymentNotice
	for _, e := range events {
		got = append(got, provisioning.PaymentNotice{ATC: e.Payment.ATC, State: e.Payment.State, Amount: e.Payment.Amount, Left: e.Payment.Left})
	}
	require.Equal(t, []provisioning.PaymentNotice{
		{ATC: 1, State: "refunded", Amount: 4_00, Left: 6_00}, {ATC: 1, State: "refunded", Amount: 6_00},
		{ATC: 2, State: "reversed", Amount: 5_00, Left: 15_00}, {ATC: 2, State: "reversed", Amount: 15_00},
	}, got)
}

// TestGrantThatGotLost: the bank approved at once, and the phone never heard of
// it: it asks again, and that token gives way. One that the phone has keys of does
// not.
func TestGrantThatGotLost(t *testing.T) {
	b := newBank(t, func(c *Config) { c.TokenService.Decision = DecideApprove })
	p := newPhone(t, b, 1)
	lost, err := p.request(nil)
	require.NoError(t, err)
	require.Equal(t, "active", lost.Status)
	grant, err := p.request(nil)
	require.NoError(t, err)
	state, err := b.TokenState(lost.Token)
	require.NoError(t, err)
	require.Equal(t, "deactivated", state.Status)
	require.NoError(t, p.keys(grant.Token))
	require.Equal(t, "already-added", refusalOf(t, second(p.request(nil))))
}
