package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// denied is a phone with a token that has paid, and the payment's number.
func denied(t *testing.T, b *bank) (p *phone, token string, payment int64) {
	t.Helper()
	p, token = activeToken(t, b, 1)
	answer, report := p.pay(20_00, nil)
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	list, err := b.Payments(bg, "A")
	require.NoError(t, err)
	return p, token, list[len(list)-1].ID
}

// news is what the service says of a token.
func (p *phone) news(token string) provisioning.TokenNews {
	p.t.Helper()
	r := &provisioning.Poll{Tokens: []provisioning.Cursor{{Token: token}}}
	p.sign(r)
	news, err := p.b.PollTokens(bg, r)
	require.NoError(p.t, err)
	return news.Tokens[0]
}

// TestADeniedPaymentGetsTheTokenReplaced: the old one pays no more, the same phone
// gets another for the same card, without a code, and the customer is told.
func TestADeniedPaymentGetsTheTokenReplaced(t *testing.T) {
	b := newBank(t, nil)
	p, token, payment := denied(t, b)
	_, err := b.ControlToken(bg, DomainChange{Token: token, Domain: Domain{Categories: []string{"5999"}}})
	require.NoError(t, err)
	old := p.set
	var other *iso8583.Message
	p.pay(5_00, func(m *iso8583.Message) { m.MerchantCategory, other = "5999", m })
	request := DisputeRequest{Payment: payment, Reason: "not me", Block: true, Idempotency: "k"}
	d, err := b.Dispute(bg, request)
	require.NoError(t, err)
	require.Equal(t, old.Token.PAN.Masked(), d.Blocked)
	require.NotEmpty(t, d.Replaced)
	again, err := b.Dispute(bg, request)
	require.NoError(t, err)
	require.Equal(t, d, again, "one new token, however often it is asked for")
	tokens, err := b.Tokens(bg, "A")
	require.NoError(t, err)
	require.Len(t, tokens, 3)

	news := p.news(token)
	require.Equal(t, "deactivated", news.Status)
	require.NotNil(t, news.Successor)
	require.Equal(t, "active "+d.Replaced, news.Successor.Status+" "+news.Successor.Masked)
	require.Equal(t, []string{news.PAR, news.LastFour, news.Assurance}, []string{news.Successor.PAR, news.Successor.LastFour, news.Successor.Assurance})
	require.Contains(t, news.Events[len(news.Events)-1].Text, "was denied; "+d.Replaced+" takes its place")
	trail, err := b.TokenHistory(bg, news.Successor.Token, 0, 99)
	require.NoError(t, err)
	require.Equal(t, "service request  active", trail[0].Party+" "+string(trail[0].Verb)+" "+trail[0].From+" "+trail[0].To)
	require.Contains(t, trail[0].Text, "in the place of "+d.Blocked)
	notices, err := b.Inbox(bg, "A", NoticeInfo)
	require.NoError(t, err)
	require.Contains(t, notices[len(notices)-1].Text, d.Blocked+" on Anna's phone has ended")

	answer, _ := p.pay(1_00, nil)
	require.Equal(t, "14", answer.ResponseCode, "the old token")
	require.Equal(t, "token-deleted", codeOf(t, p.keys(token)))
	_, err = b.ManageToken(bg, TokenChange{Token: token, Verb: provisioning.VerbResume})
	require.Equal(t, "token-deleted", codeOf(t, err))

	p.set, p.atc = provisioning.KeySet{}, 0
	require.NoError(t, p.keys(news.Successor.Token))
	require.Equal(t, d.Replaced, p.set.Token.PAN.Masked())
	require.Equal(t, old.Token.PAR, p.set.Token.PAR)
	require.Equal(t, uint16(2), p.set.LastATC, "its counter goes on")
	answer, report := p.pay(1_00, func(m *iso8583.Message) { m.MerchantCategory = "5999" })
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	answer, _ = p.pay(1_00, func(m *iso8583.Message) { m.MerchantCategory = "7995" })
	require.Equal(t, "57", answer.ResponseCode, "for the same purposes")
	require.NoError(t, Audit(bg, b.store))

	// What becomes of the old token's payments, the phone hears under the new one.
	answer, _ = b.handle(reversalOf(other, "0400", 900))
	require.Equal(t, "00", answer.ResponseCode)
	events := p.news(news.Successor.Token).Events
	require.Equal(t, "reversed", events[len(events)-1].Payment.State)
	_, err = b.Resolve(bg, ResolveRequest{Dispute: d.ID, Outcome: "rejected"})
	require.NoError(t, err)
	second, err := b.Dispute(bg, DisputeRequest{Payment: payment, Block: true})
	require.NoError(t, err)
	require.Empty(t, second.Replaced, "it has ended already")
}

// TestTokensThatAreNotReplaced are stopped by the bank until it knows more: nobody
// else resumes them.
func TestTokensThatAreNotReplaced(t *testing.T) {
	b := newBank(t, nil)
	p, token, payment := denied(t, b)
	_, err := b.LostPhone(bg, PhoneRequest{Token: token})
	require.NoError(t, err)
	d, err := b.Dispute(bg, DisputeRequest{Payment: payment, Block: true})
	require.NoError(t, err)
	require.Empty(t, d.Replaced, "whoever has the phone would have the new one")
	require.NotEmpty(t, d.Blocked)
	_, err = b.FoundPhone(bg, PhoneRequest{Token: token})
	require.NoError(t, err)
	news := p.news(token)
	require.Equal(t, "suspended", news.Status)
	require.Nil(t, news.Successor)
	_, err = p.call(token, provisioning.VerbResume)
	require.Equal(t, "suspended-by-bank", codeOf(t, err))

	b = newBank(t, nil) // a card behind it that cannot pay
	_, _, payment = denied(t, b)
	require.NoError(t, b.SetStatus(bg, testCard, StatusStolen))
	d, err = b.Dispute(bg, DisputeRequest{Payment: payment, Block: true})
	require.NoError(t, err)
	require.Empty(t, d.Replaced)

	b = newBank(t, nil) // no phone that would hear of it
	set, err := b.Replenish(bg, provisioning.Request{Token: testToken}, deviceKey(t))
	require.NoError(t, err)
	answer, _ := b.handle(phoneTap(t, set, 0, 1, 12_50).message(t, "0200", 1))
	require.Equal(t, "00", answer.ResponseCode)
	list, err := b.Payments(bg, "A")
	require.NoError(t, err)
	d, err = b.Dispute(bg, DisputeRequest{Payment: list[len(list)-1].ID, Block: true})
	require.NoError(t, err)
	require.Equal(t, "476173******0010", d.Blocked+d.Replaced)
	trail, err := b.TokenHistory(bg, b.store.IndexPAN(testToken).Reference(), 0, 9)
	require.NoError(t, err)
	require.Equal(t, "bank suspend active suspended", trail[0].Party+" "+string(trail[0].Verb)+" "+trail[0].From+" "+trail[0].To)
}

// TestAFrozenTokenIsReplacedByAFrozenOne: who froze it, unfreezes the new one.
func TestAFrozenTokenIsReplacedByAFrozenOne(t *testing.T) {
	b := newBank(t, nil)
	p, token, payment := denied(t, b)
	_, err := p.call(token, provisioning.VerbSuspend)
	require.NoError(t, err)
	_, err = b.Dispute(bg, DisputeRequest{Payment: payment, Block: true})
	require.NoError(t, err)
	fresh := p.news(token).Successor
	require.Equal(t, []string{"user"}, fresh.HeldBy)
	p.set, p.atc = provisioning.KeySet{}, 0
	require.Equal(t, "token-suspended", codeOf(t, p.keys(fresh.Token)))
	_, err = p.call(fresh.Token, provisioning.VerbResume)
	require.NoError(t, err)
	require.NoError(t, p.keys(fresh.Token))
}

// TestTakenNumbersAreNotGiven: another is; where all are taken nothing is changed.
func TestTakenNumbersAreNotGiven(t *testing.T) {
	b := newBank(t, nil)
	free := emv.WithCheckDigit("476173900299999")
	err := b.store.Update(bg, nil, func(tx *Tx) error {
		pan, err := b.freeNumber(tx, []emv.PAN{testToken, free})
		require.NoError(t, err)
		require.Equal(t, free, pan)
		_, err = b.freeNumber(tx, []emv.PAN{testToken, testToken})
		require.ErrorContains(t, err, "no free token number")
		return nil
	})
	require.NoError(t, err)
}
