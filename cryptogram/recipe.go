package cryptogram

import (
	"crypto/subtle"
	"fmt"

	"tapsim/emv"
)

// Cryptogram is an application cryptogram, tag 9F26.
type Cryptogram [8]byte

// Equal compares in constant time.
func (c Cryptogram) Equal(other Cryptogram) bool {
	return subtle.ConstantTimeCompare(c[:], other[:]) == 1
}

// Layout says what a recipe puts into the MAC.
type Layout byte

// Layouts of the MAC input.
const (
	LayoutCVR         Layout = iota + 1 // ten elements and the CVR
	LayoutCVRCounters                   // ten elements, CVR, counters
	LayoutIAD                           // ten elements and the whole issuer application data
	LayoutShort                         // 9F02, 9F37, 9F36 and the second byte of the CVR (Visa CVN 17)
)

var layoutNames = [...]string{
	"", "ten elements and CVR", "ten elements, CVR and counters", "ten elements and whole issuer application data",
	"amount, unpredictable number, ATC and CVR byte 2",
}

// String says it in words, empty for what is none.
func (l Layout) String() string {
	if int(l) < len(layoutNames) {
		return layoutNames[l]
	}
	return ""
}

// Recipe defines an application cryptogram: which key, which data, which
// padding. Card and issuer choose it by scheme and by the cryptogram version
// number in the issuer application data. TC, ARQC and AAC are made alike.
type Recipe struct {
	Name     string // "Visa CVN 18"
	Scheme   emv.Scheme
	CVN      byte // as it stands in 9F10; in CCD the low half of the byte
	Session  SessionMethod
	Layout   Layout
	Padding  Padding // of 3DES and SM4 MACs; AES makes CMACs, which pad by themselves
	ARPC     ARPCMethod
	Script   ScriptMethod
	Evidence string // what published number pins it, or why none does
}

// MaxInput is the longest MAC input with its padding: ten elements, 32 bytes of
// issuer application data, a block.
const MaxInput = tenLength + 32 + 16

// counterLength is how many of the counter bytes of M/Chip data enter the MAC.
const counterLength = 8

// AppendInput appends the MAC input, without padding, to dst.
func (r Recipe) AppendInput(dst []byte, e *Elements) ([]byte, error) {
	if r.Layout == LayoutIAD {
		if len(e.IAD) == 0 || len(e.IAD) > 32 {
			return dst, fmt.Errorf("issuer application data of %d bytes, want 1 to 32", len(e.IAD))
		}
		return append(e.appendTen(dst), e.IAD...), nil
	}
	iad, err := emv.ParseIAD(r.Scheme, e.IAD)
	if err != nil {
		return dst, err
	}
	switch r.Layout {
	case LayoutCVR:
		return append(e.appendTen(dst), iad.CVR...), nil
	case LayoutCVRCounters:
		if len(iad.Counters) < counterLength {
			return dst, fmt.Errorf("%s needs %d bytes of counters in the issuer application data, %d are there", r.Name, counterLength, len(iad.Counters))
		}
		return append(append(e.appendTen(dst), iad.CVR...), iad.Counters[:counterLength]...), nil
	case LayoutShort:
		dst = append(dst, e.Amount[:]...)
		dst = append(dst, e.UnpredictableNumber[:]...)
		return append(dst, byte(e.ATC>>8), byte(e.ATC), iad.CVR[1]), nil
	}
	return dst, fmt.Errorf("recipe %q has no layout", r.Name)
}

// Generate makes the application cryptogram with a card key (or a limited-use
// key, where the recipe takes one).
func (r Recipe) Generate(card *Key, e *Elements) (Cryptogram, error) {
	session, err := r.SessionKey(card, e)
	if err != nil {
		return Cryptogram{}, err
	}
	return r.GenerateWithSession(session, e)
}

// SessionKey derives the recipe's session key for the transaction. An issuer
// derives it once and both checks the cryptogram and answers with it.
func (r Recipe) SessionKey(card *Key, e *Elements) (*Key, error) {
	return SessionKey(card, r.Session, e.ATC, e.UnpredictableNumber)
}

// GenerateWithSession is Generate with the session key derived already.
func (r Recipe) GenerateWithSession(session *Key, e *Elements) (Cryptogram, error) {
	input, err := r.AppendInput(make([]byte, 0, MaxInput), e)
	if err != nil {
		return Cryptogram{}, err
	}
	return r.MAC(session, input), nil
}

// MAC is the application cryptogram over what AppendInput made: the leftmost
// eight bytes of the MAC. It overwrites input and the room behind it.
func (r Recipe) MAC(session *Key, input []byte) Cryptogram {
	if session.algorithm == AES {
		return Cryptogram(session.CMAC(input))
	}
	return Cryptogram(session.macPadded(appendPadding(input, session.algorithm.BlockSize(), r.Padding)))
}
