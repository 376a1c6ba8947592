package hce

import (
	"bytes"

	"tapsim/apdu"
)

// StoredAnswer is the answer to the last GENERATE AC and what must be sent to
// get it again; Values is nil for a card without recovery.
type StoredAnswer struct {
	Values []byte // of the DRDOL, as they stood in those of CDOL1
	Answer []byte // with its status word
}

// span is a place in the values of CDOL1.
type span struct{ at, length int }

// store keeps an answer until the next cryptogram, for a terminal that did not
// get it: over the taps that ask again, which raise the counter without a
// cryptogram.
func (m *mchip) store(cdol, answer []byte) StoredAnswer {
	if m.drdol == nil {
		return StoredAnswer{}
	}
	return StoredAnswer{Values: m.recoveryValues(cdol), Answer: append([]byte(nil), answer...)}
}

// recoveryValues picks the values of the DRDOL from those of CDOL1.
func (m *mchip) recoveryValues(cdol []byte) []byte {
	out := make([]byte, 0, m.drdolLength())
	for _, s := range m.drdol {
		out = append(out, cdol[s.at:s.at+s.length]...)
	}
	return out
}

func (m *mchip) drdolLength() (n int) {
	for _, s := range m.drdol {
		n += s.length
	}
	return n
}

// recoverAC answers RECOVER AC (EMV Book C-2): the answer to the last GENERATE
// AC once more, for the values that it was asked with, as often as needed. It
// ends the transaction it comes in; when there is nothing to recover, 6985, the
// terminal goes on with GENERATE AC.
func (c *Card) recoverAC(cmd apdu.Command) []byte {
	m, stored := c.static.mchip, &c.state.MChip.Answer
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != m.drdolLength() || !fits(cmd, m.longest):
		return status(apdu.StatusWrongLength)
	case !c.open() || stored.Values == nil || !bytes.Equal(cmd.Data, stored.Values):
		return status(apdu.StatusConditions)
	}
	c.state.MChip.Done = true
	c.last.Reason = ReasonRecovered
	c.commits++
	return append([]byte(nil), stored.Answer...)
}
