package issuer

import (
	"encoding/binary"
	"time"
)

// Values of field 22, first two digits, for payments without a reader
// (ISO 8583:1987 and common usage).
const (
	entryCode     = "03" // an optical code
	entryCommerce = "81" // electronic commerce
)

// codeLife is how long after its making a code is paid, and how far ahead a
// phone's clock may be.
const (
	codeLife  = time.Minute
	codeAhead = 30 * time.Second
)

// byNumber is true for a token whose number was typed or stored: whoever has seen
// it could pay.
func (p *payment) byNumber() bool {
	return p.scope != nil && p.scope.Kind == Token && ChannelOf(p.request.EntryMode) == ChannelInApp
}

// needsProof is true for a payment with a token by code or in an app: without a
// cryptogram whoever has seen the number could pay.
func (p *payment) needsProof() bool {
	if p.scope == nil || p.scope.Kind != Token || len(p.request.EntryMode) < 2 {
		return false
	}
	mode := p.request.EntryMode[:2]
	return mode == entryCode || mode == entryCommerce
}

// codeContradiction: the data of a code come by field 22 03, for a purchase, and
// soon. The time of its making is its unpredictable number, in seconds since
// 1970: our choice, as nothing else in a code tells it and is covered by the
// cryptogram.
func codeContradiction(_ *Config, p *payment, c *chip) (bad contradiction) {
	mode := p.request.EntryMode
	switch {
	case len(mode) < 2 || mode[:2] != entryCode:
		return contradicts("field 55 holds the data of a code, which tells no amount, but field 22 is %q", mode)
	case p.request.ProcessingCode[:2] != "00":
		return contradicts("a code pays for purchases, not for type %s", p.request.ProcessingCode[:2])
	case p.scope == nil || p.scope.Kind != Token:
		return contradicts("only a token is paid with by code")
	case p.advice:
		return bad
	}
	made := time.Unix(int64(binary.BigEndian.Uint32(c.elements.UnpredictableNumber[:])), 0)
	switch age := p.at.Sub(made); {
	case age > codeLife:
		bad = contradicts("the code has expired: it was made %s ago and is good for %s", age, codeLife)
		bad.cause = CauseCodeExpired
	case age < -codeAhead:
		bad = contradicts("the code was made %s after now by the bank's clock", -age)
		bad.cause = CauseClock
	}
	return bad
}
