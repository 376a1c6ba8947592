package hce

import (
	"bytes"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// QPBOC are the settings of the behaviour at kernel 7 (JR/T 0025): the choices
// of a Visa card, and what UnionPay has besides.
type QPBOC struct {
	QVSDC
	ECash  *ECash          // nil for a card without a purse; it takes the place of Counters
	SM4    *SM4            // nil for a card that knows 3DES alone
	MACKey *cryptogram.Key // of the card, 3DES, for the MAC over the balance in issuer application data; nil where those have none
}

// SM4 is what a card needs to make cryptograms with SM4 for terminals that ask
// for it (DF69).
type SM4 struct {
	Key      *cryptogram.Key // of the card
	KeyIndex byte            // derivation key index that its cryptograms go by
}

// Values of the algorithm in PBOC issuer application data.
const (
	algorithm3DES = 0x01
	algorithmSM4  = 0x04
)

// iddBalance is issuer discretionary data that the card fills in: length,
// identifier 01, balance of 5 bytes, MAC of 4.
var iddBalance = []byte{0x0A, 0x01}

// Lengths in it.
const (
	iddAmount = 5
	iddMAC    = 4
)

// fillIDD writes balance and MAC into PBOC issuer application data that have
// room for them. The MAC is made over counter, balance and a byte of zeros, with
// the session key that derives from the card's MAC key as that for cryptograms
// does from its own: no rule is published for it, but that gives the four bytes
// of a published example.
func (s *static) fillIDD(atc uint16, iad []byte, balance [6]byte) error {
	if s.macKey == nil {
		return nil
	}
	session, err := cryptogram.SessionKey(s.macKey, cryptogram.SessionPBOC, atc, [4]byte{})
	if err != nil {
		return err
	}
	amount := balance[len(balance)-iddAmount:]
	input := append(append([]byte{byte(atc >> 8), byte(atc)}, amount...), 0)
	mac, err := session.MAC(input, cryptogram.Padding2)
	if err != nil {
		return err
	}
	idd := iad[iadIDD+len(iddBalance):]
	copy(idd, amount)
	copy(idd[iddAmount:], mac[:iddMAC])
	return nil
}

// tellsBalance is true for issuer application data with room for a balance.
func tellsBalance(layout emv.IADFormat, iad []byte) bool {
	return layout == emv.IADPBOC && len(iad) == iadIDD+len(iddBalance)+iddAmount+iddMAC && bytes.HasPrefix(iad[iadIDD:], iddBalance)
}

// check refuses settings that do not fit together.
func (q *QPBOC) check(p *Profile) error {
	if err := q.QVSDC.check("qpboc"); err != nil {
		return err
	}
	list, _ := emv.ParseDOL(p.PDOL)
	iad, err := emv.ParseIAD(p.Scheme, p.IAD)
	switch {
	case err != nil || iad.Format != emv.IADPBOC || iad.Algorithm != algorithm3DES:
		return fault("issuer_application_data", "want 07, key index, cryptogram version, CVR of 4 bytes, algorithm 01, as PBOC has it")
	case tellsBalance(iad.Format, p.IAD) != (q.MACKey != nil):
		return fault("qpboc.mac_key", "it is there if and only if the issuer application data have a place for a balance: 0A 01, balance of 5 bytes, MAC of 4")
	case q.MACKey != nil && (q.MACKey.Algorithm() != cryptogram.TDES || q.MACKey.Len() != 16):
		return fault("qpboc.mac_key", "want a double-length 3DES key")
	case q.ECash != nil && q.Counters != nil:
		return fault("qpboc.counters", "a card with electronic cash pays from that alone")
	case q.SM4 != nil && !list.Has(emv.TagSMSupport):
		return fault("qpboc.sm4", "the pdol must ask for DF69, or the card never knows that the terminal wants SM4")
	case q.SM4 != nil && (q.SM4.Key == nil || q.SM4.Key.Algorithm() != cryptogram.SM4):
		return fault("qpboc.sm4.key", "want an SM4 key")
	case q.SM4 != nil && p.CardKey == nil:
		return fault("qpboc.sm4", "only a card with a key of its own has one for SM4")
	case q.ECash != nil:
		return q.ECash.check()
	}
	return nil
}
