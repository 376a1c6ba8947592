package issuer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tapsim/provisioning"
)

// Bounds of a poll.
const (
	maxPolled = 50  // tokens in one poll
	maxNews   = 100 // events of one token in one answer
)

// PollTokens tells a phone what has become of its tokens, and what the bank did
// with their payments. It changes nothing.
func (i *Issuer) PollTokens(ctx context.Context, r *provisioning.Poll) (provisioning.News, error) {
	if err := checkProof(r); err != nil {
		return provisioning.News{}, err
	}
	if len(r.Tokens) > maxPolled {
		return provisioning.News{}, refused("too-many", "", "%d tokens in one poll, at most %d", len(r.Tokens), maxPolled)
	}
	news := provisioning.News{Tokens: []provisioning.TokenNews{}}
	for _, c := range r.Tokens {
		t, err := i.readToken(c.Token)
		if err != nil {
			return news, err
		}
		if string(t.binding.Device) != string(r.Device) || len(r.Device) == 0 {
			return news, refused("wrong-device", "a copied wallet is of no use on another phone: add the card there", "the token is not on this phone")
		}
		events, err := i.store.TokenEvents(ctx, t.binding.Token, c.After, maxNews+1)
		if err != nil {
			return news, err
		}
		n := provisioning.TokenNews{TokenState: t.state(), Events: []provisioning.Event{}, More: len(events) > maxNews}
		for _, e := range events[:min(len(events), maxNews)] {
			n.Events = append(n.Events, e.Event)
		}
		if n.Successor, err = i.successor(t); err != nil {
			return news, err
		}
		news.Tokens = append(news.Tokens, n)
	}
	return news, nil
}

// successor is the token that took a token's place, nil where none did.
func (i *Issuer) successor(t *liveToken) (*provisioning.TokenState, error) {
	if t.binding.Successor == "" {
		return nil, nil
	}
	state, err := i.TokenState(t.binding.Successor)
	return &state, err
}

// readToken finds a token outside an update.
func (i *Issuer) readToken(reference string) (*liveToken, error) {
	return lookUpToken(i.store, reference)
}

// TokenState is what both ends know of a token.
func (i *Issuer) TokenState(reference string) (provisioning.TokenState, error) {
	t, err := i.readToken(reference)
	if err != nil {
		return provisioning.TokenState{}, err
	}
	return t.state(), nil
}

// tellPayment puts what became of a payment into the history of its token, for
// the phone to fetch.
func (p *payment) tellPayment(tx *Tx, record *Record, report *Report) error {
	if !p.instrument.Bound {
		return nil
	}
	n := &provisioning.PaymentNotice{
		Amount: record.Requested, Currency: fmt.Sprintf("%03d", record.Currency), Code: string(record.Code), Meaning: record.Code.Meaning(),
		State: "declined", Merchant: record.Merchant, Terminal: strings.TrimSpace(p.request.TerminalID),
		Category: p.request.MerchantCategory, Channel: ChannelOf(p.request.EntryMode), Record: record.Seq,
	}
	if p.partly {
		n.Amount = record.Amount
	}
	if p.chip != nil {
		n.ATC = p.chip.elements.ATC
	}
	switch {
	case record.Code.approves() && p.refund():
		n.State = "refunded"
	case record.Code.approves():
		n.State = "approved"
	default:
		first := report.firstFailure()
		n.Reason, n.Cause = first.Text, string(first.Cause)
	}
	return tellToken(tx, p.index, record.Time, n)
}

// tellBack tells the phone that a payment was given back, or a part of it:
// reversed or refunded.
func tellBack(tx *Tx, payment *Record, state, terminal string, back int64, at time.Time) error {
	n, ok, err := tx.Instrument(payment.Instrument)
	if err != nil || !ok || !n.Bound || !payment.Event.spends() {
		return err
	}
	tapped := *payment
	if tapped.Tap == (Tap{}) && tapped.Related != 0 { // a hold that was completed
		if tapped, ok, err = tx.RecordBySequence(tapped.Related); err != nil || !ok {
			return err
		}
	}
	if tapped.Tap == (Tap{}) {
		return nil // no payment that the phone knows of
	}
	return tellToken(tx, payment.Instrument, at, &provisioning.PaymentNotice{
		ATC: uint16(tapped.Tap[0])<<8 | uint16(tapped.Tap[1]), Amount: back, Left: payment.rest(), Currency: fmt.Sprintf("%03d", payment.Currency),
		State: state, Code: string(Approved), Meaning: Approved.Meaning(), Merchant: payment.Merchant,
		Terminal: strings.TrimSpace(terminal), Channel: tapped.Channel, Record: payment.Seq,
	})
}

// tellToken puts a notice into the history that the token's phone reads.
func tellToken(tx *Tx, token PANIndex, at time.Time, n *provisioning.PaymentNotice) error {
	b, ok, err := tx.Binding(token)
	for err == nil && ok && b.Successor != "" {
		next, _ := parseReference(b.Successor)
		b, ok, err = tx.Binding(next)
	}
	if err != nil || !ok {
		return err
	}
	tx.AddTokenEvent(&b, provisioning.Event{Time: at, Party: PartyBank.String(), Verb: provisioning.VerbPay, Payment: n})
	return nil
}

// firstFailure is the first check that failed.
func (r *Report) firstFailure() Step {
	if r == nil {
		return Step{}
	}
	for _, s := range r.Steps {
		if s.Result == Failed {
			return s
		}
	}
	return Step{}
}

// isBound is true for a token whose phone is told about its payments.
func (i *Issuer) isBound(index PANIndex) bool {
	n, ok, err := i.store.Instrument(index)
	return err == nil && ok && n.Bound
}
