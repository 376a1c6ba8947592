package issuer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/cryptogram"
	"tapsim/emv"
	"tapsim/provisioning"
)

// forgetful is a store that runs updates and drops their changes, so that one
// message can be decided again and again.
type forgetful struct{ *Memory }

func (s forgetful) Update(_ context.Context, _ []string, f func(*Tx) error) error {
	tx := NewTx(&s.rows)
	if err := f(tx); err != nil {
		return err
	}
	_, err := tx.Changes()
	return err
}

func benchDecision(b *testing.B, p func(*bank) tap, report func() *Report) {
	bank := newBank(b, nil)
	m := p(bank).message(b, "0200", 1)
	bank.Issuer.store = forgetful{bank.store.(*Memory)}
	b.ReportAllocs()
	for b.Loop() {
		a, err := bank.Handle(context.Background(), m, report())
		if err != nil || a.Message.ResponseCode != "00" {
			b.Fatal(a, err)
		}
	}
}

func nobody() *Report { return nil }

// BenchmarkDecision is the bank's decision without the store: message checked,
// cryptogram computed again, state rules, ledger entries, ARPC, answer.
func BenchmarkDecision(b *testing.B) {
	plastic := func(*bank) tap { return plasticTap(1, 12_50) }
	phone := func(bank *bank) tap {
		set, err := bank.Replenish(context.Background(), provisioning.Request{Token: testToken}, deviceKey(b))
		require.NoError(b, err)
		return phoneTap(b, set, 0, 1, 12_50)
	}
	b.Run("CVN18", func(b *testing.B) { benchDecision(b, plastic, nobody) })
	b.Run("CVN43", func(b *testing.B) { benchDecision(b, phone, nobody) })
	b.Run("CVN18/with-report", func(b *testing.B) { benchDecision(b, plastic, func() *Report { return new(Report) }) })
}

// BenchmarkCryptogramFloor is what a CVN 18 decision cannot avoid: the session
// key, the MAC and the ARPC, with the card key at hand.
func BenchmarkCryptogramFloor(b *testing.B) {
	card, err := cryptogram.DeriveCardKey(tdes("0123456789ABCDEFFEDCBA9876543210"), cryptogram.OptionA, string(testCard), "01")
	require.NoError(b, err)
	e := plasticTap(1, 12_50).elements()
	r, err := cryptogram.RecipeFor(emv.SchemeVisa, e.IAD)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		session, _ := r.SessionKey(card, &e)
		ac, _ := r.GenerateWithSession(session, &e)
		_, _ = r.IssuerAuthentication(card, session, ac, cryptogram.IssuerAnswer{})
	}
}

// TestNobodyLooking: without a report nothing is formatted for one. A quarter
// more allocations than today would show.
func TestNobodyLooking(t *testing.T) {
	b := newBank(t, nil)
	m := plasticTap(1, 12_50).message(t, "0200", 1)
	b.Issuer.store = forgetful{b.store.(*Memory)}
	quiet := testing.AllocsPerRun(100, func() { _, _ = b.Handle(context.Background(), m, nil) })
	loud := testing.AllocsPerRun(100, func() { _, _ = b.Handle(context.Background(), m, new(Report)) })
	require.Less(t, quiet, 50.0)
	require.Greater(t, loud, 2*quiet)
}
