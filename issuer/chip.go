package issuer

import (
	"fmt"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// chip is what the bank needs of field 55.
type chip struct {
	elements   cryptogram.Elements
	cryptogram cryptogram.Cryptogram
	cid        byte
	psn        byte    // 5F34
	ctq        emv.CTQ // 9F6C, of kernels 3 and 7
	ffi        emv.FFI // 9F6E, of Visa
	cvmResults [3]byte // 9F34
	// capabilities of the terminal, 9F33
	capabilities emv.TerminalCapabilities
	pan          []byte
	track2       []byte
	aid          []byte
	has          present
	// code says that the data came from a code that a phone showed: it told the
	// card no amount, and its cryptogram is over zeros.
	code bool
}

// present says which objects came.
type present uint32

const (
	hasAmount present = 1 << iota
	hasAmountOther
	hasCountry
	hasTVR
	hasCurrency
	hasDate
	hasType
	hasUN
	hasAIP
	hasATC
	hasIAD
	hasCryptogram
	hasCID
	hasPSN
	hasPAN
	hasTrack2
	hasAID
	hasCTQ
	hasCVMResults
	hasFormFactor
	hasCapabilities
)

// hasTold are the objects that a reader tells a card. Data with none of them are
// those of a code.
const hasTold = hasAmount | hasAmountOther | hasCountry | hasTVR | hasCurrency | hasDate | hasType

// parseChip takes field 55 apart. What stands twice, has a wrong length, or is
// needed for the cryptogram and missing is an error; what the bank does not
// use is skipped. 9F03 alone may be missing: the card then took zeros; or all that
// a reader tells, in the data of a code.
func parseChip(data []byte) (*chip, error) {
	c := new(chip)
	s := emv.Scan(data)
	for s.Next() {
		if err := c.take(s.Tag(), s.Value()); err != nil {
			return nil, err
		}
	}
	if s.Err() != nil {
		return nil, s.Err()
	}
	c.code = c.has&hasTold == 0
	for n, tag := range mandatoryTags {
		if c.code && hasTold&(1<<n) != 0 {
			continue
		}
		if c.has&(1<<n) == 0 && tag != emv.TagAmountOther {
			return nil, fmt.Errorf("has no %s, which the cryptogram needs", tag)
		}
	}
	return c, nil
}

// mandatoryTags are the tags of the first bits of present, in their order.
var mandatoryTags = [...]emv.Tag{
	emv.TagAmount, emv.TagAmountOther, emv.TagTerminalCountry, emv.TagTVR, emv.TagTransactionCurrency, emv.TagTransactionDate,
	emv.TagTransactionType, emv.TagUnpredictableNumber, emv.TagAIP, emv.TagATC, emv.TagIAD, emv.TagCryptogram,
}

// take stores one data object.
func (c *chip) take(tag emv.Tag, value []byte) error {
	e := &c.elements
	var one [1]byte
	var two [2]byte
	switch tag {
	case emv.TagAmount:
		return c.fixed(tag, hasAmount, e.Amount[:], value)
	case emv.TagAmountOther:
		return c.fixed(tag, hasAmountOther, e.AmountOther[:], value)
	case emv.TagTerminalCountry:
		return c.fixed(tag, hasCountry, e.TerminalCountry[:], value)
	case emv.TagTVR:
		return c.fixed(tag, hasTVR, e.TVR[:], value)
	case emv.TagTransactionCurrency:
		return c.fixed(tag, hasCurrency, e.Currency[:], value)
	case emv.TagTransactionDate:
		return c.fixed(tag, hasDate, e.Date[:], value)
	case emv.TagTransactionType:
		err := c.fixed(tag, hasType, one[:], value)
		e.Type = one[0]
		return err
	case emv.TagUnpredictableNumber:
		return c.fixed(tag, hasUN, e.UnpredictableNumber[:], value)
	case emv.TagAIP:
		return c.fixed(tag, hasAIP, e.AIP[:], value)
	case emv.TagATC:
		err := c.fixed(tag, hasATC, two[:], value)
		e.ATC = uint16(two[0])<<8 | uint16(two[1])
		return err
	case emv.TagCryptogram:
		return c.fixed(tag, hasCryptogram, c.cryptogram[:], value)
	case emv.TagCID:
		err := c.fixed(tag, hasCID, one[:], value)
		c.cid = one[0]
		return err
	case emv.TagPANSequence:
		err := c.fixed(tag, hasPSN, one[:], value)
		c.psn = one[0]
		return err
	case emv.TagIAD:
		return c.variable(tag, hasIAD, &e.IAD, value, 32)
	case emv.TagPAN:
		return c.variable(tag, hasPAN, &c.pan, value, 10)
	case emv.TagTrack2:
		return c.variable(tag, hasTrack2, &c.track2, value, 19)
	case emv.TagCTQ:
		return c.fixed(tag, hasCTQ, c.ctq[:], value)
	case emv.TagFormFactor:
		if len(value) != len(c.ffi) { // another network's
			return nil
		}
		return c.fixed(tag, hasFormFactor, c.ffi[:], value)
	case emv.TagTerminalCapabilities:
		return c.fixed(tag, hasCapabilities, c.capabilities[:], value)
	case emv.TagCVMResults:
		return c.fixed(tag, hasCVMResults, c.cvmResults[:], value)
	case emv.TagDFName:
		return c.variable(tag, hasAID, &c.aid, value, 16)
	}
	return nil
}

func (c *chip) fixed(tag emv.Tag, bit present, dst, value []byte) error {
	if len(value) != len(dst) {
		return fmt.Errorf("has %s with %d bytes, want %d", tag, len(value), len(dst))
	}
	copy(dst, value)
	return c.once(tag, bit)
}

func (c *chip) variable(tag emv.Tag, bit present, dst *[]byte, value []byte, most int) error {
	if len(value) == 0 || len(value) > most {
		return fmt.Errorf("has %s with %d bytes, want 1 to %d", tag, len(value), most)
	}
	*dst = value
	return c.once(tag, bit)
}

func (c *chip) once(tag emv.Tag, bit present) error {
	if c.has&bit != 0 {
		return fmt.Errorf("has %s twice", tag)
	}
	c.has |= bit
	return nil
}

// sequence is the PAN sequence number of 5F34, two digits.
func (c *chip) sequence() string {
	const hex = "0123456789ABCDEF"
	return string([]byte{hex[c.psn>>4], hex[c.psn&0xF]})
}

// kind is the type of the cryptogram: from the card verification results, which
// the cryptogram covers, where they name one; else from the CID, which anybody
// on the way could have written. said is what the CID says instead where the
// two contradict each other.
func (c *chip) kind(scheme emv.Scheme) (kind, said emv.CryptogramType, contradicts bool) {
	said = emv.CryptogramTypeOf(c.cid)
	iad, err := emv.ParseIAD(scheme, c.elements.IAD)
	if err == nil {
		if signed, ok := iad.LastCryptogramType(); ok {
			return signed, said, c.has&hasCID != 0 && said != signed
		}
	}
	if c.has&hasCID != 0 {
		return said, said, false
	}
	return emv.RFU, emv.RFU, false
}
