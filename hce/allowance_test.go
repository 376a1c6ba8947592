package hce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/hce"
)

// TestAllowance: a locked phone pays until one of the bounds is reached, then
// asks for its owner; declined and verified payments do not count.
func TestAllowance(t *testing.T) {
	small := func(c *hce.Card) (apdu.Status, hce.Reason) { // 12.50
		send(t, c, selectVisa)
		sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
		tap, _ := c.Last()
		return sw, tap.Reason
	}
	for name, c := range map[string]struct {
		allowance hce.Allowance
		taps      int
	}{
		"count":      {hce.Allowance{PerTap: 50_00, Left: 150_00, Taps: 2}, 2},
		"cumulative": {hce.Allowance{PerTap: 50_00, Left: 37_49, Taps: 9}, 2},
		"exactly":    {hce.Allowance{PerTap: 12_50, Left: 37_50, Taps: 9}, 3},
		"per tap":    {hce.Allowance{PerTap: 12_49, Left: 150_00, Taps: 9}, 0},
		"nothing":    {hce.Allowance{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			card := newPhone(t, 9, nil)
			card.SetAllowance(&c.allowance)
			for range c.taps {
				sw, reason := small(card)
				require.Equal(t, apdu.StatusOK, sw)
				require.Equal(t, hce.ReasonNone, reason)
			}
			require.NoError(t, card.Restore(card.State()), "it is part of the state")
			sw, reason := small(card)
			require.Equal(t, apdu.StatusNotAllowed, sw)
			require.Equal(t, hce.ReasonNotVerified, reason)
			before := *card.State().Allowance
			card.Verified(now.AddDate(0, 0, 1))
			sw, _ = small(card)
			require.Equal(t, apdu.StatusOK, sw)
			require.Equal(t, before, *card.State().Allowance)
		})
	}
}

func TestAllowanceOfMChip(t *testing.T) {
	p := load(t, "mastercard-phone")
	authenticate(t, &p)
	c, err := hce.New(p, env(singleUse(t, &p, 1, 9)...))
	require.NoError(t, err)
	c.SetAllowance(&hce.Allowance{PerTap: 50_00, Left: 25_00, Taps: 9})
	for _, want := range []emv.CryptogramType{emv.ARQC, emv.ARQC, emv.AAC, emv.AAC} {
		begin(t, c, true)
		_, answer := send(t, c, genAC(askARQC, purchase().cdol(true)))
		require.Equal(t, []byte{byte(want)}, find(t, answer, emv.TagCID))
		if want == emv.AAC {
			require.Equal(t, unhex("000100"), find(t, answer, emv.TagPOSCII), "on-device verification required")
		}
	}
	require.Equal(t, &hce.Allowance{PerTap: 50_00, Left: 0, Taps: 7}, c.State().Allowance)
}

// TestKeyAmount: a key whose payments may add up to an amount gives way to the
// next, and a payment above what any has left is refused, with the reason.
func TestKeyAmount(t *testing.T) {
	first, second := limitedUse(t, 1, 9, now.AddDate(0, 0, 1)), limitedUse(t, 2, 9, now.AddDate(0, 0, 1))
	first.Amount, second.Amount = 20_00, 12_50
	c, err := hce.New(load(t, "visa-phone"), env(first, second))
	require.NoError(t, err)
	for _, want := range []int{1, 2} {
		send(t, c, selectVisa)
		sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
		require.Equal(t, apdu.StatusOK, sw)
		tap, _ := c.Last()
		require.Equal(t, want, tap.Key.Counter)
	}
	send(t, c, selectVisa)
	sw, _ := send(t, c, gpo(ttqPlain, "0978", "00"))
	require.Equal(t, apdu.StatusConditions, sw)
	tap, _ := c.Last()
	require.Equal(t, hce.ReasonKeyAmount, tap.Reason)
	require.Equal(t, int64(7_50), c.State().Keys[0].Amount)
	require.Zero(t, c.State().Keys[1].Uses, "used up to the last cent")

	p := load(t, "mastercard-phone")
	authenticate(t, &p)
	keys := singleUse(t, &p, 1, 1)
	keys[0].Amount = 12_49
	m, err := hce.New(p, env(keys...))
	require.NoError(t, err)
	begin(t, m, true)
	_, answer := send(t, m, genAC(askARQC, purchase().cdol(true)))
	require.Equal(t, []byte{byte(emv.AAC)}, find(t, answer, emv.TagCID))
	tap, _ = m.Last()
	require.Equal(t, hce.ReasonKeyAmount, tap.Reason)
}
