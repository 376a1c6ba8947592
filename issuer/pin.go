package issuer

import (
	"context"
	"crypto/subtle"
	"fmt"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
	"tapsim/emv"
)

// PINRules say how the bank verifies an online PIN (field 52). The bank knows no
// PIN, only the verification value of each card's.
type PINRules struct {
	// Zone is the 3DES key under which PIN blocks of ISO 9564-1 format 0 come.
	// Nil: PINs are not verified.
	Zone *cryptogram.Key
	// Verification and KeyIndex make PIN verification values (PVV).
	Verification *cryptogram.Key
	KeyIndex     byte
	Values       []PINValue
	// Tries is how many wrong PINs in a row block a card's PIN, 1 to 15; 0 is 3.
	Tries int
}

// usualTries is how many wrong PINs a bank takes before it blocks.
const usualTries = 3

func (r *PINRules) tries() int {
	if r.Tries == 0 {
		return usualTries
	}
	return r.Tries
}

// PINValue is a card's PIN verification value, four digits, over the first four
// digits of the PIN. It holds for the card's tokens too.
type PINValue struct {
	PAN   emv.PAN
	Value string
}

// stepPIN is the step of the report.
const stepPIN = "pin"

// checkPIN verifies the online PIN of a request. In an advice there is none. What
// a wrong one means is for countPIN.
func (i *Issuer) checkPIN(p *payment, report *Report) error {
	rules := &i.config.PIN
	if p.request.PINBlock == nil || p.advice {
		return nil
	}
	if rules.Zone == nil {
		report.step(stepPIN, Skipped, "the bank has no zone PIN key: the PIN is not verified")
		return nil
	}
	entered, err := pin.Decipher(pin.Format0, rules.Zone, p.request.PINBlock, string(p.pan))
	if err != nil { // its text may tell what is inside
		p.refuse(PINUnreadable)
		report.step(stepPIN, Failed, "field 52 is no PIN block of ISO 9564 format 0 for this account number under the bank's zone PIN key")
		return nil
	}
	known, ok := i.pins[p.card()]
	if !ok {
		report.step(stepPIN, Skipped, "the bank knows no PIN of this card: it is not verified")
		return nil
	}
	value, err := pin.PVV(rules.Verification, rules.KeyIndex, entered, string(known.PAN))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(value), []byte(known.Value)) != 1 {
		p.pin = Failed
		report.step(stepPIN, Failed, "the PIN in field 52 is wrong")
		return nil
	}
	p.pin = OK
	report.step(stepPIN, OK, "the PIN in field 52 has the card's verification value (PVV)")
	return nil
}

// card is the index of the card that a payment is made with, also with a token.
func (p *payment) card() PANIndex {
	if p.instrument.Kind == Token {
		return p.instrument.Card
	}
	return p.index
}

// countPIN counts the wrong PINs of a card and blocks its PIN after too many: a
// PIN of four digits does not outlast guessing. Once it is blocked a right one is
// refused, too, and no answer tells it from a wrong one. A message that is refused
// for another reason before, such as a replay, is answered with that, whatever
// its PIN, and does not count. It runs inside one update.
func (i *Issuer) countPIN(tx *Tx, p *payment, report *Report) error {
	if p.pin == "" {
		return nil
	}
	card, ok, err := tx.Instrument(p.card())
	if err != nil || !ok {
		return errorOr(err, "issuer: token %s has no card behind it", p.instrument.Masked)
	}
	most := i.config.PIN.tries()
	right, before := p.pin == OK && (p.code == "" || p.code.soft()), p.code
	switch {
	case card.WrongPINs >= most:
		p.refuse(TooManyPINs)
		if report != nil {
			report.step("pin tries", Failed, fmt.Sprintf("the card's PIN is blocked after %d wrong ones: right or wrong, it is declined until the operator unblocks it", card.WrongPINs))
		}
		return nil
	case p.pin == Failed:
		if p.refuse(WrongPIN); p.code == before {
			return nil
		}
		card.WrongPINs++
		if report != nil {
			report.step("pin tries", Failed, fmt.Sprintf("wrong PIN %d of %d", card.WrongPINs, most))
		}
	case right && card.WrongPINs > 0:
		card.WrongPINs = 0
	default:
		return nil
	}
	tx.PutInstrument(card)
	return nil
}

// UnblockPIN forgets the wrong PINs of a card, also when it is named by a token.
func (i *Issuer) UnblockPIN(ctx context.Context, pan emv.PAN) error {
	index := i.store.IndexPAN(pan)
	return i.store.Update(ctx, nil, func(tx *Tx) error {
		n, ok, err := tx.Instrument(index)
		if ok && err == nil && n.Kind == Token {
			n, ok, err = tx.Instrument(n.Card)
		}
		if err != nil || !ok {
			return errorOr(err, "issuer: there is no card or token %s", pan.Masked())
		}
		n.WrongPINs = 0
		tx.PutInstrument(n)
		return nil
	})
}

// check finds what is wrong with the rules.
func (r *PINRules) check() error {
	switch {
	case r.Zone != nil && r.Zone.Algorithm() != cryptogram.TDES:
		return configError("pin.zone_key", "PIN blocks of format 0 go under 3DES")
	case r.Zone == nil && (r.Verification != nil || len(r.Values) > 0):
		return configError("pin.zone_key", "PINs cannot be verified without it")
	case r.Verification == nil && len(r.Values) > 0:
		return configError("pin.verification_key", "the cards' verification values need it")
	case r.Verification != nil && r.Verification.Algorithm() != cryptogram.TDES:
		return configError("pin.verification_key", "PIN verification values are made with 3DES")
	case r.Tries < 0 || r.Tries > 15:
		return configError("pin.tries", "%d, want 1 to 15", r.Tries)
	case r.KeyIndex > 9:
		return configError("pin.key_index", "%d, want 0 to 9", r.KeyIndex)
	}
	for _, v := range r.Values {
		if len(v.Value) != 4 || !digitsOnly(v.Value) {
			return configError("pin", "a PIN verification value has 4 digits")
		}
	}
	return nil
}

// pinValues are the rules' values by card.
func (i *Issuer) pinValues() map[PANIndex]PINValue {
	m := make(map[PANIndex]PINValue, len(i.config.PIN.Values))
	for _, v := range i.config.PIN.Values {
		m[i.store.IndexPAN(v.PAN)] = v
	}
	return m
}
