package issuer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/iso8583"
)

// A declined payment under the reference of an approved one, or another card's,
// hides it from nobody: not from a refund, a completion or a reversal.
func TestDeclinedHidesNoneThatPaid(t *testing.T) {
	for _, c := range map[string]struct {
		mti  iso8583.MTI
		then func(b *bank, rrn string)
	}{
		"refund": {"0200", func(b *bank, rrn string) {
			m := refund(t, 60, "0200", 60)
			m.RRN, m.ICCData = rrn, nil // without a tap only what it names speaks for it
			b.answers("00", m, "refund")
			require.Equal(t, int64(492_50), b.account().Balance)
		}},
		"completion": {"0100", func(b *bank, rrn string) {
			m := plasticTap(1, 20_00).message(t, "0220", 60)
			m.RRN, m.ICCData = rrn, nil
			b.answers("00", m, "")
			require.Equal(t, int64(480_00), b.account().Balance)
		}},
		"reversal": {"0200", func(b *bank, rrn string) {
			m := reversalOf(plasticTap(1, 20_00).message(t, "0200", 1), "0400", 60)
			m.RRN, m.OriginalData = rrn, ""
			b.answers("00", m, "")
			require.Equal(t, int64(500_00), b.account().Balance)
		}},
	} {
		b := newBank(t, nil)
		first := plasticTap(1, 20_00).message(t, c.mti, 1)
		b.answers("00", first, "")
		for n := range MaxByReference + 2 {
			m := plasticTap(uint16(2+n), 600_00).message(t, "0200", 2+n)
			m.RRN = first.RRN
			b.answers("51", m, "funds")
		}
		c.then(b, first.RRN)
		b.audit()
	}
}
