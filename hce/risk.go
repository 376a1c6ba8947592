package hce

import (
	"tapsim/cryptogram"
	"tapsim/emv"
)

// approve is card risk management: a purchase within the card's limits becomes
// a TC, unless the reader asks for an online cryptogram or the issuer wants to
// see the next transaction. A reader that can go online meets the lower limits,
// one that cannot the upper ones.
func (s *static) approve(v *verdict, r *request) {
	q, e := &s.qvsdc, &r.elements
	if r.ttq.Has(emv.TTQOnlineCryptogram) || e.Type != typePurchase || v.after.OnlineNext {
		return
	}
	amount, err := emv.BCD(e.Amount[:])
	if err != nil || amount == 0 {
		return
	}
	offlineOnly, after, within := r.ttq.Has(emv.TTQOfflineOnly), v.after, false
	switch home := e.Currency == q.Currency; {
	case home && s.ecash != nil && !r.noPurse:
		within = s.ecash.pay(&after, int64(amount), offlineOnly)
	case home && s.ecash == nil && q.Counters != nil:
		within = q.Counters.count(&after, int64(amount), offlineOnly)
	case !home && q.Abroad != nil:
		within = q.Abroad.count(&after, offlineOnly)
	default:
		return
	}
	if v.exceeded = !within; within {
		v.kind, v.after = emv.TC, after
	}
}

// count counts one more transaction and says whether the limits allow it.
func (l *OfflineCounters) count(o *OfflineState, amount int64, offlineOnly bool) bool {
	o.Count, o.Amount = increment(o.Count), min(o.Amount+amount, emv.MaxAmount)
	maxCount, maxAmount := l.LowerCount, l.LowerAmount
	if offlineOnly {
		maxCount, maxAmount = l.UpperCount, l.UpperAmount
	}
	return amount <= l.MaxAmount && o.Count <= maxCount && o.Amount <= maxAmount
}

// count counts one more transaction and says whether the limits allow it. Its
// amount is of another currency and does not count.
func (l *AbroadCounters) count(o *OfflineState, offlineOnly bool) bool {
	o.Abroad = increment(o.Abroad)
	if offlineOnly {
		return o.Abroad <= l.UpperCount
	}
	return o.Abroad <= l.LowerCount
}

// approved keeps what an offline approval changes: at once, but for a purse,
// which pays when the terminal has read the last record.
func (c *Card) approved(v *verdict) {
	if c.static.ecash == nil {
		c.state.Offline = v.after
		return
	}
	c.state.Tap.Unpaid, c.state.Tap.After = true, v.after
	c.last.Reason = ReasonUnread
}

// spends is true for a profile that approves something offline.
func (p *Profile) spends() bool {
	q := p.settings()
	return q != nil && (q.Counters != nil || q.Abroad != nil || p.QPBOC != nil && p.QPBOC.ECash != nil)
}

// Places in issuer application data of the layouts that these cards have. Visa
// formats 0, 1, 3 and PBOC: length, DKI, CVN, CVR of 4 bytes, in PBOC algorithm
// and discretionary data. Formats 2 and 4: length 1F, CVN, DKI, CVR of 5 bytes,
// discretionary data.
const (
	iadDKI       = 1
	iadCVR       = 3
	iadAlgorithm = 7
	iadIDD       = 8
)

// Bits of the card verification results.
const (
	cvrNoSecondAC        = 0x80 // byte 2, bits 8-7: second cryptogram not requested
	cvrVerifiedOnDevice  = 0x04 // byte 2, bit 3, formats 2 and 4
	cvrExceeded          = 0x20 // byte 3, bit 6: a limit of the card
	cvrAnswerFailed      = 0x08 // byte 3, bit 4: issuer authentication of the last online transaction
	cvrScriptFailed      = 0x08 // byte 4, bit 4; bits 8-5 count the script commands
	cvrVerifiedOnDevice5 = 0x02 // byte 5, bit 2, formats 2 and 4
)

// fillCVR writes card verification results and key index over those of the
// profile.
func (s *static) fillCVR(iad []byte, v *verdict, last *OnlineRequest, index cryptogram.KeyIndex) {
	cvr := iad[iadCVR:]
	cvr[1] = cvrNoSecondAC | byte(v.kind)>>2 // bits 6-5: AAC 00, TC 01, ARQC 10
	if v.exceeded {
		cvr[2] |= cvrExceeded
	}
	if last.Failed {
		cvr[2] |= cvrAnswerFailed
	}
	cvr[3] |= last.Scripts << 4
	if last.ScriptFailed {
		cvr[3] |= cvrScriptFailed
	}
	if s.layout != emv.IADVisa24 {
		return
	}
	if v.device != 0 {
		cvr[0] = v.device
	}
	if v.cvm == CVMConsumerDevice {
		cvr[1] |= cvrVerifiedOnDevice
		cvr[4] |= cvrVerifiedOnDevice5
	}
	if s.recipe.Session == cryptogram.SessionLimitedUse {
		index.Put(iad)
	}
}
