package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/provisioning"
)

// TestLostCard: the plastic pays no more, nor does its token, until a new card is
// behind that; and never again with the lost one.
func TestLostCard(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.Keys, c.LimitedUse.Uses = 5, 10 })
	p, token := activeToken(t, b, 1)
	pays := func(code string, cause Cause) {
		t.Helper()
		answer, report := p.pay(1_00, nil)
		require.Equal(t, code, answer.ResponseCode, "%+v", report.Steps)
		require.Equal(t, cause, report.find("status").Cause)
	}
	pays("00", "")

	r := LostCardRequest{Account: "A", Card: CardName(testCard.Masked()), Idempotency: "once"}
	s, err := b.LostCard(bg, r)
	require.NoError(t, err)
	require.Equal(t, []string{"lost", testCard.Masked(), "A"}, []string{s.Status, s.Card, s.Account})
	again, err := b.LostCard(bg, r)
	require.NoError(t, err)
	require.Equal(t, s, again)
	require.Equal(t, "already-lost", refusalOf(t, second(b.LostCard(bg, LostCardRequest{Account: "A", Card: CardName(testCard.LastFour()), Stolen: true}))))
	require.Equal(t, "unknown-card", refusalOf(t, second(b.LostCard(bg, LostCardRequest{Account: "A"}))), "none is left")
	answer, _ := b.handle(plasticTap(1, 1_00).message(t, iso8583.AuthorisationRequest, 900))
	require.Equal(t, "41", answer.ResponseCode)
	pays("62", CauseCardStopped)
	require.Equal(t, "card-not-active", refusalOf(t, second(p.call(token, provisioning.VerbRenew))))
	_, err = newPhone(t, b, 2).request(nil)
	require.Equal(t, "card-not-active", refusalOf(t, err), "no other phone gets a token of it")

	notices, err := b.Inbox(bg, "A", NoticeInfo)
	require.NoError(t, err)
	told := 0
	for _, n := range notices {
		if n.Text == "your card ending in 0119 was reported lost, and pays no more; what pays for it on phones (2) does so again when another card is linked" {
			told++
		}
	}
	require.Equal(t, 1, told, "%+v", notices)
	events, err := b.TokenHistory(bg, token, 0, 50)
	require.NoError(t, err)
	var lost []provisioning.Event
	for _, e := range events {
		if e.Verb == provisioning.VerbLostCard {
			lost = append(lost, e)
		}
	}
	require.Len(t, lost, 1)
	require.Equal(t, []string{"bank", "active", "active", "the card ending in 0119 was reported lost"}, []string{lost[0].Party, lost[0].From, lost[0].To, lost[0].Text})

	fresh, _, err := b.IssueFundingCard(bg, CardRequest{Account: "A"})
	require.NoError(t, err)
	require.NoError(t, second(b.RelinkToken(bg, Relink{Token: token, Card: CardName(fresh.Card)})))
	pays("00", "")
	require.Equal(t, "card-not-active", refusalOf(t, second(b.RelinkToken(bg, Relink{Token: token, Card: CardName(testCard.LastFour())}))))
	pays("00", "")
	require.NoError(t, Audit(bg, b.store))
}

// TestLostCardIsRefused: another customer's card, a token, one of several.
func TestLostCardIsRefused(t *testing.T) {
	b := newBank(t, nil)
	require.NoError(t, second(b.Open(bg, OpenRequest{Account: "B"})))
	other, number, err := b.IssueFundingCard(bg, CardRequest{Account: "B"})
	require.NoError(t, err)
	require.NoError(t, second2(b.IssueFundingCard(bg, CardRequest{Account: "A"})))
	for want, r := range map[string]LostCardRequest{
		"unknown-account": {Account: "C", Card: CardName(testCard.LastFour())},
		"unknown-card":    {Account: "A", Card: CardName(other.Reference)},
		"ambiguous-card":  {Account: "A"},
	} {
		require.Equal(t, want, refusalOf(t, second(b.LostCard(bg, r))))
	}
	require.Equal(t, "unknown-card", refusalOf(t, second(b.LostCard(bg, LostCardRequest{Account: "A", Card: CardName(testToken.LastFour())}))), "a token is no plastic")
	require.Equal(t, "unknown-card", refusalOf(t, second(b.LostCard(bg, LostCardRequest{Account: "B", Card: CardName(number)}))), "a number is no name")
	require.Equal(t, "unknown-card", refusalOf(t, second(b.LostCard(bg, LostCardRequest{Account: "B", Card: CardName("541333******" + other.Card[12:])}))), "masked, of another range")

	s, err := b.LostCard(bg, LostCardRequest{Account: "B", Stolen: true})
	require.NoError(t, err)
	require.Equal(t, "stolen", s.Status)
	list, err := b.Install(bg, Setup{Cards: []NewCard{{PAN: number, PSN: "00", Expiry: other.Expiry, ServiceCode: "201", Account: "B", Status: StatusActive}}})
	require.NoError(t, err)
	for _, n := range list {
		require.NotContains(t, n.Field, "status", "a set-up is not told at each start that a card was stolen")
	}
	answer, _ := b.handle(plasticTap(1, 1_00).message(t, iso8583.AuthorisationRequest, 1))
	require.Equal(t, "00", answer.ResponseCode, "nothing happened to A's")
}

func second2[A, B any](_ A, _ B, err error) error { return err }
