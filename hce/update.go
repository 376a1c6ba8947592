package hce

import (
	"slices"

	"tapsim/apdu"
	"tapsim/cryptogram"
)

// OnlineRequest is what a card that takes issuer updates remembers of its last
// online request, over the taps: the issuer's answer comes with another one.
type OnlineRequest struct {
	Open       bool // the issuer may still answer
	ATC        uint16
	Cryptogram cryptogram.Cryptogram
	Commands   int                            // script commands since then
	MACs       [maxScripts][minScriptMAC]byte // how theirs begin: none is taken twice

	// For the verification results of the next transactions, until an answer of
	// the issuer is authentic.
	Failed       bool // the last answer was not
	Scripts      byte // script commands with a right MAC, at most 15
	ScriptFailed bool
}

// maxScripts is what the verification results can count, and what a card takes
// for one request.
const maxScripts = 15

// end forgets the request, as another transaction begins. What the verification
// results tell about it stays.
func (r *OnlineRequest) end() {
	*r = OnlineRequest{Failed: r.Failed, Scripts: r.Scripts, ScriptFailed: r.ScriptFailed}
}

// taken is true for a script command that was accepted before.
func (r *OnlineRequest) taken(mac [minScriptMAC]byte) bool {
	return slices.Contains(r.MACs[:r.Commands], mac)
}

// externalAuthenticate answers EXTERNAL AUTHENTICATE (EMV Book 3, 6.5.4): the
// issuer's answer to the last online request, tag 91, once. An authentic one
// resets the counters of what was approved offline, as its response code or card
// status update says.
func (c *Card) externalAuthenticate(cmd apdu.Command) []byte {
	r := &c.state.Request
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) < 8 || len(cmd.Data) > 16:
		return status(apdu.StatusWrongLength)
	case c.selected == 0 || !r.Open || c.state.Lock != LockNone:
		return status(apdu.StatusConditions)
	}
	recipe, key := &c.static.recipe, c.state.Keys[0].Key
	session, err := recipe.SessionKey(key, &cryptogram.Elements{ATC: r.ATC})
	if err != nil {
		return c.fail()
	}
	answer, authentic, err := recipe.VerifyIssuerAuthentication(key, session, r.Cryptogram, cmd.Data)
	if err != nil {
		return status(apdu.StatusWrongLength)
	}
	c.commits++
	r.Open, r.Failed = false, !authentic
	if !authentic {
		return status(apdu.StatusAuthenticationFailed)
	}
	r.Scripts, r.ScriptFailed = 0, false
	if recipe.ARPC == cryptogram.ARPC2Session {
		c.obeyStatusUpdate(answer.CSU)
	} else if approves(answer.ResponseCode) {
		c.resetCounters()
	}
	return status(apdu.StatusOK)
}

// approves is true for response codes that a card takes for an approval (EMV
// Book 4, A6, of the authorisation response codes).
func approves(code [2]byte) bool {
	switch string(code[:]) {
	case "00", "10", "11":
		return true
	}
	return false
}

// Bits of the second byte of the card status update (EMV Book 3, Annex C).
const (
	csuCardBlock        = 0x40
	csuApplicationBlock = 0x20
	csuOnlineNext       = 0x08
	csuCounters         = 0x03
	csuCountersToUpper  = 0x01
	csuCountersReset    = 0x02
)

// obeyStatusUpdate does what the issuer wants done. A card blocks as its
// application does. The PIN tries are not those of this interface.
func (c *Card) obeyStatusUpdate(csu [4]byte) {
	o := &c.state.Offline
	o.OnlineNext = csu[1]&csuOnlineNext != 0
	if csu[1]&(csuCardBlock|csuApplicationBlock) != 0 {
		c.state.Lock = LockBlocked
	}
	switch l := c.static.qvsdc.Counters; csu[1] & csuCounters {
	case csuCountersReset:
		c.resetCounters()
	case csuCountersToUpper:
		if l != nil {
			o.Count, o.Amount = l.UpperCount, l.UpperAmount
		}
		if l := c.static.qvsdc.Abroad; l != nil {
			o.Abroad = l.UpperCount
		}
	}
}

// resetCounters lets the card approve offline from the beginning. The balance of
// a purse is money and stays.
func (c *Card) resetCounters() {
	o := &c.state.Offline
	o.Count, o.Abroad, o.OnlineNext = 0, 0, false
	if c.static.ecash == nil {
		o.Amount = 0
	}
}
