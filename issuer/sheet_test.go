package issuer

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSheetsAreBounded: long details go, the steps stay.
func TestSheetsAreBounded(t *testing.T) {
	r := &Report{Steps: []Step{{"cryptogram", Failed, CauseCryptogram, "not equal", []Detail{{"input", strings.Repeat("00", maxSheet), ""}}}}}
	s, err := r.sheet(7)
	require.NoError(t, err)
	require.Less(t, len(s.Steps), maxSheet)
	var steps []Step
	require.NoError(t, json.Unmarshal(s.Steps, &steps))
	require.Equal(t, []Step{{Name: "cryptogram", Result: Failed, Cause: CauseCryptogram, Text: "not equal"}}, steps)
	r.Steps[0].Details[0].Value = "00"
	s, err = r.sheet(7 + MaxSheets)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.Steps, &steps))
	require.Equal(t, r.Steps, steps)
	require.Equal(t, int64(7), s.Slot())
}

// TestChecksAreKeptOfAFew: of so many payments a second, then of those of the next.
func TestChecksAreKeptOfAFew(t *testing.T) {
	b := newBank(t, func(c *Config) { c.KeptChecks = 2 })
	kept := func(n int) bool {
		m := plasticTap(uint16(n), 1_00).message(t, "0100", n)
		_, err := b.Handle(bg, m, nil)
		require.NoError(t, err)
		list, err := b.PaymentStories(bg, PaymentQuery{STAN: m.STAN})
		require.NoError(t, err)
		require.Len(t, list, 1)
		return len(list[0].Checks) > 0
	}
	require.Equal(t, []bool{true, true, false}, []bool{kept(1), kept(2), kept(3)})
	b.now = b.now.Add(time.Second)
	require.Equal(t, []bool{true, true, false}, []bool{kept(4), kept(5), kept(6)})
	b.now = b.now.Add(-time.Hour)
	require.True(t, kept(7), "a clock that was set back")
}

func TestQueriesFindTheirRecords(t *testing.T) {
	r := &Record{Seq: 3, Tap: Tap{0, 1, 2, 3, 4, 5, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8}}
	r.Key = "2030" + "0101120000" + "0100" + "000012" + "//T/M"
	for q, want := range map[PaymentQuery]bool{
		{ID: 3}: true, {ID: 4}: false, {STAN: "000012"}: true, {STAN: "000013"}: false, {Cryptogram: "A1A2A3A4A5A6A7A8"}: true, {Cryptogram: "00"}: false,
		{ID: 3, STAN: "000012", Cryptogram: "A1A2A3A4A5A6A7A8"}: true, {ID: 3, STAN: "000013"}: false,
	} {
		require.Equal(t, want, q.Fits(r), "%+v", q)
	}
	for _, key := range []string{"", "short", "~123456789012/acq", "top-up/1"} {
		require.Empty(t, (&Record{Key: key}).stan(), key)
	}
}
