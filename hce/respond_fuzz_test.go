package hce_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/hce"
)

// FuzzRespond sends a session: each byte of lengths cuts one command from data,
// and its high bit says that the reader or the owner does something first.
func FuzzRespond(f *testing.F) {
	add := func(commands ...string) {
		var data, lengths []byte
		for _, s := range commands {
			command := unhex(s)
			data, lengths = append(data, command...), append(lengths, byte(len(command)))
		}
		f.Add(data, lengths, uint16(0))
	}
	add(selectPPSE, selectVisa, gpo(ttqCVM, "0978", "00"), "00B2010C00", "80CA9F3600")
	add(selectVisa, gpo(ttqPlain, "0840", "20"), gpo(ttqPlain, "0978", "00"))
	add("00A4040205A00000000300", "80A8000002830000", "", "00", "00A40400", "00A40400000000")
	f.Add(unhex(selectVisa+gpo(ttqPlain, "0978", "00")), []byte{13, 41}, uint16(0xFFFE))
	cards := []*hce.Card{newPlastic(f, withRecord), newPhone(f, 1, nil)}
	start := []hce.State{cards[0].State(), cards[1].State()}
	f.Fuzz(func(t *testing.T, data, lengths []byte, atc uint16) {
		for i, c := range cards {
			s := start[i]
			s.ATC = atc
			require.NoError(t, c.Restore(s))
			rest := data
			for _, n := range lengths {
				event(c, n)
				n = min(n&0x7F, byte(min(len(rest), 0x7F)))
				same := c.State()
				checkRespond(t, c, rest[:n])
				after := c.State()
				require.NoError(t, c.Restore(same))
				checkRespond(t, c, rest[:n])
				require.Equal(t, after, c.State(), "the same state and command, another state")
				rest = rest[n:]
			}
		}
	})
}

func event(c *hce.Card, n byte) {
	if n&0x80 == 0 {
		return
	}
	switch n % 4 {
	case 0:
		c.Deactivated(hce.Deselected)
	case 1:
		c.Verified(now.Add(time.Hour))
	case 2:
		c.SetLock(hce.LockBlocked)
	case 3:
		c.SetLock(hce.LockNone)
	}
}
