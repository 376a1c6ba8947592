package issuer

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/iso8583"
	"tapsim/provisioning"
)

// TestTokenPaysWhenItMay follows a token through its life with a payment at each
// step.
func TestTokenPaysWhenItMay(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.Keys, c.LimitedUse.Uses = 5, 10 })
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	pays := func(code, text string) {
		t.Helper()
		answer, report := p.pay(1_00, nil)
		require.Equal(t, code, answer.ResponseCode, "%+v", report.Steps)
		if text != "" {
			require.Contains(t, report.firstFailure().Text, text)
		}
	}
	manage := func(verb provisioning.Verb, party Party) string {
		t.Helper()
		state, err := b.ManageToken(ctx, TokenChange{Token: token, Verb: verb, Party: party, Reason: ""})
		require.NoError(t, err)
		return state.Status
	}
	pays("00", "")
	require.NoError(t, second(p.call(token, provisioning.VerbSuspend)))
	pays("62", "the card is frozen by its owner")
	require.Equal(t, "suspended", manage(provisioning.VerbSuspend, PartyBank))
	require.Equal(t, "suspended-by-bank", refusalOf(t, func() error {
		require.NoError(t, second(p.call(token, provisioning.VerbResume)))
		return second(p.call(token, provisioning.VerbResume))
	}()), "the bank still holds it")
	pays("62", "the token is suspended by bank")
	require.Equal(t, "active", manage(provisioning.VerbResume, PartyBank))
	pays("00", "")

	states, err := b.LostPhone(ctx, PhoneRequest{Token: token})
	require.NoError(t, err)
	require.Equal(t, []string{"lost-phone"}, states[0].HeldBy)
	pays("62", "the token is suspended: the phone was reported lost")
	require.Equal(t, "suspended-by-lost-phone", refusalOf(t, second(p.call(token, provisioning.VerbResume))))
	require.Equal(t, "suspended-by-lost-phone", refusalOf(t, second(b.ManageToken(ctx, TokenChange{Token: token, Verb: provisioning.VerbResume, Party: PartyBank, Reason: ""}))))
	require.NoError(t, second(b.FoundPhone(ctx, PhoneRequest{Token: token})))
	pays("00", "")

	// The plastic is lost; a new one takes its place behind the same token.
	require.NoError(t, b.SetStatus(ctx, testCard, StatusLost))
	pays("62", "the card behind the token is lost")
	fresh := emv.WithCheckDigit("476173900101777")
	require.NoError(t, b.IssueCard(ctx, NewCard{PAN: fresh, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "A"}))
	require.NoError(t, b.OpenAccount(ctx, NewAccount{ID: "B"}))
	foreign := emv.WithCheckDigit("476173900101888")
	require.NoError(t, b.IssueCard(ctx, NewCard{PAN: foreign, PSN: "01", Expiry: "4912", ServiceCode: "201", Account: "B"}))
	require.Equal(t, "foreign-card", refusalOf(t, second(b.RelinkToken(ctx, Relink{Token: token, Card: CardName(foreign.LastFour())}))))
	require.Equal(t, "same-card", refusalOf(t, second(b.RelinkToken(ctx, Relink{Token: token, Card: CardName(testCard.LastFour())}))))
	require.Equal(t, "unknown-card", refusalOf(t, second(b.RelinkToken(ctx, Relink{Token: token, Card: "0000"}))))
	state, err := b.RelinkToken(ctx, Relink{Token: token, Card: CardName(fresh.LastFour())})
	require.NoError(t, err)
	require.Equal(t, fresh.LastFour(), state.LastFour)
	pays("00", "")

	// Renewal: the same token, a new date, which the phone must fetch.
	old := p.set.Token
	b.now = b.now.Add(time.Hour)
	_, err = p.call(token, provisioning.VerbRenew)
	require.NoError(t, err)
	require.NoError(t, p.keys(token))
	require.Equal(t, old.PAN, p.set.Token.PAN)
	pays("00", "")

	require.NoError(t, second(p.call(token, provisioning.VerbDelete)))
	pays("14", "deactivated")
	for _, verb := range []provisioning.Verb{"activate", "resume", "renew", "suspend", "delete", "resend"} {
		for _, party := range []Party{PartyBank, PartyService} {
			require.Error(t, second(b.ManageToken(ctx, TokenChange{Token: token, Verb: verb, Party: party, Reason: ""})), "%s %s", party, verb)
		}
	}
	require.Equal(t, "token-deleted", refusalOf(t, p.keys(token)))
	pays("14", "deactivated")
	require.ErrorContains(t, b.SetStatus(ctx, p.set.Token.PAN, StatusActive), "for good")
	require.NoError(t, Audit(ctx, b.store))
}

func TestTokenExpires(t *testing.T) {
	b := newBank(t, func(c *Config) { c.TokenService.Years = 1; c.LimitedUse.Lifetime = 366 * 24 * time.Hour })
	p, token := activeToken(t, b, 1)
	require.Equal(t, "3101", p.set.Token.Expiry)
	b.now = time.Date(2031, 2, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, "token-expired", refusalOf(t, p.keys(token)))
	state, err := p.call(token, provisioning.VerbRenew)
	require.NoError(t, err)
	require.Equal(t, "3202", state.Expiry)
	answer, report := p.pay(1_00, nil)
	require.Equal(t, "54", answer.ResponseCode, "%+v", report.Steps)
	require.NoError(t, p.keys(token))
	answer, report = p.pay(1_00, nil)
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
}

func TestDomain(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.Keys, c.LimitedUse.Uses = 5, 10 })
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	for _, c := range []struct {
		domain Domain
		change func(*iso8583.Message)
		code   string
		text   string
	}{
		{Domain{}, nil, "00", ""},
		{Domain{Channels: []string{ChannelContactless}}, nil, "00", ""},
		{Domain{Channels: []string{ChannelQR, ChannelInApp}}, nil, "57", "not for payments by contactless"},
		{Domain{Categories: []string{"5411"}}, func(m *iso8583.Message) { m.MerchantCategory = "5411" }, "00", ""},
		{Domain{Categories: []string{"5411"}}, func(m *iso8583.Message) { m.MerchantCategory = "7995" }, "57", "category 7995"},
		{Domain{Categories: []string{"5411"}}, func(m *iso8583.Message) { m.MerchantCategory = "" }, "57", "category (none)"},
		{Domain{Countries: []string{"276"}}, nil, "00", ""},
		{Domain{Countries: []string{"840"}}, nil, "57", "country 276"},
		{Domain{MaxAmount: 1_00}, nil, "00", ""},
		{Domain{MaxAmount: 99}, nil, "61", "up to 0.99 EUR"},
	} {
		_, err := b.ControlToken(ctx, DomainChange{Token: token, Domain: c.domain})
		require.NoError(t, err)
		answer, report := p.pay(1_00, c.change)
		require.Equal(t, c.code, answer.ResponseCode, "%+v %+v", c.domain, report.Steps)
		require.Contains(t, report.firstFailure().Text, c.text)
	}
	for _, bad := range []Domain{
		{Channels: []string{"smoke"}}, {Categories: []string{"54"}}, {Countries: []string{"DE1"}}, {MaxAmount: -1}, {MaxAmount: emv.MaxAmount + 1},
		{Categories: make([]string, 51)},
	} {
		_, err := b.ControlToken(ctx, DomainChange{Token: token, Domain: bad})
		require.Equal(t, "bad-domain", refusalOf(t, err))
	}
	for mode, want := range map[string]string{
		"071": ChannelContactless, "91": ChannelContactless, "031": ChannelQR, "012": ChannelInApp, "810": ChannelInApp, "051": ChannelOther, "": ChannelOther,
	} {
		require.Equal(t, want, ChannelOf(mode), mode)
	}
}

// TestPhoneIsTold: each payment, refusal and reversal of a token comes to its
// phone, with merchant and reason.
func TestPhoneIsTold(t *testing.T) {
	b := newBank(t, nil)
	p, token := activeToken(t, b, 1)
	ctx := context.Background()
	shop := func(m *iso8583.Message) { m.MerchantName, m.MerchantCategory = "BAKERY", "5462" }
	p.pay(1_00, shop)
	p.pay(900_00, shop)
	m := phoneTap(t, p.set, 0, 3, 2_00).message(t, "0200", 77)
	m.Expiry, m.Track2, m.MerchantName = p.set.Token.Expiry, "", "BAKERY"
	_, err := b.Handle(ctx, m, nil)
	require.NoError(t, err)
	answer, err := b.Handle(ctx, reversalOf(m, "0400", 78), nil)
	require.NoError(t, err)
	require.Equal(t, "00", answer.Message.ResponseCode)

	poll := &provisioning.Poll{Tokens: []provisioning.Cursor{{Token: token, After: 3}}}
	p.sign(poll)
	news, err := b.PollTokens(ctx, poll)
	require.NoError(t, err)
	require.Len(t, news.Tokens, 1)
	require.False(t, news.Tokens[0].More)
	var notices []provisioning.PaymentNotice
	for _, e := range news.Tokens[0].Events {
		require.NotNil(t, e.Payment)
		notices = append(notices, *e.Payment)
	}
	require.Len(t, notices, 4)
	require.Equal(t, provisioning.PaymentNotice{
		ATC: 1, Amount: 1_00, Currency: "978", State: "approved", Code: "00", Meaning: "approved", Merchant: "BAKERY", Terminal: notices[0].Terminal,
		Category: "5462", Channel: ChannelContactless, Record: notices[0].Record,
	}, notices[0])
	require.Equal(t, "declined", notices[1].State)
	require.Contains(t, notices[1].Reason, "900.00 EUR is asked, 499.00 EUR is available")
	require.Equal(t, string(CauseBalance), notices[1].Cause)
	require.Equal(t, "approved", notices[2].State)
	require.Equal(t, "reversed", notices[3].State)
	require.Equal(t, uint16(3), notices[3].ATC)
	require.Equal(t, notices[2].Record, notices[3].Record)

	events, err := b.TokenHistory(ctx, token, 0, 100)
	require.NoError(t, err)
	var verbs []provisioning.Verb
	for n, e := range events {
		require.Equal(t, int64(n+1), e.Number)
		verbs = append(verbs, e.Verb)
	}
	require.Equal(t, []provisioning.Verb{"request", "activate", "replenish", "pay", "pay", "pay", "pay"}, verbs)
	require.NoError(t, Audit(ctx, b.store))
}

func TestAmountLimitOfKeys(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.Amount = 10_00 })
	p, _ := activeToken(t, b, 1)
	for _, c := range []struct {
		amount int64
		code   string
	}{{6_00, "00"}, {4_00, "00"}, {1, "63"}} {
		answer, report := p.pay(c.amount, nil)
		require.Equal(t, c.code, answer.ResponseCode, "%+v", report.Steps)
		if c.code != "00" {
			require.Contains(t, report.find("limited-use key").Text, "add up to 10.01 EUR, at most 10.00 EUR")
		}
	}
}

// TestTokenHistories lets chance choose what user, bank and service do with two
// tokens, and holds each payment and each refusal to a simple model.
func TestTokenHistories(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		b := newBank(t, func(c *Config) {
			c.LimitedUse.Keys, c.LimitedUse.Uses = 10, 10
			c.LimitedUse.Lifetime = 366 * 24 * time.Hour
		})
		ctx := context.Background()
		var phones [2]*phone
		var tokens [2]string
		var held [2]Party
		var deleted [2]bool
		for n := range phones {
			phones[n], tokens[n] = activeToken(t, b, byte(n+1))
		}
		paid, approved := int64(0), 0
		for range 60 {
			n := random.IntN(2)
			p, token := phones[n], tokens[n]
			party := []Party{PartyUser, PartyBank, PartyService}[random.IntN(3)]
			verb := []provisioning.Verb{"suspend", "resume", "renew", "pay", "pay", "pay", "pay", "delete"}[random.IntN(8)]
			if verb == "delete" && random.IntN(4) != 0 {
				verb = "pay"
			}
			if verb == "pay" {
				before := b.account().Balance
				answer, report := p.pay(1_00, nil)
				ok := answer.ResponseCode == "00"
				require.Equal(t, held[n] == 0 && !deleted[n], ok, "seed %d: held %s, deleted %t: %s %+v", seed, held[n], deleted[n], answer.ResponseCode, report.Steps)
				if ok {
					paid, approved = paid+1_00, approved+1
					require.Equal(t, before-1_00, b.account().Balance)
					continue
				}
				require.Equal(t, before, b.account().Balance)
				continue
			}
			var err error
			if party == PartyUser {
				_, err = p.call(token, verb)
			} else {
				_, err = b.ManageToken(ctx, TokenChange{Token: token, Verb: verb, Party: party, Reason: ""})
			}
			possible := !deleted[n]
			switch verb {
			case "suspend":
				possible = possible && held[n]&party == 0
			case "resume":
				possible = possible && held[n]&party != 0
			case "renew":
				possible = possible && held[n] == 0
			}
			require.Equal(t, possible, refusalOf(t, err) == "", "seed %d: %s %s, held %s: %v", seed, party, verb, held[n], err)
			if !possible {
				continue
			}
			switch verb {
			case "suspend":
				held[n] |= party
			case "resume":
				held[n] &^= party
			case "delete":
				deleted[n], held[n] = true, 0
			}
		}
		require.Equal(t, 500_00-paid, b.account().Balance)
		require.NoError(t, Audit(ctx, b.store))
		told := 0
		for n := range tokens {
			events, err := b.TokenHistory(ctx, tokens[n], 0, 1000)
			require.NoError(t, err)
			for _, e := range events {
				if e.Payment != nil && e.Payment.State == "approved" {
					told++
				}
			}
			usage, _, err := b.store.Usage(mustReference(t, tokens[n]))
			require.NoError(t, err)
			require.Equal(t, phones[n].atc, usage.highest(), "what the phone counted is what the bank saw")
		}
		require.Equal(t, approved, told)
	}
}

func mustReference(t *testing.T, text string) PANIndex {
	index, ok := parseReference(text)
	require.True(t, ok)
	return index
}

// TestTokenChangesHappenOnce: the same key with the same request gives the first
// answer, with another it is refused.
func TestTokenChangesHappenOnce(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	_, token := activeToken(t, b, 1)
	c := TokenChange{Token: token, Verb: provisioning.VerbSuspend, Idempotency: "k1"}
	first, err := b.ManageToken(ctx, c)
	require.NoError(t, err)
	again, err := b.ManageToken(ctx, c)
	require.NoError(t, err)
	require.Equal(t, first, again)
	c.Verb = provisioning.VerbDelete
	require.Equal(t, "idempotency-mismatch", refusalOf(t, second(b.ManageToken(ctx, c))))
	state, err := b.TokenState(token)
	require.NoError(t, err)
	require.Equal(t, "suspended", state.Status)
	require.Equal(t, []string{"bank"}, state.HeldBy)
}

// TestTokensWhileTheBankIsClosed: no tokens, no codes, no keys; but a token can
// be stopped.
func TestTokensWhileTheBankIsClosed(t *testing.T) {
	b := newBank(t, nil)
	ctx := context.Background()
	p, token := activeToken(t, b, 1)
	require.NoError(t, second(b.SetMaintenance(ctx, MaintenanceRequest{On: true})))
	require.Equal(t, "maintenance", refusalOf(t, second(newPhone(t, b, 2).request(nil))))
	require.Equal(t, "maintenance", refusalOf(t, p.keys(token)))
	require.Equal(t, "maintenance", refusalOf(t, second(p.enter(token, "000000"))))
	require.Equal(t, "maintenance", refusalOf(t, second(p.call(token, provisioning.VerbResend))))
	require.NoError(t, second(p.call(token, provisioning.VerbSuspend)))
	require.NoError(t, second(b.SetMaintenance(ctx, MaintenanceRequest{})))
	require.NoError(t, second(p.call(token, provisioning.VerbResume)))
	require.NoError(t, p.keys(token))
}
