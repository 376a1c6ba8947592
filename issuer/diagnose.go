package issuer

import (
	"bytes"
	"fmt"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// diagnose searches what would have produced the cryptogram that came: the
// mistakes that cards and hosts make, another of the bank's keys, a value that
// another field of the message holds, or one byte that changed on the way. It
// runs only for a report and takes some ten milliseconds.
func (i *Issuer) diagnose(p *payment, right *proof, psn string) string {
	if text, ok := i.otherKeys(p, right, psn); ok {
		return "It fits: " + text
	}
	if text, ok := otherValues(p, right); ok {
		return "It fits: " + text
	}
	if text, ok := i.oneByte(p, right, psn); ok {
		return "It fits: " + text
	}
	return "No usual mistake, no other key set, no value from elsewhere in the message and no single changed byte explains it"
}

// otherKeys tries the usual mistakes with the right key set, then with the
// others.
func (i *Issuer) otherKeys(p *payment, right *proof, psn string) (string, bool) {
	suspect := cryptogram.Suspect{
		PAN: string(p.pan), PSN: psn, Recipe: right.recipe, Elements: p.chip.elements, Cryptogram: p.chip.cryptogram,
	}
	try := func(set *KeySet) (cryptogram.Diagnosis, bool) {
		suspect.Master, suspect.Method = set.AC, set.Method
		d, err := cryptogram.Diagnose(suspect)
		return d, err == nil && d.Found()
	}
	if d, ok := try(right.set); ok {
		return strings.Join(d.Deviations, ", "), true
	}
	for n := range i.config.KeySets {
		set := &i.config.KeySets[n]
		if set == right.set {
			continue
		}
		if d, ok := try(set); ok {
			other := fmt.Sprintf("key set %s (derivation key index %02X) instead of %s", set.Name, set.DKI, right.set.Name)
			return strings.Join(append([]string{other}, d.Deviations...), ", "), true
		}
	}
	return "", false
}

// substitute is a value that the card may have had in place of the one that
// came.
type substitute struct {
	element *element
	value   []byte
	source  string
}

// otherValues tries values from other fields of the message, one and two at a
// time.
func otherValues(p *payment, right *proof) (string, bool) {
	list := substitutes(p)
	for a := range list {
		if fits(p, right, list[a]) {
			return list[a].words(p), true
		}
	}
	for a := range list {
		for b := range list[:a] {
			if list[a].element != list[b].element && fits(p, right, list[a], list[b]) {
				return list[b].words(p) + ", and " + list[a].words(p), true
			}
		}
	}
	return "", false
}

// words say what the card saw instead.
func (s substitute) words(p *payment) string {
	return fmt.Sprintf("%s %X (%s) instead of %X", s.element.tag, s.value, s.source, s.element.get(&p.chip.elements))
}

// fits is true when the cryptogram is that over the elements with these
// values. The issuer application data stay as they are.
func fits(p *payment, right *proof, list ...substitute) bool {
	e := p.chip.elements
	for _, s := range list {
		s.element.set(&e, s.value)
	}
	session := right.session
	if !right.limited() && (e.ATC != p.chip.elements.ATC || e.UnpredictableNumber != p.chip.elements.UnpredictableNumber) {
		var err error
		if session, err = right.recipe.SessionKey(right.card, &e); err != nil {
			return false
		}
	}
	got, err := right.recipe.GenerateWithSession(session, &e)
	return err == nil && got == p.chip.cryptogram
}

// substitutes collects what the message says elsewhere, zeros, and counters
// close by.
func substitutes(p *payment) []substitute {
	var out []substitute
	e := &p.chip.elements
	add := func(tag emv.Tag, value []byte, source string) {
		for n := range elements {
			f := &elements[n]
			if f.tag == tag && !bytes.Equal(f.get(e), value) {
				out = append(out, substitute{f, value, source})
			}
		}
	}
	add(emv.TagAmount, emv.AppendBCD(nil, uint64(p.amount), 6), "the amount of field 4")
	add(emv.TagTransactionCurrency, emv.AppendBCD(nil, uint64(p.currency), 2), "the currency of field 49")
	if t, err := emv.AppendDigits(nil, p.request.ProcessingCode[:2], 1); err == nil {
		add(emv.TagTransactionType, t, "the type of field 3")
	}
	if len(p.request.LocalDate) == 4 {
		if d, err := emv.AppendDigits(nil, p.at.Format("06")+p.request.LocalDate, 3); err == nil {
			add(emv.TagTransactionDate, d, "the date of field 13")
		}
	}
	for n := range elements {
		if f := &elements[n]; f.tag != emv.TagIAD && f.tag != emv.TagATC {
			add(f.tag, make([]byte, len(f.get(e))), "zeros")
		}
	}
	for step := uint16(1); step <= 8; step++ {
		up, down := e.ATC+step, e.ATC-step
		add(emv.TagATC, []byte{byte(up >> 8), byte(up)}, "a later counter")
		add(emv.TagATC, []byte{byte(down >> 8), byte(down)}, "an earlier counter")
	}
	return out
}

// oneByte tries all values of each single byte of the MAC input.
func (i *Issuer) oneByte(p *payment, right *proof, psn string) (string, bool) {
	for n := range elements {
		f := &elements[n]
		value := f.get(&p.chip.elements)
		for at := range value {
			was := value[at]
			for v := 0; v < 256; v++ {
				value[at] = byte(v)
				if byte(v) != was && i.fitsValue(p, right, psn, f, value) {
					return fmt.Sprintf("%s %X, byte %d being %02X instead of %02X: the %s changed after the card made the cryptogram",
						f.tag, value, at+1, v, was, f.name), true
				}
			}
			value[at] = was
		}
	}
	return "", false
}

// unknownRecipe searches, when the issuer application data name no recipe or
// key set that the bank has, whether one byte of them changed on the way.
func (i *Issuer) unknownRecipe(p *payment, psn string) string {
	e := p.chip.elements
	e.IAD = bytes.Clone(e.IAD)
	for at, was := range e.IAD {
		for v := 0; v < 256; v++ {
			e.IAD[at] = byte(v)
			pr, err := i.prove(p.scope, p.pan, psn, &e)
			if err != nil {
				continue
			}
			if got, err := pr.recipe.GenerateWithSession(pr.session, &e); err == nil && got == p.chip.cryptogram {
				return fmt.Sprintf(". It fits: %s %X, byte %d being %02X instead of %02X: the issuer application data changed after the card made the cryptogram",
					emv.TagIAD, e.IAD, at+1, v, was)
			}
		}
		e.IAD[at] = was
	}
	return ""
}

// fitsValue tries one value of one element. Issuer application data decide
// about recipe and keys, so those are looked up again.
func (i *Issuer) fitsValue(p *payment, right *proof, psn string, f *element, value []byte) bool {
	if f.tag != emv.TagIAD {
		return fits(p, right, substitute{f, value, ""})
	}
	e := p.chip.elements
	e.IAD = value
	other, err := i.guess(p, right, psn, &e)
	if err != nil {
		return false
	}
	got, err := other.recipe.GenerateWithSession(other.session, &e)
	return err == nil && got == p.chip.cryptogram
}

// guess is prove for issuer application data that are only tried: the
// limited-use keys it derives stay out of the key ring, and nothing is derived
// again that the try leaves as it was.
func (i *Issuer) guess(p *payment, right *proof, psn string, e *cryptogram.Elements) (*proof, error) {
	recipe, err := cryptogram.RecipeFor(p.scope.Scheme, e.IAD)
	if err != nil {
		return nil, err
	}
	parsed, err := emv.ParseIAD(p.scope.Scheme, e.IAD)
	if err != nil {
		return nil, err
	}
	other := &proof{recipe: recipe, set: i.config.keySetFor(p.scope, parsed.DKI), card: right.card}
	if other.set == nil {
		return nil, fmt.Errorf("no key set %02X", parsed.DKI)
	}
	if other.set != right.set {
		if other.card, err = i.keys.card(other.set, p.pan, psn); err != nil {
			return nil, err
		}
	}
	if other.limited() {
		if other.index, err = cryptogram.KeyIndexOf(e.IAD); err != nil {
			return nil, err
		}
	}
	switch {
	case other.set == right.set && recipe.Session == right.recipe.Session && other.index == right.index:
		other.session = right.session
	case other.limited():
		other.session, err = cryptogram.LimitedUseKey(other.card, other.index)
	default:
		other.session, err = recipe.SessionKey(other.card, e)
	}
	return other, err
}

// element is access to one element of the MAC input.
type element struct {
	tag  emv.Tag
	name string
	get  func(*cryptogram.Elements) []byte // a copy
	set  func(*cryptogram.Elements, []byte)
}

func bytesElement(tag emv.Tag, name string, field func(*cryptogram.Elements) []byte) element {
	return element{
		tag: tag, name: name,
		get: func(e *cryptogram.Elements) []byte { return bytes.Clone(field(e)) },
		set: func(e *cryptogram.Elements, v []byte) { copy(field(e), v) },
	}
}

// elements is the MAC input in its order.
var elements = [...]element{
	bytesElement(emv.TagAmount, "amount", func(e *cryptogram.Elements) []byte { return e.Amount[:] }),
	bytesElement(emv.TagAmountOther, "other amount", func(e *cryptogram.Elements) []byte { return e.AmountOther[:] }),
	bytesElement(emv.TagTerminalCountry, "terminal country", func(e *cryptogram.Elements) []byte { return e.TerminalCountry[:] }),
	bytesElement(emv.TagTVR, "TVR", func(e *cryptogram.Elements) []byte { return e.TVR[:] }),
	bytesElement(emv.TagTransactionCurrency, "currency", func(e *cryptogram.Elements) []byte { return e.Currency[:] }),
	bytesElement(emv.TagTransactionDate, "date", func(e *cryptogram.Elements) []byte { return e.Date[:] }),
	{emv.TagTransactionType, "transaction type",
		func(e *cryptogram.Elements) []byte { return []byte{e.Type} },
		func(e *cryptogram.Elements, v []byte) { e.Type = v[0] }},
	bytesElement(emv.TagUnpredictableNumber, "unpredictable number", func(e *cryptogram.Elements) []byte { return e.UnpredictableNumber[:] }),
	bytesElement(emv.TagAIP, "AIP", func(e *cryptogram.Elements) []byte { return e.AIP[:] }),
	{emv.TagATC, "counter",
		func(e *cryptogram.Elements) []byte { return []byte{byte(e.ATC >> 8), byte(e.ATC)} },
		func(e *cryptogram.Elements, v []byte) { e.ATC = uint16(v[0])<<8 | uint16(v[1]) }},
	{emv.TagIAD, "issuer application data",
		func(e *cryptogram.Elements) []byte { return bytes.Clone(e.IAD) },
		func(e *cryptogram.Elements, v []byte) { e.IAD = bytes.Clone(v) }},
}
