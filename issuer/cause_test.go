package issuer

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
	"tapsim/provisioning"
)

// TestCauses: where one check fails for several causes, the step tells them apart
// without its text.
func TestCauses(t *testing.T) {
	status := func(s Status) func(*bank) {
		return func(b *bank) { require.NoError(b.t, b.SetStatus(bg, testCard, s)) }
	}
	account := func(do func(a Account) Account) func(*bank) {
		return func(b *bank) {
			require.NoError(b.t, b.store.Update(bg, nil, func(tx *Tx) error {
				a, _, err := tx.Account("A")
				tx.PutAccount(do(a))
				return err
			}))
		}
	}
	for _, c := range []struct {
		step   string
		change func(*bank)
		minor  int64
		want   Cause
	}{
		{"status", status(StatusSuspended), 1, CauseFrozen},
		{"status", status(StatusStolen), 1, CauseStolen},
		{"status", status(StatusLost), 1, CauseStolen},
		{"status", status(StatusDeactivated), 1, CauseDeleted},
		{"status", account(func(a Account) Account { a.Status = StatusSuspended; return a }), 1, CauseAccountFrozen},
		{"status", account(func(a Account) Account { a.Status = StatusDeactivated; return a }), 1, CauseClosed},
		{"funds", func(*bank) {}, 500_01, CauseBalance},
		{"funds", func(*bank) {}, 1_000_01, CauseBankLimit},
		{"posting", func(*bank) {}, 1, ""},
	} {
		b := newBank(t, nil)
		c.change(b)
		_, report := b.handle(plasticTap(1, c.minor).message(t, iso8583.AuthorisationRequest, 1))
		require.Equal(t, c.want, report.find(c.step).Cause, "%s: %s", c.want, report.find(c.step).Text)
	}
	text, err := json.Marshal(Step{Name: "funds", Result: Failed, Cause: CauseBalance, Text: "too little"})
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "funds", "result": "failed", "cause": "balance", "text": "too little"}`, string(text))
}

// TestCausesOfTokens: who stopped a token, and what of its domain a payment is
// outside of.
func TestCausesOfTokens(t *testing.T) {
	b := newBank(t, func(c *Config) { c.LimitedUse.Keys, c.LimitedUse.Uses = 5, 10 })
	p, token := activeToken(t, b, 1)
	cause := func(step string) Cause {
		t.Helper()
		answer, report := p.pay(1_00, nil)
		require.NotEqual(t, "00", answer.ResponseCode)
		return report.find(step).Cause
	}
	manage := func(verb provisioning.Verb) {
		t.Helper()
		require.NoError(t, second(b.ManageToken(bg, TokenChange{Token: token, Verb: verb, Party: PartyBank})))
	}
	require.NoError(t, second(p.call(token, provisioning.VerbSuspend)))
	require.Equal(t, CauseFrozenByOwner, cause("status"))
	manage(provisioning.VerbSuspend)
	require.Equal(t, CauseFrozen, cause("status"), "by both")
	require.NoError(t, second(p.call(token, provisioning.VerbResume)))
	require.Equal(t, CauseFrozenByBank, cause("status"))
	manage(provisioning.VerbResume)
	require.NoError(t, second(b.LostPhone(bg, PhoneRequest{Token: token})))
	require.Equal(t, CauseLostPhone, cause("status"))
	require.NoError(t, second(b.FoundPhone(bg, PhoneRequest{Token: token})))

	require.NoError(t, second(b.ControlToken(bg, DomainChange{Token: token, Domain: Domain{Channels: []string{ChannelQR}}})))
	require.Equal(t, CauseDomain, cause("domain"))
	require.NoError(t, second(b.ControlToken(bg, DomainChange{Token: token, Domain: Domain{MaxAmount: 99}})))
	require.Equal(t, CauseTokenLimit, cause("domain"))
	require.NoError(t, second(b.ControlToken(bg, DomainChange{Token: token})))

	require.NoError(t, b.SetStatus(bg, testCard, StatusLost))
	require.Equal(t, CauseCardStopped, cause("status"))
}
