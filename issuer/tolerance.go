package issuer

import (
	"fmt"

	"tapsim/emv"
)

// maxTolerance bounds Config.Tolerance, in percent.
const maxTolerance = 1000

// excess says why an advice is for more than what it may be, "" when it is not:
// more than was authorised, or than the card approved offline, and the bank's
// tolerance for tips.
func (i *Issuer) excess(tx *Tx, p *payment, related *Record) (string, error) {
	authorised, currency, by := int64(0), p.currency, "was authorised"
	switch {
	case !p.advice:
		return "", nil
	case related != nil && (related.State == RecordHeld || related.State == RecordExpired):
		var err error
		if authorised, err = tx.authorised(related); err != nil {
			return "", err
		}
		currency = related.Currency
	case related != nil || p.proof == nil || p.chip.code: // bounded by what is left of a payment, or by the limits of stand-in
		return "", nil
	default:
		told, err := emv.BCD(p.chip.elements.Amount[:])
		in, bad := emv.BCD(p.chip.elements.Currency[:])
		if err != nil || bad != nil {
			return "the card signed no amount", nil
		}
		authorised, currency, by = int64(told), uint16(in), "did the card sign (9F02)"
	}
	most := authorised + share(authorised, int64(i.config.Tolerance), 100)
	asked, ok := i.config.convert(p.amount, p.currency, currency)
	if ok && asked <= most {
		return "", nil
	}
	return fmt.Sprintf("%s are to be paid, %s %s; with the bank's tolerance of %d %% it may be %s (advices.tolerance)",
		money(p.amount, p.currency), money(authorised, currency), by, i.config.Tolerance, money(most, currency)), nil
}

// authorised is what a hold was for when it was open last.
func (t *Tx) authorised(held *Record) (int64, error) {
	if held.State == RecordHeld {
		return held.Amount, nil
	}
	if held.Related != 0 {
		ended, ok, err := t.RecordBySequence(held.Related)
		if err != nil || ok && ended.Event == EventExpiry {
			return ended.Amount, err
		}
	}
	if held.Code == PartlyApproved { // of a hold that ended before its end was noted
		return approvedPart(held.Answer)
	}
	return held.Requested, nil
}
