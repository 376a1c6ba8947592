package hce

import (
	"tapsim/emv"
)

// ECash is the electronic cash of a qPBOC card: a purse whose balance pays
// offline. Amounts are minor units of the card's currency.
type ECash struct {
	Balance   int64 // as personalised (9F79)
	Limit     int64 // that the balance can come to (9F77)
	MaxAmount int64 // of one transaction (9F78)
	Threshold int64 // a balance that would fall below it goes online where that is possible (9F6D)
}

// madeByECash are the tags whose values come from the purse.
var madeByECash = map[emv.Tag]string{
	emv.TagECashBalance: "qpboc.ecash", emv.TagECashLimit: "qpboc.ecash", emv.TagECashMaximum: "qpboc.ecash", emv.TagECashThreshold: "qpboc.ecash",
}

// value is the value of a tag that the purse gives and that does not change.
func (c *ECash) value(tag emv.Tag) ([]byte, bool) {
	var amount int64
	switch tag {
	case emv.TagECashLimit:
		amount = c.Limit
	case emv.TagECashMaximum:
		amount = c.MaxAmount
	case emv.TagECashThreshold:
		amount = c.Threshold
	default:
		return nil, false
	}
	return emv.AppendBCD(nil, uint64(amount), 6), true
}

// pay takes the amount out of the purse and says whether it was in it and the
// limits allow it.
func (c *ECash) pay(o *OfflineState, amount int64, offlineOnly bool) bool {
	o.Amount += amount
	left := c.Balance - o.Amount
	return amount <= c.MaxAmount && left >= 0 && (offlineOnly || left >= c.Threshold)
}

// payAt pays from the purse when the terminal reads the record that the answer
// named last: who loses the card before has not paid. The terminal has its
// proof then; a card that is lost while it answers has paid.
func (c *Card) payAt(at place) {
	if tap := &c.state.Tap; tap.Unpaid && at == c.static.answers.offline.last {
		c.state.Offline, tap.Unpaid, tap.Paid, tap.After = tap.After, false, true, OfflineState{}
		c.last.Reason = ReasonNone
		c.commits++
	}
}

// check refuses a purse that cannot be.
func (c *ECash) check() error {
	switch {
	case c.Limit < 0 || c.Limit > emv.MaxAmount:
		return fault("qpboc.ecash.limit", "want an amount of at most 12 digits")
	case c.Balance < 0 || c.Balance > c.Limit:
		return fault("qpboc.ecash.balance", "want 0 up to the limit")
	case c.MaxAmount < 0 || c.MaxAmount > c.Limit:
		return fault("qpboc.ecash.max_amount", "want 0 up to the limit")
	case c.Threshold < 0 || c.Threshold > c.Limit:
		return fault("qpboc.ecash.threshold", "want 0 up to the limit")
	}
	return nil
}

// checkLast refuses an offline answer after which a terminal could not know
// whether it was paid: 9F74 stands in the record read last, and so that one
// must be there.
func (s *static) checkLast(p *Profile) error {
	last := s.answers.offline.last
	if s.ecash != nil && !repeated(p.recordTags(last), emv.TagECashCode) {
		return fault("answers.offline.afl", "electronic cash is paid with the record read last, which must hold 9F74")
	}
	return nil
}
