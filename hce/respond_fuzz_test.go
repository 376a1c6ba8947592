package hce_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tapsim/emv"
	"tapsim/hce"
)

// FuzzRespond sends a session to cards of every behaviour: each byte of lengths
// cuts one command from data, and its high bit says that the reader or the owner
// does something first. No two cryptograms come with one counter.
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
	torn := genAC(askTC|withCDA, purchase().cdol(false))
	add(selectMC, gpoPlastic, "80EA0000041A2B3C4D00", torn, selectMC, gpoPlastic, "80D00000041A2B3C4D00", torn)
	add(selectMC, gpoPlastic, "802A8E80040000089900", "80CA9F5000", selectMC, gpoPlastic, torn)
	add(selectMC, gpoPhone, genAC(askARQC|withCDA, purchase().cdol(true)), selectMC, gpoPhone, "802A8E800F00000899030000000012500978027600")
	add(selectVisa, gpo(ttqPlain, "0978", "00"), "00B2041400", "80CA9F5D00", selectVisa, gpo(ttqOnline, "0978", "00"), selectVisa, "00820000081BCF65E800800000", "841E00000800000000000000")
	add(selectDebit, ask(ttqCash, "000000001250", "0978", "00", "01"), lastRecord, selectDebit, lastRecord, "80CA9F7900", "04DA9F790A00000005000000000000")
	add("00A4040009A0000000031010020000", gpo(ttqPlain, "0978", "00"), selectMC, gpoPlastic, genAC(askARQC, purchase().cdol(false)))
	cards := []*hce.Card{newPlastic(f, withRecord), newPhone(f, 1, nil)}
	for _, name := range []string{
		"mastercard-plastic-offline", "mastercard-phone", "visa-plastic-offline", "unionpay-plastic-ecash", "unionpay-plastic-sm4", "co-badged",
	} {
		cards = append(cards, builtIn(f, name, nil))
	}
	var start []hce.State
	for _, c := range cards {
		start = append(start, c.State())
	}
	f.Fuzz(func(t *testing.T, data, lengths []byte, atc uint16) {
		for i, c := range cards {
			s := start[i]
			s.ATC = atc
			require.NoError(t, c.Restore(s))
			rest, told := data, map[string][]byte{}
			for _, n := range lengths {
				event(c, n)
				n = min(n&0x7F, byte(min(len(rest), 0x7F)))
				same := c.State()
				checkRespond(t, c, rest[:n])
				after := c.State()
				require.NoError(t, c.Restore(same))
				answer := checkRespond(t, c, rest[:n])
				require.Equal(t, after, c.State(), "the same state and command, another state")
				if counter, ok := emv.Find(answer[:len(answer)-2], emv.TagResponseFormat2, emv.TagATC); ok {
					name := string(counter) + string(rune(c.State().Selected))
					if earlier, again := told[name]; again {
						require.Equal(t, earlier, answer, "two answers with one counter")
					}
					told[name] = answer
				}
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
