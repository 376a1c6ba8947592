package cryptogram

import (
	"bytes"
	"errors"
	"fmt"

	"tapsim/emv"
)

// Suspect is a cryptogram that does not verify, and what the verifier took for
// it. Either Master with PAN and PSN, or Card is needed. A verifier that does
// not even know the recipe leaves Recipe out and gives Scheme and Others.
type Suspect struct {
	Master     *Key // issuer master key
	Method     CardKeyMethod
	PAN, PSN   string
	Card       *Key // what the recipe takes, a card key or limited-use key, when Master is nil
	Recipe     Recipe
	Elements   Elements
	Cryptogram Cryptogram

	Scheme emv.Scheme     // when Recipe is left out
	Name   string         // of Master, for people
	Others []KeyCandidate // keys that the card may have been made with instead
	Values []Value        // what the card may have seen instead
}

// KeyCandidate is an issuer master key by the name that people know it by.
type KeyCandidate struct {
	Name   string
	Scheme emv.Scheme
	DKI    byte // derivation key index, as it stands in 9F10
	Master *Key
	Method CardKeyMethod
}

// Value is a value of one of the elements that stands elsewhere, such as in
// another field of the message.
type Value struct {
	Tag    emv.Tag
	Bytes  []byte
	Source string // "the amount of field 4"
}

// Diagnosis says how a cryptogram that does not verify would verify.
type Diagnosis struct {
	Deviations []string // what the card did otherwise; nil when nothing tried fits, empty when the cryptogram is right
	Tried      int      // variants computed
}

// Found is true when a variant gives the cryptogram. Eight bytes do not agree
// by accident.
func (d Diagnosis) Found() bool { return d.Deviations != nil }

// Diagnose looks for what gives the cryptogram. First the mistakes that cards
// and hosts make: another recipe, padding, data layout or session key, the
// other card key option, another PAN sequence number, an element that the
// terminal sent otherwise or as zeros; the one with the fewest deviations
// counts. Then the cryptogram itself, damaged in a byte or two; the same
// mistakes with the other keys; one or two of the values that stand elsewhere;
// and last each value of each byte of the data. It computes up to some ten
// thousand variants, in some ten milliseconds.
func Diagnose(s Suspect) (Diagnosis, error) {
	var d Diagnosis
	if s.Master == nil && s.Card == nil && len(s.Others) == 0 {
		return d, errors.New("diagnosis needs an issuer master key or a card key")
	}
	if s.Recipe.Layout == 0 {
		return d, s.searchIAD(&d)
	}
	if err := s.tryMistakes(&d); err != nil || d.Found() {
		return d, err
	}
	w, err := s.search(&d)
	if err != nil {
		return d, err
	}
	for _, try := range []func(){w.cryptogramItself, w.otherKeys, w.otherValues, w.oneByte} {
		if try(); d.Found() {
			break
		}
	}
	return d, nil
}

// tryMistakes tries the usual mistakes under one master key or card key.
func (s *Suspect) tryMistakes(best *Diagnosis) error {
	cards, err := s.cardVariants()
	if err != nil {
		return err
	}
	for _, elements := range s.elementVariants() {
		for _, card := range cards {
			for _, session := range sessionVariants {
				key, err := SessionKey(card.key, session, elements.e.ATC, elements.e.UnpredictableNumber)
				if err != nil {
					continue // a method that this cipher does not have
				}
				s.tryMACs(best, key, session, &elements.e, append(card.why, elements.why...))
			}
		}
	}
	return nil
}

// tryMACs tries layouts and paddings under one session key.
func (s *Suspect) tryMACs(best *Diagnosis, key *Key, session SessionMethod, e *Elements, why []string) {
	for layout := LayoutCVR; layout <= LayoutShort; layout++ {
		for padding := Padding1; padding <= Padding2; padding++ {
			r := s.Recipe
			r.Session, r.Layout, r.Padding = session, layout, padding
			got, err := r.GenerateWithSession(key, e)
			if err != nil {
				continue // a layout that these application data do not have
			}
			best.Tried++
			if got != s.Cryptogram {
				continue
			}
			all := append(append([]string{}, why...), s.recipeDeviations(r)...)
			if best.Deviations == nil || len(all) < len(best.Deviations) {
				best.Deviations = all
			}
		}
	}
}

// recipeDeviations says how r differs from the recipe that was expected: by the
// name of another recipe that is made so, or part by part.
func (s *Suspect) recipeDeviations(r Recipe) []string {
	same := func(o Recipe) bool {
		return direct(o.Session) == r.Session && o.Layout == r.Layout && o.Padding == r.Padding
	}
	if same(s.Recipe) {
		return nil
	}
	var out []string
	differ := func(different bool, format string, args ...any) {
		if different {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	want := s.Recipe
	differ(r.Session != direct(want.Session), "session key by method %s instead of %s", r.Session, want.Session)
	differ(r.Layout != want.Layout, "MAC over %s instead of %s", r.Layout, want.Layout)
	differ(r.Padding != want.Padding, "padding method %d instead of %d", r.Padding, want.Padding)
	if len(out) > 1 {
		for _, o := range recipes {
			if same(o) {
				return []string{fmt.Sprintf("made by the recipe of %s instead of %s", o.Name, want.Name)}
			}
		}
	}
	return out
}

// direct is the method with limited-use keys taken for card keys: both recipes
// use the key given as it is.
func direct(m SessionMethod) SessionMethod {
	if m == SessionLimitedUse {
		return SessionNone
	}
	return m
}

var sessionVariants = [...]SessionMethod{SessionNone, SessionCSK, SessionMastercardSKD, SessionPBOC}

type cardVariant struct {
	key *Key
	why []string
}

// cardVariants are the keys that the card might have used.
func (s *Suspect) cardVariants() ([]cardVariant, error) {
	if s.Master == nil {
		if s.Card == nil {
			return nil, errors.New("diagnosis needs an issuer master key or a card key")
		}
		return []cardVariant{{s.Card, nil}}, nil
	}
	var out []cardVariant
	for _, method := range []CardKeyMethod{s.Method, OptionA, OptionBAnyLength} {
		for _, psn := range []string{s.PSN, "00", "01"} {
			key, err := DeriveCardKey(s.Master, method, s.PAN, psn)
			if err != nil && method == s.Method {
				return nil, err
			}
			if err != nil || contains(out, key) {
				continue
			}
			var why []string
			if psn != s.PSN {
				why = append(why, fmt.Sprintf("card key for PAN sequence number %s instead of %s", psn, s.PSN))
			}
			if method != s.Method {
				why = append(why, fmt.Sprintf("card key by %s instead of %s", method, s.Method))
			}
			out = append(out, cardVariant{key, why})
		}
	}
	out = append(out, cardVariant{s.Master, []string{"issuer master key used as the card key"}})
	return s.withLimitedUse(out), nil
}

// withLimitedUse adds the limited-use key below each card key when the
// application data name one. Where the recipe asks for it, the card key itself
// is the deviation.
func (s *Suspect) withLimitedUse(cards []cardVariant) []cardVariant {
	index, err := KeyIndexOf(s.Elements.IAD)
	if err != nil {
		return cards
	}
	var out []cardVariant
	for _, c := range cards {
		key, err := LimitedUseKey(c.key, index)
		if err != nil {
			continue
		}
		card, limited := c, cardVariant{key, c.why}
		if s.Recipe.Session == SessionLimitedUse {
			card.why = append([]string{"card key used instead of the limited-use key"}, c.why...)
		} else {
			limited.why = append([]string{"limited-use key used instead of the card key"}, c.why...)
		}
		out = append(out, card, limited)
	}
	return out
}

func contains(variants []cardVariant, key *Key) bool {
	for _, v := range variants {
		if v.key.Equal(key) {
			return true
		}
	}
	return false
}

type elementVariant struct {
	e   Elements
	why []string
}

// elementVariants are the transaction data as given, and with one element as
// terminals and hosts are known to get it wrong.
func (s *Suspect) elementVariants() []elementVariant {
	out := []elementVariant{{s.Elements, nil}}
	add := func(why string, change func(e *Elements)) {
		v := s.Elements
		change(&v)
		if !bytes.Equal(v.appendTen(nil), s.Elements.appendTen(nil)) {
			out = append(out, elementVariant{v, []string{why}})
		}
	}
	e := &s.Elements
	add("TVR of zeros", func(v *Elements) { v.TVR = [5]byte{} })
	add("other amount of zeros", func(v *Elements) { v.AmountOther = [6]byte{} })
	add("amount without the other amount", func(v *Elements) { v.Amount = subtractBCD(e.Amount, e.AmountOther) })
	add("amount of zeros", func(v *Elements) { v.Amount = [6]byte{} })
	add("terminal country and currency exchanged", func(v *Elements) { v.TerminalCountry, v.Currency = e.Currency, e.TerminalCountry })
	add("terminal country of zeros", func(v *Elements) { v.TerminalCountry = [2]byte{} })
	add("transaction type 00", func(v *Elements) { v.Type = 0 })
	add("unpredictable number of zeros", func(v *Elements) { v.UnpredictableNumber = [4]byte{} })
	add("AIP of zeros", func(v *Elements) { v.AIP = [2]byte{} })
	add("ATC one lower", func(v *Elements) { v.ATC-- })
	add("ATC one higher", func(v *Elements) { v.ATC++ })
	return out
}

// subtractBCD is a - b of format n 12, or a where b is the greater.
func subtractBCD(a, b [6]byte) [6]byte {
	out := a
	borrow := 0
	for i := 5; i >= 0; i-- {
		d := int(a[i]>>4)*10 + int(a[i]&0xF) - int(b[i]>>4)*10 - int(b[i]&0xF) - borrow
		if borrow = 0; d < 0 {
			d, borrow = d+100, 1
		}
		out[i] = bcdByte(d % 100)
	}
	if borrow == 1 {
		return a
	}
	return out
}
