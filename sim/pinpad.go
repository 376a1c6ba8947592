package sim

import (
	"context"
	"fmt"

	"tapsim/cryptogram"
	"tapsim/cryptogram/pin"
	termconfig "tapsim/terminal/config"
)

// PIN is what the customer enters. It does not show itself.
type PIN string

// DemoPIN is the PIN of the demo cards.
const DemoPIN PIN = "1234"

const hiddenPIN = "****"

// String hides the digits.
func (PIN) String() string { return hiddenPIN }

// GoString hides the digits.
func (PIN) GoString() string { return hiddenPIN }

// MarshalText hides the digits.
func (PIN) MarshalText() ([]byte, error) { return []byte(hiddenPIN), nil }

// Check finds what no PIN pad takes (ISO 9564-1: 4 to 12 digits), without
// saying what it was.
func (p PIN) Check() error {
	if len(p) < 4 || len(p) > 12 {
		return fmt.Errorf("a PIN has 4 to 12 digits, this one %d characters", len(p))
	}
	for _, c := range []byte(p) {
		if c < '0' || c > '9' {
			return fmt.Errorf("a PIN has digits only")
		}
	}
	return nil
}

// pinPad is the point of sale's PIN pad with a customer in front of it. The PIN
// leaves it in a block of ISO 9564-1 format 0, bound to the account number that
// the card gave, under the zone PIN key.
type pinPad struct {
	key     *cryptogram.Key
	entered PIN
}

// newPINPad makes the PIN pad of a terminal; nil when it has none.
func newPINPad(t *termconfig.Terminal) (*pinPad, error) {
	if t.PINKey == nil {
		return nil, nil
	}
	key, err := cryptogram.NewKey(cryptogram.TDES, t.PINKey)
	if err != nil {
		return nil, fmt.Errorf("zone PIN key: %w", err)
	}
	return &pinPad{key: key, entered: DemoPIN}, nil
}

// PINBlock implements terminal.PINPad.
func (p *pinPad) PINBlock(_ context.Context, pan string) ([]byte, error) {
	return pin.Encipher(pin.Format0, p.key, string(p.entered), pan, nil)
}
