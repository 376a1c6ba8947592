package issuer

import (
	"crypto/subtle"

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
}

// PINValue is a card's PIN verification value, four digits, over the first four
// digits of the PIN. It holds for the card's tokens too.
type PINValue struct {
	PAN   emv.PAN
	Value string
}

// stepPIN is the step of the report.
const stepPIN = "pin"

// checkPIN verifies the online PIN of a request. In an advice there is none.
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
	card := p.index
	if p.instrument.Kind == Token {
		card = p.instrument.Card
	}
	known, ok := i.pins[card]
	if !ok {
		report.step(stepPIN, Skipped, "the bank knows no PIN of this card: it is not verified")
		return nil
	}
	value, err := pin.PVV(rules.Verification, rules.KeyIndex, entered, string(known.PAN))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(value), []byte(known.Value)) != 1 {
		p.refuse(WrongPIN)
		report.step(stepPIN, Failed, "the PIN in field 52 is wrong")
		return nil
	}
	report.step(stepPIN, OK, "the PIN in field 52 has the card's verification value (PVV)")
	return nil
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
