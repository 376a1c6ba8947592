package issuer

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
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
			b.handle(plasticTap(atc, 1_00).message(t, "0220", int(atc)))
		}
	}
	require.Equal(t, int64(461_00), b.account().Balance)
	for stan, want := range []int64{461_00, 460_00, 460_00} {
		atc := uint16(7)
		if stan == 0 {
			atc = 5
		}
		answer, _ := b.handle(plasticTap(atc, 1_00).message(t, "0220", 100+stan))
		require.Equal(t, "00", answer.ResponseCode)
		require.Equal(t, want, b.account().Balance, "counter %d", atc)
	}
	answer, report := b.handle(plasticTap(8, 1_00).message(t, "0200", 200))
	require.Equal(t, "63", answer.ResponseCode)
	require.Contains(t, report.find("counter").Text, "long ago")
	b.audit()
}
