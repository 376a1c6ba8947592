// Package hce is the payment applet of a phone or of a plastic card: a total
// function from command bytes to response bytes. A profile says what the card
// holds and which named behaviour it shows; clock, randomness and keys come
// from outside; phone events (verified, locked, out of the field) are method
// calls. There is one file per command.
//
// The behaviour so far is that of a Visa card at kernel 3 (qVSDC, EMV Book
// C-3): the whole transaction happens in GET PROCESSING OPTIONS.
package hce

import (
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// Env is what a card needs from outside. All of it is required, but for the
// keys of a card with limited-use keys, of which there may be none left.
type Env struct {
	Now  func() time.Time
	Rand io.Reader // for the card's own unpredictable numbers
	Keys []Key     // one card key, or a stock of limited-use keys in the order of use
}

// Card is one applet with its state. It answers commands by itself and reads
// nothing but its Env. It is not safe for concurrent use: a card sees one
// command at a time.
type Card struct {
	name   string
	env    Env
	static static
	state  State
	last   Tap
	tapped bool
	input  [cryptogram.MaxInput]byte // room for the input of a cryptogram
}

var _ apdu.Responder = (*Card)(nil)

// static is what New prepares, so that an exchange only copies and fills in.
type static struct {
	directory []byte // answer to SELECT of the PPSE, without status word
	apps      []application
	files     [31][][]byte // records by SFI and number less one, coded; nil where there is none
	data      []emv.TLV    // for GET DATA, coded
	pdol      pdolLayout
	online    answer
	declined  answer
	recipe    cryptogram.Recipe
	layout    emv.IADFormat
	qvsdc     QVSDC
}

type application struct {
	aid []byte
	fci []byte
}

// New personalises a card. A profile that does not fit together is a
// *ProfileError that names the field.
func New(p Profile, env Env) (*Card, error) {
	if env.Now == nil || env.Rand == nil {
		return nil, errors.New("hce: clock and randomness are required")
	}
	c := &Card{name: p.Name, env: env}
	if err := c.static.build(&p); err != nil {
		return nil, err
	}
	if err := c.static.checkKeys(env.Keys); err != nil {
		return nil, fmt.Errorf("card %s: %w", p.Name, err)
	}
	c.state.Keys = append([]Key(nil), env.Keys...)
	return c, nil
}

// Name is the name of the profile.
func (c *Card) Name() string { return c.name }

// ATC is the application transaction counter: the last value used.
func (c *Card) ATC() uint16 { return c.state.ATC }

// Last tells what the last well-formed GET PROCESSING OPTIONS came to; false
// when there was none since New.
func (c *Card) Last() (Tap, bool) { return c.last, c.tapped }
