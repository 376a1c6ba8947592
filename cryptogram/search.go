package cryptogram

import (
	"bytes"
	"fmt"

	"tapsim/emv"
)

// search tries other data with the key that is taken for the right one.
type search struct {
	*Suspect
	found   *Diagnosis
	base    *Key     // what the recipe takes: card key or limited-use key
	card    *Key     // the card key that base is or derives from; nil when only base is known
	index   KeyIndex // of base, when it is a limited-use key
	session *Key
	cards   map[string]*Key // card keys of the other candidates, by name; nil where one cannot be derived
}

func (s *Suspect) search(found *Diagnosis) (*search, error) {
	w := &search{Suspect: s, found: found}
	var err error
	if w.base, err = w.baseOf(s.Recipe, s.Elements.IAD); err != nil {
		return nil, err
	}
	if s.Master != nil {
		w.card, err = w.cardOf(s.Elements.IAD)
	}
	if err == nil && s.Recipe.Session == SessionLimitedUse {
		w.index, err = KeyIndexOf(s.Elements.IAD)
	}
	if err != nil {
		return nil, err
	}
	w.session, err = s.Recipe.SessionKey(w.base, &s.Elements)
	return w, err
}

// scheme is whose issuer application data they are.
func (s *Suspect) scheme() emv.Scheme {
	if s.Recipe.Layout != 0 {
		return s.Recipe.Scheme
	}
	return s.Scheme
}

// searchIAD tries each byte of issuer application data that name no recipe, or
// no key that is known.
func (s *Suspect) searchIAD(found *Diagnosis) error {
	if s.Master != nil {
		if _, err := DeriveCardKey(s.Master, s.Method, s.PAN, s.PSN); err != nil {
			return err
		}
	}
	(&search{Suspect: s, found: found}).oneByteOf(iadField)
	return nil
}

// baseOf is the key that the recipe takes for these issuer application data.
func (w *search) baseOf(r Recipe, iad []byte) (*Key, error) {
	if w.Master == nil && w.Card != nil {
		return w.Card, nil
	}
	card, err := w.cardOf(iad)
	if err != nil || r.Session != SessionLimitedUse {
		return card, err
	}
	index, err := KeyIndexOf(iad)
	if err != nil {
		return nil, err
	}
	if card == w.card && index == w.index {
		return w.base, nil
	}
	return LimitedUseKey(card, index)
}

// cardOf is the card key under the master key that issuer application data
// name: one of the candidates by its derivation key index, where they differ
// from those that came, else the suspect's own.
func (w *search) cardOf(iad []byte) (*Key, error) {
	parsed, err := emv.ParseIAD(w.scheme(), iad)
	if err != nil {
		return nil, err
	}
	own := KeyCandidate{"", w.scheme(), parsed.DKI, w.Master, w.Method}
	came, err := emv.ParseIAD(w.scheme(), w.Elements.IAD)
	if w.Master == nil || err != nil || parsed.DKI != came.DKI {
		for _, c := range w.Others {
			if c.DKI == parsed.DKI && c.Scheme == own.Scheme {
				own = c
				break
			}
		}
	}
	if own.Master == nil {
		return nil, fmt.Errorf("no key with derivation key index %02X", parsed.DKI)
	}
	if key, known := w.cards[own.Name]; known {
		return key, nil
	}
	key, err := DeriveCardKey(own.Master, own.Method, w.PAN, w.PSN)
	if err != nil {
		return nil, err
	}
	if w.cards == nil {
		w.cards = map[string]*Key{}
	}
	w.cards[own.Name] = key
	return key, nil
}

// cryptogramItself compares what came with what is right. Six bytes out of
// eight do not agree by accident either.
func (w *search) cryptogramItself() {
	right, err := w.Recipe.GenerateWithSession(w.session, &w.Elements)
	w.found.Tried++
	if err != nil {
		return
	}
	var differ []string
	for at := range right {
		if right[at] != w.Cryptogram[at] {
			differ = append(differ, fmt.Sprintf("byte %d of 9F26 being %02X instead of %02X: the cryptogram itself changed on the way", at+1, right[at], w.Cryptogram[at]))
		}
	}
	if len(differ) <= 2 {
		w.found.Deviations = differ
	}
}

// otherKeys tries the usual mistakes with the other master keys.
func (w *search) otherKeys() {
	for _, c := range w.Others {
		if c.Master == nil || w.Master != nil && c.Master.Equal(w.Master) && c.Method == w.Method {
			continue
		}
		other := *w.Suspect
		other.Master, other.Method, other.Card = c.Master, c.Method, nil
		var d Diagnosis
		err := other.tryMistakes(&d) // a key that does not fit the account number explains nothing
		w.found.Tried += d.Tried
		if err != nil || !d.Found() {
			continue
		}
		why := fmt.Sprintf("key set %s (derivation key index %02X)", c.Name, c.DKI)
		if w.Name != "" {
			why += " instead of " + w.Name
		}
		w.found.Deviations = append([]string{why}, d.Deviations...)
		return
	}
}

// substitute is a value of one element.
type substitute struct {
	field  *field
	value  []byte
	source string
}

// words say what the card saw instead.
func (w *search) words(s substitute) string {
	return fmt.Sprintf("%s %X (%s) instead of %X", s.field.tag, s.value, s.source, s.field.get(&w.Elements))
}

// otherValues tries values from elsewhere, zeros and counters close by, one and
// two at a time.
func (w *search) otherValues() {
	list := w.substitutes()
	for a := range list {
		if w.fits(list[a]) {
			w.found.Deviations = []string{w.words(list[a])}
			return
		}
	}
	for a := range list {
		for b := range list[:a] {
			if list[a].field != list[b].field && w.fits(list[a], list[b]) {
				w.found.Deviations = []string{w.words(list[b]), w.words(list[a])}
				return
			}
		}
	}
}

// nearCounters is how far from the counter that came another one is tried.
const nearCounters = 8

func (w *search) substitutes() []substitute {
	var out []substitute
	e := &w.Elements
	add := func(tag emv.Tag, value []byte, source string) {
		for n := range macFields {
			f := &macFields[n]
			if f.tag == tag && len(f.get(e)) == len(value) && !bytes.Equal(f.get(e), value) {
				out = append(out, substitute{f, value, source})
			}
		}
	}
	for _, v := range w.Values {
		if v.Tag != emv.TagIAD {
			add(v.Tag, v.Bytes, v.Source)
		}
	}
	for n := range macFields {
		if f := &macFields[n]; f.tag != emv.TagIAD && f.tag != emv.TagATC {
			add(f.tag, make([]byte, len(f.get(e))), "zeros")
		}
	}
	for step := uint16(1); step <= nearCounters; step++ {
		up, down := e.ATC+step, e.ATC-step
		add(emv.TagATC, []byte{byte(up >> 8), byte(up)}, "a later counter")
		add(emv.TagATC, []byte{byte(down >> 8), byte(down)}, "an earlier counter")
	}
	return out
}

// fits is true when the cryptogram is that over the elements with these values,
// under the recipe and the key as they are.
func (w *search) fits(list ...substitute) bool {
	e := w.Elements
	for _, s := range list {
		s.field.set(&e, s.value)
	}
	session := w.session
	if e.ATC != w.Elements.ATC || e.UnpredictableNumber != w.Elements.UnpredictableNumber {
		var err error
		if session, err = w.Recipe.SessionKey(w.base, &e); err != nil {
			return false
		}
	}
	w.found.Tried++
	got, err := w.Recipe.GenerateWithSession(session, &e)
	return err == nil && got == w.Cryptogram
}

// fitsIAD tries other issuer application data. They decide about recipe and
// keys, so those are looked up again.
func (w *search) fitsIAD(iad []byte) bool {
	recipe, err := RecipeFor(w.scheme(), iad)
	if err != nil {
		return false
	}
	base, err := w.baseOf(recipe, iad)
	if err != nil {
		return false
	}
	e, session := w.Elements, w.session
	e.IAD = iad
	if base != w.base || recipe.Session != w.Recipe.Session {
		if session, err = recipe.SessionKey(base, &e); err != nil {
			return false
		}
	}
	w.found.Tried++
	got, err := recipe.GenerateWithSession(session, &e)
	return err == nil && got == w.Cryptogram
}

// oneByte tries all values of each single byte of the data.
func (w *search) oneByte() {
	for n := range macFields {
		if w.oneByteOf(&macFields[n]); w.found.Found() {
			return
		}
	}
}

func (w *search) oneByteOf(f *field) {
	value := f.get(&w.Elements)
	for at, was := range value {
		for v := range 256 {
			value[at] = byte(v)
			fits := byte(v) != was
			if f.tag == emv.TagIAD {
				fits = fits && w.fitsIAD(value)
			} else {
				fits = fits && w.fits(substitute{f, value, ""})
			}
			if fits {
				w.found.Deviations = []string{fmt.Sprintf("%s %X, byte %d being %02X instead of %02X: the %s changed after the card made the cryptogram",
					f.tag, value, at+1, v, was, f.name)}
				return
			}
		}
		value[at] = was
	}
}

// field is access to one element of the MAC input.
type field struct {
	tag  emv.Tag
	name string
	get  func(*Elements) []byte // a copy
	set  func(*Elements, []byte)
}

func fixedField(tag emv.Tag, name string, of func(*Elements) []byte) field {
	return field{
		tag: tag, name: name,
		get: func(e *Elements) []byte { return bytes.Clone(of(e)) },
		set: func(e *Elements, v []byte) { copy(of(e), v) },
	}
}

// macFields is the MAC input in its order.
var macFields = [...]field{
	fixedField(emv.TagAmount, "amount", func(e *Elements) []byte { return e.Amount[:] }),
	fixedField(emv.TagAmountOther, "other amount", func(e *Elements) []byte { return e.AmountOther[:] }),
	fixedField(emv.TagTerminalCountry, "terminal country", func(e *Elements) []byte { return e.TerminalCountry[:] }),
	fixedField(emv.TagTVR, "TVR", func(e *Elements) []byte { return e.TVR[:] }),
	fixedField(emv.TagTransactionCurrency, "currency", func(e *Elements) []byte { return e.Currency[:] }),
	fixedField(emv.TagTransactionDate, "date", func(e *Elements) []byte { return e.Date[:] }),
	{emv.TagTransactionType, "transaction type",
		func(e *Elements) []byte { return []byte{e.Type} },
		func(e *Elements, v []byte) { e.Type = v[0] }},
	fixedField(emv.TagUnpredictableNumber, "unpredictable number", func(e *Elements) []byte { return e.UnpredictableNumber[:] }),
	fixedField(emv.TagAIP, "AIP", func(e *Elements) []byte { return e.AIP[:] }),
	{emv.TagATC, "counter",
		func(e *Elements) []byte { return []byte{byte(e.ATC >> 8), byte(e.ATC)} },
		func(e *Elements, v []byte) { e.ATC = uint16(v[0])<<8 | uint16(v[1]) }},
	{emv.TagIAD, "issuer application data",
		func(e *Elements) []byte { return bytes.Clone(e.IAD) },
		func(e *Elements, v []byte) { e.IAD = bytes.Clone(v) }},
}

var iadField = &macFields[len(macFields)-1]
