package c7

import (
	"bytes"
	"context"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
	"tapsim/terminal/kernel/internal/rules"
)

// purchase is an offline approval whose last record did not arrive. That record
// has what makes it good: the authorisation code (9F74) and, for fDDA version
// 01, the card's data that are signed (9F69). The card commits electronic cash
// when it gives the record, so it may have taken the money: it is asked for the
// record again instead of for a new payment.
type purchase struct {
	aid      []byte
	terminal kernel.TransactionData // as the card signed it
	card     *rules.Data
	afl      emv.AFL
	signed   []rules.Record
	sale     kernel.Transaction
	cash     offer
}

// take is the purchase that an activation continues; any other is forgotten.
func (k *Kernel) take(a *kernel.Activation) *purchase {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.broken
	if p == nil {
		return nil
	}
	k.broken = nil
	if !a.Restart || !bytes.Equal(p.aid, a.AID) || !sameSale(&p.sale, &a.Transaction) {
		return nil
	}
	return p
}

// sameSale compares what stays the same from tap to tap of one payment.
func sameSale(a, b *kernel.Transaction) bool {
	return a.Amount == b.Amount && a.AmountOther == b.AmountOther && a.Type == b.Type && a.Currency.Numeric == b.Currency.Numeric &&
		a.SequenceCounter == b.SequenceCounter && a.Time.Equal(b.Time)
}

// lost is what a tap comes to whose card left the field. Only where an offline
// approval lacks nothing but the last record it is remembered.
func (r *run) lost() rules.Verdict {
	if r.Unread != 1 || r.choices.NoRecovery || !r.FindType() || r.Kind != emv.TC {
		return r.Because(rules.PresentAgain, ruleLost, "the card left the field before the kernel had its data")
	}
	r.k.keep(&purchase{
		aid: bytes.Clone(r.A.AID), terminal: r.Terminal, card: r.Card, afl: r.AFL, signed: r.Signed, sale: r.A.Transaction, cash: r.cash,
	})
	return r.Because(rules.PresentAgain, ruleLastRecord, "the card left the field in the last record: that is read again")
}

func (k *Kernel) keep(p *purchase) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.broken = p
}

// readAgain reads the last record of a broken tap. Not done is a card that does
// not have it any more: it has not committed the purchase, and the payment
// starts anew.
func (r *run) readAgain(ctx context.Context, p *purchase) (v rules.Verdict, done bool, err error) {
	fresh := r.Run
	r.Terminal, r.Card, r.AFL, r.Signed, r.cash, r.Unread = p.terminal, p.card, p.afl, p.signed, p.cash, 1
	last := p.afl[len(p.afl)-1]
	answer, err := r.AskRecord(ctx, last, last.Last)
	if err != nil {
		return rules.GoOn, true, err
	}
	if answer.Status != apdu.StatusOK {
		r.Run, r.cash = fresh, offerNone
		r.Note(ruleLastRecord, "the card does not give the last record again: the payment starts anew")
		return rules.GoOn, false, nil
	}
	if v = r.KeepRecord(last, last.Last, answer.Data); v != rules.GoOn {
		return v, true, nil
	}
	r.Note(ruleLastRecord, "the last record of the broken tap was read")
	r.recovered, r.Unread = true, 0
	r.CardRead()
	return r.decide(), true, nil
}
