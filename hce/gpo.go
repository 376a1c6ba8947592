package hce

import (
	"time"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/emv"
)

// request is what the terminal sent for the PDOL.
type request struct {
	ttq      emv.TTQ
	elements cryptogram.Elements // AIP, ATC and IAD are the card's to fill in
}

// pdolLayout says where each element stands in the PDOL data; -1 is nowhere.
type pdolLayout struct {
	length                                                                  int
	ttq, amount, other, country, tvr, currency, date, txType, unpredictable int
}

// read takes the elements out of data, which has the length that the PDOL asks
// for.
func (l *pdolLayout) read(data []byte) (r request) {
	e := &r.elements
	take(r.ttq[:], data, l.ttq)
	take(e.Amount[:], data, l.amount)
	take(e.AmountOther[:], data, l.other)
	take(e.TerminalCountry[:], data, l.country)
	take(e.TVR[:], data, l.tvr)
	take(e.Currency[:], data, l.currency)
	take(e.Date[:], data, l.date)
	take(e.UnpredictableNumber[:], data, l.unpredictable)
	if l.txType >= 0 {
		e.Type = data[l.txType]
	}
	return r
}

func take(dst, data []byte, at int) {
	if at >= 0 {
		copy(dst, data[at:])
	}
}

// getProcessingOptions answers GET PROCESSING OPTIONS (EMV Book 3, 6.5.8), in
// which a Visa card makes its whole decision. It is allowed once after SELECT.
func (c *Card) getProcessingOptions(cmd apdu.Command) []byte {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	data, sw := pdolData(cmd.Data, c.static.pdol.length)
	switch {
	case sw == apdu.StatusWrongLength || !fits(cmd, c.static.longest()):
		return status(apdu.StatusWrongLength)
	case c.state.Selected == 0 || c.state.Initiated:
		return status(apdu.StatusConditions)
	case !sw.OK():
		return status(sw)
	}
	return c.transact(c.static.pdol.read(data), c.env.Now())
}

// pdolData takes the values out of command template 83. Which status word a
// wrong length gets is what a Visa card was recorded to do (031 in
// testdata/transcripts/recorded): 6700 when the length of the template lies,
// 6984 when the template is whole but not what the PDOL asks for. Another
// template is wrong data, 6A80.
func pdolData(template []byte, want int) ([]byte, apdu.Status) {
	if len(template) == 0 {
		return nil, apdu.StatusWrongLength
	}
	if template[0] != byte(emv.TagCommandTemplate) {
		return nil, apdu.StatusWrongData
	}
	s := emv.Scan(template)
	if !s.Next() || len(s.Object().Header)+len(s.Value()) != len(template) {
		return nil, apdu.StatusWrongLength
	}
	if len(s.Value()) != want {
		return nil, apdu.StatusDataInvalidated
	}
	return s.Value(), apdu.StatusOK
}

// transact decides on one transaction and answers it. The counter rises before
// the card decides, so that a refused tap burns a value too; only a card that
// cannot make any cryptogram leaves it.
func (c *Card) transact(r request, now time.Time) []byte {
	key, v := c.admit(&r, now)
	if v.status.OK() {
		if c.state.ATC++; c.state.ATC == lastATC {
			v = refuse(apdu.StatusConditions, ReasonATC)
		} else {
			v = c.static.qvsdc.decide(&r, c.isVerified(now))
		}
	}
	e := &r.elements
	c.tapped = true
	c.last = Tap{
		Time: now, ATC: c.state.ATC, Status: v.status, Reason: v.reason, CVM: v.cvm, Amount: e.Amount,
		Currency: e.Currency, Country: e.TerminalCountry, Date: e.Date, Type: e.Type,
	}
	if !v.status.OK() {
		return status(v.status)
	}
	return c.respond(&r, v, key)
}

// lastATC makes no cryptogram: a card that has come to it refuses for ever.
const lastATC = 0xFFFF

// admit refuses what is no question of the transaction, and finds the key.
func (c *Card) admit(r *request, now time.Time) (key int, v verdict) {
	key, reason := c.nextKey(now)
	switch {
	case c.state.Lock != LockNone:
		reason = ReasonBlocked
	case !r.ttq.Has(emv.TTQEMVMode):
		reason = ReasonMode
	case c.state.ATC == lastATC:
		reason = ReasonATC
	case reason == ReasonNone:
		return key, verdict{status: apdu.StatusOK}
	}
	return key, refuse(apdu.StatusConditions, reason)
}

// generate makes a cryptogram, in the card's own memory.
func (c *Card) generate(key *cryptogram.Key, e *cryptogram.Elements) (cryptogram.Cryptogram, error) {
	recipe := &c.static.recipe
	session, err := recipe.SessionKey(key, e)
	if err != nil {
		return cryptogram.Cryptogram{}, err
	}
	input, err := recipe.AppendInput(c.input[:0], e)
	if err != nil {
		return cryptogram.Cryptogram{}, err
	}
	return recipe.MAC(session, input), nil
}

// respond makes the cryptogram with that key and fills the answer in.
func (c *Card) respond(r *request, v verdict, key int) []byte {
	a := &c.static.online
	if v.kind == emv.AAC {
		a = &c.static.declined
	}
	k := &c.state.Keys[key]
	out := make([]byte, len(a.coded))
	copy(out, a.coded)
	iad := out[a.iad : a.iad+a.iadLen]
	c.static.fillIAD(iad, v, k.Index)
	r.elements.AIP, r.elements.ATC, r.elements.IAD = a.aip, c.state.ATC, iad
	ac, err := c.generate(k.Key, &r.elements)
	if err != nil { // New has tried the recipe: this cannot be the terminal's doing
		c.last.Status, c.last.Reason = apdu.StatusUnknown, ReasonFault
		return status(apdu.StatusUnknown)
	}
	a.fill(out, ac, v, c.state.ATC)
	c.state.Initiated = true
	c.last.Cryptogram, c.last.Key = v.kind, k.Index
	if k.Uses != Unlimited {
		k.Uses--
	}
	if d := c.static.qvsdc.Device; d != nil && d.Window == SingleUse && v.kind != emv.AAC {
		c.state.VerifiedUntil = time.Time{}
	}
	return out
}
