package wallet

import (
	"time"

	"tapsim/hce"
)

// Look is how the wallet stood when a payment began, for its owner to read later.
type Look struct {
	Number   int64     `json:"number"`
	Time     time.Time `json:"time"`
	Card     string    `json:"card"`
	Before   uint16    `json:"before"` // the last counter used before the payment
	ATC      uint16    `json:"atc"`    // and after it: of its cryptogram, or of the last tap of it that came to nothing
	Channel  string    `json:"channel"`
	Default  bool      `json:"default"`           // the card is the wallet's default
	Status   string    `json:"status"`            // of the token, as the phone knew it
	Stopped  string    `json:"stopped,omitempty"` // why the card could not pay at all
	Remedy   string    `json:"remedy,omitempty"`  // what its owner can do about that
	Passcode bool      `json:"passcode"`          // there is one
	Unlocked bool      `json:"unlocked"`          // and the wallet was open, or there is none
	TapAndGo *TapAndGo `json:"tap_and_go,omitempty"`
	Keys     Stock     `json:"keys"`
	Refused  string    `json:"refused,omitempty"` // why the phone itself did not pay
	Cause    Cause     `json:"cause,omitempty"`   // of Stopped or Refused
}

// Cause is why the phone did not pay, in one word for programs. The texts are for
// people, and may change.
type Cause string

// Causes.
const (
	CauseDeleted      Cause = "deleted"    // the card, for good
	CauseExpired      Cause = "expired"    // the card
	CauseFrozen       Cause = "frozen"     // card or phone, by their owner
	CauseKeys         Cause = "keys"       // none that may be used is left
	CauseLockedOut    Cause = "locked-out" // the passcode was wrong too often
	CauseLost         Cause = "lost"       // the phone was reported lost
	CausePhone        Cause = "phone"      // something else on the phone
	CauseReader       Cause = "terminal"   // what the reader asked for, or did not
	CauseSuspended    Cause = "suspended"  // the card, by somebody else
	CauseVerification Cause = "verification"
)

// Causes lists all of them, in alphabetical order of the names.
func Causes() []Cause {
	return []Cause{
		CauseDeleted, CauseExpired, CauseFrozen, CauseKeys, CauseLockedOut, CauseLost, CausePhone, CauseReader, CauseSuspended, CauseVerification,
	}
}

// Refused is why an applet did not pay: nothing where it did.
type Refused struct {
	Cause Cause
	Text  string
}

// reasons are the causes of what an applet refuses for, but for CausePhone.
var reasons = map[hce.Reason]Cause{
	hce.ReasonNoKeys: CauseKeys, hce.ReasonKeysExpired: CauseKeys, hce.ReasonKeyAmount: CauseKeys, hce.ReasonNotVerified: CauseVerification,
	hce.ReasonMode: CauseReader, hce.ReasonNoCommonCVM: CauseReader, hce.ReasonOfflineReader: CauseReader, hce.ReasonBlank: CauseReader,
}

// RefusedFor says why an applet did not pay.
func RefusedFor(r hce.Reason) Refused {
	cause, ok := reasons[r]
	switch {
	case r == hce.ReasonNone:
		return Refused{}
	case !ok:
		cause = CausePhone
	}
	return Refused{cause, r.String()}
}

// maxLooks bounds what is remembered; the oldest go.
const maxLooks = 200

// Look notes how the wallet stands before a card pays, and gives the note's
// number.
func (w *Wallet) Look(name, channel string) (int64, error) {
	c, err := w.card(name)
	if err != nil {
		return 0, err
	}
	w.state.Looked++
	stopped := w.stopOf(c)
	l := Look{
		Number: w.state.Looked, Time: w.now(), Card: c.Name, Channel: channel, Default: w.state.Default == c.Name, Status: c.Status,
		Passcode: w.state.Passcode.Set(), TapAndGo: w.state.TapAndGo, Stopped: stopped.reason, Remedy: stopped.remedy, Cause: stopped.cause,
	}
	if _, l.Unlocked = w.Unlocked(); !l.Passcode {
		l.Unlocked = true
	}
	if c.Enrolled {
		a, err := w.applet(c)
		if err != nil {
			return 0, err
		}
		l.Keys, l.Before, l.ATC = a.Stock(), a.ATC(), a.ATC()
	}
	w.state.Looks = bounded(append(w.state.Looks, l), maxLooks)
	return l.Number, w.save()
}

// Settled notes what came of a payment: its counter, and why the phone refused,
// if it did.
func (w *Wallet) Settled(number int64, atc uint16, why Refused) error {
	for n := range w.state.Looks {
		if l := &w.state.Looks[n]; l.Number == number {
			l.ATC, l.Refused = atc, why.Text
			if l.Cause == "" {
				l.Cause = why.Cause
			}
			return w.save()
		}
	}
	return nil
}

// Used is true for a counter that the payment used up: that of its cryptogram, or
// of a tap before that the card left, or refused.
func (l *Look) Used(card string, atc uint16) bool {
	return l.Card == card && l.Before < atc && atc <= l.ATC
}

// LastLook is the latest note, nil when there is none.
func (w *Wallet) LastLook() *Look { return w.LookAt(w.state.Looked, "", 0) }

// LookAt finds a note by its number, or with 0 by card and counter; nil when
// there is none.
func (w *Wallet) LookAt(number int64, card string, atc uint16) *Look {
	for n := len(w.state.Looks) - 1; n >= 0; n-- {
		l := &w.state.Looks[n]
		if number != 0 && l.Number == number || number == 0 && l.Used(card, atc) {
			return l
		}
	}
	return nil
}
