package issuer

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tapsim/cryptogram"
	"tapsim/emv"
)

// Names of steps that code refers to.
const (
	stepCryptogram = "cryptogram"
	stepRepeat     = "repeat"
)

// proof is a cryptogram that was right, with what the answer to it needs.
type proof struct {
	recipe  cryptogram.Recipe
	set     *KeySet
	card    *cryptogram.Key // the card key, also with a limited-use key
	session *cryptogram.Key
	index   cryptogram.KeyIndex // of the limited-use key, where the recipe has one
}

// limited is true when the cryptogram was made with a limited-use key.
func (p *proof) limited() bool { return p.recipe.Session == cryptogram.SessionLimitedUse }

// checkCryptogram recomputes the application cryptogram from field 55 alone:
// the recipe by scheme and cryptogram version number, the master keys by the
// derivation key index, the card key from PAN and sequence number, each as the
// message says.
func (i *Issuer) checkCryptogram(p *payment, report *Report) {
	if p.chip == nil {
		i.withoutChip(p, report)
		return
	}
	psn := p.sequence()
	pr, err := i.prove(p.scope, p.pan, psn, p.chip.elements.IAD, &p.chip.elements)
	if err != nil {
		p.refuse(WrongCryptogram)
		if report != nil {
			report.step(stepCryptogram, Failed, err.Error())
		}
		return
	}
	want, err := pr.recipe.GenerateWithSession(pr.session, &p.chip.elements)
	if err != nil {
		p.refuse(WrongCryptogram)
		if report != nil {
			report.step(stepCryptogram, Failed, err.Error())
		}
		return
	}
	if want == p.chip.cryptogram {
		p.proof = pr
	} else {
		p.refuse(WrongCryptogram)
	}
	if report != nil {
		i.reportCryptogram(p, pr, psn, want, report)
	}
}

// withoutChip judges a message that brings no chip data.
func (i *Issuer) withoutChip(p *payment, report *Report) {
	mode := p.request.EntryMode
	chip := strings.HasPrefix(mode, "07") || strings.HasPrefix(mode, "05")
	switch {
	case p.advice:
		report.step(stepCryptogram, Skipped, "an advice without chip data")
	case chip:
		p.refuse(FormatError)
		report.step(stepCryptogram, Failed, "field 22 says chip, but field 55 is missing")
	case i.config.Fallback:
		report.step(stepCryptogram, Skipped, "no chip data; the configuration lets fallback pass")
	default:
		p.refuse(NotPermitted)
		report.step(stepCryptogram, Failed, "no chip data, and the configuration does not accept fallback")
	}
}

// sequence is the PAN sequence number as the message gives it: 5F34, else
// field 23, else the one the bank knows.
func (p *payment) sequence() string {
	switch {
	case p.chip != nil && p.chip.has&hasPSN != 0:
		return fmt.Sprintf("%02X", p.chip.psn)
	case p.request.PANSequence != "":
		return p.request.PANSequence[1:]
	}
	return p.instrument.PSN
}

// prove finds recipe and keys for issuer application data. The error says what
// the bank does not have.
func (i *Issuer) prove(scope *Range, pan emv.PAN, psn string, iad []byte, e *cryptogram.Elements) (*proof, error) {
	recipe, err := cryptogram.RecipeFor(scope.Scheme, iad)
	if err != nil {
		return nil, err
	}
	parsed, err := emv.ParseIAD(scope.Scheme, iad)
	if err != nil {
		return nil, err
	}
	set := i.config.keySetFor(scope, parsed.DKI)
	if set == nil {
		return nil, fmt.Errorf("derivation key index %02X: range %s has the key sets %s", parsed.DKI, scope.Prefix, i.config.describeSets(scope))
	}
	p := &proof{recipe: recipe, set: set}
	if p.card, err = i.keys.card(set, pan, psn); err != nil {
		return nil, err
	}
	base := p.card
	if p.limited() {
		if p.index, err = keyIndexOf(iad); err != nil {
			return nil, err
		}
		if base, err = i.keys.limitedUse(set, pan, psn, p.index); err != nil {
			return nil, err
		}
	}
	p.session, err = cryptogram.SessionKey(base, recipe.Session, e.ATC, e.UnpredictableNumber)
	return p, err
}

func (c *Config) describeSets(r *Range) string {
	names := make([]string, len(r.KeySets))
	for n, name := range r.KeySets {
		names[n] = fmt.Sprintf("%s (%02X)", name, c.keySet(name).DKI)
	}
	return strings.Join(names, ", ")
}

// reportCryptogram explains the check value by value.
func (i *Issuer) reportCryptogram(p *payment, pr *proof, psn string, want cryptogram.Cryptogram, report *Report) {
	got := p.chip.cryptogram
	input, _ := pr.recipe.AppendInput(nil, &p.chip.elements)
	details := []Detail{
		{"recipe", pr.recipe.Name, "pinned by: " + pr.recipe.Evidence},
		{"key set", pr.set.Name, fmt.Sprintf("derivation key index %02X, master key check value %s", pr.set.DKI, checkValue(pr.set.AC))},
		{"card key", checkValue(pr.card), "check value, for " + p.pan.Masked() + " sequence number " + psn},
	}
	if pr.limited() {
		details = append(details, Detail{"limited-use key", checkValue(pr.session), "check value, key index " + pr.index.String()})
	} else {
		details = append(details, Detail{"session key", checkValue(pr.session), "check value, method " + pr.recipe.Session.String()})
	}
	details = append(details, elementDetails(&p.chip.elements)...)
	details = append(details,
		Detail{"MAC input", upperHex(input), layoutText(pr.recipe.Layout)},
		Detail{"padding", fmt.Sprint(int(pr.recipe.Padding)), "method of ISO/IEC 9797-1"},
		Detail{"expected", upperHex(want[:]), ""},
		Detail{"received", upperHex(got[:]), ""})
	if want == got {
		report.step(stepCryptogram, OK, fmt.Sprintf("%s: %s computed again, equal", pr.recipe.Name, p.chip.kind(p.scope.Scheme)), details...)
		return
	}
	report.step(stepCryptogram, Failed, fmt.Sprintf("%s: expected %X, received %X. %s", pr.recipe.Name, want, got, i.diagnose(p, pr, psn)), details...)
}

// elementDetails lists the ten elements and the issuer application data.
func elementDetails(e *cryptogram.Elements) []Detail {
	var out []Detail
	for n := range elementTable {
		f := &elementTable[n]
		out = append(out, Detail{f.tag.String(), upperHex(f.get(e)), f.name})
	}
	return out
}

// element is access to one element of the MAC input, for reports and for the
// search of what went wrong.
type element struct {
	tag  emv.Tag
	name string
	get  func(*cryptogram.Elements) []byte // a copy
	set  func(*cryptogram.Elements, []byte)
}

func bytesElement(tag emv.Tag, name string, field func(*cryptogram.Elements) []byte) element {
	return element{
		tag: tag, name: name,
		get: func(e *cryptogram.Elements) []byte { return append([]byte(nil), field(e)...) },
		set: func(e *cryptogram.Elements, v []byte) { copy(field(e), v) },
	}
}

// elementTable is the MAC input in its order.
var elementTable = [...]element{
	bytesElement(emv.TagAmount, "amount, authorised", func(e *cryptogram.Elements) []byte { return e.Amount[:] }),
	bytesElement(emv.TagAmountOther, "amount, other", func(e *cryptogram.Elements) []byte { return e.AmountOther[:] }),
	bytesElement(emv.TagTerminalCountry, "terminal country code", func(e *cryptogram.Elements) []byte { return e.TerminalCountry[:] }),
	bytesElement(emv.TagTVR, "terminal verification results", func(e *cryptogram.Elements) []byte { return e.TVR[:] }),
	bytesElement(emv.TagTransactionCurrency, "transaction currency code", func(e *cryptogram.Elements) []byte { return e.Currency[:] }),
	bytesElement(emv.TagTransactionDate, "transaction date", func(e *cryptogram.Elements) []byte { return e.Date[:] }),
	{emv.TagTransactionType, "transaction type",
		func(e *cryptogram.Elements) []byte { return []byte{e.Type} },
		func(e *cryptogram.Elements, v []byte) { e.Type = v[0] }},
	bytesElement(emv.TagUnpredictableNumber, "unpredictable number", func(e *cryptogram.Elements) []byte { return e.UnpredictableNumber[:] }),
	bytesElement(emv.TagAIP, "application interchange profile", func(e *cryptogram.Elements) []byte { return e.AIP[:] }),
	{emv.TagATC, "application transaction counter",
		func(e *cryptogram.Elements) []byte { return []byte{byte(e.ATC >> 8), byte(e.ATC)} },
		func(e *cryptogram.Elements, v []byte) { e.ATC = uint16(v[0])<<8 | uint16(v[1]) }},
	{emv.TagIAD, "issuer application data",
		func(e *cryptogram.Elements) []byte { return append([]byte(nil), e.IAD...) },
		func(e *cryptogram.Elements, v []byte) { e.IAD = append([]byte(nil), v...) }},
}

var layoutNames = map[cryptogram.Layout]string{
	cryptogram.LayoutCVR:         "ten elements and the card verification results",
	cryptogram.LayoutCVRCounters: "ten elements, card verification results and counters",
	cryptogram.LayoutIAD:         "ten elements and the whole issuer application data",
	cryptogram.LayoutShort:       "9F02, 9F37, 9F36 and the second byte of the card verification results",
}

func layoutText(l cryptogram.Layout) string { return layoutNames[l] }

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
