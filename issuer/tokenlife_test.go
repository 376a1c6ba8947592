package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// phone is a phone that asks the token service.
type phone struct {
	t      testing.TB
	b      *bank
	device *cryptogram.Device
	number int64
	atc    uint16
	set    provisioning.KeySet
	used   int
	stan   int
}

func newPhone(t testing.TB, b *bank, secret byte) *phone {
	t.Helper()
	raw := make([]byte, 16)
	raw[0] = secret
	k, err := cryptogram.NewKey(cryptogram.AES, raw)
	require.NoError(t, err)
	d, err := cryptogram.NewDevice(k)
	require.NoError(t, err)
	return &phone{t: t, b: b, device: d, stan: int(secret) * 1000}
}

// sign numbers and signs a request.
func (p *phone) sign(r provisioning.Signed) {
	p.number++
	p.signAs(r, p.number)
}

func (p *phone) signAs(r provisioning.Signed, number int64) {
	proof := provisioning.ProofOf(r)
	proof.Device, proof.Number = p.device.Identity(), number
	signed, err := provisioning.SignedBytes(r)
	require.NoError(p.t, err)
	proof.Signature = p.device.Sign(signed)
}

func tokenRequest() *provisioning.TokenRequest {
	return &provisioning.TokenRequest{
		DeviceName: "Anna's phone", FormFactor: "phone", Requestor: "40010030001",
		Card: provisioning.CardData{Number: string(testCard), Expiry: "4912"},
	}
}

func (p *phone) request(change func(*provisioning.TokenRequest)) (provisioning.TokenGrant, error) {
	r := tokenRequest()
	if change != nil {
		change(r)
	}
	p.sign(r)
	return p.b.RequestToken(context.Background(), r)
}

func (p *phone) enter(token, code string) (provisioning.TokenState, error) {
	r := &provisioning.CodeEntry{Token: token, Code: code}
	p.sign(r)
	return p.b.EnterCode(context.Background(), r)
}

func (p *phone) call(token string, verb provisioning.Verb) (provisioning.TokenState, error) {
	r := &provisioning.TokenCall{Token: token, Verb: verb}
	p.sign(r)
	if verb == provisioning.VerbResend {
		_, err := p.b.ResendCode(context.Background(), r)
		return provisioning.TokenState{}, err
	}
	return p.b.CallToken(context.Background(), r)
}

// keys fetches keys and opens them.
func (p *phone) keys(token string) error {
	r := &provisioning.KeyRequest{Token: token, Agreement: p.device.Agreement(), ATC: p.atc, Held: p.atc, Fresh: p.set.Token.PAN == ""}
	p.sign(r)
	d, err := p.b.DeliverKeys(context.Background(), r)
	if err != nil {
		return err
	}
	key, err := p.device.Open(d.Agreement)
	require.NoError(p.t, err)
	text, err := key.Unwrap(d.Token)
	require.NoError(p.t, err)
	p.set = provisioning.KeySet{Kind: d.Kind, LastATC: d.LastATC}
	p.set.Token, err = provisioning.TakeToken(text)
	require.NoError(p.t, err)
	for _, k := range d.Keys {
		luk, err := key.UnwrapKey(cryptogram.TDES, k.Wrapped)
		require.NoError(p.t, err)
		require.Equal(p.t, k.CheckValue, luk.CheckValue())
		k.Wrapped, err = deviceKey(p.t).WrapKey(luk)
		require.NoError(p.t, err)
		p.set.Keys = append(p.set.Keys, k)
	}
	p.atc, p.used = max(p.atc, d.LastATC), 0
	return nil
}

// pay pays with the next use of the keys.
func (p *phone) pay(amount int64, change func(*iso8583.Message)) (*iso8583.Message, *Report) {
	p.atc++
	uses := p.set.Keys[0].Uses
	tap := phoneTap(p.t, p.set, min(p.used/uses, len(p.set.Keys)-1), p.atc, amount)
	p.used++
	p.stan++
	m := tap.message(p.t, "0200", p.stan)
	m.Expiry, m.Track2 = p.set.Token.Expiry, ""
	if change != nil {
		change(m)
	}
	return p.b.handle(m)
}

// inbox is the code that came last.
func inbox(t testing.TB, b *bank) string {
	t.Helper()
	list, err := b.Inbox(context.Background(), "A", NoticeCode)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	last := list[len(list)-1]
	require.Contains(t, last.Text, "Code "+last.Code+" adds your card")
	return last.Code
}

// The store has no code in the open, the customer reads it all the same; a message
// of an older bank stays as it is.
func TestCodesAreSealed(t *testing.T) {
	b := newBank(t, nil)
	p := newPhone(t, b, 1)
	_, err := p.request(nil)
	require.NoError(t, err)
	code := inbox(t, b)
	require.Len(t, code, codeLength)
	notices, err := b.store.Notices(context.Background(), "A")
	require.NoError(t, err)
	require.NotContains(t, notices[len(notices)-1].Text, code)
	text, old, err := b.readCode("Code 123456 adds your card")
	require.NoError(t, err)
	require.Equal(t, []string{"Code 123456 adds your card", "123456"}, []string{text, old})
	for _, bad := range []string{"Code ", "Code 1234567 adds", "Code " + strings.Repeat("00", 32) + " adds", "hello"} {
		_, _, err := b.readCode(bad)
		require.Error(t, err, bad)
	}
}

// activeToken is a phone with a token that its customer has activated.
func activeToken(t testing.TB, b *bank, secret byte) (*phone, string) {
	t.Helper()
	p := newPhone(t, b, secret)
	grant, err := p.request(nil)
	require.NoError(t, err)
	_, err = p.enter(grant.Token, inbox(t, b))
	require.NoError(t, err)
	require.NoError(t, p.keys(grant.Token))
	return p, grant.Token
}

// refusalOf is a refusal's code, "" for none.
func refusalOf(t testing.TB, err error) string {
	t.Helper()
	var r *Refusal
	if errors.As(err, &r) {
		require.NotEmpty(t, r.Text)
		require.NotContains(t, r.Error(), "47617390")
		return r.Code
	}
	require.NoError(t, err)
	return ""
}

func TestTokenIsGranted(t *testing.T) {
	b := newBank(t, nil)
	p := newPhone(t, b, 1)
	grant, err := p.request(nil)
	require.NoError(t, err)
	require.Equal(t, "inactive", grant.Status)
	require.Equal(t, "0119", grant.LastFour)
	require.Equal(t, "3501", grant.Expiry, "five years, the token's own")
	require.Len(t, grant.PAR, 29)
	require.Equal(t, "visa", grant.Scheme)
	require.Equal(t, &provisioning.Verification{SentTo: "the inbox of account A", Until: testTime.Add(10 * time.Minute), Tries: 3, Resends: 3}, grant.Verification)
	require.Equal(t, "token-inactive", refusalOf(t, p.keys(grant.Token)))

	state, err := p.enter(grant.Token, inbox(t, b))
	require.NoError(t, err)
	require.Equal(t, "active", state.Status)
	require.Equal(t, assuranceCode, state.Assurance)
	require.NoError(t, p.keys(grant.Token))
	require.True(t, p.set.Token.PAN.Valid())
	require.True(t, emv.TestRange(p.set.Token.PAN))
	require.Equal(t, "4761739002", string(p.set.Token.PAN[:10]))
	require.Equal(t, grant.PAR, p.set.Token.PAR)
	answer, report := p.pay(12_50, nil)
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)

	list, err := b.Tokens(context.Background(), "A")
	require.NoError(t, err)
	require.Len(t, list, 2, "with the one that the bank was set up with")
	require.NoError(t, Audit(context.Background(), b.store))
}

func TestTokenRequestsRefused(t *testing.T) {
	b := newBank(t, func(c *Config) {
		c.TokenService.Exceptions = []TokenException{{"0127", DecideRefuse}}
		c.TokenService.SecurityCode = tdes("0123456789ABCDEFFEDCBA9876543210")
	})
	ctx := context.Background()
	code, err := cryptogram.CVV(tdes("0123456789ABCDEFFEDCBA9876543210"), string(testCard), "1249", "000")
	require.NoError(t, err)
	for n, status := range []Status{StatusInactive, StatusSuspended, StatusDeactivated, StatusLost, StatusStolen} {
		require.NoError(t, b.IssueCard(ctx, NewCard{
			PAN: emv.WithCheckDigit(fmt.Sprintf("47617390010105%d", n)), PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A", Status: status,
		}))
	}
	old := emv.WithCheckDigit("476173900101030")
	require.NoError(t, b.IssueCard(ctx, NewCard{PAN: old, PSN: "01", Expiry: "2912", ServiceCode: "201", Account: "A"}))
	p := newPhone(t, b, 1)
	for _, c := range []struct {
		want   string
		change func(*provisioning.TokenRequest)
	}{
		{"wrong-card-number", func(r *provisioning.TokenRequest) { r.Card.Number = "4761739001010118" }},
		{"wrong-card-number", func(r *provisioning.TokenRequest) { r.Card.Number = "'; DROP TABLE" }},
		{"unsupported-issuer", func(r *provisioning.TokenRequest) { r.Card.Number = "4111111111111111" }},
		{"not-a-card", func(r *provisioning.TokenRequest) { r.Card.Number = string(testToken) }},
		{"unknown-card", func(r *provisioning.TokenRequest) { r.Card.Number = string(emv.WithCheckDigit("476173900188888")) }},
		{"wrong-expiry", func(r *provisioning.TokenRequest) { r.Card.Expiry = "4911" }},
		{"wrong-expiry", func(r *provisioning.TokenRequest) { r.Card.Expiry = "12/49" }},
		{"wrong-security-code", func(r *provisioning.TokenRequest) { r.Card.SecurityCode = "" }},
		{"unsupported-device", func(r *provisioning.TokenRequest) { r.FormFactor = "toaster" }},
		{"unknown-requestor", func(r *provisioning.TokenRequest) { r.Requestor = "1" }},
		{"bad-device-name", func(r *provisioning.TokenRequest) { r.DeviceName = string(make([]byte, 65)) }},
	} {
		_, err := p.request(func(r *provisioning.TokenRequest) { r.Card.SecurityCode = code; c.change(r) })
		require.Equal(t, c.want, refusalOf(t, err))
	}
	require.Equal(t, "refused-by-bank", refusalOf(t, second(p.request(func(r *provisioning.TokenRequest) { r.Card.Number = "4761739001010127" }))))
	b.config.TokenService.SecurityCode = nil
	for n := range 5 {
		_, err := p.request(func(r *provisioning.TokenRequest) {
			r.Card.Number = string(emv.WithCheckDigit(fmt.Sprintf("47617390010105%d", n)))
		})
		require.Equal(t, "card-not-active", refusalOf(t, err))
	}
	_, err = p.request(func(r *provisioning.TokenRequest) { r.Card.Number, r.Card.Expiry = string(old), "2912" })
	require.Equal(t, "card-expired", refusalOf(t, err))

	r := tokenRequest()
	p.sign(r)
	r.Card.Expiry = "4910"
	_, err = b.RequestToken(ctx, r)
	require.Equal(t, "bad-proof", refusalOf(t, err))
	_, err = b.RequestToken(ctx, tokenRequest())
	require.Equal(t, "bad-proof", refusalOf(t, err))

	first, err := p.request(nil)
	require.NoError(t, err)
	again, err := p.request(nil)
	require.NoError(t, err, "the answer may have got lost")
	state, err := b.TokenState(first.Token)
	require.NoError(t, err)
	require.Equal(t, "deactivated", state.Status)
	require.NoError(t, second(p.enter(again.Token, inbox(t, b))))
	require.NoError(t, p.keys(again.Token))
	_, err = p.request(nil)
	require.Equal(t, "already-added", refusalOf(t, err))
	_, err = p.request(func(r *provisioning.TokenRequest) { r.Card.Expiry = "4911" })
	require.Equal(t, "wrong-expiry", refusalOf(t, err), "the card's data come first")
	for n := range 8 {
		_, err = newPhone(t, b, byte(10+n)).request(nil)
		require.NoError(t, err)
	}
	_, err = newPhone(t, b, 99).request(nil)
	require.Equal(t, "too-many-tokens", refusalOf(t, err))
}

func second[T any](_ T, err error) error { return err }

// What is deleted for good is not to be resumed first.
func TestHintsOfTheLifeCycle(t *testing.T) {
	for status, hint := range map[Status]string{StatusSuspended: "resume it first", StatusDeactivated: ""} {
		_, no := allowed(provisioning.VerbRenew, status, PartyBank)
		require.Equal(t, hint, no.Hint, status)
	}
}

func TestCodes(t *testing.T) {
	b := newBank(t, nil)
	p := newPhone(t, b, 1)
	grant, err := p.request(nil)
	require.NoError(t, err)
	right := inbox(t, b)
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	require.Equal(t, "wrong-code", refusalOf(t, second(p.enter(grant.Token, wrong))))
	require.Equal(t, "wrong-code", refusalOf(t, second(p.enter(grant.Token, ""))))
	require.Equal(t, "no-tries-left", refusalOf(t, second(p.enter(grant.Token, wrong))))
	require.Equal(t, "no-tries-left", refusalOf(t, second(p.enter(grant.Token, right))), "the right one comes too late")
	require.Equal(t, "too-soon", refusalOf(t, second(p.call(grant.Token, provisioning.VerbResend))))
	for n := range 3 {
		b.now = b.now.Add(time.Minute)
		require.NoError(t, second(p.call(grant.Token, provisioning.VerbResend)), n)
	}
	b.now = b.now.Add(time.Minute)
	require.Equal(t, "no-resends-left", refusalOf(t, second(p.call(grant.Token, provisioning.VerbResend))))
	require.NotEqual(t, right, inbox(t, b))
	require.Equal(t, "wrong-code", refusalOf(t, second(p.enter(grant.Token, right))), "a code is dead when the next was sent")
	b.now = b.now.Add(9 * time.Minute)
	require.Equal(t, "code-expired", refusalOf(t, second(p.enter(grant.Token, inbox(t, b)))))

	// A code is for one token, one phone, one time.
	q := newPhone(t, b, 2)
	other, err := q.request(nil)
	require.NoError(t, err)
	require.Equal(t, "wrong-device", refusalOf(t, second(p.enter(other.Token, inbox(t, b)))))
	third := newPhone(t, b, 3)
	last, err := third.request(nil)
	require.NoError(t, err)
	require.Equal(t, "wrong-code", refusalOf(t, second(q.enter(other.Token, inbox(t, b)))), "the code of another token")
	require.NoError(t, second(third.enter(last.Token, inbox(t, b))))
	require.Equal(t, "token-active", refusalOf(t, second(third.enter(last.Token, inbox(t, b)))), "a code is used once")
	require.Equal(t, "unknown-token", refusalOf(t, second(third.enter("../../etc", "000000"))))
}

// TestStaleRequests: a request that came before, and a phone that was set back.
func TestStaleRequests(t *testing.T) {
	b := newBank(t, nil)
	p, token := activeToken(t, b, 1)
	ctx := context.Background()
	r := &provisioning.TokenCall{Token: token, Verb: provisioning.VerbSuspend}
	p.sign(r)
	require.NoError(t, second(b.CallToken(ctx, r)))
	require.NoError(t, second(p.call(token, provisioning.VerbResume)))
	require.Equal(t, "stale-request", refusalOf(t, second(b.CallToken(ctx, r))), "a copy of the message")
	state, err := b.TokenState(token)
	require.NoError(t, err)
	require.Equal(t, "active", state.Status)

	for range 3 {
		answer, report := p.pay(1_00, nil)
		require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	}
	p.atc = 1
	require.Equal(t, "rolled-back", refusalOf(t, p.keys(token)))
	answer, _ := p.pay(1_00, nil)
	require.Equal(t, "63", answer.ResponseCode, "counter 2 came before with another cryptogram, or the same")
	p.atc = 3
	require.NoError(t, p.keys(token))
	p.number = 1
	require.Equal(t, "stale-request", refusalOf(t, p.keys(token)))

	// Another phone with a copy of everything but the device key.
	q := newPhone(t, b, 2)
	q.number, q.atc, q.set = 1000, 3, p.set
	require.Equal(t, "wrong-device", refusalOf(t, q.keys(token)))
	poll := &provisioning.Poll{Tokens: []provisioning.Cursor{{Token: token}}}
	q.sign(poll)
	_, err = b.PollTokens(ctx, poll)
	require.Equal(t, "wrong-device", refusalOf(t, err))
}
