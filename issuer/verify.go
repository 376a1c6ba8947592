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
	stepCryptogram   = "cryptogram"
	stepType         = "cryptogram type"
	stepVerification = "verification"
	stepRepeat       = "repeat"
	stepLimits       = "limits"
	stepContactless  = "contactless"
	stepMonitoring   = "monitoring"
	stepMaintenance  = "maintenance"
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
	pr, err := i.prove(p.scope, p.pan, psn, &p.chip.elements)
	if err != nil {
		p.refuse(WrongCryptogram)
		if report != nil {
			report.step(stepCryptogram, Failed, err.Error()+i.unknownRecipe(p, psn))
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
	chip := strings.HasPrefix(mode, "07") || strings.HasPrefix(mode, "05") || p.needsProof()
	switch {
	case p.advice:
		report.step(stepCryptogram, Skipped, "an advice without chip data")
	case p.refund():
		report.step(stepCryptogram, Skipped, "of a card a refund needs its number only")
	case chip:
		p.refuse(FormatError)
		report.step(stepCryptogram, Failed, "field 22 says that there is a cryptogram, but field 55 is missing")
	case p.byNumber():
		p.refuse(NotPermitted)
		report.step(stepCryptogram, Failed, "a token is paid with by its cryptogram, not by its number")
	case i.config.Fallback:
		report.step(stepCryptogram, Skipped, "no chip data; the configuration lets fallback pass")
		i.checkTrack(p, report)
	default:
		p.refuse(NotPermitted)
		report.step(stepCryptogram, Failed, "no chip data, and the configuration does not accept fallback")
	}
	if report != nil {
		report.Cryptogram = Skipped // refused or not, there was none to be wrong
	}
}

// sequence is the PAN sequence number as the message gives it: 5F34, else
// field 23, else the one the bank knows.
func (p *payment) sequence() string {
	switch {
	case p.chip != nil && p.chip.has&hasPSN != 0:
		return p.chip.sequence()
	case p.request.PANSequence != "":
		return p.request.PANSequence[1:]
	}
	return p.instrument.PSN
}

// prove finds recipe and keys for issuer application data. The error says what
// the bank does not have.
func (i *Issuer) prove(scope *Range, pan emv.PAN, psn string, e *cryptogram.Elements) (*proof, error) {
	iad := e.IAD
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
		return nil, fmt.Errorf("derivation key index %02X: range %s has the key sets %s", parsed.DKI, scope.masked(), i.config.describeSets(scope))
	}
	p := &proof{recipe: recipe, set: set}
	if p.card, err = i.keys.card(set, pan, psn); err != nil {
		return nil, err
	}
	base := p.card
	if p.limited() {
		if p.index, err = cryptogram.KeyIndexOf(iad); err != nil {
			return nil, err
		}
		if base, err = i.keys.limitedUse(set, pan, psn, p.index); err != nil {
			return nil, err
		}
	}
	p.session, err = recipe.SessionKey(base, e)
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
	master := checkValue(pr.set.AC)
	card := checkValue(pr.card)
	details := []Detail{
		{"key set", pr.set.Name, fmt.Sprintf("derivation key index %02X, issuer master key check value %s", pr.set.DKI, master)},
		{"card key", card, fmt.Sprintf("check value; %s of PAN %s, sequence number %s", pr.set.Method, p.pan.Masked(), psn)},
	}
	base := pr.card
	if pr.limited() {
		base = pr.session
		details = append(details, Detail{"key index", pr.index.String(), "names the limited-use key"})
	}
	steps, err := pr.recipe.Explain(base, &p.chip.elements, false)
	if err != nil {
		details = append(details, Detail{"explanation", err.Error(), ""})
	}
	for _, s := range steps {
		if name := strings.TrimSpace(s.Tag + " " + s.Name); name != "card key" {
			details = append(details, Detail{name, s.Value, s.Note})
		}
	}
	details = append(details, Detail{"expected", upperHex(want[:]), ""}, Detail{"received", upperHex(got[:]), ""})
	if want == got {
		kind, _, _ := p.chip.kind(p.scope.Scheme)
		report.step(stepCryptogram, OK, fmt.Sprintf("%s: the %s, computed again, is equal", pr.recipe.Name, kind), details...)
		return
	}
	report.step(stepCryptogram, Failed, fmt.Sprintf("%s: expected %X, received %X. %s", pr.recipe.Name, want, got, i.diagnose(p, pr, psn)), details...)
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
