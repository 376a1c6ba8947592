package c2

import (
	"bytes"
	"context"
	"time"

	"tapsim/apdu"
	"tapsim/emv"
	"tapsim/terminal/kernel"
)

// tagTornRecord is the template of a torn record in the discretionary data.
const tagTornRecord emv.Tag = 0xFF8101

// tornRecord is a transaction whose GENERATE AC was not answered: the card may
// have answered, and says so again when it is asked with RECOVER AC.
type tornRecord struct {
	pan, psn []byte // psn is nil when the card has none
	at       time.Time
	sale     sale
	drdol    []byte   // values of the DRDOL as they were then (DF8113)
	values   emv.List // data objects that the cryptogram covers

	un         [4]byte
	tvr        emv.TVR
	cvmResults emv.CVMResults
	cvm        kernel.CVM
	receipt    bool
	request    emv.CryptogramType
	p1         byte
	pdol, cdol []byte
	relay      relayData
}

// sale is what a transaction is about.
type sale struct {
	amount, other int64
	kind          byte
	currency      uint16
}

func (r *run) sale() sale {
	t := &r.a.Transaction
	return sale{t.Amount, t.AmountOther, t.Type, t.Currency.Numeric}
}

// tornTags are the data objects of a torn record that the data record or the
// host wants as they were (EMV Book C-2, Table 4.2).
var tornTags = [...]emv.Tag{
	emv.TagAmount, emv.TagAmountOther, emv.TagTransactionCurrency, emv.TagTransactionDate, emv.TagTransactionTime, emv.TagTransactionType,
	emv.TagUnpredictableNumber, emv.TagTVR, emv.TagCVMResults, emv.TagTerminalCapabilities, emv.TagTerminalCountry, emv.TagTerminalType,
	emv.TagIFDSerial, tagCategory,
}

// recovers is true when both sides can recover a torn transaction.
func (r *run) recovers() bool { return r.set.tornRecords > 0 && r.card.has(slotDRDOL) }

// keepTorn puts the transaction into the log; the oldest record leaves a full
// one (S9.5, S9.11 to S9.14).
func (r *run) keepTorn() bool {
	if !r.recovers() {
		return false
	}
	drdol, ok := r.appendList(nil, r.card[slotDRDOL])
	if !ok {
		return false
	}
	t := tornRecord{
		pan: r.card[slotPAN], psn: r.card[slotPSN], at: r.a.Now(), sale: r.sale(), drdol: drdol,
		un: r.un, tvr: *r.tvr(), cvmResults: r.cvmResults, cvm: r.cvm, receipt: r.receipt, request: r.request, p1: r.p1,
		pdol: r.pdolData, cdol: r.cdolData, relay: r.relay,
	}
	for _, tag := range tornTags {
		if v, ok := r.Lookup(tag); ok {
			t.values = append(t.values, emv.TLV{Tag: tag, Value: bytes.Clone(v)})
		}
	}
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.k.torn = append(r.k.torn, t)
	if n := len(r.k.torn) - int(r.set.tornRecords); n > 0 {
		r.k.torn = append([]tornRecord(nil), r.k.torn[n:]...)
	}
	return true
}

// takeTorn finds this card's record and takes it out of the log; records past
// their lifetime leave on the way (S456.43 to S456.46).
func (r *run) takeTorn() (found tornRecord, ok bool) {
	lifetime := time.Duration(r.set.tornLifetime) * time.Second
	now := r.a.Now()
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	kept := r.k.torn[:0]
	for _, t := range r.k.torn {
		switch {
		case now.Sub(t.at) > lifetime:
		case bytes.Equal(t.pan, r.card[slotPAN]) && bytes.Equal(t.psn, r.card[slotPSN]):
			found, ok = t, true
		default:
			kept = append(kept, t)
		}
	}
	clear(r.k.torn[len(kept):])
	r.k.torn = kept
	return found, ok
}

// recover asks the card for the cryptogram of its torn transaction. Without a
// record, or when the card does not have it any more, it returns no answer and
// a new cryptogram is generated; the old record is then reported (S10).
//
// A record of another sale is not recovered: the terminal would take the
// cryptogram of one amount for another. The book leaves that to the terminal.
func (r *run) recover(ctx context.Context) ([]byte, verdict, error) {
	if !r.recovers() {
		return nil, goOn, nil
	}
	t, ok := r.takeTorn()
	if !ok {
		return nil, goOn, nil
	}
	if t.sale != r.sale() {
		r.report(&t, "the card's torn transaction was another sale: a new cryptogram is generated")
		return nil, goOn, nil
	}
	command := append(append(r.a.Buffer[:0], 0x80, 0xD0, 0x00, 0x00, byte(len(t.drdol))), t.drdol...)
	answer, err := apdu.ExchangeBytes(ctx, r.a.Card, append(command, 0x00))
	if err != nil {
		r.putBack(&t) // S10.5: the record stays for the next tap
		return nil, goOn, err
	}
	if answer.Status != apdu.StatusOK {
		r.report(&t, "the card cannot recover its torn transaction: a new cryptogram is generated")
		return nil, goOn, nil
	}
	r.note("EMV Book C-2, S10.11", "the card recovered the cryptogram of its torn transaction")
	r.restore(&t)
	content, v := r.readAnswer(answer.Data)
	return content, v, nil
}

func (r *run) putBack(t *tornRecord) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.k.torn = append(r.k.torn, *t)
}

// report puts a record that will not be recovered into the discretionary data.
func (r *run) report(t *tornRecord, why string) {
	r.note("EMV Book C-2, S10.8", why)
	r.reported = append(emv.List{{Tag: emv.TagPAN, Value: t.pan}}, t.values...)
	if t.psn != nil {
		r.reported = append(r.reported, emv.TLV{Tag: emv.TagPANSequence, Value: t.psn})
	}
}

// restore puts the torn transaction in the place of this one.
func (r *run) restore(t *tornRecord) {
	r.recovered = t.values
	r.un, *r.tvr(), r.cvmResults, r.cvm, r.receipt = t.un, t.tvr, t.cvmResults, t.cvm, t.receipt
	r.request, r.p1, r.pdolData, r.cdolData, r.relay = t.request, t.p1, t.pdol, t.cdol, t.relay
	if v, ok := t.values.Lookup(emv.TagTerminalCapabilities); ok {
		r.capabilities = emv.TerminalCapabilities(v)
	}
}
