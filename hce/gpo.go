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
	noPurse  bool                // the terminal was asked about electronic cash and does not take it
	sm       bool                // the terminal wants SM algorithms
	owner    bool                // beyond what the device pays without verification
}

// pdolLayout says where each element stands in the PDOL data; -1 is nowhere.
type pdolLayout struct {
	length                                                                             int
	ttq, amount, other, country, tvr, currency, date, txType, unpredictable, ecash, sm int
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
	r.noPurse = l.ecash >= 0 && data[l.ecash] != 1
	r.sm = l.sm >= 0 && data[l.sm] == 1
	return r
}

func take(dst, data []byte, at int) {
	if at >= 0 {
		copy(dst, data[at:])
	}
}

// getProcessingOptions answers GET PROCESSING OPTIONS (EMV Book 3, 6.5.8), in
// which a Visa or UnionPay card makes its whole decision. It is allowed once after
// SELECT.
func (c *Card) getProcessingOptions(cmd apdu.Command) []byte {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return status(apdu.StatusWrongP1P2)
	}
	data, sw := pdolData(cmd.Data, c.static.pdol.length)
	switch {
	case sw == apdu.StatusWrongLength || !fits(cmd, c.static.answers.longest):
		return status(apdu.StatusWrongLength)
	case c.selected == 0 || c.state.Initiated:
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
		c.state.ATC, c.state.Tap = max(c.state.ATC+1, c.state.Keys[key].ATC), TapState{}
		c.state.Request.end()
		if c.state.ATC == lastATC {
			v = refuse(apdu.StatusConditions, ReasonATC)
		} else {
			verified := c.isVerified(now)
			r.owner = c.needsOwner(r.elements.Amount, verified)
			v = c.static.decide(&r, &c.state.Offline, verified)
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
	key, reason := c.nextKey(now, r.elements.Amount)
	switch {
	case c.state.Lock != LockNone:
		reason = ReasonBlocked
	case !r.ttq.Has(emv.TTQEMVMode) && !c.static.magStripe(r):
		reason = ReasonMode
	case c.state.ATC == lastATC:
		reason = ReasonATC
	case c.static.qvsdc.Device != nil && c.blank(&r.elements):
		reason = ReasonBlank
	case reason == ReasonNone:
		return key, verdict{status: apdu.StatusOK}
	}
	return key, refuse(apdu.StatusConditions, reason)
}

// generate makes a cryptogram, in the card's own memory.
func (c *Card) generate(key *cryptogram.Key, e *cryptogram.Elements) (cryptogram.Cryptogram, error) {
	session, err := c.static.recipe.SessionKey(key, e)
	if err != nil {
		return cryptogram.Cryptogram{}, err
	}
	input, err := c.static.recipe.AppendInput(c.input[:0], e)
	if err != nil {
		return cryptogram.Cryptogram{}, err
	}
	return c.static.recipe.MAC(session, input), nil
}

// of is the answer for a verdict.
func (a *answers) of(v *verdict, r *request) *answer {
	switch {
	case v.magStripe:
		return &a.magStripe
	case v.kind == emv.AAC:
		return &a.declined
	case v.kind == emv.TC:
		return &a.offline
	case r.ttq.Has(emv.TTQODAForOnline):
		return &a.onlineODA
	}
	return &a.online
}

// respond makes the cryptogram with that key, the signature where there is one,
// and fills answer and records in.
func (c *Card) respond(r *request, v verdict, key int) []byte {
	a, k := c.static.answers.of(&v, r), &c.state.Keys[key]
	x := &c.values
	*x = values{}
	if err := c.prove(r, &v, a, k, x); err != nil { // New has tried the recipe: this cannot be the terminal's doing
		return c.fail()
	}
	out := make([]byte, len(a.coded))
	copy(out, a.coded)
	a.fill(out, x)
	c.state.Initiated, c.state.Tap.Records = true, c.static.fillRecords(a, x)
	c.last.Cryptogram, c.last.Key = v.kind, k.Index
	k.use(r.elements.Amount, v.kind)
	if v.kind != emv.AAC {
		c.spend(r.elements.Amount, v.cvm == CVMConsumerDevice)
	}
	if d := c.static.qvsdc.Device; d != nil && d.Window == SingleUse && v.kind != emv.AAC {
		c.verifiedUntil = time.Time{}
	}
	if v.kind == emv.TC {
		c.approved(&v)
	}
	if q := &c.state.Request; v.kind == emv.ARQC && !v.magStripe && c.static.qvsdc.Update != nil {
		q.Open, q.ATC, q.Cryptogram = true, c.state.ATC, x.ac
	}
	return out
}

// prove makes what the answer proves: cryptogram and signature, or a track.
func (c *Card) prove(r *request, v *verdict, a *answer, k *Key, x *values) error {
	if v.magStripe {
		return c.writeTrack(k.Key, x)
	}
	s, atc := c.static, c.state.ATC
	x.cid, x.atc, x.ctq = byte(v.kind), [2]byte{byte(atc >> 8), byte(atc)}, v.ctq
	after := &c.state.Offline
	if v.kind == emv.TC {
		after = &v.after
	}
	emv.AppendBCD(x.balance[:0], uint64(s.balanceOf(after)), len(x.balance))
	e := &r.elements
	e.AIP, e.ATC, e.IAD = a.aip, atc, x.iad[:len(s.iad)]
	master := k.Key
	copy(e.IAD, s.iad)
	if r.sm && s.sm4 != nil {
		master = s.sm4.Key
		e.IAD[iadDKI], e.IAD[iadAlgorithm] = s.sm4.KeyIndex, algorithmSM4
	}
	s.fillCVR(e.IAD, v, &c.state.Request, k.Index)
	if err := s.fillIDD(atc, e.IAD, x.balance); err != nil {
		return err
	}
	var err error
	if x.ac, err = c.generate(master, e); err != nil {
		return err
	}
	return c.signFast(r, a, x)
}

// fillRecords are the records of an answer with the transaction's values.
func (s *static) fillRecords(a *answer, x *values) []FilledRecord {
	if len(a.records) == 0 {
		return nil
	}
	out := make([]FilledRecord, 0, len(a.records))
	for _, at := range a.records {
		t := &s.files[at.sfi][at.number-1]
		data := append([]byte(nil), t.coded...)
		t.fill(data, x)
		out = append(out, FilledRecord{at.sfi, at.number, data})
	}
	return out
}
