package issuer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// guard is what the token service remembers of a card, or of a phone, over all
// tokens that it has or had.
type guard struct {
	Made  int64 `json:"made,omitempty"`  // tokens in all
	Day   int   `json:"day,omitempty"`   // of a card: the day that Count is of
	Count int   `json:"count,omitempty"` // of a card: requests that led to no active token
	Lost  bool  `json:"lost,omitempty"`  // of a phone: it was reported lost
}

// cardGuard and phoneGuard are the names of guards among the bank's settings.
func cardGuard(card PANIndex) string { return "card/" + card.Reference() }

func phoneGuard(device []byte) string {
	h := sha256.Sum256(device)
	return "phone/" + hex.EncodeToString(h[:16])
}

// settings is a Store or a Tx.
type settings interface {
	Setting(name string) ([]byte, bool, error)
}

func guardOf(s settings, name string) (g guard, err error) {
	value, ok, err := s.Setting(name)
	if err != nil || !ok {
		return g, err
	}
	if err := json.Unmarshal(value, &g); err != nil {
		return g, fmt.Errorf("issuer: setting %s: %w", name, err)
	}
	return g, nil
}

func (t *Tx) putGuard(name string, g guard) error {
	value, err := json.Marshal(g)
	t.PutSetting(name, value)
	return err
}

// mayRequest refuses a phone that was reported lost, and a card that was asked for
// too often: each request is a code to guess, or a guess of what stands on the
// card.
func (i *Issuer) mayRequest(tx *Tx, t *requestedToken) error {
	if err := checkPhone(tx, t.request.Device); err != nil {
		return err
	}
	card, err := guardOf(tx, cardGuard(t.index))
	if err != nil {
		return err
	}
	if most := i.config.TokenService.orDefault().RequestsPerDay; card.Day == dayOf(t.now) && card.Count >= most {
		return refused("too-many-requests", "ask the bank, or try again tomorrow", "the card was asked for %d times today, and no token became active", card.Count)
	}
	return nil
}

// countToken notes a token that came to a phone, on its card and on the phone.
func countToken(tx *Tx, card PANIndex, device []byte) error {
	for _, name := range []string{cardGuard(card), phoneGuard(device)} {
		g, err := guardOf(tx, name)
		if err != nil {
			return err
		}
		g.Made++
		if err := tx.putGuard(name, g); err != nil {
			return err
		}
	}
	return nil
}

// checkPhone refuses a phone that was reported lost.
func checkPhone(tx *Tx, device []byte) error {
	phone, err := guardOf(tx, phoneGuard(device))
	if err == nil && phone.Lost {
		err = refused("phone-lost", "tell the bank that it is found", "the phone was reported lost")
	}
	return err
}

// countRequest counts a request that has not led to an active token, and tells
// the cardholder of the last that is taken that day.
func (i *Issuer) countRequest(tx *Tx, t *requestedToken, card *Instrument) error {
	g, err := guardOf(tx, cardGuard(card.Index))
	if err != nil {
		return err
	}
	if day := dayOf(t.now); g.Day != day {
		g.Day, g.Count = day, 0
	}
	if g.Count++; g.Count == i.config.TokenService.orDefault().RequestsPerDay {
		i.notify(tx, card.Account, NoticeAlert, fmt.Sprintf(
			"Somebody asked %d times today to add your card ending in %s to a phone. No more requests are taken today. If it was not you, tell us.", g.Count, card.LastFour))
	}
	return tx.putGuard(cardGuard(card.Index), g)
}

// forgiveRequests begins anew with counting: the cardholder was there.
func forgiveRequests(tx *Tx, card PANIndex) error {
	g, err := guardOf(tx, cardGuard(card))
	if err != nil || g.Count == 0 {
		return err
	}
	g.Count = 0
	return tx.putGuard(cardGuard(card), g)
}
