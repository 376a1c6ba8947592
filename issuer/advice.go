package issuer

import (
	"tapsim/emv"
)

// An advice is always accepted: it reports what was decided elsewhere. Its money
// moves where something that the bank can check says that it may; all other
// advices are flagged, for people to look into.

// relatedTo finds the payment that an advice is about: by the same cryptogram,
// by field 90, or by the same retrieval reference number; nil when there is none.
// An advice with chip data is about a tap, and only completes a payment of it: a
// later cryptogram with its counter, such as the second one of a contact card,
// does.
func (i *Issuer) relatedTo(tx *Tx, p *payment, record *Record) (*Record, error) {
	if !p.advice {
		return nil, nil
	}
	if p.sibling != 0 {
		found, ok, err := tx.RecordBySequence(p.sibling)
		p.stale = !ok
		if err != nil || !ok {
			return nil, err
		}
		return &found, nil
	}
	var found Record
	var ok bool
	var err error
	if key := originalKey(p.request, p.at); key != "" {
		found, ok, err = tx.Record(key)
	}
	if err == nil && !ok && p.reference != "" {
		found, ok, err = tx.recordByReference(p.reference, func(r *Record) bool {
			return r.Instrument == p.index && r.State != RecordOrphan && (p.refund() || p.sameCounter(r))
		})
	}
	if err != nil || !ok || found.Instrument != p.index || found.State == RecordOrphan {
		return nil, err
	}
	if p.refund() && found.State != RecordHeld && (found.Event.spends() || !p.sameCounter(&found)) { // what it gives money of, not itself
		if err = p.nameOriginal(tx); p.original != nil {
			record.Related = p.original.Seq // also where no money moves: the next refund of the same looks it up here
		}
		return nil, err
	}
	if found.Account != record.Account || !p.refund() && !p.sameCounter(&found) {
		return nil, nil
	}
	return &found, nil
}

// sameCounter is true when an advice can be about a record's tap.
func (p *payment) sameCounter(r *Record) bool {
	tap := p.tap()
	return tap == (Tap{}) || r.Tap != (Tap{}) && [2]byte(tap[:2]) == [2]byte(r.Tap[:2])
}

// unproven says why the money of an advice stays where it is although nobody
// declined it, "" when it moves: the advice completes a payment that the bank
// approved, or a card approved it offline, or a network that stood in for the
// bank. A refund needs a tap that is right, an ARQC or a TC, or names the
// payment whose money it gives back.
func (i *Issuer) unproven(p *payment, related *Record) string {
	switch text := p.unreturnable(); {
	case !p.advice || text != "":
		return text
	case related != nil && related.State == RecordReversed:
		return "this payment was reversed before"
	case related != nil && related.State != RecordNoted:
		return ""
	case related != nil:
		return "the bank did not approve the payment that this advice is about"
	case p.chip == nil && p.refund() && p.original != nil, p.chip == nil && i.config.Fallback && i.stoodIn(p):
		return ""
	case p.chip == nil:
		return "it has no chip data, and names no payment that the bank approved"
	case p.proof == nil:
		return "its cryptogram is wrong, and it names no payment that the bank approved"
	case p.refund() != (p.chip.elements.Type == toldRefund):
		return "the card was told another type of transaction"
	case p.refund() || i.stoodIn(p):
		return ""
	}
	if kind, _, _ := p.chip.kind(p.scope.Scheme); kind != emv.TC {
		return "the card asked for an authorisation, and the bank knows of none"
	}
	return ""
}

// stoodIn is true for what a network decided in the bank's place, within what
// the bank lets it: an authorisation advice with a response code that approves
// and an authorisation code.
func (i *Issuer) stoodIn(p *payment) bool {
	return p.class == classAuthorisation && p.request.AuthorisationCode != "" && Code(p.request.ResponseCode).approves() &&
		i.inOwnCurrency(p) <= i.config.StandIn.MaxAmount
}
