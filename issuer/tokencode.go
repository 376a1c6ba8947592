package issuer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tapsim/emv"
	"tapsim/provisioning"
)

// codeLength is how many digits a one-time code has.
const codeLength = 6

func hashCode(token PANIndex, code string) []byte {
	h := sha256.Sum256(append([]byte("tapsim one-time code "+code), token[:]...))
	return h[:]
}

// codeBegins is how the message with a one-time code begins. What stands next is
// the code, in the store under the store's key.
const codeBegins = "Code "

// newCode is a one-time code, for its reader and as the store has it.
type newCode struct{ digits, sealed string }

func (i *Issuer) newCode() (newCode, error) {
	digits, err := i.randomText(decimal, codeLength)
	if err != nil {
		return newCode{}, err
	}
	sealed, err := i.store.SealPAN(emv.PAN(digits))
	return newCode{digits, hex.EncodeToString(sealed)}, err
}

// readCode is the message as its reader sees it, and its code. One whose code is
// not sealed is of an older bank, and stays as it is.
func (i *Issuer) readCode(text string) (shown, code string, err error) {
	rest, _ := strings.CutPrefix(text, codeBegins)
	word, rest, _ := strings.Cut(rest, " ")
	if len(word) == codeLength {
		return text, word, nil
	}
	sealed, err := hex.DecodeString(word)
	if err != nil {
		return "", "", fmt.Errorf("issuer: the code of a message cannot be read: %w", err)
	}
	digits, err := i.store.OpenPAN(sealed)
	return codeBegins + string(digits) + " " + rest, string(digits), err
}

// sendCode puts a new code into the customer's inbox.
func (i *Issuer) sendCode(tx *Tx, t *liveToken, card *Instrument, code newCode) *provisioning.Verification {
	rules := i.config.TokenService.orDefault()
	c := &t.binding.Code
	*c = Challenge{
		Hash: hashCode(t.binding.Token, code.digits), Sent: t.now, Until: t.now.Add(rules.CodeLife), Tries: rules.CodeTries, Resends: c.Resends,
	}
	text := fmt.Sprintf(codeBegins+"%s adds your card ending in %s to %s. It is good until %s. Tell it to nobody.",
		code.sealed, card.LastFour, orNone(t.binding.DeviceName), c.Until.Format("15:04"))
	i.notify(tx, card.Account, NoticeCode, text)
	return &provisioning.Verification{SentTo: "the inbox of account " + card.Account, Until: c.Until, Tries: c.Tries, Resends: c.Resends}
}

// EnterCode activates a token with the one-time code. A wrong one costs a try; a
// code dies with the last.
func (i *Issuer) EnterCode(ctx context.Context, r *provisioning.CodeEntry) (state provisioning.TokenState, err error) {
	if err := i.admit(r); err != nil {
		return state, err
	}
	now := i.now().UTC().Truncate(time.Second)
	var wrong *Refusal
	err = i.store.Update(ctx, nil, func(tx *Tx) error {
		wrong = nil
		t, err := i.findToken(tx, r.Token, &r.Proof, now)
		if err != nil {
			return err
		}
		if _, no := allowed(provisioning.VerbActivate, t.instrument.Status, PartyUser); no != nil {
			return no
		}
		if err := cardUsable(tx, t); err != nil { // it may have been stopped since the code was sent
			return err
		}
		if wrong = t.tryCode(tx, r.Code); wrong != nil {
			return nil // the try is spent
		}
		t.binding.Code, t.binding.Assurance = Challenge{}, assuranceCode
		m := &move{verb: provisioning.VerbActivate, party: PartyUser}
		if err := t.step(tx, m); err != nil {
			return err
		}
		state = t.state()
		return nil
	})
	if err == nil && wrong != nil {
		err = wrong
	}
	return state, err
}

// tryCode compares what was entered with what was sent.
func (t *liveToken) tryCode(tx *Tx, code string) *Refusal {
	c := &t.binding.Code
	const again = "ask for a new code"
	var r *Refusal
	switch {
	case c.Hash == nil || c.Tries <= 0:
		return refused("no-tries-left", again, "the code was entered wrongly too often")
	case !t.now.Before(c.Until):
		return refused("code-expired", again, "the code was good until %s", c.Until.Format(time.RFC3339))
	case subtle.ConstantTimeCompare(c.Hash, hashCode(t.binding.Token, code)) == 1:
		return nil
	case c.Tries == 1:
		r = refused("no-tries-left", again, "the code is wrong, and it was the last try")
	case c.Tries == 2:
		r = refused("wrong-code", "look into the inbox again", "the code is wrong; one more try")
	default:
		r = refused("wrong-code", "look into the inbox again", "the code is wrong; %d more tries", c.Tries-1)
	}
	c.Tries--
	status := t.instrument.Status.String()
	tx.AddTokenEvent(&t.binding, provisioning.Event{
		Time: t.now, Party: PartyUser.String(), Verb: provisioning.VerbEnterCode, From: status, To: status, Text: r.Code,
	})
	return r
}

// ResendCode sends a new code; the old one is dead.
func (i *Issuer) ResendCode(ctx context.Context, r *provisioning.TokenCall) (*provisioning.Verification, error) {
	if err := i.admit(r); err != nil {
		return nil, err
	}
	return i.resend(ctx, move{reference: r.Token, verb: provisioning.VerbResend, party: PartyUser, proof: &r.Proof})
}

// resend makes the move with a new code; v is nil when it was made before.
func (i *Issuer) resend(ctx context.Context, m move) (v *provisioning.Verification, err error) {
	code, err := i.newCode()
	if err != nil {
		return nil, err
	}
	rules := i.config.TokenService.orDefault()
	m.check = func(tx *Tx, t *liveToken) error {
		c := &t.binding.Code
		switch {
		case c.Resends <= 0:
			return refused("no-resends-left", "remove the card and add it again", "no more codes are sent for this token")
		case t.now.Before(c.Sent.Add(rules.ResendAfter)):
			return refused("too-soon", "", "the last code was sent less than %s ago", rules.ResendAfter)
		}
		c.Resends--
		card, ok, err := tx.Instrument(t.instrument.Card)
		if err != nil || !ok {
			return errorOr(err, "issuer: token %s has no card behind it", t.instrument.Masked)
		}
		v = i.sendCode(tx, t, &card, code)
		return nil
	}
	_, err = i.moveToken(ctx, m)
	return v, err
}
