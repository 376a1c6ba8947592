package issuer

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
)

// TestOlderCounters compares the ranges with a set, for counters in any order.
func TestOlderCounters(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var u Usage
		seen := map[uint16]bool{}
		for range 60 { // at most 60 ranges: nothing is joined for want of room
			atc := uint16(rng.IntN(100))
			if rng.IntN(10) == 0 {
				atc = 65500 + uint16(rng.IntN(36))
			}
			require.Equal(t, seen[atc], u.isOlder(atc))
			if !seen[atc] {
				u.addOlder(atc)
				seen[atc] = true
			}
			for n := 1; n < len(u.Older); n++ {
				require.Less(t, int(u.Older[n-1].To)+1, int(u.Older[n].From), "sorted, apart: %v", u.Older)
			}
		}
		for atc := range 65536 {
			require.Equal(t, seen[uint16(atc)], u.isOlder(uint16(atc)), "%d in %v", atc, u.Older)
		}
	}
}

// TestOlderCountersAreBounded: the narrowest gaps close first, and what was
// seen stays seen.
func TestOlderCountersAreBounded(t *testing.T) {
	var u Usage
	for n := range uint16(MaxOlderRanges) {
		u.addOlder(10 * n)
	}
	u.addOlder(10*MaxOlderRanges + 100)
	u.addOlder(3)
	require.Len(t, u.Older, MaxOlderRanges)
	require.True(t, u.isOlder(1), "between 0 and 3, the narrowest gap")
	require.False(t, u.isOlder(10*MaxOlderRanges+50))
	for n := range uint16(MaxOlderRanges) {
		require.True(t, u.isOlder(10*n))
	}
}

// TestOldAdviceTwice: an advice about a counter that the bank no longer knows
// in full moves money once.
func TestOldAdviceTwice(t *testing.T) {
	b := newBank(t, nil)
	for atc := uint16(1); atc <= 40; atc++ {
		if atc != 7 {
			b.handle(offlineTap(atc, 1_00).message(t, "0220", int(atc)))
		}
	}
	require.Equal(t, int64(461_00), b.account().Balance)
	for stan, want := range []int64{461_00, 460_00, 460_00} {
		atc := uint16(7)
		if stan == 0 {
			atc = 5
		}
		answer, _ := b.handle(offlineTap(atc, 1_00).message(t, "0220", 100+stan))
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, want, b.account().Balance, "counter %d", atc)
	}
	answer, report := b.handle(plasticTap(8, 1_00).message(t, "0200", 200))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("counter").Text, "long ago")
	b.audit()
}

// TestRefusedJumpOfAnAdvice: an advice moves its money once, whatever its
// counter, but a jump that is refused does not end the card, and who cannot make
// a cryptogram moves nothing.
func TestRefusedJumpOfAnAdvice(t *testing.T) {
	b := newBank(t, nil)
	b.handle(plasticTap(1, 1_00).message(t, "0200", 1))
	forged := offlineTap(0xFFFE, 1_00).message(t, "0220", 2)
	forged.ICCData[4] ^= 1
	b.handle(forged)
	answer, report := b.handle(offlineTap(0xFFFF, 1_00).message(t, "0220", 3))
	require.Equal(t, "00", answer.ResponseCode)
	require.Contains(t, report.find("counter").Text, "above the highest seen, 1")
	require.Equal(t, int64(498_00), b.account().Balance)
	b.handle(offlineTap(0xFFFF, 1_00).message(t, "0220", 4))
	require.Equal(t, int64(498_00), b.account().Balance, "the same tap again")
	answer, report = b.handle(plasticTap(2, 1_00).message(t, "0200", 5))
	require.Equal(t, "00", answer.ResponseCode, "%+v", report.Steps)
	answer, _ = b.handle(plasticTap(0xFFFF, 1_00).message(t, "0200", 6))
	require.Equal(t, "63", answer.ResponseCode)
	b.audit()
}

// TestRefusedJumpIsNoted: a card whose taps did not get to the bank is declined
// once and goes on from there; what was declined, and what came before it, never
// pays.
func TestRefusedJumpIsNoted(t *testing.T) {
	b := newBank(t, nil)
	b.handle(plasticTap(1, 1_00).message(t, "0100", 1))
	for stan, c := range []struct {
		atc  uint16
		code string
		text string
	}{
		{60, "63", "59 above the highest seen, 1; at most 50 are allowed at once; nothing else is wrong, so it is noted"},
		{60, "63", "replay"},
		{40, "63", "went back"},
		{61, "00", "the highest was 60"},
		{60, "63", "replay"},
		{200, "63", "so it is noted"},
		{201, "00", "the highest was 200"},
		{60, "63", "went back"}, // forgotten among the recent ones, but behind
	} {
		answer, report := b.handle(plasticTap(c.atc, 1_00).message(t, "0100", 10+stan))
		require.Equal(t, c.code, answer.ResponseCode, "%d: counter %d", stan, c.atc)
		if stan < 7 {
			require.Contains(t, report.find("counter").Text, c.text)
		}
	}
	records, err := b.store.Records(context.Background(), "")
	require.NoError(t, err)
	flagged := 0
	for _, r := range records {
		if r.Flagged {
			flagged++
			require.Equal(t, SecurityViolation, r.Code)
		}
	}
	require.Equal(t, 2, flagged)
	b.audit()
}

// TestJumpWithAnotherFaultIsNotNoted: who changed the message on its way does
// not move the counter.
func TestJumpWithAnotherFaultIsNotNoted(t *testing.T) {
	b := newBank(t, nil)
	b.handle(plasticTap(1, 1_00).message(t, "0100", 1))
	changed := plasticTap(60, 1_00).message(t, "0100", 2)
	*changed.Amount = 2_00
	answer, report := b.handle(changed)
	require.Equal(t, "63", answer.ResponseCode)
	require.Equal(t, OK, report.Cryptogram)
	require.NotContains(t, report.find("counter").Text, "noted")
	answer, _ = b.handle(plasticTap(2, 1_00).message(t, "0100", 3))
	require.Equal(t, "00", answer.ResponseCode)
}

// TestSetCounter: an operator lets a card go on whose counter ran ahead, went
// up by mistake, or started again.
func TestSetCounter(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		atcs   []uint16
		set    uint16
		next   uint16
		before string
		after  string
	}{
		{"ran ahead", []uint16{1}, 199, 200, "63", "00"},
		{"ran ahead, set to itself", []uint16{1}, 200, 200, "63", "63"},
		{"went up by mistake", []uint16{0xFFFF}, 5, 6, "63", "00"},
		{"started again", []uint16{40, 41, 42}, 0, 41, "63", "00"},
		{"set down, still seen", []uint16{40, 41, 42}, 41, 40, "63", "63"},
		{"set down, seen above", []uint16{40, 41, 42}, 41, 42, "63", "00"},
	} {
		b := newBank(t, nil)
		for n, atc := range c.atcs {
			b.handle(plasticTap(atc, 1_00).message(t, "0100", n+1))
		}
		answer, _ := b.handle(plasticTap(c.next, 1_00).message(t, "0100", 100))
		require.Equal(t, c.before, answer.ResponseCode, c.name)
		require.NoError(t, b.SetCounter(ctx, testCard, c.set))
		answer, report := b.handle(plasticTap(c.next, 1_00).message(t, "0100", 101))
		require.Equal(t, c.after, answer.ResponseCode, "%s: %+v", c.name, report.find("counter"))
	}
	b := newBank(t, nil)
	require.ErrorContains(t, b.SetCounter(ctx, emv.WithCheckDigit("476173900199999"), 1), "there is no card or token 476173")
}

// TestCutAt compares with a set of counters.
func TestCutAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		var u Usage
		seen := map[uint16]bool{}
		for atc := uint16(0); atc < 200; atc++ {
			if rng.IntN(3) > 0 {
				u.remember(0, Use{ATC: atc})
				seen[atc] = true
			}
		}
		highest := uint16(1 + rng.IntN(220))
		u.cutAt(highest)
		require.Equal(t, highest, u.Recent[0].ATC)
		for atc := range uint16(300) {
			recent := slices.ContainsFunc(u.Recent, func(use Use) bool { return use.ATC == atc })
			require.Equal(t, atc == highest || atc < highest && seen[atc], recent || u.isOlder(atc), "%d of %d", atc, highest)
		}
	}
}

// TestAdvicesOfOneCounter: each of several cryptograms that a card made with one
// counter - it was reset, or there are two of it - moves its money once, however
// often and in whatever order its advices come.
func TestAdvicesOfOneCounter(t *testing.T) {
	b := newBank(t, nil)
	offline := func(un uint32, stan int) *Report {
		p := offlineTap(10, 6_00)
		p.un = un
		_, report := b.handle(p.message(t, "0220", stan))
		return report
	}
	stan := 0
	for round := range 3 {
		for un := range uint32(4) {
			stan++
			report := offline(un, stan)
			if round == 0 && un > 0 {
				require.Contains(t, report.find("counter").Text, "another cryptogram")
			}
		}
		require.Equal(t, int64(476_00), b.account().Balance, "round %d", round)
	}
	for un := range uint32(3 * MaxRecentUses) { // more than the bank remembers whole: none of them twice
		stan++
		offline(un, stan)
	}
	require.Equal(t, int64(500_00-6_00*(MaxRecentUses+1)), b.account().Balance)
	for un := range uint32(3 * MaxRecentUses) {
		stan++
		offline(un, stan)
	}
	require.Equal(t, int64(500_00-6_00*(MaxRecentUses+1)), b.account().Balance)
	b.audit()
}

// TestRefusedCounterIsNoted: what was refused for its counter is collected by no
// advice.
func TestRefusedCounterIsNoted(t *testing.T) {
	for name, c := range map[string]struct {
		atcs []uint16
		text string
	}{
		"behind": {[]uint16{30, 5}, "went back"}, "another cryptogram": {[]uint16{30, 30}, "another cryptogram"},
		"jump": {[]uint16{30, 200}, "above the highest"},
	} {
		for _, other := range []bool{false, true} { // something else is wrong, too
			b := newBank(t, nil)
			for n, atc := range c.atcs {
				p := offlineTap(atc, 1_00)
				p.un = uint32(n)
				m := p.message(t, "0200", n+1)
				if n == 1 && other {
					m.Expiry, m.Track2 = "5012", ""
				}
				answer, report := b.handle(m)
				require.Equal(t, n == 0, answer.ResponseCode == "00", name)
				if n == 1 {
					require.Contains(t, report.find("counter").Text, c.text)
					_, report = b.handle(p.message(t, "0220", 3))
					require.Equal(t, int64(499_00), b.account().Balance, "%s: %+v", name, report.Steps)
				}
			}
			b.audit()
		}
	}
}
