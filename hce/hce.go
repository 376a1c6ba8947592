// Package hce is the payment applet of a phone or of a plastic card: a total
// function from command bytes to response bytes. A profile says what the card
// holds and which named behaviour it shows; clock, randomness and keys come
// from outside; phone events (verified, locked, out of the field) are method
// calls. There is one file per command.
//
// There are three behaviours: that of a Visa card at kernel 3 (qVSDC, EMV Book
// C-3), where the whole transaction happens in GET PROCESSING OPTIONS; that of a
// UnionPay card at kernel 7 (qPBOC, EMV Book C-7), which is the same with a purse
// and a second cipher; and that of a Mastercard at kernel 2 (M/Chip, EMV Book
// C-2), where GENERATE AC or COMPUTE CRYPTOGRAPHIC CHECKSUM makes the decision.
package hce

import (
	"errors"
	"fmt"
	"io"
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// Env is what a card needs from outside. All of it is required, but for the
// keys of a card with limited-use keys, of which there may be none left.
type Env struct {
	Now  func() time.Time
	Rand io.Reader // for the card's own unpredictable numbers
	Keys []Key     // one card key, or a stock of limited-use keys in the order of use
}

// Card is a payment card with its state. It answers commands by itself and reads
// nothing but its Env. It is not safe for concurrent use: a card sees one
// command at a time.
type Card struct {
	built
	*applet // the one that was selected last; the first to begin with

	name          string
	env           Env
	applets       []applet
	selected      int // number of the application, from 1; 0 is none
	verifiedUntil time.Time
	showing       bool // the phone asks for a code

	last   Tap
	tapped bool
	input  [cryptogram.MaxInput]byte // room for the input of a cryptogram
	values values                    // room for what goes into an answer
	// commits counts what must outlive the program besides the counters.
	commits uint64

	allowance *Allowance // nil: none is counted
}

// applet is one account of a card.
type applet struct {
	*static
	state AccountState
}

var _ apdu.Responder = (*Card)(nil)

// built is what does not change in a card.
type built struct {
	directory []byte // answer to SELECT of the PPSE
	apps      []application
	accounts  []static
}

// static is what New prepares of an account, so that an exchange only copies and
// fills in.
type static struct {
	entries  []byte // of the directory
	apps     []application
	files    [31][]template // records by SFI and number less one; no code where there is none
	data     []emv.TLV      // for GET DATA, coded
	balances []emv.Tag      // for GET DATA: what may still be spent offline
	pdol     pdolLayout
	answers  answers
	recipe   cryptogram.Recipe
	layout   emv.IADFormat
	iad      []byte // as personalised
	track2   emv.Track2
	stock    stock
	commands []instruction
	qvsdc    QVSDC           // of qPBOC too
	ecash    *ECash          // nil without a purse
	sm4      *SM4            // nil without a second algorithm
	macKey   *cryptogram.Key // nil without a balance in the issuer application data

	relatedLength int  // of card authentication related data
	fddaAlways    bool // version 01 whatever the terminal says

	mchip  *mchip     // nil for a card of another behaviour
	signer oda.Signer // nil for a card that does not sign
}

// application is a name that SELECT finds, and whose it is.
type application struct {
	name    []byte
	fci     []byte // answer to SELECT
	blocked []byte // the same while the application is blocked
	account int
}

// New personalises a card. A profile that does not fit together is a
// *ProfileError that names the field.
func New(p Profile, env Env) (*Card, error) {
	if env.Now == nil || env.Rand == nil {
		return nil, errors.New("hce: clock and randomness are required")
	}
	b, err := build(&p)
	if err != nil {
		return nil, err
	}
	c := &Card{built: b, name: p.Name, env: env, applets: make([]applet, len(b.accounts))}
	for i, one := range p.accounts() {
		keys := env.Keys
		if i > 0 {
			keys = CardKey(one.CardKey)
		}
		if one.Signs() && one.Authentication == nil {
			return nil, fmt.Errorf("card %s: %w", p.Name, ErrNotAuthenticated)
		}
		if err := b.accounts[i].checkKeys(keys); err != nil {
			return nil, fmt.Errorf("card %s: %w", p.Name, err)
		}
		c.applets[i] = applet{&b.accounts[i], AccountState{Lock: p.Lock, Keys: append([]Key(nil), keys...)}}
	}
	c.applet = &c.applets[0]
	return c, nil
}

// accounts are the profiles of a card, this one first.
func (p *Profile) accounts() []*Profile {
	out := []*Profile{p}
	for i := range p.Others {
		out = append(out, &p.Others[i])
	}
	return out
}

// Name is the name of the profile.
func (c *Card) Name() string { return c.name }

// ATC is the application transaction counter of the account that was selected
// last: the last value used.
func (c *Card) ATC() uint16 { return c.state.ATC }

// Revision changes whenever the state did in a way that must outlive the
// program: keep it before the answer leaves.
func (c *Card) Revision() uint64 {
	sum := c.commits
	for i := range c.applets {
		sum += uint64(c.applets[i].state.ATC)
	}
	return sum
}

// Last tells what the last transaction came to: the last well-formed GET
// PROCESSING OPTIONS and, for M/Chip, the cryptogram after it. It is false when
// there was none since New.
func (c *Card) Last() (Tap, bool) { return c.last, c.tapped }
