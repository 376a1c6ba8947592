package hce

import (
	"io"

	"tapsim/cryptogram/oda"
	"tapsim/emv"
)

// fddaVersion is the version of fast DDA that signs amount, currency and card
// authentication related data. A card without those data signs by version 00,
// the unpredictable number alone.
const fddaVersion = 0x01

// signFast makes card authentication related data (9F69: version, a number of
// the card's own, a copy of the CTQ) and the signature of a fast DDA for an
// answer that has room for it (EMV Books C-3 and C-7).
func (c *Card) signFast(r *request, a *answer, x *values) (err error) {
	if !a.signs || c.static.signer == nil {
		return nil
	}
	var related []byte
	if a.related && (c.static.fddaAlways || r.ttq.Has(emv.TTQFDDA1)) {
		x.related[0] = fddaVersion
		if _, err := io.ReadFull(c.env.Rand, x.related[1:5]); err != nil {
			return err
		}
		copy(x.related[5:], x.ctq[:])
		related = x.related[:c.static.relatedLength]
	}
	e := &r.elements
	x.sdad, err = oda.SignFDDA(c.static.signer, append([]byte(nil), x.atc[:]...), append([]byte(nil), e.UnpredictableNumber[:]...),
		append([]byte(nil), e.Amount[:]...), append([]byte(nil), e.Currency[:]...), append([]byte(nil), related...))
	return err
}

// relatedLength is the length of card authentication related data: as Visa
// cards were recorded with; at kernel 7 they have one byte more, zero.
func (p *Profile) relatedLength() int {
	if p.QPBOC != nil {
		return 8
	}
	return 7
}
