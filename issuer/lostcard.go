package issuer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tapsim/provisioning"
)

// LostCardRequest reports a plastic card lost or stolen.
type LostCardRequest struct {
	Account     string   `json:"account"`
	Card        CardName `json:"card,omitempty"`   // "": the account's only one
	Stolen      bool     `json:"stolen,omitempty"` // it is known to be in other hands
	Idempotency string   `json:"-"`
}

// LostCard stops a card for good. Its tokens do not pay either, until another card
// of the account is behind them (RelinkToken). A bank that is closed for maintenance
// takes the report, too.
func (i *Issuer) LostCard(ctx context.Context, r LostCardRequest) (CardState, error) {
	all, err := i.cardsOf(ctx, r.Account)
	if err != nil {
		return CardState{}, err
	}
	return once(ctx, i, "lost-card", r.Idempotency, r, func(tx *Tx, at time.Time) (CardState, error) {
		if _, err := tx.customer(r.Account); err != nil {
			return CardState{}, err
		}
		card, err := tx.cardOf(all, r.Card)
		if err != nil {
			return CardState{}, err
		}
		switch card.Status {
		case StatusLost, StatusStolen:
			return CardState{}, refuse("already-lost", "", "the card was reported %s already", card.Status)
		case StatusDeactivated:
			return CardState{}, refuse("card-deleted", "", "the card has ended, for good")
		}
		if card.Status = StatusLost; r.Stolen {
			card.Status = StatusStolen
		}
		tx.PutInstrument(card)
		waiting, err := tx.tellLostCard(all, &card, at)
		if err != nil {
			return CardState{}, err
		}
		text := fmt.Sprintf("your card ending in %s was reported %s, and pays no more", card.LastFour, card.Status)
		if waiting > 0 {
			text += fmt.Sprintf("; what pays for it on phones (%d) does so again when another card is linked", waiting)
		}
		i.notify(tx, r.Account, NoticeInfo, text)
		return i.cardState(&card, r.Account), nil
	})
}

// cardOf is the card of that name or, without one, the only card that pays.
func (t *Tx) cardOf(all []Instrument, name CardName) (card Instrument, err error) {
	if name == "" {
		left := slices.DeleteFunc(slices.Clone(all), func(n Instrument) bool {
			return n.Kind != Card || n.Status == StatusLost || n.Status == StatusStolen || n.Status == StatusDeactivated
		})
		switch len(left) {
		case 0:
			return card, refuse("unknown-card", "", "the account has no card that pays")
		case 1:
			name = CardName(left[0].Index.Reference())
		default:
			return card, refuse("ambiguous-card", "name one: `tapsim bank cards ACCOUNT` lists them", "the account has %d cards", len(left))
		}
	}
	index, err := pick(all, Card, string(name))
	if err != nil {
		return card, err
	}
	card, _, err = t.Instrument(index) // as it is by now
	return card, err
}

// tellLostCard writes into the histories of a card's tokens, for their phones to
// learn, that the card was lost, and counts them.
func (t *Tx) tellLostCard(all []Instrument, card *Instrument, at time.Time) (count int, err error) {
	for _, n := range all {
		if n.Kind != Token || n.Card != card.Index {
			continue
		}
		token, _, err := t.Instrument(n.Index) // as it is by now
		if err != nil {
			return count, err
		}
		if token.Card != card.Index || token.Status == StatusDeactivated {
			continue
		}
		b, _, err := t.Binding(n.Index)
		if err != nil {
			return count, err
		}
		b.Token = n.Index
		t.AddTokenEvent(&b, provisioning.Event{
			Time: at, Party: PartyBank.String(), Verb: provisioning.VerbLostCard, From: token.Status.String(), To: token.Status.String(),
			Text: "the card ending in " + card.LastFour + " was reported " + card.Status.String(),
		})
		count++
	}
	return count, nil
}
