package c2

import (
	"context"

	"tapsim/emv"
)

// checkData follows the records: the limit, what every card must have, what
// CDA needs, and what the amount makes of the terminal's capabilities (EMV
// Book C-2, S456.12 to S456.33).
func (r *run) checkData(context.Context) (verdict, error) {
	if v := r.transactionLimit("EMV Book C-2, S456.14"); v != goOn {
		return v, nil
	}
	const rule = "EMV Book C-2, S456.16"
	for _, m := range [...]struct {
		slot slot
		text string
	}{
		{slotExpiry, "the card gave no 5F24 (application expiration date)"},
		{slotPAN, "the card gave no 5A (account number)"},
		{slotCDOL1, "the card gave no 8C (CDOL1)"},
	} {
		if !r.card.has(m.slot) {
			return r.fail(L2CardDataMissing, rule, m.text), nil
		}
	}
	if _, err := emv.Digits(r.card[slotPAN]); err != nil || !r.samePAN() {
		return r.fail(L2CardDataError, rule, "tag 5A is no account number, or not that of track 2"), nil
	}
	if v := r.chooseODA(); v != goOn {
		return v, nil
	}
	if r.overCVMLimit() {
		r.receipt = true
		r.capabilities[1] = r.set.cvmRequired
		r.note("EMV Book C-2, S456.31", "the amount is above the CVM required limit")
	} else {
		r.capabilities[1] = r.set.noCVM
	}
	return goOn, nil
}

func (r *run) overCVMLimit() bool { return r.a.Transaction.Amount > r.set.cvm }

// samePAN compares the digits of 5A with those of track 2 before its
// separator, half byte by half byte; without track 2 there is nothing to
// compare.
func (r *run) samePAN() bool {
	pan, track2 := r.card[slotPAN], r.card[slotTrack2]
	n := 2 * len(pan)
	for n > 0 && nibble(pan, n-1) == 0xF {
		n--
	}
	if n == 0 {
		return false
	}
	if track2 == nil {
		return true
	}
	if n >= 2*len(track2) || nibble(track2, n) != 0xD {
		return false
	}
	for i := range n {
		if nibble(track2, i) != nibble(pan, i) {
			return false
		}
	}
	return true
}

func nibble(b []byte, i int) byte {
	if i%2 == 0 {
		return b[i/2] >> 4
	}
	return b[i/2] & 0xF
}
