package issuer

import (
	"bytes"
	"fmt"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// diagnose searches what would have produced the cryptogram that came: another
// key or recipe, a value that another field of the message holds, or one byte
// that changed on the way. It runs only for a report and takes some ten
// milliseconds.
func (i *Issuer) diagnose(p *payment, right *proof, psn string) string {
	if text, ok := i.otherRecipe(p, right, psn); ok {
		return "It fits " + text
	}
	if text, ok := otherValues(p, right); ok {
		return "It fits " + text
	}
	if text, ok := i.oneByte(p, right, psn); ok {
		return "It fits " + text
	}
	return "No other key set, sequence number, session key, layout or padding, no value from elsewhere in the message and no single changed byte explains it"
}

// keyChoice is a key that may have been used, and in what words it differs
// from the right one.
type keyChoice struct {
	key   *cryptogram.Key
	words []string
}

// otherRecipe tries every key the bank can derive with every session key
// method, layout and padding, and takes the explanation with the fewest
// deviations.
func (i *Issuer) otherRecipe(p *payment, right *proof, psn string) (string, bool) {
	var best []string
	for _, k := range i.keyChoices(p, right, psn) {
		for _, words := range recipeDeviations(p, right, k) {
			if best == nil || len(words) < len(best) {
				best = words
			}
		}
	}
	return strings.Join(best, ", "), best != nil
}

// recipeDeviations are the ways in which the key gives the cryptogram that
// came.
func recipeDeviations(p *payment, right *proof, k keyChoice) [][]string {
	var found [][]string
	e := &p.chip.elements
	methods := []cryptogram.SessionMethod{cryptogram.SessionNone, cryptogram.SessionCSK, cryptogram.SessionMastercardSKD, cryptogram.SessionPBOC}
	if right.limited() {
		methods[0] = cryptogram.SessionLimitedUse // the same computation by its right name
	}
	for _, method := range methods {
		key, err := cryptogram.SessionKey(k.key, method, e.ATC, e.UnpredictableNumber)
		if err != nil {
			continue
		}
		for layout := cryptogram.LayoutCVR; layout <= cryptogram.LayoutShort; layout++ {
			for padding := cryptogram.Padding1; padding <= cryptogram.Padding2; padding++ {
				r := right.recipe
				r.Session, r.Layout, r.Padding = method, layout, padding
				if got, err := r.GenerateWithSession(key, e); err == nil && got == p.chip.cryptogram {
					found = append(found, append(k.words[:len(k.words):len(k.words)], recipeWords(r, right.recipe)...))
				}
			}
		}
	}
	return found
}

// recipeWords says in what a differs from the right recipe.
func recipeWords(a, right cryptogram.Recipe) []string {
	var words []string
	if a.Session != right.Session {
		words = append(words, fmt.Sprintf("session key method %s instead of %s", a.Session, right.Session))
	}
	if a.Layout != right.Layout {
		words = append(words, fmt.Sprintf("a MAC over %s instead of %s", layoutText(a.Layout), layoutText(right.Layout)))
	}
	if a.Padding != right.Padding {
		words = append(words, fmt.Sprintf("padding method %d instead of %d", a.Padding, right.Padding))
	}
	return words
}

// keyChoices are the keys that a card could have used by mistake, the right
// one first.
func (i *Issuer) keyChoices(p *payment, right *proof, psn string) []keyChoice {
	var out []keyChoice
	for s := range i.config.KeySets {
		set := &i.config.KeySets[s]
		for _, number := range distinct(psn, p.instrument.PSN, "00", "01") {
			for method := cryptogram.OptionA; method <= cryptogram.OptionSM4; method++ {
				if method != set.Method && method != cryptogram.OptionA && len(p.pan) <= 16 {
					continue // the other options differ for long numbers only
				}
				card, err := cryptogram.DeriveCardKey(set.AC, method, string(p.pan), number)
				if err != nil {
					continue
				}
				var words []string
				if set != right.set {
					words = append(words, fmt.Sprintf("key set %s (derivation key index %02X) instead of %s", set.Name, set.DKI, right.set.Name))
				}
				if number != psn {
					words = append(words, fmt.Sprintf("PAN sequence number %s instead of %s", number, psn))
				}
				if method != set.Method {
					words = append(words, "another card key derivation option")
				}
				out = append(out, limitedChoices(card, right, words)...)
			}
		}
	}
	return out
}

// limitedChoices are the keys that a card key gives where the recipe takes a
// limited-use key, and the card key itself.
func limitedChoices(card *cryptogram.Key, right *proof, words []string) []keyChoice {
	if !right.limited() {
		return []keyChoice{{card, words}}
	}
	var out []keyChoice
	if luk, err := cryptogram.LimitedUseKey(card, right.index); err == nil {
		out = append(out, keyChoice{luk, words})
	}
	return append(out, keyChoice{card, append(words[:len(words):len(words)], "the card key instead of a limited-use key")})
}

func distinct(list ...string) []string {
	var out []string
	for n, s := range list {
		if s != "" && !contains(list[:n], s) {
			out = append(out, s)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// substitute is a value that the card may have had in place of the one that
// came.
type substitute struct {
	element *element
	value   []byte
	source  string
}

// otherValues tries values from other fields of the message, and zeros, one
// and two at a time.
func otherValues(p *payment, right *proof) (string, bool) {
	list := substitutes(p)
	for a := range list {
		if fits(p, right, list[a]) {
			return list[a].String(p), true
		}
	}
	for a := range list {
		for b := range list[:a] {
			if list[a].element != list[b].element && fits(p, right, list[a], list[b]) {
				return list[b].String(p) + ", and " + list[a].String(p), true
			}
		}
	}
	return "", false
}

// String says what the card saw instead.
func (s substitute) String(p *payment) string {
	return fmt.Sprintf("%s %X (%s) instead of %X", s.element.tag, s.value, s.source, s.element.get(&p.chip.elements))
}

func fits(p *payment, right *proof, list ...substitute) bool {
	e := p.chip.elements
	for _, s := range list {
		s.element.set(&e, s.value)
	}
	session := right.session
	if e.ATC != p.chip.elements.ATC || e.UnpredictableNumber != p.chip.elements.UnpredictableNumber {
		var err error
		if session, err = right.sessionFor(&e); err != nil {
			return false
		}
	}
	got, err := right.recipe.GenerateWithSession(session, &e)
	return err == nil && got == p.chip.cryptogram
}

// sessionFor is the session key for other elements.
func (p *proof) sessionFor(e *cryptogram.Elements) (*cryptogram.Key, error) {
	if p.limited() {
		return p.session, nil
	}
	return cryptogram.SessionKey(p.card, p.recipe.Session, e.ATC, e.UnpredictableNumber)
}

// substitutes collects what the message says elsewhere, zeros, and counters
// close by.
func substitutes(p *payment) []substitute {
	var out []substitute
	e := &p.chip.elements
	add := func(tag emv.Tag, value []byte, source string) {
		for n := range elementTable {
			f := &elementTable[n]
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
	for n := range elementTable {
		if f := &elementTable[n]; f.tag != emv.TagIAD && f.tag != emv.TagATC {
			add(f.tag, make([]byte, len(f.get(e))), "zeros")
		}
	}
	for step := 1; step <= 8; step++ {
		up, down := e.ATC+uint16(step), e.ATC-uint16(step)
		add(emv.TagATC, []byte{byte(up >> 8), byte(up)}, "a later counter")
		add(emv.TagATC, []byte{byte(down >> 8), byte(down)}, "an earlier counter")
	}
	return out
}

// oneByte tries all values of each single byte of the MAC input.
func (i *Issuer) oneByte(p *payment, right *proof, psn string) (string, bool) {
	for n := range elementTable {
		f := &elementTable[n]
		value := f.get(&p.chip.elements)
		for at := range value {
			was := value[at]
			for v := 0; v < 256; v++ {
				value[at] = byte(v)
				if byte(v) != was && i.fitsValue(p, right, psn, f, value) {
					return fmt.Sprintf("%s %X, that is byte %d %02X instead of %02X: the %s changed after the card made the cryptogram",
						f.tag, value, at+1, v, was, f.name), true
				}
			}
			value[at] = was
		}
	}
	return "", false
}

// fitsValue tries one value of one element. Issuer application data decide
// about recipe and keys, so those are looked up again.
func (i *Issuer) fitsValue(p *payment, right *proof, psn string, f *element, value []byte) bool {
	if f.tag != emv.TagIAD {
		return fits(p, right, substitute{f, value, ""})
	}
	e := p.chip.elements
	e.IAD = value
	other, err := i.proveUncached(p, right, psn, &e)
	if err != nil {
		return false
	}
	got, err := other.recipe.GenerateWithSession(other.session, &e)
	return err == nil && got == p.chip.cryptogram
}

// proveUncached is prove for issuer application data that are only a guess:
// what it derives stays out of the key ring, and nothing is derived again that
// the guess leaves as it was.
func (i *Issuer) proveUncached(p *payment, right *proof, psn string, e *cryptogram.Elements) (*proof, error) {
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
		return nil, fmt.Errorf("no key set")
	}
	if other.set != right.set {
		if other.card, err = i.keys.card(other.set, p.pan, psn); err != nil {
			return nil, err
		}
	}
	if other.limited() {
		if other.index, err = keyIndexOf(e.IAD); err != nil {
			return nil, err
		}
	}
	switch {
	case other.set == right.set && recipe.Session == right.recipe.Session && other.index == right.index:
		other.session = right.session
	case other.limited():
		other.session, err = cryptogram.LimitedUseKey(other.card, other.index)
	default:
		other.session, err = cryptogram.SessionKey(other.card, recipe.Session, e.ATC, e.UnpredictableNumber)
	}
	return other, err
}
