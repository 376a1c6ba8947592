package hce

import (
	"io"

	"tapsim/apdu"
	"tapsim/cryptogram"
	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// cdolHead is the part of the CDOL1 values that a card takes for the first
// eight elements of its cryptogram, by position and whatever their tags say: a
// test card was recorded with 9F09 in the place of 9F1A (110 in
// testdata/transcripts/recorded).
var cdolHead = [...]int{6, 6, 2, 5, 2, 3, 1, 4}

// cdolLayout says where elements stand in the CDOL1 values; -1 is nowhere.
type cdolLayout struct {
	length                   int
	terminalType, cvmResults int
}

// read takes the question out of data, which has the length that CDOL1 asks
// for.
func (l *cdolLayout) read(data []byte) (q question) {
	e := &q.elements
	copy(e.Amount[:], data[0:])
	copy(e.AmountOther[:], data[6:])
	copy(e.TerminalCountry[:], data[12:])
	copy(e.TVR[:], data[14:])
	copy(e.Currency[:], data[19:])
	copy(e.Date[:], data[21:])
	e.Type = data[24]
	copy(e.UnpredictableNumber[:], data[25:])
	take(q.cvmResults[:], data, l.cvmResults)
	if l.terminalType >= 0 {
		q.terminalType = data[l.terminalType]
	}
	return q
}

// Bits of the reference control parameter, P1 of GENERATE AC (EMV Book 3,
// 6.5.5).
const (
	controlType = 0xC0
	controlCDA  = 0x10
)

// generateAC answers GENERATE AC (EMV Book 3, 6.5.5), once after GET PROCESSING
// OPTIONS.
func (c *Card) generateAC(cmd apdu.Command) []byte {
	m := c.static.mchip
	switch {
	case cmd.P1&^(controlType|controlCDA) != 0 || emv.CryptogramTypeOf(cmd.P1) == emv.RFU || cmd.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case len(cmd.Data) != m.cdol.length || !fits(cmd, m.longest):
		return status(apdu.StatusWrongLength)
	case !c.open():
		return status(apdu.StatusConditions)
	}
	key := c.transactionKey()
	if key == nil {
		return status(apdu.StatusConditions)
	}
	q := m.cdol.read(cmd.Data)
	if m.Device != nil && c.blank(&q.elements) {
		c.last.Status, c.last.Reason = apdu.StatusConditions, ReasonBlank
		return status(apdu.StatusConditions)
	}
	q.asked, q.cda = emv.CryptogramTypeOf(cmd.P1), cmd.P1&controlCDA != 0
	verified := c.isVerified(c.env.Now())
	q.owner, q.over = c.needsOwner(q.elements.Amount, verified), !key.covers(q.elements.Amount)
	a := m.analyse(&q, &c.state.Offline, verified)
	answer, err := c.answerAC(&q, &a, key, cmd.Data)
	if err != nil {
		return c.fail()
	}
	e := &q.elements
	c.last.Status, c.last.Reason, c.last.Cryptogram, c.last.CVM = apdu.StatusOK, a.reason, a.kind, a.cvm
	c.last.Amount, c.last.Currency, c.last.Country, c.last.Date, c.last.Type = e.Amount, e.Currency, e.TerminalCountry, e.Date, e.Type
	c.state.Offline = a.after
	c.state.MChip.Answer = m.store(cmd.Data, answer)
	c.conclude(key, a.shown(), e.Amount, a.kind)
	return answer
}

// shown is the verification that the answer uses up; a declined transaction
// uses none.
func (a *action) shown() CVM {
	if a.kind == emv.AAC {
		return CVMNone
	}
	return a.cvm
}

// Lengths of data objects in the answer, with tag and length.
const (
	lengthCID    = 4
	lengthATC    = 5
	lengthAC     = 11
	lengthPOSCII = 6
)

// answerAC makes the cryptogram and its answer: template 77 with CID, ATC,
// cryptogram or signature, issuer application data and, from a device, POSCII,
// in the order that cards were recorded with.
func (c *Card) answerAC(q *question, a *action, key *Key, cdol []byte) ([]byte, error) {
	m := c.static.mchip
	var iad [32]byte
	m.fillIAD(iad[:len(m.iad)], a)
	e := &q.elements
	e.AIP, e.ATC, e.IAD = m.AIP, c.state.ATC, iad[:len(m.iad)]
	ac, err := c.generate(key.Key, e)
	if err != nil {
		return nil, err
	}
	var room [maxRest]byte
	rest := append(room[:0], 0x9F, 0x27, 1, byte(a.kind), 0x9F, 0x36, 2, byte(e.ATC>>8), byte(e.ATC))
	rest = emv.AppendTLV(rest, emv.TagIAD, e.IAD)
	if m.Device != nil {
		rest = emv.AppendTLV(rest, emv.TagPOSCII, a.poscii[:])
	}
	tag, proof := emv.TagCryptogram, ac[:]
	if a.signed {
		tag = emv.TagSDAD
		if proof, err = c.sign(e, a.kind, ac, cdol, rest); err != nil {
			return nil, err
		}
	}
	const head = lengthCID + lengthATC
	length := len(rest) + 2 + lengthBytes(len(proof)) + len(proof)
	out := append(make([]byte, 0, 1+lengthBytes(length)+length+2), byte(emv.TagResponseFormat2))
	out = append(emv.AppendLength(out, length), rest[:head]...)
	out = append(emv.AppendTLV(out, tag, proof), rest[head:]...)
	return apdu.StatusOK.Append(out), nil
}

// lengthBytes is how many bytes code a length up to 255.
func lengthBytes(n int) int {
	if n < 0x80 {
		return 1
	}
	return 2
}

// maxRest is the longest answer but for cryptogram and signature.
const maxRest = lengthCID + lengthATC + 3 + 32 + lengthPOSCII

// dynamicNumberLength is that of the card's own unpredictable number inside a
// signature, the longest allowed (EMV Book 2, 6.5.1).
const dynamicNumberLength = 8

// sign makes the combined signature over answer, which is the answer without
// it. After relay resistance exchanges the last one's data are signed too (EMV
// Book C-2).
func (c *Card) sign(e *cryptogram.Elements, kind emv.CryptogramType, ac cryptogram.Cryptogram, cdol, answer []byte) ([]byte, error) {
	var number [dynamicNumberLength]byte
	if _, err := io.ReadFull(c.env.Rand, number[:]); err != nil {
		return nil, err
	}
	s := &c.state.MChip
	signed := oda.CDA{DynamicNumber: number[:], CID: byte(kind), Cryptogram: ac}
	if s.Relay.Exchanges > 0 {
		signed.More = s.Relay.Data[:]
	}
	return oda.SignCDA(c.static.signer, signed, oda.CDAData{
		UnpredictableNumber: e.UnpredictableNumber[:], PDOL: s.PDOL, CDOL1: cdol, Response: answer,
	})
}

// Parts of M/Chip issuer application data: key index, cryptogram version, CVR,
// data authentication code or dynamic number, counters.
const (
	mchipCVR      = 2
	mchipCounters = 10
)

// fillIAD writes results and offline counters over those of the profile:
// amount of 6 bytes BCD, number of transactions, FF.
func (m *mchip) fillIAD(iad []byte, a *action) {
	copy(iad, m.iad)
	copy(iad[mchipCVR:], a.cvr[:])
	if m.Counters != nil {
		emv.AppendBCD(iad[mchipCounters:mchipCounters], uint64(a.after.Amount), 6)
		iad[mchipCounters+6], iad[mchipCounters+7] = a.after.Count, 0xFF
	}
}
